"""Which cases the record and Temporal know differently: after a restore, or when one of the two has lost something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Difference(StrEnum):
    """How the two differ about a case."""

    MISSING = "missing"
    """On record and not over, and nothing runs it."""
    UNRECORDED = "unrecorded"
    """It runs, and there is no such case on record."""
    AHEAD = "ahead"
    """It runs, and has come further than the record knows."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One case that the two know differently. `lost`: what happened to it that the record does not have, as far as Temporal tells."""

    case_id: str
    difference: Difference
    recorded: int = 0
    held: int = 0
    run_id: str | None = None
    lost: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """What is the matter, in a sentence."""
        match self.difference:
            case Difference.MISSING if self.held > self.recorded:
                ahead = f"it ended in Temporal after {self.held} events, and the record has {self.recorded} of them"
                return f"{self.case_id} is open on record and nothing runs it: {ahead}"
            case Difference.MISSING:
                return f"{self.case_id} is open on record ({self.recorded} events) and nothing runs it"
            case Difference.UNRECORDED:
                return f"{self.case_id} runs in Temporal ({self.held} events) and is not on record"
            case Difference.AHEAD:
                return f"{self.case_id} runs in Temporal with {self.held} events, and the record has {self.recorded} of them"

    @property
    def mending(self) -> str:
        """What is done about it."""
        match self.difference:
            case Difference.MISSING:
                return "it is started from its record"
            case Difference.UNRECORDED:
                return "it is ended there; the customer's post is to be had from the network, by the id in the case's name"
            case Difference.AHEAD:
                return "it is ended there and started again from its record"


class CasesOnRecord(Protocol):
    """What the record says of many cases at once."""

    def going_on(self) -> dict[str, int]:
        """The cases that are not over, and how many events each has. Not those that Temporal is just about to be told of."""
        ...

    def events_of(self, case_ids: Sequence[str]) -> dict[str, int]:
        """How many events each of these has; those that are not on record are left out."""
        ...

    def keys_of(self, case_id: str) -> frozenset[str]:
        """The keys of a case's entries."""
        ...
