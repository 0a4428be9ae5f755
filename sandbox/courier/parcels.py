"""What is delivered, by whom, and how it went."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from sandbox.faults import Party
from sandbox.things import Thing


class Parcel(Thing):
    """What must reach Loopkeeper, whole. Kept until it has arrived or was given up; nobody follows it."""

    noun: ClassVar[str] = "parcel"
    announced: ClassVar[bool] = False

    id: str
    """Also the webhook-id or event_id: the same each time that it is sent."""
    sender: str
    lane: str
    """Parcels of one lane are first sent one after the other."""
    what: str
    about: str
    path: str
    content_type: str
    body: bytes

    @property
    def key(self) -> str:
        """Its id."""
        return self.id


class State(StrEnum):
    """How a delivery stands."""

    WAITING = "waiting"
    """Not tried yet, or on its way."""
    RETRYING = "retrying"
    DELIVERED = "delivered"
    FAILED = "failed"
    """Given up, by the sender's own rules."""


class Try(BaseModel):
    """One attempt, as logged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    status: int | None
    """None: no answer."""
    error: str | None
    took_ms: int
    via: Literal["http", "socket"] = "http"


class Delivery(Thing):
    """The log of one parcel, or of one interaction that a person waited for."""

    noun: ClassVar[str] = "delivery"

    id: str
    sender: str
    what: str
    about: str
    path: str
    state: State = State.WAITING
    tries: int = 0
    last: Try | None = None
    next_try_at: datetime | None = None

    @property
    def key(self) -> str:
        """Its id."""
        return self.id


@dataclass(frozen=True)
class Attempt:
    """Which attempt this is, and why the one before failed."""

    number: int
    """1 for the first."""
    previous_failure: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of one attempt."""

    status: int | None
    """None: no answer came."""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    timed_out: bool = False
    took_ms: int = 0
    via: Literal["http", "socket"] = "http"

    @property
    def accepted(self) -> bool:
        """Whether it was taken: a 2xx."""
        return self.status is not None and 200 <= self.status < 300


LOST = Outcome(None, error="lost on the way (fault mode)")

Wire = Callable[[Parcel, Attempt], Awaitable[Outcome]]
"""A way to Loopkeeper that needs no address: it was opened from there. One attempt, without end; the sender's timeout ends it."""


@dataclass(frozen=True)
class Sender:
    """Somebody who sends things to Loopkeeper, with their own manners."""

    name: str
    party: Party
    sign: Callable[[Parcel, Attempt, float], Mapping[str, str]]
    """The headers that sign a parcel for one attempt that is sent now (Unix seconds)."""
    wait_after: Callable[[int, Outcome], float | None]
    """Seconds to wait after the n-th failed attempt; None gives up."""
    timeout: float
    """Seconds until an attempt counts as unanswered."""
    in_flight: int = 200
    """How many attempts may be on their way at once."""
    wire: Callable[[], Wire | None] = lambda: None
    """What an attempt takes instead of HTTP, when there is one at that moment."""
