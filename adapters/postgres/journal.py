"""The installation's journal."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, text

from domain.journal import JOURNAL, JournalEntry, JournalEvent
from domain.values import Actor

_APPEND = text("select journal_append(:keys, :docs)")
_READ = text(
    "select case_id, seq, key, doc from case_event where case_id like :chain and (case_id, seq) > (:case, :seq) "
    "order by case_id, seq limit :limit"
)


class PostgresJournal:
    """See `domain.ports.Journal`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def note(self, event: JournalEvent, by: Actor, cause: str = "asked") -> None:
        """See `domain.ports.Journal.note`."""
        with self._engine.begin() as connection:
            note(connection, [event], by, cause)

    def entries(self, after: tuple[str, int] = ("", 0), at_most: int = 500) -> list[tuple[str, int, JournalEntry]]:
        """Entries in their order: chain, number, entry."""
        values = {"chain": f"{JOURNAL}%", "case": after[0], "seq": after[1], "limit": at_most}
        with self._engine.connect() as connection:
            return [(row.case_id, row.seq, JournalEntry.read(row.doc, row.key)) for row in connection.execute(_READ, values)]


def note(connection: Connection, events: Sequence[JournalEvent], by: Actor, cause: str) -> None:
    """Add to the journal inside the caller's transaction."""
    entries = [JournalEntry(str(uuid.uuid4()), event, by, cause) for event in events]
    connection.execute(_APPEND, {"keys": [e.key for e in entries], "docs": [e.document for e in entries]})


def now() -> datetime:
    """The moment to note something at."""
    return datetime.now(UTC)
