"""Shared causes in the console: which there are, what shares them, and speaking to all of their customers."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from adapters.postgres.causes import Announcement, Cause, Line, NoSuchCause, What
from api.access.rules import Needs
from api.causes.rest import Number
from api.causes.sharing import MOST, NotJoined, Sharing
from api.console.acts import CONFLICT, INCOMPLETE, Short, Text, once_of
from api.console.ground import Ground, discreet
from api.console.visiting import visitor_of
from api.problems import Problem
from domain.approving import why_held
from domain.commands import Refusal
from domain.errors import LoopkeeperError
from domain.rights import Right
from domain.sentences import say

Many = Annotated[list[str], Form(max_length=MOST)]
SUGGESTED_AT_MOST = 40
_NUMBER = re.compile(r"#?(\d{1,12})")
DONE = {
    "begun": say("The cause is open. Add the cases that share it."),
    "joined": say("They share this cause now."),
    "left": say("It does not share this cause any more."),
    "sent": say("It is on its way, one case after the other."),
    "waiting": say("It waits for a second person. Until they decide, the system keeps what the customers were promised."),
    "rejected": say("It will not be sent."),
}


@dataclass(frozen=True)
class CausePages:
    """The pages."""

    ground: Ground
    sharing: Sharing

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False, dependencies=[Depends(Needs(Right.SHARE_CAUSES))])
        one, told = "/console/causes/{number}", "/console/causes/{number}/announcements/{which}"
        for address, page in (("/console/causes", self.listed), (one, self.show), (told, self.announcement)):
            router.add_api_route(address, page, methods=["GET"])
        for address, deed in (
            ("/console/causes", self.begin),
            (f"{one}/cases", self.join),
            (f"{one}/leave", self.leave),
            (f"{one}/announcements", self.make),
            (f"{told}/send", self.send),
            (f"{told}/approve", self.approve),
            (f"{told}/reject", self.reject),
        ):
            router.add_api_route(address, deed, methods=["POST"])
        return router

    # --- causes -------------------------------------------------------------------------------------------------------

    async def listed(self, request: Request) -> Response:
        """All causes, and the form for another."""
        return await self._listed(request, {})

    async def begin(self, request: Request, name: Short = "", about: Text = "", category: Short = "", department: Short = "") -> Response:
        """Open a cause."""
        policy = await self.ground.looking.policy()
        given = {"name": name, "about": about, "category": category, "department": department}
        if not name.strip() or "\0" in name:
            return await self._listed(request, given, say("Give it a name first, by which colleagues know it."))
        if department not in policy.departments or category not in ("", *policy.triage.categories):
            return await self._listed(request, given, say("Choose the department first."))
        by = visitor_of(request).actor.person
        store = self.ground.store.causes
        number = await self.ground.read(lambda: store.begin(name.strip(), about.strip(), category or None, department, by))
        return RedirectResponse(f"/console/causes/{number}?did=begun", 303)

    async def _listed(self, request: Request, given: dict[str, str], problem: str | None = None) -> Response:
        policy = await self.ground.looking.policy()
        values = {
            "here": "causes",
            "causes": await self.ground.read(self.ground.store.causes.listed),
            "categories": policy.triage.categories,
            "given": given,
            "problem": problem,
        }
        return await self.ground.page(request, "causes.html", visitor_of(request), values, status=INCOMPLETE if problem else 200)

    async def show(self, request: Request, number: Number, did: str = "") -> Response:
        """A cause, with its cases."""
        return await self._show(request, await self._cause(number), done=DONE.get(did))

    async def join(self, request: Request, number: Number, numbers: Short = "", case: Many = [], once: Short = "") -> Response:  # noqa: B006
        """Have cases share it: those that were ticked, and those whose numbers were written."""
        cause, missing, cases = await self._cause(number), list[NotJoined](), list(case)
        for written in _NUMBER.findall(numbers):
            found = await self.sharing.acting.numbered(int(written))
            if found is None:
                missing.append(NotJoined(f"#{written}", say("There is no such case.")))
            else:
                cases.append(found)
        if not cases and not missing:
            return await self._show(request, cause, problem=say("Which cases? Tick them, or write their numbers."), status=INCOMPLETE)
        missing += await self._by_number(await self.sharing.join(cause, cases, visitor_of(request).actor, once_of(once)))
        if missing:
            return await self._show(request, cause, not_joined=missing, status=CONFLICT)
        return RedirectResponse(f"/console/causes/{number}?did=joined", 303)

    async def leave(self, request: Request, number: Number, case: Short, once: Short = "") -> Response:
        """Have a case share it no longer."""
        cause = await self._cause(number)
        refused = await self.sharing.leave(case, visitor_of(request).actor, once_of(once))
        if refused:
            return await self._show(request, cause, not_joined=await self._by_number(refused), status=CONFLICT)
        return RedirectResponse(f"/console/causes/{number}?did=left", 303)

    async def _by_number(self, refused: Sequence[NotJoined]) -> list[NotJoined]:
        """The same, with the cases as people know them."""
        rows = await self.ground.read(lambda: self.ground.store.causes.of_cases([one.case for one in refused]))
        numbers = {row.case_id: f"#{row.number}" for row in rows}
        return [NotJoined(numbers.get(one.case, one.case), one.reason) for one in refused]

    # --- announcements ------------------------------------------------------------------------------------------------

    async def make(
        self, request: Request, number: Number, what: Short = "update", body: Text = "", root_cause: Short = "", once: Short = ""
    ) -> Response:
        """Make the text for each case. Nothing is sent: everybody's is shown first."""
        cause, policy = await self._cause(number), await self.ground.looking.policy()
        given = {"what": what, "body": body, "root_cause": root_cause}
        if not body.strip():
            return await self._show(request, cause, given=given, problem=say("Write something first."), status=INCOMPLETE)
        said: What = "resolve" if what == "resolve" else "update"
        if said == "resolve" and root_cause not in policy.root_causes:
            return await self._show(
                request, cause, given=given, problem=say("Choose the root cause first: it is what we learn from."), status=INCOMPLETE
            )
        try:
            cause_key = root_cause if said == "resolve" else None
            made = await self.sharing.make(cause, said, cause_key, body.strip(), visitor_of(request).actor, once_of(once))
        except LoopkeeperError as error:
            return await self._show(request, cause, given=given, problem=str(error), status=CONFLICT)
        return RedirectResponse(f"/console/causes/{number}/announcements/{made}", 303)

    async def announcement(self, request: Request, number: Number, which: Number, did: str = "") -> Response:
        """Exactly what each customer will read, or has read."""
        return await self._announcement(request, number, which, done=DONE.get(did))

    async def send(self, request: Request, number: Number, which: Number) -> Response:
        """Its author sends it."""
        announcement, lines = await self._told(number, which)
        refusal = await self.sharing.send(announcement, lines, visitor_of(request).actor)
        return await self._did(request, number, which, refusal, "waiting" if announcement.why else "sent")

    async def approve(self, request: Request, number: Number, which: Number) -> Response:
        """A second person has it sent."""
        announcement, _ = await self._told(number, which)
        return await self._did(request, number, which, await self.sharing.approve(announcement, visitor_of(request).actor), "sent")

    async def reject(self, request: Request, number: Number, which: Number, body: Text = "") -> Response:
        """It is not sent."""
        announcement, _ = await self._told(number, which)
        refusal = await self.sharing.reject(announcement, visitor_of(request).actor, body.strip() or None)
        return await self._did(request, number, which, refusal, "rejected")

    async def _did(self, request: Request, number: int, which: int, refusal: Refusal | None, did: str) -> Response:
        if refusal is not None:
            return await self._announcement(request, number, which, problem=refusal.reason, status=CONFLICT)
        return RedirectResponse(f"/console/causes/{number}/announcements/{which}?did={did}", 303)

    # --- together -----------------------------------------------------------------------------------------------------

    async def _cause(self, number: int) -> Cause:
        try:
            return await self.ground.read(lambda: self.ground.store.causes.cause(number))
        except NoSuchCause as error:
            raise Problem(404, str(error)) from None

    async def _told(self, number: int, which: int) -> tuple[Announcement, list[Line]]:
        try:
            return await self.ground.read(lambda: self.ground.store.causes.announcement(number, which))
        except NoSuchCause as error:
            raise Problem(404, str(error)) from None

    async def _show(
        self,
        request: Request,
        cause: Cause,
        *,
        given: dict[str, str] | None = None,
        problem: str | None = None,
        not_joined: Sequence[NotJoined] = (),
        done: str | None = None,
        status: int = 200,
    ) -> Response:
        visitor, policy, store = visitor_of(request), await self.ground.looking.policy(), self.ground.store.causes
        members = await self.ground.read(lambda: store.members(cause.number, MOST))
        suggested = await self.ground.read(lambda: store.suggested(cause, SUGGESTED_AT_MOST))
        values = {
            "here": "causes",
            "refresh": f"/console/causes/{cause.number}",
            "cause": await self._cause(cause.number),
            "members": discreet(visitor, policy, members),
            "suggested": discreet(visitor, policy, suggested),
            "announcements": await self.ground.read(lambda: store.announcements(cause.number)),
            "given": given or {},
            "problem": problem,
            "not_joined": not_joined,
            "done": done,
            "once": str(uuid.uuid4()),
            "most": MOST,
        }
        return await self.ground.page(request, "cause.html", visitor, values, status=status)

    async def _announcement(
        self, request: Request, number: int, which: int, *, problem: str | None = None, done: str | None = None, status: int = 200
    ) -> Response:
        visitor, cause = visitor_of(request), await self._cause(number)
        announcement, lines = await self._told(number, which)
        shown = await self.sharing.shown(announcement, lines)
        values: dict[str, Any] = {
            "here": "causes",
            "refresh": f"/console/causes/{number}/announcements/{which}",
            "cause": cause,
            "told": announcement,
            "said": [one for one in shown if one.held is None],
            "held": [one for one in shown if one.held is not None],
            "why": why_held(announcement.why),
            "own": announcement.author.person == visitor.actor.person,
            "problem": problem,
            "done": done,
        }
        return await self.ground.page(request, "announcement.html", visitor, values, status=status)
