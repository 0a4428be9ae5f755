"""The story of a case in plain sentences, as Slack, the console and the API tell it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, assert_never

from domain import events as e
from domain.approving import DRAFTS, why_held
from domain.case import Case
from domain.casefile import CaseFile
from domain.discretion import in_words
from domain.evolve import evolve
from domain.history import Entry
from domain.replying import spoken
from domain.sentences import Moment, begun, known, mark, say
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
    ClockName.ACKNOWLEDGE: say("Acknowledge the customer"),
    ClockName.ACCEPT: say("Accept the case"),
    ClockName.HOLDING_UPDATE: say("Update the customer"),
    ClockName.NEXT_REPLY: say("Answer the customer"),
    ClockName.RESOLVE: say("Resolve the case"),
    ClockName.THANK_YOU: say("Thank the customer"),
}
"""What each clock measures, as people are told."""

_CLOCKS = {
    ClockName.ACKNOWLEDGE: say("The customer was not acknowledged in time"),
    ClockName.ACCEPT: say("Nobody accepted this case in time"),
    ClockName.HOLDING_UPDATE: say("The customer was not updated in time"),
    ClockName.NEXT_REPLY: say("The customer wrote again and was not answered in time"),
    ClockName.RESOLVE: say("This case was not resolved in time"),
    ClockName.THANK_YOU: say("The thank-you was not posted in time"),
}
_NOT_YET = {
    ClockName.ACKNOWLEDGE: say("the customer has not been acknowledged"),
    ClockName.ACCEPT: say("nobody has accepted this case"),
    ClockName.HOLDING_UPDATE: say("the customer has not been updated"),
    ClockName.NEXT_REPLY: say("the customer wrote again and has not been answered"),
    ClockName.RESOLVE: say("this case is not resolved"),
    ClockName.THANK_YOU: say("the thank-you is not posted"),
}
_POSTED = {
    Purpose.ACKNOWLEDGEMENT: say("Acknowledged in public"),
    Purpose.HOLDING_UPDATE: say("Holding message posted by the system"),
    Purpose.UPDATE: say("Update posted"),
    Purpose.ASK: say("We asked the customer"),
    Purpose.NUDGE: say("We reminded the customer of our question"),
    Purpose.THANK_YOU: say("Thank-you posted"),
    Purpose.CLOSING_NOTE: say("Closing note posted"),
    Purpose.WELCOME: say("We answered the customer's thanks"),
    Purpose.PRIVATE: say("We wrote to the customer in private (not shown here)"),
    Purpose.ELSEWHERE: say("We said in the other thread that it is settled, and where"),
    Purpose.WENT_PRIVATE: say("We said in public that it goes on in private"),
}
_WROTE = {
    Intent.COMPLAINT: say("The customer wrote again"),
    Intent.QUESTION: say("The customer asks"),
    Intent.THANKS: say("The customer says thanks"),
    Intent.PRAISE: say("The customer is full of praise"),
    Intent.REMARK: say("The customer wrote"),
    Intent.SPAM: say("The customer wrote"),
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
            return line(
                "customer",
                say("New {intent} on {network}", intent=known(event.intent.value), network=file.network),
                event.words,
                file.first_url,
            )
        case e.CustomerWrote(private=True):
            return line("customer", say("The customer wrote to us in private (not shown here)"))
        case e.CustomerWrote():
            who = _WROTE[event.intent] if event.by_customer else say("Somebody else wrote in the thread")
            return line("customer", who, event.words, file.url_of(event.words))
        case e.PostEdited() if file.is_private(event.words):
            return line("customer", say("The customer changed what they wrote in private (not shown here)"))
        case e.PostEdited():
            return line("customer", say("The customer changed a post"), event.words)
        case e.PostDeleted():
            return line("warning", say("The customer deleted the first post") if event.first else say("The customer deleted a post"))
        case e.ReplyPosted(purpose=Purpose.PRIVATE):  # no link: nobody but the customer could open it
            return line("internal", _POSTED[event.purpose])
        case e.ReplyPosted():
            return line("public", _POSTED[event.purpose], event.words, event.parts[0].url if event.parts else None)
        case e.ReplyFailed():
            return line(
                "warning",
                say("The {purpose} could not be posted: {reason}", purpose=spoken(event.purpose), reason=known(event.reason)),
                event.words,
            )
        case e.ReplyUnconfirmed(by_hand=True):
            return line(
                "internal",
                say("A person must pass on the {purpose}: {reason}", purpose=spoken(event.purpose), reason=known(event.reason)),
                event.words,
            )
        case e.ReplyUnconfirmed():
            return line(
                "warning",
                say(
                    "Nobody can tell whether the {purpose} was posted: {reason}", purpose=spoken(event.purpose), reason=known(event.reason)
                ),
                event.words,
            )
        case e.ReplyWithdrawn():
            return line(
                "internal", say("The {purpose} was called off: {reason}", purpose=spoken(event.purpose), reason=known(event.reason))
            )
        case e.HandedOff():
            return line("internal", say("Handed to {department}", department=file.department_name(event.department)))
        case e.HandoffMailed():
            return line(
                "internal",
                say(
                    "{department} is told by e-mail, because Slack did not take the handoff",
                    department=file.department_name(event.department),
                ),
            )
        case e.HandoffFailed():
            return line(
                "warning",
                say(
                    "{department} could not be reached by {by}: {reason}",
                    department=file.department_name(event.department),
                    by=known(event.by),
                    reason=known(event.reason),
                ),
            )
        case e.Accepted():
            return line("internal", say("{owner} has this case", owner=file.name_of(event.owner)))
        case e.Reassigned():
            gave, has = file.department_name(event.before), file.department_name(event.department)
            if event.before == event.department:
                return line("internal", say("{by} gave this case back to {has}", by=by, has=has), event.words)
            return line("internal", say("{by} moved this case from {gave} to {has}", by=by, gave=gave, has=has), event.words)
        case e.AskQueued():
            return line(
                "internal",
                say("{asker}'s question waits until the one that is open is answered", asker=file.name_of(event.asker)),
                event.words,
            )
        case e.AskDropped():
            return line(
                "internal",
                say("{asker}'s question will not be asked: {reason}", asker=file.name_of(event.asker), reason=known(event.reason)),
                event.words,
            )
        case e.AskAnswered():
            return line("internal", say("Our question is answered; the clocks run again"), people=_askers(earlier))
        case e.Resolved():
            cause = file.policy.root_causes.get(event.root_cause, event.root_cause)
            resolver = by if event.author is None else file.name_of(event.author)
            return line("internal", say("{who} resolved this case. Root cause: {cause}", who=resolver, cause=cause))
        case e.Closed():
            if event.waived_by is not None:
                return line(
                    "internal", say("The loop is closed without a thank-you, by {waived_by}", waived_by=file.name_of(event.waived_by))
                )
            return line("public", say("The loop is closed"), link=event.permalink)
        case e.ThankYouWaived():
            return line("internal", say("{by} waived the thank-you", by=file.name_of(event.by)), event.words)
        case e.Reopened():
            raised = event.priority is not event.before
            return line(
                "warning",
                say("Open again, now {priority}", priority=known(event.priority.value)) if raised else say("Open again"),
                calls=True,
            )
        case e.Dismissed():
            return line("internal", say("{by} dismissed this case: {reason}", by=by, reason=spoken(event.reason)), event.words)
        case e.NoteAdded():
            return line("internal", say("{by} noted", by=by), event.words)
        case e.PrioritySet():
            return line(
                "internal",
                say(
                    "{by} set the priority from {before} to {priority}",
                    by=by,
                    before=known(event.before.value),
                    priority=known(event.priority.value),
                ),
            )
        case e.CategorySet():
            return line(
                "internal",
                say("{by} set the category from {before} to {category}", by=by, before=known(event.before), category=known(event.category)),
            )
        case e.ClockBreached():
            calls = event.clock in (ClockName.ACCEPT, ClockName.RESOLVE, ClockName.NEXT_REPLY)
            return line("warning", _CLOCKS[event.clock], calls=calls)
        case e.Escalated():
            if event.repeat:
                return None
            text, words, group, people = _called(file, evolve(earlier, event), event)
            return line("warning", text, words, calls=group, people=people)
        case e.EscalationFailed():
            return line(
                "warning",
                say("The {to} could not be reached by {by}: {reason}", to=spoken(event.to), by=_WAYS[event.by], reason=known(event.reason)),
            )
        case e.Stalled():
            return line(
                "warning",
                say("This case has stalled: everybody up the chain was called, and {clock}", clock=_NOT_YET[event.clock]),
                calls=True,
            )
        case e.Snoozed():
            return line("internal", say("{by} asked for no reminders until {until}", by=by, until=_moment(file, event.until)), event.words)
        case e.SnoozeEnded(reason=e.SAID_SO):
            return line("internal", say("{by} wants reminders again", by=by))
        case e.SnoozeEnded():
            return line("internal", say("Reminders are on again: {reason}", reason=known(event.reason)))
        case e.WaitBegan():
            if event.until is None:
                return line("internal", say("{by} says that this waits on a third party", by=by), event.words)
            until = _moment(file, event.until)
            waits = say("{by} says that this waits on a third party, until {until} at the latest", by=by, until=until)
            return line("internal", waits, event.words)
        case e.WaitEnded(reason=e.SAID_SO):
            return line("internal", say("{by} goes on with this case: it waits on nobody any more", by=by))
        case e.WaitEnded():
            return line("internal", say("Back in work, it waits on nobody any more: {reason}", reason=known(event.reason)))
        case e.PolicyMoved():
            return line("internal", say("{by} moved this case to the policy {policy}", by=by, policy=event.policy))
        case e.PersonalDataSeen():
            seen = in_words(event.what)
            if whole:
                return line("warning", say("Everybody can read {what} in the customer's post.", what=seen))
            return line("warning", say("Everybody can read {what} in the customer's post. Here it is masked.", what=seen))
        case e.PrivateRead():
            return line("internal", say("{reader} read what was written in private", reader=file.name_of(event.reader)))
        case e.WalkAwayProposed():
            return line("warning", say("{by} proposes to walk away from this case; a lead decides", by=by), event.words)
        case e.WalkedAway():
            return line("internal", say("{by} confirmed: we walk away, and nothing more is answered here", by=by), event.words)
        case e.Merged():
            into = file.title_of(event.into)
            return line("internal", say("{by} merged this case into {into}, which goes on in this thread", by=by, into=into), event.words)
        case e.TookIn():
            taken = file.title_of(event.case)
            if not event.other_customer:
                return line("internal", say("{by} merged the case {case} into this one.", by=by, case=taken))
            other = say("{by} merged the case {case} into this one. It was written by another account.", by=by, case=taken)
            return line("internal", other)
        case e.JoinedCause():
            return line("internal", say("{by} says that this case shares the cause C{cause} with others", by=by, cause=event.cause))
        case e.LeftCause():
            return line("internal", say("{by} says that this case does not share the cause C{cause} after all", by=by, cause=event.cause))
        case e.Announced():
            if event.approved_by is None:
                return line("internal", say("{by} speaks to the customers of all cases of C{cause}", by=by, cause=event.cause))
            second = file.name_of(event.approved_by)
            told = say(
                "{by} speaks to the customers of all cases of C{cause}, approved by {second}", by=by, cause=event.cause, second=second
            )
            return line("internal", told)
        case e.HeldBack():
            return line(
                "warning", say("What is said in all cases of C{cause} is held back here: {why}", cause=event.cause, why=known(event.why))
            )
        case e.PassedOn(private=True):
            return line(
                "customer", say("The customer wrote in private (not shown here); {into} goes on with it", into=file.title_of(event.into))
            )
        case e.PassedOn():
            return line("customer", say("The customer wrote, and {into} goes on with it", into=file.title_of(event.into)), event.words)
        case e.NotTakenIn():
            return line(
                "internal",
                say("The case {case} was to be merged into this one, which was over: it goes on by itself", case=file.title_of(event.case)),
            )
        case e.Unmerged():
            return line("warning", say("This case goes on: {into} had just come to its end", into=file.title_of(event.into)), calls=True)
        case e.DraftHeld():
            what, author = DRAFTS[event.what], file.name_of(event.author)
            return line(
                "internal",
                say("{author}'s {what} waits for a second person: {why}", author=author, what=what, why=why_held(event.why)),
                event.words,
            )
        case e.DraftApproved():
            draft, people = _draft(file, event), (event.author,)
            if event.before is None:
                return line("internal", say("{by} approved {draft}", by=by, draft=draft), people=people)
            return line("internal", say("{by} approved {draft}, in other words", by=by, draft=draft), event.words, people=people)
        case e.DraftRejected() if entry.by.person == event.author:
            return line("internal", say("{by} took back their own {what}", by=by, what=DRAFTS[event.what]), event.words)
        case e.DraftRejected():
            return line(
                "warning", say("{by} did not approve {draft}", by=by, draft=_draft(file, event)), event.words, people=(event.author,)
            )
        case e.DraftDropped():
            return line(
                "internal",
                say("{draft} will not go out: {reason}", draft=_draft(file, event), reason=known(event.reason)),
                people=(event.author,),
            )
        case e.PromiseBroken():
            return line("warning", say("We promised the customer an update by now, and did not give it"))
        case e.HumanNeeded():
            return line("warning", say("A person is needed: {why}", why=known(event.why)))
        case e.ReplyPlanned() | e.HandoffDelivered() | e.PromiseKept() | e.WatchEnded() | e.AskedFor() | e.ClockWarned():
            return None
        case e.EscalationMailed() | e.EscalationDelivered() | e.EscalationCalledOff():
            return None
        case _:
            assert_never(event)


_WAYS = {"slack": "Slack", "email": say("e-mail")}
_ROLES = {
    Audience.LEAD: mark("{name} (leads {department})"),
    Audience.HEAD: mark("{name} (head of {department})"),
    Audience.DUTY_MANAGER: mark("{name} (manager on duty)"),
    Audience.SOCIAL_LEAD: mark("{name} (leads the social team)"),
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
            return say("the escalations channel")
        case Audience.SOCIAL:
            return say("the social team")
        case _:
            handle = file.case_policy.person(to, case.department)
            if handle is None or handle not in file.policy.people:
                return say("the {what}", what=known(to))
            return say(_ROLES[to], name=file.policy.people[handle].name, department=department)


def why_called(file: CaseFile, event: e.Escalated) -> str:
    """Why somebody is called, as a sentence without an end."""
    match event.why:
        case "bounced":
            return say("this case has been passed on {times} times", times=_times_passed_on(file, event))
        case "asked":
            return say("{who} asks for help", who=_caller(file, event))
        case "walk_away":
            return say("{who} proposes to walk away, and a lead decides", who=_caller(file, event))
        case "approval":
            return say("a draft waits for a second person, and half of the time is over")
    assert event.clock is not None, "whom a clock calls, it calls for a reason"
    late = event.percent >= 100
    return (
        _NOT_YET[event.clock]
        if late
        else say("{percent} % of the time is used up, and {clock}", percent=event.percent, clock=_NOT_YET[event.clock])
    )


def _times_passed_on(file: CaseFile, called: e.Escalated) -> int:
    """How often the case had been passed on when they were called; a case that is passed on still further calls them again."""
    times = 0
    for _, entry in file.history:
        if isinstance(entry.event, e.Escalated) and entry.event.step == called.step:
            break
        times += isinstance(entry.event, e.Reassigned)
    return times


def _caller(file: CaseFile, event: e.Escalated) -> str:
    """Who wants them to be called."""
    found = (entry.by for _, entry in file.history if isinstance(entry.event, e.Escalated) and entry.event.step == event.step)
    return next((file.name_of(by.person) for by in found), say("A colleague"))


def _called(file: CaseFile, case: Case, event: e.Escalated) -> tuple[str, str | None, bool, tuple[str, ...]]:
    """The rest of a line: its text and words, whether the department's group is called, and who else."""
    why = why_called(file, event)
    whole_department = event.to is Audience.DEPARTMENT or (event.to is Audience.OWNER and case.owner is None)
    if event.to in (Audience.DEPARTMENT, Audience.OWNER):
        people = () if case.owner is None or whole_department else (case.owner,)
        return say("Reminder: {why}", why=why), event.words, whole_department, people
    who = called(file, event.to, case)
    handle = file.case_policy.person(event.to, case.department)
    mentioned = (handle,) if handle is not None and event.to is Audience.LEAD else ()
    if event.to is Audience.ESCALATIONS:
        text = say("The escalations channel is told: {why}", why=why)
    elif event.to is Audience.SOCIAL:
        text = say("The social team is told: {why}", why=why)
    else:
        text = say("{who} is called: {why}", who=begun(who), why=why)
    return text, event.words, False, mentioned


def _draft(file: CaseFile, event: e.DraftApproved | e.DraftRejected | e.DraftDropped) -> str:
    return say("{author}'s {what}", author=file.name_of(event.author), what=DRAFTS[event.what])


def _askers(before: Case) -> tuple[str, ...]:
    """Whose question was answered."""
    return tuple(dict.fromkeys(asker.person for asker in before.ask.askers)) if before.ask is not None else ()


def _moment(file: CaseFile, at: datetime) -> str:
    """A moment in the brand's zone."""
    return Moment(at, file.policy.brand(file.case.brand).zone)


def _who(file: CaseFile, by: Actor) -> str:
    if by.role is Role.SYSTEM:
        return say("The system")
    return say("The customer") if by.role is Role.CUSTOMER else file.name_of(by.person)
