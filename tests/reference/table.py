"""The table: given what happened in a case, everything about its clocks that ought to be on record, and when.

It goes from moment to moment at which anything changes (somebody starts or stops working, falls asleep, something happens, a clock has
used up a share of its time) and asks at each what is true then. What it knows of the rules comes from product.md and the events' texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from domain import events as e
from domain.escalation import Step
from domain.policy import CasePolicy
from domain.values import Audience, ClockName, Intent, Priority, Purpose
from tests.reference.times import Times
from tests.reference.working_time import DAY, NEVER, Stretch, reached, without, worked

TIME = "clock"
"""The cause of what time alone has brought."""


class Row(NamedTuple):
    """Something that ought to be on record. `about`: the moments that it names."""

    at: datetime
    kind: str
    clock: ClockName | None = None
    percent: int = 0
    to: Audience | None = None
    repeat: int = 0
    about: tuple[datetime | None, ...] = ()


class Happened(NamedTuple):
    """An event, and the message that caused it."""

    cause: str
    event: e.Event


@dataclass
class Cycle:
    """What was recorded of one run of a clock: its warnings, its breach, and when somebody was last called, the how many-eth time."""

    warned: set[int] = field(default_factory=set)
    breached: bool = False
    given_up: bool = False
    called: dict[tuple[int, Audience], tuple[datetime, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Clock:
    """A running clock: since when, how much time it has, when that passes, and by which percent what is to be done."""

    name: ClockName
    since: datetime
    allowance: timedelta
    passes: Sequence[Stretch]

    def used(self, now: datetime) -> timedelta:
        return worked(self.passes, self.since, now)

    def needs(self, percent: int) -> timedelta:
        return self.allowance * percent / 100


_OUTPUTS = (e.ClockWarned, e.ClockBreached, e.Stalled, e.PromiseKept, e.PromiseBroken)
_IN_PUBLIC = frozenset(Purpose) - {Purpose.WELCOME, Purpose.PRIVATE}


def _is_output(happened: Happened) -> bool:
    """Whether that is what the table has to find by itself."""
    cause, event = happened
    if isinstance(event, e.Escalated):
        return event.clock is not None
    by_time = cause == TIME and isinstance(event, e.PrioritySet | e.SnoozeEnded | e.WaitEnded)
    return by_time or isinstance(event, _OUTPUTS)


def recorded(history: Iterable[Happened]) -> list[Row]:
    """The rows that are on record."""
    return sorted((_row(happened.event) for happened in history if _is_output(happened)), key=_in_order)


def _row(event: e.Event) -> Row:
    match event:
        case e.ClockWarned():
            return Row(event.at, event.kind, event.clock, event.percent, about=(event.started_at,))
        case e.ClockBreached():
            return Row(event.at, event.kind, event.clock, about=(event.started_at, event.due_at))
        case e.Escalated():
            return Row(event.at, event.kind, event.clock, event.percent, event.to, event.repeat)
        case e.Stalled():
            return Row(event.at, event.kind, event.clock)
        case e.PromiseKept() | e.PromiseBroken():
            return Row(event.at, event.kind, about=(event.promised,))
        case _:
            return Row(event.at, event.kind)


def expected(history: Iterable[Happened], policies: Mapping[str, CasePolicy], until: datetime) -> list[Row]:
    """The rows that ought to be on record by `until`. Of `history` only what others did is looked at."""
    facts = [happened for happened in history if not _is_output(happened)]
    table = Table(policies, facts[0].event.at - DAY, until + DAY)
    for together in _at_once(facts):
        table.go_on(max(table.now, *(event.at for event in together)))
        for event in together:
            table.happens(event)
        table.look()
    table.go_on(until)
    return sorted(table.rows, key=_in_order)


def _in_order(row: Row) -> tuple[datetime, str]:
    return row.at, repr(row)


def _at_once(facts: Iterable[Happened]) -> Iterator[list[e.Event]]:
    """The events, those together that were decided together."""
    together: list[Happened] = []
    for happened in facts:
        if together and (happened.cause, happened.event.at) != (together[-1].cause, together[-1].event.at):
            yield [one.event for one in together]
            together = []
        together.append(happened)
    if together:
        yield [one.event for one in together]


class Table:
    """A case as the events tell of it, and the rows that follow from it. It looks at nothing after `now`."""

    def __init__(self, policies: Mapping[str, CasePolicy], begins: datetime, ends: datetime) -> None:
        self.rows: list[Row] = []
        self.now = begins
        self._policies = policies
        self._times = Times(begins, ends)
        self._policy = next(iter(policies.values()))
        self._cycles: dict[ClockName, Cycle] = {}
        self._department, self._priority, self._owner = "", Priority.NORMAL, ""
        self._opened = self._handed_off = self._resolve_from = self._resolved = self._last_word = NEVER
        self._is_open = self._is_resolved = self._is_acknowledged = self._is_deleted = False
        self._unanswered: list[datetime] = []
        self._asks: list[Stretch] = []
        self._waits: list[Stretch] = []
        self._wait_until = self._snoozed_until = NEVER
        self._promise = NEVER

    # --- what happens -------------------------------------------------------------------------------------------------

    def happens(self, event: e.Event) -> None:  # noqa: C901 - one case an event
        """Take note of what others did."""
        at = event.at
        match event:
            case e.Opened():
                self._opened = self._resolve_from = at
                self._department, self._priority, self._policy = event.department, event.priority, self._policies[event.policy]
                self._is_open = True
            case e.CustomerWrote():
                self._customer_wrote(event)
            case e.PostDeleted(first=True):
                self._is_deleted, self._promise = True, NEVER
            case e.ReplyPosted() if event.purpose in _IN_PUBLIC:
                self._spoke(event)
            case e.HandedOff():
                if self._handed_off == NEVER:
                    self._resolve_from = at
                self._handed_off, self._department, self._owner = at, event.department, ""
                self._anew(ClockName.ACCEPT)
            case e.Accepted():
                self._owner = event.owner
                self._anew(ClockName.ACCEPT)
            case e.Reassigned():
                self._department, self._owner = event.department, ""
            case e.AskAnswered():
                _end(self._asks, at)
            case e.WaitBegan():
                self._waits.append((at, NEVER))
                self._wait_until = event.until or NEVER
            case e.WaitEnded():
                self._wait_is_over()
            case e.Snoozed():
                self._snoozed_until = event.until
            case e.SnoozeEnded():
                self._snoozed_until = NEVER
            case e.PrioritySet():
                self._priority = event.priority
            case e.PolicyMoved():
                self._policy = self._policies[event.policy]
            case e.Resolved():
                self._is_open, self._is_resolved, self._resolved = False, True, at
                self._rest()
                self._anew(ClockName.THANK_YOU, ClockName.NEXT_REPLY)
            case e.Reopened():
                self._reopened(event)
            case e.Closed() | e.Dismissed() | e.WalkedAway() | e.WatchEnded():
                self._is_open = self._is_resolved = False
                self._promise = NEVER
                self._rest()
            case _:
                pass

    def _customer_wrote(self, event: e.CustomerWrote) -> None:
        """Whoever writes anything but thanks waits for an answer from then on, unless we have spoken since."""
        if event.intent is Intent.THANKS or not event.by_customer or not self._is_open:
            return
        if self._last_word == NEVER or self._last_word <= event.at:
            if not self._unanswered:
                self._anew(ClockName.NEXT_REPLY)
            self._unanswered.append(event.at)

    def _spoke(self, event: e.ReplyPosted) -> None:
        if self._promise != NEVER:
            in_time = event.at <= self._promise
            self._record("promise_kept" if in_time else "promise_broken", about=(self._promise,))
        self._is_acknowledged = True
        self._last_word = event.at
        if self._is_open and event.purpose is Purpose.ASK and (not self._asks or self._asks[-1][1] != NEVER):
            self._asks.append((event.at, NEVER))
        still = [at for at in self._unanswered if at >= event.at]
        if still != self._unanswered:
            self._unanswered = still
            self._anew(ClockName.NEXT_REPLY)
        self._anew(ClockName.HOLDING_UPDATE)
        self._promise = event.promise if event.promise is not None and (self._is_open or self._is_resolved) else NEVER

    def _reopened(self, event: e.Reopened) -> None:
        self._is_open, self._is_resolved, self._priority = True, False, event.priority
        self._resolve_from = self._last_word = event.at
        self._unanswered, self._asks, self._waits = [], [], []
        self._anew(*ClockName)

    def _rest(self) -> None:
        """Nobody waits for anybody any more."""
        _end(self._asks, self.now)
        self._wait_is_over()
        self._unanswered, self._snoozed_until = [], NEVER

    def _wait_is_over(self) -> None:
        _end(self._waits, self.now)
        self._wait_until = NEVER

    def _anew(self, *clocks: ClockName) -> None:
        for clock in clocks:
            self._cycles[clock] = Cycle()

    # --- the clocks ---------------------------------------------------------------------------------------------------

    def _running(self) -> list[Clock]:
        policy, clocks = self._policy, self._policy.clocks
        department = self._times.of(policy, policy.works.get(self._department))
        business = self._times.of(policy, policy.business)
        around_the_clock = self._times.of(policy, None)
        if self._is_resolved:
            return [Clock(ClockName.THANK_YOU, self._resolved, clocks.thank_you, business)]
        if not self._is_open:
            return []
        running = []
        if not self._is_acknowledged:
            running.append(Clock(ClockName.ACKNOWLEDGE, self._opened, policy.acknowledge, around_the_clock))
        if self._handed_off != NEVER:
            if not self._owner:
                running.append(Clock(ClockName.ACCEPT, self._handed_off, clocks.accept.of(self._priority), department))
            at_work = without(department, [*self._asks, *self._waits])
            running.append(Clock(ClockName.RESOLVE, self._resolve_from, clocks.resolve.of(self._priority), at_work))
            if self._last_word != NEVER and not self._is_deleted:
                holding = clocks.holding_update.of(self._priority)
                running.append(Clock(ClockName.HOLDING_UPDATE, self._last_word, holding, without(business, self._asks)))
        if self._unanswered:
            running.append(Clock(ClockName.NEXT_REPLY, self._unanswered[0], clocks.next_reply.of(self._priority), business))
        return running

    # --- time passes --------------------------------------------------------------------------------------------------

    def go_on(self, end: datetime) -> None:
        """Let time pass until `end`."""
        while self.now < end:
            self.look()
            self.now = min(at for at in (end, *self._changes()) if at > self.now)
        self.look()

    def _changes(self) -> Iterator[datetime]:
        """Moments at which something changes: of those that come while nothing else has changed, all."""
        yield from (self._promise, self._wait_until, self._snoozed_until)
        yield from self._times.edges(self._policy, self.now)
        for clock in self._running():
            used = clock.used(self.now)
            if not any(begin <= self.now < end for begin, end in clock.passes):
                continue
            shares = [*self._policy.warn_at, 100, *(step.at for step in self._policy.chains.of(clock.name))]
            yield from (self.now + clock.needs(share) - used for share in shares if clock.needs(share) > used)
            for at, _ in self._cycle(clock).called.values():
                for step in self._policy.chains.of(clock.name):
                    if step.repeat is not None and (since := worked(clock.passes, at, self.now)) < step.repeat.every:
                        yield self.now + step.repeat.every - since

    def look(self) -> None:
        """Record everything that is due now. One thing can bring another: a raised priority leaves less time."""
        while True:
            before = len(self.rows)
            self._look()
            if len(self.rows) == before:
                return

    def _look(self) -> None:
        if self.now >= self._wait_until:
            self._record("wait_ended")
            self._wait_is_over()
        if self.now >= self._snoozed_until:
            self._record("snooze_ended")
            self._snoozed_until = NEVER
        if self.now >= self._promise:
            self._record("promise_broken", about=(self._promise,))
            self._promise = NEVER
        for clock in self._running():
            self._look_at(clock)

    def _look_at(self, clock: Clock) -> None:
        used, cycle = clock.used(self.now), self._cycle(clock)
        for percent in self._policy.warn_at:
            if used >= clock.needs(percent) and percent not in cycle.warned and not cycle.breached:
                cycle.warned.add(percent)
                self._record("clock_warned", clock, percent, about=(clock.since,))
        if used >= clock.needs(100) and not cycle.breached:
            cycle.breached = True
            self._record("clock_breached", clock, about=(clock.since, reached(clock.passes, clock.since, clock.allowance)))
        for step in self._policy.chains.of(clock.name):
            if used >= clock.needs(step.at):
                for to in step.tell:
                    self._climb(clock, step, to)
        self._give_up(clock)

    def _climb(self, clock: Clock, step: Step, to: Audience) -> None:
        cycle = self._cycle(clock)
        if not self._can_be_called(to):
            return
        before = cycle.called.get((step.at, to))
        if before is None:
            first = not any(percent == step.at for percent, _ in cycle.called)
            self._call(clock, step, to, 0)
            if step.raise_priority and first and self._priority is not Priority.URGENT:
                self._record("priority_set")
                self._priority = self._priority.up_one()
        elif step.repeat is not None and not cycle.given_up:
            at, times = before
            if times < step.repeat.at_most and worked(clock.passes, at, self.now) >= step.repeat.every:
                self._call(clock, step, to, times + 1)

    def _call(self, clock: Clock, step: Step, to: Audience, times: int) -> None:
        self._cycle(clock).called[step.at, to] = (self.now, times)
        self._record("escalated", clock, step.at, to, times)

    def _give_up(self, clock: Clock) -> None:
        """Everybody was called again as often as can be, and so much time has passed since that they would be called once more."""
        cycle, used = self._cycle(clock), clock.used(self.now)
        for step in self._policy.chains.of(clock.name):
            calls = [cycle.called.get((step.at, to)) for to in step.tell]
            repeat = step.repeat
            if repeat is None or cycle.given_up or used < clock.needs(step.at):
                continue
            if all(c is not None and c[1] >= repeat.at_most and worked(clock.passes, c[0], self.now) >= repeat.every for c in calls):
                cycle.given_up = True
                self._record("stalled", clock)

    def _can_be_called(self, to: Audience) -> bool:
        if self._snoozed_until != NEVER and to in (Audience.OWNER, Audience.DEPARTMENT):
            return False
        if self._priority is Priority.URGENT:
            return True
        quiet = self._policy.quiet.get(self._who(to) or "")
        return quiet is None or any(begin <= self.now < end for begin, end in self._times.awake(quiet))

    def _who(self, to: Audience) -> str | None:
        """The person who is meant: where nobody is named, the next one up."""
        policy = self._policy
        lead, head = policy.leads.get(self._department), policy.heads.get(self._department)
        match to:
            case Audience.LEAD:
                return lead or head or policy.duty_manager
            case Audience.HEAD:
                return head or policy.duty_manager
            case Audience.DUTY_MANAGER:
                return policy.duty_manager
            case Audience.SOCIAL_LEAD:
                return policy.social_lead
            case _:
                return None

    def _cycle(self, clock: Clock) -> Cycle:
        return self._cycles.setdefault(clock.name, Cycle())

    def _record(
        self,
        kind: str,
        clock: Clock | None = None,
        percent: int = 0,
        to: Audience | None = None,
        repeat: int = 0,
        about: tuple[datetime | None, ...] = (),
    ) -> None:
        self.rows.append(Row(self.now, kind, clock.name if clock is not None else None, percent, to, repeat, about))


def _end(pauses: list[Stretch], at: datetime) -> None:
    if pauses and pauses[-1][1] == NEVER:
        pauses[-1] = (pauses[-1][0], at)
