"""One's own weekly digest over REST."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from adapters.postgres.digests import Digests
from api.access.door import InThread
from api.access.visitor import Visitor
from api.digest import chosen
from api.numbers import ReadingReports
from api.problems import Problem, described
from domain.digest import LONGEST_ADDRESS
from domain.digest_sending import Reader
from domain.ports import PolicyBook


class DigestIn(BaseModel):
    """What you choose."""

    model_config = ConfigDict(extra="forbid")

    way: Literal["mail", "slack"] = Field(examples=["mail"])
    address: str = Field(
        max_length=LONGEST_ADDRESS,
        examples=["ana@example.com"],
        description="An e-mail address; for Slack your member id, or the address that Slack knows you by. It has to be confirmed first.",
    )
    weekday: int = Field(1, ge=1, le=7, description="Monday is 1.", examples=[1])
    hour: int = Field(8, ge=0, le=23, examples=[8])
    zone: str = Field(max_length=60, examples=["Europe/London"], description="Whose weekday and hour these are.")
    department: str | None = Field(None, max_length=60, examples=["billing"], description="Only this one's cases; without it, all you see.")


class DigestOut(DigestIn):
    """What you chose."""

    confirmed: bool = Field(description="Whether somebody has confirmed, by the link that was sent there, that they want it.")
    last_week: str | None = Field(examples=["2026-03-02"], description="The Monday of the week in which the last one was sent.")


@dataclass(frozen=True)
class RestDigest:
    """The routes. `now`: the loop's time."""

    digests: Digests
    book: PolicyBook
    in_thread: InThread
    now: Callable[[], datetime]

    def routes(self) -> APIRouter:
        """The addresses at /api/v1/digest."""
        router = APIRouter(prefix="/api/v1/digest", tags=["reports"])

        @router.get("", response_model=DigestOut, responses=described(401, 403, 404, 429, 503), summary="Your weekly digest")
        async def mine(visitor: ReadingReports) -> DigestOut:
            return await self._mine(visitor)

        @router.put(
            "",
            response_model=DigestOut,
            responses=described(401, 403, 404, 422, 429, 503),
            summary="Choose your weekly digest",
            description="An address that you have not confirmed yet is sent a link first, and no digest before that is followed.",
        )
        async def choose(wanted: DigestIn, visitor: ReadingReports) -> DigestOut:
            given = {name: "" if value is None else str(value) for name, value in wanted.model_dump().items()}
            await self.in_thread(lambda: chosen(self.digests, self.book.active(), visitor, given, self.now()))
            return await self._mine(visitor)

        @router.delete("", status_code=204, responses=described(401, 403, 429, 503), summary="Be sent no weekly digest any more")
        async def end(visitor: ReadingReports) -> Response:
            await self.in_thread(lambda: self.digests.end(visitor.actor.person))
            return Response(status_code=204)

        return router

    async def _mine(self, visitor: Visitor) -> DigestOut:
        reader = await self.in_thread(lambda: self.digests.of(visitor.actor.person))
        if reader is None:
            raise Problem(404, "you are sent no weekly digest; choose one with PUT")
        return _out(reader)


def _out(reader: Reader) -> DigestOut:
    choice = reader.choice
    return DigestOut(
        way=choice.way.value,
        address=choice.address,
        weekday=choice.weekday,
        hour=choice.hour,
        zone=choice.zone,
        department=choice.department,
        confirmed=reader.confirmed,
        last_week=reader.last_week.isoformat() if reader.last_week is not None else None,
    )
