"""The roll-up: what happens to cases becomes figures, and figures become sums, a second or two behind.

It walks the log, whose leaves are in one order that never changes once it is committed, so that a cursor misses nothing. The figures of
each case that something happened to are read off its whole history anew; what they were before is taken out of the sums, what they are
is added. Everything of a batch is one transaction, and only one roll-up works at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Engine, text

from adapters.postgres.engine import transaction
from adapters.postgres.vault import Vault
from adapters.postgres.words_rising import WordsRising
from domain.history import read
from domain.journal import JOURNAL
from domain.measures import Measure, local, measure
from domain.policy import CasePolicy, Policy
from domain.ports import PolicyBook
from domain.values import ClockName

VERSION = 1
"""Of the figures. Raise it when `measure` or a sum tells something else of the same histories: all are then read anew."""
_ONE_AT_A_TIME = 0x6E756D73
_OVER = "status in ('resolved', 'closed', 'dismissed', 'walked_away', 'merged')"
_CLOCKS = {f"{clock.value}_{how}": f"{clock.value}_{how}" for clock in ClockName for how in ("kept", "late")}
_PROMISES = {"promises_kept": "promises_kept", "promises_broken": "promises_broken"}


def _if(condition: str) -> str:
    return f"({condition})::int"


EVERY_CASE = "select *, 1 as sign from case_measure"
"""All figures, to be added up from nothing."""
_MOVED = (
    "select *, -1 as sign from case_measure where case_id = any(:before) "
    "union all select *, 1 as sign from jsonb_populate_recordset(null::case_measure, cast(:rows as jsonb))"
)


@dataclass(frozen=True)
class Sum:
    """A table of sums: what it is kept by, and what each of its counts adds up, as SQL over the rows of `case_measure`.

    `levels`: whether it is kept as one sum, too, and by channel, category and department alone, besides by all three (`level_of`).
    """

    table: str
    by: Mapping[str, str]
    counts: Mapping[str, str]
    joins: str = ""
    levels: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """What tells its rows apart."""
        return (*(["level"] if self.levels else []), *self.by)

    def sql(self, cases: str = _MOVED) -> str:
        """Adds the cases that `cases` selects, each as often as its `sign` says. What comes to nothing changes nothing."""
        sums = {name: f"sum(sign * ({what}))" for name, what in self.counts.items()}
        told = [
            f"coalesce({name}, '*') as {name}" if self.levels and name in LEVELLED else f"{what} as {name}"
            for name, what in self.by.items()
        ]
        select = [*([f"{_LEVEL} as level"] if self.levels else []), *told, *(f"{what} as {name}" for name, what in sums.items())]
        alike = [what for name, what in self.by.items() if not self.levels or name not in LEVELLED]
        group = ", ".join([*alike, *([_SETS] if self.levels else [])])
        keys, names = ", ".join(self.keys), ", ".join(self.counts)
        grown = ", ".join(f"{name} = {self.table}.{name} + excluded.{name}" for name in self.counts)
        return (  # made of our own names alone
            f"insert into {self.table} ({keys}, {names}) select {', '.join(select)} from ({cases}) as moved {self.joins} group by {group} "  # noqa: S608
            f"having {' or '.join(f'{what} <> 0' for what in sums.values())} on conflict ({keys}) do update set {grown}"
        )


LEVELLED = ("channel", "category", "department")
_SETS = "grouping sets ((channel, category, department), (channel), (category), (department), ())"
_LEVEL = (
    "case grouping(channel, category, department) when 7 then 'all' when 3 then 'channel' when 5 then 'category' when 6 then 'department' "
    "else 'each' end"
)


def level_of(names: Iterable[str]) -> str:
    """The level at which the rows are that tell these names apart, and as little else as possible."""
    needed = [name for name in LEVELLED if name in names]
    return "all" if not needed else needed[0] if len(needed) == 1 else "each"


_CELL = {name: name for name in ("brand", "day", "channel", "category", "department")}
FOUR_WEEKS_FROM = date(1970, 1, 5)
"""A Monday. Sums of four weeks begin every 28 days from there on."""
_GRAINS = (
    "cross join lateral (values ('day', moved.day), ('week', date_trunc('week', moved.day)::date), "
    f"('four_weeks', date '{FOUR_WEEKS_FROM}' + (moved.day - date '{FOUR_WEEKS_FROM}') / 28 * 28)) as time(grain, first) "
)
_WHEN = {"grain": "grain", "first": "first", "brand": "brand"}


def _spans(*names: str) -> str:
    values = ", ".join(f"('{name}', {name}_s)" for name in names)
    return f"{_GRAINS} join lateral (values {values}) as took(what, seconds) on seconds is not null"


def _took(*names: str) -> dict[str, str]:
    return {name: _if(f"what = '{name}'") for name in names}


_CASE_TIMES = ("acknowledge", "accept", "accept_working", "resolve", "resolve_working", "close")
_OWNER_TIMES = ("accept_working", "resolve_working")

SUMS = (
    Sum(
        "report_day",
        _CELL,
        {
            "opened": "1",
            "without_loop": _if("status in ('dismissed', 'walked_away', 'merged')"),
            "still_open": _if(f"not {_OVER}"),
            "resolved": _if("resolve_s is not null"),
            "acknowledged": _if("acknowledge_s is not null"),
            "within_15_min": _if("coalesce(acknowledge_s <= 900, false)"),
            **_CLOCKS,
            **_PROMISES,
            "closed": _if("closing is not null"),
            "closed_in_public": _if("coalesce(closing in ('thank_you', 'closing_note'), false)"),
            "by_closing_note": _if("coalesce(closing = 'closing_note', false)"),
            "waived": _if("coalesce(closing = 'waived', false)"),
            "ever_closed": _if("closing is not null or reopened > 0"),
            "reopened": _if("reopened > 0"),
            "thanked": _if("thanks > 0 and closing is not null"),
            "thanks": "thanks",
            "thanks_answered": "thanks_answered",
        },
    ),
    Sum(
        "report_owner",
        {"brand": "brand", "day": "day", "department": "department", "owner": "owner"},
        {
            "opened": "1",
            "still_open": _if(f"not {_OVER}"),
            "resolved": _if("resolve_s is not null"),
            **{name: what for name, what in _CLOCKS.items() if name.startswith(("accept", "holding_update", "resolve"))},
            **_PROMISES,
            "reopened": _if("reopened > 0"),
            "thanked": _if("thanks > 0 and closing is not null"),
        },
    ),
    Sum(
        "report_hour",
        {"brand": "brand", "day": "at.day", "hour": "at.hour", "channel": "channel", "category": "category", "department": "department"},
        {
            "opened": "at.first",
            "posts": "at.post",
            **{name: f"at.first * {what}" for name, what in _CLOCKS.items() if name.startswith(("accept", "acknowledge"))},
        },
        "cross join lateral (select moved.day, moved.hour, 1 as first, 0 as post "
        "union all select d, h, 0, 1 from unnest(wrote_days, wrote_hours) as wrote(d, h)) as at(day, hour, first, post)",
        levels=True,
    ),
    Sum(
        "report_time",
        {**_WHEN, "channel": "channel", "category": "category", "department": "department", "bucket": "report_bucket(seconds)"},
        _took(*_CASE_TIMES),
        _spans(*_CASE_TIMES),
        levels=True,
    ),
    Sum(
        "report_owner_time",
        {**_WHEN, "department": "department", "owner": "owner", "bucket": "report_bucket(seconds)"},
        _took(*_OWNER_TIMES),
        _spans(*_OWNER_TIMES),
    ),
)

_NEXT = text("select leaf, case_id from log_leaf where leaf >= :first order by leaf limit :limit")
_HISTORIES = text("select case_id, key, doc from case_event where case_id = any(:cases) order by case_id, seq")
_KNOWN = text("select * from case_measure where case_id = any(:cases)")
_BEGUN = text(
    "insert into report_progress (name, version, at) values ('history', :version, null) "
    "on conflict (name) do update set leaf = 0, version = excluded.version, at = null"
)
_REACHED = text(
    "update report_progress set leaf = coalesce(:leaf, leaf), at = case when :whole then clock_timestamp() else at end "
    "where name = 'history'"
)


class RollUp:
    """Keeps `case_measure` and what it adds up to."""

    def __init__(self, engine: Engine, vault: Vault, book: PolicyBook) -> None:
        self._engine = engine
        self._book = book
        self._words = WordsRising(engine, vault)
        self._slices: dict[tuple[str, str, str], CasePolicy] = {}

    def roll_up(self, at_most: int = 1_000) -> int:
        """Take up what was sealed since; so many events were taken up, and 0 when there was nothing, or another one is at it.

        Raises Unavailable. Whoever is killed in it has changed nothing. When there is nothing more to take up, words are counted, if it
        is time for that.
        """
        taken = self._take(at_most)
        if taken < at_most:
            self._words.count()
        return taken

    def _take(self, at_most: int) -> int:
        with transaction(self._engine) as connection:
            if not connection.execute(text("select pg_try_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME}).scalar_one():
                return 0
            known = connection.execute(text("select leaf, version from report_progress where name = 'history'")).one_or_none()
            if known is not None and known.version > VERSION:
                return 0  # a newer version of Loopkeeper keeps them now
            first = known.leaf if known is not None else 0
            if known is None or known.version < VERSION:
                self._start_over(connection)
                first = 0
            leaves = connection.execute(_NEXT, {"first": first, "limit": at_most}).all()
            if leaves:
                self._measure(connection, sorted({leaf.case_id for leaf in leaves if not leaf.case_id.startswith(JOURNAL)}))
            reached = leaves[-1].leaf + 1 if leaves else None
            connection.execute(_REACHED, {"leaf": reached, "whole": len(leaves) < at_most})
        return len(leaves)

    def _start_over(self, connection: Connection) -> None:
        connection.execute(text(f"truncate case_measure, {', '.join(each.table for each in SUMS)}"))
        connection.execute(_BEGUN, {"version": VERSION})

    def _measure(self, connection: Connection, cases: Sequence[str]) -> None:
        """Bring the figures of these cases up to date, and what they add up to."""
        histories = connection.execute(_HISTORIES, {"cases": cases}).all()
        known = {row["case_id"]: dict(row) for row in connection.execute(_KNOWN, {"cases": cases}).mappings()}
        changed = []
        for case_id, rows in groupby(histories, key=lambda row: row.case_id):
            row = self._row(case_id, [read(row.doc, row.key) for row in rows])
            if row is not None and row != known.get(case_id):
                changed.append(row)
        if not changed:
            return
        values = {"before": [row["case_id"] for row in changed if row["case_id"] in known], "rows": json.dumps(changed, default=str)}
        for each in SUMS:
            connection.execute(text(each.sql()), values)
        changes = ", ".join(f"{name} = excluded.{name}" for name in changed[0] if name != "case_id")
        connection.execute(
            text(
                "insert into case_measure select * from jsonb_populate_recordset(null::case_measure, cast(:rows as jsonb)) "  # noqa: S608
                f"on conflict (case_id) do update set {changes}"
            ),
            values,
        )

    def _row(self, case_id: str, entries: Sequence[Any]) -> dict[str, Any] | None:
        found = measure(case_id, (entry.event for entry in entries), lambda version: self._slice(version, case_id))
        if found is None:
            return None
        policy: Policy = self._book.policy(entries[-1].policy or self._book.active().id)
        return row_of(case_id, found, policy.brand(found.brand).zone)

    def _slice(self, version: str, case_id: str) -> CasePolicy:
        brand, channel = case_id.split("-", 2)[:2]
        key = (version, brand, channel)
        if key not in self._slices:
            self._slices[key] = self._book.policy(version).for_case(brand, channel)
        return self._slices[key]


def row_of(case_id: str, found: Measure, zone: str) -> dict[str, Any]:
    """A case's row in `case_measure`."""
    day, hour = local(found.since, zone)
    wrote = [local(moment, zone) for moment in found.wrote]
    row: dict[str, Any] = {
        "case_id": case_id,
        "brand": found.brand,
        "channel": found.channel,
        "category": found.category,
        "department": found.department,
        "owner": found.owner or "",
        "priority": found.priority,
        "intent": found.intent,
        "status": found.status,
        "since": found.since,
        "day": day,
        "hour": hour,
        "acknowledge_s": found.acknowledged,
        "accept_s": found.accepted,
        "accept_working_s": found.accepted_working,
        "resolve_s": found.resolved,
        "resolve_working_s": found.resolved_working,
        "close_s": found.closed,
    }
    for clock in ClockName:
        tally = found.clocks.get(clock)
        row |= {f"{clock.value}_kept": tally.kept if tally else 0, f"{clock.value}_late": tally.late if tally else 0}
    return row | {
        "promises_kept": found.promises_kept,
        "promises_broken": found.promises_broken,
        "closing": found.closing.value if found.closing else None,
        "reopened": found.reopened,
        "thanks": found.thanks,
        "thanks_answered": found.thanks_answered,
        "wrote_days": [day for day, _ in wrote],
        "wrote_hours": [hour for _, hour in wrote],
    }
