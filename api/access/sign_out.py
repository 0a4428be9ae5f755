"""Signing out: here, and, if somebody wants that, at the identity provider as well.

OpenID Connect RP-Initiated Logout 1.0: https://openid.net/specs/openid-connect-rpinitiated-1_0.html
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from adapters.oidc import OidcProvider, SignInFailed
from api.access.door import Gate
from api.access.origins import own_page_only
from api.access.rules import Anyone
from api.access.visitor import Visitor, Way
from api.pages import page

SIGN_IN = "/sign-in"
KEPT_SECONDS = 600
"""How long after signing out here somebody can go on to sign out there."""


@dataclass(frozen=True)
class SignOutPages:
    """What the pages need."""

    gate: Gate
    provider: OidcProvider | None
    framed_by: str | None

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False, dependencies=[Depends(Anyone("whoever has signed out is not signed in any more"))])
        router.add_api_route("/sign-out", self.here, methods=["POST"])
        router.add_api_route("/sign-out/provider", self.there, methods=["GET"])
        router.add_api_route("/sign-out/callback", self.back, methods=["GET"])
        return router

    async def here(self, request: Request) -> Response:
        """The session here ends. Whoever came with the company's account is asked whether they want to sign out of that too."""
        own_page_only(request)
        secret, visitor = self.gate.cookie.read(request), await self.gate.person(request)
        if secret and visitor is not None:
            await self.gate.in_thread(lambda: self.gate.sessions.end(secret, visitor.actor.person))
        elsewhere = visitor is not None and await self._has_end(visitor)
        response: Response = RedirectResponse(SIGN_IN, 303)
        if elsewhere:  # a page and no redirect: a form of ours may lead to no other site (form-action)
            response = page(request, "signed_out.html", {"there": False}, framed_by=self.framed_by)
            self._keep(response, secrets.token_urlsafe(32))
        self.gate.cookie.take(response)
        return response

    async def there(self, request: Request) -> Response:
        """Off to the provider, which asks whether they mean it: it is told who we are, and not who they are."""
        provider, state = self.provider, request.cookies.get(self._name)
        if provider is None or not state:
            return RedirectResponse(SIGN_IN, 303)
        try:
            url = await self.gate.in_thread(lambda: provider.end(state))
        except SignInFailed:
            url = None
        return RedirectResponse(url or SIGN_IN, 303)

    async def back(self, request: Request, state: Annotated[str, Query(max_length=200)] = "") -> Response:
        """Back from it. What is not an answer to what was begun here says nothing."""
        kept = request.cookies.get(self._name, "")
        if not kept or not secrets.compare_digest(kept.encode(), state.encode("utf-8", "surrogatepass")):
            return RedirectResponse(SIGN_IN, 303)
        response = page(request, "signed_out.html", {"there": True}, framed_by=self.framed_by)
        response.delete_cookie(self._name, secure=self.gate.cookie.secure, httponly=True, samesite="lax", path="/")
        return response

    async def _has_end(self, visitor: Visitor) -> bool:
        """Whether the provider lets somebody sign out there. One that cannot be asked keeps nobody from signing out here."""
        provider = self.provider
        if provider is None or visitor.way is not Way.OIDC:
            return False
        try:
            return await self.gate.in_thread(lambda: provider.end("")) is not None
        except SignInFailed:
            return False

    def _keep(self, response: Response, state: str) -> None:
        response.set_cookie(self._name, state, KEPT_SECONDS, secure=self.gate.cookie.secure, httponly=True, samesite="lax", path="/")

    @property
    def _name(self) -> str:
        return f"{self.gate.cookie.name}-out"
