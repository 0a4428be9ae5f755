"""Shared causes over REST."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from adapters.postgres.causes import Announcement, Cause, Line, NoSuchCause
from api.access.rules import Needs
from api.access.visitor import Visitor
from api.causes.sharing import MOST, Sharing
from api.once import IdempotencyKey, Once
from api.problems import Problem, described
from domain.approving import why_held
from domain.errors import LoopkeeperError
from domain.rights import Right

Whoever = Annotated[Visitor, Depends(Needs(Right.SHARE_CAUSES))]
Number = Annotated[int, Path(ge=0, le=2**63 - 1)]
"""What the database counts with: beyond that it cannot even be asked."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Numbered(_Model):
    """What is kept of an answer, so that a repeat gets the same one: no words are in it."""

    number: int


class CauseIn(_Model):
    """A root cause that many cases share."""

    name: str = Field(
        min_length=1,
        max_length=120,
        pattern=r"^[^\x00]*$",
        examples=["Outage in Leeds"],
        description="For colleagues. No customer's name.",
    )
    about: str = Field("", max_length=4000, examples=["Card 4 of cabinet 12 is worn out."])
    department: str = Field(examples=["technical"])
    category: str | None = Field(None, pattern=r"^[^\x00]*$", examples=["technical"], description="Open cases of it are suggested.")


class CauseOut(_Model):
    """A cause, and how many cases share it."""

    model_config = ConfigDict(from_attributes=True, extra="ignore")
    number: int = Field(examples=[3])
    name: str = Field(examples=["Outage in Leeds"])
    about: str
    department: str = Field(examples=["technical"])
    category: str | None
    opened_at: datetime
    opened_by: str = Field(examples=["Hanna Weber"])
    resolved_at: datetime | None = Field(description="When its resolution was sent last.")
    cases: int = Field(examples=[214])
    open: int = Field(examples=[12], description="Not resolved yet.")
    closed: int = Field(examples=[180])


class CausesOut(_Model):
    """All of them, the newest first."""

    causes: list[CauseOut] = Field(examples=[[]])


class CauseCasesOut(CauseOut):
    """A cause with its cases."""

    case_ids: list[str] = Field(examples=[["meridian-x-1846", "meridian-x-1850"]])
    suggested: list[str] = Field(examples=[["meridian-x-1851"]], description="Open cases of its category that share no cause.")


class AnnouncementIn(_Model):
    """One text to the customers of all open cases of a cause. Each case says it as its own."""

    what: Literal["update", "resolve"] = Field(examples=["update"])
    text: str = Field(min_length=1, max_length=2500, examples=["We have found the broken card and replace it today."])
    root_cause: str | None = Field(None, examples=["outage"], description="With `resolve`.")


class LineOut(_Model):
    """What one case says, or why it is held back; and once it was sent, whether it was said."""

    case_id: str = Field(examples=["meridian-x-1846"])
    number: int = Field(examples=[42])
    customer: str = Field(examples=["Sam Okafor"])
    held: str | None = Field(None, examples=["a question to the customer is open here; they would hear of two things at once"])
    text: str | None = Field(None, examples=["Hi Sam,\nWe have found the broken card and replace it today.\n– Hanna"])
    said: bool = False


class AnnouncementOut(_Model):
    """An announcement, with exactly what each case says of it."""

    cause: int = Field(examples=[3])
    number: int = Field(examples=[7])
    what: Literal["update", "resolve"]
    author: str = Field(examples=["Hanna Weber"])
    body: str = Field(examples=["We have found the broken card and replace it today."], description="What its author wrote.")
    state: Literal["draft", "waiting", "sent", "rejected"]
    why: list[str] = Field(examples=[["customers"]], description="Why a second person must look at it first; empty: nobody must.")
    told: str = Field(examples=["it goes to many customers at once"], description="The same, in words.")
    decided_by: str | None = Field(None, examples=["Max Adler"])
    reason: str | None = Field(None, description="Why it was rejected.")
    cases: list[LineOut]


class DecisionIn(_Model):
    """`send`: its author sends it, or has it approved. `approve`: a second person sends it. `reject`: it is not sent."""

    do: Literal["send", "approve", "reject"] = Field(examples=["send"])
    text: str | None = Field(None, max_length=2000, description="With `reject`: why.")


@dataclass(frozen=True)
class RestCauses:
    """The routes."""

    sharing: Sharing
    once: Once

    def routes(self) -> APIRouter:
        """The addresses under /api/v1/causes."""
        router = APIRouter(prefix="/api/v1/causes", tags=["causes"])
        store, errors = self.sharing.store.causes, described(401, 403, 404, 409, 422, 429, 503)

        @router.get("", response_model=CausesOut, responses=described(401, 403, 429), summary="All shared causes")
        async def causes(_visitor: Whoever) -> CausesOut:
            return CausesOut(causes=[CauseOut.model_validate(one) for one in await self.sharing.in_thread(store.listed)])

        @router.post("", status_code=201, response_model=CauseOut, responses=described(401, 403, 422, 429), summary="Open a shared cause")
        async def begin(wanted: CauseIn, visitor: Whoever, idempotency_key: IdempotencyKey = None) -> CauseOut:
            policy = await self.sharing.in_thread(self.sharing.store.book.active)
            if wanted.department not in policy.departments:
                raise Problem(422, f"department: there is no department '{wanted.department}': {', '.join(policy.departments)}")
            by = visitor.actor.person

            async def done() -> _Numbered:
                given = (wanted.name, wanted.about, wanted.category, wanted.department, by)
                return _Numbered(number=await self.sharing.in_thread(lambda: store.begin(*given)))

            made = await self.once.run(visitor, idempotency_key, "POST /causes", wanted, done, kept=_Numbered)
            return CauseOut.model_validate(await self._cause(made.number))

        @router.get("/{number}", response_model=CauseCasesOut, responses=described(401, 403, 404, 422, 429), summary="A cause, its cases")
        async def cause(number: Number, _visitor: Whoever) -> CauseCasesOut:
            found = await self._cause(number)
            members = await self.sharing.in_thread(lambda: store.members(number, MOST))
            suggested = await self.sharing.in_thread(lambda: store.suggested(found, MOST))
            told = CauseOut.model_validate(found).model_dump()
            return CauseCasesOut(**told, case_ids=[row.case_id for row in members], suggested=[row.case_id for row in suggested])

        @router.post(
            "/{number}/announcements",
            status_code=201,
            response_model=AnnouncementOut,
            responses=errors,
            summary="Make a text for each case of a cause; nothing is sent yet",
        )
        async def make(number: Number, wanted: AnnouncementIn, visitor: Whoever, idempotency_key: IdempotencyKey = None) -> AnnouncementOut:
            return await self._make(number, wanted, visitor, idempotency_key)

        @router.get("/{number}/announcements/{which}", response_model=AnnouncementOut, responses=errors, summary="An announcement")
        async def announcement(number: Number, which: Number, _visitor: Whoever) -> AnnouncementOut:
            return await self._out(*await self._told(number, which))

        @router.post(
            "/{number}/announcements/{which}/decision",
            response_model=AnnouncementOut,
            responses=errors,
            summary="Send, approve or reject it",
        )
        async def decide(
            number: Number, which: Number, wanted: DecisionIn, visitor: Whoever, idempotency_key: IdempotencyKey = None
        ) -> AnnouncementOut:
            what = f"POST /causes/{number}/announcements/{which}/decision"

            async def done() -> _Numbered:
                return await self._decide(number, which, wanted, visitor)

            await self.once.run(visitor, idempotency_key, what, wanted, done, kept=_Numbered)
            return await self._out(*await self._told(number, which))

        return router

    async def _make(self, number: int, wanted: AnnouncementIn, visitor: Visitor, key: str | None) -> AnnouncementOut:
        policy = await self.sharing.in_thread(self.sharing.store.book.active)
        if wanted.what == "resolve" and wanted.root_cause not in policy.root_causes:
            raise Problem(422, f"root_cause: is needed to resolve: {', '.join(policy.root_causes)}")
        cause = await self._cause(number)
        once = f"api:{visitor.actor.person.removeprefix('key:')}:{key or uuid.uuid4()}"
        root_cause = wanted.root_cause if wanted.what == "resolve" else None
        try:
            which = await self.sharing.make(cause, wanted.what, root_cause, wanted.text, visitor.actor, once)
        except LoopkeeperError as error:
            raise Problem(409, str(error)) from None
        return await self._out(*await self._told(number, which))

    async def _decide(self, number: int, which: int, wanted: DecisionIn, visitor: Visitor) -> _Numbered:
        announcement, lines = await self._told(number, which)
        match wanted.do:
            case "send":
                refusal = await self.sharing.send(announcement, lines, visitor.actor)
            case "approve":
                refusal = await self.sharing.approve(announcement, visitor.actor)
            case "reject":
                refusal = await self.sharing.reject(announcement, visitor.actor, wanted.text)
        if refusal is not None:
            raise Problem(409, refusal.reason, code=refusal.code)
        return _Numbered(number=which)

    async def _out(self, announcement: Announcement, lines: Sequence[Line]) -> AnnouncementOut:
        store, cases = self.sharing.store, [line.case_id for line in lines]
        outcomes = await self.sharing.in_thread(lambda: store.causes.outcomes(announcement.number, cases))
        rows = {row.case_id: row for row in await self.sharing.in_thread(lambda: store.causes.of_cases(cases))}
        said = []
        for line in lines:
            text = (await self.sharing.acting.file(line.case_id)).text_of(line.words) if line.words is not None else None
            held, row = line.held or outcomes.get(line.case_id), rows[line.case_id]
            was_said = line.case_id in outcomes and held is None
            said.append(LineOut(case_id=line.case_id, number=row.number, customer=row.customer, held=held, text=text, said=was_said))
        return AnnouncementOut(
            cause=announcement.cause,
            number=announcement.number,
            what=announcement.what,
            author=announcement.author_name or announcement.author.person,
            body=announcement.body,
            state=announcement.state,
            why=list(announcement.why),
            told=why_held(announcement.why),
            decided_by=announcement.settled_by,
            reason=announcement.reason,
            cases=said,
        )

    async def _cause(self, number: int) -> Cause:
        try:
            found: Cause = await self.sharing.in_thread(lambda: self.sharing.store.causes.cause(number))
        except NoSuchCause as error:
            raise Problem(404, str(error)) from None
        return found

    async def _told(self, number: int, which: int) -> tuple[Announcement, list[Line]]:
        try:
            found: tuple[Announcement, list[Line]] = await self.sharing.in_thread(
                lambda: self.sharing.store.causes.announcement(number, which)
            )
        except NoSuchCause as error:
            raise Problem(404, str(error)) from None
        return found
