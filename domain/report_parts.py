"""The parts that reports share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from domain.histograms import percentile
from domain.policy import Policy
from domain.report import Column, Figure, Picture, Row, Sought, Table, Unit, Value, Wanted
from domain.sentences import Number, known, say
from domain.sums import Sums

ONE_DAY, ONE_WEEK = timedelta(days=1), timedelta(days=7)
WEEKDAYS = (say("Monday"), say("Tuesday"), say("Wednesday"), say("Thursday"), say("Friday"), say("Saturday"), say("Sunday"))
CLOCKS = {
    "acknowledge": say("Acknowledged in time"),
    "accept": say("Accepted in time"),
    "holding_update": say("Updated in time"),
    "next_reply": say("Answered again in time"),
    "resolve": say("Resolved in time"),
    "thank_you": say("Thanked in time"),
}
SPANS = {
    "acknowledge": say("To acknowledge"),
    "accept": say("To accept"),
    "accept_working": say("To accept, working time"),
    "resolve": say("To resolve"),
    "resolve_working": say("To resolve, working time"),
    "close": say("To close"),
}
Counts = Mapping[str, int]


def share(part: int, whole: int) -> float | None:
    """A part of a whole; None of nothing."""
    return part / whole if whole > 0 else None


def kept(counts: Counts, clock: str) -> float | None:
    """The share of a clock's cycles that were kept."""
    return share(counts[f"{clock}_kept"], counts[f"{clock}_kept"] + counts[f"{clock}_late"])


def loops(counts: Counts) -> int:
    """Cases that owe the customer a loop."""
    return counts["opened"] - counts["without_loop"]


CASE_SHARES: Mapping[str, tuple[str, Callable[[Counts], float | None], str]] = {
    "closed_in_public": (say("Closed in public"), lambda n: share(n["closed_in_public"], n["closed"]), "closed_in_public"),
    "promises": (say("Promises kept"), lambda n: share(n["promises_kept"], n["promises_kept"] + n["promises_broken"]), "broken"),
    "reopened": (say("Reopened"), lambda n: share(n["reopened"], n["ever_closed"]), "reopened"),
    "thanked": (say("Said thanks"), lambda n: share(n["thanked"], n["closed"]), "thanked"),
}


def total(sums: Sums, wanted: Wanted) -> Counts:
    """The sums over all cases wanted."""
    return sums.days(wanted)[()]


def weeks_of(wanted: Wanted) -> list[date]:
    """The Mondays of the weeks that the days wanted lie in."""
    first = wanted.first - timedelta(days=wanted.first.weekday())
    return [first + n * ONE_WEEK for n in range((wanted.last - first).days // 7 + 1)]


def of_week(wanted: Wanted, monday: date) -> Sought:
    """The days wanted of a week."""
    return {"from": max(monday, wanted.first).isoformat(), "to": min(monday + 6 * ONE_DAY, wanted.last).isoformat()}


def by_week(
    wanted: Wanted, name: str, title: str, columns: Sequence[Column], cells: Callable[[tuple[Any, ...]], Sequence[Value]], picture: Picture
) -> Table:
    """A table with a row for each week."""
    rows = tuple(Row((monday, *cells((monday,))), of_week(wanted, monday)) for monday in weeks_of(wanted))
    return Table(name, title, (Column("week", say("Week from"), Unit.DAY), *columns), rows, picture)


def naming(policy: Policy, what: str) -> Callable[[str], str]:
    """How a department or channel is called on screen; a category is its own name."""

    def name(handle: str) -> str:
        if what == "department" and handle in policy.departments:
            return policy.departments[handle].name
        if what == "channel" and handle in policy.channels:
            return policy.channels[handle].network
        return known(handle.replace("_", " ").capitalize())

    return name


def percentiles(counted: Mapping[int, int]) -> tuple[Value, ...]:
    """How many, their median, and what nine and ninety-nine of a hundred do not exceed."""
    return sum(counted.values()), percentile(counted, 0.5), percentile(counted, 0.9), percentile(counted, 0.99)


PERCENTILES = (
    Column("cases", say("Cases")),
    Column("median", say("Median"), Unit.SECONDS),
    Column("p90", say("p90: nine of ten"), Unit.SECONDS),
    Column("p99", say("p99: 99 of 100"), Unit.SECONDS),
)


def clock_columns(*clocks: str) -> list[Column]:
    """A column for each clock: the share that was in time."""
    return [Column(clock, CLOCKS[clock], Unit.SHARE, {"which": f"late_{clock}"}) for clock in clocks]


def figures_of(now: Counts, before: Counts, *wanted: str) -> tuple[Figure, ...]:
    """These figures, each against the time before."""
    found: dict[str, Figure] = {
        "opened": Figure("opened", say("Cases"), now["opened"], Unit.COUNT, before["opened"], "neither", cases={}),
        "open": Figure("open", say("Still open"), now["still_open"], Unit.COUNT, None, "badly", cases={"which": "open"}),
    }
    for clock, title in CLOCKS.items():
        late = now[f"{clock}_late"]
        note = say("{count} late", count=Number(late)) if late else ""
        found[clock] = Figure(clock, title, kept(now, clock), Unit.SHARE, kept(before, clock), "well", note, {"which": f"late_{clock}"})
    for key, (named, of, which) in CASE_SHARES.items():
        rises = "badly" if key == "reopened" else "well"
        found[key] = Figure(key, named, of(now), Unit.SHARE, of(before), rises, "", {"which": which})  # type: ignore[arg-type] # a literal
    return tuple(found[key] for key in wanted)


def weekly(name: str, title: str, cell: Callable[[int, int], Value], unit: Unit, says: str, which: Sought | None = None) -> Table:
    """Hours down, weekdays across."""
    columns = [Column(day.lower(), day, unit, {"weekday": str(n), **(which or {})}) for n, day in enumerate(WEEKDAYS, start=1)]
    rows = tuple(Row((f"{hour:02}:00", *(cell(hour, day) for day in range(1, 8))), {"hour": str(hour)}) for hour in range(24))
    return Table(
        name, title, (Column("hour", say("Hour"), Unit.TEXT), *columns), rows, Picture("heat", says, tuple(c.key for c in columns))
    )
