"""How far cases have come on record, many at once."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine, text

from adapters.postgres.engine import transaction

_GOING_ON = text(
    "select k.case_id, h.seq from cases k join case_head h on h.case_id = k.case_id where k.ended is null "
    "and not exists (select 1 from inbound i where i.state = 'routed' and i.case_id = k.case_id "
    "and i.received_at > clock_timestamp() - interval '5 minutes') order by k.number"
)


class PostgresStanding:
    """See `domain.reconciling.CasesOnRecord`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def going_on(self) -> dict[str, int]:
        """See `domain.reconciling.CasesOnRecord.going_on`."""
        with transaction(self._engine) as connection:
            return {row.case_id: row.seq for row in connection.execute(_GOING_ON)}

    def events_of(self, case_ids: Sequence[str]) -> dict[str, int]:
        """See `domain.reconciling.CasesOnRecord.events_of`."""
        sql = text("select case_id, seq from case_head where case_id = any(:cases)")
        with transaction(self._engine) as connection:
            return {row.case_id: row.seq for row in connection.execute(sql, {"cases": list(case_ids)})}

    def keys_of(self, case_id: str) -> frozenset[str]:
        """See `domain.reconciling.CasesOnRecord.keys_of`."""
        sql = text("select key from case_event where case_id = :case")
        with transaction(self._engine) as connection:
            return frozenset(connection.execute(sql, {"case": case_id}).scalars())
