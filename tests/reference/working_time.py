"""Working time, found by looking at the clock on the wall at every minute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
NEVER = datetime.max.replace(tzinfo=UTC)

Stretch = tuple[datetime, datetime]
"""From a moment to another, which does not belong to it any more."""
Daily = tuple[time, time]
"""From a time of the day to another, by the clock on the wall; to one that is not later: to that of the next day."""


@dataclass(frozen=True)
class WorkingTime:
    """When people work in a zone: each weekday's hours, and those of single days, which have none when they are holidays."""

    zone: str
    week: tuple[tuple[Daily, ...], ...]
    days: tuple[tuple[date, tuple[Daily, ...]], ...] = ()

    def on(self, day: date) -> tuple[Daily, ...]:
        """The hours that begin on that day."""
        return dict(self.days).get(day, self.week[day.weekday()])


ALWAYS = WorkingTime("UTC", (((time(0), time(0)),),) * 7)


@lru_cache(maxsize=512)
def _shown(zone: str, day: date) -> list[datetime]:
    """What the clock on the wall shows at every minute of a day of UTC."""
    place, midnight = ZoneInfo(zone), datetime.combine(day, time(0), UTC)
    return [(midnight + n * MINUTE).astimezone(place).replace(tzinfo=None) for n in range(24 * 60)]


@lru_cache(maxsize=8192)
def _begin_and_end(zone: str, day: date, hours: Daily) -> Stretch | None:
    """When people work who begin on that day of their own: from the first minute at which the clock shows the beginning, to the end of
    the last at which it does not show the end yet.
    """
    begin = datetime.combine(day, hours[0])
    end = datetime.combine(day if hours[1] > hours[0] else day + DAY, hours[1])
    shown = [wall for n in (-1, 0, 1, 2) for wall in _shown(zone, day + n * DAY)]
    first = next(n for n, wall in enumerate(shown) if wall >= begin)
    last = next(n for n in reversed(range(len(shown))) if shown[n] < end)
    if first > last:
        return None  # a day, or a part of one, that was skipped there
    known_from = datetime.combine(day - DAY, time(0), UTC)
    return known_from + first * MINUTE, known_from + (last + 1) * MINUTE


@lru_cache(maxsize=8192)
def _stretches_of(working: WorkingTime, day: date) -> tuple[Stretch, ...]:
    """When people work on a day of UTC."""
    begins = [day + n * DAY for n in (-2, -1, 0, 1)]
    shifts = [_begin_and_end(working.zone, begin, hours) for begin in begins for hours in working.on(begin)]
    midnight = datetime.combine(day, time(0), UTC)
    found: list[Stretch] = []
    for at in (midnight + n * MINUTE for n in range(24 * 60)):
        if not any(shift is not None and shift[0] <= at < shift[1] for shift in shifts):
            continue
        if found and found[-1][1] == at:
            found[-1] = (found[-1][0], at + MINUTE)
        else:
            found.append((at, at + MINUTE))
    return tuple(found)


def stretches(working: WorkingTime, since: datetime, until: datetime) -> list[Stretch]:
    """When people work on the days of UTC from `since` to `until`, in order."""
    if working == ALWAYS:
        return [(since, until)]
    days = range((until.date() - since.date()).days + 1)
    return [stretch for n in days for stretch in _stretches_of(working, since.date() + n * DAY)]


def without(open_: Sequence[Stretch], pauses: Sequence[Stretch]) -> list[Stretch]:
    """What is left of the stretches when the pauses are cut out of them."""
    left = list(open_)
    for since, until in pauses:
        left = [piece for one in left for piece in _cut(one, since, until)]
    return left


def _cut(one: Stretch, since: datetime, until: datetime) -> Iterator[Stretch]:
    before, after = (one[0], min(one[1], since)), (max(one[0], until), one[1])
    yield from (piece for piece in (before, after) if piece[0] < piece[1])


def worked(open_: Sequence[Stretch], since: datetime, until: datetime) -> timedelta:
    """How much of the time from `since` to `until` is in these stretches."""
    return sum((min(end, until) - max(begin, since) for begin, end in open_ if begin < until and end > since), timedelta(0))


def reached(open_: Sequence[Stretch], since: datetime, wanted: timedelta) -> datetime | None:
    """The first moment at which so much has been worked since `since`; None when the stretches end before."""
    left = wanted
    for begin, end in open_:
        piece = end - max(begin, since)
        if piece > timedelta(0):
            if piece >= left:
                return max(begin, since) + left
            left -= piece
    return None
