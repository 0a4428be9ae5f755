"""Signing in: with the identity provider, with an API key, or, on an embedded installation's own machine, by picking a role."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from adapters.oidc import Attempt, Identity, OidcProvider, SignInFailed
from adapters.postgres.sessions import SignIn
from api.access.attempts import Attempts
from api.access.door import Gate
from api.access.failures import address_of
from api.access.origins import from_this_machine, local_path, own_page_only
from api.access.rules import Anyone
from api.access.standing import Standing, person_of, standing
from api.access.visitor import Way
from api.pages import page
from domain.rights import PEOPLE
from domain.sentences import say
from domain.values import Role

To = Annotated[str, Query(alias="next", max_length=2000)]
Sent = Annotated[str, Form(alias="next", max_length=2000)]
_PUBLIC = [Depends(Anyone("whoever signs in is not signed in yet"))]
NO_PROVIDER = say("There is no single sign-on here: LOOPKEEPER_OIDC_ISSUER is not set. Sign in another way.")
NO_GROUP = say("You have signed in, but none of your groups gives you a role here. Ask an admin to add you to one.")


@dataclass(frozen=True)
class SignInPages:
    """What the pages need. `local`: whether a role can be picked on this machine. `remember`: keeps how a colleague is called."""

    gate: Gate
    attempts: Attempts
    provider: OidcProvider | None
    issuer: str
    standings: Mapping[str, Standing]
    person_claim: str | None
    local: bool
    departments: Callable[[], Awaitable[Mapping[str, str]]]
    remember: Callable[[str, str, str | None], Awaitable[None]]
    framed_by: str | None

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False, dependencies=_PUBLIC)
        router.add_api_route("/sign-in", self.show, methods=["GET"])
        router.add_api_route("/sign-in/oidc", self.to_provider, methods=["GET"])
        router.add_api_route("/sign-in/callback", self.from_provider, methods=["GET"])
        router.add_api_route("/sign-in/key", self.with_key, methods=["POST"])
        router.add_api_route("/sign-in/local", self.as_role, methods=["POST"])
        return router

    async def show(self, request: Request, to: To = "", again: str = "") -> Response:
        """The ways in."""
        return await self._page(request, local_path(to), again=bool(again))

    async def to_provider(self, request: Request, to: To = "", again: str = "") -> Response:
        """Off to the identity provider."""
        if self.provider is None:
            return await self._page(
                request, local_path(to), problem=say("There is no single sign-on here (LOOPKEEPER_OIDC_ISSUER)."), status=404
            )
        provider, max_age = self.provider, self.gate.step_up if again else None
        try:
            url, attempt = await self.gate.in_thread(lambda: provider.begin(max_age=max_age))
        except SignInFailed as error:
            return await self._page(request, local_path(to), problem=str(error), status=503)
        response = RedirectResponse(url, 303)
        self.attempts.keep(response, attempt, local_path(to))
        return response

    async def from_provider(self, request: Request, state: Annotated[str, Query(max_length=200)] = "") -> Response:
        """Back from it."""
        wait = self.gate.failures.wait(address_of(request))
        if wait:
            raise self.gate.too_many(wait)
        begun = self.attempts.find(request, state)
        try:
            response = await self._finished(request, begun)
        except SignInFailed as error:
            self.gate.failures.note(address_of(request))
            response = await self._page(request, begun[1] if begun else local_path(None), problem=str(error), status=403)
        self.attempts.forget(response, state)
        return response

    async def with_key(self, request: Request, key: Annotated[str, Form(max_length=200)], to: Sent = "") -> Response:
        """Somebody has an API key."""
        own_page_only(request)
        found = await self.gate.key(request, key.strip())
        if found is None:
            told = say("This key does not hold: it is not whole, was revoked, or has come to its end. Make one: loopkeeper key new NAME")
            return await self._page(request, local_path(to), problem=told, status=403)
        who = SignIn(
            person=found.person,
            name=found.name,
            role=found.role,
            departments=found.departments,
            way=Way.KEY,
            proved_at=datetime.now(UTC),
            address=address_of(request),
            browser=request.headers.get("user-agent", ""),
            key=found.id,
            scopes=found.scopes,
            until=found.expires_at,
        )
        return await self._welcome(request, who, local_path(to))

    async def as_role(
        self,
        request: Request,
        role: Annotated[str, Form()],
        name: Annotated[str, Form(max_length=60)] = "",
        department: Annotated[str, Form()] = "",
        to: Sent = "",
    ) -> Response:
        """Somebody tries the product on their own machine."""
        own_page_only(request)
        if not self._is_local(request):
            return await self._page(request, local_path(to), problem=say("A role can be picked only on the machine itself."), status=403)
        departments = await self.departments()
        called = " ".join("".join(c if c.isprintable() else " " for c in name).split())
        if role not in PEOPLE or (role == Role.DEPARTMENT and department not in departments):
            return await self._page(request, local_path(to), problem=say("Choose a role, and for a department which one."), status=422)
        theirs = frozenset({department}) if role == Role.DEPARTMENT else frozenset[str]()
        capacity = departments[department] if theirs else role.replace("_", " ").capitalize()
        slug = re.sub(r"[^a-z0-9]+", "-", called.lower()).strip("-")
        person = ":".join(part for part in ("local", role, *theirs, slug) if part)
        await self.remember(person, called or capacity, called.split()[0] if called else None)
        who = SignIn(
            person=person,
            name=called or capacity,
            role=Role(role),
            departments=theirs,
            way=Way.LOCAL,
            proved_at=datetime.now(UTC),
            address=address_of(request),
            browser=request.headers.get("user-agent", ""),
        )
        return await self._welcome(request, who, local_path(to))

    # --- how ----------------------------------------------------------------------------------------------------------------

    async def _finished(self, request: Request, begun: tuple[Attempt, str] | None) -> Response:
        """Signed in, if the provider's answer is one to what was begun here. Raises SignInFailed."""
        if self.provider is None or begun is None:
            raise SignInFailed(say("This sign-in was begun in another browser, is over, or took longer than ten minutes. Start it again."))
        provider, (attempt, back_to), answered = self.provider, begun, dict(request.query_params)
        identity = await self.gate.in_thread(lambda: provider.finish(attempt, answered))
        return await self._welcome(request, await self._known(request, identity), back_to)

    async def _known(self, request: Request, identity: Identity) -> SignIn:
        """Who that is here. Raises SignInFailed when they are nobody here."""
        theirs = standing(identity.groups, self.standings)
        if theirs is None:
            raise SignInFailed(NO_GROUP)
        person = person_of(self.issuer, identity.subject)
        elsewhere = identity.claims.get(self.person_claim) if self.person_claim is not None else None
        if isinstance(elsewhere, str) and re.fullmatch(r"[A-Z0-9]{2,40}", elsewhere):
            person = elsewhere
        await self.remember(person, identity.name, identity.first_name)
        return SignIn(
            person=person,
            name=identity.name,
            role=theirs.role,
            departments=theirs.departments,
            way=Way.OIDC,
            proved_at=identity.proved_at,
            address=address_of(request),
            browser=request.headers.get("user-agent", ""),
        )

    async def _welcome(self, request: Request, who: SignIn, back_to: str) -> Response:
        """Signed in, under an id that nobody has seen before."""
        before = self.gate.cookie.read(request)
        secret = await self.gate.in_thread(lambda: self.gate.sessions.begin(who, instead_of=before))
        response = RedirectResponse(back_to, 303)
        self.gate.cookie.give(response, secret)
        return response

    def _is_local(self, request: Request) -> bool:
        return self.local and from_this_machine(request)

    async def _page(
        self, request: Request, back_to: str, *, problem: str | None = None, status: int = 200, again: bool = False
    ) -> Response:
        local = self._is_local(request)
        values: dict[str, Any] = {
            "next": back_to,
            "again": again,
            "problem": problem,
            "oidc": self.provider is not None,
            "local": local,
            "departments": dict(await self.departments()) if local else {},
        }
        return page(request, "sign_in.html", values, framed_by=self.framed_by, status=status)
