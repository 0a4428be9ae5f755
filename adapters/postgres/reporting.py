"""Reading the sums that reports are made of, and the cases behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, text

from adapters.postgres.rolling_up import FOUR_WEEKS_FROM, SUMS, level_of
from domain.report import Wanted
from domain.sums import Counts, Histograms, Key
from domain.values import ClockName

_DIMENSIONS = {
    "day": "day",
    "week": "date_trunc('week', day)::date",
    "weekday": "extract(isodow from day)::int",
    **{name: name for name in ("hour", "brand", "channel", "category", "department", "owner")},
}
_COUNTS: Mapping[str, tuple[str, ...]] = {each.table: tuple(each.counts) for each in SUMS}
_LEVELS = {each.table: each.levels for each in SUMS}
_WEEK_OF_FIRST = "date_trunc('week', first)::date"
_FILTERS = ("brand", "channel", "category", "department")
_OF_OWNERS = ("brand", "department")

LATE = {clock.value: f"{clock.value}_late > 0" for clock in ClockName}
WHICH: Mapping[str, str] = {
    "late": " + ".join(f"{clock.value}_late" for clock in ClockName) + " > 0",
    **{f"late_{clock}": condition for clock, condition in LATE.items()},
    **{f"kept_{clock.value}": f"{clock.value}_kept > 0" for clock in ClockName},
    "broken": "promises_broken > 0",
    "kept_promise": "promises_kept > 0",
    "reopened": "reopened > 0",
    "thanked": "thanks > 0 and closing is not null",
    "open": "status not in ('resolved', 'closed', 'dismissed', 'walked_away', 'merged')",
    "resolved": "resolve_s is not null",
    "acknowledged": "acknowledge_s is not null",
    "not_in_15_min": "coalesce(acknowledge_s > 900, true) and status not in ('dismissed', 'walked_away', 'merged')",
    "closed": "closing is not null",
    "closed_in_public": "closing in ('thank_you', 'closing_note')",
    "thanked_in_public": "closing = 'thank_you'",
    "not_closed": "closing is null and status not in ('dismissed', 'walked_away', 'merged')",
    "by_closing_note": "closing = 'closing_note'",
    "waived": "closing = 'waived'",
    "closed_elsewhere": "closing = 'elsewhere'",
    "without_loop": "status in ('dismissed', 'walked_away', 'merged')",
}
"""Which cases stand behind a figure, by name."""


@dataclass(frozen=True, slots=True)
class Behind:
    """A case behind a figure."""

    case_id: str
    number: int
    since: datetime
    channel: str
    category: str
    department: str
    owner: str | None
    priority: str
    status: str
    acknowledged: int | None
    resolved: int | None
    late: tuple[str, ...]


class Reports:
    """See `domain.sums.Sums`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def days(self, wanted: Wanted, *by: str) -> Counts:
        """See `domain.sums.Sums.days`."""
        return self._counts("report_day", wanted, by)

    def owners(self, wanted: Wanted, *by: str) -> Counts:
        """See `domain.sums.Sums.owners`."""
        return self._counts("report_owner", wanted, by, _OF_OWNERS)

    def hours(self, wanted: Wanted, *by: str) -> Counts:
        """See `domain.sums.Sums.hours`."""
        return self._counts("report_hour", wanted, by)

    def times(self, wanted: Wanted, *by: str) -> Histograms:
        """See `domain.sums.Sums.times`."""
        return self._times("report_time", wanted, by)

    def owner_times(self, wanted: Wanted, *by: str) -> Histograms:
        """See `domain.sums.Sums.owner_times`."""
        return self._times("report_owner_time", wanted, by, _OF_OWNERS)

    def terms(self, wanted: Wanted, day: date) -> Mapping[str, int]:
        """See `domain.sums.Sums.terms`."""
        sql = text(
            "select term, sum(customers) from (select brand, max(day) as day from report_day where day > cast(:day as date) - 7 "
            "and day <= :day and (cast(:brand as text) is null or brand = :brand) group by brand) as latest "
            "join report_term using (brand, day) group by term"
        )
        with self._engine.connect() as connection:
            return {term: int(count) for term, count in connection.execute(sql, {"day": day, "brand": wanted.brand})}

    def people(self, ids: Iterable[str]) -> Mapping[str, str]:
        """See `domain.sums.Sums.people`."""
        with self._engine.connect() as connection:
            rows = connection.execute(text("select id, name from person where id = any(:ids)"), {"ids": sorted(set(ids))})
            return {row.id: row.name for row in rows}

    def known(self, what: str) -> list[str]:
        """See `domain.sums.Sums.known`."""
        assert what in _FILTERS, f"{what} is not what cases are kept by"
        with self._engine.connect() as connection:
            return list(connection.execute(text(f"select distinct {what} from report_day order by 1")).scalars())  # noqa: S608 - checked above

    def as_of(self) -> datetime | None:
        """See `domain.sums.Sums.as_of`."""
        with self._engine.connect() as connection:
            at: datetime | None = connection.execute(text("select at from report_progress where name = 'history'")).scalar_one_or_none()
        return at

    def behind(
        self, wanted: Wanted, sought: Mapping[str, str], after: tuple[datetime, str] | None = None, at_most: int = 50
    ) -> list[Behind]:
        """The cases behind a figure, the newest first, after the one named. `sought`: `which`, `owner`, `weekday` (Monday is 1), `hour`."""
        where = [_where(wanted, _FILTERS), WHICH.get(sought.get("which", ""), "true")]
        values: dict[str, Any] = {"limit": at_most, **_values(wanted), "begins": wanted.first - timedelta(days=2)}
        where.append("m.since >= :begins and m.since < cast(:last as date) + interval '2 days'")  # so that an index finds them
        if "owner" in sought:
            where.append("m.owner = :owner")
            values["owner"] = sought["owner"]
        for name, sql in (("weekday", "extract(isodow from day)"), ("hour", "hour")):
            if name in sought:
                where.append(f"{sql} = :{name}")
                values[name] = int(sought[name])
        if after is not None:
            where.append("(m.since, m.case_id) < (:at, :case)")
            values |= {"at": after[0], "case": after[1]}
        late = ", ".join(f"case when {condition} then '{clock}' end" for clock, condition in LATE.items())
        sql = (
            "select m.case_id, m.since, m.channel, m.category, m.department, coalesce(p.name, nullif(m.owner, '')) as owner, m.priority, "  # noqa: S608 - our own names
            f"m.status, m.acknowledge_s, m.resolve_s, array_remove(array[{late}], null) as late, c.number "
            "from (select * from case_measure m where "
            f"{' and '.join(f'({one})' for one in where)} order by m.since desc, m.case_id desc limit :limit) m "
            "left join cases c on c.case_id = m.case_id left join person p on p.id = m.owner order by m.since desc, m.case_id desc"
        )
        with self._engine.connect() as connection:
            return [
                Behind(
                    row.case_id,
                    row.number or 0,
                    row.since,
                    row.channel,
                    row.category,
                    row.department,
                    row.owner,
                    row.priority,
                    row.status,
                    row.acknowledge_s,
                    row.resolve_s,
                    tuple(row.late),
                )
                for row in connection.execute(text(sql), values)
            ]

    def _counts(self, table: str, wanted: Wanted, by: Sequence[str], filters: Sequence[str] = _FILTERS) -> Counts:
        names = _COUNTS[table]
        keys = ", ".join(_DIMENSIONS[name] for name in by)
        sums = ", ".join(f"coalesce(sum({name}), 0)::bigint as {name}" for name in names)
        conditions = " and ".join(["day between :first and :last", *_level(table, wanted, by), *_named(wanted, filters)])
        sql = f"select {keys + ', ' if by else ''}{sums} from {table} where {conditions}"  # noqa: S608 - our own names
        if by:
            places = ", ".join(str(n + 1) for n in range(len(by)))
            sql += f" group by {places} order by {places}"
        with self._engine.connect() as connection:
            rows = connection.execute(text(sql), _values(wanted)).all()
        found = {tuple(row[: len(by)]): dict(zip(names, row[len(by) :], strict=True)) for row in rows}
        return {key: counts for key, counts in found.items() if any(counts.values()) or not by}

    def _times(self, table: str, wanted: Wanted, by: Sequence[str], filters: Sequence[str] = _FILTERS) -> Histograms:
        """What lies in whole weeks, and in whole four weeks, is read as such, and the days before and after as days."""
        names = _COUNTS[table]
        keys = "".join(f"{_WEEK_OF_FIRST if name == 'week' else _DIMENSIONS[name]}, " for name in by)
        sums = ", ".join(f"sum({name})::bigint as {name}" for name in names)
        places = ", ".join(str(n + 1) for n in range(len(by) + 1))
        when, values = [], _values(wanted)
        for number, (grain, first, last) in enumerate(pieces(wanted.first, wanted.last, by_week="week" in by)):
            when.append(f"grain = '{grain}' and first between :first_{number} and :last_{number}")
            values |= {f"first_{number}": first, f"last_{number}": last}
        conditions = " and ".join([f"({' or '.join(when)})", *_level(table, wanted, by), *_named(wanted, filters)])
        sql = f"select {keys}bucket, {sums} from {table} where {conditions} group by {places}"  # noqa: S608 - our own names
        with self._engine.connect() as connection:
            rows = connection.execute(text(sql), values).all()
        found: dict[Key, dict[str, Counter[int]]] = {}
        for row in rows:
            spans = found.setdefault(tuple(row[: len(by)]), {name: Counter() for name in names})
            for name, count in zip(names, row[len(by) + 1 :], strict=True):
                if count:
                    spans[name][row[len(by)]] += count
        return found


def pieces(first: date, last: date, *, by_week: bool = False) -> list[tuple[str, date, date]]:
    """The fewest sums that make up the days: of which grain, and from which to which they begin. `by_week`: none of more than a week."""
    found: list[tuple[str, date, date]] = []
    days = [(first, last)]
    for grain, length in (("four_weeks", 28), ("week", 7), ("day", 1)):
        if by_week and length > 7:
            continue
        left: list[tuple[date, date]] = []
        for begin, end in days:
            start = begin + timedelta(days=-(begin - FOUR_WEEKS_FROM).days % length)
            count = ((end - start).days + 1) // length
            if count < 1:
                left.append((begin, end))
                continue
            found.append((grain, start, start + timedelta(days=(count - 1) * length)))
            left += [(begin, start - timedelta(days=1)), (start + timedelta(days=count * length), end)]
        days = [(begin, end) for begin, end in left if begin <= end]
    return found


def _level(table: str, wanted: Wanted, by: Sequence[str]) -> list[str]:
    if not _LEVELS[table]:
        return []
    named = {name for name in _FILTERS if getattr(wanted, name) is not None} | ({"department"} if wanted.only is not None else set())
    return [f"level = '{level_of({*by, *named})}'"]


def _where(wanted: Wanted, filters: Sequence[str]) -> str:
    return " and ".join(["day between :first and :last", *_named(wanted, filters)])


def _named(wanted: Wanted, filters: Sequence[str]) -> list[str]:
    theirs = ["department = any(:only)"] if wanted.only is not None else []
    return [*(f"{name} = :{name}" for name in filters if getattr(wanted, name) is not None), *theirs]


def _values(wanted: Wanted) -> dict[str, Any]:
    only = None if wanted.only is None else sorted(wanted.only)
    return {"first": wanted.first, "last": wanted.last, "only": only, **{name: getattr(wanted, name) for name in _FILTERS}}
