"""The story of a case in plain sentences, as Slack, the console and the API tell it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, assert_never
from zoneinfo import ZoneInfo

from domain import events as e
from domain.approving import DRAFTS, why_held
from domain.case import Case
from domain.casefile import CaseFile
from domain.discretion import in_words
from domain.evolve import evolve
from domain.history import Entry
from domain.replying import spoken
from domain.values import Actor, Audience, ClockName, Intent, Purpose, Role

Kind = Literal["customer", "public", "internal", "warning"]


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence of the story. `quote` is somebody's exact words, `link` where they can be read."""

    seq: int
    at: datetime
    kind: Kind
    text: str
    quote: str | None = None
    link: str | None = None
    calls: bool = False
    """Whether the department is called for (mentioned)."""
    calls_people: tuple[str, ...] = ()
    """Who is called for besides: colleagues by id, or by their handle in the policy."""


_UNTOLD = (
    e.ReplyPlanned,
    e.HandoffDelivered,
    e.PromiseKept,
    e.WatchEnded,
    e.AskedFor,
    e.ClockWarned,
    e.EscalationMailed,
    e.EscalationDelivered,
    e.EscalationCalledOff,
)


def is_told(event: e.Event) -> bool:
    """Whether an event is part of the story that people are told, or of the machine's inside (which only the history has)."""
    return not isinstance(event, _UNTOLD) and not _is_repeat(event)


def is_shown(event: e.Event) -> bool:
    """Whether the card changes with it, or its thread."""
    return is_told(event) or _is_repeat(event)


def _is_repeat(event: e.Event) -> bool:
    """A call that is repeated: the card counts them, so that the thread does not fill up."""
    return isinstance(event, e.Escalated) and event.repeat > 0


def story(file: CaseFile, after: int = 0, *, whole: bool = False) -> list[Line]:
    """The story of a case from the `after`-th event on. Events that tell people nothing are left out.

    `whole`: customers' posts as they are, for whoever has the right; else what everybody should not read is masked in them.
    """
    lines = []
    case = Case(file.case_id)
    for seq, entry in file.history:
        earlier, case = case, evolve(case, entry.event)
        if seq > after and (line := _tell(file, seq, entry, earlier, whole=whole)) is not None:
            lines.append(line)
    return lines


OWED = {
    ClockName.ACKNOWLEDGE: "Acknowledge the customer",
    ClockName.ACCEPT: "Accept the case",
    ClockName.HOLDING_UPDATE: "Update the customer",
    ClockName.NEXT_REPLY: "Answer the customer",
    ClockName.RESOLVE: "Resolve the case",
    ClockName.THANK_YOU: "Thank the customer",
}
"""What each clock measures, as people are told."""

_CLOCKS = {
    ClockName.ACKNOWLEDGE: "The customer was not acknowledged in time",
    ClockName.ACCEPT: "Nobody accepted this case in time",
    ClockName.HOLDING_UPDATE: "The customer was not updated in time",
    ClockName.NEXT_REPLY: "The customer wrote again and was not answered in time",
    ClockName.RESOLVE: "This case was not resolved in time",
    ClockName.THANK_YOU: "The thank-you was not posted in time",
}
_NOT_YET = {
    ClockName.ACKNOWLEDGE: "the customer has not been acknowledged",
    ClockName.ACCEPT: "nobody has accepted this case",
    ClockName.HOLDING_UPDATE: "the customer has not been updated",
    ClockName.NEXT_REPLY: "the customer wrote again and has not been answered",
    ClockName.RESOLVE: "this case is not resolved",
    ClockName.THANK_YOU: "the thank-you is not posted",
}
_POSTED = {
    Purpose.ACKNOWLEDGEMENT: "Acknowledged in public",
    Purpose.HOLDING_UPDATE: "Holding message posted by the system",
    Purpose.UPDATE: "Update posted",
    Purpose.ASK: "We asked the customer",
    Purpose.NUDGE: "We reminded the customer of our question",
    Purpose.THANK_YOU: "Thank-you posted",
    Purpose.CLOSING_NOTE: "Closing note posted",
    Purpose.WELCOME: "We answered the customer's thanks",
    Purpose.PRIVATE: "We wrote to the customer in private (not shown here)",
    Purpose.ELSEWHERE: "We said in the other thread that it is settled, and where",
    Purpose.WENT_PRIVATE: "We said in public that it goes on in private",
}
_WROTE = {
    Intent.COMPLAINT: "The customer wrote again",
    Intent.QUESTION: "The customer asks",
    Intent.THANKS: "The customer says thanks",
    Intent.PRAISE: "The customer is full of praise",
    Intent.REMARK: "The customer wrote",
    Intent.SPAM: "The customer wrote",
}


def _tell(file: CaseFile, seq: int, entry: Entry, earlier: Case, *, whole: bool) -> Line | None:  # noqa: C901 - one sentence an event, and mypy proves that none is missing
    """The sentence for one event. `earlier`: the case as it was until then, because who is meant may have changed since."""
    event, by = entry.event, _who(file, entry.by)

    def line(
        kind: Kind, text: str, words: str | None = None, link: str | None = None, *, calls: bool = False, people: tuple[str, ...] = ()
    ) -> Line:
        shows = file.shown_of if kind == "customer" and not whole else file.text_of
        return Line(seq, event.at, kind, text, None if words is None or file.is_private(words) else shows(words), link, calls, people)

    match event:
        case e.Opened():
            return line("customer", f"New {event.intent.value} on {file.network}", event.words, file.first_url)
        case e.CustomerWrote(private=True):
            return line("customer", "The customer wrote to us in private (not shown here)")
        case e.CustomerWrote():
            who = _WROTE[event.intent] if event.by_customer else "Somebody else wrote in the thread"
            return line("customer", who, event.words, file.url_of(event.words))
        case e.PostEdited() if file.is_private(event.words):
            return line("customer", "The customer changed what they wrote in private (not shown here)")
        case e.PostEdited():
            return line("customer", "The customer changed a post", event.words)
        case e.PostDeleted():
            return line("warning", "The customer deleted the first post" if event.first else "The customer deleted a post")
        case e.ReplyPosted(purpose=Purpose.PRIVATE):  # no link: nobody but the customer could open it
            return line("internal", _POSTED[event.purpose])
        case e.ReplyPosted():
            return line("public", _POSTED[event.purpose], event.words, event.parts[0].url if event.parts else None)
        case e.ReplyFailed():
            return line("warning", f"The {spoken(event.purpose)} could not be posted: {event.reason}", event.words)
        case e.ReplyUnconfirmed(by_hand=True):
            return line("internal", f"A person must pass on the {spoken(event.purpose)}: {event.reason}", event.words)
        case e.ReplyUnconfirmed():
            return line("warning", f"Nobody can tell whether the {spoken(event.purpose)} was posted: {event.reason}", event.words)
        case e.ReplyWithdrawn():
            return line("internal", f"The {spoken(event.purpose)} was called off: {event.reason}")
        case e.HandedOff():
            return line("internal", f"Handed to {file.department_name(event.department)}")
        case e.HandoffMailed():
            return line("internal", f"{file.department_name(event.department)} is told by e-mail, because Slack did not take the handoff")
        case e.HandoffFailed():
            return line("warning", f"{file.department_name(event.department)} could not be reached by {event.by}: {event.reason}")
        case e.Accepted():
            return line("internal", f"{file.name_of(event.owner)} has this case")
        case e.Reassigned():
            gave, has = file.department_name(event.before), file.department_name(event.department)
            return line("internal", f"{by} moved this case from {gave} to {has}", event.words)
        case e.AskQueued():
            return line("internal", f"{file.name_of(event.asker)}'s question waits until the one that is open is answered", event.words)
        case e.AskDropped():
            return line("internal", f"{file.name_of(event.asker)}'s question will not be asked: {event.reason}", event.words)
        case e.AskAnswered():
            return line("internal", "Our question is answered; the clocks run again", people=_askers(earlier))
        case e.Resolved():
            cause = file.policy.root_causes.get(event.root_cause, event.root_cause)
            who = by if event.author is None else file.name_of(event.author)
            return line("internal", f"{who} resolved this case. Root cause: {cause}")
        case e.Closed():
            if event.waived_by is not None:
                return line("internal", f"The loop is closed without a thank-you, by {file.name_of(event.waived_by)}")
            return line("public", "The loop is closed", link=event.permalink)
        case e.ThankYouWaived():
            return line("internal", f"{file.name_of(event.by)} waived the thank-you", event.words)
        case e.Reopened():
            raised = event.priority is not event.before
            return line("warning", f"Open again{f', now {event.priority.value}' if raised else ''}", calls=True)
        case e.Dismissed():
            return line("internal", f"{by} dismissed this case: {spoken(event.reason)}", event.words)
        case e.NoteAdded():
            return line("internal", f"{by} noted", event.words)
        case e.PrioritySet():
            return line("internal", f"{by} set the priority from {event.before.value} to {event.priority.value}")
        case e.CategorySet():
            return line("internal", f"{by} set the category from {event.before} to {event.category}")
        case e.ClockBreached():
            calls = event.clock in (ClockName.ACCEPT, ClockName.RESOLVE, ClockName.NEXT_REPLY)
            return line("warning", _CLOCKS[event.clock], calls=calls)
        case e.Escalated():
            if event.repeat:
                return None
            text, words, group, people = _called(file, evolve(earlier, event), event)
            return line("warning", text, words, calls=group, people=people)
        case e.EscalationFailed():
            return line("warning", f"The {spoken(event.to)} could not be reached by {_WAYS[event.by]}: {event.reason}")
        case e.Stalled():
            return line("warning", f"This case has stalled: everybody up the chain was called, and {_NOT_YET[event.clock]}", calls=True)
        case e.Snoozed():
            return line("internal", f"{by} asked for no reminders until {_moment(file, event.until)}", event.words)
        case e.SnoozeEnded(reason=e.SAID_SO):
            return line("internal", f"{by} wants reminders again")
        case e.SnoozeEnded():
            return line("internal", f"Reminders are on again: {event.reason}")
        case e.WaitBegan():
            until = f", until {_moment(file, event.until)} at the latest" if event.until else ""
            return line("internal", f"{by} says that this waits on a third party{until}", event.words)
        case e.WaitEnded(reason=e.SAID_SO):
            return line("internal", f"{by} goes on with this case: it waits on nobody any more")
        case e.WaitEnded():
            return line("internal", f"Back in work, it waits on nobody any more: {event.reason}")
        case e.PolicyMoved():
            return line("internal", f"{by} moved this case to the policy {event.policy}")
        case e.PersonalDataSeen():
            masked = "" if whole else " Here it is masked."
            return line("warning", f"Everybody can read {in_words(event.what)} in the customer's post.{masked}")
        case e.PrivateRead():
            return line("internal", f"{file.name_of(event.reader)} read what was written in private")
        case e.WalkAwayProposed():
            return line("warning", f"{by} proposes to walk away from this case; a lead decides", event.words)
        case e.WalkedAway():
            return line("internal", f"{by} confirmed: we walk away, and nothing more is answered here", event.words)
        case e.Merged():
            return line("internal", f"{by} merged this case into {file.title_of(event.into)}, which goes on in this thread", event.words)
        case e.TookIn():
            more = " It was written by another account." if event.other_customer else ""
            return line("internal", f"{by} merged the case {file.title_of(event.case)} into this one.{more}")
        case e.JoinedCause():
            return line("internal", f"{by} says that this case shares the cause C{event.cause} with others")
        case e.LeftCause():
            return line("internal", f"{by} says that this case does not share the cause C{event.cause} after all")
        case e.Announced():
            second = f", approved by {file.name_of(event.approved_by)}" if event.approved_by is not None else ""
            return line("internal", f"{by} speaks to the customers of all cases of C{event.cause}{second}")
        case e.HeldBack():
            return line("warning", f"What is said in all cases of C{event.cause} is held back here: {event.why}")
        case e.PassedOn(private=True):
            return line("customer", f"The customer wrote in private (not shown here); {file.title_of(event.into)} goes on with it")
        case e.PassedOn():
            return line("customer", f"The customer wrote, and {file.title_of(event.into)} goes on with it", event.words)
        case e.NotTakenIn():
            return line(
                "internal", f"The case {file.title_of(event.case)} was to be merged into this one, which was over: it goes on by itself"
            )
        case e.Unmerged():
            return line("warning", f"This case goes on: {file.title_of(event.into)} had just come to its end", calls=True)
        case e.DraftHeld():
            what, author = DRAFTS[event.what], file.name_of(event.author)
            return line("internal", f"{author}'s {what} waits for a second person: {why_held(event.why)}", event.words)
        case e.DraftApproved():
            how = "" if event.before is None else ", in other words"
            return line("internal", f"{by} approved {_draft(file, event)}{how}", event.before and event.words, people=(event.author,))
        case e.DraftRejected() if entry.by.person == event.author:
            return line("internal", f"{by} took back their own {DRAFTS[event.what]}", event.words)
        case e.DraftRejected():
            return line("warning", f"{by} did not approve {_draft(file, event)}", event.words, people=(event.author,))
        case e.DraftDropped():
            return line("internal", f"{_draft(file, event)} will not go out: {event.reason}", people=(event.author,))
        case e.PromiseBroken():
            return line("warning", "We promised the customer an update by now, and did not give it")
        case e.HumanNeeded():
            return line("warning", f"A person is needed: {event.why}")
        case e.ReplyPlanned() | e.HandoffDelivered() | e.PromiseKept() | e.WatchEnded() | e.AskedFor() | e.ClockWarned():
            return None
        case e.EscalationMailed() | e.EscalationDelivered() | e.EscalationCalledOff():
            return None
        case _:
            assert_never(event)


_WAYS = {"slack": "Slack", "email": "e-mail"}
_ROLES = {
    Audience.LEAD: " (leads {department})",
    Audience.HEAD: " (head of {department})",
    Audience.DUTY_MANAGER: " (manager on duty)",
    Audience.SOCIAL_LEAD: " (leads the social team)",
}


def called(file: CaseFile, to: Audience, case: Case | None = None) -> str:
    """Who is called, in words."""
    case = case or file.case
    department = file.department_name(case.department)
    match to:
        case Audience.DEPARTMENT:
            return department
        case Audience.OWNER:
            return file.name_of(case.owner) if case.owner else department
        case Audience.ESCALATIONS:
            return "the escalations channel"
        case Audience.SOCIAL:
            return "the social team"
        case _:
            handle = file.case_policy.person(to, case.department)
            if handle is None or handle not in file.policy.people:
                return f"the {spoken(to)}"
            return file.policy.people[handle].name + _ROLES[to].format(department=department)


def why_called(file: CaseFile, event: e.Escalated) -> str:
    """Why somebody is called, as a sentence without an end."""
    match event.why:
        case "bounced":
            return "this case has been passed on three times"
        case "asked":
            return f"{_caller(file, event)} asks for help"
        case "walk_away":
            return f"{_caller(file, event)} proposes to walk away, and a lead decides"
        case "approval":
            return "a draft waits for a second person, and half of the time is over"
    assert event.clock is not None, "whom a clock calls, it calls for a reason"
    late = event.percent >= 100
    return _NOT_YET[event.clock] if late else f"{event.percent} % of the time is used up, and {_NOT_YET[event.clock]}"


def _caller(file: CaseFile, event: e.Escalated) -> str:
    """Who wants them to be called."""
    found = (entry.by for _, entry in file.history if isinstance(entry.event, e.Escalated) and entry.event.step == event.step)
    return next((file.name_of(by.person) for by in found), "A colleague")


def _called(file: CaseFile, case: Case, event: e.Escalated) -> tuple[str, str | None, bool, tuple[str, ...]]:
    """The rest of a line: its text and words, whether the department's group is called, and who else."""
    why = why_called(file, event)
    whole_department = event.to is Audience.DEPARTMENT or (event.to is Audience.OWNER and case.owner is None)
    if event.to in (Audience.DEPARTMENT, Audience.OWNER):
        people = () if case.owner is None or whole_department else (case.owner,)
        return f"Reminder: {why}", event.words, whole_department, people
    who = called(file, event.to, case)
    handle = file.case_policy.person(event.to, case.department)
    mentioned = (handle,) if handle is not None and event.to is Audience.LEAD else ()
    verb = "told" if event.to in (Audience.ESCALATIONS, Audience.SOCIAL) else "called"
    return f"{who[0].upper()}{who[1:]} is {verb}: {why}", event.words, False, mentioned


def _draft(file: CaseFile, event: e.DraftApproved | e.DraftRejected | e.DraftDropped) -> str:
    return f"{file.name_of(event.author)}'s {DRAFTS[event.what]}"


def _askers(before: Case) -> tuple[str, ...]:
    """Whose question was answered."""
    return tuple(dict.fromkeys(asker.person for asker in before.ask.askers)) if before.ask is not None else ()


def _moment(file: CaseFile, at: datetime) -> str:
    """A moment in the brand's zone."""
    there = at.astimezone(ZoneInfo(file.policy.brand(file.case.brand).zone))
    return f"{there:%H:%M %Z} on {there.day} {there:%B}"


def _who(file: CaseFile, by: Actor) -> str:
    if by.role is Role.SYSTEM:
        return "The system"
    return "The customer" if by.role is Role.CUSTOMER else file.name_of(by.person)
