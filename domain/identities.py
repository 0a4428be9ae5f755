"""Identities: customers as they are on one channel, and when two of them may be linked as the same person.

A link moves nothing. Each identity is answered where it wrote, and opens cases of its own; what is linked is only shown together.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.erasure import names_somebody
from domain.errors import LoopkeeperError
from domain.sentences import say

MOST = 20
"""So many identities are one customer at most: more are a shared account, or a mistake."""
LONGEST_REASON = 500


class CannotLink(LoopkeeperError):
    """Linking or unlinking is refused; the text says why and what to do, `code` says it to programs."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class NoSuchCustomer(LoopkeeperError):
    """There is no such customer, or they were erased."""

    def __init__(self, customer: str) -> None:
        super().__init__(f"there is no customer '{customer[:40]}'; whoever was erased is not there any more")
        self.customer = customer


class How(StrEnum):
    """How it was known that identities are the same person."""

    BY_HAND = "by_hand"
    """Somebody looked at both and said so."""
    SIGNED_IN = "signed_in"
    """Both were signed in to the same account with the brand, as the brand itself has verified."""


@dataclass(frozen=True, slots=True)
class Linked:
    """That an identity is linked. `by`: a person's id; `name`: how they are called; `reason`: empty when it was no person."""

    how: How
    by: str
    name: str
    role: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Identity:
    """A customer on one channel. `id` is ours and says nothing about them. `brands`: those that they have cases with."""

    id: str
    channel: str
    handle: str | None
    name: str | None
    since: datetime
    brands: frozenset[str] = frozenset()
    cases: int = 0
    linked: Linked | None = None

    @property
    def called(self) -> str:
        """How people call them."""
        return self.name or (f"@{self.handle.removeprefix('@')}" if self.handle else say("a customer"))


def not_linked() -> CannotLink:
    """There is nothing to be undone."""
    return CannotLink("not_linked", say("They are not linked, or not any more."))


def handle_of(written: str) -> str:
    """A handle as it is compared: NFKC, without its @ and without case."""
    return unicodedata.normalize("NFKC", written).strip().removeprefix("@").casefold()


def why_not_link(one: Sequence[Identity], other: Sequence[Identity]) -> CannotLink | None:
    """Why two customers cannot become one; None when they can. Each with all of its identities, the one that is meant first."""
    mine, theirs = one[0], other[0]
    if mine.id == theirs.id:
        return CannotLink("itself", say("That is the same identity: nobody is linked with themselves."))
    there = next((identity for identity in one if identity.id == theirs.id), None)
    if there is not None:
        said = mine.linked if there.linked is None else there.linked
        if said is None:
            return CannotLink("linked_already", say("They are linked already."))
        return CannotLink("linked_already", say("They are linked already, by {who} on {day}.", who=said.name, day=f"{said.at:%Y-%m-%d}"))
    if len(one) > 1 and len(other) > 1:
        return CannotLink(
            "both_linked",
            say(
                "Both are linked with others already. Take one of the two out first, so that each link stays a decision about one identity."
            ),
        )
    if len(one) + len(other) > MOST:
        return CannotLink(
            "too_many", say("At most {most} identities are one customer; more are a shared account, or a mistake.", most=MOST)
        )
    if not frozenset.intersection(*(identity.brands for identity in (*one, *other))):
        return CannotLink(
            "other_brand",
            say(
                "They have no brand in common, and what was said to one brand is none of another's business. "
                "Only identities that all have cases with the same brand can be linked."
            ),
        )
    return None


def why_not_reason(reason: str, about: Sequence[Identity]) -> CannotLink | None:
    """What is wrong with a reason; None when it can stand."""
    if not reason.strip():
        return CannotLink("no_reason", say("Say why: whoever reads it later must be able to tell whether it was right."))
    if len(reason) > LONGEST_REASON or not reason.isprintable():
        return CannotLink("unfit_reason", say("The reason is one line of at most {most} characters.", most=LONGEST_REASON))
    named = names_somebody(reason, about)
    if named is not None:
        return CannotLink(
            "reason_names_them",
            say(
                "The reason stays on record for ever, so it must not name them ('{named}'): say how you know, such as 'told us so in #42'.",
                named=named,
            ),
        )
    return None
