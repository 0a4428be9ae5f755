"""Working time: when people work, in their own zone, and how long until so much of it has passed.

A day's span is open from the first moment of the day at which the clock on the wall shows its start, to the last moment at which it
shows less than its end. On the two days a year when that clock is changed, what is skipped is nobody's working time, and what comes
twice is worked twice.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import count
from typing import Protocol
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_LONGEST_CLOSURE = 366 * 5
"""Days without an open moment after which a calendar is taken for a mistake."""


@dataclass(frozen=True, slots=True)
class Span:
    """Open from `start` to `end`, by the clock on the wall. An `end` not after `start` is on the next day; 00:00 to 00:00 is all day."""

    start: time
    end: time


class Calendar(Protocol):
    """Working time: when it runs, and how much of it lies between two moments."""

    def add(self, start: datetime, working: timedelta) -> datetime:
        """The first moment at which `working` time has passed since `start`."""
        ...

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The working time from `start` to `end`; zero when `end` is not after `start`."""
        ...

    def opens(self, at: datetime) -> datetime:
        """The first moment from `at` on at which people work: `at` itself while they do."""
        ...

    def __hash__(self) -> int: ...


class AroundTheClock:
    """The calendar on which every moment is working time."""

    def add(self, start: datetime, working: timedelta) -> datetime:
        """See `Calendar.add`."""
        return start + max(timedelta(0), working)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """See `Calendar.between`."""
        return max(timedelta(0), end - start)

    def opens(self, at: datetime) -> datetime:
        """See `Calendar.opens`."""
        return at


ALWAYS: Calendar = AroundTheClock()


@dataclass(frozen=True, eq=False)
class WorkingHours:
    """When people work. `week`: the spans of each weekday, Monday first. `days`: dates that have spans of their own; none on a holiday.

    A span belongs to the day on which it starts: a night shift that begins before a holiday runs into it.
    Two calendars are the same when they are one object, so that what was counted on one is remembered cheaply.
    """

    zone: str
    week: tuple[tuple[Span, ...], ...]
    days: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.week) != 7:
            raise ValueError(f"a week has seven days, and this calendar has {len(self.week)}")
        if not any(self.week):
            raise ValueError("a calendar on which nobody ever works would never let a clock run out")

    def add(self, start: datetime, working: timedelta) -> datetime:
        """The first moment at which `working` time has passed since `start`. UTC."""
        start = start.astimezone(UTC)
        if working <= timedelta(0):
            return start
        left = working
        for opens, closes in self._open_from(start):
            begins = max(opens, start)
            if closes - begins >= left:
                return begins + left
            left -= closes - begins
        raise AssertionError("the calendar was checked to open again and again")

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The working time from `start` to `end`; zero when `end` is not after `start`."""
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        worked = timedelta(0)
        if end <= start:
            return worked
        for opens, closes in self._open_from(start):
            if opens >= end:
                break
            worked += min(closes, end) - max(opens, start)
        return worked

    def opens(self, at: datetime) -> datetime:
        """The first moment from `at` on at which people work. UTC."""
        at = at.astimezone(UTC)
        return max(at, next(self._open_from(at))[0])

    def _open_from(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The open intervals that end after `moment`, in order, apart from each other."""
        day = moment.astimezone(ZoneInfo(self.zone)).date() - _DAY  # a night shift of the day before may still go on
        last: tuple[datetime, datetime] | None = None
        closed_for = 0
        for number in count():
            today = self._on(day + number * _DAY)
            closed_for = 0 if today else closed_for + 1
            if closed_for > _LONGEST_CLOSURE:
                raise ValueError(f"nobody works for {_LONGEST_CLOSURE // 366} years from {moment:%d %B %Y} on: look at the calendar's days")
            for opens, closes in today:
                if last is not None and opens <= last[1]:
                    last = (last[0], max(last[1], closes))
                    continue
                if last is not None and last[1] > moment:
                    yield last
                last = (opens, closes)
            # A later day's span cannot begin before the next midnight, so what has ended by then is whole.
            if last is not None and last[1] > moment and last[1] < _first(self.zone, day + (number + 1) * _DAY, time(0)):
                yield last
                last = None

    def _on(self, day: date) -> list[tuple[datetime, datetime]]:
        return _intervals(self.zone, day, self.days.get(day, self.week[day.weekday()]))


@lru_cache(maxsize=8192)
def _intervals(zone: str, day: date, spans: tuple[Span, ...]) -> list[tuple[datetime, datetime]]:
    found = []
    for span in spans:
        ends = day if span.end > span.start else day + _DAY
        opens, closes = _first(zone, day, span.start), _last(zone, ends, span.end)
        if closes > opens:
            found.append((opens, closes))
    return sorted(found)


def _first(zone: str, day: date, wall: time) -> datetime:
    """The first moment at which the clock shows `wall` or more on that day."""
    place = ZoneInfo(zone)
    local = datetime.combine(day, wall, place)
    at = local.astimezone(UTC)
    return at if at.astimezone(place).replace(tzinfo=None) == local.replace(tzinfo=None) else _change(place, at)


def _last(zone: str, day: date, wall: time) -> datetime:
    """The moment from which on the clock does not show less than `wall` on that day any more."""
    place = ZoneInfo(zone)
    local = datetime.combine(day, wall, place)
    shown_again = local.replace(fold=1).astimezone(UTC)
    shown = local.astimezone(UTC)
    if shown_again < shown:
        return _change(place, shown)
    before = (shown_again - timedelta.resolution).astimezone(place).replace(tzinfo=None)
    return shown_again if before < local.replace(tzinfo=None) else shown  # put back to exactly `wall`, it showed more before


def _change(place: ZoneInfo, near: datetime) -> datetime:
    """The moment, within a day of `near`, at which the clock was put forward over a time that was skipped."""
    begins = near - _DAY
    offset = (near + _DAY).astimezone(place).utcoffset()
    minutes = range(2 * 24 * 60)
    found = bisect_right(minutes, 0, key=lambda m: int((begins + timedelta(minutes=m)).astimezone(place).utcoffset() == offset))
    return begins + timedelta(minutes=found)
