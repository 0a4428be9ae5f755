"""The days of a report are read as the fewest sums: four weeks, weeks, days; none missing, none twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from adapters.postgres.reporting import pieces

LENGTHS = {"four_weeks": 28, "week": 7, "day": 1}
DAYS = st.dates(date(1999, 1, 1), date(2060, 1, 1))


def days_in(found: list[tuple[str, date, date]]) -> Iterator[date]:
    for grain, first, last in found:
        for begin in range(0, (last - first).days + 1, LENGTHS[grain]):
            yield from (first + timedelta(days=begin + n) for n in range(LENGTHS[grain]))


@given(DAYS, st.integers(0, 800), st.booleans())
def test_the_pieces_are_the_days(first: date, more: int, by_week: bool) -> None:
    last = first + timedelta(days=more)
    found = pieces(first, last, by_week=by_week)
    assert sorted(days_in(found)) == [first + timedelta(days=n) for n in range(more + 1)]
    assert len(found) <= 5
    assert all(begin.weekday() == 0 for grain, begin, _ in found if grain != "day")
    assert all((begin - date(1970, 1, 5)).days % 28 == 0 for grain, begin, _ in found if grain == "four_weeks")


def test_a_year_is_few_pieces() -> None:
    found = pieces(date(2026, 1, 1), date(2026, 12, 31))
    blocks = sum((last - first).days // LENGTHS[grain] + 1 for grain, first, last in found)
    assert blocks <= 12 + 6 + 12
