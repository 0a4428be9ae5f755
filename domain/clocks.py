"""Deadlines: which clocks a case has running, when they are due, and what is owed next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from domain.calendars import ALWAYS, Calendar
from domain.case import GIVEN_UP, Case, Mark
from domain.escalation import Repeat, Step
from domain.policy import CasePolicy
from domain.values import Audience, ClockName, Pause, Purpose

PROMISE_STEP = timedelta(minutes=5)
"""Promises are made on five-minute marks, rounded down, so that the moment that people read is the moment that counts."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A running deadline: `allowance` of working time from `started_at` on, not counting the pauses."""

    name: ClockName
    started_at: datetime
    allowance: timedelta
    pauses: tuple[Pause, ...] = ()
    calendar: Calendar = ALWAYS

    @property
    def due_at(self) -> datetime | None:
        """When it runs out; None while it is paused: then it stands still."""
        return self.at(100)

    def at(self, percent: int) -> datetime | None:
        """When so much of its time will have been used up; None when a pause that still lasts began before that."""
        return due_moment(self.started_at, self.allowance * percent / 100, self.pauses, self.calendar)

    def after(self, moment: datetime, working: timedelta) -> datetime | None:
        """When so much more of its time will have passed since `moment`; None when it stands still before that."""
        return due_moment(moment, working, self.pauses, self.calendar)


@lru_cache(maxsize=50_000)
def due_moment(start: datetime, allowance: timedelta, pauses: tuple[Pause, ...], calendar: Calendar = ALWAYS) -> datetime | None:
    """When `allowance` of working time will have passed since `start`, not counting the pauses; None when a pause lasts before that.

    `pauses` are in order and do not overlap.
    """
    at, left = start, allowance
    for pause in pauses:
        if pause.until is not None and pause.until <= at:
            continue
        before = calendar.between(at, pause.since)
        if before >= left:
            break
        if pause.until is None:
            return None
        left -= before
        at = max(at, pause.until)
    return calendar.add(at, left)


def either(pauses: Sequence[Pause], waits: Sequence[Pause]) -> tuple[Pause, ...]:
    """The stretches in which the one or the other stands, in order and apart from each other."""
    if not waits:
        return tuple(pauses)
    together: list[Pause] = []
    for pause in sorted((*pauses, *waits), key=lambda p: p.since):
        last = together[-1] if together else None
        if last is None or (last.until is not None and last.until < pause.since):
            together.append(pause)
        elif last.until is not None:
            together[-1] = Pause(last.since, None if pause.until is None else max(last.until, pause.until))
    return tuple(together)


def running(case: Case, policy: CasePolicy) -> list[Clock]:
    """The clocks that run in this case now, breached ones included (they run until what they wait for happens)."""
    clocks: list[Clock] = []

    def start(name: ClockName, started_at: datetime | None, allowance: timedelta, pauses: tuple[Pause, ...] = ()) -> None:
        if started_at is not None:
            clocks.append(Clock(name, started_at, allowance, pauses, policy.calendar_of(name, case.department)))

    if case.resolved_at is not None and case.closed_at is None and case.ended is None:
        start(ClockName.THANK_YOU, case.resolved_at, policy.clocks.thank_you)
    if not case.is_open:
        return clocks
    if case.acknowledged_at is None:
        start(ClockName.ACKNOWLEDGE, case.opened_at, policy.acknowledge)
    if case.handoff is not None:
        if case.owner is None:
            start(ClockName.ACCEPT, case.handoff.at, policy.clocks.accept.of(case.priority))
        start(ClockName.RESOLVE, case.resolve_from, policy.clocks.resolve.of(case.priority), either(case.pauses, case.waits))
        if not case.first_deleted:
            start(ClockName.HOLDING_UPDATE, case.last_word_at, policy.clocks.holding_update.of(case.priority), case.pauses)
    start(ClockName.NEXT_REPLY, case.customer_waiting_since, policy.clocks.next_reply.of(case.priority))
    return clocks


def promise_from(now: datetime, case: Case, policy: CasePolicy) -> datetime:
    """The "next update by …" that a reply written now can promise: a holding-update period of the business's time on, rounded down to
    five minutes.
    """
    by = policy.business_time.add(now, policy.clocks.holding_update.of(case.priority))
    rounded = by - timedelta(minutes=by.minute % 5, seconds=by.second, microseconds=by.microsecond)
    return rounded if rounded - now >= PROMISE_STEP else by


def may_promise(at: datetime, now: datetime, case: Case, policy: CasePolicy) -> bool:
    """Whether a reply written now can promise the next one by that moment: one that was shown a while ago, and is not over yet."""
    return now < at <= policy.business_time.add(now, policy.clocks.holding_update.of(case.priority))


class Duty(StrEnum):
    """What can be owed at a moment."""

    WARN = "warn"
    BREACH = "breach"
    ESCALATE = "escalate"
    MAIL_CALL = "mail_call"
    STALL = "stall"
    WAKE = "wake"
    STOP_WAITING = "stop_waiting"
    SPEAK = "speak"
    PROMISE = "promise"
    MAIL_HANDOFF = "mail_handoff"
    NUDGE = "nudge"
    GIVE_UP = "give_up"
    CLOSE = "close"
    CALL_APPROVER = "call_approver"
    TELL_ELSEWHERE = "tell_elsewhere"
    END_WATCH = "end_watch"


@dataclass(frozen=True, slots=True)
class Owed:
    """Something owed at a moment. `clock`, and with a warning or an escalation `percent`, `to` and `repeat`, say of what."""

    at: datetime
    duty: Duty
    clock: Clock | None = None
    percent: int = 0
    to: Audience | None = None
    repeat: int = 0
    step: int = 0

    @property
    def what(self) -> tuple[Duty, ClockName | None, int, Audience | None, int, int]:
        """What is owed, whenever."""
        return self.duty, self.clock.name if self.clock else None, self.percent, self.to, self.repeat, self.step


def owed(case: Case, policy: CasePolicy) -> list[Owed]:
    """Everything that this case owes next and when, in order. Empty when nothing will ever be due by time alone.

    Of a clock's warnings and of a chain's steps only the next is named: the one after it is owed once that is done.
    """
    if case.is_over or case.opened_at is None:
        return []
    clocks = running(case, policy)
    duties: list[Owed] = []
    for clock in clocks:
        duties += _of_clock(case, clock, policy)
    if case.closed_at is not None:
        duties.append(Owed(case.closed_at + policy.watch, Duty.END_WATCH))
        if case.to_be_told:
            duties.append(Owed(case.closed_at, Duty.TELL_ELSEWHERE))
    elif case.last_word_url is not None and case.last_word_at is not None:
        duties.append(Owed(case.last_word_at, Duty.CLOSE))
    if case.promise is not None and not case.promise_broken:
        duties.append(Owed(case.promise, Duty.PROMISE))
    for call in case.calls:
        if call.mail_step is None:
            duties.append(Owed(call.at + policy.handoff_by_mail_after, Duty.MAIL_CALL, to=call.to, step=call.step))
    for draft in case.held:
        if not draft.called:
            at = policy.may_call(draft.calls, case.department, draft.call_at, case.priority)
            duties.append(Owed(at, Duty.CALL_APPROVER, to=draft.calls, step=draft.step))
    if case.is_open:
        duties += _owed_while_open(case, policy, clocks)
    return sorted(duties, key=lambda owing: owing.at)


def _of_clock(case: Case, clock: Clock, policy: CasePolicy) -> Iterator[Owed]:
    """A clock's next warning, its breach, and the next call of each step of its chain that is not taken yet."""
    taken = {(mark.percent, mark.to): mark for mark in case.marks if mark.clock is clock.name}
    if clock.name not in case.breached:
        percent = next((p for p in policy.warn_at if (p, None) not in taken), 100)
        if (at := clock.at(percent)) is not None:
            yield Owed(at, Duty.WARN if percent < 100 else Duty.BREACH, clock, percent)
    for step in policy.chains.of(clock.name):
        at = clock.at(step.at)
        if at is None or (step.at >= 100 and clock.name not in case.breached):
            return
        for to in step.tell:
            if (step.at, to) not in taken:
                yield Owed(_may_call(case, policy, to, at), Duty.ESCALATE, clock, step.at, to)
        if step.repeat is not None and (GIVEN_UP, None) not in taken:
            marks = [taken[step.at, to] for to in step.tell if (step.at, to) in taken]
            yield from _repeated(case, policy, clock, step, at, step.repeat, marks)


def _repeated(
    case: Case, policy: CasePolicy, clock: Clock, step: Step, reached: datetime, repeat: Repeat, marks: list[Mark]
) -> Iterator[Owed]:
    """The next repeat of a chain's last step, which was `reached` then, or that it has stalled."""
    again = []
    for mark in marks:
        at = clock.after(mark.at, repeat.every)
        if at is None:
            return
        again.append(max(at, reached))  # a lower priority gives more time: the step is reached later than it was
        if mark.times < repeat.at_most:
            assert mark.to is not None, "a step's marks are calls"
            yield Owed(_may_call(case, policy, mark.to, again[-1]), Duty.ESCALATE, clock, step.at, mark.to, mark.times + 1)
    if len(marks) == len(step.tell) and all(mark.times >= repeat.at_most for mark in marks):
        yield Owed(max(again), Duty.STALL, clock)


def _may_call(case: Case, policy: CasePolicy, to: Audience, at: datetime) -> datetime:
    """When they may be called: not while they sleep (unless it is urgent), and the desk not while it snoozes."""
    if case.recounted_at is not None:
        at = max(at, case.recounted_at)  # what has become due by that is due now, and not when nobody knew of it
    if case.snoozed_until is not None and to in (Audience.OWNER, Audience.DEPARTMENT):
        at = max(at, case.snoozed_until)
    return policy.may_call(to, case.department, at, case.priority)


def _owed_while_open(case: Case, policy: CasePolicy, clocks: list[Clock]) -> list[Owed]:
    duties: list[Owed] = []
    handoff = case.handoff
    if handoff is not None and handoff.delivered_by is None and handoff.mail_step is None and case.owner is None:
        duties.append(Owed(handoff.at + policy.handoff_by_mail_after, Duty.MAIL_HANDOFF))
    if case.snoozed_until is not None:
        duties.append(Owed(case.snoozed_until, Duty.WAKE))
    if case.wait_until is not None:
        duties.append(Owed(case.wait_until, Duty.STOP_WAITING))
    if case.first_deleted or case.planned() is not None:
        return duties
    if case.ask is not None:
        if not _refused_since(case, case.ask.at, Purpose.NUDGE, Purpose.CLOSING_NOTE):
            if case.ask.nudges < len(policy.nudge_after):
                duties.append(Owed(case.ask.at + policy.nudge_after[case.ask.nudges], Duty.NUDGE))
            elif case.closing_step is None:
                duties.append(Owed(case.ask.at + policy.give_up_after, Duty.GIVE_UP))
        return duties
    due = [(c, c.due_at) for c in clocks if c.name in (ClockName.HOLDING_UPDATE, ClockName.NEXT_REPLY)]
    moments = [at - min(policy.speak_before, c.allowance / 10) for c, at in due if at is not None]
    if case.promise is not None and moments and not case.promise_broken:
        moments.append(case.promise - min(policy.speak_before, policy.clocks.holding_update.of(case.priority) / 10))
    last_word = case.last_word_at
    if moments and case.handoff is not None and last_word is not None and not _refused_since(case, last_word, Purpose.HOLDING_UPDATE):
        duties.append(Owed(max(min(moments), last_word), Duty.SPEAK))
    return duties


def _refused_since(case: Case, since: datetime, *purposes: Purpose) -> bool:
    """Whether such a reply was refused or left unconfirmed since then: a person has been asked, the system does not insist."""
    return any(r.purpose in purposes and r.state != "planned" and r.planned_at >= since for r in case.replies)


def due(case: Case, policy: CasePolicy) -> datetime | None:
    """The next moment at which this case owes somebody something, or None."""
    duties = owed(case, policy)
    return duties[0].at if duties else None
