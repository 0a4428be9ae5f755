"""A shared cause by its rules: each case says it as its own, once; whoever cannot holds it back with the reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain import commands as c
from domain import events as e
from domain.approving import CUSTOMERS, why_held
from domain.merging import told_by
from domain.policy import Approvals
from domain.values import Actor, Intent, Priority, Purpose, Role, Status, Via
from tests.unit.domain.story import ANA, BEN, POLICY, Story

HANNA = Actor("slack:UHANNA", Role.SOCIAL, Via.CONSOLE)


def sharing() -> Story:
    story = Story().accepted()
    story.done(c.JoinSharedCause("join", HANNA, 3))
    return story


def update(story: Story, **named: object) -> c.Announce:
    made = c.Announce("announcement:7:x", HANNA, 3, 7, "update", "w-all", story.now + timedelta(hours=4), seen=story.case.turn)
    return replace(made, **named)  # type: ignore[arg-type]  # the fields that a test names


def held(story: Story, message: c.Announce) -> str:
    (event,) = story.done(message)
    assert isinstance(event, e.HeldBack)
    assert (event.cause, event.announcement) == (3, 7)
    return event.why


def test_what_is_announced_is_said_as_the_cases_own_with_one_event_that_names_the_cause() -> None:
    story = sharing()
    told, planned = story.done(update(story))
    assert told == e.Announced(story.now, 3, 7)
    assert isinstance(planned, e.ReplyPlanned)
    assert (planned.purpose, planned.words) == (Purpose.UPDATE, "w-all")
    assert story.case.promise == story.now + timedelta(hours=4)


def test_a_resolution_for_all_resolves_each_and_closes_each_loop() -> None:
    story = sharing()
    story.done(update(story, what="resolve", root_cause="outage", promise=None))
    assert story.status() is Status.CLOSED
    resolved = next(event for event in story.history if isinstance(event, e.Resolved))
    assert (resolved.root_cause, resolved.words) == ("outage", "w-all")


def test_told_twice_a_case_says_it_once() -> None:
    story = sharing()
    story.done(update(story))
    assert "told this already" in held(story, update(story))


def test_a_case_that_has_moved_on_holds_it_back() -> None:
    story = sharing()
    made = update(story)
    story.arrives(Intent.COMPLAINT)
    assert held(story, made).startswith("Something has happened in this case")
    assert story.case.customer_waiting_since is not None, "and its customer is still owed a reply of their own"


def test_a_case_with_an_open_question_holds_it_back() -> None:
    story = sharing()
    story.done(c.Ask("ask", ANA, "w-ask"))
    assert "question" in held(story, update(story))


@pytest.mark.parametrize("ends", [c.Dismiss("d", HANNA, "spam"), c.LeaveSharedCause("l", HANNA)])
def test_a_case_that_is_over_or_out_of_it_holds_it_back(ends: c.Command) -> None:
    story = sharing()
    story.done(ends)
    assert held(story, update(story))


def test_a_promise_that_is_over_is_not_made() -> None:
    story = sharing()
    assert "promises" in held(story, update(story, promise=story.now - timedelta(minutes=1)))


def test_nobody_resolves_what_nobody_has_accepted() -> None:
    story = Story().opened()
    story.done(c.JoinSharedCause("join", HANNA, 3))
    assert "accepted" in held(story, update(story, what="resolve", root_cause="outage", promise=None))


def test_what_another_one_has_approved_for_all_does_not_wait_in_each_case_again() -> None:
    story = sharing()
    story.policy = POLICY.model_copy(update={"approve_priorities": (Priority.NORMAL,)})
    assert [event.kind for event in story.done(update(story))] == ["announced", "draft_held"], "what nobody has approved waits all the same"
    approved = update(story, id="announcement:8:x", announcement=8, words="w-other", approved_by="slack:UMIRA")
    assert [event.kind for event in story.done(approved)] == ["announced", "reply_planned"]


def test_a_case_shares_one_cause_at_a_time() -> None:
    story = sharing()
    for cause, code in ((3, "no_change"), (4, "another_cause")):
        answer = story.tell(c.JoinSharedCause(f"join-{cause}", HANNA, cause))
        assert isinstance(answer, c.Refusal)
        assert answer.code == code
    story.done(c.LeaveSharedCause("leave", HANNA))
    story.done(c.JoinSharedCause("join-again", BEN, 4))
    assert story.case.cause == 4


def test_the_cause_of_a_merged_case_is_that_of_the_case_it_goes_on_in() -> None:
    first, second = sharing(), Story(case=replace(Story().case, id="meridian-x-17")).opened()
    first.done(c.Merge("m", HANNA, second.case.id, None, c.Target(17, is_open=True, ended=None, same_customer=True)))
    told = told_by(first.case.id, first.entries[-1])
    assert told is not None
    second.done(told[1])
    assert second.case.cause == 3


def test_a_policy_can_ask_for_a_second_person_when_many_customers_are_told() -> None:
    assert Approvals(customers_above=1).customers_above == 1
    with pytest.raises(ValueError, match="customers"):
        Approvals(phrases={"customers": ("refund",)})
    assert why_held((CUSTOMERS,)) == "it goes to many customers at once"
