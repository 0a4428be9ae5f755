"""What a message makes happen to a case, or why it may not. The only place where rules live (with `decide_command`, `decide_time`).

`decide` is pure and total: any message may reach any case at any moment. Commands can be refused, happenings cannot.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, assert_never

from domain import commands as c
from domain import events as e
from domain.case import Case, Reply
from domain.clocks import promise_from
from domain.decide_command import on_command, reopen
from domain.decide_time import on_time_passed
from domain.evolve import evolve
from domain.merging import come_back, pass_on, take_in
from domain.policy import CasePolicy
from domain.replying import (
    Events,
    acknowledgement,
    after,
    again,
    called_off,
    handed_off,
    next_question,
    posted,
    spoken,
    templated,
    withdraw,
)
from domain.sentences import mark, say
from domain.sharing import announced
from domain.values import ClockName, Intent, Purpose


def decide(case: Case, message: c.Message, policy: CasePolicy, now: datetime) -> Events | c.Refusal:
    """What `message`, taken in at `now`, makes happen to `case` under `policy`; or a refusal, for a command alone."""
    if isinstance(message, c.Command):
        return on_command(case, message, policy, now)
    if isinstance(message, c.TimePassed):
        return on_time_passed(case, policy, now)
    return _happening(case, message, policy, now)


def _happening(case: Case, message: c.FromNetwork | c.Outcome, policy: CasePolicy, now: datetime) -> Events:
    match message:
        case c.PostArrived():
            if case.opened_at is None:
                return _first_post(case, message, policy, now)
            return _further_post(case, message, policy, now)
        case c.PostChanged():
            return [e.PostEdited(now, message.post, message.words)]
        case c.PostRemoved():
            return _post_removed(case, message, now)
        case c.Announce():
            return announced(case, message, policy, now)
        case c.CaseMerged():
            return take_in(case, message, now)
        case c.MergeFailed():
            return come_back(case, message, now)
        case c.Posted():
            return posted(case, message, now)
        case c.PostFailed() | c.PostUnconfirmed() | c.PostExpired():
            return _not_posted(case, message, policy, now)
        case c.DeskTold() | c.DeskUnreachable() | c.Mailed() | c.MailFailed():
            return _handoff_outcome(case, message, now)
        case c.Called() | c.CallFailed():
            return _call_outcome(case, message, now)
        case _:
            assert_never(message)


def _first_post(case: Case, message: c.PostArrived, policy: CasePolicy, now: datetime) -> Events:
    triage = message.triage
    brand, channel = case.id.split("-", 2)[:2]
    opened = e.Opened(
        now,
        message.post,
        brand,
        channel,
        triage.intent,
        triage.category,
        triage.priority,
        triage.department,
        policy.id,
        triage.rules,
        message.words,
        message.posted_at,
        message.earlier_case,
    )
    if triage.intent is Intent.SPAM:
        return [opened, e.Dismissed(now, "spam")]
    case = evolve(case, opened)
    if triage.intent in (Intent.PRAISE, Intent.THANKS):
        return [opened, templated(case, now, Purpose.THANK_YOU, "thank_you.praise", policy)]
    opens = policy.working_time(triage.department).opens(now) if message.tell_hours else now
    away = opens > now  # they are told when people are back, once in a closure
    promise = promise_from(now, case, policy)
    template = acknowledgement(triage.intent, away=away)
    told = templated(case, now, Purpose.ACKNOWLEDGEMENT, template, policy, promise=promise, opens=opens if away else None)
    return [opened, told, e.HandedOff(now, triage.department), *_shown(message, now)]


def _shown(message: c.PostArrived, now: datetime) -> Events:
    """What everybody can read there and had better not."""
    return [e.PersonalDataSeen(now, message.post, message.personal)] if message.personal and not message.private else []


def _further_post(case: Case, message: c.PostArrived, policy: CasePolicy, now: datetime) -> Events:
    if case.merged_into is not None:
        return pass_on(case, message, now)
    intent = message.triage.intent
    wrote = e.CustomerWrote(
        now, message.post, intent, message.by_customer, message.words, message.posted_at, message.private, message.thread
    )
    if case.is_over or not message.by_customer:
        return [wrote]
    return [*_heard(case, wrote, policy, now), *_shown(message, now)]


def _heard(case: Case, wrote: e.CustomerWrote, policy: CasePolicy, now: datetime) -> Events:
    intent = wrote.intent
    if intent is Intent.THANKS:
        events: Events = [wrote]
        if not wrote.private and case.thanks_answered < policy.thanks_answered_at_most and not case.first_deleted:
            answer = "welcome.open" if case.is_open else "welcome.closed"
            events.append(templated(evolve(case, wrote), now, Purpose.WELCOME, answer, policy))
        return events
    if case.is_open:
        answered: Events = [wrote]
        if case.snoozed_until is not None:
            answered.append(e.SnoozeEnded(now, mark("the customer wrote")))
        if intent in (Intent.COMPLAINT, Intent.QUESTION):
            answered += handed_off(case, now)
        if case.ask is not None:
            chasers = [r for r in case.replies if r.state == "planned" and r.purpose in (Purpose.NUDGE, Purpose.CLOSING_NOTE)]
            answered += [e.ReplyWithdrawn(now, r.step, r.purpose, mark("the customer answered")) for r in chasers]
            answered.append(e.AskAnswered(now, case.ask.step, wrote.post))
            answered += next_question(after(case, answered), now)
        return answered
    if intent not in (Intent.COMPLAINT, Intent.QUESTION):
        return [wrote]
    reopening = reopen(case, now, case.priority.up_one())
    assert not isinstance(reopening, c.Refusal)
    events = [*reopening, wrote]
    case = after(case, events)
    if not case.first_deleted:
        promise = promise_from(now, case, policy)
        events.append(templated(case, now, Purpose.ACKNOWLEDGEMENT, "acknowledgement.reopened", policy, promise=promise))
    return events


def _post_removed(case: Case, message: c.PostRemoved, now: datetime) -> Events:
    first = message.post == case.first_post
    events: Events = [e.PostDeleted(now, message.post, first)]
    if first and not case.is_over:
        reason = mark("the customer deleted the post")
        events += withdraw(case, now, reason, by_system=True)
        events += called_off(case, now, reason, ClockName.HOLDING_UPDATE)
        if case.is_open:
            events.append(e.HumanNeeded(now, mark("the customer deleted the post; nothing more is posted automatically, please decide")))
    return events


def _not_posted(case: Case, message: c.PostFailed | c.PostUnconfirmed | c.PostExpired, policy: CasePolicy, now: datetime) -> Events:
    reply = case.reply(message.step)
    if reply is None:
        return []
    if isinstance(message, c.PostExpired):
        withdrawn = e.ReplyWithdrawn(now, reply.step, reply.purpose, mark("it could not be sent while its promise was still true"))
        if case.first_deleted or not case.is_open:
            return [withdrawn]
        return [withdrawn, again(evolve(case, withdrawn), reply, policy, now)]
    moot = _not_private_after_all(case, reply, now)
    if isinstance(message, c.PostFailed):
        return [
            e.ReplyFailed(now, reply.step, reply.purpose, message.reason, message.words),
            *moot,
            e.HumanNeeded(
                now,
                say("the {purpose} was refused by the network: {reason}", purpose=spoken(reply.purpose), reason=message.reason),
                reply.step,
            ),
        ]
    why = (
        say("please tell the customer yourself ({reason}), and confirm that you did", reason=message.reason)
        if message.by_hand
        else say("nobody can tell whether the {purpose} was posted: {reason}", purpose=spoken(reply.purpose), reason=message.reason)
    )
    return [
        e.ReplyUnconfirmed(now, reply.step, reply.purpose, message.reason, message.words, message.by_hand),
        *moot,
        e.HumanNeeded(now, why, reply.step),
    ]


def _not_private_after_all(case: Case, failed: Reply, now: datetime) -> Events:
    """Nobody says in public that there is a private message when there may be none."""
    line = case.planned(Purpose.WENT_PRIVATE)
    if failed.purpose is not Purpose.PRIVATE or line is None:
        return []
    return [e.ReplyWithdrawn(now, line.step, line.purpose, mark("the private message was not sent"))]


def _call_outcome(case: Case, message: c.Called | c.CallFailed, now: datetime) -> Events:
    call = next((one for one in case.calls if one.step == message.step), None)
    if call is None:
        return []
    if isinstance(message, c.Called):
        return [e.EscalationDelivered(now, call.step, call.to, message.via, message.person)]
    if message.via in call.failed:
        return []
    events: Events = [e.EscalationFailed(now, call.step, call.to, message.via, message.reason)]
    if call.failed | {message.via} == {"slack", "email"}:
        return [
            *events,
            e.HumanNeeded(
                now, say("the {to} could not be called, by Slack or by e-mail: {reason}", to=spoken(call.to), reason=message.reason)
            ),
        ]
    return events if call.mail_step is not None else [*events, e.EscalationMailed(now, call.step, call.to, case.steps + 1)]


def _handoff_outcome(case: Case, message: c.DeskTold | c.DeskUnreachable | c.Mailed | c.MailFailed, now: datetime) -> Events:
    handoff = case.handoff
    if handoff is None:
        return []
    match message:
        case c.DeskTold():
            if handoff.delivered_by is not None or message.department != handoff.department:
                return []
            return [e.HandoffDelivered(now, handoff.department, "slack")]
        case c.Mailed():
            if handoff.delivered_by is not None or handoff.mail_step != message.step:
                return []
            return [e.HandoffDelivered(now, handoff.department, "email")]
        case c.DeskUnreachable() | c.MailFailed():
            by = _way(message)
            if by in handoff.failed:
                return []
            events: Events = [e.HandoffFailed(now, handoff.department, by, message.reason)]
            if handoff.delivered_by is None and handoff.failed | {by} == {"slack", "email"}:
                why = say(
                    "the department {department} cannot be reached by Slack or by e-mail: {reason}",
                    department=handoff.department,
                    reason=message.reason,
                )
                events.append(e.HumanNeeded(now, why))
            elif by == "slack" and handoff.mail_step is None and case.is_open:
                events.append(e.HandoffMailed(now, handoff.department, case.steps + 1))
            return events
        case _:
            assert_never(message)


def _way(message: c.DeskUnreachable | c.MailFailed) -> Literal["slack", "email"]:
    """By which way a handoff failed."""
    return "slack" if isinstance(message, c.DeskUnreachable) else "email"
