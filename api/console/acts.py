"""Doing something to a case from its page. What speaks to the customer is shown exactly first; a refusal stands where one was."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response
from temporalio.service import RPCError

from adapters.links import BadLink
from adapters.slack.forms import Doing
from adapters.slack.modals import Saying
from api.access.rules import Needs
from api.access.visitor import Visitor
from api.acting import Draft, as_it_goes_out
from api.approving import waits
from api.console.casepage import CasePage, Panel
from api.console.ground import Ground, zone_of
from api.console.offers import BY_NAME, DOING, SAYINGS
from api.console.visiting import visitor_of
from api.doing import DOINGS, Filled, Incomplete, command
from api.letting import refused
from api.looking import since
from api.saying import (
    KINDS,
    LOOK_AGAIN,
    NOT_SAYABLE,
    PROMISE_IS_OVER,
    carried_of,
    command_of,
    kind_of,
    moment,
    once_more,
    resolved,
    speaks_for,
)
from domain import commands as c
from domain.casefile import CaseFile
from domain.conversation import unsettled
from domain.errors import LoopkeeperError
from domain.rights import Right
from domain.sentences import say
from domain.values import is_web_address

Text = Annotated[str, Form(max_length=8000)]
Ticket = Annotated[str, Form(max_length=8000)]
Short = Annotated[str, Form(max_length=200)]
Step = Annotated[int | None, Form()]
PATIENCE = timedelta(seconds=20)
SLOW = say("Loopkeeper is slow to answer just now, and nobody can tell yet whether this was done. Look at the story before you try again.")
NO_SUCH_DEED = say("There is nothing of that name to be done.")
CONFLICT, INCOMPLETE, AWAY = 409, 422, 503
_SPEAKS = c.Ask | c.Update | c.TakePrivate | c.Resolve
_ONCE = re.compile(r"[0-9a-fA-F-]{1,40}\Z")


@dataclass(frozen=True)
class Acts:
    """The forms' addresses."""

    ground: Ground
    shown: CasePage

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False, dependencies=[Depends(Needs(Right.ACT))])
        for name in ("write", "preview", "send", "stop", "do", "move", "removal", "settle", "private"):
            router.add_api_route(f"/console/cases/{{case_id}}/{name}", getattr(self, name), methods=["POST"])
        return router

    # --- speaking to the customer -------------------------------------------------------------------------------------

    async def write(
        self,
        request: Request,
        case_id: str,
        saying: Short,
        body: Text = "",
        cause: Short = "",
        cause_words: Text = "",
        replaces: Step = None,
    ) -> Response:
        """Back from the exact text to the words, which are still there."""
        visitor, file = await self._in(request, case_id)
        panel = Panel(_saying(saying), given_of(body, cause, cause_words, replaces))
        await self.ground.looking.begins_to_write(case_id, visitor.actor.person, panel.do)
        return await self.shown.render(request, visitor, file, panel)

    async def preview(
        self,
        request: Request,
        case_id: str,
        saying: Short,
        body: Text = "",
        cause: Short = "",
        cause_words: Text = "",
        replaces: Step = None,
    ) -> Response:
        """Exactly what the customer will read."""
        visitor, file = await self._in(request, case_id)
        what, given = _saying(saying), given_of(body, cause, cause_words, replaces)

        async def again(problem: str, status: int) -> Response:
            return await self.shown.render(request, visitor, file, Panel(what, given, problem), status=status)

        tried = resolved(file) if what == "resolve" else None
        refusal = await refused(self.ground.acting, self.ground.looking, visitor.colleague, file, KINDS[what], tried)
        if refusal is not None:
            return await again(refusal.reason, CONFLICT)
        with_words = what != "private" or file.writes_in_private
        if with_words and not body.strip():
            return await again(say("Write something first."), INCOMPLETE)
        if what == "resolve" and cause not in file.policy.root_causes:
            return await again(say("Choose the root cause first: it is what we learn from."), INCOMPLETE)
        await self.ground.looking.begins_to_write(case_id, visitor.actor.person, what)
        try:
            draft = await self._draft(file, what, body if with_words else None, visitor, replaces)
        except (*NOT_SAYABLE, LoopkeeperError) as error:
            return await again(str(error), INCOMPLETE)
        carried = await carried_of(self.ground.acting, file, draft)
        carried |= {"saying": what, "department": speaks_for(file, visitor.colleague), "cause": cause, "replaces": replaces}
        if what == "resolve" and cause_words.strip():
            carried["cause_words"] = await self.ground.acting.keep(case_id, cause_words.strip())
        return await self._review(request, visitor, file, carried, draft, given=given)

    async def send(self, request: Request, case_id: str, ticket: Ticket, body: Text = "", cause_words: Text = "") -> Response:
        """It was seen, and shall be sent. The same ticket acts once."""
        visitor, file = await self._in(request, case_id)
        try:
            carried = self.ground.links.read_ticket(holder(case_id, visitor), ticket)
        except BadLink as error:
            return await self.shown.render(request, visitor, file, Panel("update", {"body": body}, str(error)), status=CONFLICT)
        saying, given = str(carried["saying"]), given_of(body, str(carried.get("cause") or ""), cause_words, carried.get("replaces"))
        wanted = command_of(carried, f"console:{carried['once']}", visitor.colleague)
        refusal = await refused(self.ground.acting, self.ground.looking, visitor.colleague, file, kind_of(saying))
        if not any(entry.cause == wanted.id for _, entry in file.history):  # else it was pressed before, and is done
            if refusal is not None:
                return await self.shown.render(request, visitor, file, Panel(saying, given, refusal.reason), status=CONFLICT)
            if file.case.turn > int(carried["turn"]):
                return await self._look_again(request, visitor, file, carried, given)
            promise = moment(carried.get("promise"))
            if promise is not None and promise <= self.ground.looking.now():
                return await self.shown.render(request, visitor, file, Panel(saying, given, PROMISE_IS_OVER), status=CONFLICT)

        async def anew(why: c.Refusal) -> Response | None:
            if why.code not in LOOK_AGAIN:
                return None
            return await self._look_again(request, visitor, await self.ground.file(visitor, case_id), carried, given)

        answer = await self._carry_out(request, visitor, case_id, wanted, Panel(saying, given), saying, anew=anew)
        await self.ground.looking.stops_writing(case_id, visitor.actor.person)
        return answer

    async def stop(self, request: Request, case_id: str) -> Response:
        """Somebody thought better of it: nobody is writing any more."""
        visitor, _ = await self._in(request, case_id)
        await self.ground.looking.stops_writing(case_id, visitor.actor.person)
        return RedirectResponse(f"/console/cases/{case_id}", 303)

    async def move(
        self, request: Request, case_id: str, department: Short = "", body: Text = "", tell: Short = "", once: Short = ""
    ) -> Response:
        """Give the case to another department; the customer is told, when that is wanted, in exactly the words that are shown first."""
        visitor, file = await self._in(request, case_id)
        given = {"department": department, "body": body, "tell": tell}
        refusal = await refused(self.ground.acting, self.ground.looking, visitor.colleague, file, c.Reassign)
        problem = refusal.reason if refusal is not None else None
        if department not in file.case_policy.departments:
            problem = problem or say("Choose the department first.")
        if problem is not None:
            return await self.shown.render(request, visitor, file, Panel("move", given, problem), status=CONFLICT)
        words = await self.ground.acting.keep(case_id, body.strip()) if body.strip() else None
        if not tell:
            wanted = c.Reassign(once_of(once), visitor.actor, department, words)
            return await self._carry_out(request, visitor, case_id, wanted, Panel("move", given), "move")
        try:
            draft = await self.ground.acting.draft_of_move(case_id, department, visitor.actor)
        except LoopkeeperError as error:
            return await self.shown.render(request, visitor, file, Panel("move", given, str(error)), status=INCOMPLETE)
        carried = await carried_of(self.ground.acting, file, draft)
        carried |= {"saying": "move", "department": department, "reason": words}
        return await self._review(request, visitor, file, carried, draft, given=given)

    async def removal(self, request: Request, case_id: str, seen: Annotated[int, Form()]) -> Response:
        """Ask the customer to take personal data out of a public post; first, exactly in which words."""
        visitor, file = await self._in(request, case_id)
        refusal = await refused(self.ground.acting, self.ground.looking, visitor.colleague, file, KINDS["update"])
        if refusal is not None:
            return await self.shown.render(request, visitor, file, Panel("update", {}, refusal.reason), status=CONFLICT)
        try:
            draft = await self.ground.acting.draft_removal(case_id, seen, visitor.actor)
        except LoopkeeperError as error:
            return await self.shown.render(request, visitor, file, Panel("update", {}, str(error)), status=CONFLICT)
        carried = {**await carried_of(self.ground.acting, file, draft), "saying": "update"}
        return await self._review(request, visitor, file, carried, draft)

    # --- everything else ----------------------------------------------------------------------------------------------

    async def do(
        self,
        request: Request,
        case_id: str,
        do: Short,
        once: Short = "",
        body: Text = "",
        choice: Short = "",
        until: Short = "",
        zone: Short = "",
    ) -> Response:
        """Everything that needs no exact text."""
        visitor, file = await self._in(request, case_id)
        given = {"body": body, "choice": choice, "until": until}
        if do == "accept":
            return await self._let(request, visitor, file, c.Accept(once_of(once), visitor.actor), Panel("accept"))
        if do not in DOING:
            return await self.shown.render(request, visitor, file, Panel("note", given, NO_SUCH_DEED), status=INCOMPLETE)
        refusal = await refused(self.ground.acting, self.ground.looking, visitor.colleague, file, DOINGS[cast("Doing", do)])
        if refusal is not None:
            return await self.shown.render(request, visitor, file, Panel(do, given, refusal.reason), status=CONFLICT)
        try:
            filled = Filled(body.strip() or None, choice or None, _until(until, zone, zone_of(file.policy, file.case.brand)))
            wanted = await command(self.ground.acting, case_id, cast("Doing", do), visitor.actor, once_of(once), filled)
        except Incomplete as error:
            return await self.shown.render(request, visitor, file, Panel(do, given, str(error)), status=INCOMPLETE)
        return await self._carry_out(request, visitor, case_id, wanted, Panel(do, given), do)

    async def settle(
        self, request: Request, case_id: str, step: Annotated[int, Form()], posted: Short, permalink: Text = "", once: Short = ""
    ) -> Response:
        """What became of a reply of which nobody is sure; that a person has said it; or a refused one shall be posted again."""
        visitor, file = await self._in(request, case_id)
        there, link = posted in ("yes", "said"), permalink.strip()
        if posted == "said" and any(one.step == step and one.state == "by_hand" for one in unsettled(file)):
            link = f"{self.ground.links.base_url}/console/cases/{file.case_id}"  # it stands on no network: the case is the record of it
        if there and not is_web_address(link):
            problem = say("Give the link of the reply, beginning with https://, so that the record shows where it is.")
            return await self.shown.render(request, visitor, file, Panel("settle", {}, problem), status=INCOMPLETE)
        wanted = c.SettleReply(once_of(once), visitor.actor, step, there, link if there else None)
        return await self._let(request, visitor, file, wanted, Panel("settle"), "settled" if there else "again")

    async def private(self, request: Request, case_id: str, once: Short = "") -> Response:
        """Read what was written in private: its owner, the social team and leads; that they did is on record first."""
        visitor, file = await self._in(request, case_id)
        if not visitor.may(Right.READ_PRIVATE) and visitor.actor.person != file.case.owner:
            problem = say("Private words are for the owner of the case, the social team and leads. Accept the case first.")
            return await self.shown.render(request, visitor, file, Panel("private_words", {}, problem), status=403)
        panel = Panel("private_words")
        try:
            answer = await self.ground.acting.act(case_id, c.ReadPrivate(once_of(once), visitor.actor), wait=PATIENCE)
        except RPCError:
            return await self.shown.render(request, visitor, file, Panel(panel.do, {}, SLOW), status=AWAY)
        if answer.refusal is not None:
            return await self.shown.render(request, visitor, file, Panel(panel.do, {}, answer.refusal.reason), status=CONFLICT)
        said = await self.ground.acting.private_words(case_id)
        file = await self.ground.file(visitor, case_id)
        return await self.shown.render(request, visitor, file, Panel(panel.do, private_words=said))

    # --- together -----------------------------------------------------------------------------------------------------

    async def _in(self, request: Request, case_id: str) -> tuple[Visitor, CaseFile]:
        visitor = visitor_of(request)
        return visitor, await self.ground.file(visitor, case_id)

    async def _draft(self, file: CaseFile, saying: Saying, body: str | None, visitor: Visitor, replaces: int | None) -> Draft:
        if saying == "private":
            return await self.ground.acting.draft_of_private(file.case_id, body, visitor.actor, replaces)
        return await self.ground.acting.draft(file.case_id, saying, body or "", visitor.actor, replaces)

    async def _review(
        self,
        request: Request,
        visitor: Visitor,
        file: CaseFile,
        carried: dict[str, Any],
        draft: Draft,
        *,
        given: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Response:
        carried.setdefault("once", str(uuid.uuid4()))
        ticket = self.ground.links.ticket(holder(file.case_id, visitor), carried)
        note = more.pop("note", None) or draft.note
        panel = Panel(str(carried["saying"]), given or {}, draft=draft, ticket=ticket, note=note, **more)
        return await self.shown.render(request, visitor, file, panel, status=CONFLICT if panel.news else 200)

    async def _look_again(
        self, request: Request, visitor: Visitor, file: CaseFile, carried: dict[str, Any], given: Mapping[str, str]
    ) -> Response:
        """The exact text anew, with what has happened since: the words may not fit any more."""
        news = since(file, int(carried["turn"]))
        again, note = once_more(file, carried)
        draft = as_it_goes_out(file, file.text_of(again["words"]), moment(again.get("promise")))
        if again.get("private"):
            private = await self.ground.looking.text(file.case_id, again["private"])
            draft = Draft(draft.text, draft.parts, draft.length, draft.limit, draft.network, draft.promise, draft.turn, private=private)
        return await self._review(request, visitor, file, again, draft, given=given, news=news, note=note)

    async def _let(
        self, request: Request, visitor: Visitor, file: CaseFile, wanted: c.Command, panel: Panel, did: str | None = None
    ) -> Response:
        refusal = await refused(self.ground.acting, self.ground.looking, visitor.colleague, file, type(wanted), lambda _by: wanted)
        done_before = any(entry.cause == wanted.id for _, entry in file.history)
        if refusal is not None and not done_before:
            panel = Panel(panel.do, panel.given, refusal.reason)
            return await self.shown.render(request, visitor, file, panel, status=CONFLICT)
        return await self._carry_out(request, visitor, file.case_id, wanted, panel, did or panel.do)

    async def _carry_out(
        self, request: Request, visitor: Visitor, case_id: str, wanted: c.Command, panel: Panel, did: str, *, anew: Any = None
    ) -> Response:
        """Have it done, and show the case as it is then; or why it was not done, with everything that was filled in."""
        try:
            answer = await self.ground.acting.act(case_id, wanted, wait=PATIENCE)
        except RPCError:
            file = await self.ground.file(visitor, case_id)
            return await self.shown.render(request, visitor, file, Panel(panel.do, panel.given, SLOW), status=AWAY)
        if answer.refusal is None:
            self.ground.lately.forget()  # whoever acts sees it at once
            if isinstance(wanted, _SPEAKS) and waits(await self.ground.file(visitor, case_id), wanted.id):
                did = "held"
            return RedirectResponse(f"/console/cases/{case_id}?did={did}", 303)
        instead: Response | None = await anew(answer.refusal) if anew is not None else None
        if instead is not None:
            return instead
        file = await self.ground.file(visitor, case_id)
        return await self.shown.render(request, visitor, file, Panel(panel.do, panel.given, answer.refusal.reason), status=CONFLICT)


def _saying(given: str) -> Saying:
    return given if given in SAYINGS else "update"


def given_of(body: str, cause: str = "", cause_words: str = "", replaces: int | None = None) -> dict[str, str]:
    """What was filled in, as a form shows it again. `replaces`: the step of the draft that is written anew."""
    return {"body": body, "cause": cause, "cause_words": cause_words, "replaces": "" if replaces is None else str(replaces)}


def holder(case_id: str, visitor: Visitor) -> str:
    """For whom a ticket is: nobody else can send with it."""
    return f"console {case_id} {visitor.actor.person}"


def once_of(given: str) -> str:
    """The command's id: that of the form, so that a second press is the same command."""
    return f"console:{given if _ONCE.match(given) else uuid.uuid4()}"


def _until(given: str, zone: str, otherwise: ZoneInfo) -> datetime | None:
    """The moment that was chosen, in the reader's zone (which the module tells), else in the brand's."""
    if not given:
        return None
    try:
        there = ZoneInfo(zone) if re.fullmatch(r"[A-Za-z0-9_+/-]{1,60}", zone) else otherwise
        return datetime.fromisoformat(given).replace(tzinfo=there).astimezone(UTC)
    except (ZoneInfoNotFoundError, ValueError, OverflowError):
        raise Incomplete(say("Until when? Choose a moment.")) from None


assert set(BY_NAME) == {*SAYINGS, *DOING, "accept", "move", "policy"}, "everything that is offered has its form"
