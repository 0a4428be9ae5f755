"""What reports know of a case: one row of figures, read off its history alone. docs/numbers.md says of each figure exactly what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain import events as e
from domain.calendars import Calendar
from domain.case import Case
from domain.clocks import Clock, either, running
from domain.evolve import evolve
from domain.policy import CasePolicy
from domain.values import ASIDE, NOWHERE, ClockName, Intent, Pause, Purpose

Policies = Callable[[str], CasePolicy]
"""The slice of a version of the policy that the case was held to, by the version's id."""


class Closing(StrEnum):
    """How a loop was closed."""

    THANK_YOU = "thank_you"
    CLOSING_NOTE = "closing_note"
    WAIVED = "waived"
    ELSEWHERE = "elsewhere"
    """By a word that has no public address: on the phone, in a letter."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How often a clock was kept and how often it ran out first, counting each of its cycles that has ended one way or the other."""

    kept: int = 0
    late: int = 0


@dataclass(frozen=True, slots=True)
class Measure:
    """A case in figures. Times are whole seconds; None when the case has not come so far, or went another way.

    `since`: when the customer wrote the first post. `acknowledged`, `resolved` and `closed` count from there, `accepted` from the first
    handoff. The `…_working` ones count the department's working time, `resolved_working` without the time in which the customer
    or a third party was waited for. `wrote`: when each post of the customer came in, the first included.
    """

    brand: str
    channel: str
    intent: str
    category: str
    priority: str
    department: str
    owner: str | None
    status: str
    since: datetime
    acknowledged: int | None = None
    accepted: int | None = None
    accepted_working: int | None = None
    resolved: int | None = None
    resolved_working: int | None = None
    closed: int | None = None
    clocks: Mapping[ClockName, Tally] = field(default_factory=dict)
    promises_kept: int = 0
    promises_broken: int = 0
    closing: Closing | None = None
    reopened: int = 0
    thanks: int = 0
    thanks_answered: int = 0
    wrote: tuple[datetime, ...] = ()


def local(moment: datetime, zone: str) -> tuple[date, int]:
    """The day and the hour that the clock on the wall shows at a moment."""
    there = moment.astimezone(ZoneInfo(zone))
    return there.date(), there.hour


def measure(case_id: str, history: Iterable[e.Event], policies: Policies) -> Measure | None:
    """The figures of a case with that history; None while it has not been opened. The same history always has the same figures."""
    walk = _Walk(Case(case_id), policies)
    for event in history:
        walk.take(event)
    return walk.measure()


_WAITS_FOR: Mapping[ClockName, type[e.Event]] = {
    ClockName.ACKNOWLEDGE: e.ReplyPosted,
    ClockName.ACCEPT: e.Accepted,
    ClockName.HOLDING_UPDATE: e.ReplyPosted,
    ClockName.NEXT_REPLY: e.ReplyPosted,
    ClockName.RESOLVE: e.Resolved,
    ClockName.THANK_YOU: e.Closed,
}


@dataclass
class _Walk:
    """A history, read from the beginning."""

    case: Case
    policies: Policies
    since: datetime | None = None
    handed_off: datetime | None = None
    accepted: datetime | None = None
    accepted_working: timedelta = timedelta(0)
    worked: timedelta = timedelta(0)
    closing: Closing | None = None
    said_last: Purpose | None = None
    kept: int = 0
    broken: int = 0
    thanks: int = 0
    welcomed: int = 0
    wrote: list[datetime] = field(default_factory=list)
    clocks: dict[ClockName, Clock] = field(default_factory=dict)
    breached: set[ClockName] = field(default_factory=set)
    """The clocks whose present cycle is on record as breached."""
    tallies: dict[ClockName, Tally] = field(default_factory=dict)

    def take(self, event: e.Event) -> None:
        """One event further."""
        before = self.case
        self.case = evolve(before, event)
        self._note(event, before)
        self._clocks(event)

    def measure(self) -> Measure | None:
        """What has come of it."""
        case, since = self.case, self.since
        if since is None:
            return None
        tallies = dict(self.tallies)
        for name in self.breached:  # still running, and late already
            tallies[name] = _one_more(tallies.get(name), late=True)
        resolved = case.resolved_at is not None
        return Measure(
            brand=case.brand,
            channel=case.channel,
            intent=case.intent.value,
            category=case.category,
            priority=case.priority.value,
            department=case.department,
            owner=case.owner,
            status=case.status.value,
            since=since,
            acknowledged=_seconds(since, case.acknowledged_at),
            accepted=_seconds(self.handed_off, self.accepted),
            accepted_working=None if self.accepted is None else int(self.accepted_working.total_seconds()),
            resolved=_seconds(since, case.resolved_at),
            resolved_working=int(self.worked.total_seconds()) if resolved else None,
            closed=_seconds(since, case.closed_at),
            clocks=tallies,
            promises_kept=self.kept,
            promises_broken=self.broken,
            closing=self.closing,
            reopened=case.reopened,
            thanks=self.thanks,
            thanks_answered=self.welcomed,
            wrote=tuple(self.wrote),
        )

    def _note(self, event: e.Event, before: Case) -> None:
        match event:
            case e.Opened():
                self.since = min(event.at, event.posted_at or event.at)
                self.wrote.append(self.since)
            case e.CustomerWrote() if event.by_customer:
                self.wrote.append(event.at)
                self.thanks += event.intent is Intent.THANKS
            case e.ReplyPosted():
                self.welcomed += event.purpose is Purpose.WELCOME
                self.said_last = self.said_last if event.purpose in ASIDE else event.purpose
            case e.HandedOff():
                self.handed_off = self.handed_off or event.at
            case e.Accepted() if self.accepted is None and self.handed_off is not None:
                self.accepted = event.at
                self.accepted_working = self._calendar(ClockName.ACCEPT).between(self.handed_off, event.at)
            case e.Resolved():
                self.worked += self._worked(before, event.at)
            case e.PromiseKept():
                self.kept += 1
            case e.PromiseBroken():
                self.broken += 1
            case e.Closed():
                self.closing = _closing(event, self.said_last)
            case e.Reopened():
                self.closing = None
            case _:
                pass

    def _clocks(self, event: e.Event) -> None:
        """What has become of the clocks that ran until this event."""
        if isinstance(event, e.Reassigned):
            return  # it has nobody for the moment until it is handed off again, which begins the accept clock anew
        if isinstance(event, e.ClockBreached):
            self.breached.add(event.clock)
        now = {clock.name: clock for clock in running(self.case, self.policies(self.case.policy))} if self.since is not None else {}
        for name, clock in self.clocks.items():
            if name in now and now[name].started_at == clock.started_at:
                continue
            due = clock.due_at
            if name in self.breached or (due is not None and event.at > due):
                self.tallies[name] = _one_more(self.tallies.get(name), late=True)
            elif isinstance(event, _WAITS_FOR[name]):
                self.tallies[name] = _one_more(self.tallies.get(name), late=False)
            self.breached.discard(name)
        self.clocks = now

    def _calendar(self, clock: ClockName) -> Calendar:
        return self.policies(self.case.policy).calendar_of(clock, self.case.department)

    def _worked(self, before: Case, until: datetime) -> timedelta:
        """The working time that went by since it was handed off, or reopened, without what others were waited for."""
        if before.resolve_from is None:
            return timedelta(0)
        return working(self._calendar(ClockName.RESOLVE), before.resolve_from, until, either(before.pauses, before.waits))


def working(calendar: Calendar, start: datetime, end: datetime, pauses: Iterable[Pause]) -> timedelta:
    """The working time from `start` to `end` outside the pauses, which are in order and apart from each other."""
    worked, at = timedelta(0), start
    for pause in pauses:
        worked += calendar.between(at, min(pause.since, end))
        at = max(at, end if pause.until is None else min(pause.until, end))
    return worked + calendar.between(at, end)


def _closing(event: e.Closed, said_last: Purpose | None) -> Closing:
    if event.waived_by is not None:
        return Closing.WAIVED
    if event.permalink is None or event.permalink.startswith(NOWHERE):
        return Closing.ELSEWHERE
    return Closing.CLOSING_NOTE if said_last is Purpose.CLOSING_NOTE else Closing.THANK_YOU


def _one_more(tally: Tally | None, *, late: bool) -> Tally:
    before = tally or Tally()
    return Tally(before.kept + (not late), before.late + late)


def _seconds(start: datetime | None, end: datetime | None) -> int | None:
    return None if start is None or end is None else max(0, int((end - start).total_seconds()))
