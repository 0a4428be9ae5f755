"""Who has come in, over the console or the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.rights import RIGHTS, STEP_UP, Colleague, Right
from domain.values import Actor, Role


class Way(StrEnum):
    """How somebody came in."""

    OIDC = "oidc"
    """Signed in with the company's identity provider."""
    LOCAL = "local"
    """Picked a role, on an embedded installation's own machine."""
    KEY = "key"
    """Signed in at the console with an API key, or a program that sends one."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in, or a program with its key.

    `departments`: those that a department's colleague or key belongs to. `scopes`: the rights that a key is narrowed to; None when it is
    not. `signed_in_at`: when the session began, or a program's request came. `proved_at`: when they last proved who they are; None when
    nobody can tell, and for a program. `session`: the id by which the session is listed; None for a program.
    `language`, `zone`: in which they read pages, when they keep one.
    """

    actor: Actor
    departments: frozenset[str]
    name: str
    signed_in_at: datetime
    way: Way
    proved_at: datetime | None = None
    scopes: frozenset[Right] | None = None
    session: str | None = None
    language: str | None = None
    zone: str | None = None

    @property
    def colleague(self) -> Colleague:
        """The visitor as `domain.rights.may_not` and `may_see` know people."""
        return Colleague(self.actor, self.departments)

    @property
    def sees_departments(self) -> frozenset[str] | None:
        """The departments whose cases a list may show; None: all."""
        return self.departments if self.actor.role is Role.DEPARTMENT else None

    def may(self, right: Right) -> bool:
        """Whether the role has the right, and the key was not made without it."""
        if self.actor.role not in RIGHTS[right]:
            return False
        if self.scopes is None:
            return right not in STEP_UP or self.session is not None
        return right in self.scopes
