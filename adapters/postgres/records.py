"""Histories: appending through the one function that may, and reading them back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, Engine, text

from adapters.postgres.engine import connected
from adapters.postgres.telling import tell
from domain.history import Entry, Link, beyond, first_fault, microseconds, read
from domain.ports import Overtaken, Written
from domain.view import CaseView

_APPEND = text("select case_append(:case, :keys, :docs, cast(:words as uuid[]))")
# One statement sees the table as it was before it began: `there` and `before` are what stood there before our entries were added.
_APPEND_AFTER = text(
    "select case_append(:case, :keys, :docs, cast(:words as uuid[])) as events, "
    "(select seq from case_head where case_id = :case) as before, "
    "(select array_agg(key) from case_event where case_id = :case and seq > :known) as there"
)
_HISTORY = text(
    "select seq, key, doc from case_event where case_id = :case and seq > :after "
    "and (cast(:until as bigint) is null or recorded_us <= :until) order by seq"
)
_VIEW_COLUMNS = tuple(CaseView.__dataclass_fields__)
_SET_VIEW = text(
    f"update cases set {', '.join(f'{c} = :{c}' for c in _VIEW_COLUMNS)}, events = :events, updated_at = clock_timestamp() "  # noqa: S608 - our own column names
    "where case_id = :case"
)


def append(connection: Connection, case_id: str, entries: Sequence[Written]) -> int:
    """Add entries to a case's chain inside the caller's transaction; the number of events then."""
    seq: int = connection.execute(_APPEND, _values(case_id, entries)).scalar_one()
    return seq


def append_after(connection: Connection, case_id: str, entries: Sequence[Written], known: int) -> tuple[int, bool]:
    """Append what was decided on when the last known entry was number `known`: how many events there are then, and whether overtaken.

    Overtaken: the record has decisions besides that were not known. The caller rolls back.

    What activities record by themselves (postings) does not count: it has the same key there and here.
    """
    events, before, there = connection.execute(_APPEND_AFTER, {**_values(case_id, entries), "known": known}).one()
    there = there or ()
    added = len(entries) - sum(e.key in there for e in entries)
    by_others = events - (before or 0) - added  # what came in while we waited for the case's head
    if not by_others and all(key.startswith("posted:") for key in there):
        return int(events), False
    ours = {(e.key, e.doc) for e in entries}
    found = map(Written.of, beyond([entry for _, entry in history(connection, case_id)], known))
    return int(events), any((w.key, w.doc) not in ours for w in found if not w.key.startswith("posted:"))


def _values(case_id: str, entries: Sequence[Written]) -> dict[str, object]:
    return {
        "case": case_id,
        "keys": [e.key for e in entries],
        "docs": [e.doc for e in entries],
        "words": [e.words for e in entries],
    }


def set_view(connection: Connection, case_id: str, view: CaseView, events: int) -> None:
    """Bring a case's view up to date inside the caller's transaction."""
    connection.execute(_SET_VIEW, {**asdict(view), "breached": list(view.breached), "events": events, "case": case_id})


def history(connection: Connection, case_id: str, after: int = 0, *, as_of: datetime | None = None) -> list[tuple[int, Entry]]:
    """The entries of a case after the `after`-th, with their numbers; those that were on record at the moment `as_of`."""
    until = microseconds(as_of) if as_of is not None else None
    rows = connection.execute(_HISTORY, {"case": case_id, "after": after, "until": until})
    return [(r.seq, read(r.doc, r.key)) for r in rows]


class PostgresRecords:
    """See `domain.ports.Records`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append(self, case_id: str, entries: Sequence[Written], view: CaseView, known: int) -> int:
        """See `domain.ports.Records.append`."""
        with self._engine.begin() as connection:
            events, overtaken = append_after(connection, case_id, entries, known)
            if overtaken:
                connection.rollback()
            else:
                tell(connection, case_id, entries)
                set_view(connection, case_id, view, events)
        if overtaken:
            raise Overtaken(case_id, [Written.of(e) for e in beyond([entry for _, entry in self.history(case_id)], known)])
        return events

    def chain(self, case_id: str) -> list[Link]:
        """A case's chain as stored, in order."""
        with connected(self._engine) as connection:
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
