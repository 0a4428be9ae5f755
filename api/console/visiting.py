"""Who looks at the console. The pages know a `Visitor` and nothing of how somebody came in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import Depends, Request

from adapters.postgres.people import ApiKey
from api.pages import signed_in
from domain.rights import Colleague
from domain.values import Actor, Role, Via


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who has come in: who, of which departments, and how they are called."""

    actor: Actor
    departments: frozenset[str]
    name: str

    @property
    def colleague(self) -> Colleague:
        """The visitor as `domain.rights` knows people."""
        return Colleague(self.actor, self.departments)

    @property
    def sees_departments(self) -> frozenset[str] | None:
        """The departments whose cases a list may show; None: all."""
        return self.departments if self.actor.role is Role.DEPARTMENT else None


ON_THIS_MACHINE = Visitor(Actor("console:Somebody here", Role.LEAD, Via.CONSOLE), frozenset(), "You")
"""Whoever sits at an embedded installation's own machine."""


def by_key(is_open: bool, key_of: Callable[[str], Awaitable[ApiKey | None]]) -> Callable[[Request], Awaitable[Visitor]]:
    """Lets in whoever sits at the machine (if it is open), and whoever has an API key. Raises Problem for anybody else."""

    async def let_in(request: Request) -> Visitor:
        key = await signed_in(request, is_open=is_open, key_of=key_of)
        if key is None:
            return ON_THIS_MACHINE
        return Visitor(Actor(f"key:{key.id}", key.role, Via.CONSOLE), frozenset(), key.name)

    return let_in


async def _comes_in(request: Request) -> None:
    request.state.visitor = await request.app.state.let_in(request)


READING = ACTING = READING_UNREADABLE = Depends(_comes_in)
"""What a route asks of whoever calls it: that they may read cases, act on them, read what nobody could read."""


def visitor_of(request: Request) -> Visitor:
    """Whose request that is, once they were let in."""
    visitor: Visitor = request.state.visitor
    return visitor
