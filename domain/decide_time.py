"""The rules for what time brings: breaches, promises, holding messages, nudges, the end of the watch."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from domain import events as e
from domain.case import Case
from domain.clocks import Clock, Duty, Owed, owed
from domain.merging import tell_elsewhere
from domain.policy import CasePolicy
from domain.replying import Events, after, closed, holding_message, templated
from domain.sentences import mark
from domain.values import ClockName, Priority, Purpose


def on_time_passed(case: Case, policy: CasePolicy, now: datetime) -> Events:
    """Everything that is due by now. Each duty is taken up once, on the case as the duties before it left it."""
    events: Events = []
    done: set[object] = set()
    while True:
        duty = next((o for o in owed(case, policy) if o.at <= now and o.what not in done), None)
        if duty is None:
            return events
        done.add(duty.what)
        happened = _discharge(case, duty, policy, now)
        events += happened
        case = after(case, happened)


def _discharge(case: Case, duty: Owed, policy: CasePolicy, now: datetime) -> Events:  # noqa: C901 - one line a duty
    match duty.duty:
        case Duty.WARN:
            assert duty.clock is not None
            return [e.ClockWarned(now, duty.clock.name, duty.percent, duty.clock.started_at, duty.clock.due_at)]
        case Duty.BREACH:
            assert duty.clock is not None
            return _breach(case, duty.clock, now)
        case Duty.ESCALATE:
            return _escalate(case, duty, policy, now)
        case Duty.MAIL_CALL:
            assert duty.to is not None
            return [e.EscalationMailed(now, duty.step, duty.to, case.steps + 1)]
        case Duty.STALL:
            assert duty.clock is not None
            why = mark("this case has stalled: everybody up the chain was called, and nobody has acted")
            return [e.Stalled(now, duty.clock.name), e.HumanNeeded(now, why)]
        case Duty.WAKE:
            return [e.SnoozeEnded(now, mark("its time is over"))]
        case Duty.STOP_WAITING:
            return [e.WaitEnded(now, mark("its time is over"))]
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
            return [holding_message(case, now, policy)]
        case Duty.CALL_APPROVER:
            assert duty.to is not None
            return [e.Escalated(now, case.steps + 1, duty.to, why="approval", draft=duty.step)]
        case Duty.CLOSE:
            return closed(case, now, case.last_word_url)
        case Duty.TELL_ELSEWHERE:
            return tell_elsewhere(case, policy, now)
        case Duty.END_WATCH:
            return [e.WatchEnded(now)]
        case _:
            assert_never(duty.duty)


def _escalate(case: Case, duty: Owed, policy: CasePolicy, now: datetime) -> Events:
    assert duty.clock is not None
    assert duty.to is not None
    clock = duty.clock.name
    events: Events = [e.Escalated(now, case.steps + 1, duty.to, clock, duty.percent, duty.repeat)]
    step = next(step for step in policy.chains.of(clock) if step.at == duty.percent)
    first = duty.repeat == 0 and not any(m.clock is clock and m.percent == step.at and m.to is not None for m in case.marks)
    if step.raise_priority and first and case.priority is not Priority.URGENT:
        events.append(e.PrioritySet(now, case.priority.up_one(), case.priority))
    return events


def _breach(case: Case, clock: Clock, now: datetime) -> Events:
    assert clock.due_at is not None
    events: Events = [e.ClockBreached(now, clock.name, clock.started_at, clock.due_at)]
    if clock.name is ClockName.ACKNOWLEDGE:
        events.append(e.HumanNeeded(now, mark("the customer has not been acknowledged in time")))
    if clock.name is ClockName.THANK_YOU:
        events.append(e.HumanNeeded(now, mark("the thank-you has not been posted in time")))
    del case
    return events
