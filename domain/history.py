"""The history's form: one canonical document an event, chained by hashes, so that nothing can be changed, dropped or reordered unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from domain.commands import Message, TimePassed
from domain.events import EVENT, EscalationCalledOff, EscalationDelivered, Event, ReplyPlanned, ReplyPosted, ReplyWithdrawn
from domain.values import SYSTEM, Actor, Role, Via

GENESIS = bytes(32)
"""The hash before a case's first event."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event with its circumstances: who (and through what) made it happen, what caused it, under which policy.

    `key` names the entry within its case, so that recording the same entry again changes nothing.
    """

    key: str
    event: Event
    by: Actor
    cause: str
    policy: str

    @property
    def words(self) -> str | None:
        """The reference of the personal words that belong to the event."""
        return getattr(self.event, "words", None)


_BY_CUSTOMER = ("opened", "customer_wrote", "post_edited", "post_deleted", "ask_answered", "reopened")


def done_by(event: Event, message: Message) -> Actor:
    """Who made an event happen when a message was taken up: whoever sent it, or the system that drew the conclusion."""
    if message.by.role is Role.CUSTOMER:
        return message.by if event.kind in _BY_CUSTOMER else SYSTEM
    by_template = isinstance(event, ReplyPlanned) and event.template is not None
    return SYSTEM if by_template else message.by


def entered(event: Event, number: int, by: Actor, cause: str, policy: str) -> Entry:
    """The entry for the `number`-th event of a case that the rules decided on.

    What activities record themselves (that a reply was posted) has the same key there, whichever comes first.
    """
    match event:
        case ReplyPosted(step=step):
            key = f"posted:{step}"
        case ReplyWithdrawn(step=step):
            key = f"withdrawn:{step}"
        case EscalationDelivered(step=step) | EscalationCalledOff(step=step):
            key = f"call:{step}"
        case _:
            key = f"w{number}"
    return Entry(key, event, by, cause, policy)


def beyond(history: Sequence[Entry], known: int) -> list[Entry]:
    """What the rules have decided on after the entry numbered `known`, as `history` has it: whole decisions, in order.

    A posting that an activity has recorded by itself is not among them: the case hears of it by the activity's outcome.
    """
    decided = [entry for entry in history if entry_number(entry.key) > known]
    causes = {entry.cause for entry in decided} - {TimePassed().id}
    return [entry for entry in history if entry in decided or (entry_number(entry.key) == 0 and entry.cause in causes)]


def entry_number(key: str) -> int:
    """The number in the key of an entry that the rules decided on; 0 for the keys that activities use too."""
    return int(key[1:]) if key[:1] == "w" and key[1:].isdigit() else 0


def document(entry: Entry) -> str:
    """The exact text that is hashed and stored: JSON with sorted keys, no white space, UTF-8 as is."""
    data = EVENT.dump_python(entry.event, mode="json", exclude_none=True)
    kind, at = data.pop("kind"), data.pop("at")
    doc = {
        "at": at,
        "by": {"person": entry.by.person, "role": entry.by.role.value, "via": entry.by.via.value},
        "cause": entry.cause,
        "data": data,
        "kind": kind,
        "policy": entry.policy,
        "v": 1,
    }
    return json.dumps(doc, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@lru_cache(maxsize=20_000)
def read(doc: str, key: str = "") -> Entry:
    """The inverse of `document`. Raises ValueError when the text is not one.

    Entries never change, and those of an open case are read again with each step of it, so that a few thousand are remembered.
    """
    raw: dict[str, Any] = json.loads(doc)
    if raw.get("v") != 1:
        raise ValueError(f"this history entry has the form {raw.get('v')!r}; this version reads form 1")
    by = raw["by"]
    event = EVENT.validate_python({"kind": raw["kind"], "at": raw["at"], **raw["data"]})
    return Entry(key, event, Actor(by["person"], Role(by["role"]), Via(by["via"])), raw["cause"], raw["policy"])


@dataclass(frozen=True, slots=True)
class Link:
    """One row of a case's chain, as stored. `recorded_us` is microseconds since 1970 UTC by the database's clock."""

    case_id: str
    seq: int
    event_id: str
    recorded_us: int
    doc: str
    words_hash: bytes | None
    prev_hash: bytes
    hash: bytes


def chain_hash(case_id: str, seq: int, event_id: str, recorded_us: int, words_hash: bytes | None, prev_hash: bytes, doc: str) -> bytes:
    """SHA-256 over the lines: a tag, case, seq, event id, time, hash of the sealed words (or "-"), previous hash, document.

    None of the fields before the document can contain a line break, so the lines are unambiguous. The database computes the same.
    """
    head = (
        f"loopkeeper-event-v1\n{case_id}\n{seq}\n{event_id}\n{recorded_us}\n{words_hash.hex() if words_hash else '-'}\n{prev_hash.hex()}\n"
    )
    return hashlib.sha256((head + doc).encode()).digest()


def first_fault(links: list[Link]) -> str | None:
    """What is wrong with one case's chain, in a sentence that names the event; None when it holds."""
    previous = GENESIS
    for number, link in enumerate(links, start=1):
        if link.seq != number:
            return f"case {link.case_id}: event {number} is missing (the next one found is {link.seq})"
        if link.prev_hash != previous:
            return f"case {link.case_id}: event {link.seq} does not follow from the event before it"
        expected = chain_hash(link.case_id, link.seq, link.event_id, link.recorded_us, link.words_hash, link.prev_hash, link.doc)
        if link.hash != expected:
            return f"case {link.case_id}: event {link.seq} was changed after it was recorded"
        previous = link.hash
    return None


def moment(us: int) -> datetime:
    """A `recorded_us` as a datetime in UTC."""
    from datetime import UTC, timedelta

    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)


def microseconds(at: datetime) -> int:
    """A moment as a `recorded_us`."""
    since = at - moment(0)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
