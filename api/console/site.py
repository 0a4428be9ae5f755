"""The console put together: its pages, and the stream that tells them what has changed."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from api.access.rules import Anyone, Bearer, Door, Needs
from api.console.acts import Acts
from api.console.board import Board
from api.console.casepage import CasePage
from api.console.customers import CustomerPages
from api.console.deciding import Deciding
from api.console.ground import Ground
from api.console.inbox import InboxPage
from api.console.moving import Moving
from api.console.visiting import visitor_of
from api.feed import Feed
from api.routes import take_in
from domain.rights import Right


@dataclass(frozen=True)
class Console:
    """What the console needs."""

    ground: Ground
    feed: Feed

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/", _home, methods=["GET"], dependencies=[Depends(Anyone("it only leads to the console"))])
        router.add_api_route("/console/stream", self.stream, methods=["GET"], dependencies=[Depends(Needs(Right.READ_CASES))])
        case = CasePage(self.ground)
        doing = (Acts(self.ground, case), Deciding(self.ground, case), Moving(self.ground, case))
        for pages in (Board(self.ground), case, *doing, InboxPage(self.ground), CustomerPages(self.ground)):
            take_in(router, pages.routes())
        return router

    async def stream(self, request: Request, given: Bearer) -> Response:
        """The ids of cases as they change, and nothing else of them, for as long as whoever reads is let in."""
        door: Door = request.app.state.door
        key = given.credentials if given is not None else None

        async def welcome() -> bool:
            return await door.still_lets_in(request, key)

        headers = {"cache-control": "no-store", "x-accel-buffering": "no", "x-content-type-options": "nosniff"}
        told = self.feed.follow(welcome, visitor_of(request).sees_departments)
        return StreamingResponse(told, media_type="text/event-stream", headers=headers)


async def _home() -> Response:
    return RedirectResponse("/console", 307)
