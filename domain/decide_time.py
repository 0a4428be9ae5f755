"""The rules for what time brings: breaches, promises, holding messages, nudges, the end of the watch."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from domain import events as e
from domain.case import Case
from domain.clocks import Clock, Duty, Owed, owed, promise_from
from domain.policy import CasePolicy
from domain.replying import Events, after, templated
from domain.values import ClockName, Purpose


def on_time_passed(case: Case, policy: CasePolicy, now: datetime) -> Events:
    """Everything that is due by now. Each duty is taken up once, on the case as the duties before it left it."""
    events: Events = []
    done: set[tuple[Duty, ClockName | None]] = set()
    while True:
        duty = next((o for o in owed(case, policy) if o.at <= now and (o.duty, o.clock and o.clock.name) not in done), None)
        if duty is None:
            return events
        done.add((duty.duty, duty.clock.name if duty.clock else None))
        happened = _discharge(case, duty, policy, now)
        events += happened
        case = after(case, happened)


def _discharge(case: Case, duty: Owed, policy: CasePolicy, now: datetime) -> Events:
    match duty.duty:
        case Duty.BREACH:
            assert duty.clock is not None
            return _breach(case, duty.clock, now)
        case Duty.PROMISE:
            assert case.promise is not None
            return [e.PromiseBroken(now, case.promise)]
        case Duty.MAIL_HANDOFF:
            return [e.HandoffMailed(now, case.department, case.steps + 1)]
        case Duty.NUDGE:
            assert case.ask is not None
            return [templated(case, now, Purpose.NUDGE, "nudge.first" if case.ask.nudges == 0 else "nudge.again", policy)]
        case Duty.GIVE_UP:
            return [templated(case, now, Purpose.CLOSING_NOTE, "closing_note.no_answer", policy)]
        case Duty.SPEAK:
            return [templated(case, now, Purpose.HOLDING_UPDATE, _holding_template(case), policy, promise=promise_from(now, case, policy))]
        case Duty.CLOSE:
            return [e.Closed(now, case.last_word_url)]
        case Duty.END_WATCH:
            return [e.WatchEnded(now)]
        case _:
            assert_never(duty.duty)


def _breach(case: Case, clock: Clock, now: datetime) -> Events:
    assert clock.due_at is not None
    events: Events = [e.ClockBreached(now, clock.name, clock.started_at, clock.due_at)]
    if clock.name is ClockName.ACKNOWLEDGE:
        events.append(e.HumanNeeded(now, "the customer has not been acknowledged in time"))
    if clock.name is ClockName.THANK_YOU:
        events.append(e.HumanNeeded(now, "the thank-you has not been posted in time"))
    del case
    return events


def _holding_template(case: Case) -> str:
    """The truthful thing to say: who has it, whether anyone has taken it up, and that a new message was seen."""
    if case.customer_waiting_since is not None:
        return "holding_update.message_seen"
    return "holding_update.accepted" if case.owner is not None else "holding_update.not_yet_accepted"
