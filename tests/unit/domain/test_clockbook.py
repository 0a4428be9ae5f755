"""Every clock of a case: which ran, when it was due, and whether what it waited for came in time."""

from __future__ import annotations

from datetime import timedelta

from domain import commands as c
from domain.clockbook import clockbook
from domain.values import ClockName
from tests.casefiles import case_file
from tests.unit.domain.story import ANA, Story


def ran(story: Story) -> list[tuple[str, str]]:
    return [(one.name.value, one.state) for one in clockbook(case_file(story), story.now)]


def test_what_runs_stands_first_the_most_urgent_before_the_others_and_what_was_met_after_it() -> None:
    story = Story().accepted()
    assert ran(story) == [("holding_update", "running"), ("resolve", "running"), ("accept", "met"), ("acknowledge", "met")]


def test_a_clock_that_ran_out_is_late_until_it_is_met_late() -> None:
    story = Story().opened()
    story.wait(timedelta(hours=2))
    assert ("accept", "late") in ran(story)
    story.done(c.Accept("a1", ANA))
    assert ("accept", "met_late") in ran(story)


def test_a_clock_that_stands_still_has_no_due_moment() -> None:
    story = Story().accepted()
    story.done(c.WaitOnThirdParty("w1", ANA, "w-w1"))
    (resolve,) = [one for one in clockbook(case_file(story), story.now) if one.name is ClockName.RESOLVE]
    assert (resolve.state, resolve.due_at) == ("paused", None)


def test_what_nobody_needs_any_more_is_called_off_and_not_met() -> None:
    story = Story().opened()
    story.done(c.Dismiss("d1", ANA, "spam"))
    assert {state for _, state in ran(story)} == {"called_off", "met"}
    assert ("acknowledge", "met") in ran(story)
