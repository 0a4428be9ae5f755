"""The link to a case's status page, for whoever may act on the case: to see it, to hand it over, to withdraw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from adapters.links import StatusLinks
from adapters.postgres.followed import EnoughWithdrawn, PostgresFollowed
from api.access.rules import Acting
from api.access.visitor import Visitor
from api.console.ground import Ground
from api.problems import Problem, described
from domain import commands as c
from domain.casefile import CaseFile
from domain.rights import may_not


class StatusLinkOut(BaseModel):
    """The link that holds. `withdrawn`: how many before it do not any more."""

    url: str = Field(examples=["https://care.example/s/1Zm9yIGV4YW1wbGUgb25seSwgbm8gbGluaw"])
    withdrawn: int = Field(examples=[0])


@dataclass(frozen=True)
class StatusLinkRoutes:
    """What they need."""

    ground: Ground
    links: StatusLinks
    followed: PostgresFollowed

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/console/cases/{case_id}/status-link", self.show, methods=["GET"])
        router.add_api_route("/console/cases/{case_id}/status-link", self.withdraw, methods=["POST"])
        return router

    def rest(self) -> APIRouter:
        """The same for programs."""
        router = APIRouter(prefix="/api/v1", tags=["cases"])
        path, problems = "/cases/{case_id}/status-link", described(401, 403, 404, 422, 429, 503)

        @router.get(path, response_model=StatusLinkOut, responses=problems, summary="The link to a case's status page")
        async def link(case_id: str, visitor: Acting) -> StatusLinkOut:
            return await self._told(await self._file(case_id, visitor))

        @router.delete(
            path,
            response_model=StatusLinkOut,
            responses=problems,
            summary="Withdraw the link to a case's status page",
            description="At once, and on record. Whoever opens it is told so. The answer has the next one, for you to hand over. Sent "
            "again, it changes nothing: `withdrawn` says which link is meant.",
        )
        async def withdraw(
            case_id: str,
            visitor: Acting,
            withdrawn: Annotated[int, Query(ge=0, le=1000, description="As the link that is meant was told with.")],
        ) -> StatusLinkOut:
            file = await self._file(case_id, visitor)
            await self._withdraw(file, withdrawn, visitor)
            return await self._told(file)

        return router

    async def show(self, request: Request, case_id: str, visitor: Acting) -> Response:
        """The link, and a button."""
        file = await self._file(case_id, visitor)
        values = {"here": "case", "file": file, "link": await self._told(file)}
        return await self.ground.page(request, "status_link.html", visitor, values)

    async def withdraw(self, case_id: str, visitor: Acting, withdrawn: Annotated[int, Form(ge=0, le=1000)]) -> Response:
        """It holds no more."""
        await self._withdraw(await self._file(case_id, visitor), withdrawn, visitor)
        return RedirectResponse(f"/console/cases/{case_id}/status-link", 303)

    async def _file(self, case_id: str, visitor: Visitor) -> CaseFile:
        """A case that the visitor acts on. Raises Problem: a department that has had it acts on it no more."""
        file = await self.ground.file(visitor, case_id)
        refused = may_not(visitor.colleague, c.Update, file.case, file.policy)  # whoever may speak to the customer
        if refused is not None:
            raise Problem(403, refused.reason, code=refused.code)
        return file

    async def _withdraw(self, file: CaseFile, link: int, visitor: Visitor) -> None:
        try:
            await self.ground.read(lambda: self.followed.withdraw(file.case_id, link, visitor.actor))
        except EnoughWithdrawn as error:
            raise Problem(422, str(error)) from None

    async def _told(self, file: CaseFile) -> StatusLinkOut:
        withdrawn = await self.ground.read(lambda: self.followed.withdrawn(file.case_id))
        return StatusLinkOut(url=self.links.make(file.number, file.case_id, withdrawn), withdrawn=withdrawn)
