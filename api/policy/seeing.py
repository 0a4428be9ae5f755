"""A policy as people read it: durations, weeks, holidays and chains in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from adapters.public_holidays import UnknownCountry, public_holidays
from domain.calendars import Span
from domain.durations import write_duration
from domain.escalation import Step
from domain.hours import DAYS, Hours, write_span
from domain.policy import ByPriority, Policy
from domain.sentences import joined, say
from domain.values import ClockName, Priority

NEXT_DAYS = 6
PRIORITIES = (Priority.URGENT, Priority.HIGH, Priority.NORMAL, Priority.LOW)
_RUNS_ON = {
    ClockName.ACCEPT: say("the department's calendar"),
    ClockName.HOLDING_UPDATE: say("the brand's calendar"),
    ClockName.NEXT_REPLY: say("the brand's calendar"),
    ClockName.RESOLVE: say("the department's calendar"),
    ClockName.THANK_YOU: say("the brand's calendar"),
}


@dataclass(frozen=True, slots=True)
class ClockRow:
    """A clock: how long it is for each priority (one for all, where priorities do not matter), and on which time it runs."""

    clock: str
    durations: tuple[str, ...]
    runs_on: str


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step of a chain."""

    at: int
    tells: tuple[str, ...]
    besides: str


@dataclass(frozen=True, slots=True)
class Special:
    """A day that is unlike its week."""

    day: date
    what: str
    hours: str


@dataclass(frozen=True, slots=True)
class CalendarView:
    """A calendar: its week in runs of days, the next special days, and up to when public holidays are known."""

    name: str
    zone: str
    week: tuple[tuple[str, str], ...]
    follows: str | None
    next_days: tuple[Special, ...]
    known_until: date | None


def clocks(policy: Policy) -> list[ClockRow]:
    """The clocks, but for the acknowledge clock, which stands with each channel."""
    return [ClockRow(clock.value, _durations(getattr(policy.clocks, clock.value)), runs_on) for clock, runs_on in _RUNS_ON.items()]


def _durations(value: ByPriority | timedelta) -> tuple[str, ...]:
    if isinstance(value, timedelta):
        return (write_duration(value),)
    return tuple(write_duration(value.of(priority)) for priority in PRIORITIES)


def chains(policy: Policy) -> list[tuple[str, list[StepRow]]]:
    """The chain of each clock that has one."""
    found = ((clock.value, getattr(policy.escalation, clock.value)) for clock in ClockName)
    return [(clock, [_step(step) for step in steps]) for clock, steps in found if steps]


def _step(step: Step) -> StepRow:
    besides = [say("one priority up")] if step.raise_priority else []
    if step.repeat is not None:
        besides.append(
            say(
                "again every {every}, {at_most} times at most, then stalled",
                every=write_duration(step.repeat.every),
                at_most=step.repeat.at_most,
            )
        )
    return StepRow(step.at, tuple(audience.value for audience in step.tell), joined(", ", besides))


def calendars(policy: Policy, today: date) -> list[CalendarView]:
    """The calendars, with the days to come on which they are unlike their week."""
    return [
        CalendarView(
            name,
            hours.zone,
            tuple(_week(hours)),
            hours.public_holidays,
            tuple(sorted(_specials(hours, today), key=lambda one: one.day)[:NEXT_DAYS]),
            max(hours.holidays, default=None),
        )
        for name, hours in policy.calendars.items()
    ]


def _week(hours: Hours) -> Iterator[tuple[str, str]]:
    for spans, run in groupby(zip(DAYS, hours.week, strict=True), key=lambda pair: pair[1]):
        days = [day.capitalize() for day, _ in run]
        yield days[0] if len(days) == 1 else f"{days[0]}–{days[-1]}", _hours(spans)


def _hours(spans: Iterable[Span]) -> str:
    """As a policy writes them, with the day's end as 24:00."""
    return ", ".join(re.sub(r"-00:00$", "-24:00", write_span(span)) for span in spans) or say("closed")


def _specials(hours: Hours, today: date) -> Iterator[Special]:
    names = _names(hours, today)
    for day, spans in hours.days.items():
        if day >= today:
            yield Special(day, names.get(day, say("as the policy says")), _hours(spans))
    for day in hours.holidays:
        if day >= today and day not in hours.days:
            yield Special(day, names.get(day, say("holiday")), say("closed"))


def _names(hours: Hours, today: date) -> dict[date, str]:
    if hours.public_holidays is None:
        return {}
    country, _, part = hours.public_holidays.partition("-")
    try:
        return public_holidays(country, part or None, range(today.year, today.year + 2))
    except UnknownCountry:  # the version is older than the tables of holidays; its dates stand in it
        return {}
