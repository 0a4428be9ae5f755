"""Keys and sessions over REST."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from adapters.postgres.keys import LONGEST_NAME, ApiKey, NewKey, UnfitKey
from adapters.postgres.sessions import Session
from api.access.door import Gate
from api.access.rules import Needs
from api.access.visitor import Visitor
from api.once import IdempotencyKey, Once
from api.paging import NO_PLACE, After, AtMost, cursor, moment_of, place_of, tell_next
from api.problems import Problem, described
from domain.rights import Right
from domain.values import Role

Admin = Annotated[Visitor, Depends(Needs(Right.MANAGE_ACCESS))]
FreshAdmin = Annotated[Visitor, Depends(Needs(Right.MANAGE_ACCESS, fresh=True))]


_AT = "2026-03-02T09:00:00Z"
_A_KEY = {"id": "3f9a1c22", "name": "Ana Sousa", "role": "department", "departments": ["billing"], "scopes": ["read_cases"], "made_at": _AT}
_A_SESSION = {"id": "0198d7a4-6f5e-7c11-9d2a-3c1f0d5b7e90", "person": "key:3f9a1c22", "name": "Ana Sousa", "role": "social", "way": "key"}


class KeyIn(BaseModel):
    """A key to be made."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=LONGEST_NAME, examples=["Ana Sousa"], description="What it is for, or whose; shown wherever it acts.")
    role: Literal["social", "lead", "department", "auditor", "privacy", "admin"] = Field(examples=["department"])
    departments: list[str] = Field([], max_length=100, examples=[["billing"]], description="For the role `department`: whose cases.")
    scopes: list[Right] | None = Field(None, examples=[["read_cases"]], description="To which of its role's rights it is narrowed.")
    expires_at: AwareDatetime | None = Field(None, examples=["2027-01-01T00:00:00Z"], description="When it ends; without it, never.")


class KeyOut(BaseModel):
    """A key, without the key itself."""

    id: str = Field(examples=["3f9a1c22"])
    name: str = Field(examples=["Ana Sousa"])
    role: str = Field(examples=["department"])
    departments: list[str] = Field(examples=[["billing"]])
    scopes: list[str] | None = Field(examples=[["read_cases"]])
    made_at: datetime
    expires_at: datetime | None
    used_at: datetime | None = Field(description="To the minute.")
    revoked_at: datetime | None


class KeyMade(KeyOut):
    """A key that was just made."""

    key: str = Field(examples=["lk_3f9a1c22_…"], description="The key itself. It is not shown again.")


class KeysOut(BaseModel):
    """All keys there ever were, the oldest first."""

    keys: list[KeyOut] = Field(examples=[[_A_KEY]])
    after: str | None = Field(examples=[None], description="Send it as `after` for the next page; null: that was all.")


class SessionOut(BaseModel):
    """Where somebody is signed in."""

    id: str = Field(examples=["0198d7a4-6f5e-7c11-9d2a-3c1f0d5b7e90"])
    person: str = Field(examples=["key:3f9a1c22"])
    name: str = Field(examples=["Ana Sousa"])
    role: str = Field(examples=["social"])
    way: str = Field(examples=["oidc"], description="`oidc`, `key` or `local`.")
    signed_in_at: datetime
    seen_at: datetime = Field(description="To the minute.")
    expires_at: datetime
    address: str = Field(examples=["192.0.2.7"])
    browser: str = Field(examples=["Mozilla/5.0"])


class SessionsOut(BaseModel):
    """The sessions with which somebody can go on now, those that began last first."""

    sessions: list[SessionOut] = Field(examples=[[_A_SESSION]])
    after: str | None = Field(examples=[None], description="Send it as `after` for the next page; null: that was all.")


@dataclass(frozen=True)
class AccessRest:
    """What the routes need."""

    gate: Gate
    departments: Callable[[], Awaitable[Mapping[str, str]]]
    once: Once

    def routes(self) -> APIRouter:
        """The addresses under /api/v1."""
        router = APIRouter(prefix="/api/v1", tags=["access"])

        @router.get("/keys", response_model=KeysOut, responses=described(401, 403, 422, 429, 503), summary="The keys there are")
        async def keys(request: Request, response: Response, _visitor: Admin, after: After = None, at_most: AtMost = 200) -> KeysOut:
            place = moment_of("keys", after)
            found = await self.gate.in_thread(lambda: self.gate.keys.page(place, at_most + 1))
            last = found[at_most - 1] if len(found) > at_most else None
            more = cursor("keys", last.made_at.isoformat(), last.id) if last is not None else None
            tell_next(request, response, more)
            return KeysOut(keys=[_key(one) for one in found[:at_most]], after=more)

        @router.post(
            "/keys",
            status_code=201,
            response_model=KeyMade,
            responses=described(401, 403, 409, 422, 429, 503),
            summary="Make a key",
            description="Needs a fresh proof of who you are; a program needs a key with `manage_access` among its scopes.",
        )
        async def make(wanted: KeyIn, visitor: FreshAdmin, idempotency_key: IdempotencyKey = None) -> KeyMade:
            async def make() -> KeyMade:
                made, secret = await self._make(wanted, visitor)
                return KeyMade(**_key(made).model_dump(), key=secret)

            return await self.once.run(visitor, idempotency_key, "POST /keys", wanted, make)

        @router.delete(
            "/keys/{key_id}", status_code=204, responses=described(401, 403, 404, 422, 429, 503), summary="Take a key's right away, at once"
        )
        async def revoke(key_id: str, visitor: Admin) -> Response:
            if not await self.gate.in_thread(lambda: self.gate.keys.revoke(key_id, visitor.actor)):
                raise Problem(404, f"there is no key '{key_id[:40]}' that could be revoked")
            return Response(status_code=204)

        @router.get("/sessions", response_model=SessionsOut, responses=described(401, 403, 422, 429, 503), summary="Who is signed in")
        async def sessions(
            request: Request, response: Response, _visitor: Admin, after: After = None, at_most: AtMost = 200
        ) -> SessionsOut:
            below = _began_before(after)
            found = await self.gate.in_thread(lambda: self.gate.sessions.page(below, at_most + 1))
            more = cursor("sessions", found[at_most - 1].id) if len(found) > at_most else None
            tell_next(request, response, more)
            return SessionsOut(sessions=[_session(one) for one in found[:at_most]], after=more)

        @router.delete(
            "/sessions/{session_id}",
            status_code=204,
            responses=described(401, 403, 404, 422, 429, 503),
            summary="End a session, at once",
        )
        async def end(session_id: str, visitor: Admin) -> Response:
            if not await self.gate.in_thread(lambda: self.gate.sessions.revoke(session_id, visitor.actor)):
                raise Problem(404, f"there is no session '{session_id[:40]}' that could be ended")
            return Response(status_code=204)

        return router

    async def _make(self, wanted: KeyIn, visitor: Visitor) -> tuple[ApiKey, str]:
        unknown = sorted(set(wanted.departments) - set(await self.departments()))
        if unknown:
            raise Problem(422, f"departments: there is no department {', '.join(unknown)[:200]}")
        if wanted.expires_at is not None and wanted.expires_at <= datetime.now(UTC):
            raise Problem(422, "expires_at: is past; name a moment to come, or leave it out")
        scopes = None if wanted.scopes is None else frozenset(wanted.scopes)
        try:
            key = NewKey(wanted.name, Role(wanted.role), scopes, frozenset(wanted.departments), wanted.expires_at)
        except UnfitKey as error:
            raise Problem(422, str(error)) from None
        return await self.gate.in_thread(lambda: self.gate.keys.make(key, visitor.actor))


def _began_before(after: str | None) -> str | None:
    place = place_of("sessions", after, str)
    try:
        return None if place is None else str(uuid.UUID(str(place[0])))
    except ValueError:
        raise Problem(422, NO_PLACE) from None


def _key(key: ApiKey) -> KeyOut:
    return KeyOut(
        id=key.id,
        name=key.name,
        role=key.role.value,
        departments=sorted(key.departments),
        scopes=None if key.scopes is None else sorted(right.value for right in key.scopes),
        made_at=key.made_at,
        expires_at=key.expires_at,
        used_at=key.used_at,
        revoked_at=key.revoked_at,
    )


def _session(session: Session) -> SessionOut:
    return SessionOut(
        id=session.id,
        person=session.person,
        name=session.name,
        role=session.role.value,
        way=session.way,
        signed_in_at=session.signed_in_at,
        seen_at=session.seen_at,
        expires_at=session.expires_at,
        address=session.address,
        browser=session.browser,
    )
