"""The rules for a shared cause: many cases, one root cause. One text goes to all of them, and each says it as its own, or holds it back.

A cause is no case and decides nothing. What it announces reaches each case as a message; the case carries it out by the rule that a
person's command has there. See docs/adr/0087-shared-causes.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from domain import commands as c
from domain import events as e
from domain.case import Case
from domain.decide_command import on_command
from domain.policy import CasePolicy
from domain.replying import Events
from domain.values import Purpose

_ASK_IS_OPEN = "a question to the customer is open here; they would hear of two things at once"
_LEFT = "it does not share this cause any more"
_PROMISE_IS_OVER = "the text promises the next word by a moment that is over"


@dataclass(frozen=True, slots=True)
class WaitingAnnouncement:
    """One that a second person must look at before it is sent. `customers`: how many would hear it; nobody's words are in it."""

    number: int
    cause: int
    what: Literal["update", "resolve"]
    author: str
    why: tuple[str, ...]
    customers: int

    @property
    def key(self) -> str:
        """That the social team is told of it."""
        return f"announcement:{self.number}:waiting"

    @property
    def path(self) -> str:
        """The page on which it is decided."""
        return f"/console/causes/{self.cause}/announcements/{self.number}"


class WaitingAnnouncements(Protocol):
    """Finds them."""

    def untold(self) -> Sequence[WaitingAnnouncement]:
        """Those of which the social team has not been told, the oldest first."""
        ...


def announced(case: Case, message: c.Announce, policy: CasePolicy, now: datetime) -> Events:
    """The case says what is announced, in the words that were made for it; or it holds it back, with the reason on record."""
    why = _held_back(case, message, now)
    if why is None:
        if message.approved_by is not None:  # somebody else has read what it says to each of them
            policy = policy.model_copy(update={"approve_priorities": ()})
        said = on_command(case, _as_command(message), policy, now)
        if not isinstance(said, c.Refusal):
            return [e.Announced(now, message.cause, message.announcement, message.approved_by), *said]
        why = said.reason.replace("{person}", "a colleague")
    return [e.HeldBack(now, message.cause, message.announcement, why)]


def _held_back(case: Case, message: c.Announce, now: datetime) -> str | None:
    if case.cause != message.cause:
        return _LEFT
    if case.ask is not None or case.planned(Purpose.ASK) is not None:
        return _ASK_IS_OPEN
    return _PROMISE_IS_OVER if message.promise is not None and message.promise <= now else None


def _as_command(message: c.Announce) -> c.Update | c.Resolve:
    if message.what == "resolve":
        return c.Resolve(message.id, message.by, message.root_cause or "", message.words, seen=message.seen)
    return c.Update(message.id, message.by, message.words, message.promise, seen=message.seen)
