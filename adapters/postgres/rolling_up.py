"""The roll-up: what happens to cases becomes figures, and figures become sums, a second or two behind.

It walks the log, whose leaves are in one order that never changes once it is committed, so that a cursor misses nothing. The figures of
each case that something happened to are read off its whole history anew; what they were before is taken out of the sums, what they are
is added. Everything of a batch is one transaction, and only one roll-up works at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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

_ONE_AT_A_TIME = 0x6E756D73
_OVER = "status in ('resolved', 'closed', 'dismissed', 'walked_away', 'merged')"
_CLOCKS = {f"{clock.value}_{how}": f"{clock.value}_{how}" for clock in ClockName for how in ("kept", "late")}
_PROMISES = {"promises_kept": "promises_kept", "promises_broken": "promises_broken"}


def _if(condition: str) -> str:
    return f"({condition})::int"


@dataclass(frozen=True)
class Sum:
    """A table of sums: what it is kept by, and what each of its counts adds up, as SQL over `case_measure`."""

    table: str
    by: Mapping[str, str]
    counts: Mapping[str, str]
    joins: str = ""

    def sql(self, where: str = "case_id = any(:cases)", sign: str = ":sign") -> str:
        """Adds the cases that `where` says; takes them out with a `sign` of -1."""
        sums = ", ".join(f"{sign} * sum({what}) as {name}" for name, what in self.counts.items())
        keys, names = ", ".join(self.by), ", ".join(self.counts)
        grown = ", ".join(f"{name} = {self.table}.{name} + excluded.{name}" for name in self.counts)
        kept_by = ", ".join(f"{what} as {name}" for name, what in self.by.items())
        numbers = ", ".join(str(n + 1) for n in range(len(self.by)))
        return (  # made of our own names alone
            f"insert into {self.table} ({keys}, {names}) select {kept_by}, {sums} from case_measure {self.joins} where {where} "  # noqa: S608
            f"group by {numbers} order by {numbers} on conflict ({keys}) do update set {grown}"
        )


_CELL = {name: name for name in ("brand", "day", "channel", "category", "department")}
_GRAINS = "cross join lateral (values ('day', day), ('week', date_trunc('week', day)::date)) as time(grain, first) "
_WHEN = {"grain": "grain", "first": "first", "brand": "brand"}


def _spans(*names: str) -> str:
    values = ", ".join(f"('{name}', {name}_s)" for name in names)
    return f"{_GRAINS} join lateral (values {values}) as took(what, seconds) on seconds is not null"


def _took(*names: str) -> dict[str, str]:
    return {name: _if(f"what = '{name}'") for name in names}


_CASE_TIMES = ("acknowledge", "accept", "accept_working", "resolve", "resolve_working", "close")
_OWNER_TIMES = ("accept", "accept_working", "resolve", "resolve_working")

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
            "reopened": _if("reopened > 0"),
            "thanked": _if("thanks > 0"),
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
            "thanked": _if("thanks > 0"),
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
        "cross join lateral (select day, hour, 1 as first, 0 as post "
        "union all select d, h, 0, 1 from unnest(wrote_days, wrote_hours) as wrote(d, h)) as at(day, hour, first, post)",
    ),
    Sum(
        "report_time",
        {**_WHEN, "channel": "channel", "category": "category", "department": "department", "bucket": "report_bucket(seconds)"},
        _took(*_CASE_TIMES),
        _spans(*_CASE_TIMES),
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
_BEGUN = text("insert into report_progress (name) values ('history') on conflict do nothing")
_REACHED = text("update report_progress set leaf = :leaf, at = clock_timestamp() where name = 'history'")


class RollUp:
    """Keeps `case_measure` and what it adds up to."""

    def __init__(self, engine: Engine, vault: Vault, book: PolicyBook) -> None:
        self._engine = engine
        self._book = book
        self._words = WordsRising(engine, vault)
        self._slices: dict[tuple[str, str, str], CasePolicy] = {}

    def roll_up(self, at_most: int = 2_000) -> int:
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
            first = connection.execute(text("select leaf from report_progress where name = 'history'")).scalar_one_or_none()
            if first is None:
                connection.execute(_BEGUN)
            leaves = connection.execute(_NEXT, {"first": first or 0, "limit": at_most}).all()
            if leaves:
                cases = sorted({leaf.case_id for leaf in leaves if not leaf.case_id.startswith(JOURNAL)})
                self._measure(connection, cases)
                connection.execute(_REACHED, {"leaf": leaves[-1].leaf + 1})
            else:
                connection.execute(text("update report_progress set at = clock_timestamp() where name = 'history'"))
        return len(leaves)

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
        ids = [row["case_id"] for row in changed]
        add_up(connection, [case for case in ids if case in known], -1)
        names = list(changed[0])
        connection.execute(
            text(
                f"insert into case_measure ({', '.join(names)}) values ({', '.join(f':{n}' for n in names)}) "  # noqa: S608 - our own names
                f"on conflict (case_id) do update set {', '.join(f'{n} = excluded.{n}' for n in names if n != 'case_id')}"
            ),
            changed,
        )
        add_up(connection, ids, +1)

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


def add_up(connection: Connection, cases: Sequence[str], sign: int) -> None:
    """Add the figures of these cases to all sums, or take them out."""
    if cases:
        for each in SUMS:
            connection.execute(text(each.sql()), {"cases": list(cases), "sign": sign})
