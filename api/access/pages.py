"""Pages on who may come in: one's own sessions, everybody's for admins, and the keys of programs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from adapters.postgres.keys import LONGEST_DAYS, ApiKey, NewKey, UnfitKey
from api.access.door import SPOKEN, Gate
from api.access.rules import Needs
from api.access.visitor import Visitor
from api.pages import page
from domain.rights import PEOPLE, RIGHTS, Right
from domain.sentences import say
from domain.values import Role

Anybody = Annotated[Visitor, Depends(Needs(None))]
Admin = Annotated[Visitor, Depends(Needs(Right.MANAGE_ACCESS))]
FreshAdmin = Annotated[Visitor, Depends(Needs(Right.MANAGE_ACCESS, fresh=True))]


@dataclass(frozen=True)
class AccessPages:
    """What the pages need."""

    gate: Gate
    departments: Callable[[], Awaitable[Mapping[str, str]]]

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/console/sessions", self.sessions, methods=["GET"])
        router.add_api_route("/console/sessions/{session_id}/revoke", self.revoke_session, methods=["POST"])
        router.add_api_route("/console/api-keys", self.keys, methods=["GET"])
        router.add_api_route("/console/api-keys", self.make_key, methods=["POST"])
        router.add_api_route("/console/api-keys/{key_id}/revoke", self.revoke_key, methods=["POST"])
        return router

    async def sessions(self, request: Request, visitor: Anybody, zone: str = "") -> Response:
        """Where one is signed in; for admins, where everybody is. `zone`: what became of choosing one."""
        problem = say("There is no time zone of that name. Its IANA name is meant, such as Europe/London.") if zone == "unknown" else None
        return await self._sessions(request, visitor, problem=problem, status=422 if problem else 200)

    async def revoke_session(self, request: Request, session_id: str, visitor: Anybody) -> Response:
        """End one."""
        whose = None if visitor.may(Right.MANAGE_ACCESS) else visitor.actor.person
        gone = await self.gate.in_thread(lambda: self.gate.sessions.revoke(session_id, visitor.actor, of_person=whose))
        if not gone:
            told = say("This session is over already, or is not yours to end.")
            return await self._sessions(request, visitor, problem=told, status=404)
        if session_id == visitor.session:
            return RedirectResponse("/sign-in", 303)
        return RedirectResponse("/console/sessions", 303)

    async def keys(self, request: Request, visitor: Admin) -> Response:
        """The keys there are, and a form for another one."""
        return await self._keys(request, visitor)

    async def make_key(
        self,
        request: Request,
        visitor: FreshAdmin,
        name: Annotated[str, Form(max_length=200)],
        role: Annotated[str, Form()],
        department: Annotated[list[str] | None, Form()] = None,
        scope: Annotated[list[str] | None, Form()] = None,
        days: Annotated[str, Form(max_length=10)] = "",
    ) -> Response:
        """Make a key; it is shown on the page that answers, and never again."""
        given = {"name": name, "role": role, "department": department or [], "scope": scope or [], "days": days}
        try:
            wanted = await self._wanted(name, role, department or [], scope or [], days)
        except UnfitKey as error:
            return await self._keys(request, visitor, problem=str(error), given=given, status=422)
        made, secret = await self.gate.in_thread(lambda: self.gate.keys.make(wanted, visitor.actor))
        return page(request, "api_key_made.html", {"key": made, "secret": secret})

    async def revoke_key(self, request: Request, key_id: str, visitor: Admin) -> Response:
        """Take a key's right away."""
        if not await self.gate.in_thread(lambda: self.gate.keys.revoke(key_id, visitor.actor)):
            return await self._keys(request, visitor, problem=say("There is no such key that could be revoked."), status=404)
        return RedirectResponse("/console/api-keys", 303)

    async def _wanted(self, name: str, role: str, departments: list[str], scopes: list[str], days: str) -> NewKey:
        if role not in PEOPLE or any(one not in set(Right) for one in scopes):
            raise UnfitKey(say("role, scopes: choose from those that the page offers"))
        unknown = sorted(set(departments) - set(await self.departments()))
        if unknown:
            raise UnfitKey(say("departments: there is no department {unknown}", unknown=", ".join(unknown)))
        return NewKey(name, Role(role), frozenset(Right(one) for one in scopes) or None, frozenset(departments), ends(days))

    async def _sessions(self, request: Request, visitor: Visitor, *, problem: str | None = None, status: int = 200) -> Response:
        everybody = visitor.may(Right.MANAGE_ACCESS)
        found = await self.gate.in_thread(lambda: self.gate.sessions.open(None if everybody else visitor.actor.person))
        values = {"sessions": found, "browser": browser, "everybody": everybody, "visitor": visitor, "problem": problem, "here": "sessions"}
        return page(request, "sessions.html", values, status=status)

    async def _keys(
        self,
        request: Request,
        visitor: Visitor,
        *,
        problem: str | None = None,
        given: Mapping[str, Any] | None = None,
        status: int = 200,
    ) -> Response:
        keys = await self.gate.in_thread(self.gate.keys.all)
        values = {
            "keys": sorted(keys, key=_good_first),
            "visitor": visitor,
            "problem": problem,
            "given": given or {},
            "roles": [role.value for role in Role if role in PEOPLE],
            "rights": {right.value: (SPOKEN[right], sorted(role.value for role in RIGHTS[right])) for right in Right},
            "departments": dict(await self.departments()),
            "here": "api_keys",
        }
        return page(request, "api_keys.html", values, status=status)


def ends(days: str) -> datetime | None:
    """When a key ends that is good for so many days; None when nothing is said. Raises UnfitKey."""
    if not days.strip():
        return None
    if not (days.strip().isascii() and days.strip().isdigit() and 1 <= int(days) <= LONGEST_DAYS):
        raise UnfitKey(
            say("days: a whole number from 1 to {LONGEST_DAYS}, or nothing for a key that does not end", LONGEST_DAYS=LONGEST_DAYS)
        )
    return datetime.now(UTC) + timedelta(days=int(days))


_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)


def browser(agent: str) -> str:
    """A browser as people call it; what it says of itself, shortened, when it is none that we know."""
    name = next((spoken for mark, spoken in _BROWSERS if f"{mark}/" in agent), None)
    if name is None:
        return agent[:60] or say("it does not say")
    system = next((spoken for mark, spoken in _SYSTEMS if mark in agent), None)
    return name if system is None else f"{name} on {system}"


def _good_first(key: ApiKey) -> tuple[bool, datetime]:
    return not key.is_good, key.made_at
