"""What was just made is given again; what is older is made anew; and no two make the same at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from api.shelf import AT_MOST, KEPT_FOR_SECONDS, Shelf
from domain.report import Wanted
from domain.reports import NoSuchReport
from tests.unit.domain.story import DEFAULT

WANTED = Wanted(date(2026, 3, 1), date(2026, 3, 28))


class Counting:
    """Sums of nothing, which count how often they are asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.gate = threading.Event()
        self.gate.set()

    def terms(self, _wanted: Wanted, _day: date) -> dict[str, int]:
        self.asked += 1
        self.gate.wait(10)
        return {}

    def days(self, _wanted: Wanted, *_by: str) -> dict[Any, Any]:
        return {}

    def as_of(self) -> None:
        return None


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def shelf(sums: Counting, clock: Clock) -> Shelf:
    given: Any = sums
    return Shelf(given, clock)


ONCE = 5
"""How often the report asks for terms: of this week and of four before."""


def test_the_same_is_given_again_for_a_while_and_other_days_are_another_report() -> None:
    sums, clock = Counting(), Clock()
    kept = shelf(sums, clock)
    first = kept.report("topics", WANTED, DEFAULT)
    clock.now = KEPT_FOR_SECONDS
    assert kept.report("topics", WANTED, DEFAULT) is first
    assert sums.asked == ONCE
    assert kept.report("topics", replace(WANTED, department="billing"), DEFAULT) is not first
    clock.now += 0.1
    assert kept.report("topics", WANTED, DEFAULT) is not first


def test_it_is_made_once_for_all_who_wait() -> None:
    sums = Counting()
    kept = shelf(sums, Clock())
    sums.gate.clear()
    with ThreadPoolExecutor(8) as people:
        asked = [people.submit(kept.report, "topics", WANTED, DEFAULT) for _ in range(8)]
        sums.gate.set()
        assert len({id(one.result(10)) for one in asked}) == 1
    assert sums.asked == ONCE


def test_what_was_asked_for_longest_ago_makes_room() -> None:
    sums = Counting()
    kept = shelf(sums, Clock())
    for number in range(AT_MOST + 1):
        kept.report("topics", replace(WANTED, category=f"c{number}"), DEFAULT)
    kept.report("topics", replace(WANTED, category="c1"), DEFAULT)
    assert sums.asked == (AT_MOST + 1) * ONCE
    kept.report("topics", replace(WANTED, category="c0"), DEFAULT)
    assert sums.asked == (AT_MOST + 2) * ONCE


def test_what_does_not_exist_is_refused_each_time() -> None:
    kept = shelf(Counting(), Clock())
    for _ in range(2):
        with pytest.raises(NoSuchReport):
            kept.report("nonsense", WANTED, DEFAULT)
