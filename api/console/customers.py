"""Customers: finding one, all their cases on all channels, and linking identities that are the same person, seen side by side first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from adapters.postgres.identities import CustomerShown
from api.access.rules import Needs
from api.access.visitor import Visitor
from api.console.ground import Ground, discreet
from api.console.visiting import visitor_of
from api.problems import Problem
from api.reading import ON_RECORD
from domain.identities import LONGEST_REASON, CannotLink, Identity, NoSuchCustomer, not_linked
from domain.rights import Right
from domain.sentences import say

_T = TypeVar("_T")
Short = Annotated[str, Form(max_length=200)]
Written = Annotated[str, Form(max_length=4 * LONGEST_REASON)]
Id = Annotated[str, Query(max_length=60)]
IdGiven = Annotated[str, Form(max_length=60)]
CASES = 40
"""So many cases of a customer are shown: a page stays below 30 KB."""
COMPARED = 6
IS_DONE = {
    "linked": say("They are one customer now."),
    "unlinked": say("It is a customer of its own again. Nothing of it shows here any more."),
}


@dataclass(frozen=True)
class CustomerPages:
    """The pages. What is looked for stands in no address: it is a person's handle."""

    ground: Ground

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False)
        reading, linking = [Depends(Needs(Right.READ_CASES))], [Depends(Needs(Right.LINK_CUSTOMERS))]
        router.add_api_route("/console/customers", self.ask, methods=["GET"], dependencies=reading)
        router.add_api_route("/console/customers", self.find, methods=["POST"], dependencies=reading)
        router.add_api_route("/console/customers/{customer_id}", self.show, methods=["GET"], dependencies=reading)
        for name, page, act in (("link", self.compare, self.link), ("unlink", self.doubt, self.unlink)):
            router.add_api_route(f"/console/customers/{{customer_id}}/{name}", page, methods=["GET"], dependencies=linking)
            router.add_api_route(f"/console/customers/{{customer_id}}/{name}", act, methods=["POST"], dependencies=linking)
        return router

    async def ask(self, request: Request) -> Response:
        """Where a customer is looked for."""
        return await self._page(request, "customers.html", {"found": None, "given": {}, "beside": None})

    async def find(self, request: Request, handle: Short = "", channel: Short = "", beside: IdGiven = "") -> Response:
        """Who is called exactly that. `beside`: the customer whom they may be the same person as."""
        visitor = visitor_of(request)
        scope = visitor.sees_departments
        other = (await self._there(lambda: self.ground.store.identities.shown(beside, scope, at_most=0))).identities if beside else []
        found = await self.ground.read(lambda: self.ground.store.identities.find(handle, channel or None, scope))
        await self._noted(visitor, found)
        known = {one.id for one in other}
        values = {
            "found": [one for one in found if one.id not in known],
            "given": {"handle": handle, "channel": channel},
            "beside": other[0] if other else None,
        }
        return await self._page(request, "customers.html", values)

    async def show(self, request: Request, customer_id: str, did: str = "") -> Response:
        """A customer: the identities, what is linked by whom and why, and all cases."""
        visitor = visitor_of(request)
        shown = await self._shown(visitor, customer_id)
        await self._noted(visitor, shown.identities)
        here = f"/console/customers/{shown.identities[0].id}"
        values = {
            **await self._with(visitor, shown),
            "done": IS_DONE.get(did),
            "refresh": None if visitor.actor.role in ON_RECORD else here,
            "links": visitor.may(Right.LINK_CUSTOMERS),
        }
        return await self._page(request, "customer.html", values)

    async def compare(self, request: Request, customer_id: str, other: Id) -> Response:
        """Both, side by side, before somebody says that they are the same person."""
        return await self._side_by_side(request, customer_id, other)

    async def link(self, request: Request, customer_id: str, other: IdGiven, reason: Written = "", seen: Written = "") -> Response:
        """They are the same person: somebody says so, who was shown these."""
        actor = visitor_of(request).actor
        try:
            await self._there(lambda: self.ground.store.linking.link(customer_id, other, reason, actor, seen=seen.split()))
        except CannotLink as refusal:
            return await self._side_by_side(request, customer_id, other, reason, refusal)
        return _to(customer_id, "linked")

    async def doubt(self, request: Request, customer_id: str, other: Id) -> Response:
        """What will not be seen together any more, before somebody takes one out."""
        return await self._before_unlinking(request, customer_id, other)

    async def unlink(self, request: Request, customer_id: str, other: IdGiven, reason: Written = "") -> Response:
        """It was not the same person, or is not to be seen with the others."""
        actor = visitor_of(request).actor
        try:
            await self._there(lambda: self.ground.store.linking.unlink(customer_id, other, reason, actor))
        except CannotLink as refusal:
            return await self._before_unlinking(request, customer_id, other, reason, refusal)
        return _to(customer_id, "unlinked")

    # --- the pages ----------------------------------------------------------------------------------------------------

    async def _side_by_side(
        self, request: Request, customer: str, other: str, reason: str = "", refusal: CannotLink | None = None
    ) -> Response:
        """With the refusal in its place, when there was one; or when it is known before anybody has written anything."""
        visitor = visitor_of(request)
        mine, theirs, why_not = await self._there(lambda: self.ground.store.linking.would(customer, other))
        sides = [await self._with(visitor, await self._shown(visitor, one, COMPARED)) for one in (mine[0].id, theirs[0].id)]
        told = refusal or why_not
        values = {
            "sides": sides,
            "reason": reason,
            "problem": told.reason if told is not None else None,
            "is_shut": why_not is not None,
            "seen": " ".join(one.id for one in (*mine, *theirs)),
            "longest": LONGEST_REASON,
        }
        return await self._page(request, "customer_link.html", values, status=_status(refusal))

    async def _before_unlinking(
        self, request: Request, customer: str, other: str, reason: str = "", refusal: CannotLink | None = None
    ) -> Response:
        visitor = visitor_of(request)
        mine = await self._shown(visitor, customer, COMPARED)
        theirs = (await self._shown(visitor, other, COMPARED)).identities[0]
        is_linked = any(one.id == theirs.id for one in mine.identities[1:])
        values = {
            "me": mine.identities[0],
            "out": theirs,
            "staying": [one for one in mine.identities if one.id != theirs.id],
            "reason": reason,
            "problem": (refusal or not_linked()).reason if refusal is not None or not is_linked else None,
            "is_shut": not is_linked,
            "longest": LONGEST_REASON,
        }
        return await self._page(request, "customer_unlink.html", values, status=_status(refusal))

    async def _with(self, visitor: Visitor, shown: CustomerShown) -> dict[str, Any]:
        policy = await self.ground.looking.policy()
        return {
            "me": shown.identities[0],
            "identities": shown.identities,
            "called": {one.id: one for one in shown.identities},
            "cases": discreet(visitor, policy, shown.cases),
            "figures": shown.figures,
        }

    async def _shown(self, visitor: Visitor, customer: str, at_most: int = CASES) -> CustomerShown:
        return await self._there(lambda: self.ground.store.identities.shown(customer, visitor.sees_departments, at_most=at_most))

    async def _noted(self, visitor: Visitor, identities: Sequence[Identity]) -> None:
        if identities and visitor.actor.role in ON_RECORD:
            await self.ground.read(lambda: self.ground.store.identities.note_read(identities, visitor.actor))

    async def _there(self, call: Callable[[], _T]) -> _T:
        """What it gives. Raises Problem when a customer is not there, or not for them."""
        try:
            return await self.ground.read(call)
        except NoSuchCustomer as error:
            raise Problem(404, str(error)) from None

    async def _page(self, request: Request, name: str, values: dict[str, Any], *, status: int = 200) -> Response:
        return await self.ground.page(request, name, visitor_of(request), {"here": "customers", **values}, status=status)


def _status(refusal: CannotLink | None) -> int:
    return 200 if refusal is None else 409


def _to(customer: str, did: str) -> Response:
    return RedirectResponse(f"/console/customers/{quote(customer, safe='')}?did={did}", 303)
