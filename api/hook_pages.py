"""Webhooks on pages, for admins: who is told what, the secret once, what became of each delivery, and sending one again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar, get_args

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from adapters.postgres.hooks import Hooks, NoSuchWebhook
from adapters.receivers import Receivers
from api.access.door import InThread
from api.pages import page
from api.problems import Problem
from api.rest_webhooks import Admin, FreshAdmin, State, id_of
from domain.hooks import KINDS, MOST, UnfitWebhook, Wanted
from domain.ports import PolicyBook

_T = TypeVar("_T")
A_PAGE = 50
STATES = get_args(State)
Many = Annotated[list[str] | None, Form(max_length=200)]


@dataclass(frozen=True)
class WebhookPages:
    """What the pages need."""

    hooks: Hooks
    receivers: Receivers
    book: PolicyBook
    in_thread: InThread

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False)
        here = "/console/webhooks/{webhook_id}"
        router.add_api_route("/console/webhooks", self.all, methods=["GET"])
        router.add_api_route("/console/webhooks", self.make, methods=["POST"])
        router.add_api_route(here, self.one, methods=["GET"])
        router.add_api_route(here, self.change, methods=["POST"])
        router.add_api_route(f"{here}/active", self.pause, methods=["POST"])
        router.add_api_route(f"{here}/secret", self.secret, methods=["POST"])
        router.add_api_route(f"{here}/revoke", self.revoke, methods=["POST"])
        router.add_api_route(f"{here}/test", self.test, methods=["POST"])
        router.add_api_route(f"{here}/deliveries/{{event_id}}/replay", self.replay, methods=["POST"])
        return router

    async def all(self, request: Request, _visitor: Admin) -> Response:
        """The subscriptions there are, and a form for another one."""
        return await self._all(request)

    async def make(
        self,
        request: Request,
        visitor: FreshAdmin,
        url: Annotated[str, Form(max_length=3000)] = "",
        description: Annotated[str, Form(max_length=500)] = "",
        event: Many = None,
        brand: Many = None,
    ) -> Response:
        """Make one; its secret is shown on the page that answers, and never again."""
        given = {"url": url, "description": description, "event": event or [], "brand": brand or []}
        try:
            made, secret = await self.in_thread(lambda: self.hooks.make(self._wanted(given, active=True), visitor.actor))
        except UnfitWebhook as error:
            return await self._all(request, problem=str(error), given=given, status=422)
        return page(request, "webhook_secret.html", {"hook": made, "secret": secret, "until": None, "here": "webhooks"})

    async def one(
        self,
        request: Request,
        webhook_id: str,
        _visitor: Admin,
        state: Annotated[str, Query(max_length=20)] = "",
        after: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
    ) -> Response:
        """One, and its deliveries."""
        return await self._one(request, webhook_id, state=state if state in STATES else None, after=after)

    async def change(
        self,
        request: Request,
        webhook_id: str,
        visitor: FreshAdmin,
        url: Annotated[str, Form(max_length=3000)] = "",
        description: Annotated[str, Form(max_length=500)] = "",
        event: Many = None,
        brand: Many = None,
    ) -> Response:
        """Make it what the form says. Whether it is paused stays."""
        given = {"url": url, "description": description, "event": event or [], "brand": brand or []}
        before = await self._found(lambda: self.hooks.one(id_of(webhook_id)))
        try:
            wanted = await self.in_thread(lambda: self._wanted(given, active=before.wanted.active))
        except UnfitWebhook as error:
            return await self._one(request, webhook_id, problem=str(error), given=given, status=422)
        await self._found(lambda: self.hooks.change(id_of(webhook_id), wanted, visitor.actor))
        return _back(webhook_id)

    async def pause(self, webhook_id: str, visitor: FreshAdmin, active: Annotated[str, Form(max_length=5)] = "") -> Response:
        """Let its deliveries wait, or go on."""
        before = await self._found(lambda: self.hooks.one(id_of(webhook_id)))
        wanted = replace(before.wanted, active=active == "yes")
        await self._found(lambda: self.hooks.change(id_of(webhook_id), wanted, visitor.actor))
        return _back(webhook_id)

    async def secret(self, request: Request, webhook_id: str, visitor: FreshAdmin) -> Response:
        """Give it another secret, which is shown once."""
        secret, until = await self._found(lambda: self.hooks.change_secret(id_of(webhook_id), visitor.actor, datetime.now(UTC)))
        hook = await self._found(lambda: self.hooks.one(id_of(webhook_id)))
        return page(request, "webhook_secret.html", {"hook": hook, "secret": secret, "until": until, "here": "webhooks"})

    async def revoke(self, webhook_id: str, visitor: Admin) -> Response:
        """End it."""
        await self._found(lambda: self.hooks.revoke(id_of(webhook_id), visitor.actor))
        return RedirectResponse("/console/webhooks", 303)

    async def test(self, webhook_id: str, visitor: Admin) -> Response:
        """Have an event of the type `test` delivered."""
        await self._found(lambda: self.hooks.send_test(id_of(webhook_id), visitor.actor, datetime.now(UTC)))
        return _back(webhook_id)

    async def replay(self, webhook_id: str, event_id: str, visitor: Admin) -> Response:
        """Deliver an event again."""
        await self._found(lambda: self.hooks.replay(id_of(webhook_id), id_of(event_id), visitor.actor, datetime.now(UTC)))
        return _back(webhook_id)

    # --- how ----------------------------------------------------------------------------------------------------------------

    def _wanted(self, given: Mapping[str, Any], *, active: bool) -> Wanted:
        """What a form asks for; where nothing is ticked, all are meant. Raises UnfitWebhook."""
        events, brands = (frozenset(given[name]) or None for name in ("event", "brand"))
        wanted = Wanted(given["url"].strip(), events, brands, given["description"].strip(), active)
        return self.receivers.fit(wanted, self.book.active())

    async def _found(self, call: Callable[[], _T]) -> _T:
        try:
            return await self.in_thread(call)
        except NoSuchWebhook as error:
            raise Problem(404, str(error)) from None

    async def _all(
        self, request: Request, *, problem: str | None = None, given: Mapping[str, Any] | None = None, status: int = 200
    ) -> Response:
        hooks = await self.in_thread(self.hooks.all)
        values = {"hooks": hooks, "most": MOST, **await self._choices(), "given": given or {}, "problem": problem}
        return page(request, "webhooks.html", values, status=status)

    async def _one(
        self,
        request: Request,
        webhook_id: str,
        *,
        state: str | None = None,
        after: int | None = None,
        problem: str | None = None,
        given: Mapping[str, Any] | None = None,
        status: int = 200,
    ) -> Response:
        hook = await self._found(lambda: self.hooks.one(id_of(webhook_id)))
        found = await self._found(lambda: self.hooks.deliveries(id_of(webhook_id), before=after, state=state, at_most=A_PAGE + 1))
        wanted = hook.wanted
        kept = {"url": wanted.url, "description": wanted.description, "event": wanted.events or (), "brand": wanted.brands or ()}
        values = {
            "hook": hook,
            "deliveries": found[:A_PAGE],
            "after": found[A_PAGE - 1].number if len(found) > A_PAGE else None,
            "state": state,
            "states": STATES,
            **await self._choices(),
            "given": given or kept,
            "problem": problem,
            "now": datetime.now(UTC),
        }
        return page(request, "webhook.html", values, status=status)

    async def _choices(self) -> dict[str, Any]:
        policy = await self.in_thread(self.book.active)
        return {"kinds": sorted(KINDS), "brands": {handle: brand.name for handle, brand in policy.brands.items()}, "here": "webhooks"}


def _back(webhook_id: str) -> Response:
    return RedirectResponse(f"/console/webhooks/{webhook_id}", 303)
