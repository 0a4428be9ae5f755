"""The rules for what people want of a case. Every command is carried out or refused with the reason."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

from domain import commands as c
from domain import events as e
from domain.case import Case
from domain.decide_approval import Words, approve, held, needs_second_person, reject, replaced
from domain.durations import write_duration
from domain.merging import merge
from domain.policy import CasePolicy
from domain.replying import Events, after, again, called_off, closed, dropped, handed_off, nothing_more, posted, reply, spoken, withdraw
from domain.sentences import mark, say
from domain.values import CLOSING_PURPOSES, Audience, ClockName, Permalink, Priority, Purpose, Role

BOUNCES = 3
"""Handoffs (the first and two more) after which the next one is raised: passed on for the third time."""
LONGEST_WAIT = timedelta(days=366)
"""A moment that lies farther off is a slip, and a timer for it would outlive us all."""


def on_command(case: Case, command: c.Command, policy: CasePolicy, now: datetime) -> Events | c.Refusal:  # noqa: C901 - one line a command
    """What a command makes happen, or why it may not."""
    refusal = not_now(case, type(command))
    if refusal is not None:
        return refusal
    match command:
        case c.Accept():
            return _accept(case, command, now)
        case c.Ask() | c.Update() | c.TakePrivate() | c.Resolve():
            return _spoken(case, command, policy, now)
        case c.Approve():
            return approve(case, command, now, lambda case, draft: _say(case, draft, policy, now))
        case c.Reject():
            return reject(case, command, now)
        case c.Reassign():
            return _reassign(case, command, policy, now)
        case c.Note():
            return [e.NoteAdded(now, command.words)]
        case c.SetPriority() | c.SetCategory():
            return _relabel(case, command, policy, now)
        case c.Dismiss():
            reason = mark("the case was dismissed")
            return [*nothing_more(case, now, reason), e.Dismissed(now, command.reason, command.words)]
        case c.WalkAway():
            return _walk_away(case, command, now)
        case c.EscalateNow():
            return _escalate_now(case, command, policy, now)
        case c.Snooze() | c.WaitOnThirdParty() | c.Resume():
            return _wait(case, command, policy, now)
        case c.ReadPrivate():
            private = case.has_private_words or any(draft.private is not None for draft in case.held)
            return [e.PrivateRead(now, command.by.person)] if private else _NOTHING_PRIVATE
        case c.MovePolicy():
            if command.policy == case.policy:
                return c.Refusal("no_change", say("The case is held to {policy} already.", policy=command.policy))
            return [e.PolicyMoved(now, command.policy, case.policy)]
        case c.Merge():
            return merge(case, command, now)
        case c.JoinSharedCause() | c.LeaveSharedCause():
            return _share(case, command, now)
        case c.Reopen():
            return reopen(case, now, case.priority)
        case c.WaiveThankYou():
            return _waive(case, command, now)
        case c.SettleReply():
            return _settle(case, command, policy, now)
        case _:
            assert_never(command)


_SAID_ALREADY = c.Refusal("said_already", c.SAID_ALREADY)
_WAITS_ALREADY = c.Refusal("waits_already", c.WAITS_ALREADY)
_NOTHING_PRIVATE = c.Refusal("nothing_private", "Nothing was written in private in this case.")
_CHANGED_MEANWHILE = c.Refusal(
    "changed_meanwhile", say("Something has happened in this case since you read it. Read it again, and send your words if they still fit.")
)
_WHILE_OPEN = (
    c.Accept,
    c.Ask,
    c.Update,
    c.TakePrivate,
    c.Resolve,
    c.Reassign,
    c.Dismiss,
    c.WalkAway,
    c.EscalateNow,
    c.Snooze,
    c.WaitOnThirdParty,
    c.Resume,
    c.Merge,
    c.JoinSharedCause,
)


def not_now(case: Case, kind: type[c.Command]) -> c.Refusal | None:
    """Why a command of this kind is not possible in the case's status, if so."""
    if case.opened_at is None:
        return c.Refusal("not_open_yet", say("The case is just being opened. Try again in a moment."))
    if case.merged_into is not None:
        return c.Refusal("over", say("This case was merged: it goes on in the other one, also with what the customer writes here."))
    if case.is_over:
        how = mark("closed") if case.ended == "watch_ended" else case.ended or ""
        return c.Refusal("over", say("This case is over ({what}). A new post by the customer opens a new one.", what=spoken(how)))
    if issubclass(kind, _WHILE_OPEN) and not case.is_open:
        if kind is c.Resolve and _may_resolve_again(case):
            return None
        done = "closed" if case.closed_at is not None else "resolved"
        return c.Refusal(f"already_{done}", say("This case is {done} already. Reopen it if there is more to do.", done=done))
    return None


def _may_resolve_again(case: Case) -> bool:
    """A resolved case whose thank-you was refused by the network can be resolved again, in other words."""
    if case.resolved_at is None or case.closed_at is not None:
        return False
    return not any(r.purpose in CLOSING_PURPOSES and r.state != "failed" for r in case.replies)


def _accept(case: Case, command: c.Accept, now: datetime) -> Events | c.Refusal:
    if case.owner == command.by.person:
        return c.Refusal("yours_already", say("You have this case already."))
    if case.owner is not None:
        return c.Refusal("has_an_owner", "{person} has this case.", case.owner)
    if case.handoff is None:
        return c.Refusal("not_handed_off", say("This case has not been handed to a department, so there is nothing to accept."))
    return [*called_off(case, now, mark("the case was accepted"), ClockName.ACCEPT), e.Accepted(now, command.by.person)]


def _not_to_be_said(case: Case, words: str, seen: int | None) -> c.Refusal | None:
    """Why these words may not go to the customer now, if so."""
    if words in case.said or any(q.words == words for q in case.questions):
        return _SAID_ALREADY
    if any(draft.words == words for draft in case.held):
        return _WAITS_ALREADY
    return _CHANGED_MEANWHILE if seen is not None and case.turn > seen else None


def _spoken(case: Case, command: Words, policy: CasePolicy, now: datetime) -> Events | c.Refusal:
    """What a person's words make happen: they go out, or wait for a second person; those that they replace go out no more."""
    instead = replaced(case, command, now)
    if isinstance(instead, c.Refusal):
        return instead
    case, before = after(case, instead), case.draft(command.replaces) if command.replaces is not None else None
    why = needs_second_person(case, command, policy)
    said = _say(case, command, policy, now)
    if isinstance(said, c.Refusal):
        return said
    return [*instead, *(said if not why else [held(case, command, why, policy, now, before)])]


def _say(case: Case, command: Words, policy: CasePolicy, now: datetime) -> Events | c.Refusal:
    """What a person's words to the customer make happen once they may go out."""
    match command:
        case c.Ask():
            return _ask(case, command, now)
        case c.Update():
            return _update(case, command, now)
        case c.TakePrivate():
            return _take_private(case, command, policy, now)
        case c.Resolve():
            return _resolve(case, command, policy, now)
        case _:
            assert_never(command)


def _ask(case: Case, command: c.Ask, now: datetime) -> Events | c.Refusal:
    refusal = _not_to_be_said(case, command.words, command.seen)
    if refusal is not None:
        return refusal
    asker, department = command.by.person, command.department or case.department
    planned = case.planned(Purpose.ASK)
    if command.joins is not None:
        if planned is None or planned.step != command.joins:
            return c.Refusal(
                "ask_is_sent", say("The other question has gone out meanwhile. Look at yours again: it is asked once that is answered.")
            )
        joint = reply(case, now, Purpose.ASK, words=command.words, instead_of=planned.step)
        events: Events = [e.ReplyWithdrawn(now, planned.step, planned.purpose, mark("another question joined it")), joint]
        events += [e.AskedFor(now, joint.step, other.person, other.department, other.alone) for other in planned.askers]
        return [*events, e.AskedFor(now, joint.step, asker, department, command.alone)]
    if case.ask is not None or planned is not None:
        return [e.AskQueued(now, asker, department, command.words)]
    ask = reply(case, now, Purpose.ASK, words=command.words)
    return [*handed_off(case, now), ask, e.AskedFor(now, ask.step, asker, department)]


def _update(case: Case, command: c.Update, now: datetime) -> Events | c.Refusal:
    refusal = _not_to_be_said(case, command.words, command.seen)
    if refusal is not None:
        return refusal
    promise = command.promise if command.promise is not None and command.promise > now else None
    return [reply(case, now, Purpose.UPDATE, words=command.words, promise=promise)]


def _take_private(case: Case, command: c.TakePrivate, policy: CasePolicy, now: datetime) -> Events | c.Refusal:
    refusal = _not_to_be_said(case, command.public, command.seen)
    if refusal is not None:
        return refusal
    events: Events = []
    if command.words is not None:
        if not policy.private_messages:
            return c.Refusal(
                "no_private_messages", say("This network takes no private messages. Give the customer a way to reach you instead.")
            )
        events.append(reply(case, now, Purpose.PRIVATE, words=command.words))
    return [*events, reply(after(case, events), now, Purpose.WENT_PRIVATE, words=command.public)]


def _resolve(case: Case, command: c.Resolve, policy: CasePolicy, now: datetime) -> Events | c.Refusal:
    if case.owner is None:
        return c.Refusal("nobody_has_it", say("Nobody has accepted this case. Accept it first, so that it has an owner to resolve it."))
    if command.root_cause not in policy.root_causes:
        return c.Refusal(
            "unknown_root_cause",
            say(
                "'{root_cause}' is not a root cause of the policy: {root_causes}.",
                root_cause=command.root_cause,
                root_causes=", ".join(policy.root_causes),
            ),
        )
    refusal = _not_to_be_said(case, command.words, command.seen)
    if refusal is not None:
        return refusal
    events: Events = [] if command.cause_words is None else [e.NoteAdded(now, command.cause_words)]
    if case.is_open:
        reason = mark("the case was resolved")
        events += withdraw(case, now, reason, by_system=True, but=Purpose.WELCOME)
        events += called_off(case, now, reason)
        events += [e.AskDropped(now, q.asker.person, q.words, reason) for q in case.questions]
    events += dropped(case, now, mark("the case was resolved"))
    events.append(e.Resolved(now, command.root_cause, command.words))
    if case.first_deleted:
        return [*events, e.HumanNeeded(now, mark("the customer deleted the post, so there is nothing to thank under: waive the thank-you"))]
    refused = next((r.step for r in case.replies if r.purpose is Purpose.THANK_YOU and r.state == "failed"), None)
    return [*events, reply(case, now, Purpose.THANK_YOU, words=command.words, instead_of=refused)]


def _reassign(case: Case, command: c.Reassign, policy: CasePolicy, now: datetime) -> Events | c.Refusal:
    if command.department not in policy.departments:
        return c.Refusal(
            "unknown_department",
            say(
                "There is no department '{department}': {departments}.",
                department=command.department,
                departments=", ".join(policy.departments),
            ),
        )
    if command.department == case.department and case.owner is None and case.handoff is not None:
        return c.Refusal(
            "there_already", say("The case is with {department} already, and waits to be accepted.", department=command.department)
        )
    events: Events = called_off(case, now, mark("the case was moved"), ClockName.ACCEPT, ClockName.RESOLVE)
    if case.snoozed_until is not None:
        events.append(e.SnoozeEnded(now, mark("the case was moved")))
    if case.is_waiting:
        events.append(e.WaitEnded(now, mark("the case was moved")))
    events += [e.Reassigned(now, command.department, case.department, command.words), e.HandedOff(now, command.department)]
    moved = after(case, events)
    if command.public is not None:
        events.append(reply(moved, now, Purpose.UPDATE, words=command.public, promise=command.promise))
    if moved.handoffs > BOUNCES:
        events.append(e.Escalated(now, after(case, events).steps + 1, Audience.SOCIAL_LEAD, why="bounced"))
    return events


def _walk_away(case: Case, command: c.WalkAway, now: datetime) -> Events | c.Refusal:
    if command.by.role in (Role.LEAD, Role.ADMIN):
        return [*nothing_more(case, now, mark("we walked away")), e.WalkedAway(now, command.words)]
    if case.walk_away_proposed:
        return c.Refusal("proposed_already", say("This was proposed already, and a lead has been asked to decide."))
    call = e.Escalated(now, case.steps + 1, Audience.LEAD, why="walk_away", words=command.words)
    return [e.WalkAwayProposed(now, command.words), call]


_UP = (Audience.LEAD, Audience.HEAD, Audience.DUTY_MANAGER)


def _escalate_now(case: Case, command: c.EscalateNow, policy: CasePolicy, now: datetime) -> Events | c.Refusal:
    up = next((to for to in _UP if to not in case.asked_up and policy.person(to, case.department) is not None), None)
    if up is None:
        if not case.asked_up and Audience.SOCIAL not in case.asked_up:
            up = Audience.SOCIAL  # the policy names nobody above the department: the social team decides
        else:
            return c.Refusal("top_of_the_chain", say("Everybody up the chain has been called about this case already."))
    return [e.Escalated(now, case.steps + 1, up, why="asked", words=command.words)]


def _wait(case: Case, command: c.Snooze | c.WaitOnThirdParty | c.Resume, policy: CasePolicy, now: datetime) -> Events | c.Refusal:
    if isinstance(command, c.Resume):
        events: Events = []
        if case.is_waiting:
            events.append(e.WaitEnded(now, e.SAID_SO))
        if case.snoozed_until is not None:
            events.append(e.SnoozeEnded(now, e.SAID_SO))
        return events or c.Refusal("nothing_waits", say("This case neither waits on a third party nor is it snoozed."))
    if case.owner is None:
        return c.Refusal("nobody_has_it", say("Nobody has accepted this case. Accept it first: until then its department is reminded."))
    if command.until is not None and command.until <= now:
        return c.Refusal("in_the_past", say("That moment is over. Choose a later one."))
    if isinstance(command, c.WaitOnThirdParty):
        if case.is_waiting:
            return c.Refusal("waits_already", say("This case waits on a third party already."))
        if command.until is not None and command.until > now + LONGEST_WAIT:
            return c.Refusal("too_long", say("Nobody is waited for longer than a year. Choose an earlier moment, or none."))
        return [e.WaitBegan(now, command.words, command.until)]
    if command.until > now + policy.snooze_at_most:
        at_most = write_duration(policy.snooze_at_most)
        return c.Refusal("too_long", say("A case can be snoozed for {at_most} at most. Choose an earlier moment.", at_most=at_most))
    return [e.Snoozed(now, command.until, command.words)]


def _relabel(case: Case, command: c.SetPriority | c.SetCategory, policy: CasePolicy, now: datetime) -> Events | c.Refusal:
    if isinstance(command, c.SetPriority):
        if command.priority is case.priority:
            return c.Refusal("no_change", say("The priority is {priority} already.", priority=case.priority))
        return [e.PrioritySet(now, command.priority, case.priority)]
    if command.category not in policy.categories:
        return c.Refusal(
            "unknown_category",
            say("There is no category '{category}': {categories}.", category=command.category, categories=", ".join(policy.categories)),
        )
    if command.category == case.category:
        return c.Refusal("no_change", say("The category is {category} already.", category=case.category))
    return [e.CategorySet(now, command.category, case.category)]


def reopen(case: Case, now: datetime, priority: Priority) -> Events | c.Refusal:
    """Open the case again at that priority, with its owner; without one it is handed off anew."""
    if case.is_open:
        return c.Refusal("open_already", say("This case is open already."))
    closing = [r for r in case.replies if r.state == "planned" and r.purpose in CLOSING_PURPOSES]
    events: Events = [e.ReplyWithdrawn(now, r.step, r.purpose, mark("the case was reopened")) for r in closing]
    events += called_off(case, now, mark("the case was reopened"), ClockName.THANK_YOU)
    events.append(e.Reopened(now, priority, case.priority))
    if case.owner is None:
        events.append(e.HandedOff(now, case.department))
    return events


def _share(case: Case, command: c.JoinSharedCause | c.LeaveSharedCause, now: datetime) -> Events | c.Refusal:
    if isinstance(command, c.LeaveSharedCause):
        return [e.LeftCause(now, case.cause)] if case.cause is not None else c.Refusal("no_change", "This case shares no cause.")
    if case.cause == command.cause:
        return c.Refusal("no_change", "This case shares that cause already.")
    if case.cause is not None:
        return c.Refusal("another_cause", f"This case shares the cause C{case.cause}. Take it out of that one first.")
    return [e.JoinedCause(now, command.cause)]


def _waive(case: Case, command: c.WaiveThankYou, now: datetime) -> Events | c.Refusal:
    if case.closed_at is not None:
        return c.Refusal("already_closed", say("This loop is closed already."))
    closing = next((r for r in case.replies if r.step == case.closing_step), None)
    if case.resolved_at is None and closing is None:
        return c.Refusal("nothing_to_waive", say("Resolve the case first: until then no thank-you is owed."))
    if closing is not None and closing.state == "planned":
        return c.Refusal("on_its_way", say("The thank-you is being posted right now. Waive it only if that fails."))
    return [
        e.ThankYouWaived(now, command.by.person, command.words),
        *closed(case, now, None, command.by.person),
    ]


def _settle(case: Case, command: c.SettleReply, policy: CasePolicy, now: datetime) -> Events | c.Refusal:
    reply = case.reply(command.step)
    if reply is None or reply.state == "planned":
        return c.Refusal("nothing_to_settle", say("That reply is settled already."))
    if not command.posted:
        return [again(case, reply, policy, now)]
    if reply.state == "failed":
        return c.Refusal("was_refused", say("The network refused that reply, so it cannot be there. It can be posted again."))
    if command.permalink is None:
        return c.Refusal("permalink_missing", say("Give the link of the reply, so that the record shows where it is."))
    found = c.Posted(
        command.id, reply.step, reply.purpose, now, (Permalink("", command.permalink),), reply.words, reply.promise, command.by
    )
    return posted(case, found, now)
