"""The reports: what managers see of whether loops close, and where they stick. docs/numbers.md says of each figure exactly what it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from domain.badge import badge
from domain.errors import LoopkeeperError
from domain.figures_told import told
from domain.histograms import percentile
from domain.policy import Policy
from domain.report import Column, Figure, Kind, Picture, Report, Row, Table, Unit, Value, Wanted
from domain.report_parts import (
    CASE_SHARES,
    CLOCKS,
    PERCENTILES,
    SPANS,
    Counts,
    by_week,
    clock_columns,
    figures_of,
    kept,
    loops,
    naming,
    percentiles,
    share,
    total,
    weekly,
)
from domain.report_people import departments, staffing, topics
from domain.sentences import Number, joined, known, say
from domain.sums import Sums

KINDS = (
    Kind("overview", say("Overview"), say("The figures that say whether loops close, each against as many days before.")),
    Kind("volume", say("Volume"), say("How many cases come in: by week, channel, category, weekday and hour.")),
    Kind("in-time", say("In time"), say("How often each clock was kept, of all that have ended or run out.")),
    Kind(
        "times",
        say("How long it takes"),
        say("From the customer's first post: the median, and what nine and ninety-nine of a hundred do not exceed."),
    ),
    Kind("loops", say("Loops"), say("How loops end, which promises were kept, what was reopened, and who said thanks.")),
    Kind("departments", say("Departments and owners"), say("The same figures by department and by owner.")),
    Kind("topics", say("Rising topics"), say("What customers write about more than in the same weeks before.")),
    Kind(
        "badge",
        say("Facebook badge"),
        say("90 % of posts answered within 15 minutes, over seven days: where that stands, and where it is going."),
    ),
    Kind("staffing", say("Staffing"), say("When posts come in, and when cases that come in then are accepted late.")),
)


class NoSuchReport(LoopkeeperError):
    """There is no report of that name."""


def make(name: str, sums: Sums, wanted: Wanted, policy: Policy) -> Report:
    """The report of that name. Raises NoSuchReport."""
    kind = next((kind for kind in KINDS if kind.name == name), None)
    if kind is None:
        raise NoSuchReport(say("there is no report '{name}'; there are: {what}", name=name, what=", ".join(kind.name for kind in KINDS)))
    made = _MAKERS[name](sums, wanted, policy)
    return Report(kind.name, kind.title, kind.about, wanted, made.figures, made.tables, made.says, sums.as_of())


def unknown(wanted: Wanted, sums: Sums, policy: Policy) -> str | None:
    """Which name in the filter neither the policy nor any case has, for programs; a slip would be told as "no cases"."""
    triage = policy.triage
    named: dict[str, Collection[str]] = {"brand": policy.brands, "channel": policy.channels, "department": policy.departments}
    for what, there in (named | {"category": (*triage.categories, triage.otherwise)}).items():
        value: str | None = getattr(wanted, what)
        if value is not None and value not in there and value not in (had := sums.known(what)):
            return f"{what}: there is no '{value[:40]}'; there are: {', '.join(sorted({*there, *had}))}"
    return None


# --- the reports ------------------------------------------------------------------------------------------------------


def _overview(sums: Sums, wanted: Wanted, policy: Policy) -> Report:
    now, before = total(sums, wanted), total(sums, wanted.before())
    shares = figures_of(
        now, before, "opened", "open", "acknowledge", "holding_update", "resolve", "promises", "closed_in_public", "reopened", "thanked"
    )
    figures = (*shares[:2], *_medians(sums, wanted, "acknowledge", "resolve_working"), *shares[2:])
    tables = (_volume_by_week(sums, wanted, policy), _in_time_by_week(sums, wanted), _in_time_by(sums, wanted, policy, "department"))
    return Report("", "", "", wanted, figures, tables, _in_short(now, tables[2]))


def _in_short(now: Counts, departments: Table) -> str:
    if not now["opened"]:
        return say("No case in these days.")
    place, _ = departments.column("resolve")
    weak = [(row.cells[place], row.cells[0]) for row in departments.rows if isinstance(row.cells[place], float)]
    closed = share(now["closed"], loops(now))
    still = Number(now["still_open"])
    if closed is None:
        said = (
            say("No loop was owed, {open} cases are still open.", open=still)
            if now["still_open"]
            else say("No loop was owed, and nothing is open any more.")
        )
    else:
        values = {"closed": Number(now["closed"]), "loops": Number(loops(now)), "share": told(closed, Unit.SHARE)}
        if now["still_open"]:
            said = say("{closed} of {loops} loops are closed ({share}), {open} cases are still open.", open=still, **values)
        else:
            said = say("{closed} of {loops} loops are closed ({share}), and nothing is open any more.", **values)
    if len(weak) > 1:
        least, where = min(weak, key=lambda one: (one[0], one[1]))
        if isinstance(least, float) and least < 0.9:
            return joined(" ", [said, say("{where} resolves least in time ({least}).", where=where, least=told(least, Unit.SHARE))])
    return said


def _volume_by_week(sums: Sums, wanted: Wanted, policy: Policy) -> Table:
    counted = sums.days(wanted, "week", "channel")
    channels = sorted({channel for _, channel in counted}, key=lambda c: (-sum(n["opened"] for (_, k), n in counted.items() if k == c), c))
    name = naming(policy, "channel")
    columns = [Column(channel, name(channel), Unit.COUNT, {"channel": channel}) for channel in channels]

    def cells(key: tuple[Any, ...]) -> list[Value]:
        return [counted.get((*key, channel), {}).get("opened", 0) for channel in channels]

    says = say("One bar a week, from the bottom in the order of the key; pale ones are of weeks of which not all days were chosen.")
    return by_week(wanted, "by_week", say("Cases by week and channel"), columns, cells, Picture("stack", says, tuple(channels)))


def _volume(sums: Sums, wanted: Wanted, policy: Policy) -> Report:
    now, before = total(sums, wanted), total(sums, wanted.before())
    cells = sums.days(wanted, "category", "channel")
    channels, categories = sorted({k[1] for k in cells}), sorted({k[0] for k in cells})
    name = naming(policy, "channel")
    columns = [Column(channel, name(channel), Unit.COUNT, {"channel": channel}) for channel in channels]
    rows = tuple(
        Row(
            (naming(policy, "category")(category), *(cells.get((category, c), {}).get("opened", 0) for c in channels)),
            {"category": category},
        )
        for category in categories
    )
    says = say("The darker a field, the more cases of that category came in on that channel.")
    table = Table(
        "by_channel", say("Cases by category and channel"), (Column("category", say("Category"), Unit.TEXT), *columns), rows,
        Picture("heat", says, tuple(channels)),
    )  # fmt: skip
    hours = sums.hours(wanted, "hour", "weekday")
    posts = sum(n["posts"] for n in hours.values())
    figures = (
        *figures_of(now, before, "opened", "open"),
        Figure("posts", say("Posts of customers"), posts, note=say("the first ones and those that followed")),
        Figure(
            "without_loop", say("Nothing to answer"), now["without_loop"], note=say("spam, abuse, merged"), cases={"which": "without_loop"}
        ),
    )
    heat = weekly("by_hour", say("Cases by hour and weekday"), lambda h, d: hours.get((h, d), {}).get("opened", 0), Unit.COUNT,
                   say("The darker a field, the more cases came in in that hour, by the clock of the brand."))  # fmt: skip
    return Report("", "", "", wanted, figures, (_volume_by_week(sums, wanted, policy), table, heat))


def _in_time_by_week(sums: Sums, wanted: Wanted) -> Table:
    counted = sums.days(wanted, "week")
    clocks = ("acknowledge", "holding_update", "resolve")

    def cells(key: tuple[Any, ...]) -> list[Value]:
        return [kept(counted[key], clock) if key in counted else None for clock in clocks]

    says = say("The share that was in time, by the week in which the cases came in. The dotted line is at 90 %.")
    return by_week(wanted, "in_time_by_week", say("In time, by week"), clock_columns(*clocks), cells, Picture("lines", says, clocks, 0.9))


def _in_time_by(sums: Sums, wanted: Wanted, policy: Policy, what: str) -> Table:
    counted = sums.days(wanted, what)
    name, clocks = naming(policy, what), ("acknowledge", "accept", "holding_update", "resolve")
    rows = tuple(Row((name(key), *(kept(n, c) for c in clocks)), {what: key}) for (key,), n in counted.items())
    says = say("The longer a bar, the more was in time. The line across is at 90 %.")
    columns = (Column(what, known(what.capitalize()), Unit.TEXT), *clock_columns(*clocks))
    return Table(
        f"in_time_by_{what}",
        say("In time, by {what}", what=known(what)),
        columns,
        rows,
        Picture("bars", says, ("acknowledge", "accept", "resolve"), 0.9),
    )


def _in_time(sums: Sums, wanted: Wanted, policy: Policy) -> Report:
    now, before = total(sums, wanted), total(sums, wanted.before())
    rows = tuple(
        Row((title, now[f"{clock}_kept"], now[f"{clock}_late"], kept(now, clock)), {"which": f"late_{clock}"})
        for clock, title in CLOCKS.items()
    )
    columns = (
        Column("clock", say("Clock"), Unit.TEXT),
        Column("kept", say("In time")),
        Column("late", say("Late"), cases={}),
        Column("share", say("Share in time"), Unit.SHARE),
    )
    says = say("One bar a clock: the share of its cycles that was in time. The line across is at 90 %.")
    table = Table("by_clock", say("In time, by clock"), columns, rows, Picture("bars", says, ("share",), 0.9))
    tables = (
        table,
        _in_time_by_week(sums, wanted),
        *(_in_time_by(sums, wanted, policy, what) for what in ("channel", "department", "category")),
    )
    return Report("", "", "", wanted, figures_of(now, before, *CLOCKS), tables)


def _times(sums: Sums, wanted: Wanted, policy: Policy) -> Report:
    whole = sums.times(wanted).get((), {})
    rows = tuple(Row((title, *percentiles(whole.get(span, {})))) for span, title in SPANS.items())
    spans = Table("by_span", say("How long it takes"), (Column("span", say("What"), Unit.TEXT), *PERCENTILES), rows)
    weeks = sums.times(wanted, "week")
    tables = [spans]
    for span in ("acknowledge", "accept_working", "resolve_working"):

        def cells(key: tuple[Any, ...], span: str = span) -> tuple[Value, ...]:
            return percentiles(weeks.get(key, {}).get(span, {}))

        says = say("By the week in which the cases came in: half of them took no longer than the median, nine of ten no longer than p90.")
        picture = Picture("lines", says, ("median", "p90"))
        tables.append(by_week(wanted, f"{span}_by_week", say("{span}, by week", span=SPANS[span]), PERCENTILES, cells, picture))
    times = {what: sums.times(wanted, what) for what in ("channel", "department")}
    for what, span in (("channel", "acknowledge"), ("department", "accept_working"), ("department", "resolve_working")):
        name, counted = naming(policy, what), times[what]
        rows = tuple(Row((name(key), *percentiles(n.get(span, {}))), {what: key}) for (key,), n in counted.items() if n.get(span))
        columns = (Column(what, known(what.capitalize()), Unit.TEXT), *PERCENTILES)
        picture = Picture("bars", say("The shorter a bar, the sooner: the median, and what nine of ten do not exceed."), ("median", "p90"))
        tables.append(Table(f"{span}_by_{what}", say("{span}, by {what}", span=SPANS[span], what=known(what)), columns, rows, picture))
    figures = _medians(sums, wanted, "acknowledge", "accept_working", "resolve_working", "resolve")
    return Report("", "", "", wanted, figures, tuple(tables))


def _medians(sums: Sums, wanted: Wanted, *spans: str) -> tuple[Figure, ...]:
    now, before = (sums.times(during).get((), {}) for during in (wanted, wanted.before()))
    middle = {span: (percentile(now.get(span, {}), 0.5), percentile(before.get(span, {}), 0.5)) for span in spans}
    return tuple(
        Figure(f"{span}_median", SPANS[span], median, Unit.SECONDS, then, "badly", say("median")) for span, (median, then) in middle.items()
    )


def _loops(sums: Sums, wanted: Wanted, policy: Policy) -> Report:
    now, before = total(sums, wanted), total(sums, wanted.before())
    elsewhere = now["closed"] - now["closed_in_public"] - now["waived"]
    ends = (
        (say("By a public thank-you"), now["closed_in_public"] - now["by_closing_note"], "thanked_in_public"),
        (say("By a public closing note"), now["by_closing_note"], "by_closing_note"),
        (say("Elsewhere: phone, letter"), elsewhere, "closed_elsewhere"),
        (say("Waived, with a reason"), now["waived"], "waived"),
        (say("Not closed yet"), loops(now) - now["closed"], "not_closed"),
        (say("Nothing to answer"), now["without_loop"], "without_loop"),
    )
    rows = tuple(Row((title, count, share(count, now["opened"])), {"which": which}) for title, count, which in ends)
    columns = (
        Column("end", say("How the loop ended"), Unit.TEXT),
        Column("cases", say("Cases"), cases={}),
        Column("share", say("Share"), Unit.SHARE),
    )
    ending = Table("by_end", say("How loops end"), columns, rows, Picture("bars", say("One bar a way to end: how many cases."), ("cases",)))
    weeks = sums.days(wanted, "week")

    def cells(key: tuple[Any, ...]) -> list[Value]:
        return [of(weeks[key]) if key in weeks else None for _, of, _ in CASE_SHARES.values()]

    shares = [Column(key, title, Unit.SHARE, {"which": which}) for key, (title, _, which) in CASE_SHARES.items()]
    says = say("Shares by the week in which the cases came in. Promises and public closings should be high, reopened cases few.")
    by_weeks = by_week(wanted, "loops_by_week", say("Loops, by week"), shares, cells, Picture("lines", says, tuple(CASE_SHARES)))
    tables = [ending, by_weeks]
    for what in ("department", "channel"):
        name = naming(policy, what)
        rows = tuple(
            Row((name(key), n["opened"], *(of(n) for _, of, _ in CASE_SHARES.values())), {what: key})
            for (key,), n in sums.days(wanted, what).items()
        )
        heads = (Column(what, known(what.capitalize()), Unit.TEXT), Column("cases", say("Cases"), cases={}), *shares)
        picture = Picture(
            "bars", say("The longer a bar, the better: promises kept, and loops closed in public."), ("promises", "closed_in_public"), 0.9
        )
        tables.append(Table(f"loops_by_{what}", say("Loops, by {what}", what=known(what)), heads, rows, picture))
    figures = (
        *figures_of(now, before, "promises", "closed_in_public", "reopened", "thanked"),
        Figure("thanks_answered", say("Thanks answered"), share(now["thanks_answered"], now["thanks"]), Unit.SHARE,
               share(before["thanks_answered"], before["thanks"]), "well", say("of {count} times that customers said thanks",
                   count=Number(now["thanks"]))),
    )  # fmt: skip
    return Report("", "", "", wanted, figures, tuple(tables))


def _badge(sums: Sums, wanted: Wanted, policy: Policy) -> Report:
    return badge(sums, wanted, [name for name, channel in policy.channels.items() if channel.network.casefold() == "facebook"])


_MAKERS: Mapping[str, Callable[[Sums, Wanted, Policy], Report]] = {
    "overview": _overview,
    "volume": _volume,
    "in-time": _in_time,
    "times": _times,
    "loops": _loops,
    "departments": departments,
    "topics": topics,
    "badge": _badge,
    "staffing": staffing,
}
