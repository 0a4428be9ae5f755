"""The conversation as everybody reads it: what is there, what is not there yet, and nothing that was said in private."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from domain import commands as c
from domain.conversation import Said, conversation, unsettled
from domain.values import Intent
from tests.casefiles import case_file
from tests.unit.domain.story import ANA, Story


def said(story: Story, **more: Any) -> list[Said]:
    return conversation(case_file(story, **more), whole=True)


def told(lines: list[Said]) -> list[tuple[str, str | None, str]]:
    return [(one.who, one.text, one.state) for one in lines]


def silent(story: Story) -> Story:
    """From here on the network posts nothing by itself."""
    story.posts = False
    return story


def test_posts_and_replies_stand_in_the_order_in_which_they_were_said() -> None:
    story = Story().accepted()
    story.wait(timedelta(minutes=5))
    story.arrives(Intent.COMPLAINT)
    lines = said(story, posts=["You charged me twice.", "And again!"], words={"w-r1": "We are sorry."})
    assert told(lines) == [
        ("customer", "You charged me twice.", "there"),
        ("us", "We are sorry.", "there"),
        ("customer", "And again!", "there"),
    ]
    assert lines[1].link == "https://x.example/r1"


def test_a_reply_that_is_not_there_yet_comes_last_and_says_so() -> None:
    story = silent(Story().accepted())
    story.done(c.Update("u1", ANA, "w-u1"))
    story.arrives(Intent.COMPLAINT)
    lines = said(story, words={"w-u1": "We look into it."})
    assert (lines[-1].text, lines[-1].state, lines[-1].what) == ("We look into it.", "on_its_way", "update")
    assert lines[-2].who == "customer"


def test_a_changed_post_shows_what_it_says_now_and_a_deleted_one_that_it_is_gone() -> None:
    story = Story().accepted()
    story.done(c.PostChanged("c1", "p0", words="w-new"))
    assert said(story, words={"w-new": "You charged me three times."})[0].text == "You charged me three times."
    assert said(story)[0].changed
    story.done(c.PostRemoved("d1", "p0"))
    assert said(story)[0].state == "removed"
    assert said(story)[0].link is None


def test_what_was_said_in_private_is_not_in_it() -> None:
    story = Story().accepted()
    before = len(said(story))
    story.done(c.TakePrivate("t1", ANA, "w-line", "w-secret"))
    lines = said(story, words={"w-line": "We have written to you.", "w-secret": {"text": "Your code is 1234."}})
    assert len(lines) == before + 1
    assert "1234" not in str(lines)


def test_a_called_off_reply_is_not_in_it_and_one_in_its_place_is() -> None:
    story = silent(Story().accepted())
    story.done(c.Ask("a1", ANA, "w-a1"))
    planned = story.case.planned()
    assert planned is not None
    story.done(c.Ask("a2", ANA, "w-both", joins=planned.step, alone="w-a2"))
    lines = said(story, words={"w-a1": "Which line?", "w-both": "Which line? Since when?"})
    assert [one.text for one in lines if one.state == "on_its_way"] == ["Which line? Since when?"]


def test_what_a_person_has_to_settle_is_found_with_its_exact_words() -> None:
    story = silent(Story().accepted())
    story.done(c.Update("u1", ANA, "w-u1"))
    step = story.case.replies[-1].step
    story.done(c.PostUnconfirmed("n1", step, "the network did not answer", "w-u1"))
    (one,) = unsettled(case_file(story, words={"w-u1": "We look into it."}))
    assert (one.step, one.text, one.state, one.reason) == (step, "We look into it.", "unconfirmed", "the network did not answer")


def test_what_a_person_has_said_for_us_is_read_in_the_words_that_they_were_shown() -> None:
    story = Story()
    story.posts = False
    story.opened()
    step = story.case.replies[-1].step  # the acknowledgement: its words are made when it is posted
    story.done(c.PostUnconfirmed("n1", step, "Phone", "w-ack", by_hand=True))
    (one,) = unsettled(case_file(story, words={"w-ack": "Hi Sam, we have your case."}))
    assert (one.text, one.state) == ("Hi Sam, we have your case.", "by_hand")
    story.done(c.SettleReply("s1", ANA, step, posted=True, permalink="https://lk.example/console/cases/1"))
    lines = said(story, words={"w-ack": "Hi Sam, we have your case."})
    assert [(one.text, one.state) for one in lines if one.who == "us"] == [("Hi Sam, we have your case.", "there")]


def test_a_reply_that_the_network_refused_can_be_posted_again_and_stands_there_once() -> None:
    story = silent(Story().accepted())
    story.done(c.Update("u1", ANA, "w-u1"))
    refused = story.case.replies[-1].step
    story.done(c.PostFailed("n1", refused, "suspended", "w-u1"))
    file = case_file(story, words={"w-u1": "We look into it."})
    assert [one.state for one in unsettled(file)] == ["refused"]
    link = story.tell(c.SettleReply("s0", ANA, refused, posted=True, permalink="https://x.example/1"))
    assert isinstance(link, c.Refusal)
    assert link.code == "was_refused"
    story.posts = True
    story.done(c.SettleReply("s1", ANA, refused, posted=False))
    after = case_file(story, words={"w-u1": "We look into it."})
    assert unsettled(after) == []
    assert [one.text for one in conversation(after, whole=True)].count("We look into it.") == 1
    assert isinstance(story.tell(c.SettleReply("s2", ANA, refused, posted=False)), c.Refusal)


def test_a_handle_after_a_name_from_right_to_left_is_read_from_left_to_right() -> None:
    mark = "\N{LEFT-TO-RIGHT MARK}"
    assert case_file(Story().accepted(), customer="דנה כהן", handle="dana_k").customer == f"דנה כהן {mark}(@dana_k)"
    assert case_file(Story().accepted(), customer="عائشة", handle="aisha").customer == f"عائشة {mark}(@aisha)"
    assert case_file(Story().accepted()).customer == "Sam Okafor (@sam)"
