"""Who asks, and what they may do, over REST."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from api.access.rules import Needs
from api.access.visitor import Visitor
from api.problems import described
from domain.rights import Right

SignedIn = Annotated[Visitor, Depends(Needs(None))]


class MeOut(BaseModel):
    """Whoever sent the request."""

    person: str = Field(examples=["key:3f9a1c22"], description="As histories name them.")
    name: str = Field(examples=["Ana Sousa"])
    role: str = Field(examples=["social"])
    departments: list[str] = Field(examples=[[]], description="Whose cases they see; of the role `department` alone.")
    way: Literal["oidc", "local", "key"] = Field(examples=["key"])
    rights: list[Right] = Field(examples=[["read_cases", "act"]], description="What they may do: access.md says what each is.")
    scopes: list[Right] | None = Field(examples=[None], description="To which rights the key is narrowed; null: to none.")
    session: str | None = Field(examples=[None], description="The session's id, when a browser asks.")
    proof_until: datetime | None = Field(examples=[None], description="Of a session: until when what needs a fresh proof can be done.")


def me_routes(step_up: timedelta) -> APIRouter:
    """The address. `step_up`: how long a proof is fresh."""
    router = APIRouter(prefix="/api/v1", tags=["access"])

    @router.get("/me", response_model=MeOut, responses=described(401, 403, 429, 503), summary="Who I am, and what I may do")
    async def me(visitor: SignedIn) -> MeOut:
        return MeOut(
            person=visitor.actor.person,
            name=visitor.name,
            role=visitor.actor.role.value,
            departments=sorted(visitor.departments),
            way=visitor.way.value,
            rights=[right for right in Right if visitor.may(right)],
            scopes=None if visitor.scopes is None else sorted(visitor.scopes),
            session=visitor.session,
            proof_until=visitor.proved_at + step_up if visitor.session is not None and visitor.proved_at is not None else None,
        )

    return router
