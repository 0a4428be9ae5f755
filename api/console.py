"""The plain console: a list of cases, a case with its story, and what could not be read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from adapters.postgres.people import ApiKey
from adapters.postgres.reading import NoSuchCase
from adapters.postgres.rows import Row
from api.acting import Acting
from api.pages import page, signed_in
from api.problems import Problem
from domain.story import story

PAGE = 50
Number = Annotated[int | None, Query(ge=1, le=2**62)]


@dataclass(frozen=True)
class Console:
    """What the pages need."""

    acting: Acting
    cases: Callable[[bool, int | None], Awaitable[list[Row]]]
    quarantined: Callable[[], Awaitable[list[dict[str, Any]]]]
    verify: Callable[[str], Awaitable[str | None]]
    key_of: Callable[[str], Awaitable[ApiKey | None]]
    is_open: bool
    framed_by: str | None

    def routes(self) -> APIRouter:
        """The addresses."""

        async def inside(request: Request) -> None:
            await signed_in(request, is_open=self.is_open, key_of=self.key_of)

        router = APIRouter(include_in_schema=False)
        router.add_api_route("/", _home, methods=["GET"])
        router.add_api_route("/console", self.board, methods=["GET"], dependencies=[Depends(inside)])
        router.add_api_route("/console/cases/{case_id}", self.case, methods=["GET"], dependencies=[Depends(inside)])
        router.add_api_route("/console/quarantine", self.quarantine, methods=["GET"], dependencies=[Depends(inside)])
        return router

    async def board(self, request: Request, show: str = "open", before: Number = None) -> Response:
        """The list."""
        show = show if show == "all" else "open"
        rows = await self.cases(show == "open", before)
        any_case = bool(rows) or bool(await self.cases(False, None))
        older = rows[-1].number if len(rows) == PAGE else None
        values = {"rows": rows, "any_case": any_case, "show": show, "older": older, "live": before is None}
        values["unreadable"] = len(await self.quarantined())
        return page(request, "board.html", values, framed_by=self.framed_by)

    async def case(self, request: Request, case_id: str) -> Response:
        """One case."""
        try:
            file = await self.acting.file(case_id)
        except NoSuchCase as error:
            raise Problem(404, str(error)) from None
        values = {"file": file, "case": file.case, "lines": story(file, whole=True), "fault": await self.verify(case_id)}
        values["unreadable"] = len(await self.quarantined())
        return page(request, "case.html", values, framed_by=self.framed_by)

    async def quarantine(self, request: Request) -> Response:
        """What bridges sent and nobody could read."""
        rows = await self.quarantined()
        return page(request, "quarantine.html", {"rows": rows, "unreadable": len(rows), "show": "unreadable"}, framed_by=self.framed_by)


async def _home() -> Response:
    return RedirectResponse("/console", 307)
