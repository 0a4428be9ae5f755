"""The console put together: its pages, and the stream that tells them what has changed."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response, StreamingResponse

from api.console.acts import Acts
from api.console.board import Board
from api.console.casepage import CasePage
from api.console.ground import Ground
from api.console.inbox import InboxPage
from api.console.visiting import READING
from api.feed import Feed


@dataclass(frozen=True)
class Console:
    """What the console needs."""

    ground: Ground
    feed: Feed

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/", _home, methods=["GET"])
        router.add_api_route("/console/stream", self.stream, methods=["GET"], dependencies=[READING])
        case = CasePage(self.ground)
        for pages in (Board(self.ground), case, Acts(self.ground, case), InboxPage(self.ground)):
            router.include_router(pages.routes())
        return router

    async def stream(self) -> Response:
        """The ids of cases as they change, and nothing else of them."""
        headers = {"cache-control": "no-store", "x-accel-buffering": "no", "x-content-type-options": "nosniff"}
        return StreamingResponse(self.feed.follow(), media_type="text/event-stream", headers=headers)


async def _home() -> Response:
    return RedirectResponse("/console", 307)
