"""Working time, against a reference that looks at every minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendars import Span, WorkingHours

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NINE_TO_FIVE = (Span(time(9), time(17)),)
OFFICE = WorkingHours("Europe/Berlin", (*[NINE_TO_FIVE] * 5, (), ()))

PLACES = {
    "Europe/Berlin": (date(2026, 3, 27), date(2026, 10, 23)),
    "America/New_York": (date(2026, 3, 6), date(2026, 10, 30)),
    "Australia/Lord_Howe": (date(2026, 4, 3), date(2026, 10, 2)),  # puts its clocks forward by half an hour
    "America/Sao_Paulo": (date(2018, 2, 16), date(2018, 11, 2)),  # at midnight
    "Asia/Kathmandu": (date(2026, 5, 1),),
    "Pacific/Kiritimati": (date(2026, 5, 1),),
}
"""Zones, and days from which on the clock is put forward or back within three days."""
LENGTH = 6 * DAY


@lru_cache(maxsize=32)
def minutes(zone: str, begins: date) -> list[tuple[datetime, datetime]]:
    """Every minute of some days: in UTC, and what the clock on the wall shows."""
    place = ZoneInfo(zone)
    first = datetime.combine(begins, time(0), UTC) - DAY
    every = (first + n * MINUTE for n in range((LENGTH + 2 * DAY) // MINUTE))
    return [(at, at.astimezone(place).replace(tzinfo=None)) for at in every]


def worked(calendar: WorkingHours, begins: date) -> set[datetime]:
    """The minutes at which people work, looked at one by one."""
    known = minutes(calendar.zone, begins)
    found = set()
    for number in range(-2, LENGTH // DAY + 3):
        day = begins + number * DAY
        for span in calendar.days.get(day, calendar.week[day.weekday()]):
            opens = datetime.combine(day, span.start)
            closes = datetime.combine(day if span.end > span.start else day + DAY, span.end)
            started = next((at for at, wall in known if wall >= opens), None)
            last = next((at for at, wall in reversed(known) if wall < closes), None)
            if started is not None and last is not None:
                found |= {at for at, _ in known if started <= at <= last}
    return found


QUARTERS = st.integers(0, 95).map(lambda n: time(n // 4, n % 4 * 15))
SPANS = st.lists(st.builds(Span, QUARTERS, QUARTERS), max_size=3).map(tuple)


@st.composite
def calendars(draw: st.DrawFn) -> tuple[WorkingHours, date]:
    zone = draw(st.sampled_from(sorted(PLACES)))
    begins = draw(st.sampled_from(PLACES[zone]))
    week = draw(st.lists(SPANS, min_size=7, max_size=7).filter(any))
    days = draw(st.dictionaries(st.integers(0, 5).map(lambda n: begins + n * DAY), SPANS, max_size=2))
    return WorkingHours(zone, tuple(week), days), begins


@given(calendars(), st.integers(0, 3 * 24 * 60), st.integers(0, 2 * 24 * 60))
def test_time_between_two_moments_is_the_minutes_at_which_people_work(what: tuple[WorkingHours, date], start: int, length: int) -> None:
    calendar, begins = what
    known = worked(calendar, begins)
    first = datetime.combine(begins, time(0), UTC) + start * MINUTE
    expected = sum(first <= at < first + length * MINUTE for at in known)
    assert calendar.between(first, first + length * MINUTE) == expected * MINUTE


@given(calendars(), st.integers(0, 3 * 24 * 60), st.integers(1, 12 * 60))
def test_the_due_moment_is_the_first_at_which_so_much_was_worked(what: tuple[WorkingHours, date], start: int, allowance: int) -> None:
    calendar, begins = what
    first = datetime.combine(begins, time(0), UTC) + start * MINUTE
    left = sorted(at for at in worked(calendar, begins) if at >= first)
    if len(left) < allowance:
        return  # beyond the days that are looked at minute by minute
    assert calendar.add(first, allowance * MINUTE) == left[allowance - 1] + MINUTE


@given(calendars(), st.integers(0, 4 * 24 * 3600), st.integers(1, 10**6))
def test_both_ways_agree_to_the_second(what: tuple[WorkingHours, date], start: int, seconds: int) -> None:
    calendar, begins = what
    first = datetime.combine(begins, time(0), UTC) + timedelta(seconds=start)
    due = calendar.add(first, timedelta(seconds=seconds))
    assert calendar.between(first, due) == timedelta(seconds=seconds)
    assert calendar.between(first, due - timedelta(seconds=1)) == timedelta(seconds=seconds - 1)


@pytest.mark.parametrize(
    ("start", "working", "due"),
    [
        ("2026-11-20T15:00", 2 * HOUR, "2026-11-23T09:00"),
        ("2026-11-20T16:00", timedelta(minutes=30), "2026-11-23T08:30"),
        ("2026-11-21T12:00", 8 * HOUR, "2026-11-23T16:00"),
        ("2026-12-24T10:00", 4 * HOUR, "2026-12-28T10:00"),
    ],
    ids=["over the weekend", "at closing time", "from the weekend", "half a day and the holidays"],
)
def test_times_that_can_be_worked_out_by_hand(start: str, working: timedelta, due: str) -> None:
    holidays: dict[date, tuple[Span, ...]] = {date(2026, 12, 24): (Span(time(9), time(13)),), date(2026, 12, 25): ()}
    calendar = WorkingHours(OFFICE.zone, OFFICE.week, holidays)
    assert calendar.add(datetime.fromisoformat(f"{start}+00:00"), working) == datetime.fromisoformat(f"{due}+00:00")


def test_whether_people_work_now_and_when_they_are_back() -> None:
    friday_evening = datetime(2026, 11, 20, 18, tzinfo=UTC)
    assert OFFICE.opens(friday_evening) > friday_evening
    assert OFFICE.opens(friday_evening) == datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert OFFICE.opens(OFFICE.opens(friday_evening)) == OFFICE.opens(friday_evening)


@pytest.mark.parametrize(("week", "told"), [(((),) * 7, "nobody ever works"), ((NINE_TO_FIVE,), "seven days")], ids=["never", "a day"])
def test_a_calendar_that_cannot_be_is_refused(week: tuple[tuple[Span, ...], ...], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        WorkingHours("Europe/Berlin", week)


def test_who_leaves_when_the_hour_that_comes_twice_begins_leaves_the_first_time() -> None:
    """At 02:00 on 1 November 2026 New York puts its clocks back to 01:00: whoever works until 01:00 has gone by then."""
    until_one = WorkingHours("America/New_York", ((), (), (), (), (), (Span(time(22), time(1)),), ()))
    half_past = WorkingHours("America/New_York", ((), (), (), (), (), (Span(time(22), time(1, 30)),), ()))
    begins, days_later = datetime(2026, 10, 31, 12, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
    assert until_one.between(begins, days_later) == 3 * HOUR
    assert half_past.between(begins, days_later) == 4.5 * HOUR, "the second half past one is the last that the clock shows"
