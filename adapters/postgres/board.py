"""The board of open cases: its columns, the most urgent first, and how many there are of what; and what changes on it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Engine, text

from adapters.postgres.engine import connected
from adapters.postgres.rows import MORE, SHOWN, Row, row_of
from adapters.postgres.vault import Vault

TOPIC = "loopkeeper_case"
"""On which the database tells the ids of cases that look different now."""
By = Literal["status", "department"]
Flag = Literal["late", "soon", "stalled", "needs_us", "nobody", "mine", "unsorted"]

_OPEN = "k.closed_at is null and k.ended is null"
_SCOPE = "(cast(:scope as text[]) is null or k.department = any(:scope))"
FLAGS: Mapping[Flag, str] = {
    "late": "(cardinality(k.breached) > 0 or k.due_at <= :now)",
    "soon": "(k.due_at > :now and k.due_at <= :soon and k.due_clock not in ('acknowledge', 'thank_you'))",
    "stalled": "k.stalled_at is not null",
    "needs_us": "k.needs_human is not null",
    "nobody": "k.owner is null",
    "mine": "k.owner = :me",
    "unsorted": "(k.owner is null and k.category = any(:unsorted))",
}
# First whose they are, then which are theirs, then the newest of them: else a plan may read all cases, the newest first, until it has
# so many of a customer who has fewer.
_OF_THE_SAME = text(
    "with me as (select subject_id, brand from cases where case_id = :case), "  # noqa: S608 - our own words
    "they as materialized (select subject_id from me union "
    "select o.subject_id from me join identity_link m using (subject_id) join identity_link o using (customer)), "
    "theirs as materialized (select k.case_id, k.number from they join cases k using (subject_id) cross join me "
    f"where (k.subject_id = me.subject_id or k.brand = me.brand) and k.case_id <> :case and {_SCOPE}) "
    "select case_id from theirs order by number desc limit :at_most"
)
"""What marks a case, as the database sees it. `soon`: what people owe soon; the loop acknowledges and thanks by itself."""
_EACH = ("status", "department", "channel", "brand", "priority", "category")
_FILTERS = " and ".join(f"(cast(:{one} as text[]) is null or k.{one} = any(:{one}))" for one in _EACH)


@dataclass(frozen=True, slots=True)
class Sought:
    """Which open cases. Of what is empty, all. `scope`: the departments that the reader may see; None for all.

    `soon`: what is due until then is due soon. `unsorted`: the categories that triage gives when it knows none.
    """

    scope: frozenset[str] | None
    me: str
    now: datetime
    soon: datetime
    unsorted: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    department: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    brand: tuple[str, ...] = ()
    priority: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()

    def values(self) -> dict[str, object]:
        """For the database."""
        each = {one: list(getattr(self, one)) or None for one in _EACH}
        scope = None if self.scope is None else sorted(self.scope)
        return {**each, "scope": scope, "me": self.me, "now": self.now, "soon": self.soon, "unsorted": list(self.unsorted)}

    def where(self) -> str:
        """As a condition; our own words."""
        return " and ".join((_OPEN, _SCOPE, _FILTERS, *(FLAGS[flag] for flag in self.flags)))


@dataclass(frozen=True, slots=True)
class Column:
    """The cases of a column that are shown, and how many there are."""

    key: str
    total: int
    rows: Sequence[Row]


class PostgresBoard:
    """Reads it."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    def columns(self, sought: Sought, by: By, *, at_most: int, more: Mapping[str, int] | None = None) -> list[Column]:
        """The columns that have cases, each with so many of the most urgent ones. `more`: the number for some of the columns."""
        sql = text(
            f"with placed as (select k.*, k.{by} as key, "  # noqa: S608 - our own words
            f'row_number() over (partition by k.{by} collate "C" order by k.due_at nulls last, k.number) as place, '
            f'count(*) over (partition by k.{by} collate "C") as total from cases k '
            f"where {sought.where()}), "
            "k as materialized (select * from placed "  # first few, then what belongs to them: else all cases are looked through
            "where place <= coalesce(cast(cast(:more as jsonb) ->> key as int), :at_most)) "
            f"{SHOWN} from k {MORE} order by k.key, k.place"
        )
        values = {**sought.values(), "more": json.dumps(more or {}), "at_most": at_most}
        found: dict[str, tuple[int, list[Row]]] = {}
        for row in self._read(sql, values):
            found.setdefault(row.key, (row.total, []))[1].append(row_of(self._vault, row))
        return [Column(key, total, rows) for key, (total, rows) in found.items()]

    def counts(self, sought: Sought) -> dict[str, int]:
        """How many open cases the reader may see, and how many of each flag: of all, whatever is filtered."""
        each = ", ".join(f"count(*) filter (where {condition}) as {flag}" for flag, condition in FLAGS.items())
        (row,) = self._read(
            text(f"select count(*) as all, {each} from cases k where {_OPEN} and {_SCOPE}"),  # noqa: S608 - our own words
            sought.values(),
        )
        return dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it

    def counted(self, sought: Sought) -> dict[str | None, dict[str, int]]:
        """The same as `counts` by the cases' owner, for whoever may see these cases; whose they are is not among the flags."""
        each = ", ".join(f"count(*) filter (where {condition}) as {flag}" for flag, condition in FLAGS.items() if flag != "mine")
        sql = text(f"select k.owner, count(*) as all, {each} from cases k where {_OPEN} and {_SCOPE} group by k.owner")  # noqa: S608 - our own words
        rows = [dict(row._mapping) for row in self._read(sql, sought.values())]  # noqa: SLF001 - SQLAlchemy's public name for it
        return {row.pop("owner"): row for row in rows}

    def waiting(self, scope: frozenset[str] | None, unsorted: tuple[str, ...], *, unreadable: bool, announcements: bool) -> int:
        """How much stands in the inbox: what needs a person, what nobody sorted; with `unreadable` what nobody could read (to 100),
        and with `announcements` those that wait for a second person.
        """
        sql = text(
            "select "  # noqa: S608 - our own words
            f"count(*) filter (where {FLAGS['needs_us']}) + count(*) filter (where {FLAGS['unsorted']}) + "
            "(select count(*) from (select from inbound where :unreadable and (state = 'quarantined' or "
            "(state = 'parked' and reason is not null)) limit 100) as i) + "
            "(select count(*) from announcement where :announcements and state = 'waiting') as waiting "
            f"from cases k where {_OPEN} and {_SCOPE}"
        )
        values = {
            "scope": None if scope is None else sorted(scope),
            "unsorted": list(unsorted),
            "unreadable": unreadable,
            "announcements": announcements,
        }
        (row,) = self._read(sql, values)
        return int(row.waiting)

    def needing_us(self, sought: Sought, at_most: int) -> list[Row]:
        """The open cases of these flags in one list, those that are due first first."""
        sql = text(
            f"with k as materialized (select * from cases k where {sought.where()} "  # noqa: S608 - our own words
            f"order by k.due_at nulls last, k.number limit :at_most) {SHOWN} from k {MORE} order by k.due_at nulls last, k.number"
        )
        return [row_of(self._vault, row) for row in self._read(sql, {**sought.values(), "at_most": at_most})]

    def with_drafts(self, scope: frozenset[str] | None, above: int | None, at_most: int) -> list[tuple[int, str]]:
        """The open cases in which a draft may wait for a second person, by number, above that one: their numbers and ids.

        A case needs a person while one waits; whether one does now, its file tells.
        """
        sql = text(
            f"select k.number, k.case_id from cases k where {_OPEN} and {_SCOPE} and k.needs_human is not null "  # noqa: S608 - our own words
            "and k.number > coalesce(cast(:above as bigint), 0) and exists (select 1 from case_event e "
            "where e.case_id = k.case_id and e.doc like '%\"draft_held\"%') order by k.number limit :at_most"
        )
        values = {"scope": None if scope is None else sorted(scope), "above": above, "at_most": at_most}
        return [(row.number, row.case_id) for row in self._read(sql, values)]

    def of_the_same_customer(self, case_id: str, scope: frozenset[str] | None, at_most: int = 20) -> list[Row]:
        """The customer's other cases, the newest first; also those with the same brand of identities that are linked."""
        values = {"case": case_id, "scope": None if scope is None else sorted(scope), "at_most": at_most}
        found = [row.case_id for row in self._read(_OF_THE_SAME, values)]
        if not found:  # nearly always: planning the joins of a row takes PostgreSQL longer than all else here
            return []
        sql = text(f"{SHOWN} from cases k {MORE} where k.case_id = any(:found) order by k.number desc")
        return [row_of(self._vault, row) for row in self._read(sql, {"found": found})]

    def changed_since(self, moment: datetime | None) -> tuple[datetime, dict[str, datetime]]:
        """The cases that were changed after that moment of the database's clock, with when; and the moment up to which this is all.

        A change is seen when it is committed, a little after its own moment: each look goes back by the longest transaction.
        """
        sql = text(
            "select clock_timestamp() as until, null as case_id, null as updated_at union all "
            "(select null, case_id, updated_at from cases where updated_at > "
            "coalesce(cast(:since as timestamptz), clock_timestamp()) - interval '20 seconds' order by updated_at desc limit 1000)"
        )
        head, *rows = self._read(sql, {"since": moment})
        return head.until, {row.case_id: row.updated_at for row in rows}

    def seen_by(self, cases: Sequence[str], departments: frozenset[str]) -> list[str]:
        """Those of the cases that are, or were, with one of the departments."""
        sql = text(
            "select case_id from cases k where case_id = any(:cases) and (department = any(:theirs) or exists "
            "(select 1 from desk_card d where d.case_id = k.case_id and d.department = any(:theirs)))"
        )
        return [row.case_id for row in self._read(sql, {"cases": list(cases), "theirs": sorted(departments)})]

    # --- views that people keep ---

    def views(self, person: str) -> list[tuple[str, str]]:
        """The views of a person: their names, and what stands behind the question mark."""
        sql = text("select name, query from console_view where person = :person order by name")
        return [(row.name, row.query) for row in self._read(sql, {"person": person})]

    def keep_view(self, person: str, name: str, query: str) -> None:
        """Keep a view; one of the same name makes way. Of more than thirty the oldest goes."""
        values = {"person": person, "name": name, "query": query}
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "insert into console_view (person, name, query) values (:person, :name, :query) "
                    "on conflict (person, name) do update set query = excluded.query, kept_at = clock_timestamp()"
                ),
                values,
            )
            connection.execute(
                text(
                    "delete from console_view where person = :person and name in "
                    "(select name from console_view where person = :person order by kept_at desc offset 30)"
                ),
                values,
            )

    def drop_view(self, person: str, name: str) -> None:
        """Keep it no longer."""
        with self._engine.begin() as connection:
            connection.execute(text("delete from console_view where person = :person and name = :name"), {"person": person, "name": name})

    def _read(self, sql: Any, values: Mapping[str, object]) -> Sequence[Any]:
        with connected(self._engine) as connection:
            return connection.execute(sql, values).all()
