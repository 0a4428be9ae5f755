"""The reports that say what to do about it: who is behind, what is coming up, when people are missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from domain.histograms import percentile
from domain.policy import Policy
from domain.report import Column, Picture, Report, Row, Table, Unit, Value, Wanted
from domain.report_parts import ONE_DAY, ONE_WEEK, WEEKDAYS, Counts, clock_columns, kept, naming, share, weekly
from domain.sentences import Number, say, say_n
from domain.sums import Sums
from domain.topics import AT_LEAST, WEEKS_BEFORE, Rising, rising

OF_OWNERS = "by_owner"
"""The table of figures of single people. Who sees it is a right of its own."""


def without_owners(made: Report) -> Report:
    """The report as whoever may not see figures of single people sees it."""
    tables = tuple(table for table in made.tables if table.name != OF_OWNERS)
    return made if len(tables) == len(made.tables) else replace(made, tables=tables, about=_HIDDEN)


_HIDDEN = "The same figures by department. Figures of single owners are about how people work, so only leads and admins see them."


def departments(sums: Sums, wanted: Wanted, policy: Policy) -> Report:
    """By department and by owner."""
    name = naming(policy, "department")
    columns = (
        Column("cases", say("Cases"), cases={}),
        Column("open", say("Open"), cases={"which": "open"}),
        *clock_columns("accept", "holding_update", "resolve"),
        Column("accept_median", say("Accepted within"), Unit.SECONDS),
        Column("resolve_median", say("Resolved within"), Unit.SECONDS),
        Column("promises", say("Promises kept"), Unit.SHARE, {"which": "broken"}),
        Column("reopened", say("Reopened"), Unit.COUNT, {"which": "reopened"}),
        Column("thanked", say("Said thanks"), Unit.COUNT, {"which": "thanked"}),
    )

    def cells(n: Counts, times: Mapping[str, Mapping[int, int]]) -> tuple[Value, ...]:
        return (
            n["opened"],
            n["still_open"],
            *(kept(n, clock) for clock in ("accept", "holding_update", "resolve")),
            percentile(times.get("accept_working", {}), 0.5),
            percentile(times.get("resolve_working", {}), 0.5),
            share(n["promises_kept"], n["promises_kept"] + n["promises_broken"]),
            n["reopened"],
            n["thanked"],
        )

    times = sums.times(wanted, "department")
    rows = tuple(
        Row((name(key), *cells(n, times.get((key,), {}))), {"department": key}) for (key,), n in sums.days(wanted, "department").items()
    )
    about = say("A case counts where it is now. “Within” is the median, in the department's working time.")
    picture = Picture(
        "bars", say("The longer a bar, the more was in time. The line across is at 90 %."), ("accept", "holding_update", "resolve"), 0.9
    )
    by_department = Table(
        "by_department", say("By department"), (Column("department", say("Department"), Unit.TEXT), *columns), rows, picture, about
    )
    counted, took = sums.owners(wanted, "department", "owner"), sums.owner_times(wanted, "department", "owner")
    people = sums.people(owner for _, owner in counted)
    rows = tuple(
        Row((people.get(owner, owner), name(dep), *cells(n, took.get((dep, owner), {}))), {"department": dep, "owner": owner})
        for (dep, owner), n in sorted(counted.items(), key=lambda one: (one[0][0], -one[1]["opened"]))
        if owner
    )
    owners = Table(
        OF_OWNERS, say("By owner"), (Column("owner", say("Owner"), Unit.TEXT), Column("department", say("Department"), Unit.TEXT),
            *columns), rows,
        about=say("Who accepted it last. Few cases say little of a person: look at the cases before you draw conclusions. A "
            "channel or a category that was chosen does not narrow this table."),
    )  # fmt: skip
    return Report("", "", "", wanted, (), (by_department, owners))


def topics(sums: Sums, wanted: Wanted, policy: Policy) -> Report:
    """What rises against the same weeks before."""
    day, weeks = wanted.last, range(1, WEEKS_BEFORE + 1)
    ago = [day - n * ONE_WEEK for n in weeks]
    found = rising(sums.terms(wanted, day), [sums.terms(wanted, then) for then in ago])
    earlier = [Column(f"before_{n}", say_n("{count} week before", "{count} weeks before", n)) for n in weeks]
    after = (Column("usual", say("In a usual week"), Unit.MEAN), *earlier)
    words = Table(
        "words", say("Words that rise"), (Column("term", say("Word"), Unit.TEXT), Column("now", say("Customers now")), *after),
        tuple(Row((one.term, one.now, one.usual, *one.before)) for one in found),
        Picture("bars", say("How many customers used a word in the last seven days, and in a usual week. What rose most is "
            "first."), _COMPARED),
        say("In the first posts of the seven days that end with the last day chosen. Words of fewer than five customers are never "
            "kept, so that none can say who somebody is; only the brand narrows this table."),
    )  # fmt: skip
    counted = {then: sums.days(wanted.during(then - 6 * ONE_DAY, then), "category") for then in (day, *ago)}
    compared = []
    for category in sorted({key for n in counted.values() for (key,) in n}):
        now, *before = (counted[then].get((category,), {}).get("opened", 0) for then in (day, *ago))
        compared.append(Rising(category, now, tuple(before)))
    that_week = {"from": (day - 6 * ONE_DAY).isoformat(), "to": day.isoformat()}
    name = naming(policy, "category")
    categories = Table(
        "categories", say("Categories against the weeks before"),
        (Column("category", say("Category"), Unit.TEXT), Column("now", say("Cases now"), cases={}), *after),
        tuple(
            Row((name(one.term), one.now, one.usual, *one.before), {"category": one.term, **that_week})
            for one in sorted(compared, key=lambda one: (one.usual - one.now, one.term))
        ),
        Picture("bars", say("How many cases came in in the last seven days, and in a usual week. What rose most comes first."), _COMPARED),
    )  # fmt: skip
    if wanted.only is not None:  # words are not counted by department
        return Report("", "", "", wanted, (), (categories,))
    return Report("", "", "", wanted, (), (words, categories), _rises_most(found))


_COMPARED = ("now", "usual")


def _rises_most(found: Sequence[Rising]) -> str:
    if not found:
        return say("No word rises above the usual.")
    top = found[0]
    usual = (
        say("usually {usual}", usual=Number(top.usual))
        if top.usual >= AT_LEAST
        else say("usually fewer than {at_least}", at_least=AT_LEAST)
    )
    return say("“{term}” rises most: {now} customers in seven days, {usual}.", term=top.term, now=top.now, usual=usual)


def staffing(sums: Sums, wanted: Wanted, policy: Policy) -> Report:
    """When posts come in, and when what comes in is taken up late."""
    del policy
    hours = sums.hours(wanted, "hour", "weekday")
    began = min((day for (day,) in sums.days(wanted, "day")), default=wanted.first)
    every = [began + n * ONE_DAY for n in range((wanted.last - began).days + 1)]
    times = {weekday: sum(day.isoweekday() == weekday for day in every) for weekday in range(1, 8)}

    def posts(hour: int, day: int) -> Value:
        return hours.get((hour, day), {}).get("posts", 0) / times[day] if times[day] else None

    def late(hour: int, day: int) -> Value:
        n = hours.get((hour, day))
        of = 0 if n is None else n["accept_kept"] + n["accept_late"]
        return None if n is None or of < FEW else share(n["accept_late"], of)

    coming = weekly(
        "posts",
        say("Posts that come in"),
        posts,
        Unit.MEAN,
        say("The darker a field, the more posts customers write in such an hour, on average."),
    )
    says = say("The darker a field, the more of the cases that came in then were accepted late: people are missing then, or soon after.")
    lates = weekly("late", say("Accepted late"), late, Unit.SHARE, says, {"which": "late_accept"})
    rows = tuple(_hour_row(hour, [(hours.get((hour, day), {}), times[day]) for day in range(1, 8)]) for hour in range(24))
    columns = (
        Column("hour", say("Hour"), Unit.TEXT),
        Column("posts", say("Posts a day"), Unit.MEAN),
        Column("late", say("Accepted late"), Unit.COUNT, {"which": "late_accept"}),
    )
    by_hour = Table(
        "by_hour",
        say("By hour of the day"),
        columns,
        rows,
        Picture("bars", say("One bar an hour: how many posts come in a day."), ("posts",)),
    )
    return Report("", "", "", wanted, (), (coming, lates, by_hour), _missing_most(hours))


def _hour_row(hour: int, days: Iterable[tuple[Counts, int]]) -> Row:
    listed = list(days)
    posts, number = sum(n.get("posts", 0) for n, _ in listed), sum(times for _, times in listed)
    return Row((f"{hour:02}:00", posts / number if number else None, sum(n.get("accept_late", 0) for n, _ in listed)), {"hour": str(hour)})


def _missing_most(hours: Mapping[tuple[Any, ...], Counts]) -> str:
    late: dict[tuple[int, int], int] = {}
    for (hour, day), n in hours.items():
        late[day, hour // SHIFT] = late.get((day, hour // SHIFT), 0) + n["accept_late"]
    most = max(late, key=lambda shift: (late[shift], shift), default=None)
    if most is None or not late[most]:
        return say("No case was accepted late.")
    (day, shift), all_of = most, sum(late.values())
    return say(
        "Most cases that were accepted late came in on a {weekday} from {begin} to {end}: {late} of {all}.",
        weekday=WEEKDAYS[day - 1],
        begin=f"{shift * SHIFT:02}:00",
        end=f"{(shift + 1) * SHIFT:02}:00",
        late=Number(late[most]),
        all=Number(all_of),
    )


FEW = 5
"""A share of fewer cases says nothing."""
SHIFT = 4
"""Hours."""
