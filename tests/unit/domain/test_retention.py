"""Which rule of retention a case falls under, and what a policy may say about it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.errors import PolicyError
from domain.files import read_policy
from domain.retention import ending_of, parse_span, rule_of, write_span
from tests.policies import SHIPPED

KEPT = {"default": timedelta(3), "spam": timedelta(1), "billing": timedelta(9)}


@pytest.mark.parametrize(
    ("ended", "spam", "category", "rule"),
    [
        ("dismissed", True, "billing", "spam"),
        ("dismissed", False, "billing", "billing"),
        ("watch_ended", False, "other", "default"),
        ("walked_away", True, "other", "default"),
    ],
)
def test_how_it_ended_counts_before_the_category_and_that_before_the_default(ended: str, spam: bool, category: str, rule: str) -> None:
    assert rule_of(KEPT, ending_of(ended, spam=spam), category) == rule


def test_without_a_default_what_no_rule_names_is_kept_for_ever() -> None:
    assert rule_of({"spam": timedelta(1)}, "closed", "billing") is None


def test_spans_are_days_and_years() -> None:
    assert parse_span("3 y") == timedelta(days=1095)
    assert parse_span(write_span(timedelta(days=30))) == timedelta(days=30)
    for wrong in ("0 d", "3", "2 h", "-1 d", 7):
        with pytest.raises(ValueError, match="'30 d' or '3 y'"):
            parse_span(wrong)


def test_a_policy_names_what_there_is() -> None:
    assert read_policy(SHIPPED + "\nretention: {default: 3 y, walked_away: 400 d, billing: 10 y}\n", "p").retention["billing"].days == 3650
    with pytest.raises(PolicyError, match="retention names 'biling', which is neither a category nor one of: default, spam"):
        read_policy(SHIPPED + "\nretention: {biling: 3 y}\n", "p")
