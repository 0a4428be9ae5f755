"""A case's history as people read it years later: what was said in public, every step with who and why, and what became of the clocks.

Made from a case file alone, so that it is the same on a page, over the API and in an export; and from the file of a case as it was at
some moment, so that it says what was known then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from domain import events as e
from domain.case import Case
from domain.casefile import CaseFile
from domain.commands import TimePassed
from domain.evolve import evolve
from domain.history import Entry
from domain.replying import spoken
from domain.sentences import say
from domain.story import OWED, story
from domain.values import PRIVATE_PURPOSES, Purpose, Role

Voice = Literal["customer", "somebody", "us"]


@dataclass(frozen=True, slots=True)
class Version:
    """What a post or a reply said from a moment on. `words` is the reference of it; None when the network told none."""

    seq: int
    at: datetime
    words: str | None


@dataclass(frozen=True, slots=True)
class Said:
    """A post of a customer (or of somebody else in the thread), or a reply of ours, in all its versions, the last one last.

    `deleted_at`: when we heard that it was deleted; what we saw stays. `links`: where each part of it is. `private`: others cannot read it.
    """

    seq: int
    at: datetime
    voice: Voice
    who: str
    versions: tuple[Version, ...]
    links: tuple[str, ...] = ()
    purpose: Purpose | None = None
    private: bool = False
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What an event changed of the case."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Step:
    """One event, with everything that is on record of it.

    `who`: by name; `person`, `role`, `via`: as recorded. `rule`: for what the system did, the rule of the policy that called for it; of
    the first event, by which the customer's post was sorted; of a draft, by which it needs a second person.
    `because_of`: the number of the event that it follows from; None when `cause`, a message from outside or a moment in time, is all.
    """

    seq: int
    at: datetime
    kind: str
    told: str
    who: str
    person: str
    role: Role
    via: str
    rule: str | None
    policy: str
    cause: str
    because_of: int | None
    changes: tuple[Change, ...]
    words: str | None


def conversation(file: CaseFile) -> list[Said]:
    """What was said to and by the customer, in its order, as far as it is known to be on the network."""
    said: dict[str, Said] = {}
    planners: dict[int, str] = {}
    for seq, entry in file.history:
        event = entry.event
        match event:
            case e.Opened() | e.CustomerWrote():
                said[event.post] = _post(file, seq, event)
            case e.PostEdited() if event.post in said:
                post = said[event.post]
                said[event.post] = replace(post, versions=(*post.versions, Version(seq, event.at, event.words)))
            case e.PostDeleted() if event.post in said:
                said[event.post] = replace(said[event.post], deleted_at=event.at)
            case e.ReplyPlanned():
                planners[event.step] = (
                    file.name_of(event.author or entry.by.person) if entry.by.role is not Role.SYSTEM else say("the system")
                )
            case e.ReplyPosted():
                said[f"reply {event.step}"] = Said(
                    seq,
                    event.at,
                    "us",
                    planners.get(event.step, say("the system")),
                    (Version(seq, event.at, event.words),),
                    tuple(part.url for part in event.parts),
                    event.purpose,
                    event.purpose in PRIVATE_PURPOSES,
                )
            case _:
                pass
    return sorted(said.values(), key=lambda one: (one.at, one.seq))


def _post(file: CaseFile, seq: int, event: e.Opened | e.CustomerWrote) -> Said:
    by_customer = isinstance(event, e.Opened) or event.by_customer
    url = file.url_of(event.words)
    return Said(
        seq,
        event.posted_at or event.at,
        "customer" if by_customer else "somebody",
        file.customer if by_customer else say("somebody else"),
        (Version(seq, event.at, event.words),),
        (url,) if url is not None else (),
        private=file.is_private(event.words),
    )


def steps(file: CaseFile) -> list[Step]:
    """Every event of the file, in order; the machine's inside, too."""
    told = {line.seq: line.text for line in story(file)}
    roots = dict(_roots(file.history))
    case, made = Case(file.case_id), []
    for seq, entry in file.history:
        before, case = case, evolve(case, entry.event)
        by = entry.by
        made.append(
            Step(
                seq=seq,
                at=entry.event.at,
                kind=entry.event.kind,
                told=told.get(seq) or _inside(file, entry.event),
                who={Role.SYSTEM: say("the system"), Role.CUSTOMER: say("the customer")}.get(by.role) or file.name_of(by.person),
                person=by.person,
                role=by.role,
                via=by.via.value,
                rule=rule_of(entry.event) if by.role is Role.SYSTEM or seq == 1 or isinstance(entry.event, e.DraftHeld) else None,
                policy=entry.policy,
                cause=say("it was time") if entry.cause == TimePassed().id else entry.cause,
                because_of=roots.get(seq),
                changes=tuple(_changes(file, before, case)) if seq > 1 else (),
                words=entry.words,
            )
        )
    return made


def _inside(file: CaseFile, event: e.Event) -> str:
    """A sentence for what the story leaves out: the inside of the machine."""
    match event:
        case e.ReplyPlanned():
            return say("A reply is to go out: {purpose}", purpose=spoken(event.purpose))
        case e.HandoffDelivered():
            return say("{department} has the handoff, by {by}", department=file.department_name(event.department), by=_WAYS[event.by])
        case e.PromiseKept():
            return say("The promise of {promised} was kept", promised=_moment(event.promised))
        case e.AskedFor():
            return say("{asker} waits for the answer to this question", asker=file.name_of(event.asker))
        case e.ClockWarned():
            return say("{percent} % of the time is used up: {clock}", percent=event.percent, clock=OWED[event.clock].lower())
        case e.Escalated():
            return say("The {to} is called again", to=spoken(event.to))
        case e.EscalationMailed():
            return say("Slack did not take the call to the {to}; an e-mail goes out", to=spoken(event.to))
        case e.EscalationDelivered():
            who = "" if event.person is None else f" ({file.name_of(event.person)})"
            return say("The {to}{who} was reached, by {by}", to=spoken(event.to), who=who, by=_WAYS[event.by])
        case e.EscalationCalledOff():
            return say("The call to the {to} was called off: {reason}", to=spoken(event.to), reason=event.reason)
        case e.WatchEnded():
            return say("The watch over this case is over")
        case _:
            return " ".join(str(type(event).__doc__).replace("`", "").split())


_WAYS = {"slack": say("Slack"), "email": "e-mail"}
_RULES: Mapping[type, str] = {
    e.CustomerWrote: "triage",
    e.PersonalDataSeen: "triage",
    e.HandedOff: "handoff",
    e.HandoffMailed: "handoff_by_mail_after",
    e.EscalationMailed: "handoff_by_mail_after",
    e.PromiseKept: "promise",
    e.PromiseBroken: "promise",
    e.Closed: say("closing the loop"),
    e.WatchEnded: "watch",
    **dict.fromkeys((e.ReplyPosted, e.ReplyFailed, e.ReplyUnconfirmed, e.HandoffDelivered, e.HandoffFailed), "once"),
    **dict.fromkeys((e.EscalationDelivered, e.EscalationFailed), "once"),
}


def rule_of(event: e.Event) -> str | None:
    """The rule by which the system does such a thing by itself, by its key in the policy or its name in the docs."""
    match event:
        case e.Opened():
            return f"triage: {', '.join(event.rules) or say('no rule fits')}"
        case e.ReplyPlanned(template=str(template)):
            return f"wording: {template}"
        case e.ClockBreached() | e.ClockWarned():
            return f"clocks: {event.clock.value}"
        case e.Escalated():
            return (
                f"escalation: {event.why}"
                if event.clock is None
                else say("escalation: {clock} at {percent} %", clock=event.clock.value, percent=event.percent)
            )
        case e.Stalled():
            return f"escalation: {event.clock.value}"
        case e.DraftHeld():
            return f"approvals: {', '.join(event.why)}"
        case _:
            return _RULES.get(type(event))


def _roots(history: Sequence[tuple[int, Entry]]) -> Iterator[tuple[int, int]]:
    """Which event an event follows from, by their numbers, where it follows from one."""
    began: dict[_Thread, int] = {}
    first_of: dict[tuple[str, datetime], int] = {}
    for seq, entry in history:
        event = entry.event
        first = first_of.setdefault((entry.cause, event.at), seq)
        goes_on = _goes_on(event)
        root = began.get(goes_on, first) if goes_on is not None else first
        if root != seq:
            yield seq, root
        begins = _begins(event)
        if begins is not None:
            began[begins] = seq


_Thread = tuple[str, int | str]
"""What several events of a case are about: a reply, a call, a draft (by its step), a post, the handoff."""


def _begins(event: e.Event) -> _Thread | None:
    match event:
        case e.ReplyPlanned():
            return "reply", event.step
        case e.Escalated():
            return "call", event.step
        case e.DraftHeld():
            return "draft", event.step
        case e.Opened() | e.CustomerWrote():
            return "post", event.post
        case e.HandedOff():
            return "handoff", ""
        case _:
            return None


def _goes_on(event: e.Event) -> _Thread | None:
    match event:
        case e.ReplyPosted() | e.ReplyFailed() | e.ReplyUnconfirmed() | e.ReplyWithdrawn():
            return "reply", event.step
        case e.EscalationDelivered() | e.EscalationFailed() | e.EscalationMailed() | e.EscalationCalledOff():
            return "call", event.step
        case e.DraftApproved() | e.DraftRejected() | e.DraftDropped():
            return "draft", event.step
        case e.Escalated(draft=int(draft)):
            return "draft", draft
        case e.AskAnswered() | e.PostEdited() | e.PostDeleted() | e.PersonalDataSeen():
            return "post", event.post
        case e.HandoffDelivered() | e.HandoffFailed() | e.HandoffMailed():
            return "handoff", ""
        case _:
            return None


def _changes(file: CaseFile, before: Case, after: Case) -> Iterator[Change]:
    """What people would call a change of the case, in words."""
    shown: Sequence[Mapping[str, str]] = [_facts(file, case) for case in (before, after)]
    for what, then in shown[0].items():
        now = shown[1][what]
        if then != now:
            yield Change(what, then, now)


def _facts(file: CaseFile, case: Case) -> Mapping[str, str]:
    return {
        "status": spoken(case.status),
        "department": file.department_name(case.department),
        "owner": file.name_of(case.owner),
        "priority": case.priority.value,
        "category": case.category,
        "policy": case.policy,
        "promise": _moment(case.promise),
        "goes on in": "itself" if case.merged_into is None else file.title_of(case.merged_into),
        "shared cause": "none" if case.cause is None else f"C{case.cause}",
        "reminders": "on" if case.snoozed_until is None else say("off until {snoozed_until}", snoozed_until=_moment(case.snoozed_until)),
    }


def _moment(at: datetime | None) -> str:
    return "none" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"
