"""Planning, repeating and calling off replies: the small parts that the rules share."""

from __future__ import annotations

from datetime import datetime

from domain import commands as c
from domain import events as e
from domain.case import Case, Reply
from domain.clocks import promise_from
from domain.evolve import evolve
from domain.policy import CasePolicy
from domain.sentences import known, mark
from domain.values import ASIDE, ClockName, Intent, Purpose

Events = list[e.Event]


def reply(
    case: Case,
    now: datetime,
    purpose: Purpose,
    *,
    words: str,
    promise: datetime | None = None,
    instead_of: int | None = None,
) -> e.ReplyPlanned:
    """A reply in a person's own words."""
    to = case.private_post or case.last_post if purpose is Purpose.PRIVATE else case.last_post
    own = purpose is Purpose.PRIVATE  # a private message is between us and the customer of the case
    thread = None if own else case.thread
    return e.ReplyPlanned(now, case.steps + 1, purpose, to, words, promise=promise, instead_of=instead_of, thread=thread)


def handed_off(case: Case, now: datetime) -> Events:
    """The handoff that a case still lacks (praise has none): as soon as there is something to do, a department has it."""
    return [] if case.handoff is not None else [e.HandedOff(now, case.department)]


def templated(
    case: Case,
    now: datetime,
    purpose: Purpose,
    template: str,
    policy: CasePolicy,
    *,
    promise: datetime | None = None,
    opens: datetime | None = None,
) -> e.ReplyPlanned:
    """A reply by template. The form varies from case to case and, within a case, from reply to reply."""
    step = case.steps + 1
    variant = (sum(case.id.encode()) + step) % policy.forms
    return e.ReplyPlanned(
        now, step, purpose, case.last_post, template=template, variant=variant, promise=promise, opens=opens, thread=case.thread
    )


def again(case: Case, reply: Reply, policy: CasePolicy, now: datetime) -> e.ReplyPlanned:
    """The same reply planned anew: a person's words as they were, a template with a promise that is true now."""
    promise, template, opens = reply.promise, reply.template, reply.opens
    if template is not None and promise is not None:
        promise = promise_from(now, case, policy)
    if opens is not None and opens <= now:  # they are back by now
        template, opens = acknowledgement(case.intent), None
    return e.ReplyPlanned(
        now,
        case.steps + 1,
        reply.purpose,
        reply.to_post,
        reply.words,
        template,
        reply.variant,
        promise,
        instead_of=reply.step,
        opens=opens,
        thread=reply.thread,
    )


def acknowledgement(intent: Intent, *, away: bool = False) -> str:
    """The template of a first acknowledgement. `away`: its department is closed, and the customer is told when people are back."""
    if away:
        return f"acknowledgement.{'complaint' if intent is Intent.COMPLAINT else 'other'}_away"
    return f"acknowledgement.{intent.value if intent in (Intent.COMPLAINT, Intent.QUESTION) else 'remark'}"


def posted(case: Case, message: c.Posted, now: datetime) -> Events:
    """What it means for the case that a reply is on the network. A posting time in the future counts as now."""
    at = min(message.posted_at, now)
    reply_posted = e.ReplyPosted(at, message.step, message.purpose, message.parts, message.words, message.promise)
    events: Events = [reply_posted]
    if case.promise is not None and not case.promise_broken and message.purpose not in ASIDE:
        kept = at <= case.promise
        events.append(e.PromiseKept(now, case.promise) if kept else e.PromiseBroken(now, case.promise))
    if message.purpose not in ASIDE:
        heard = (ClockName.ACKNOWLEDGE, ClockName.HOLDING_UPDATE, ClockName.NEXT_REPLY)
        events += called_off(case, now, mark("the customer has heard from us"), *heard)
    if message.purpose is Purpose.ASK and case.is_open:
        events += _sent_before_it_was_joined(case, message, now)
        if any(wrote > at for wrote in case.unanswered):  # the answer overtook the news that we had asked
            events.append(e.AskAnswered(now, message.step, case.last_post))
            events += next_question(after(case, events), now)
    if message.step == case.closing_step and case.closed_at is None and not case.is_over:
        events += closed(after(case, events), now, message.parts[0].url)
    return events


def closed(case: Case, now: datetime, permalink: str | None, waived_by: str | None = None) -> Events:
    """The loop is closed; nobody needs to be called about it any more."""
    reason = mark("the case was closed")
    return [*dropped(case, now, reason), *called_off(case, now, reason), e.Closed(now, permalink, waived_by)]


def dropped(case: Case, now: datetime, reason: str) -> Events:
    """Drafts that wait for a second person, when the case goes on to its end without them."""
    return [e.DraftDropped(now, draft.step, draft.what, draft.author, reason) for draft in case.held]


def _sent_before_it_was_joined(case: Case, message: c.Posted, now: datetime) -> Events:
    """The ask was on the network before another question could join it: that one waits for its turn."""
    joint = case.planned(Purpose.ASK)
    if joint is None or joint.step == message.step:
        return []
    events: Events = [e.ReplyWithdrawn(now, joint.step, joint.purpose, mark("the question that it joined had gone out already"))]
    for asker in joint.askers:
        if asker.alone is None:
            events.append(e.AskedFor(now, message.step, asker.person, asker.department))
        else:
            events.append(e.AskQueued(now, asker.person, asker.department, asker.alone))
    return events


def next_question(case: Case, now: datetime) -> Events:
    """The question that has waited longest, when none is open any more."""
    if not case.questions or not case.is_open or case.ask is not None or case.planned(Purpose.ASK) is not None or case.first_deleted:
        return []
    first = case.questions[0]
    planned = reply(case, now, Purpose.ASK, words=first.words)
    return [planned, e.AskedFor(now, planned.step, first.asker.person, first.asker.department)]


def called_off(case: Case, now: datetime, reason: str, *clocks: ClockName) -> Events:
    """Calls up the chain that need not be delivered any more: those of these clocks, or all."""
    return [e.EscalationCalledOff(now, call.step, call.to, reason) for call in case.calls if not clocks or call.clock in clocks]


def withdraw(case: Case, now: datetime, reason: str, *, by_system: bool = False, but: Purpose | None = None) -> Events:
    """Call off what is planned: everything, or only what the system wanted to say by itself (a person's words then stand)."""
    planned = [r for r in case.replies if r.state == "planned" and r.purpose is not but]
    return [e.ReplyWithdrawn(now, r.step, r.purpose, reason) for r in planned if r.template is not None or not by_system]


def nothing_more(case: Case, now: datetime, reason: str) -> Events:
    """The case ends here: nothing that is under way is done any more."""
    questions = [e.AskDropped(now, q.asker.person, q.words, reason) for q in case.questions]
    return [*withdraw(case, now, reason), *called_off(case, now, reason), *questions, *dropped(case, now, reason)]


def after(case: Case, events: Events) -> Case:
    """The case after these events."""
    for event in events:
        case = evolve(case, event)
    return case


_SPOKEN: dict[str, str] = {
    Purpose.PRIVATE: mark("private message"),
    Purpose.WENT_PRIVATE: mark("line that says that it goes on in private"),
    Purpose.ELSEWHERE: mark("thank-you in the other thread"),
}


def spoken(word: str) -> str:
    """A word of the code as people say it."""
    return known(_SPOKEN.get(word, word))


def holding_message(case: Case, now: datetime, policy: CasePolicy) -> e.ReplyPlanned:
    """What the system says when no human has."""
    return templated(case, now, Purpose.HOLDING_UPDATE, holding_template(case), policy, promise=promise_from(now, case, policy))


def holding_template(case: Case) -> str:
    """The truthful thing to say: who has it, whether anyone has taken it up, and that a new message was seen."""
    if case.customer_waiting_since is not None:
        return "holding_update.message_seen"
    return "holding_update.accepted" if case.owner is not None else "holding_update.not_yet_accepted"
