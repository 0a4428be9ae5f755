"""Deciding on drafts that wait for a second person, and writing one's own anew: read, edit, approve, reject. Never one's own."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response
from temporalio.service import RPCError

from adapters.links import BadLink
from api.access.rules import Needs
from api.access.visitor import Visitor
from api.acting import Draft, as_it_goes_out
from api.approving import NOT_EDITABLE, ONLY_ITS_AUTHORS, has_body, written
from api.console.acts import AWAY, CONFLICT, INCOMPLETE, PATIENCE, SLOW, Acts, Short, Step, Text, Ticket, given_of, holder, once_of
from api.console.casepage import Panel
from api.letting import refused
from api.looking import since
from api.saying import moment
from domain import commands as c
from domain.case import HeldDraft
from domain.casefile import CaseFile
from domain.decide_approval import NOT_WAITING
from domain.errors import LoopkeeperError
from domain.rights import Right
from domain.sentences import say
from domain.values import Drafted

_SAYING: dict[Drafted, str] = {"ask": "ask", "update": "update", "resolve": "resolve", "take_private": "private"}
READ_IT_FIRST = say("A private message goes with this draft. Read it first: that is put on record.")
_Step = Annotated[int, Form()]


@dataclass(frozen=True)
class Deciding(Acts):
    """The forms' addresses."""

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False, dependencies=[Depends(Needs(Right.ACT))])
        for name in ("draft", "redraft", "approve", "reject"):
            router.add_api_route(f"/console/cases/{{case_id}}/{name}", getattr(self, name), methods=["POST"])
        return router

    async def draft(self, request: Request, case_id: str, step: _Step, body: Text = "", once: Short = "") -> Response:
        """Open a draft: its author writes it anew; another one edits it, or reads the private message that goes with it."""
        visitor, file = await self._in(request, case_id)
        draft = file.case.draft(step)
        if draft is not None and draft.author == visitor.actor.person:
            return await self._anew(request, visitor, file, draft)
        problem = await self._may_not(visitor, file, step)
        if problem is not None or draft is None:
            return await self._shut(request, visitor, file, problem)
        if draft.private is not None:
            return await self._read(request, visitor, file, draft, once_of(once))
        news = since(file, draft.turn) if file.case.turn > draft.turn else ()
        panel = Panel("draft", given_of(body or written(file, draft.words)), edits=draft, around=has_body(file, draft), news=news)
        return await self.shown.render(request, visitor, file, panel)

    async def redraft(self, request: Request, case_id: str, step: _Step, body: Text = "") -> Response:
        """Exactly what would go out in the other words."""
        visitor, file = await self._in(request, case_id)
        problem = await self._may_not(visitor, file, step)
        draft = file.case.draft(step)
        if problem is not None or draft is None:
            return await self._shut(request, visitor, file, problem)

        async def again(why: str) -> Response:
            panel = Panel("draft", given_of(body), why, edits=draft, around=has_body(file, draft))
            return await self.shown.render(request, visitor, file, panel, status=INCOMPLETE)

        if draft.private is not None:
            return await self._shut(request, visitor, file, ONLY_ITS_AUTHORS)
        if not body.strip():
            return await again(say("Write something first."))
        try:
            edited = await self.ground.acting.draft_of_edit(case_id, step, body)
        except (*NOT_EDITABLE, LoopkeeperError) as error:
            return await again(str(error))
        kept = await self.ground.acting.keep_draft(case_id, edited)
        promise = edited.promise.isoformat() if edited.promise is not None else None
        return await self._confirm(request, visitor, file, draft, edited, {"words": kept.words, "promise": promise}, body=body)

    async def approve(
        self,
        request: Request,
        case_id: str,
        step: Step = None,
        seen: Step = None,
        once: Short = "",
        ticket: Ticket = "",
        body: Text = "",
    ) -> Response:
        """Have a draft go out: as it stood on the page, or, by a ticket, exactly as it was shown in other words or with its whisper."""
        visitor, file = await self._in(request, case_id)
        if not ticket:
            return await self._as_it_stands(request, visitor, file, step, seen, once)
        try:
            carried = self.ground.links.read_ticket(holder(f"draft {case_id}", visitor), ticket)
        except BadLink as error:
            return await self._shut(request, visitor, file, str(error))
        words, promise, turn = carried.get("words"), moment(carried.get("promise")), int(carried["turn"])
        wanted = c.Approve(f"console:{carried['once']}:{turn}", visitor.actor, int(carried["step"]), words, promise, turn)

        async def anew(why: c.Refusal) -> Response | None:
            now = await self.ground.file(visitor, case_id)
            draft = now.case.draft(wanted.step)
            if why.code != "stale" or draft is None:
                return None
            exactly = as_it_goes_out(now, now.text_of(words or draft.words), promise or draft.promise)
            return await self._confirm(request, visitor, now, draft, exactly, carried, body=body, news=since(now, turn))

        panel = Panel("draft", {"body": body})
        problem = await self._may_not(visitor, file, wanted.step)
        if problem is not None and not any(entry.cause == wanted.id for _, entry in file.history):
            return await self._shut(request, visitor, file, problem)
        return await self._carry_out(request, visitor, case_id, wanted, panel, "approved", anew=anew)

    async def reject(self, request: Request, case_id: str, step: _Step, body: Text = "", once: Short = "") -> Response:
        """Do not have a draft go out, for a reason that its author reads."""
        visitor, file = await self._in(request, case_id)
        refusal = await refused(self.ground.acting, self.ground.looking, visitor.colleague, file, c.Reject)
        problem = refusal.reason if refusal is not None else None if body.strip() else say("Write a reason first: its author reads it.")
        if problem is not None:
            status = CONFLICT if refusal is not None else INCOMPLETE
            return await self.shown.render(request, visitor, file, Panel("draft", {}, problem), status=status)
        words = await self.ground.acting.keep(case_id, body.strip())
        return await self._let(request, visitor, file, c.Reject(once_of(once), visitor.actor, step, words), Panel("draft"), "rejected")

    # --- together -----------------------------------------------------------------------------------------------------

    async def _as_it_stands(
        self, request: Request, visitor: Visitor, file: CaseFile, step: int | None, seen: int | None, once: str
    ) -> Response:
        if step is None or seen is None:
            return await self._shut(request, visitor, file, say("Open the case again, and decide there."))
        draft = file.case.draft(step)
        if draft is not None and draft.private is not None:
            return await self._shut(request, visitor, file, READ_IT_FIRST)
        return await self._let(request, visitor, file, c.Approve(once_of(once), visitor.actor, step, seen=seen), Panel("draft"), "approved")

    async def _may_not(self, visitor: Visitor, file: CaseFile, step: int) -> str | None:
        """Why this visitor may not decide on that draft, whatever has happened since; None when they may."""
        tried = c.Approve("", visitor.actor, step, "…", seen=file.case.turn)  # in other words: a promise that is over is made anew
        refusal = await refused(self.ground.acting, self.ground.looking, visitor.colleague, file, c.Approve, lambda _by: tried)
        return refusal.reason if refusal is not None else None

    async def _anew(self, request: Request, visitor: Visitor, file: CaseFile, draft: HeldDraft) -> Response:
        """The form in which the draft was written, with its words."""

        def own() -> str:
            return self.ground.store.reader.text(file.case_id, draft.private or draft.words, body=True)

        cause_words = file.text_of(draft.cause_words) if draft.cause_words is not None else ""
        given = given_of(await self.ground.read(own), draft.root_cause or "", cause_words, draft.step)
        return await self.shown.render(request, visitor, file, Panel(_SAYING[draft.what], given))

    async def _read(self, request: Request, visitor: Visitor, file: CaseFile, draft: HeldDraft, once: str) -> Response:
        """The private message, and its public line, for whoever decides; that they read it is on record before they do."""
        if not visitor.may(Right.READ_PRIVATE):
            return await self._shut(request, visitor, file, say("Private words are for the social team and leads."))
        try:
            answer = await self.ground.acting.act(file.case_id, c.ReadPrivate(once, visitor.actor), wait=PATIENCE)
        except RPCError:
            return await self._shut(request, visitor, file, SLOW, status=AWAY)
        if answer.refusal is not None:
            return await self._shut(request, visitor, file, answer.refusal.reason)
        now = await self.ground.file(visitor, file.case_id)
        still = now.case.draft(draft.step)
        if still is None:
            return await self._shut(request, visitor, now, None)
        news = since(now, still.turn) if now.case.turn > still.turn else ()
        return await self._confirm(
            request, visitor, now, still, as_it_goes_out(now, now.text_of(still.words), still.promise), {}, news=news
        )

    async def _confirm(
        self,
        request: Request,
        visitor: Visitor,
        file: CaseFile,
        draft: HeldDraft,
        exactly: Draft,
        carried: dict[str, Any],
        *,
        body: str = "",
        news: Sequence[Any] = (),
    ) -> Response:
        """Exactly what goes out when it is approved, with what has happened since it was written."""
        if draft.private is not None:
            exactly = replace(exactly, private=await self.ground.looking.text(file.case_id, draft.private))
        told = {**carried, "step": draft.step, "turn": file.case.turn, "once": carried.get("once") or str(uuid.uuid4())}
        ticket = self.ground.links.ticket(holder(f"draft {file.case_id}", visitor), told)
        if not news and file.case.turn > draft.turn:
            news = since(file, draft.turn)
        before = file.text_of(draft.words) if carried.get("words") else None
        panel = Panel("draft", given_of(body), draft=exactly, ticket=ticket, news=news, edits=draft, before=before)
        return await self.shown.render(request, visitor, file, panel)

    async def _shut(self, request: Request, visitor: Visitor, file: CaseFile, problem: str | None, *, status: int = CONFLICT) -> Response:
        """Why it cannot be done; nothing is to be filled in."""
        panel = Panel("draft", {}, problem or NOT_WAITING.reason, is_shut=True)
        return await self.shown.render(request, visitor, file, panel, status=status)
