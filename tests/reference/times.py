"""The working times of a policy's calendars and people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from domain.hours import Hours, Quiet
from domain.policy import CasePolicy
from tests.reference.working_time import ALWAYS, Stretch, WorkingTime, stretches


class Times:
    """The working times of a policy, from a moment to another."""

    def __init__(self, begins: datetime, ends: datetime) -> None:
        self._begins, self._ends = begins, ends
        self._found: dict[WorkingTime, list[Stretch]] = {}

    def of(self, policy: CasePolicy, calendar: str | None) -> list[Stretch]:
        """When people work by that calendar; always, without one."""
        return self._stretches(ALWAYS if calendar is None else working(policy.calendars[calendar]))

    def awake(self, quiet: Quiet) -> list[Stretch]:
        """When a person may be called."""
        return self._stretches(WorkingTime(quiet.zone, (((quiet.hours.end, quiet.hours.start),),) * 7))

    def edges(self, policy: CasePolicy, now: datetime) -> Iterator[datetime]:
        """The next moment, for each calendar and each person, at which work or sleep begins or ends."""
        lines = [self.of(policy, name) for name in policy.calendars] + [self.awake(quiet) for quiet in policy.quiet.values()]
        for line in lines:
            yield from ([at for stretch in line for at in stretch if at > now][:1])

    def _stretches(self, working: WorkingTime) -> list[Stretch]:
        if working not in self._found:
            self._found[working] = stretches(working, self._begins, self._ends)
        return self._found[working]


def working(hours: Hours) -> WorkingTime:
    """What a policy's calendar says."""
    days = {day: tuple((span.start, span.end) for span in spans) for day, spans in hours.days.items()}
    days = {**dict.fromkeys(hours.holidays, ()), **days}
    return WorkingTime(hours.zone, tuple(tuple((s.start, s.end) for s in spans) for spans in hours.week), tuple(sorted(days.items())))
