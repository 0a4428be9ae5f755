"""Where cards stand in Slack."""

from __future__ import annotations

from sqlalchemy import Engine, text

from adapters.postgres.engine import connected
from domain.ports import Card


class PostgresCards:
    """See `domain.ports.Cards`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of_case(self, case_id: str) -> list[Card]:
        """See `domain.ports.Cards.of_case`."""
        with connected(self._engine) as connection:
            rows = connection.execute(text("select * from desk_card where case_id = :case order by department"), {"case": case_id})
            return [
                Card(r.case_id, r.department, r.slack_channel, r.ts, r.told, bytes(r.shown_hash) if r.shown_hash is not None else None)
                for r in rows
            ]

    def case_of(self, channel: str, thread: str) -> str | None:
        """The case whose story is told in that thread."""
        with self._engine.connect() as connection:
            sql = text("select case_id from desk_card where slack_channel = :channel and ts = :ts")
            return connection.execute(sql, {"channel": channel, "ts": thread}).scalar_one_or_none()

    def save(self, card: Card) -> None:
        """See `domain.ports.Cards.save`. What was told once stays told."""
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "insert into desk_card values (:case, :department, :channel, :ts, :told, :hash) on conflict (case_id, department) "
                    "do update set slack_channel = excluded.slack_channel, ts = excluded.ts, "
                    "told = greatest(desk_card.told, excluded.told), shown_hash = excluded.shown_hash"
                ),
                {
                    "case": card.case_id,
                    "department": card.department,
                    "channel": card.channel,
                    "ts": card.ts,
                    "told": card.told,
                    "hash": card.shown_hash,
                },
            )
