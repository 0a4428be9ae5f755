"""What the REST API takes and gives, and how a case is put into it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from api.acting import Draft
from domain.approving import why_held
from domain.case import Case, HeldDraft
from domain.casefile import CaseFile
from domain.clocks import Clock
from domain.dossier import conversation, steps
from domain.history import document
from domain.inbound import Handle, NativeId
from domain.story import story
from domain.values import Priority


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


class MarkOut(_Model):
    """A warning, or a call up the chain, that a clock has led to."""

    percent: int = Field(examples=[50], description="So much of the clock's time was used up.")
    to: str | None = Field(examples=["department"], description="Who was called; null: a warning, which calls nobody.")
    at: datetime = Field(description="When; of a call that is repeated, the last time.")
    repeats: int = Field(examples=[0])


class ClockOut(_Model):
    """A running deadline; `due_at` is null while it stands still."""

    name: str = Field(examples=["accept"])
    started_at: datetime
    due_at: datetime | None
    paused: bool = Field(description="Whether it stands still, because somebody is waited for.")
    breached: bool
    marks: list[MarkOut]


class WaitOut(_Model):
    """Work waits on somebody outside."""

    since: datetime
    until: datetime | None = Field(examples=["2026-03-06T09:00:00Z"], description="Then it is looked at again, whatever has come.")


class HeldOut(_Model):
    """A draft that waits for a second person."""

    step: int = Field(examples=[7], description="Name it so to approve or reject it.")
    what: str = Field(examples=["update"], description="What it becomes: ask, update, take_private or resolve.")
    text: str = Field(examples=["Hi Sam,\nWe refund the second charge.\n– Ana"], description="Exactly what would go out.")
    private: bool = Field(description="A private message goes with it; `read_private` shows that.")
    why: list[str] = Field(examples=[["money:refund*"]], description="By which rules of the policy it waits.")
    told: str = Field(examples=["words of money (refund*)"])
    author: str = Field(examples=["Ana Sousa"])
    at: datetime
    stale: bool = Field(description="Something has happened since it was written: approve it with `seen`, when you have read it again.")
    promise: datetime | None = Field(description="When it promises the next word.")
    call_at: datetime = Field(description="When another one is called about it, unless it is decided by then.")


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
    cause: int | None = Field(examples=[3], description="The number of the cause that it shares with others.")
    merged_into: str | None = Field(examples=["meridian-x-1790"], description="The case that this one goes on in.")
    took_in: list[str] = Field(examples=[["meridian-x-1850"]], description="Cases that were merged into this one.")
    stalled_at: datetime | None = Field(description="Since when everybody up the chain has been called, and nobody has acted.")
    snoozed_until: datetime | None = Field(description="Until then, reminders to the owner and the department wait.")
    waiting_on_third_party: WaitOut | None
    questions: int = Field(examples=[0], description="Questions to the customer that wait until the open one is answered.")
    drafts: list[HeldOut] = Field(description="What waits for a second person.")
    clocks: list[ClockOut]
    events: int = Field(examples=[12])
    turn: int = Field(examples=[3], description="What whoever speaks to the customer must have seen; send it as `seen`.")


class ChangeOut(_Model):
    """What an event changed of the case."""

    model_config = ConfigDict(from_attributes=True)
    what: str = Field(examples=["owner"])
    before: str = Field(examples=["nobody"])
    after: str = Field(examples=["Ana Sousa"])


class EventOut(_Model):
    """One event of a case's history, as it was recorded and hashed, and as people read it."""

    seq: int = Field(examples=[5])
    at: datetime
    recorded_at: datetime = Field(description="When it was written down, by the database's clock.")
    kind: str = Field(examples=["accepted"])
    by: str = Field(examples=["Ana Sousa"])
    person: str = Field(examples=["slack:U0ANA00001"])
    role: str = Field(examples=["department"])
    via: str = Field(examples=["slack"])
    rule: str | None = Field(examples=[None], description="Of what the system did: the rule that called for it.")
    policy: str = Field(examples=["default@e860d0d996"])
    cause: str = Field(examples=["slack:1337.42.abc"])
    because_of: int | None = Field(examples=[3], description="The number of the event that it follows from.")
    changes: list[ChangeOut]
    data: dict[str, Any] = Field(examples=[{"owner": "slack:U0ANA00001"}])
    told: str | None = Field(examples=["Ana Sousa has this case"])
    words: str | None = Field(examples=[None], description="What somebody wrote, when the event has words; null when erased.")


class PauseOut(_Model):
    """A stretch in which a clock stood still."""

    model_config = ConfigDict(from_attributes=True)
    since: datetime = Field(examples=["2026-03-04T10:02:00Z"])
    until: datetime | None = Field(examples=["2026-03-04T14:40:00Z"], description="null: it still does.")


class KeptClockOut(_Model):
    """One run of a clock, and what became of it."""

    model_config = ConfigDict(from_attributes=True)
    clock: str = Field(examples=["accept"])
    cycle: int = Field(examples=[1])
    started_at: datetime
    due_at: datetime | None
    became: str = Field(examples=["met"], description="running, paused, met, met_late, or over: it was not owed any more.")
    met_at: datetime | None
    breached_at: datetime | None
    ended_at: datetime | None
    ended_by: int | None = Field(examples=[6], description="The number of the event that ended it.")
    pauses: list[PauseOut]


class VersionOut(_Model):
    """What a post said from a moment on."""

    at: datetime
    text: str = Field(examples=["Third day without internet."])


class SaidOut(_Model):
    """A post, or a reply of ours, with every version of it that we saw."""

    seq: int
    at: datetime
    voice: str = Field(examples=["us"], description="customer, somebody (else in the thread) or us.")
    who: str = Field(examples=["Ana Sousa"])
    purpose: str | None = Field(examples=["update"])
    private: bool
    versions: list[VersionOut]
    links: list[str]
    deleted_at: datetime | None


class HistoryOut(_Model):
    """A case's history."""

    case_id: str = Field(examples=["meridian-x-1846"])
    as_of: datetime | None = Field(examples=[None], description="The moment as of which it is told; null: now.")
    status: str = Field(examples=["in_progress"], description="The case's status then.")
    verified: bool = Field(examples=[True], description="Whether the hash chain holds.")
    fault: str | None = Field(examples=[None], description="If not, what is wrong.")
    sealed: int = Field(examples=[12], description="So many of its events are in the log; others came in the last moments.")
    checkpoint: int | None = Field(examples=[20852], description="The size of the newest signed checkpoint.")
    proven: bool = Field(examples=[True], description="Whether those are proven to be in that checkpoint.")
    proof_fault: str | None = Field(examples=[None], description="If not, what is wrong.")
    conversation: list[SaidOut]
    clocks: list[KeptClockOut]
    events: list[EventOut]
    after: str | None = Field(None, examples=[None], description="Send it as `after` for the next page of events; null: that was all.")


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is no moment of our calendar") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class CommandIn(_Model):
    """Something to be done to a case. Which of the other fields are needed depends on `do`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "do": "resolve",
                    "text": "We have replaced the card in your cabinet; you are online again.",
                    "root_cause": "outage",
                    "seen": 3,
                }
            ]
        },
    )

    do: Literal[
        "accept", "ask", "update", "take_private", "resolve", "reassign", "note", "set_priority", "set_category", "escalate_now", "snooze",
        "wait_on_third_party", "resume", "move_policy", "dismiss", "walk_away", "reopen", "waive_thank_you", "settle_reply",
        "read_private", "approve", "reject", "merge",
        "join_shared_cause", "leave_shared_cause",
    ] = Field(examples=["resolve"])  # fmt: skip
    text: str | None = Field(None, max_length=8000, examples=["We have replaced the card in your cabinet; you are online again."])
    root_cause: str | None = Field(None, examples=["outage"])
    cause_text: str | None = Field(None, max_length=8000, examples=["Card 4 of cabinet 12, worn out."], description="More on it, for us.")
    department: str | None = None
    tell_customer: bool = Field(False, description="With reassign: tell the customer in public who has the case now.")
    removal: Annotated[int | None, Field(ge=1, le=10**9)] = Field(
        None, description="With update, in place of a text: ask the customer to remove the personal data that this event found in a post."
    )
    until: Moment | None = Field(None, examples=["2026-03-06T09:00:00Z"], description="With snooze and wait_on_third_party.")
    seen: int | None = Field(None, examples=[3], description="The `turn` that you have seen: refused if something has happened since.")
    promise: Moment | None = Field(
        None,
        examples=["2026-03-05T15:40:00Z"],
        description="With words that promise the next ones: the `promise` of the text that you have seen. Without it, one is made anew.",
    )
    replaces: int | None = Field(None, description="With words to the customer: the step of your own waiting draft that they replace.")
    policy: str | None = Field(None, examples=["default@e860d0d996"], description="The version to hold the case to.")
    into: str | None = Field(None, max_length=200, examples=["meridian-x-1790"], description="With merge: the case that it goes on in.")
    cause: int | None = Field(None, ge=1, examples=[3], description="With join_shared_cause: its number.")
    priority: Priority | None = None
    category: str | None = None
    reason: Literal["spam", "nothing_to_answer", "duplicate"] | None = None
    step: int | None = None
    posted: bool | None = None
    permalink: str | None = Field(None, max_length=2000, pattern=r"^https?://[^\s<>\"]+$")
    dry_run: bool = Field(False, description="Do nothing; show the exact public text, or why it would be refused.")


class DraftOut(_Model):
    """Exactly what is posted, in the parts in which it goes out."""

    text: str = Field(examples=["Hi Sam,\nYou are online again.\nThank you for telling us, and for your patience.\n– Ana"])
    parts: list[str]
    length: int = Field(examples=[87])
    limit: int = Field(examples=[280])
    private: str | None = Field(None, description="The private message that goes with it.")
    promise: datetime | None = Field(
        None, examples=["2026-03-05T15:40:00Z"], description="By when it promises the next word. Send it as `promise` to say exactly this."
    )
    note: str | None = Field(None, examples=["Ana's question is open; yours is asked when it is answered."])


class PrivateOut(_Model):
    """What somebody wrote in private."""

    who: str = Field(examples=["Sam Okafor (@sam)"])
    at: datetime
    text: str


class CommandOut(_Model):
    """It is done, or (dry run) would be done so."""

    done: bool
    status: str | None = Field(None, examples=["resolved"])
    events: int | None = Field(None, examples=[14])
    public: DraftOut | None = Field(None, description="The public reply, if there is one.")
    private: list[PrivateOut] | None = Field(None, description="With read_private: what was written in private.")
    turn: int | None = Field(None, examples=[3], description="Of a dry run: send it as `seen` with what you have read.")
    held: HeldOut | None = Field(None, description="Nothing went out yet: this waits for a second person.")


def draft_out(draft: Draft) -> DraftOut:
    """A draft, as it is answered."""
    return DraftOut(
        text=draft.text,
        parts=list(draft.parts),
        length=draft.length,
        limit=draft.limit,
        private=draft.private,
        promise=draft.promise,
        note=draft.note,
    )


def case_out(file: CaseFile) -> CaseOut:
    """A case, as it is answered."""
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
        cause=case.cause,
        merged_into=case.merged_into,
        took_in=[thread.case for thread in case.threads if thread.case != case.id],
        stalled_at=case.stalled_at,
        snoozed_until=case.snoozed_until,
        waiting_on_third_party=WaitOut(since=case.waits[-1].since, until=case.wait_until) if case.is_waiting else None,
        questions=len(case.questions),
        drafts=[held_out(file, draft) for draft in case.held],
        clocks=[_clock_out(case, clock) for clock in file.clocks],
        events=case.events,
        turn=case.turn,
    )


def held_out(file: CaseFile, draft: HeldDraft) -> HeldOut:
    """A draft that waits, as it is answered."""
    return HeldOut(
        step=draft.step,
        what=draft.what,
        text=file.text_of(draft.words),
        private=draft.private is not None,
        why=list(draft.why),
        told=why_held(draft.why),
        author=file.name_of(draft.author),
        at=draft.at,
        stale=file.case.turn > draft.turn,
        promise=draft.promise,
        call_at=draft.call_at,
    )


def _clock_out(case: Case, clock: Clock) -> ClockOut:
    return ClockOut(
        name=clock.name.value,
        started_at=clock.started_at,
        due_at=clock.due_at,
        paused=clock.due_at is None,
        breached=clock.name in case.breached,
        marks=[
            MarkOut(percent=mark.percent, to=mark.to.value if mark.to else None, at=mark.at, repeats=mark.times)
            for mark in case.marks
            if mark.clock is clock.name
        ],
    )


def events_out(file: CaseFile, recorded: Mapping[int, datetime]) -> list[EventOut]:
    """A case's history, as it is answered. `recorded`: when each event was written down."""
    told = {line.seq: line.text for line in story(file)}
    entries = dict(file.history)
    return [
        EventOut(
            seq=step.seq,
            at=step.at,
            recorded_at=recorded[step.seq],
            kind=step.kind,
            by=file.name_of(step.person),
            person=step.person,
            role=step.role.value,
            via=step.via,
            rule=step.rule,
            policy=step.policy,
            cause=entries[step.seq].cause,
            because_of=step.because_of,
            changes=[ChangeOut.model_validate(change) for change in step.changes],
            data=json.loads(document(entries[step.seq]))["data"],
            told=told.get(step.seq),
            words=file.text_of(step.words) if step.words in file.words else None,
        )
        for step in steps(file)
    ]


def said_out(file: CaseFile) -> list[SaidOut]:
    """A case's conversation, as it is answered."""
    return [
        SaidOut(
            seq=said.seq,
            at=said.at,
            voice=said.voice,
            who=said.who,
            purpose=said.purpose.value if said.purpose is not None else None,
            private=said.private,
            versions=[VersionOut(at=version.at, text=file.text_of(version.words)) for version in said.versions],
            links=list(said.links),
            deleted_at=said.deleted_at,
        )
        for said in conversation(file)
    ]
