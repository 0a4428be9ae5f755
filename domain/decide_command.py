"""The rules for what people want of a case. Every command is carried out or refused with the reason."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from domain import commands as c
from domain import events as e
from domain.case import Case
from domain.policy import CasePolicy
from domain.replying import Events, again, handed_off, posted, reply, spoken, withdraw
from domain.values import CLOSING_PURPOSES, Permalink, Priority, Purpose


def on_command(case: Case, command: c.Command, policy: CasePolicy, now: datetime) -> Events | c.Refusal:
    """What a command makes happen, or why it may not."""
    refusal = not_now(case, type(command))
    if refusal is not None:
        return refusal
    match command:
        case c.Accept():
            return _accept(case, command, now)
        case c.Ask() | c.Update():
            return _speak(case, command, policy, now)
        case c.Resolve():
            return _resolve(case, command, policy, now)
        case c.Reassign():
            return _reassign(case, command, policy, now)
        case c.Note():
            return [e.NoteAdded(now, command.words)]
        case c.SetPriority() | c.SetCategory():
            return _relabel(case, command, policy, now)
        case c.Dismiss():
            return [*withdraw(case, now, "the case was dismissed"), e.Dismissed(now, command.reason, command.words)]
        case c.Reopen():
            return reopen(case, now, case.priority)
        case c.WaiveThankYou():
            return _waive(case, command, now)
        case c.SettleReply():
            return _settle(case, command, policy, now)
        case _:
            assert_never(command)


_SAID_ALREADY = c.Refusal("said_already", c.SAID_ALREADY)
_WHILE_OPEN = (c.Accept, c.Ask, c.Update, c.Resolve, c.Reassign, c.Dismiss)


def not_now(case: Case, kind: type[c.Command]) -> c.Refusal | None:
    """Why a command of this kind is not possible in the case's status, if so."""
    if case.opened_at is None:
        return c.Refusal("not_open_yet", "The case is just being opened. Try again in a moment.")
    if case.is_over:
        return c.Refusal("over", f"This case is over ({spoken(case.ended or '')}). A new post by the customer opens a new one.")
    if issubclass(kind, _WHILE_OPEN) and not case.is_open:
        if kind is c.Resolve and _may_resolve_again(case):
            return None
        done = "closed" if case.closed_at is not None else "resolved"
        return c.Refusal(f"already_{done}", f"This case is {done} already. Reopen it if there is more to do.")
    return None


def _may_resolve_again(case: Case) -> bool:
    """A resolved case whose thank-you was refused by the network can be resolved again, in other words."""
    if case.resolved_at is None or case.closed_at is not None:
        return False
    return not any(r.purpose in CLOSING_PURPOSES and r.state != "failed" for r in case.replies)


def _accept(case: Case, command: c.Accept, now: datetime) -> Events | c.Refusal:
    if case.owner == command.by.person:
        return c.Refusal("yours_already", "You have this case already.")
    if case.owner is not None:
        return c.Refusal("has_an_owner", "{person} has this case.", case.owner)
    if case.handoff is None:
        return c.Refusal("not_handed_off", "This case has not been handed to a department, so there is nothing to accept.")
    return [e.Accepted(now, command.by.person)]


def _speak(case: Case, command: c.Ask | c.Update, policy: CasePolicy, now: datetime) -> Events | c.Refusal:
    if isinstance(command, c.Ask) and (case.ask is not None or case.planned(Purpose.ASK) is not None):
        return c.Refusal("ask_is_open", "The customer has been asked a question that is still open. Wait for the answer.")
    if command.words in case.said:
        return _SAID_ALREADY
    if isinstance(command, c.Ask):
        return [*handed_off(case, now), reply(case, now, Purpose.ASK, words=command.words)]
    promise = command.promise if command.promise is not None and command.promise > now else None
    del policy
    return [reply(case, now, Purpose.UPDATE, words=command.words, promise=promise)]


def _resolve(case: Case, command: c.Resolve, policy: CasePolicy, now: datetime) -> Events | c.Refusal:
    if case.owner is None:
        return c.Refusal("nobody_has_it", "Nobody has accepted this case. Accept it first, so that it has an owner to resolve it.")
    if command.root_cause not in policy.root_causes:
        return c.Refusal(
            "unknown_root_cause", f"'{command.root_cause}' is not a root cause of the policy: {', '.join(policy.root_causes)}."
        )
    if command.words in case.said:
        return _SAID_ALREADY
    events: Events = []
    if case.is_open:
        events += withdraw(case, now, "the case was resolved", by_system=True, but=Purpose.WELCOME)
    events.append(e.Resolved(now, command.root_cause, command.words))
    if case.first_deleted:
        return [*events, e.HumanNeeded(now, "the customer deleted the post, so there is nothing to thank under: waive the thank-you")]
    refused = next((r.step for r in case.replies if r.purpose is Purpose.THANK_YOU and r.state == "failed"), None)
    return [*events, reply(case, now, Purpose.THANK_YOU, words=command.words, instead_of=refused)]


def _reassign(case: Case, command: c.Reassign, policy: CasePolicy, now: datetime) -> Events | c.Refusal:
    if command.department not in policy.departments:
        return c.Refusal("unknown_department", f"There is no department '{command.department}': {', '.join(policy.departments)}.")
    if command.department == case.department and case.owner is None and case.handoff is not None:
        return c.Refusal("there_already", f"The case is with {command.department} already, and waits to be accepted.")
    return [e.Reassigned(now, command.department, case.department, command.words), e.HandedOff(now, command.department)]


def _relabel(case: Case, command: c.SetPriority | c.SetCategory, policy: CasePolicy, now: datetime) -> Events | c.Refusal:
    if isinstance(command, c.SetPriority):
        if command.priority is case.priority:
            return c.Refusal("no_change", f"The priority is {case.priority} already.")
        return [e.PrioritySet(now, command.priority, case.priority)]
    if command.category not in policy.categories:
        return c.Refusal("unknown_category", f"There is no category '{command.category}': {', '.join(policy.categories)}.")
    if command.category == case.category:
        return c.Refusal("no_change", f"The category is {case.category} already.")
    return [e.CategorySet(now, command.category, case.category)]


def reopen(case: Case, now: datetime, priority: Priority) -> Events | c.Refusal:
    """Open the case again at that priority, with its owner; without one it is handed off anew."""
    if case.is_open:
        return c.Refusal("open_already", "This case is open already.")
    closing = [r for r in case.replies if r.state == "planned" and r.purpose in CLOSING_PURPOSES]
    events: Events = [e.ReplyWithdrawn(now, r.step, r.purpose, "the case was reopened") for r in closing]
    events.append(e.Reopened(now, priority, case.priority))
    if case.owner is None:
        events.append(e.HandedOff(now, case.department))
    return events


def _waive(case: Case, command: c.WaiveThankYou, now: datetime) -> Events | c.Refusal:
    if case.closed_at is not None:
        return c.Refusal("already_closed", "This loop is closed already.")
    closing = next((r for r in case.replies if r.step == case.closing_step), None)
    if case.resolved_at is None and closing is None:
        return c.Refusal("nothing_to_waive", "Resolve the case first: until then no thank-you is owed.")
    if closing is not None and closing.state == "planned":
        return c.Refusal("on_its_way", "The thank-you is being posted right now. Waive it only if that fails.")
    return [
        e.ThankYouWaived(now, command.by.person, command.words),
        e.Closed(now, None, command.by.person),
    ]


def _settle(case: Case, command: c.SettleReply, policy: CasePolicy, now: datetime) -> Events | c.Refusal:
    reply = case.reply(command.step)
    if reply is None or reply.state != "unconfirmed":
        return c.Refusal("nothing_to_settle", "That reply is settled already.")
    if not command.posted:
        return [again(case, reply, policy, now)]
    if command.permalink is None:
        return c.Refusal("permalink_missing", "Give the link of the reply, so that the record shows where it is.")
    found = c.Posted(
        command.id, reply.step, reply.purpose, now, (Permalink("", command.permalink),), reply.words, reply.promise, command.by
    )
    return posted(case, found, now)
