"""What a route asks of whoever calls it. Every route carries one of these as a dependency; a test walks the routes.

    Reading = Annotated[Visitor, Depends(Needs(Right.READ_CASES))]

    async def board(request: Request, visitor: Reading) -> Response: ...

Or, where the visitor does not matter: `router.add_api_route(…, dependencies=[Depends(Anyone("it is public"))])`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.access.visitor import Visitor
from domain.rights import Right

_bearer = HTTPBearer(auto_error=False, description="An API key: loopkeeper key new NAME")
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


class Door(Protocol):
    """Who lets people and programs in. The application keeps it in `app.state.door`."""

    async def let_in(self, request: Request, key: str | None, right: Right | None, *, fresh: bool) -> Visitor:
        """The visitor. Raises `Problem`, or leads a browser to the sign-in, when there is none or they may not."""
        ...


@dataclass(frozen=True, slots=True)
class Needs:
    """Only whoever has the right comes in; None: whoever is signed in. `fresh`: who proved who they are within the last minutes.

    Rights in `domain.rights.STEP_UP` always need that.
    """

    right: Right | None
    fresh: bool = False

    async def __call__(self, request: Request, given: Bearer) -> Visitor:
        """The visitor."""
        door: Door = request.app.state.door
        return await door.let_in(request, given.credentials if given is not None else None, self.right, fresh=self.fresh)


@dataclass(frozen=True, slots=True)
class Anyone:
    """Whoever comes; `why` that is right."""

    why: str

    async def __call__(self) -> None:
        """Nothing is asked."""


@dataclass(frozen=True, slots=True)
class Proven:
    """Whoever proves by the request itself that they may: a signature, a link that cannot be guessed. `by` says what it is."""

    by: str

    async def __call__(self) -> None:
        """The route itself checks the proof, over the raw body or the address."""


Rule = Needs | Anyone | Proven

Reading = Annotated[Visitor, Depends(Needs(Right.READ_CASES))]
"""Somebody who may read cases: a department's colleague only its own (`Visitor.sees_departments`, `domain.rights.may_see`)."""
Acting = Annotated[Visitor, Depends(Needs(Right.ACT))]
"""Somebody who may act on cases; what on which, `domain.rights.may_not` says."""
