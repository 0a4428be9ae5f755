"""Merging by its rules: one voice, nothing lost, and every thread gets its last word."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.slack import cards
from domain import commands as c
from domain import events as e
from domain.case import Case
from domain.clocks import owed
from domain.commands import Target
from domain.merging import told_by
from domain.values import Actor, Intent, Priority, Purpose, Role, Status, Triage, Via
from domain.view import needs_human, view
from tests.blockkit import check_message, texts
from tests.casefiles import case_file
from tests.unit.domain.story import ANA, POLICY, Story

HANNA = Actor("slack:UHANNA", Role.SOCIAL, Via.SLACK)
OPEN = Target(17, is_open=True, ended=None, same_customer=True)
OTHERS = replace(OPEN, same_customer=False)
A, B = "meridian-x-1", "meridian-x-17"


def merge(into: str = B, target: Target | None = OPEN, words: str | None = None) -> c.Merge:
    return c.Merge("merge", HANNA, into, words, target)


def other() -> Story:
    story = Story(Case(B)).opened()
    story.tell(c.DeskTold("desk", 3, "billing"))
    story.tell(c.Accept("accept", ANA))
    return story


def merged(first: Story, second: Story, command: c.Merge | None = None) -> None:
    """Merge `first` into `second`, with everything that the one then tells the other."""
    before = len(first.entries)
    first.done(command or merge())
    deliver(first, second, before)


def deliver(teller: Story, hearer: Story, since: int = 0) -> None:
    for entry in teller.entries[since:]:
        told = told_by(teller.case.id, entry)
        if told is not None:
            assert told[0] == hearer.case.id
            hearer.done(told[1])


def refused(story: Story, command: c.Merge) -> str:
    answer = story.tell(command)
    assert isinstance(answer, c.Refusal)
    return answer.code


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (merge(A), "itself"),
        (merge(target=None), "no_such_case"),
        (merge("other-x-17"), "other_brand"),
        (merge("meridian-facebook-17"), "other_network"),
        (merge(target=replace(OPEN, is_open=False, ended="merged")), "target_over"),
        (merge(target=replace(OPEN, is_open=False)), "target_done"),
        (merge(target=OTHERS), "other_customer"),
    ],
)
def test_what_cannot_be_merged_is_refused_with_the_reason(command: c.Merge, code: str) -> None:
    story = Story().accepted()
    assert refused(story, command) == code
    assert story.status() is Status.IN_PROGRESS


def test_a_question_that_is_open_keeps_a_case_where_it_is() -> None:
    story = Story().accepted()
    story.done(c.Ask("ask", ANA, "w"))
    assert refused(story, merge()) == "ask_is_open"
    story.arrives(Intent.REMARK)
    assert [type(event) for event in story.done(merge())] == [e.Merged]


def test_nobody_is_merged_away_before_they_have_had_a_first_reply() -> None:
    story = Story(posts=False).opened()
    assert refused(story, merge()) == "not_acknowledged"
    story.network_posts()
    assert not isinstance(story.tell(merge()), c.Refusal)


def test_words_that_are_on_their_way_or_whose_fate_is_unknown_are_waited_for() -> None:
    story = Story().accepted()
    story.posts = False
    story.done(c.Update("u", ANA, "w"))
    assert refused(story, merge()) == "on_its_way"
    planned = story.case.planned()
    assert planned is not None
    story.done(c.PostUnconfirmed("x", planned.step, "who knows"))
    assert refused(story, merge()) == "unsettled"


def test_what_is_private_stays_with_its_customer() -> None:
    story = Story().accepted()
    triage = Triage(Intent.COMPLAINT, "billing", Priority.NORMAL, "billing")
    story.done(c.PostArrived("whisper", "dm1", triage, story.now, "w-dm1", private=True))
    assert refused(story, merge(target=OTHERS, words="one household")) == "private_words"
    assert not isinstance(story.tell(merge()), c.Refusal)


def test_a_merged_case_owes_and_says_nothing_more() -> None:
    story = Story().accepted()
    promised = story.case.promise
    assert promised is not None
    story.posts = False
    merged(story, other())
    assert story.status() is Status.MERGED
    assert story.case.is_over
    assert story.case.planned() is None
    assert owed(story.case, POLICY) == []
    assert view(story.case, POLICY).merged_into == B
    assert not story.of(e.Closed), "its loop is closed by the other's thank-you"
    assert not story.of(e.PromiseBroken)
    assert story.wait(timedelta(days=10)) == []
    assert refused(story, merge("meridian-x-18")) == "over"
    refusal = story.tell(c.Accept("late", ANA))
    assert isinstance(refusal, c.Refusal)
    assert refusal.reason == "This case was merged: it goes on in the other one, also with what the customer writes here."


def test_what_was_owed_is_owed_by_the_other_case() -> None:
    first, second = Story(Case(A)).opened(priority=Priority.HIGH), other()
    second.done(c.Update("u", ANA, "w", second.now + timedelta(days=2)))
    first.now = second.now = second.now + timedelta(minutes=5)
    first.posts = False
    first.arrives(Intent.COMPLAINT)
    waits, promised = first.case.customer_waiting_since, first.case.promise
    assert waits == first.now
    merged(first, second)
    assert second.case.customer_waiting_since == waits
    assert second.case.promise == promised, "the earlier of the two"
    assert second.case.priority is Priority.HIGH
    assert (second.case.last_post, second.case.thread) == (first.case.last_post, A), "the next reply goes where they wait"
    second.posts = False
    assert [r.thread for r in _planned(second.done(c.Update("u2", ANA, "w2")))] == [A]


def test_told_twice_a_case_takes_another_in_once() -> None:
    first, second = Story(Case(A)).opened(), other()
    merged(first, second)
    before = second.case
    deliver(first, second)
    assert second.case == before
    assert len(second.of(e.TookIn)) == 1


def test_the_loop_is_closed_in_every_thread() -> None:
    first, second = Story(Case(A)).opened(), other()
    merged(first, second)
    second.done(c.Resolve("r", ANA, "other", "w-thanks"))
    second.wait(timedelta(minutes=1))
    assert second.status() is Status.CLOSED
    said = [event for event in second.of(e.ReplyPlanned) if isinstance(event, e.ReplyPlanned)]
    assert [(r.purpose, r.thread, r.to_post) for r in said[-2:]] == [
        (Purpose.THANK_YOU, None, second.case.last_post),
        (Purpose.ELSEWHERE, A, first.case.last_post),
    ]
    assert second.of(e.ReplyPosted)[-1].at >= second.of(e.Closed)[-1].at
    assert not second.wait(timedelta(hours=70)), "and not again"


def test_a_thread_whose_post_was_deleted_is_left_alone() -> None:
    first, second = Story(Case(A)).opened(), other()
    merged(first, second)
    second.done(c.PostRemoved("gone", first.case.first_post))
    second.done(c.Resolve("r", ANA, "other", "w-thanks"))
    second.wait(timedelta(minutes=1))
    assert Purpose.ELSEWHERE not in {r.purpose for r in _planned(second.history)}


def test_a_loop_that_a_person_closed_without_a_thank_you_says_nothing_elsewhere() -> None:
    first, second = Story(Case(A)).opened(), other()
    merged(first, second)
    second.posts = False
    second.done(c.Resolve("r", ANA, "other", "w-thanks"))
    planned = second.case.planned()
    assert planned is not None
    second.done(c.PostFailed("f", planned.step, "no"))
    second.done(c.WaiveThankYou("waive", HANNA, "w"))
    assert second.wait(timedelta(hours=1)) == []


def test_who_reads_another_thread_is_told_by_a_person_when_the_network_refuses_the_last_word_there() -> None:
    first, second = Story(Case(A)).opened(), other()
    merged(first, second)
    second.done(c.Resolve("r", ANA, "other", "w-thanks"))
    second.posts = False
    second.wait(timedelta(minutes=1))
    planned = second.case.planned()
    assert planned is not None
    second.done(c.PostFailed("f", planned.step, "no"))
    assert needs_human(second.case) == "the thank-you in the other thread was refused by the network"


def test_what_the_customer_writes_in_the_merged_thread_is_answered_there() -> None:
    first, second = Story(Case(A)).opened(), other()
    merged(first, second)
    triage = Triage(Intent.COMPLAINT, "billing", Priority.NORMAL, "billing")
    second.posts = False
    second.done(c.PostArrived("n", "later", triage, second.now, "w", thread=A))
    assert second.case.customer_waiting_since == second.now
    (planned,) = _planned(second.done(c.Update("u", ANA, "w-u")))
    assert (planned.to_post, planned.thread) == ("later", A)
    second.network_posts()
    second.done(c.Resolve("r", ANA, "other", "w-thanks"))
    second.network_posts()
    second.wait(timedelta(minutes=1))
    thanked, elsewhere = _planned(second.history)[-2:]
    assert (thanked.purpose, thanked.thread) == (Purpose.THANK_YOU, A)
    assert (elsewhere.purpose, elsewhere.thread) == (Purpose.ELSEWHERE, None), "in its own thread then"


def test_a_post_that_comes_as_the_case_is_merged_is_passed_on() -> None:
    first, second = Story(Case(A)).opened(), other()
    merged(first, second)
    before = len(first.entries)
    first.arrives(Intent.COMPLAINT)
    deliver(first, second, before)
    wrote = second.of(e.CustomerWrote)[-1]
    assert isinstance(wrote, e.CustomerWrote)
    assert (wrote.thread, wrote.words) == (A, f"w-{wrote.post}")
    assert second.case.customer_waiting_since is not None


def test_a_case_that_no_case_takes_in_goes_on_with_its_promise() -> None:
    first, second = Story(Case(A)).opened(), other()
    promised = first.case.promise
    first.posts = False
    first.done(merge())
    second.done(c.Dismiss("d", HANNA, "spam"))
    deliver(first, second)
    before = first.case
    assert before.status is Status.MERGED
    deliver(second, first)
    assert first.status() is Status.HANDED_OFF
    assert first.case.promise == promised
    assert first.of(e.HumanNeeded), "people thought that it was seen to"
    deliver(second, first)
    assert len(first.of(e.Unmerged)) == 1


def test_cases_that_were_merged_go_along_when_theirs_is_merged() -> None:
    first, second, third = Story(Case(A)).opened(), other(), Story(Case("meridian-x-30")).opened()
    merged(first, second)
    merged(second, third, merge(third.case.id, replace(OPEN, number=30)))
    assert {thread.case for thread in third.case.threads} == {A, B, third.case.id}


moves = st.lists(st.sampled_from(["write_a", "write_b", "update", "resolve", "reopen", "wait", "delete_a"]), max_size=8)


@given(moves, moves)
@settings(max_examples=60, deadline=None)
def test_two_threads_hear_one_voice_and_lose_nothing(before: list[str], later: list[str]) -> None:
    """Whatever happens: the merged case is silent, every post is on one record, and a closed loop is told in every thread that is there."""
    first, second = Story(Case(A)).opened(), other()
    for move in before:
        _move(first, second, move, 0)
    if isinstance(first.tell(merge(target=replace(OPEN, is_open=second.case.is_open))), c.Refusal):
        return
    silent = len(first.of(e.ReplyPlanned))
    deliver(first, second)
    for number, move in enumerate(later, start=100):
        _move(first, second, move, number)
    first.wait(timedelta(days=3))
    assert len(first.of(e.ReplyPlanned)) == silent
    heard = [event.post for event in (*first.history, *second.history) if isinstance(event, e.CustomerWrote)]
    assert len(heard) == len(set(heard))
    second.wait(timedelta(minutes=1))
    if second.case.closed_at is not None and not second.case.is_over:
        assert second.case.to_be_told == ()
        assert all(thread.told or thread.gone for thread in second.case.threads)


def _move(first: Story, second: Story, move: str, number: int) -> None:
    triage = Triage(Intent.COMPLAINT, "billing", Priority.NORMAL, "billing")
    second.now = first.now = max(first.now, second.now) + timedelta(minutes=1)
    key = f"{move}{number}{len(second.history)}{len(first.history)}"
    over = first.case.merged_into is not None
    match move:
        case "write_a" if over:
            second.tell(c.PostArrived(key, key, triage, second.now, key, thread=A))
        case "write_a":
            first.tell(c.PostArrived(key, key, triage, first.now, key))
        case "write_b":
            second.tell(c.PostArrived(key, key, triage, second.now, key))
        case "update":
            second.tell(c.Update(key, ANA, key))
        case "resolve":
            second.tell(c.Resolve(key, ANA, "other", key))
        case "reopen":
            second.tell(c.Reopen(key, HANNA))
        case "delete_a":
            (second if over else first).tell(c.PostRemoved(key, first.case.first_post))
        case _:
            second.wait(timedelta(hours=3))


def _planned(events: list[e.Event]) -> list[e.ReplyPlanned]:
    return [event for event in events if isinstance(event, e.ReplyPlanned)]


def test_the_cards_say_where_it_goes_on_and_nothing_can_be_done_on_the_merged_one() -> None:
    first, second = Story(Case(A)).opened(), other()
    second.done(c.JoinSharedCause("join", HANNA, 3))
    merged(first, second)
    cards_of = {}
    for story, numbers in ((first, {B: 17}), (second, {A: 7})):
        file = replace(case_file(story), numbers=numbers)
        cards_of[story.case.id] = cards.card(file, file.case.department, None)
        check_message(cards_of[story.case.id], cards.card_text(file))
    (only,) = [element for block in cards_of[A] if block["type"] == "actions" for element in block["elements"]]
    assert (only["text"]["text"], only["value"]) == ("Show #17", B)
    assert "It goes on in #17, in this thread too." in " ".join(texts(cards_of[A]))
    shown = " ".join(texts(cards_of[B]))
    assert "#7 goes on here." in shown
    assert "It shares the cause C3 with other cases." in shown
