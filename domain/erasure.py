"""Erasing customers: who they are, what goes, what stays, and what is outside and has to be cleaned by hand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.errors import LoopkeeperError
from domain.sentences import say


class CannotErase(LoopkeeperError):
    """An erasure is refused; the text says why, and what to do first."""


@dataclass(frozen=True, slots=True)
class Owned:
    """A case of a customer. `holds`: the numbers of the legal holds on it."""

    case_id: str
    number: int
    status: str
    is_open: bool
    opened_at: datetime
    holds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who posts, on one channel. `id` is ours and says nothing about them."""

    id: str
    channel: str
    handle: str | None
    name: str | None
    since: datetime
    cases: tuple[Owned, ...]


@dataclass(frozen=True, slots=True)
class Outside:
    """Copies of a customer's words that are out of our reach: (case, where), in the words of whoever has to find them."""

    cards: tuple[tuple[str, str], ...] = ()
    mails: tuple[tuple[str, str], ...] = ()
    replies: tuple[tuple[str, str], ...] = ()
    posts: tuple[tuple[str, str], ...] = ()
    exports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything that erasing these customers concerns. `elsewhere`: cases of others in which they wrote."""

    customers: tuple[Customer, ...]
    elsewhere: tuple[str, ...]
    words: int
    waiting: int
    outside: Outside
    held_elsewhere: tuple[tuple[str, int], ...] = ()

    @property
    def cases(self) -> tuple[Owned, ...]:
        """Their own cases."""
        return tuple(case for customer in self.customers for case in customer.cases)

    def objection(self) -> str | None:
        """Why they cannot be erased now, and what to do first; None when they can."""
        held = [(case.case_id, number) for case in self.cases for number in case.holds] + list(self.held_elsewhere)
        if held:
            told = ", ".join(f"{case} (hold {number})" for case, number in held)
            return say("a legal hold keeps {told}; lift it first, if that is allowed: loopkeeper privacy lift HOLD", told=told)
        still_open = [f"#{case.number} {case.case_id} ({case.status.replace('_', ' ')})" for case in self.cases if case.is_open]
        if still_open:
            return say(
                "still open: {cases}. Bring them to an end first (resolve, or dismiss in Slack, the console or the API); "
                "an open case owes the customer words, which could not be written any more",
                cases=", ".join(still_open),
            )
        return None

    def objection_to(self, number: int, cases: Sequence[str]) -> str | None:
        """Why that proposal, which was shown with these cases, cannot be confirmed now; None when it can."""
        objection = self.objection()
        if objection is None and sorted(case.case_id for case in self.cases) != sorted(cases):
            return say(
                "the customer has other cases now than when erasure {number} was proposed; reject it and propose anew, so that what "
                "is confirmed is what was shown",
                number=number,
            )
        return objection


@dataclass(frozen=True, slots=True)
class Proposal:
    """An erasure that somebody wants: its number, whom and which cases it concerns, why, and who proposed it when."""

    id: str
    number: int
    subjects: tuple[str, ...]
    cases: tuple[str, ...]
    reason: str
    proposed_by: str
    proposed_at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class Erased:
    """What was destroyed."""

    subjects: int
    cases: tuple[str, ...]
    words: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the erasure list. `author`: a keyed hash, by which it is sure that the subject is the one that was erased."""

    at: datetime
    erasure: str
    subject: str
    author: str


class ErasureList(Protocol):
    """Who was erased, kept outside the database, so that a restore of an older backup does not bring them back."""

    def add(self, lines: Sequence[Listed]) -> None:
        """Add lines; when it returns they are on the disk."""
        ...

    def lines(self) -> list[Listed]:
        """All of it, in order."""
        ...


class Shown(Protocol):
    """Somebody as a network shows them."""

    @property
    def handle(self) -> str | None:
        """Their handle."""
        ...

    @property
    def name(self) -> str | None:
        """Their name."""
        ...


def names_somebody(reason: str, customers: Sequence[Shown]) -> str | None:
    """The handle or name that a reason repeats, if so: the reason stays on record for ever, and must not."""
    told = reason.casefold()
    for customer in customers:
        for shown in (customer.handle, customer.name):
            if shown and re.search(rf"(?<!\w){re.escape(shown.casefold())}(?!\w)", told):
                return shown
    return None
