"""Holding a case to another version of the policy."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain import commands as c
from domain.moving import Change, changes, misfit
from domain.policy import Policy
from domain.values import Actor, ClockName, Role, Via
from tests.unit.domain.story import DEFAULT, POLICY, START, Story

OPERATOR = Actor("operator", Role.ADMIN, Via.CLI)


def without(part: str, name: str) -> Policy:
    return DEFAULT.model_copy(update={part: {key: value for key, value in getattr(DEFAULT, part).items() if key != name}})


def test_a_case_fits_the_policy_that_it_began_with() -> None:
    assert misfit(Story().opened().case, DEFAULT) is None


@pytest.mark.parametrize(
    ("part", "name", "what"), [("brands", "meridian", "brand"), ("channels", "x", "channel"), ("departments", "billing", "department")]
)
def test_a_policy_that_lacks_a_part_of_the_case_is_not_for_it(part: str, name: str, what: str) -> None:
    wrong = misfit(Story().opened().case, without(part, name))
    assert wrong is not None
    assert f"has no {what} '{name}', which this case has" in wrong


def test_a_category_that_is_no_more_is_named_too() -> None:
    triage = DEFAULT.triage.model_copy(update={"categories": {"product": ()}})
    wrong = misfit(Story().opened().case, DEFAULT.model_copy(update={"triage": triage}))
    assert wrong is not None
    assert wrong.endswith("has no category 'billing', which this case has: product, other.")


def test_what_changes_is_when_clocks_are_due_and_nothing_else() -> None:
    case = Story().opened().case
    accept = POLICY.clocks.accept.model_copy(update={"normal": timedelta(hours=2)})
    slower = POLICY.model_copy(update={"clocks": POLICY.clocks.model_copy(update={"accept": accept})})
    hour = timedelta(hours=1)
    assert changes(case, POLICY, slower) == [Change(ClockName.ACCEPT, START + hour, START + 2 * hour)]
    assert changes(case, POLICY, POLICY) == []


def test_a_clock_that_stands_still_stands_still_under_the_new_policy_too() -> None:
    story = Story().accepted()
    story.done(c.WaitOnThirdParty("m", OPERATOR, "the bank"))
    resolve = POLICY.clocks.resolve.model_copy(update={"normal": timedelta(hours=99)})
    slower = POLICY.model_copy(update={"clocks": POLICY.clocks.model_copy(update={"resolve": resolve})})
    assert changes(story.case, POLICY, slower) == []
