"""What a list of cases says of those that do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from adapters.slack import lists
from tests.blockkit import texts


def _case(number: int) -> lists.Listed:
    return lists.Listed(
        case_id=f"meridian-x-{number}",
        number=number,
        priority="normal",
        department="Billing",
        customer="Sam Okafor",
        words="You charged me twice.",
        owner="Ben Okoro",
        due_at=datetime(2026, 3, 2, 10, 2, tzinfo=UTC),
        due_clock="resolve",
        breached=False,
        stalled=False,
    )


def _page(others: Sequence[int], *, at_least: bool = False) -> lists.Page:
    return lists.Page([_case(7), _case(3)], others, at_least)


def test_a_list_in_which_all_fit_says_nothing_of_others() -> None:
    assert lists.mine(_page([])) == lists.lines([_case(7), _case(3)], "")
    assert lists.found(_page([]), "refund") == lists.lines([_case(7), _case(3)], "")


@pytest.mark.parametrize(
    ("others", "at_least", "told"),
    [
        ([12], False, "You have 3 open cases. These 2 are due first; after them #12."),
        ([12, 9], False, "You have 4 open cases. These 2 are due first; after them #12 and #9."),
        ([12, 9, 40], False, "You have 5 open cases. These 2 are due first; after them #12, #9 and #40."),
        (range(100, 150), False, "#148 and #149."),
        (range(100, 160), False, "You have 62 open cases. These 2 are due first; after them #100, "),
        (range(100, 160), False, ", #149 and 10 more."),
        (range(1000, 1998), True, "You have 1,000+ open cases."),
        (range(1000, 1998), True, ", #1049 and many more."),
    ],
)
def test_who_has_more_cases_than_fit_hears_how_many_and_which(others: Sequence[int], at_least: bool, told: str) -> None:
    said = list(texts(lists.mine(_page(others, at_least=at_least))))
    assert told in said[0]
    assert said[1] == f" /case {others[0]} shows one."


def test_who_finds_more_than_fit_hears_how_many_and_what_to_do() -> None:
    said = next(texts(lists.found(_page([12, 9]), "refund")))
    assert said == "4 cases have “refund” in them. These 2 are the newest; with another word there are fewer."


@pytest.mark.parametrize(
    ("page", "told"),
    [(lists.Page([]), "Mine (0)"), (_page([]), "Mine (2)"), (_page([12, 9]), "Mine (the first 2 of 4)")],
)
def test_a_shelf_says_how_many_it_has(page: lists.Page, told: str) -> None:
    assert lists.Shelf("Mine", page, "").headline == told
