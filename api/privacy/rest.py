"""Privacy over REST: find customers, propose and confirm erasures, give access, holds, and what retention would destroy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from adapters.export.subject_page import page as subject_page
from adapters.postgres.holds import Hold
from adapters.postgres.retention import Applied
from adapters.postgres.subject_access import Held
from api.access.rules import Needs
from api.access.visitor import Visitor
from api.privacy.room import AT_MOST, Room
from api.problems import described
from domain.erasure import Customer, Outside, Proposal, Scope
from domain.rights import Right

Eraser = Annotated[Visitor, Depends(Needs(Right.ERASE, fresh=True))]
Number = Annotated[int, Path(ge=1, le=2**62)]
_FRESH = "Needs a fresh proof of who you are; a program needs a key with `erase` among its scopes."
_ID = "019a3f00-5b1c-7e52-8f6e-2f1f0c7d9a11"
_AT = "2026-03-02T09:00:00Z"
_REASON = "letter 7/26"
_A_CUSTOMER = {"id": _ID, "channel": "x", "handle": "sam", "name": "Sam Okafor", "since": _AT, "cases": []}
_A_PROPOSAL = {
    "number": 12,
    "customers": [_ID],
    "cases": ["meridian-x-1846"],
    "reason": _REASON,
    "proposed_by": "key:3f9c5d0e",
    "proposed_at": _AT,
}
_A_HOLD = {"number": 3, "cases": ["meridian-x-1846"], "reason": "court 3/26", "set_by": "key:3f9c5d0e", "set_at": _AT}
_Id = Annotated[str, Field(max_length=60)]
_Reason = Annotated[str, Field(max_length=500, description="It stays on record for ever: refer to a ticket or a letter, and name nobody.")]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WhoIn(_In):
    """Whom to look for."""

    channel: str = Field(max_length=40, pattern=r"^[^\x00]*$", examples=["x"], description="A channel of the policy.")
    who: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$", examples=["@sam"], description="The handle, or the network's id.")


class WhomIn(_In):
    """Customers, by their ids."""

    customers: list[_Id] = Field(min_length=1, max_length=AT_MOST, examples=[[_ID]])
    without: list[_Id] = Field(
        default=[], max_length=AT_MOST, examples=[[]], description="Left out, though they are linked with the others as the same person."
    )


class ErasureIn(WhomIn):
    """An erasure as it is proposed."""

    reason: _Reason = Field(examples=[_REASON])


class AccessIn(WhomIn):
    """Whose data is given out, and how."""

    form: Literal["json", "html"] = Field("json", examples=["json"], description="`html`: to be read.")


class WhyIn(_In):
    """Why."""

    reason: _Reason = Field(examples=["not the same person"])


class HoldIn(_In):
    """A legal hold as it shall be."""

    cases: list[Annotated[str, Field(max_length=200)]] = Field(min_length=1, max_length=1000, examples=[["meridian-x-1846"]])
    reason: _Reason = Field(examples=["court 3/26"])


class OwnedOut(BaseModel):
    """A case of a customer."""

    case_id: str = Field(examples=["meridian-x-1846"])
    number: int = Field(examples=[42])
    status: str = Field(examples=["closed"])
    is_open: bool = Field(examples=[False])
    opened_at: datetime
    holds: list[int] = Field(examples=[[]], description="The holds on it.")


class SubjectOut(BaseModel):
    """A customer on one channel."""

    id: str = Field(examples=["0198d7a4-6f5e-7c11-9d2a-3c1f0d5b7e90"])
    channel: str = Field(examples=["x"])
    handle: str | None = Field(examples=["sam"])
    name: str | None = Field(examples=["Sam Okafor"])
    since: datetime
    cases: list[OwnedOut]

    @staticmethod
    def of(one: Customer) -> SubjectOut:
        """As it is answered."""
        return SubjectOut.model_validate(one, from_attributes=True)


class SubjectsFoundOut(BaseModel):
    """Who was found. Whether those of `others` are the same person, people decide."""

    there: list[SubjectOut] = Field(examples=[[_A_CUSTOMER]])
    linked: list[SubjectOut] = Field(examples=[[]], description="Linked with them as the same person: erased and given out with them.")
    others: list[SubjectOut] = Field(examples=[[]], description="Called the same on other channels.")


class PlaceOut(BaseModel):
    """A copy out of reach."""

    case: str = Field(examples=["meridian-x-1846"])
    where: str = Field(examples=["https://network.example/meridian/1853"])


class OutsideOut(BaseModel):
    """Copies of their words that have to be cleaned up by hand."""

    cards: list[PlaceOut] = Field(description="Slack cards and their threads.")
    mails: list[PlaceOut] = Field(examples=[[]])
    replies: list[PlaceOut] = Field(description="Our replies on the network.")
    posts: list[PlaceOut] = Field(description="Their posts on the network.")
    exports: list[str] = Field(description="What may have left as a file, or was read.")

    @staticmethod
    def of(outside: Outside) -> OutsideOut:
        """As it is answered."""
        kinds = ("cards", "mails", "replies", "posts")
        places = {kind: [PlaceOut(case=case, where=where) for case, where in getattr(outside, kind)] for kind in kinds}
        return OutsideOut(**places, exports=list(outside.exports))


class ScopeOut(BaseModel):
    """Everything that an erasure concerns."""

    customers: list[SubjectOut] = Field(examples=[[_A_CUSTOMER]])
    elsewhere: list[str] = Field(examples=[[]], description="Cases of others in which they wrote.")
    texts: int = Field(examples=[14], description="So many texts are destroyed: theirs, our answers, notes about them.")
    without_a_case: int = Field(examples=[0], description="Messages of theirs that found no case.")
    objection: str | None = Field(examples=[None], description="Why it cannot be done now, and what to do first.")
    outside: OutsideOut

    @staticmethod
    def of(scope: Scope) -> ScopeOut:
        """As it is answered."""
        return ScopeOut(
            customers=[SubjectOut.of(one) for one in scope.customers],
            elsewhere=list(scope.elsewhere),
            texts=scope.words,
            without_a_case=scope.waiting,
            objection=scope.objection(),
            outside=OutsideOut.of(scope.outside),
        )


class ErasureOut(BaseModel):
    """An erasure that waits for a second person."""

    number: int = Field(examples=[12])
    customers: list[str] = Field(examples=[[_ID]])
    cases: list[str] = Field(examples=[["meridian-x-1846"]])
    reason: str = Field(examples=[_REASON])
    proposed_by: str = Field(examples=["key:3f9c5d0e"])
    proposed_at: datetime

    @staticmethod
    def of(one: Proposal) -> ErasureOut:
        """As it is answered."""
        return ErasureOut(
            number=one.number,
            customers=list(one.subjects),
            cases=list(one.cases),
            reason=one.reason,
            proposed_by=one.proposed_by,
            proposed_at=one.proposed_at,
        )


class ErasuresOut(BaseModel):
    """Those that wait, the oldest first."""

    erasures: list[ErasureOut] = Field(examples=[[_A_PROPOSAL]])


class ErasureWithScope(BaseModel):
    """An erasure that waits, and what it concerns as of now."""

    erasure: ErasureOut = Field(examples=[_A_PROPOSAL])
    scope: ScopeOut


class ErasedOut(BaseModel):
    """What was destroyed, and what is left to do by hand."""

    customers: int = Field(examples=[1])
    cases: list[str] = Field(examples=[["meridian-x-1846"]])
    texts: int = Field(examples=[14])
    without_a_case: int = Field(examples=[0])
    outside: OutsideOut


class HoldOut(BaseModel):
    """A hold in force."""

    number: int = Field(examples=[3])
    cases: list[str] = Field(examples=[["meridian-x-1846"]])
    reason: str = Field(examples=["court 3/26"])
    set_by: str = Field(examples=["key:3f9c5d0e"])
    set_at: datetime

    @staticmethod
    def of(one: Hold) -> HoldOut:
        """As it is answered."""
        return HoldOut(number=one.number, cases=list(one.cases), reason=one.reason, set_by=one.set_by, set_at=one.set_at)


class HoldsOut(BaseModel):
    """The holds in force, the oldest first."""

    holds: list[HoldOut] = Field(examples=[[_A_HOLD]])


class RuleOut(BaseModel):
    """What retention would destroy by one rule of the policy."""

    rule: str = Field(examples=["default"])
    older_than: datetime
    cases: int = Field(examples=[40])
    texts: int = Field(examples=[512])
    held: int = Field(examples=[1], description="Cases that are due, and held.")

    @staticmethod
    def of(one: Applied) -> RuleOut:
        """As it is answered."""
        return RuleOut(rule=one.rule, older_than=one.older_than, cases=one.cases, texts=one.words, held=one.held)


class RetentionOut(BaseModel):
    """What retention would destroy now; housekeeping does it once a day. No rules: everything is kept."""

    rules: list[RuleOut] = Field(examples=[[{"rule": "default", "older_than": _AT, "cases": 40, "texts": 512, "held": 1}]])


@dataclass(frozen=True)
class RestPrivacy:
    """The routes."""

    room: Room

    def routes(self) -> APIRouter:
        """The addresses under /api/v1."""
        router = APIRouter(prefix="/api/v1", tags=["privacy"])
        self._customers(router)
        self._erasures(router)
        self._keeping(router)
        return router

    def _customers(self, router: APIRouter) -> None:
        @router.post(
            "/privacy/find",
            response_model=SubjectsFoundOut,
            responses=described(401, 403, 422, 429, 503),
            summary="Find a customer across channels",
            description=f"That somebody looked is on record. A handle stands in the body, because addresses are logged. {_FRESH}",
        )
        async def find(who: WhoIn, visitor: Eraser) -> SubjectsFoundOut:
            found = await self.room.find(who.channel, who.who, visitor.actor)
            lists = {name: [SubjectOut.of(one) for one in getattr(found, name)] for name in ("there", "linked", "others")}
            return SubjectsFoundOut(**lists)

        @router.post(
            "/privacy/scope",
            response_model=ScopeOut,
            responses=described(401, 403, 409, 422, 429, 503),
            summary="What erasing customers would destroy",
            description=f"With whoever is linked with them. Changes nothing. {_FRESH}",
        )
        async def scope(whom: WhomIn, _visitor: Eraser) -> ScopeOut:
            return ScopeOut.of(await self.room.scope(await self.room.with_linked(whom.customers, whom.without)))

        @router.post(
            "/privacy/access",
            response_class=Response,
            responses={
                200: {
                    "description": "Everything that is held, as JSON or as a page.",
                    "content": {"application/json": {}, "text/html": {}},
                },
                **described(401, 403, 409, 422, 429, 503),
            },
            summary="Everything that is held about a person",
            description=f"To be given to them; private words too. Colleagues are named by role. On record. {_FRESH}",
        )
        async def access(whom: AccessIn, visitor: Eraser) -> Response:
            held = await self.room.give(await self.room.with_linked(whom.customers, whom.without), visitor.actor)
            return handed_over(held, whom.form)

    def _erasures(self, router: APIRouter) -> None:
        @router.get("/erasures", response_model=ErasuresOut, responses=described(401, 403, 429, 503), summary="Erasures that wait")
        async def erasures(_visitor: Eraser) -> ErasuresOut:
            return ErasuresOut(erasures=[ErasureOut.of(one) for one in await self.room.proposals()])

        @router.post(
            "/erasures",
            status_code=201,
            response_model=ErasureWithScope,
            responses=described(401, 403, 409, 422, 429, 503),
            summary="Propose to erase customers",
            description=f"With whoever is linked with them. Nothing is destroyed before somebody else confirms it. {_FRESH}",
        )
        async def propose(wanted: ErasureIn, visitor: Eraser) -> ErasureWithScope:
            whom = await self.room.with_linked(wanted.customers, wanted.without)
            made, scope = await self.room.propose(whom, wanted.reason, visitor.actor)
            return ErasureWithScope(erasure=ErasureOut.of(made), scope=ScopeOut.of(scope))

        @router.get(
            "/erasures/{erasure}",
            response_model=ErasureWithScope,
            responses=described(401, 403, 404, 409, 422, 429, 503),
            summary="An erasure that waits, and what it concerns",
        )
        async def one(erasure: Number, _visitor: Eraser) -> ErasureWithScope:
            found = await self.room.proposal(erasure)
            return ErasureWithScope(erasure=ErasureOut.of(found), scope=ScopeOut.of(await self.room.scope(found.subjects)))

        @router.post(
            "/erasures/{erasure}/confirm",
            response_model=ErasedOut,
            responses=described(401, 403, 404, 409, 422, 429, 503),
            summary="Destroy what somebody else has proposed",
            description=f"It cannot be undone. Refused for whoever proposed it. {_FRESH}",
        )
        async def confirm(erasure: Number, visitor: Eraser) -> ErasedOut:
            erased, scope = await self.room.confirm(erasure, visitor.actor)
            return ErasedOut(
                customers=erased.subjects,
                cases=list(erased.cases),
                texts=erased.words,
                without_a_case=erased.waiting,
                outside=OutsideOut.of(scope.outside),
            )

        @router.post(
            "/erasures/{erasure}/reject",
            status_code=204,
            responses=described(401, 403, 404, 409, 422, 429, 503),
            summary="Decide against an erasure",
        )
        async def reject(erasure: Number, why: WhyIn, visitor: Eraser) -> Response:
            await self.room.reject(erasure, why.reason, visitor.actor)
            return Response(status_code=204)

    def _keeping(self, router: APIRouter) -> None:
        @router.get("/holds", response_model=HoldsOut, responses=described(401, 403, 429, 503), summary="Legal holds in force")
        async def holds(_visitor: Eraser) -> HoldsOut:
            return HoldsOut(holds=[HoldOut.of(one) for one in await self.room.holds()])

        @router.post(
            "/holds",
            status_code=201,
            response_model=HoldOut,
            responses=described(401, 403, 409, 422, 429, 503),
            summary="Put a legal hold on cases",
            description=f"Neither erasure nor retention touches them until it is lifted. {_FRESH}",
        )
        async def hold(wanted: HoldIn, visitor: Eraser) -> HoldOut:
            number = await self.room.hold(wanted.cases, wanted.reason, visitor.actor)
            return next(HoldOut.of(one) for one in await self.room.holds() if one.number == number)

        @router.post(
            "/holds/{hold_number}/lift",
            status_code=204,
            responses=described(401, 403, 404, 409, 422, 429, 503),
            summary="End a legal hold",
        )
        async def lift(hold_number: Number, why: WhyIn, visitor: Eraser) -> Response:
            await self.room.lift(hold_number, why.reason, visitor.actor)
            return Response(status_code=204)

        @router.get(
            "/retention",
            response_model=RetentionOut,
            responses=described(401, 403, 429, 503),
            summary="What retention would destroy now",
            description=f"Only counted. {_FRESH}",
        )
        async def retention(_visitor: Eraser) -> RetentionOut:
            return RetentionOut(rules=[RuleOut.of(one) for one in await self.room.retention()])


def handed_over(held: Held, form: str) -> Response:
    """What is held, as a file."""
    text = subject_page(held.data) if form == "html" else json.dumps(held.data, ensure_ascii=False, indent=2)
    kind = "text/html; charset=utf-8" if form == "html" else "application/json"
    return Response(text, media_type=kind, headers={"content-disposition": f'attachment; filename="held-about-a-person.{form}"'})
