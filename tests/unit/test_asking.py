"""What stands behind the question mark of the board's address, there and back, and nothing of what nobody can ask."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from api.console.asking import NARROWING, SHOWN_AT_FIRST, SHOWN_AT_MOST, VIEWS, Asked


def asked(query: str) -> Asked:
    return Asked.of(QueryParams(query))


def test_a_view_is_an_address() -> None:
    view = asked("by=department&status=in_progress&status=new&channel=x&only=late&more=billing.48")
    assert view.by == "department"
    assert view.narrowed == (("status", "in_progress"), ("status", "new"), ("channel", "x"))
    assert view.flags == ("late",)
    assert view.more == (("billing", 48),)
    assert asked(view.query) == view


def test_what_nobody_can_ask_is_left_out() -> None:
    assert asked("by=owner&only=everything&more=x&more=.5&more=a.b&status=&status=a%00b&what=ever") == Asked()


@pytest.mark.parametrize(("given_number", "shown"), [(1, SHOWN_AT_FIRST), (99_999, SHOWN_AT_MOST)])
def test_nobody_can_ask_for_everything_at_once(given_number: int, shown: int) -> None:
    assert asked(f"more=new.{given_number}").more == (("new", shown),)


def test_more_of_a_column_is_more_until_it_is_all_that_can_be_shown() -> None:
    view = Asked()
    for _ in range(4):
        view = view.showing_more_of("new")
    assert view.more == (("new", SHOWN_AT_MOST),)


@given(st.lists(st.tuples(st.sampled_from([*NARROWING, "by", "only", "more", "show"]), st.text(max_size=20)), max_size=12))
def test_an_address_that_is_read_and_written_again_stays_the_same(pairs: list[tuple[str, str]]) -> None:
    once = Asked.of(QueryParams(pairs))
    assert Asked.of(QueryParams(parse_qsl(once.query))) == once


def test_every_view_that_everybody_has_is_another_address() -> None:
    assert len({view.address for _, _, view in VIEWS}) == len(VIEWS)
