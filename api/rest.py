"""The REST API, version 1."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import Response
from temporalio.service import RPCError

from adapters.postgres.book import NoPolicy
from adapters.postgres.intake import Arrival
from adapters.postgres.reading import NoSuchCase
from api.access import rules
from api.access.rules import Needs, Reading
from api.access.visitor import Visitor
from api.acting import Acting, Draft, as_it_goes_out
from api.approving import NotWaiting, OnlyItsAuthors, waiting, waits
from api.conditional import NOT_MODIFIED, unchanged
from api.guarding import case_tag, version_of
from api.intake import GroupCommit
from api.looking import since_event
from api.once import IdempotencyKey, Once
from api.problems import Problem, described
from api.reading import ON_RECORD
from api.rest_models import CaseIn, CaseOut, CommandIn, CommandOut, HeldOut, Opened, PrivateOut, case_out, draft_out, held_out
from domain import commands as c
from domain.casefile import CaseFile
from domain.decide_approval import NOT_WAITING
from domain.errors import LoopkeeperError, NotPromised, SaidAlready, WaitsAlready
from domain.inbound import PostCreated
from domain.moving import misfit
from domain.ports import PolicyBook, Unavailable
from domain.rights import Right, may_not, may_see
from domain.values import NOWHERE, Actor, Priority, case_id

_KINDS: dict[str, type[c.Command]] = {
    str(next(field.default for field in fields(each) if field.name == "kind")): each for each in get_args(c.Command)
}
_CODES: dict[type[LoopkeeperError], str] = {
    SaidAlready: "said_already",
    WaitsAlready: "waits_already",
    NotWaiting: NOT_WAITING.code,
    NotPromised: "promise_is_over",
}
_DRAFTED = ("ask", "update", "resolve", "take_private", "approve")
"""What is said to the customer around the given text."""


@dataclass(frozen=True, slots=True)
class _Words:
    """The references of what a command says. In a dry run, nothing is kept, and they refer to nothing."""

    text: str | None = None
    public: str | None = None
    alone: str | None = None
    cause: str | None = None


class Rest:
    """The routes."""

    def __init__(
        self,
        acting: Acting,
        commits: GroupCommit,
        book: PolicyBook,
        had_by: Callable[[str], Awaitable[frozenset[str]]],
        noted: Callable[[str, Actor], Awaitable[None]],
        once: Once,
    ) -> None:
        self._acting = acting
        self._commits = commits
        self._book = book
        self._had_by = had_by
        self._noted = noted
        self._once = once

    def routes(self) -> APIRouter:
        """The addresses under /api/v1."""
        router = APIRouter(prefix="/api/v1", tags=["cases"])

        @router.post(
            "/cases",
            status_code=202,
            response_model=Opened,
            responses=described(401, 403, 409, 422, 429, 503),
            summary="Open a case by hand",
        )
        async def open_case(
            case: CaseIn, visitor: Annotated[Visitor, Depends(Needs(Right.OPEN_CASES))], idempotency_key: IdempotencyKey = None
        ) -> Opened:
            named = f"{visitor.actor.person} {idempotency_key}" if idempotency_key is not None else None
            return await self._once.run(
                visitor, idempotency_key, "POST /cases", case, lambda: self._open(case, named), repeatable=True, kept=Opened
            )

        @router.get(
            "/cases/{case_id}",
            response_model=CaseOut,
            responses={**NOT_MODIFIED, **described(401, 403, 404, 422, 429, 503)},
            summary="A case as it stands",
            description="Its `ETag` is the case's version: send it as `If-Match` with a command that shall hold for just this state.",
        )
        async def read_case(case_id: str, request: Request, response: Response, visitor: Reading) -> Any:
            if "if-none-match" in request.headers:
                stands = await self._acting.stands(case_id)
                if stands is not None and may_see(visitor.colleague, stands[1], await self._had_by(case_id)):
                    as_before = unchanged(request, case_tag(stands[0]))
                    if as_before is not None:
                        return as_before
            file = await self._file(case_id, visitor)
            if visitor.actor.role in ON_RECORD:  # before they have it, as on the console's page
                await self._noted(case_id, visitor.actor)
            response.headers["etag"] = case_tag(file.case.events)
            return case_out(file)

        @router.post(
            "/cases/{case_id}/commands",
            response_model=CommandOut,
            responses=described(401, 403, 404, 409, 412, 422, 429, 503),
            summary="Do something to a case",
        )
        async def do(
            case_id: str,
            command: CommandIn,
            visitor: rules.Acting,
            idempotency_key: IdempotencyKey = None,
            if_match: Annotated[
                str | None,
                Header(max_length=200, examples=['"12.4fa9b1"'], description="The case's ETag: refused (412) when it has moved on."),
            ] = None,
        ) -> CommandOut:
            who = visitor.actor.person.removeprefix("key:")
            command_id = f"api:{who}:{idempotency_key or uuid.uuid4()}"
            tried = None if command.dry_run else idempotency_key
            return await self._once.run(
                visitor,
                tried,
                f"POST /cases/{case_id}/commands",
                command,
                lambda: self._do(case_id, command, visitor, command_id, if_match),
                repeatable=True,
            )

        return router

    async def _open(self, case: CaseIn, named: str | None) -> Opened:
        """`named`: what tells this opening from others, when it may come twice."""
        policy = self._book.active_for(case.brand)
        policy.brand(case.brand)
        channel = policy.channel(case.channel)
        if case.post_id is None and channel.kind != "hand":
            raise Problem(422, f"post_id: {channel.network} has posts, so say which one this is about")
        once = uuid.uuid4() if named is None else uuid.uuid5(uuid.NAMESPACE_URL, named)
        native = case.post_id or f"hand.{once.hex[:20]}"
        url = case.url or f"{NOWHERE}{case.channel}/{native}"
        author = {"id": case.customer.id, "name": case.customer.name, "handle": case.customer.handle}
        data = {"id": native, "url": url, "text": case.text, "posted_at": datetime.now(UTC), "author": author}
        event = PostCreated.model_validate({"type": "post.created", "brand": case.brand, "data": data})
        try:
            number = await self._commits.store(Arrival(case.channel, event.key, f"api:{native}", event.model_dump_json().encode()))
        except Unavailable:
            raise Problem(503, "not stored: the database cannot be reached; send it again", headers={"retry-after": "5"}) from None
        return Opened(case_id=case_id(case.brand, case.channel, native), duplicate=number is None)

    async def _file(self, case: str, visitor: Visitor) -> CaseFile:
        """A case that the visitor may read. Raises Problem: one of another department is not there for them."""
        try:
            file = await self._acting.file(case)
        except NoSuchCase as error:
            raise Problem(404, str(error)) from None
        if not may_see(visitor.colleague, file.case.department, await self._had_by(case)):
            raise Problem(404, f"there is no case '{case}'")
        return file

    async def _do(self, case: str, wanted: CommandIn, visitor: Visitor, command_id: str, if_match: str | None) -> CommandOut:
        file, actor = await self._file(case, visitor), visitor.actor
        if if_match is not None and not any(entry.cause == command_id for _, entry in file.history):  # else it was done before
            _as_seen(file, if_match)
        if wanted.do == "read_private" and not visitor.may(Right.READ_PRIVATE):
            raise Problem(403, "private words are for the roles social, lead and admin, and for keys that were not made without that right")
        refused = may_not(visitor.colleague, _KINDS[wanted.do], file.case, file.policy, await self._had_by(case))
        if refused is not None:
            raise Problem(403, refused.reason, code=refused.code)
        if wanted.do == "move_policy":
            await self._fits(file, _needed(wanted.policy, "policy"))
        draft = await self._draft(file, wanted, actor, command_id)
        command = _command(wanted, actor, command_id, draft, _unkept(wanted, draft))  # before anything is kept: all that is needed is there
        if wanted.dry_run:
            refusal = await self._acting.refusal(file, command)
            if refusal is not None:
                raise Problem(409, refusal.reason, code=refusal.code)
            return CommandOut(done=False, public=draft_out(draft) if draft else None, turn=file.case.turn)
        command = _command(wanted, actor, command_id, draft, await self._kept(case, wanted, draft))
        try:
            answer = await self._acting.act(case, command)
        except RPCError:
            detail = "no answer in time; it may still be carried out: send it again under the same Idempotency-Key"
            raise Problem(503, detail, headers={"retry-after": "2"}) from None
        if answer.refusal is not None:
            raise Problem(409, answer.refusal.reason, code=answer.refusal.code)
        if draft is not None:
            said = await self._acting.said(case, command_id)  # under a key that was used before: what was said then
            draft = draft if said is None else replace(said, private=draft.private)  # a case's file has no private words
        public, private = draft_out(draft) if draft else None, await self._read(case, wanted)
        held = await self._held(case, command) if draft is not None else None
        return CommandOut(done=True, status=answer.status, events=answer.version, public=public, private=private, held=held)

    async def _held(self, case: str, command: c.Command) -> HeldOut | None:
        """What waits for a second person by this command, while it does."""
        file = await self._acting.file(case)
        event = waits(file, command.id)
        draft = file.case.draft(event.step) if event is not None else None
        return held_out(file, draft) if draft is not None else None

    async def _read(self, case: str, wanted: CommandIn) -> list[PrivateOut] | None:
        """What was asked for and may be read: that it is read stands on record already."""
        if wanted.do != "read_private":
            return None
        return [PrivateOut(who=who, at=at, text=words) for who, at, words in await self._acting.private_words(case)]

    async def _fits(self, file: CaseFile, version: str) -> None:
        """Raises a Problem when the case cannot be held to that version of the policy."""
        try:
            policy = await self._acting.policy(version)
        except NoPolicy as error:
            raise Problem(422, f"policy: {error}") from None
        wrong = misfit(file.case, policy)
        if wrong is not None:
            raise Problem(409, wrong, code="does_not_fit")

    async def _draft(self, file: CaseFile, wanted: CommandIn, actor: Actor, command_id: str) -> Draft | None:
        """Exactly what the customer would read; None when the command says nothing to them."""
        case = file.case_id
        if wanted.department is not None and (wanted.do == "ask" or wanted.tell_customer):
            _known(file, wanted.department)
        try:
            match wanted.do:
                case "update" if wanted.removal is not None:
                    return await self._acting.draft_removal(case, wanted.removal, actor)
                case "ask" | "update" | "resolve":
                    return await self._acting.draft(case, wanted.do, _needed(wanted.text, "text"), actor, wanted.replaces, wanted.promise)
                case "take_private":
                    body = None if wanted.text is None else _needed(wanted.text, "text")
                    return await self._acting.draft_of_private(case, body, actor, wanted.replaces)
                case "approve":
                    return await self._draft_to_approve(file, wanted)
                case "reassign" if wanted.tell_customer:
                    return await self._acting.draft_of_move(case, _needed(wanted.department, "department"), actor, wanted.promise)
                case _:
                    return None
        except OnlyItsAuthors as error:
            raise Problem(409, str(error), code="only_its_authors") from None
        except (SaidAlready, NotWaiting, NotPromised) as error:
            said = None if wanted.dry_run else await self._acting.said(case, command_id)
            if said is None:
                raise Problem(409, str(error), code=_CODES[type(error)]) from None
            return said

    async def _draft_to_approve(self, file: CaseFile, wanted: CommandIn) -> Draft:
        """What would go out by an approval: the draft as it is, or around another text."""
        step = _step(wanted)
        if _said(wanted.text) is not None:
            return await self._acting.draft_of_edit(file.case_id, step, _needed(wanted.text, "text"), wanted.promise)
        draft = waiting(file, step)
        return as_it_goes_out(file, file.text_of(draft.words), draft.promise)

    async def _kept(self, case: str, wanted: CommandIn, draft: Draft | None) -> _Words:
        """The words of a command, kept."""
        keep, own, more = self._acting.keep, _said(wanted.text), _said(wanted.cause_text)
        text = None if own is None or wanted.do in _DRAFTED else await keep(case, own)
        cause = None if more is None or wanted.do != "resolve" else await keep(case, more)
        if draft is None or (wanted.do == "approve" and own is None):
            return _Words(text, cause=cause)
        kept = await self._acting.keep_draft(case, draft)
        return _Words(text or kept.private, kept.words, kept.alone, cause)


def _unkept(wanted: CommandIn, draft: Draft | None) -> _Words:
    """In the place of references while nothing is kept."""

    def stood(words: str | None) -> str | None:
        return None if _said(words) is None else "not kept"

    return _Words(
        stood(wanted.text),
        stood(draft.text) if draft else None,
        stood(draft.alone) if draft else None,
        stood(wanted.cause_text),
    )


def _command(wanted: CommandIn, actor: Actor, command_id: str, draft: Draft | None, words: _Words) -> c.Command:  # noqa: C901 - one line a command
    text = partial(_needed, words.text, "text")
    public = partial(_needed, words.public, "text")
    promise, instead = draft.promise if draft else None, wanted.replaces
    match wanted.do:
        case "accept":
            return c.Accept(command_id, actor)
        case "ask":
            joins = draft.joins if draft else None
            return c.Ask(command_id, actor, public(), wanted.department, joins, words.alone, wanted.seen, replaces=instead)
        case "update":
            return c.Update(command_id, actor, public(), promise, wanted.seen, replaces=instead)
        case "take_private":
            return c.TakePrivate(command_id, actor, public(), words.text, wanted.seen, replaces=instead)
        case "resolve":
            cause = _needed(wanted.root_cause, "root_cause")
            return c.Resolve(command_id, actor, cause, public(), words.cause, wanted.seen, replaces=instead)
        case "reassign":
            return c.Reassign(command_id, actor, _needed(wanted.department, "department"), words.text, words.public, promise)
        case "note":
            return c.Note(command_id, actor, text())
        case "set_priority":
            return c.SetPriority(command_id, actor, Priority(_needed(wanted.priority, "priority")))
        case "set_category":
            return c.SetCategory(command_id, actor, _needed(wanted.category, "category"))
        case "dismiss":
            if wanted.reason is None:
                raise Problem(422, "reason: is needed to dismiss a case")
            return c.Dismiss(command_id, actor, wanted.reason, words.text)
        case "read_private":
            return c.ReadPrivate(command_id, actor)
        case "walk_away":
            return c.WalkAway(command_id, actor, text())
        case "escalate_now":
            return c.EscalateNow(command_id, actor, words.text)
        case "snooze":
            if wanted.until is None:
                raise Problem(422, "until: is needed to snooze a case")
            return c.Snooze(command_id, actor, wanted.until, words.text)
        case "wait_on_third_party":
            return c.WaitOnThirdParty(command_id, actor, text(), wanted.until)
        case "resume":
            return c.Resume(command_id, actor)
        case "move_policy":
            return c.MovePolicy(command_id, actor, _needed(wanted.policy, "policy"))
        case "approve":
            edited = words.public if _said(wanted.text) is not None else None
            return c.Approve(command_id, actor, _step(wanted), edited, promise if edited is not None else None, wanted.seen)
        case "reject":
            return c.Reject(command_id, actor, _step(wanted), text())
        case "merge":
            return c.Merge(command_id, actor, _needed(wanted.into, "into"), words.text)
        case "join_shared_cause":
            if wanted.cause is None:
                raise Problem(422, "cause: is needed; /api/v1/causes names them")
            return c.JoinSharedCause(command_id, actor, wanted.cause)
        case "leave_shared_cause":
            return c.LeaveSharedCause(command_id, actor)
        case "reopen":
            return c.Reopen(command_id, actor)
        case "waive_thank_you":
            return c.WaiveThankYou(command_id, actor, text())
        case "settle_reply":
            if wanted.step is None or wanted.posted is None:
                raise Problem(422, "step, posted: are needed to settle a reply")
            return c.SettleReply(command_id, actor, wanted.step, wanted.posted, wanted.permalink)


def _said(words: str | None) -> str | None:
    """Words, unless there are none."""
    return words if words and words.strip() else None


def _needed(value: str | None, field: str) -> str:
    given = _said(value)
    if given is None:
        raise Problem(422, f"{field}: is needed for this command")
    return given


def _step(wanted: CommandIn) -> int:
    if wanted.step is None:
        raise Problem(422, "step: is needed; the case names the steps of its drafts")
    return wanted.step


def _as_seen(file: CaseFile, if_match: str) -> None:
    """Raises Problem (412) when the case is not as whoever sends a command has seen it: with what has happened since."""
    seen, now = version_of(if_match), file.case.events
    if seen is None or now in seen:
        return
    news = [line.text for line in since_event(file, max(seen, default=0))][-3:]
    told = f": {'; '.join(news)}" if news else ""
    raise Problem(
        412, f"the case has moved on from {max(seen, default=0)} to {now} events{told}. Read it again, and decide anew", code="moved_on"
    )


def _known(file: CaseFile, department: str) -> None:
    if department not in file.policy.departments:
        raise Problem(422, f"department: there is no department '{department}': {', '.join(file.policy.departments)}")
