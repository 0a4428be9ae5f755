"""A case as its customer may follow it: true at every moment of every life, and nobody's words or names in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings

from domain import commands as c
from domain import events as e
from domain.colours import LEGIBLE, contrast, legible_on
from domain.evolve import fold
from domain.following import KEPT, Followed, followed
from domain.policy import Brand, Policy
from domain.values import Intent, Permalink, Purpose, Status
from tests.unit.domain.story import ANA, BEN, DEFAULT, START, Story
from tests.unit.domain.test_properties import INTENTS, Step, live, lives

THIRD = timedelta(hours=1)


def named() -> Policy:
    """The default policy, but customers read which department has their case."""
    told = DEFAULT.model_dump(mode="json")
    told["brands"]["meridian"]["status_page"] = {"departments": True}
    return Policy.model_validate(told)


def now(story: Story, policy: Policy = DEFAULT) -> Followed:
    return followed(story.case.id, story.history, policy, story.now)


def here(seen: Followed) -> str:
    return next(stage.name for stage in seen.stages if stage.state == "now")


def test_a_case_is_followed_from_the_post_to_the_thank_you() -> None:
    story = Story(posts=False).opened()
    assert (here(now(story)), now(story).stands, now(story).promise) == ("Received", "We've got your message", None)
    story.network_posts()
    seen = now(story)
    assert (here(seen), seen.stands) == ("With our team", "It's with our team")
    assert seen.promise is not None
    assert seen.promise.by == story.case.promise
    assert seen.promise.made_at == START
    story.posts = True
    story.wait(THIRD)
    story.done(c.Accept("a", ANA))
    assert [stage.state for stage in now(story).stages] == ["done", "done", "now", "to_come", "to_come"]
    assert now(story).stages[2].at == START + THIRD
    story.done(c.Ask("b", ANA, "w-ask"))
    assert here(now(story)) == now(story).stands == "We need something from you"
    story.arrives(Intent.REMARK)
    assert here(now(story)) == "Being worked on"
    story.done(c.WaitOnThirdParty("t", ANA, "w-wait", story.now + THIRD))
    assert here(now(story)) == "Waiting for somebody else"
    story.posts = False
    story.done(c.Resolve("r", ANA, "other", "w-r"))
    assert (here(now(story)), now(story).stands) == ("Solved", "It's solved")
    story.network_posts()
    seen = now(story)
    assert story.status() is Status.CLOSED
    assert [(stage.name, stage.state) for stage in seen.stages][-2:] == [("Solved", "done"), ("Closed", "done")]
    assert (seen.promise, seen.over_at) == (None, story.case.closed_at)
    assert seen.over_at is not None
    assert not seen.is_gone(seen.over_at + KEPT - timedelta(seconds=1))
    assert seen.is_gone(seen.over_at + KEPT)


def test_the_department_is_named_only_where_the_policy_says_so() -> None:
    story = Story().opened(department="billing")
    assert now(story, named()).stands == "It's with our Billing team"
    assert "Billing" not in repr(now(story))


def test_a_promise_that_was_missed_is_said_to_be() -> None:
    story = Story().opened()
    kept = now(story).promise
    assert kept is not None
    assert not kept.missed
    late = followed(story.case.id, story.history, DEFAULT, kept.by + timedelta(minutes=1)).promise
    assert late == replace(kept, missed=True)


def test_a_note_of_a_colleague_and_a_private_message_do_not_change_the_page() -> None:
    story = Story().accepted()
    before = now(story)
    story.wait(timedelta(minutes=30))
    story.done(c.Note("n", BEN, "w-note"))
    assert now(story).updated_at == before.updated_at
    private = e.ReplyPosted(story.now, 99, Purpose.PRIVATE, (Permalink("m", "https://x.example/m"),))
    assert followed(story.case.id, [*story.history, private], DEFAULT, story.now).updated_at == before.updated_at


@pytest.mark.parametrize("end", [e.Dismissed(START, "spam"), e.WalkedAway(START, None)])
def test_what_ended_otherwise_is_closed_and_goes_after_the_same_time(end: e.Event) -> None:
    story = Story().opened()
    seen = followed(story.case.id, [*story.history, end], DEFAULT, story.now)
    assert seen.stands == "It's closed"
    assert seen.stages[-1].name == "Closed"
    assert seen.over_at == START
    assert seen.promise is None


@given(lives, INTENTS)
@settings(max_examples=100, deadline=None)
def test_at_every_moment_of_every_life_the_page_is_whole(steps: list[Step], intent: Intent) -> None:
    history = live(steps, intent).history
    policy = named()
    for length in range(1, len(history) + 1):
        past = history[:length]
        seen = followed("meridian-x-1", past, policy, past[-1].at)
        case = fold("meridian-x-1", past)
        assert (seen.over_at is not None) == (case.closed_at is not None or case.ended is not None)
        assert [stage.state for stage in seen.stages].count("now") == (seen.over_at is None)
        assert seen.stages[0].at == case.opened_at
        assert all(stage.at is None for stage in seen.stages if stage.state == "to_come")
        assert seen.updated_at <= max(event.at for event in past)
        assert "{" not in f"{seen.stands}{seen.means}"


def test_only_colours_that_can_be_read_are_taken() -> None:
    assert Brand.model_validate({"name": "M", "team": "M", "status_page": {"accent": "#7A1FA2"}}).status_page.accent == "#7a1fa2"
    for accent, why in [("#ffcc00", "is too light"), ("red", "must be a colour"), ("#fff", "must be"), ("#00000;}", "must be")]:
        with pytest.raises(ValueError, match=why):
            Brand.model_validate({"name": "M", "team": "M", "status_page": {"accent": accent}})


@pytest.mark.parametrize("colour", ["#000000", "#0b5cad", "#7a1fa2", "#b00020", "#0000ff"])
def test_on_dark_paper_a_colour_is_made_light_enough(colour: str) -> None:
    assert contrast(legible_on("#14171c", colour), "#14171c") >= LEGIBLE
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)  # the grey that WCAG's authors name
