"""Deadlines: which clocks a case has running, when they are due, and what is owed next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from domain.case import Case
from domain.policy import CasePolicy
from domain.values import ClockName, Pause, Purpose

PROMISE_STEP = timedelta(minutes=5)
"""Promises are made on five-minute marks, rounded down, so that the moment that people read is the moment that counts."""


class Calendar(Protocol):
    """Working time: when it runs, and how much of it lies between two moments."""

    def add(self, start: datetime, working: timedelta) -> datetime:
        """The moment at which `working` time has passed since `start`."""
        ...

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The working time from `start` to `end`; zero when `end` is not after `start`."""
        ...


class AroundTheClock:
    """The calendar on which every moment is working time."""

    def add(self, start: datetime, working: timedelta) -> datetime:
        """See `Calendar.add`."""
        return start + working

    def between(self, start: datetime, end: datetime) -> timedelta:
        """See `Calendar.between`."""
        return max(timedelta(0), end - start)


ALWAYS: Calendar = AroundTheClock()


@dataclass(frozen=True, slots=True)
class Clock:
    """A running deadline. `due_at` is None while it is paused: then it stands still."""

    name: ClockName
    started_at: datetime
    allowance: timedelta
    due_at: datetime | None


def due_moment(start: datetime, allowance: timedelta, pauses: Sequence[Pause], calendar: Calendar = ALWAYS) -> datetime | None:
    """When `allowance` of working time will have passed since `start`, not counting the pauses; None while a pause lasts.

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


def running(case: Case, policy: CasePolicy) -> list[Clock]:
    """The clocks that run in this case now, breached ones included (they run until what they wait for happens)."""
    clocks: list[Clock] = []

    def start(name: ClockName, started_at: datetime | None, allowance: timedelta, pauses: Sequence[Pause] = ()) -> None:
        if started_at is not None:
            clocks.append(Clock(name, started_at, allowance, due_moment(started_at, allowance, pauses)))

    if case.resolved_at is not None and case.closed_at is None and case.ended is None:
        start(ClockName.THANK_YOU, case.resolved_at, policy.clocks.thank_you)
    if not case.is_open:
        return clocks
    if case.acknowledged_at is None:
        start(ClockName.ACKNOWLEDGE, case.opened_at, policy.acknowledge)
    if case.handoff is not None:
        if case.owner is None:
            start(ClockName.ACCEPT, case.handoff.at, policy.clocks.accept.of(case.priority))
        start(ClockName.RESOLVE, case.resolve_from, policy.clocks.resolve.of(case.priority), case.pauses)
        if not case.first_deleted:
            start(ClockName.HOLDING_UPDATE, case.last_word_at, policy.clocks.holding_update.of(case.priority), case.pauses)
    start(ClockName.NEXT_REPLY, case.customer_waiting_since, policy.clocks.next_reply.of(case.priority))
    return clocks


def promise_from(now: datetime, case: Case, policy: CasePolicy) -> datetime:
    """The "next update by …" that a reply written now can promise: a holding-update period on, rounded down to five minutes."""
    by = now + policy.clocks.holding_update.of(case.priority)
    rounded = by - timedelta(minutes=by.minute % 5, seconds=by.second, microseconds=by.microsecond)
    return rounded if rounded - now >= PROMISE_STEP else by


class Duty(StrEnum):
    """What can be owed at a moment."""

    BREACH = "breach"
    SPEAK = "speak"
    PROMISE = "promise"
    MAIL_HANDOFF = "mail_handoff"
    NUDGE = "nudge"
    GIVE_UP = "give_up"
    CLOSE = "close"
    END_WATCH = "end_watch"


@dataclass(frozen=True, slots=True)
class Owed:
    """Something owed at a moment. `clock` is named for a breach."""

    at: datetime
    duty: Duty
    clock: Clock | None = None


def owed(case: Case, policy: CasePolicy) -> list[Owed]:
    """Everything that this case owes and when, in order. Empty when nothing will ever be due by time alone."""
    if case.is_over or case.opened_at is None:
        return []
    clocks = running(case, policy)
    duties = [Owed(c.due_at, Duty.BREACH, c) for c in clocks if c.due_at is not None and c.name not in case.breached]
    if case.closed_at is not None:
        duties.append(Owed(case.closed_at + policy.watch, Duty.END_WATCH))
    elif case.last_word_url is not None and case.last_word_at is not None:
        duties.append(Owed(case.last_word_at, Duty.CLOSE))
    if case.promise is not None and not case.promise_broken:
        duties.append(Owed(case.promise, Duty.PROMISE))
    if case.is_open:
        duties += _owed_while_open(case, policy, clocks)
    return sorted(duties, key=lambda owing: owing.at)


def _owed_while_open(case: Case, policy: CasePolicy, clocks: list[Clock]) -> list[Owed]:
    duties: list[Owed] = []
    handoff = case.handoff
    if handoff is not None and handoff.delivered_by is None and handoff.mail_step is None and case.owner is None:
        duties.append(Owed(handoff.at + policy.handoff_by_mail_after, Duty.MAIL_HANDOFF))
    if case.first_deleted or case.planned() is not None:
        return duties
    if case.ask is not None:
        if not _refused_since(case, case.ask.at, Purpose.NUDGE, Purpose.CLOSING_NOTE):
            if case.ask.nudges < len(policy.nudge_after):
                duties.append(Owed(case.ask.at + policy.nudge_after[case.ask.nudges], Duty.NUDGE))
            elif case.closing_step is None:
                duties.append(Owed(case.ask.at + policy.give_up_after, Duty.GIVE_UP))
        return duties
    due = [c for c in clocks if c.name in (ClockName.HOLDING_UPDATE, ClockName.NEXT_REPLY) and c.due_at is not None]
    moments = [c.due_at - min(policy.speak_before, c.allowance / 10) for c in due if c.due_at is not None]
    if case.promise is not None and due and not case.promise_broken:
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
