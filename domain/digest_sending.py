"""Sending digests: what it needs of the outside, as protocols."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from domain.digest import Choice, Digest
from domain.digest_letter import Letter
from domain.ports import Mark, Message
from domain.rights import RIGHTS, Right
from domain.sentences import Teller
from domain.values import Role


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may see who is not here now: their role and departments when they were last, and what a key was narrowed to."""

    role: Role
    departments: frozenset[str]
    scopes: frozenset[str] | None = None

    def only(self) -> frozenset[str] | None:
        """The departments whose cases they may see; None: all."""
        return self.departments if self.role is Role.DEPARTMENT else None

    def may_read_numbers(self) -> bool:
        """Whether they may be told figures."""
        return self.role in RIGHTS[Right.READ_REPORTS] and (self.scopes is None or Right.READ_REPORTS.value in self.scopes)


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who chose the digest. `rights`: None when they may see nothing now; then none is sent. `since`: from when on it is owed.

    `asked`: the number of the newest question whether the address is theirs; `confirmed`: whether they said so. `language`: the one that
    they keep.
    """

    id: str
    person: str
    name: str
    choice: Choice = field(repr=False)
    since: datetime
    confirmed: bool
    asked: int
    last_week: date | None
    rights: Rights | None
    language: str | None = None


class Readers(Protocol):
    """Who reads digests."""

    def all(self) -> Sequence[Reader]:
        """Those who have confirmed their address, and those who are to be asked for that. Raises Unavailable."""
        ...

    def sent(self, reader: str, monday: date) -> None:
        """The digest of that week is done with. Raises Unavailable."""
        ...


class DirectMessages(Protocol):
    """Direct messages in Slack, by the address that a reader chose. Slack is asked nothing until something is posted or looked for."""

    def find(self, place: str, thread: str | None, key: str) -> Message | None:
        """See `domain.ports.Desk.find`."""
        ...

    def digest(self, address: str, made: Digest, mark: Mark, teller: Teller) -> str:
        """Post it; the message's ts. Raises NotSent, Refused or Unclear."""
        ...

    def ask(self, address: str, link: str, mark: Mark, teller: Teller) -> str:
        """Ask whether they want it; the message's ts. Raises as `digest` does."""
        ...


class LetterPost(Protocol):
    """The mail service."""

    def letter(self, letter: Letter) -> str:
        """Send it, once; the service's id of it. Raises NotSent, Refused or Unclear."""
        ...


class DigestAddresses(Protocol):
    """Links that cannot be guessed."""

    def confirm(self, reader: str, asked: int) -> str:
        """Where a reader says that an address is theirs: good for the newest question alone."""
        ...

    def stop(self, reader: str) -> str:
        """Where a reader ends it, with one click."""
        ...
