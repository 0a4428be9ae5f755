"""Which faults are set, when they strike, and who is being held."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sandbox.things import Store, Thing


class Party(StrEnum):
    """Whose fault it is. The first three are asked by Loopkeeper; the last two call Loopkeeper."""

    SQUARE = "square"
    SLACK = "slack"
    MAIL = "mail"
    WEBHOOKS = "webhooks"
    """Everything that is delivered later and again until it arrives: channel webhooks, Slack events, mail events."""
    INTERACTIONS = "interactions"
    """Everything that a person waits for: presses, submissions, commands, shortcuts."""


class Kind(StrEnum):
    """What goes wrong."""

    LOSE_ANSWER = "lose_answer"
    """It is done, then the connection is cut."""
    FAIL_AFTER = "fail_after"
    """It is done, then answered with 500."""
    FAIL_BEFORE = "fail_before"
    """It is not done and answered with 500."""
    HANG = "hang"
    """It is never answered; `acts` says whether it is done."""
    REFUSE = "refuse"
    """The connection is cut before the request is read."""
    RATE_LIMIT = "rate_limit"
    """Not done; 429, with Retry-After of `seconds`."""
    DOWN = "down"
    """Refused, every time, until cleared."""
    HOLD = "hold"
    """It is done; the answer waits until it is released."""
    BLIND = "blind"
    """Looking up own replies or messages does not work (for the square: is incomplete)."""
    DELIVER_TWICE = "deliver_twice"
    """Delivered a second time at once, under the same id."""
    REORDER = "reorder"
    """Delivered late, after the next one (or after 5 s)."""
    DROP_ONCE = "drop_once"
    """The first delivery is lost on the way; it comes by retry."""


_ASKED = frozenset({Kind.LOSE_ANSWER, Kind.FAIL_AFTER, Kind.FAIL_BEFORE, Kind.HANG, Kind.REFUSE, Kind.RATE_LIMIT, Kind.DOWN, Kind.HOLD})
KINDS: dict[Party, frozenset[Kind]] = {
    Party.SQUARE: _ASKED | {Kind.BLIND},
    Party.SLACK: _ASKED | {Kind.BLIND},
    Party.MAIL: _ASKED,
    Party.WEBHOOKS: frozenset({Kind.LOSE_ANSWER, Kind.DELIVER_TWICE, Kind.REORDER, Kind.DROP_ONCE, Kind.DOWN}),
    Party.INTERACTIONS: frozenset({Kind.LOSE_ANSWER, Kind.DELIVER_TWICE, Kind.DROP_ONCE, Kind.DOWN}),
}
"""What can go wrong with whom."""

_LOOKING_UP = ("/replies/find", "conversations.history", "conversations.replies")


class Order(BaseModel):
    """A fault as it is ordered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    party: Party
    kind: Kind
    probability: Annotated[float, Field(gt=0, le=1)] = 1.0
    count: Annotated[int, Field(ge=1)] | None = None
    """How many times it strikes at most; None: until cleared."""
    seed: int = 0
    """The same seed strikes the same requests in the same order."""
    match: str = ""
    """Only addresses that contain this: a method (`chat.postMessage`), a channel (`/x/`), an event type (`post.deleted`) …"""
    acts: bool = True
    seconds: Annotated[int, Field(ge=0, le=3600)] = 1

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.kind not in KINDS[self.party]:
            raise ValueError(f"{self.kind} cannot happen to {self.party}; it can have: {', '.join(sorted(KINDS[self.party]))}")
        return self


class Fault(Thing):
    """A fault that is set, and how often it struck."""

    noun: ClassVar[str] = "fault"

    id: str
    order: Order
    struck: int = 0
    cleared: bool = False

    @property
    def key(self) -> str:
        """Its id."""
        return self.id

    @property
    def is_spent(self) -> bool:
        """Whether it will never strike again."""
        return self.cleared or (self.order.count is not None and self.struck >= self.order.count)

    def concerns(self, party: Party, address: str) -> bool:
        """Whether it may strike there."""
        order = self.order
        if order.party is not party or order.match not in address:
            return False
        return order.kind is not Kind.BLIND or any(part in address for part in _LOOKING_UP)


@dataclass(frozen=True)
class Held:
    """A request that was done and whose answer waits."""

    id: str
    party: Party
    address: str
    since: float
    released: asyncio.Event = field(default_factory=asyncio.Event, compare=False, repr=False)


class FaultMode:
    """The faults that are set. They are part of the world: `down` stays down over a restart; dice start anew from their seed."""

    def __init__(self, store: Store, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now
        self._set: dict[str, Fault] = {fault.id: fault for fault in store.stored(Fault) if not fault.is_spent}
        self._dice: dict[str, random.Random] = {}
        self._held: dict[str, Held] = {}

    @property
    def faults(self) -> list[Fault]:
        """Faults that may still strike."""
        return list(self._set.values())

    @property
    def held(self) -> list[Held]:
        """Whose answers wait, oldest first."""
        return list(self._held.values())

    def order(self, order: Order) -> Fault:
        """Set a fault."""
        fault = Fault(id=f"fault-{secrets.token_hex(4)}", order=order)
        self._set[fault.id] = fault
        self._store.put(fault)
        return fault

    def clear(self, fault_id: str | None = None) -> list[Fault]:
        """Clear one fault, or all, and let go of all who are held. Answers what was cleared."""
        gone = [fault for fault in self._set.values() if fault_id in (None, fault.id)]
        for fault in gone:
            del self._set[fault.id]
            self._store.put(fault.changed(cleared=True))
        if fault_id is None:
            self.release()
        return gone

    def strike(self, party: Party, address: str, among: frozenset[Kind] = frozenset(Kind)) -> Order | None:
        """The fault that strikes this request, if any: the first that is set, concerns it, and whose dice say so."""
        if not self._set:
            return None
        for fault in self._set.values():
            if fault.order.kind in among and fault.concerns(party, address) and self._throw(fault):
                return self._struck(fault).order
        return None

    def _throw(self, fault: Fault) -> bool:
        if fault.order.probability >= 1:
            return True
        dice = self._dice.setdefault(fault.id, random.Random(fault.order.seed))  # noqa: S311 - repeatable, not secret
        return dice.random() < fault.order.probability

    def _struck(self, fault: Fault) -> Fault:
        fault = fault.changed(struck=fault.struck + 1)
        self._set[fault.id] = fault
        if fault.is_spent:
            del self._set[fault.id]
        self._store.put(fault)
        return fault

    async def hold(self, party: Party, address: str) -> None:
        """Wait until somebody releases this request."""
        held = Held(f"held-{secrets.token_hex(4)}", party, address, self._now())
        self._held[held.id] = held
        try:
            await held.released.wait()
        finally:
            self._held.pop(held.id, None)

    def release(self, held_id: str | None = None) -> list[Held]:
        """Let one who is held go, or all. Answers whom."""
        freed = [held for held in self._held.values() if held_id in (None, held.id)]
        for held in freed:
            held.released.set()
        return freed
