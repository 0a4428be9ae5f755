"""The plain console: a list of cases, a case with its story, and what could not be read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from adapters.postgres.reading import NoSuchCase, Row
from api.access.rules import Anyone, Needs, Reading
from api.access.visitor import Visitor
from api.acting import Acting
from api.pages import page
from api.problems import Problem
from domain.casefile import CaseFile
from domain.rights import Right, may_see
from domain.story import story

PAGE = 50
Number = Annotated[int | None, Query(ge=1, le=2**62)]


@dataclass(frozen=True)
class Console:
    """What the pages need."""

    acting: Acting
    cases: Callable[[bool, int | None, frozenset[str] | None], Awaitable[list[Row]]]
    had_by: Callable[[str], Awaitable[frozenset[str]]]
    quarantined: Callable[[], Awaitable[list[dict[str, Any]]]]
    verify: Callable[[str], Awaitable[str | None]]
    framed_by: str | None

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/", _home, methods=["GET"], dependencies=[Depends(Anyone("it only leads to the console"))])
        router.add_api_route("/console", self.board, methods=["GET"])
        router.add_api_route("/console/cases/{case_id}", self.case, methods=["GET"])
        router.add_api_route("/console/quarantine", self.quarantine, methods=["GET"])
        return router

    async def board(self, request: Request, visitor: Reading, show: str = "open", before: Number = None) -> Response:
        """The list."""
        show = show if show == "all" else "open"
        theirs = visitor.sees_departments
        rows = await self.cases(show == "open", before, theirs)
        any_case = bool(rows) or bool(await self.cases(False, None, theirs))
        older = rows[-1].number if len(rows) == PAGE else None
        values = {"rows": rows, "any_case": any_case, "show": show, "older": older, "live": before is None}
        values["unreadable"] = await self._unreadable(visitor)
        return page(request, "board.html", values, framed_by=self.framed_by)

    async def case(self, request: Request, case_id: str, visitor: Reading) -> Response:
        """One case."""
        file = await self._file(case_id, visitor)
        values = {"file": file, "case": file.case, "lines": story(file, whole=True), "fault": await self.verify(case_id)}
        values["unreadable"] = await self._unreadable(visitor)
        return page(request, "case.html", values, framed_by=self.framed_by)

    async def quarantine(self, request: Request, _visitor: Annotated[Visitor, Depends(Needs(Right.READ_UNREADABLE))]) -> Response:
        """What bridges sent and nobody could read."""
        rows = await self.quarantined()
        return page(request, "quarantine.html", {"rows": rows, "unreadable": len(rows), "show": "unreadable"}, framed_by=self.framed_by)

    async def _file(self, case_id: str, visitor: Visitor) -> CaseFile:
        """A case that the visitor may read. Raises Problem: one of another department is not there for them."""
        try:
            file = await self.acting.file(case_id)
        except NoSuchCase as error:
            raise Problem(404, str(error)) from None
        if not may_see(visitor.colleague, file.case.department, await self.had_by(case_id)):
            raise Problem(404, f"there is no case '{case_id}'")
        return file

    async def _unreadable(self, visitor: Visitor) -> int:
        return len(await self.quarantined()) if visitor.may(Right.READ_UNREADABLE) else 0


async def _home() -> Response:
    return RedirectResponse("/console", 307)
