"""The page behind the link in a handoff e-mail: a department without Slack accepts, updates and resolves. Opening it changes nothing."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.routing import APIRoute
from starlette.responses import Response
from temporalio.service import RPCError

from adapters.links import BadLink, Links
from adapters.postgres.reading import NoSuchCase
from api.access.rules import Proven
from api.acting import Acting
from api.approving import waits
from api.pages import page, same_site
from domain import commands as c
from domain.approving import why_held
from domain.casefile import CaseFile
from domain.errors import SaidAlready, ShowsPersonalData, TooLong
from domain.sentences import say
from domain.story import story
from domain.values import Actor, Role, Via

Text = Annotated[str, Form(max_length=8000)]
Name = Annotated[str, Form(max_length=60)]


class _DeskRoute(APIRoute):
    """A page for people: a link that does not work is answered with a page that says so, wherever that is noticed."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, guarded."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await handle(request)
            except (BadLink, NoSuchCase) as error:
                return page(request, "desk_gone.html", {"reason": str(error)}, status=410)

        return guarded


@dataclass(frozen=True)
class DeskPages:
    """What the pages need."""

    acting: Acting
    links: Links

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False, route_class=_DeskRoute, dependencies=[Depends(Proven("the link itself"))])
        router.add_api_route("/desk/{token}", self.show, methods=["GET"])
        router.add_api_route("/desk/{token}/accept", self.accept, methods=["POST"])
        router.add_api_route("/desk/{token}/preview", self.preview, methods=["POST"])
        router.add_api_route("/desk/{token}/post", self.post, methods=["POST"])
        return router

    async def show(self, request: Request, token: str) -> Response:
        """The case, and what can be done."""
        return await self._page(request, token)

    async def accept(self, request: Request, token: str, name: Name) -> Response:
        """Take the case."""
        same_site(request)
        actor, case_id = await self._who(token, name)
        if actor is None:
            return await self._page(
                request, token, problem=say("Please give your first name, so that your colleagues know who has it."), status=422
            )
        command = c.Accept(f"mail:{uuid.uuid4()}", actor)
        return await self._done(request, token, case_id, command, say("You have this case now."), name)

    async def preview(
        self, request: Request, token: str, name: Name, saying: Annotated[str, Form()], body: Text, cause: Annotated[str, Form()] = ""
    ) -> Response:
        """Exactly what the customer will read."""
        same_site(request)
        actor, case_id = await self._who(token, name)
        if saying not in ("update", "resolve") or actor is None or not body.strip():
            return await self._page(
                request, token, problem=say("Please give your first name and write something first."), status=422, body=body, saying=saying
            )
        try:
            draft = await self.acting.draft(case_id, saying, body, actor)  # type: ignore[arg-type]  # checked above
        except (TooLong, SaidAlready, ShowsPersonalData) as error:
            return await self._page(request, token, problem=str(error), status=422, body=body, saying=saying, name=name)
        words = (await self.acting.keep_draft(case_id, draft)).words
        promise = draft.promise.isoformat() if draft.promise else None
        kept = {"id": f"mail:{uuid.uuid4()}", "saying": saying, "words": words, "promise": promise, "cause": cause, "name": name}
        values = {"draft": draft, "ticket": self.links.ticket(token, kept), "token": token, "saying": saying}
        return page(request, "desk_preview.html", values)

    async def post(self, request: Request, token: str, ticket: Annotated[str, Form()]) -> Response:
        """It was seen, and shall be posted. The same ticket acts once."""
        same_site(request)
        self.links.read(token)
        kept = self.links.read_ticket(token, ticket)
        actor, case_id = await self._who(token, kept["name"])
        assert actor is not None, "a ticket is made for a person with a name"
        command: c.Command
        if kept["saying"] == "update":
            promise = datetime.fromisoformat(kept["promise"]) if kept["promise"] else None
            command = c.Update(kept["id"], actor, kept["words"], promise)
            told = say("Your update is on its way to the customer.")
        else:
            command = c.Resolve(kept["id"], actor, kept["cause"], kept["words"])
            told = say("Resolved. The thank-you is on its way to the customer.")
        return await self._done(request, token, case_id, command, told, kept["name"])

    async def _who(self, token: str, name: str) -> tuple[Actor | None, str]:
        """Who acts, by the link and the name that they give; None without a name."""
        case_id, department = self.links.read(token)
        called = " ".join("".join(c if c.isprintable() else " " for c in name).split())
        if not called:
            return None, case_id
        person = f"mail:{department}:{re.sub(r'[^a-z0-9]+', '-', called.lower()).strip('-') or 'someone'}"
        await self.acting.remember(person, called, called.split()[0])
        return Actor(person, Role.DEPARTMENT, Via.EMAIL), case_id

    async def _done(self, request: Request, token: str, case_id: str, command: c.Command, told: str, name: str) -> Response:
        try:
            answer = await self.acting.act(case_id, command)
        except RPCError:
            slow = say("Loopkeeper is slow to answer just now. Look at this page again in a minute before you repeat it.")
            return await self._page(request, token, problem=slow, status=503, name=name)
        if answer.refusal is not None:
            return await self._page(request, token, problem=answer.refusal.reason, status=409, name=name)
        file = await self.acting.file(case_id)
        held = waits(file, command.id)
        if held is not None and file.case.draft(held.step) is not None:
            told = say("It goes out when a second person has approved it: {why}.", why=why_held(held.why))
        elif held is not None:
            told = say("A second person has decided on it; what came of it stands below.")
        return await self._page(request, token, done=told, name=name)

    async def _page(
        self,
        request: Request,
        token: str,
        *,
        problem: str | None = None,
        done: str | None = None,
        status: int = 200,
        body: str = "",
        saying: str = "update",
        name: str = "",
    ) -> Response:
        case_id, department = self.links.read(token)
        file: CaseFile = await self.acting.file(case_id)
        values: dict[str, Any] = {
            "file": file,
            "case": file.case,
            "lines": story(file),
            "department": file.department_name(department),
            "here": file.case.department == department,
            "token": token,
            "problem": problem,
            "done": done,
            "bodies": {saying: body},
            "name": name or (file.name_of(file.case.owner) if (file.case.owner or "").startswith(f"mail:{department}:") else ""),
        }
        return page(request, "desk.html", values, status=status)
