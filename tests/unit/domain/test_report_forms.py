"""Reports as CSV and as people read them; and what the badge's forecast says."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.badge import forecast, spoken, trailing
from domain.figures_told import change, told
from domain.report import Column, Row, Table, Unit, Value, Wanted, as_csv

DAY = date(2026, 3, 31)


@given(st.lists(st.tuples(st.text(max_size=12), st.integers(), st.none() | st.floats(0, 1)), max_size=5))
def test_no_cell_of_a_csv_begins_like_a_formula_and_numbers_stay_numbers(cells: list[tuple[str, int, float | None]]) -> None:
    columns = (Column("word", "Word", Unit.TEXT), Column("n", "N"), Column("share", "Share", Unit.SHARE))
    written = as_csv(Table("t", "T", columns, tuple(Row(row) for row in cells)))
    read = list(csv.reader(io.StringIO(written, newline="")))
    assert read[0] == ["word", "n", "share"]
    for (word, number, share), row in zip(cells, read[1:], strict=True):
        assert row[0] in (word, f"'{word}")
        assert row[0][:1] not in ("=", "+", "-", "@", "\t", "\r", "\n")
        assert int(row[1]) == number
        assert row[2] == ("" if share is None else str(round(share, 4)))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_word_that_a_spreadsheet_would_carry_out_is_quoted(text: str) -> None:
    table = Table("t", "T", (Column("word", "Word", Unit.TEXT),), (Row((text,)),))
    assert list(csv.reader(io.StringIO(as_csv(table), newline="")))[1] == [f"'{text}"]


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (None, Unit.SHARE, "–"),
        (0.931, Unit.SHARE, "93 %"),
        (0.9987, Unit.SHARE, "99.9 %"),
        (1.0, Unit.SHARE, "100 %"),
        (0.99999, Unit.SHARE, "100 %"),
        (42.0, Unit.SECONDS, "42 s"),
        (806.0, Unit.SECONDS, "13 min"),
        (15_120.0, Unit.SECONDS, "4.2 h"),
        (108_000.0, Unit.SECONDS, "30 h"),
        (600_000.0, Unit.SECONDS, "6.9 d"),
        (12_345, Unit.COUNT, "12,345"),
        (2.26, Unit.MEAN, "2.3"),
        (DAY, Unit.DAY, "31 Mar"),
    ],
)
def test_values_are_told_as_people_say_them(value: Value, unit: Unit, words: str) -> None:
    assert told(value, unit) == words


def test_a_change_is_told_only_when_it_can_be_seen() -> None:
    assert change(0.93, 0.90, Unit.SHARE) == "3.0 points more"
    assert change(0.9301, 0.9303, Unit.SHARE) == ""
    assert change(120.0, 600.0, Unit.SECONDS) == "8 min shorter"
    assert change(50, 100, Unit.COUNT) == "50 % less"
    assert change(5, 0, Unit.COUNT) == "5 more"
    assert change(5, None, Unit.COUNT) == ""


def test_the_days_before_are_of_the_same_weekdays() -> None:
    wanted = Wanted(DAY - timedelta(days=9), DAY, brand="meridian")
    before = wanted.before()
    assert before == Wanted(DAY - timedelta(days=23), DAY - timedelta(days=14), brand="meridian")
    assert before.first.weekday() == wanted.first.weekday()


def test_the_badge_says_how_much_room_there_is_or_what_it_takes() -> None:
    assert spoken(95, 100, None) == "The badge is held, with room for 5 late answers."
    assert spoken(90, 100, None) == "The badge is held, and the next late answer loses it."
    assert spoken(85, 100, 0.91).startswith("The badge is not held. 50 answers in a row within 15 minutes would bring it back. If the next")
    assert spoken(0, 0, None) == "There was no post on Facebook in the last seven days."


@given(st.integers(0, 500), st.integers(1, 500))
def test_the_room_and_the_way_back_are_exact(within: int, late: int) -> None:
    of = within + late
    said = spoken(within, of, None)
    told_number = re.search(r"room for (\d+)|([\d,]+) answers in a row", said)
    number = int((told_number[1] or told_number[2]).replace(",", "")) if told_number else 0
    if within * 10 >= of * 9:
        assert within * 10 >= (of + number) * 9
        assert within * 10 < (of + number + 1) * 9
    else:
        assert (within + number) * 10 >= (of + number) * 9
        assert (within + number - 1) * 10 < (of + number - 1) * 9


def test_the_forecast_is_the_mean_of_the_same_weekdays() -> None:
    counted = {DAY - timedelta(days=n): (8.0, 10.0) for n in range(28)} | {DAY - timedelta(days=6): (0.0, 10.0)}
    expected = forecast(counted, DAY)
    assert expected[DAY + timedelta(days=1)] == (6.0, 10.0)
    assert expected[DAY + timedelta(days=2)] == (8.0, 10.0)
    assert trailing({**counted, **expected}, DAY + timedelta(days=7)) == pytest.approx(54 / 70)
    assert forecast({}, DAY) == {}
