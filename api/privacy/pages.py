"""The pages of those who answer for privacy: find somebody, see what would go, propose, and confirm what somebody else has proposed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from adapters.postgres.store import Store
from api.in_thread import in_thread
from api.pages import page
from api.privacy.rest import Eraser, Number, handed_over
from api.privacy.room import Found, Room
from api.problems import Problem
from domain.sentences import say

_Reason = Annotated[str, Form(max_length=600)]
_Ids = Annotated[list[str] | None, Form()]


@dataclass(frozen=True)
class PrivacyPages:
    """The pages."""

    room: Room
    store: Store
    framed_by: str | None

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False, prefix="/console/privacy")
        router.add_api_route("", self.overview, methods=["GET"])
        router.add_api_route("/find", self.find, methods=["POST"])
        router.add_api_route("/scope", self.scope, methods=["POST"])
        router.add_api_route("/access", self.access, methods=["POST"])
        router.add_api_route("/erasures", self.propose, methods=["POST"])
        router.add_api_route("/erasures/{erasure}", self.erasure, methods=["GET"])
        router.add_api_route("/erasures/{erasure}/confirm", self.confirm, methods=["POST"])
        router.add_api_route("/erasures/{erasure}/reject", self.reject, methods=["POST"])
        router.add_api_route("/holds", self.hold, methods=["POST"])
        router.add_api_route("/holds/{hold_number}/lift", self.lift, methods=["POST"])
        return router

    async def overview(self, request: Request, _visitor: Eraser) -> Response:
        """What waits, what is held, what retention would destroy; and where to look for somebody."""
        return await self._overview(request)

    async def find(
        self,
        request: Request,
        visitor: Eraser,
        channel: Annotated[str, Form(max_length=40)],
        who: Annotated[str, Form(max_length=200)],
    ) -> Response:
        """Who is called that."""
        given = {"channel": channel.strip(), "who": who.strip()}
        if not given["who"] or "\0" in channel + who:
            return await self._overview(request, say("Write the handle, or the network’s id."), given=given, status=422)
        try:
            found = await self.room.find(given["channel"], given["who"], visitor.actor)
        except Problem as problem:
            return await self._overview(request, problem.detail, given=given, status=problem.status)
        return await self._overview(request, given=given, found=found)

    async def scope(self, request: Request, _visitor: Eraser, customer: _Ids = None) -> Response:
        """What would go; where it is proposed, or everything that is held is given out."""
        return await self._scope(request, customer or [])

    async def access(
        self, request: Request, visitor: Eraser, customer: _Ids = None, form: Annotated[str, Form(max_length=10)] = "html"
    ) -> Response:
        """Everything that is held, as a file."""
        try:
            return handed_over(await self.room.give(customer or [], visitor.actor), "json" if form == "json" else "html")
        except Problem as problem:
            return await self._scope(request, customer or [], problem)

    async def propose(self, request: Request, visitor: Eraser, customer: _Ids = None, reason: _Reason = "") -> Response:
        """Propose to erase these."""
        try:
            made, _ = await self.room.propose(customer or [], reason, visitor.actor)
        except Problem as problem:
            return await self._scope(request, customer or [], problem, reason)
        return RedirectResponse(f"/console/privacy/erasures/{made.number}", 303)

    async def erasure(self, request: Request, erasure: Number, visitor: Eraser) -> Response:
        """One that waits, and what it concerns as of now."""
        return await self._erasure(request, erasure, visitor)

    async def confirm(self, request: Request, erasure: Number, visitor: Eraser, sure: Annotated[str, Form(max_length=5)] = "") -> Response:
        """Destroy what somebody else has proposed."""
        if sure != "yes":
            wrong = Problem(422, say("tick that you have looked at what will go; nothing was destroyed"))
            return await self._erasure(request, erasure, visitor, wrong)
        try:
            erased, scope = await self.room.confirm(erasure, visitor.actor)
        except Problem as problem:
            return await self._erasure(request, erasure, visitor, problem)
        return await self._page(request, "privacy_erased.html", {"number": erasure, "erased": erased, "scope": scope})

    async def reject(self, request: Request, erasure: Number, visitor: Eraser, reason: _Reason = "") -> Response:
        """Decide against it."""
        try:
            await self.room.reject(erasure, reason, visitor.actor)
        except Problem as problem:
            return await self._erasure(request, erasure, visitor, problem)
        return RedirectResponse("/console/privacy", 303)

    async def hold(
        self, request: Request, visitor: Eraser, cases: Annotated[str, Form(max_length=20_000)] = "", reason: _Reason = ""
    ) -> Response:
        """Put a hold on cases."""
        try:
            await self.room.hold(cases.split(), reason, visitor.actor)
        except Problem as problem:
            return await self._overview(request, problem.detail, given={"cases": cases, "reason": reason}, status=problem.status)
        return RedirectResponse("/console/privacy#holds", 303)

    async def lift(self, request: Request, hold_number: Number, visitor: Eraser, reason: _Reason = "") -> Response:
        """End a hold."""
        try:
            await self.room.lift(hold_number, reason, visitor.actor)
        except Problem as problem:
            return await self._overview(request, problem.detail, status=problem.status)
        return RedirectResponse("/console/privacy#holds", 303)

    async def _overview(
        self,
        request: Request,
        problem: str | None = None,
        *,
        given: dict[str, str] | None = None,
        found: Found | None = None,
        status: int = 200,
    ) -> Response:
        values: dict[str, Any] = {"problem": problem, "given": given or {}, "found": found}
        try:
            values |= {
                "proposals": await self.room.proposals(),
                "holds": await self.room.holds(),
                "rules": await self.room.retention(),
            }
        except Problem as wrong:
            values |= {"problem": wrong.detail, "proposals": [], "holds": [], "rules": []}
            status = wrong.status
        return await self._page(request, "privacy.html", values, status)

    async def _scope(self, request: Request, customers: Sequence[str], problem: Problem | None = None, reason: str = "") -> Response:
        try:
            scope = await self.room.scope(customers)
        except Problem as wrong:
            return await self._overview(request, wrong.detail, status=wrong.status)
        told, status = (None, 200) if problem is None else (problem.detail, problem.status)
        values = {"scope": scope, "objection": scope.objection(), "problem": told, "reason": reason}
        return await self._page(request, "privacy_scope.html", values, status)

    async def _erasure(self, request: Request, erasure: int, visitor: Eraser, problem: Problem | None = None) -> Response:
        try:
            proposal = await self.room.proposal(erasure)
            scope = await self.room.scope(proposal.subjects)
        except Problem as wrong:
            return await self._overview(request, wrong.detail, status=wrong.status)
        told, status = (None, 200) if problem is None else (problem.detail, problem.status)
        values = {
            "proposal": proposal,
            "scope": scope,
            "objection": scope.objection_to(proposal.number, proposal.cases),
            "mine": proposal.proposed_by == visitor.actor.person,
            "problem": told,
        }
        return await self._page(request, "privacy_erasure.html", values, status)

    async def _page(self, request: Request, name: str, values: dict[str, Any], status: int = 200) -> Response:
        policy = await in_thread(self.room.threads, self.store.book.active)  # names the channels
        return page(request, name, {**values, "policy": policy, "here": "privacy"}, framed_by=self.framed_by, status=status)
