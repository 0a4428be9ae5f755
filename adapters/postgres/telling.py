"""What one case tells another, stored in the transaction that made it true and delivered as what networks tell us: once, whatever ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection, text

from domain import events as e
from domain.commands import FROM_NETWORK, FromNetwork, PostArrived
from domain.history import read
from domain.merging import told_by
from domain.ports import Written
from domain.values import channel_of

_TELLING = tuple(f'"kind":"{kind.__dataclass_fields__["kind"].default}"' for kind in (e.Merged, e.NotTakenIn, e.PassedOn))
"""By these a document is known that another case is to be told of, without reading it."""
_STORE = text(
    "with stored as (insert into inbound (channel, event_key, delivery_id, state, message, case_id, look_again_at) "
    "values (:channel, :key, :key, case when cast(:after as interval) > interval '0' then 'parked' else 'routed' end, :message, :case, "
    "clock_timestamp() + :after) on conflict (channel, event_key) do nothing returning id) "
    "select pg_notify('loopkeeper_inbound', id::text) from stored"
)
MOVE_POST = text("update post set case_id = :case where channel = :channel and native_id = :id")


def tell(connection: Connection, case_id: str, entries: Sequence[Written]) -> None:
    """Store what other cases are to be told of these entries, inside the caller's transaction. Stored before, it is not stored again."""
    for written in entries:
        if not any(mark in written.doc for mark in _TELLING):
            continue
        told = told_by(case_id, read(written.doc, written.key))
        if told is None:  # the words were somebody's, and the document only looked like one
            continue
        other, message = told
        if isinstance(message, PostArrived):  # its words are read with the case that it belongs to now
            connection.execute(MOVE_POST, {"case": other, "channel": channel_of(other), "id": message.post})
        hand_over(connection, other, f"case:{case_id}:{written.key}", message)


def hand_over(connection: Connection, case_id: str, key: str, message: FromNetwork, after: timedelta = timedelta(0)) -> None:
    """Store what a case is to be told, inside the caller's transaction. Under a key that was used before nothing is stored.

    `after`: it is told so much later, by the wall clock.
    """
    values = {"channel": channel_of(case_id), "key": key, "case": case_id, "after": after}
    connection.execute(_STORE, {**values, "message": FROM_NETWORK.dump_json(message).decode()})
