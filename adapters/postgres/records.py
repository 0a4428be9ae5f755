"""Histories: appending through the one function that may, and reading them back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Connection, Engine, text

from domain.history import Entry, Link, first_fault, read
from domain.ports import Written
from domain.view import CaseView

_APPEND = text("select case_append(:case, :keys, :docs, cast(:words as uuid[]))")
_HISTORY = text("select seq, key, doc from case_event where case_id = :case and seq > :after order by seq")
_VIEW_COLUMNS = tuple(CaseView.__dataclass_fields__)
_SET_VIEW = text(
    f"update cases set {', '.join(f'{c} = :{c}' for c in _VIEW_COLUMNS)}, events = :events, updated_at = clock_timestamp() "  # noqa: S608 - our own column names
    "where case_id = :case"
)


def append(connection: Connection, case_id: str, entries: Sequence[Written]) -> int:
    """Add entries to a case's chain inside the caller's transaction; the number of events then."""
    values = {
        "case": case_id,
        "keys": [e.key for e in entries],
        "docs": [e.doc for e in entries],
        "words": [e.words for e in entries],
    }
    seq: int = connection.execute(_APPEND, values).scalar_one()
    return seq


def set_view(connection: Connection, case_id: str, view: CaseView, events: int) -> None:
    """Bring a case's view up to date inside the caller's transaction."""
    connection.execute(_SET_VIEW, {**asdict(view), "breached": list(view.breached), "events": events, "case": case_id})


def history(connection: Connection, case_id: str, after: int = 0) -> list[tuple[int, Entry]]:
    """The entries of a case after the `after`-th, with their numbers."""
    rows = connection.execute(_HISTORY, {"case": case_id, "after": after})
    return [(r.seq, read(r.doc, r.key)) for r in rows]


class PostgresRecords:
    """See `domain.ports.Records`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append(self, case_id: str, entries: Sequence[Written], view: CaseView) -> int:
        """See `domain.ports.Records.append`."""
        with self._engine.begin() as connection:
            events = append(connection, case_id, entries)
            set_view(connection, case_id, view, events)
        return events

    def chain(self, case_id: str) -> list[Link]:
        """A case's chain as stored, in order."""
        with self._engine.connect() as connection:
            rows = connection.execute(text("select * from case_event where case_id = :case order by seq"), {"case": case_id})
            return [
                Link(
                    r.case_id,
                    r.seq,
                    str(r.event_id),
                    r.recorded_us,
                    r.doc,
                    bytes(r.words_hash) if r.words_hash is not None else None,
                    bytes(r.prev_hash),
                    bytes(r.hash),
                )
                for r in rows
            ]

    def history(self, case_id: str, after: int = 0) -> list[tuple[int, Entry]]:
        """The entries of a case after the `after`-th, with their numbers."""
        with self._engine.connect() as connection:
            return history(connection, case_id, after)

    def verify(self, case_id: str) -> str | None:
        """What is wrong with a case's chain, or None."""
        return first_fault(self.chain(case_id))
