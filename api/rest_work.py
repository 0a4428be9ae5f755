"""What there is to do, over REST: the board, what needs the social team, drafts that wait, and what can be done to a case now."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.datastructures import QueryParams

from adapters.postgres.board import Flag
from adapters.postgres.causes import Announcement, Cause
from adapters.postgres.rows import Row
from api.access.rules import Acting, Needs, Reading
from api.access.visitor import Visitor
from api.console.asking import SHOWN_AT_FIRST, SHOWN_AT_MOST, Asked
from api.console.ground import Ground, discreet
from api.console.inbox import waiting_groups
from api.console.offers import Offer, offered
from api.paging import After, AtMost, cursor, number_of, tell_next
from api.problems import Problem, described
from api.reading import ON_RECORD
from api.rest_models import held_out
from api.rest_work_models import (
    BoardColumnOut,
    BoardOut,
    DraftsOut,
    GroupOut,
    InboxOut,
    OfferOut,
    OffersOut,
    RowOut,
    Saying,
    UnreadableOut,
    WaitingAnnouncementOut,
    WaitingDraftOut,
    WritersOut,
    WritingOut,
)
from domain.approving import why_held
from domain.rights import Right

Retrying = Annotated[Visitor, Depends(Needs(Right.RETRY_UNREADABLE))]
_Several = Annotated[list[str] | None, Query(max_length=20)]
_SPOKEN = {"take_private": "private"}
"""What the console's forms call what commands call otherwise."""
Listing = described(401, 403, 422, 429, 503)
Refused = described(401, 403, 404, 422, 429, 503)


class RestWork:
    """The routes."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def routes(self) -> APIRouter:
        """The addresses under /api/v1."""
        router = APIRouter(prefix="/api/v1", tags=["work"])
        self._lists(router)
        self._of_a_case(router)
        return router

    def _lists(self, router: APIRouter) -> None:
        @router.get(
            "/board",
            response_model=BoardOut,
            responses=Listing,
            summary="Every open case, the most urgent first",
        )
        async def board(
            request: Request,
            visitor: Reading,
            by: Annotated[Literal["status", "department"], Query(description="What the columns are.")] = "status",
            status: _Several = None,
            department: _Several = None,
            channel: _Several = None,
            brand: _Several = None,
            priority: _Several = None,
            category: _Several = None,
            only: Annotated[list[Flag] | None, Query(max_length=20, description="What marks them: all that are given.")] = None,
            at_most: Annotated[int, Query(ge=1, le=SHOWN_AT_MOST, description="So many in a column.")] = SHOWN_AT_FIRST,
        ) -> BoardOut:
            del by, status, department, channel, brand, priority, category, only  # read as the console reads them
            return await self._board(request.query_params, visitor, at_most)

        @router.get("/inbox", response_model=InboxOut, responses=Listing, summary="What needs the social team")
        async def inbox(visitor: Reading) -> InboxOut:
            groups = [
                GroupOut(group=group.key, title=group.title, why=group.why, total=group.total, cases=[_row(row) for row in group.rows])
                for group in await waiting_groups(self._ground, visitor)
                if group.total
            ]
            found = await self._ground.read(self._ground.store.inbox.quarantined) if visitor.may(Right.READ_UNREADABLE) else []
            shared = await self._ground.read(self._ground.store.causes.waiting) if visitor.may(Right.SHARE_CAUSES) else []
            announcements = [_announcement(cause, one) for cause, one in shared]
            return InboxOut(
                groups=groups, announcements=announcements, unreadable=[UnreadableOut(number=row.pop("id"), **row) for row in found]
            )

        @router.post(
            "/inbox/{number}/again",
            status_code=204,
            responses=Refused,
            summary="Have a message read again that could not be read",
            description="When what stood in the way is mended. Nothing is done twice by it.",
        )
        async def again(number: int, _visitor: Retrying) -> Response:
            if not (0 < number < 2**62) or not await self._ground.read(lambda: self._ground.store.inbox.read_again(number)):
                raise Problem(404, f"there is no message number {number} that could be read again")
            return Response(status_code=204)

        @router.get(
            "/drafts",
            response_model=DraftsOut,
            responses=Listing,
            summary="Drafts that wait for a second person",
        )
        async def drafts(request: Request, response: Response, visitor: Reading, after: After = None, at_most: AtMost = 50) -> DraftsOut:
            found = await self._drafts(visitor, number_of("drafts", after), at_most)
            tell_next(request, response, found.after)
            return found

    def _of_a_case(self, router: APIRouter) -> None:
        @router.get("/cases/{case_id}/commands", response_model=OffersOut, responses=Refused, summary="What can be done to a case now")
        async def offers(case_id: str, visitor: Reading) -> OffersOut:
            file = await self._ground.file(visitor, case_id)
            if not visitor.may(Right.ACT):
                return OffersOut(commands=[])
            had_by = await self._ground.looking.had_by(case_id)
            now = self._ground.looking.now()
            return OffersOut(commands=[_offer(one) for one in offered(file, visitor.colleague, now, had_by)])

        @router.get("/cases/{case_id}/writing", response_model=WritersOut, responses=Refused, summary="Who is writing to the customer now")
        async def writing(case_id: str, visitor: Reading) -> WritersOut:
            await self._ground.file(visitor, case_id)
            person = visitor.actor.person
            others = await self._ground.read(lambda: self._ground.store.drafts.others(case_id, person))
            return WritersOut(others=[WritingOut(name=one.name, saying=_said(one.saying)) for one in others])

        @router.put(
            "/cases/{case_id}/writing/{saying}",
            response_model=WritersOut,
            responses=Refused,
            summary="Say that I am writing to the customer",
            description="For five minutes, so that two people do not answer at once without knowing. Who else is writing.",
        )
        async def begin(case_id: str, saying: Saying, visitor: Acting) -> WritersOut:
            await self._ground.file(visitor, case_id)
            others = await self._ground.looking.begins_to_write(case_id, visitor.actor.person, _SPOKEN.get(saying, saying))
            return WritersOut(others=[WritingOut(name=one.name, saying=_said(one.saying)) for one in others])

        @router.delete("/cases/{case_id}/writing", status_code=204, responses=Refused, summary="Say that I am not writing any more")
        async def stop(case_id: str, visitor: Acting) -> Response:
            await self._ground.file(visitor, case_id)
            await self._ground.looking.stops_writing(case_id, visitor.actor.person)
            return Response(status_code=204)

    async def _board(self, query: QueryParams, visitor: Visitor, at_most: int) -> BoardOut:
        ground, asked = self._ground, Asked.of(query)
        policy = await ground.looking.policy()
        now = ground.looking.now()
        sought = asked.sought(visitor, policy, now)
        columns = await ground.read(lambda: ground.store.board.columns(sought, asked.by, at_most=at_most))
        counts = await ground.read(lambda: ground.store.board.counts(sought))
        shown = [
            BoardColumnOut(key=one.key, total=one.total, cases=[_row(row) for row in discreet(visitor, policy, one.rows)])
            for one in columns
        ]
        return BoardOut(now=now, by=asked.by, counts=counts, columns=shown)

    async def _drafts(self, visitor: Visitor, after: int | None, at_most: int) -> DraftsOut:
        ground = self._ground
        scope, on_record = visitor.sees_departments, visitor.actor.role in ON_RECORD

        def look() -> DraftsOut:
            cases = ground.store.board.with_drafts(scope, after, at_most + 1)
            found: list[WaitingDraftOut] = []
            for number, case_id in cases[:at_most]:
                file = ground.store.reader.file(case_id)
                if on_record:  # before they have it, as everywhere
                    ground.store.audit.note(case_id, None, visitor.actor, words=True)
                found += [WaitingDraftOut(case_id=case_id, number=number, **dict(held_out(file, draft))) for draft in file.case.held]
            more = cursor("drafts", cases[at_most - 1][0]) if len(cases) > at_most else None
            return DraftsOut(drafts=found, after=more)

        return await ground.read(look)


def _row(row: Row) -> RowOut:
    return RowOut(
        case_id=row.case_id,
        number=row.number,
        status=row.status,
        priority=row.priority,
        category=row.category,
        department=row.department,
        brand=row.brand,
        channel=row.channel,
        customer=row.customer,
        text=row.words,
        owner=row.owner,
        opened_at=row.opened_at,
        due_at=row.due_at,
        due_clock=row.due_clock,
        promise=row.promise_at,
        breached=list(row.breached),
        needs_us=row.needs_human,
        stalled_at=row.stalled_at,
    )


def _announcement(cause: Cause, one: Announcement) -> WaitingAnnouncementOut:
    return WaitingAnnouncementOut(
        cause=cause.number,
        name=cause.name,
        number=one.number,
        what=one.what,
        author=one.author_name or one.author.person,
        made_at=one.made_at,
        why=list(one.why),
        told=why_held(one.why),
    )


def _offer(offer: Offer) -> OfferOut:
    do = next(field.default for field in fields(offer.kind) if field.name == "kind")
    return OfferOut(do=str(do), label=offer.label, speaks=offer.speaks)


def _said(saying: str) -> Saying:
    """What somebody is writing, by the names of commands; where it is none of ours, an update."""
    names: dict[str, Saying] = {"ask": "ask", "update": "update", "resolve": "resolve", "private": "take_private"}
    return names.get(saying, "update")
