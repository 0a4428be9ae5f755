"""The REST API, version 1."""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, field_validator
from temporalio.service import RPCError

from adapters.postgres.intake import Arrival
from adapters.postgres.people import ApiKey
from adapters.postgres.reading import NoSuchCase
from api.acting import Acting, Draft
from api.intake import GroupCommit
from api.problems import Problem, described
from domain import commands as c
from domain.casefile import CaseFile
from domain.errors import SaidAlready
from domain.history import document
from domain.inbound import Handle, NativeId, PostCreated
from domain.ports import PolicyBook, Unavailable
from domain.story import story
from domain.values import Actor, Priority, Role, Via, case_id

WRITERS = frozenset({Role.SOCIAL, Role.LEAD, Role.ADMIN, Role.DEPARTMENT})
_bearer = HTTPBearer(auto_error=False, description="An API key: loopkeeper key new NAME")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="after")
    @classmethod
    def _no_nul(cls, value: object) -> object:
        if isinstance(value, str) and "\0" in value:
            raise ValueError("contains a NUL character")
        return value


class CustomerIn(_Model):
    """Who complains."""

    id: str = Field(min_length=1, max_length=200, examples=["+44 20 7946 0000"], description="What tells them apart on that channel.")
    name: str | None = Field(None, max_length=200, examples=["Sam Okafor"])
    handle: str | None = Field(None, max_length=200, examples=["sam"])


class CaseIn(_Model):
    """A case opened by hand: a phone call, a letter, a post that no bridge told us of."""

    brand: Handle = Field(examples=["meridian"])
    channel: str = Field(max_length=40, examples=["phone"])
    text: str = Field(min_length=1, max_length=20_000, examples=["Called: third day without internet, nobody answers the hotline."])
    customer: CustomerIn
    post_id: NativeId | None = Field(None, examples=["1846"], description="The network's id of the post, when there is one.")
    url: str | None = Field(None, max_length=2000, pattern=r"^https?://[^\s<>\"]+$", examples=["https://network.example/sam/1846"])


class Opened(_Model):
    """The case is being opened; it can be read in a moment."""

    case_id: str = Field(examples=["meridian-phone-01a2b3"])
    duplicate: bool = Field(examples=[False], description="Whether a case for that post was there before.")


class ClockOut(_Model):
    """A running deadline; `due_at` is null while it stands still."""

    name: str = Field(examples=["accept"])
    started_at: datetime
    due_at: datetime | None
    breached: bool


class CaseOut(_Model):
    """A case as it stands."""

    case_id: str = Field(examples=["meridian-x-1846"])
    number: int = Field(examples=[42])
    status: str = Field(examples=["in_progress"])
    brand: str = Field(examples=["meridian"])
    channel: str = Field(examples=["x"])
    customer: str = Field(examples=["Sam Okafor (@sam)"])
    text: str = Field(examples=["Third day without internet. Nobody answers."])
    url: str | None = Field(examples=["https://network.example/sam/1846"])
    intent: str = Field(examples=["complaint"])
    category: str = Field(examples=["technical"])
    priority: str = Field(examples=["high"])
    department: str = Field(examples=["technical"])
    owner: str | None = Field(examples=["Ana Sousa"])
    policy: str = Field(examples=["default@9904397cd3"])
    opened_at: datetime | None
    promise: datetime | None = Field(description="The next word to the customer was promised for this moment.")
    closing_permalink: str | None = Field(examples=["https://network.example/meridian/1853"])
    waived_by: str | None
    clocks: list[ClockOut]
    events: int = Field(examples=[12])


class EventOut(_Model):
    """One event of a case's history, as it was recorded and hashed, and as people read it."""

    seq: int = Field(examples=[5])
    at: datetime
    kind: str = Field(examples=["accepted"])
    by: str = Field(examples=["Ana Sousa"])
    via: str = Field(examples=["slack"])
    cause: str = Field(examples=["slack:1337.42.abc"])
    data: dict[str, Any] = Field(examples=[{"owner": "slack:U0ANA00001"}])
    told: str | None = Field(examples=["Ana Sousa has this case"])
    words: str | None = Field(examples=[None], description="What somebody wrote, when the event has words; null when erased.")


class HistoryOut(_Model):
    """A case's history."""

    case_id: str = Field(examples=["meridian-x-1846"])
    verified: bool = Field(examples=[True], description="Whether the hash chain holds.")
    events: list[EventOut]


class CommandIn(_Model):
    """Something to be done to a case. Which of the other fields are needed depends on `do`."""

    do: Literal[
        "accept", "ask", "update", "resolve", "reassign", "note", "set_priority", "set_category", "dismiss", "reopen", "waive_thank_you",
        "settle_reply",
    ] = Field(examples=["resolve"])  # fmt: skip
    text: str | None = Field(None, max_length=8000, examples=["We have replaced the card in your cabinet; you are online again."])
    root_cause: str | None = Field(None, examples=["outage"])
    department: str | None = None
    priority: Priority | None = None
    category: str | None = None
    reason: Literal["spam", "nothing_to_answer", "duplicate"] | None = None
    step: int | None = None
    posted: bool | None = None
    permalink: str | None = Field(None, max_length=2000, pattern=r"^https?://[^\s<>\"]+$")
    dry_run: bool = Field(False, description="For ask, update and resolve: only show the exact public text.")


class DraftOut(_Model):
    """Exactly what is posted, in the parts in which it goes out."""

    text: str = Field(examples=["Hi Sam,\nYou are online again.\nThank you for telling us, and for your patience.\n– Ana"])
    parts: list[str]
    length: int = Field(examples=[87])
    limit: int = Field(examples=[280])


class CommandOut(_Model):
    """It is done, or (dry run) would be done so."""

    done: bool
    status: str | None = Field(None, examples=["resolved"])
    events: int | None = Field(None, examples=[14])
    public: DraftOut | None = Field(None, description="The public reply, if there is one.")


class Rest:
    """The routes."""

    def __init__(
        self,
        acting: Acting,
        commits: GroupCommit,
        book: PolicyBook,
        key_of: Callable[[str], Awaitable[ApiKey | None]],
        verify: Callable[[str], Awaitable[str | None]],
    ) -> None:
        self._acting = acting
        self._commits = commits
        self._book = book
        self._key_of = key_of
        self._verify = verify

    def routes(self) -> APIRouter:
        """The addresses under /api/v1."""

        async def key(given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> ApiKey:
            found = await self._key_of(given.credentials) if given is not None else None
            if found is None:
                raise Problem(401, "send a valid API key: Authorization: Bearer lk_…", headers={"www-authenticate": "Bearer"})
            return found

        a_key = Depends(key)
        router = APIRouter(prefix="/api/v1", tags=["cases"])

        @router.post(
            "/cases", status_code=202, response_model=Opened, responses=described(401, 403, 422, 503), summary="Open a case by hand"
        )
        async def open_case(case: CaseIn, by: ApiKey = a_key) -> Opened:
            _may_write(by)
            return await self._open(case)

        @router.get("/cases/{case_id}", response_model=CaseOut, responses=described(401, 404, 422, 503), summary="A case as it stands")
        async def read_case(case_id: str, _by: ApiKey = a_key) -> CaseOut:
            return _case_out(await self._file(case_id))

        @router.get(
            "/cases/{case_id}/history",
            response_model=HistoryOut,
            responses=described(401, 404, 422, 503),
            summary="Everything that happened to a case",
        )
        async def read_history(case_id: str, _by: ApiKey = a_key) -> HistoryOut:
            file = await self._file(case_id)
            return HistoryOut(case_id=case_id, verified=await self._verify(case_id) is None, events=_events_out(file))

        @router.post(
            "/cases/{case_id}/commands",
            response_model=CommandOut,
            responses=described(401, 403, 404, 409, 422, 503),
            summary="Do something to a case",
        )
        async def do(
            case_id: str,
            command: CommandIn,
            by: ApiKey = a_key,
            idempotency_key: Annotated[
                str | None, Header(max_length=200, description="The same command under the same key is carried out once.")
            ] = None,
        ) -> CommandOut:
            _may_write(by)
            actor = Actor(f"key:{by.id}", by.role, Via.API)
            return await self._do(case_id, command, actor, f"api:{by.id}:{idempotency_key or uuid.uuid4()}")

        return router

    async def _open(self, case: CaseIn) -> Opened:
        policy = self._book.active()
        policy.brand(case.brand)
        channel = policy.channel(case.channel)
        if case.post_id is None and channel.kind != "hand":
            raise Problem(422, f"post_id: {channel.network} has posts, so say which one this is about")
        native = case.post_id or f"hand.{uuid.uuid4().hex[:20]}"
        url = case.url or f"https://loopkeeper.invalid/{case.channel}/{native}"
        author = {"id": case.customer.id, "name": case.customer.name, "handle": case.customer.handle}
        data = {"id": native, "url": url, "text": case.text, "posted_at": datetime.now(UTC), "author": author}
        event = PostCreated.model_validate({"type": "post.created", "brand": case.brand, "data": data})
        try:
            number = await self._commits.store(Arrival(case.channel, event.key, f"api:{native}", event.model_dump_json().encode()))
        except Unavailable:
            raise Problem(503, "not stored: the database cannot be reached; send it again", headers={"retry-after": "5"}) from None
        return Opened(case_id=case_id(case.brand, case.channel, native), duplicate=number is None)

    async def _file(self, case: str) -> CaseFile:
        try:
            return await self._acting.file(case)
        except NoSuchCase as error:
            raise Problem(404, str(error)) from None

    async def _do(self, case: str, wanted: CommandIn, actor: Actor, command_id: str) -> CommandOut:
        await self._file(case)
        draft: Draft | None = None
        if wanted.do in ("ask", "update", "resolve"):
            try:
                draft = await self._acting.draft(case, wanted.do, _needed(wanted.text, "text"), actor)
            except SaidAlready as error:
                draft = None if wanted.dry_run else await self._acting.said(case, command_id)
                if draft is None:
                    raise Problem(409, str(error), code="said_already") from None
            if wanted.dry_run:
                return CommandOut(done=False, public=_draft_out(draft))
        command = await self._command(case, wanted, actor, command_id, draft)
        try:
            answer = await self._acting.act(case, command)
        except RPCError:
            detail = "no answer in time; it may still be carried out: send it again under the same Idempotency-Key"
            raise Problem(503, detail, headers={"retry-after": "2"}) from None
        if answer.refusal is not None:
            raise Problem(409, answer.refusal.reason, code=answer.refusal.code)
        if draft is not None:
            draft = await self._acting.said(case, command_id) or draft  # under a key that was used before: what was said then
        return CommandOut(done=True, status=answer.status, events=answer.version, public=_draft_out(draft) if draft else None)

    async def _command(self, case: str, wanted: CommandIn, actor: Actor, command_id: str, draft: Draft | None) -> c.Command:  # noqa: C901 - one line a command
        words: str | None = None
        if draft is not None:
            words = await self._acting.keep(case, draft.text)
        elif wanted.text:
            words = await self._acting.keep(case, wanted.text)
        match wanted.do:
            case "accept":
                return c.Accept(command_id, actor)
            case "ask":
                return c.Ask(command_id, actor, _needed(words, "text"))
            case "update":
                return c.Update(command_id, actor, _needed(words, "text"), draft.promise if draft else None)
            case "resolve":
                return c.Resolve(command_id, actor, _needed(wanted.root_cause, "root_cause"), _needed(words, "text"))
            case "reassign":
                return c.Reassign(command_id, actor, _needed(wanted.department, "department"), words)
            case "note":
                return c.Note(command_id, actor, _needed(words, "text"))
            case "set_priority":
                return c.SetPriority(command_id, actor, Priority(_needed(wanted.priority, "priority")))
            case "set_category":
                return c.SetCategory(command_id, actor, _needed(wanted.category, "category"))
            case "dismiss":
                if wanted.reason is None:
                    raise Problem(422, "reason: is needed to dismiss a case")
                return c.Dismiss(command_id, actor, wanted.reason, words)
            case "reopen":
                return c.Reopen(command_id, actor)
            case "waive_thank_you":
                return c.WaiveThankYou(command_id, actor, _needed(words, "text"))
            case "settle_reply":
                if wanted.step is None or wanted.posted is None:
                    raise Problem(422, "step, posted: are needed to settle a reply")
                return c.SettleReply(command_id, actor, wanted.step, wanted.posted, wanted.permalink)


def _needed(value: str | None, field: str) -> str:
    if value is None or not value.strip():
        raise Problem(422, f"{field}: is needed for this command")
    return value


def _may_write(key: ApiKey) -> None:
    if key.role not in WRITERS:
        raise Problem(403, f"a key of the role '{key.role.value}' may read, but not act; make one with another role: loopkeeper key new")


def _draft_out(draft: Draft) -> DraftOut:
    return DraftOut(text=draft.text, parts=list(draft.parts), length=draft.length, limit=draft.limit)


def _case_out(file: CaseFile) -> CaseOut:
    case = file.case
    return CaseOut(
        case_id=file.case_id,
        number=file.number,
        status=case.status.value,
        brand=case.brand,
        channel=case.channel,
        customer=file.customer,
        text=file.first_words,
        url=file.first_url,
        intent=case.intent.value,
        category=case.category,
        priority=case.priority.value,
        department=case.department,
        owner=file.name_of(case.owner) if case.owner else None,
        policy=case.policy,
        opened_at=case.opened_at,
        promise=case.promise,
        closing_permalink=case.closing_permalink,
        waived_by=file.name_of(case.waived_by) if case.waived_by else None,
        clocks=[
            ClockOut(name=k.name.value, started_at=k.started_at, due_at=k.due_at, breached=k.name in case.breached) for k in file.clocks
        ],
        events=case.events,
    )


def _events_out(file: CaseFile) -> list[EventOut]:
    told = {line.seq: line for line in story(file)}
    events = []
    for seq, entry in file.history:
        doc = json.loads(document(entry))
        reference = entry.words
        known = reference is not None and reference in file.words
        events.append(
            EventOut(
                seq=seq,
                at=entry.event.at,
                kind=entry.event.kind,
                by=file.name_of(entry.by.person),
                via=entry.by.via.value,
                cause=entry.cause,
                data=doc["data"],
                told=told[seq].text if seq in told else None,
                words=file.text_of(reference) if known else None,
            )
        )
    return events
