"""Counting what customers write about, without keeping who wrote what: only how many used a term, and only where several did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, text

from adapters.keyring import KeyProblem
from adapters.postgres.engine import transaction
from adapters.postgres.vault import Vault
from domain.topics import counted

_ONE_AT_A_TIME = 0x776F7264
EVERY = timedelta(minutes=15)
"""How old the count of the present week may get."""
AT_MOST_CASES = 50_000
"""In one week of a brand. Of more, the latest count: what rises now is among them."""
_LATEST = text("select brand, max(day) as day from report_day group by brand order by brand")
_IS_DUE = text(
    "select not exists (select 1 from report_progress where name = :name and at > clock_timestamp() - cast(:every as interval)) as due"
)
_MISSING = text(
    "select distinct day from report_day where brand = :brand and day < :day and day >= :day - 28 "
    "and not exists (select 1 from report_progress where name = 'words ' || :brand || ' ' || report_day.day) order by day desc limit 1"
)
_SAID = text(
    "select c.subject_id, s.wrapped_key, w.sealed from case_measure m join cases c on c.case_id = m.case_id "
    "join subject s on s.id = c.subject_id join words w on w.id = c.words "
    "where m.since > cast(:day as date) - interval '8 days' and m.since < cast(:day as date) + interval '2 days' "
    "and m.brand = :brand and m.day > cast(:day as date) - 7 and m.day <= :day "
    "and m.intent <> 'spam' and not w.private and s.wrapped_key is not null order by m.since desc limit :limit"
)
_DONE = text("insert into report_progress (name) values (:name) on conflict (name) do update set at = clock_timestamp()")


class WordsRising:
    """Keeps `report_term`: for each brand and day, how many customers used a term in the first posts of the seven days that end with it."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    def count(self) -> int:
        """Count one week of one brand, if one is due; how many terms were kept. Raises Unavailable."""
        with transaction(self._engine) as connection:
            if not connection.execute(text("select pg_try_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME}).scalar_one():
                return 0
            due = next(self._due(connection), None)
            return self._count(connection, *due) if due is not None else 0

    def _due(self, connection: Connection) -> Iterator[tuple[str, date, str]]:
        """Which weeks are to be counted: brand, last day, and the name under which it is remembered. The present ones come first."""
        brands = connection.execute(_LATEST).all()
        for latest in brands:
            name = f"words {latest.brand}"
            if connection.execute(_IS_DUE, {"name": name, "every": EVERY}).scalar_one():
                yield latest.brand, latest.day, name
        for latest in brands:  # a day that is over is counted once more, now that it is whole
            day = connection.execute(_MISSING, {"brand": latest.brand, "day": latest.day}).scalar_one_or_none()
            if day is not None:
                yield latest.brand, day, f"words {latest.brand} {day}"

    def _count(self, connection: Connection, brand: str, day: date, name: str) -> int:
        rows = connection.execute(_SAID, {"brand": brand, "day": day, "limit": AT_MOST_CASES})
        found = counted((str(row.subject_id), said) for row in rows if (said := self._said(row)))
        connection.execute(text("delete from report_term where brand = :brand and day = :day"), {"brand": brand, "day": day})
        if found:
            values = {"brand": brand, "day": day, "terms": list(found), "numbers": list(found.values())}
            connection.execute(
                text(
                    "insert into report_term select :brand, :day, term, customers "
                    "from unnest(cast(:terms as text[]), cast(:numbers as int[])) as found(term, customers)"
                ),
                values,
            )
        connection.execute(_DONE, {"name": name})
        return len(found)

    def _said(self, row: Any) -> str:
        try:
            return str(json.loads(self._vault.opened(str(row.subject_id), bytes(row.wrapped_key), bytes(row.sealed))).get("text", ""))
        except KeyProblem:
            return ""  # erased since, or its key is not on this machine: nothing can be counted of it
