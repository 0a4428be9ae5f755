"""The lives of cases that are recorded. A story is never changed once its recording is there; write another one instead."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from domain import commands as c
from domain.values import Actor, Role, Via
from tests.integration.opened import created
from tests.temporal.conftest import LONGEST_RUN, Town

Story = Callable[[Town], Awaitable[str]]
STORIES: dict[str, Story] = {}
"""By name. Each plays one case and returns its id."""


def story(play: Story) -> Story:
    """Enter it under its name."""
    STORIES[play.__name__.replace("_", "-")] = play
    return play


async def _accepted(town: Town) -> str:
    case = await town.post()
    await town.until(lambda: {"reply_posted", "handoff_delivered"} <= set(town.kinds(case)))
    await town.command(case, c.Accept)
    return case


async def _resolved(town: Town, case: str) -> None:
    await town.command(case, c.Resolve, "billing_error", town.words(case, "Thank you for your patience: it is refunded."))
    await town.until(lambda: "closed" in town.kinds(case))


async def _answered(town: Town, case: str, post: str, text: str) -> None:
    await town.tell(town.writes(case, post, text))


@story
async def main_path(town: Town) -> str:
    """Accepted, an update, the customer writes again, resolved, thanked, the watch ends."""
    case = await _accepted(town)
    await town.command(case, c.Note, town.words(case, "charged on the 3rd and the 4th"))
    await town.command(case, c.Update, town.words(case, "We have found the second charge."))
    await town.until(lambda: town.kinds(case).count("reply_posted") == 2)
    await _answered(town, case, "main-2", "When do I get it back?")
    await town.until(lambda: "customer_wrote" in town.kinds(case))
    await town.wait(case, timedelta(hours=2))
    await _resolved(town, case)
    assert await town.ended(case) == "watch_ended"
    return case


@story
async def ask_unanswered(town: Town) -> str:
    """A question to the customer, two nudges, and a closing note after a week."""
    case = await _accepted(town)
    await town.command(case, c.Ask, town.words(case, "Which line is it?"))
    await town.until(lambda: "Which line is it?" in town.square.texts(case))
    assert await town.ended(case) == "watch_ended"
    return case


@story
async def ask_answered(town: Town) -> str:
    """A question to the customer, who answers it."""
    case = await _accepted(town)
    await town.command(case, c.Ask, town.words(case, "Which line is it?"))
    await town.until(lambda: "Which line is it?" in town.square.texts(case))
    await town.at_rest(case)
    await _answered(town, case, "ask-2", "It is the second one, and it still does not work")
    await town.until(lambda: "ask_answered" in town.kinds(case))
    await _resolved(town, case)
    await town.at_rest(case)
    return case


@story
async def breach_with_holding_message(town: Town) -> str:
    """Slack refuses, the handoff goes by mail, nobody accepts, and the system speaks for itself in time."""
    town.wall.refuses = "channel_not_found"
    case = await town.post()
    await town.until(lambda: "reply_posted" in town.kinds(case))
    await town.wait(case, timedelta(hours=9))
    assert {"clock_breached", "handoff_mailed", "promise_kept"} <= set(town.kinds(case))
    await town.at_rest(case)
    return case


@story
async def reassigned(town: Town) -> str:
    """To another department, which accepts and resolves; priority and category change on the way."""
    case = await _accepted(town)
    await town.command(case, c.Reassign, "technical", town.words(case, "it is the app, not the bill"))
    await town.command(case, c.SetCategory, "technical")
    await town.command(case, c.SetPriority, "urgent")
    await town.command(case, c.Accept)
    await _resolved(town, case)
    await town.at_rest(case)
    return case


@story
async def thanked_then_reopened(town: Town) -> str:
    """Closed; a thank-you is answered and does not reopen; a complaint does."""
    case = await _accepted(town)
    await _resolved(town, case)
    await _answered(town, case, "reopened-2", "Thanks, all good now")
    await town.until(lambda: town.kinds(case).count("reply_posted") == 3)
    await town.wait(case, timedelta(hours=5))
    await _answered(town, case, "reopened-3", "You charged me twice again and nobody answers!")
    await town.until(lambda: "reopened" in town.kinds(case) and town.kinds(case).count("reply_posted") == 4)
    await town.at_rest(case)
    return case


@story
async def dismissed(town: Town) -> str:
    """Nothing to answer."""
    case = await _accepted(town)
    await town.command(case, c.Dismiss, "nothing_to_answer", town.words(case, "meant for another shop"))
    assert await town.ended(case) == "dismissed"
    return case


@story
async def praise(town: Town) -> str:
    """Thanked, watched, over."""
    case = await town.post(text="Amazing service today, thank you!")
    assert await town.ended(case) == "watch_ended"
    return case


@story
async def thank_you_waived(town: Town) -> str:
    """The network refuses the thank-you, and a person waives it."""
    case = await _accepted(town)
    town.square.refuses = "the account is suspended"
    await town.command(case, c.Resolve, "outage", town.words(case))
    await town.until(lambda: "reply_failed" in town.kinds(case))
    await town.command(case, c.WaiveThankYou, town.words(case, "told on the phone"))
    assert await town.ended(case) == "watch_ended"
    return case


@story
async def post_deleted(town: Town) -> str:
    """The customer edits the post and then deletes it; a person resolves and waives."""
    case = await _accepted(town)
    post, now = town.now(case).first_post, datetime.now(UTC).isoformat()
    await town.tell({"type": "post.edited", "brand": "meridian", "data": {"id": post, "text": "Charged me twice!", "edited_at": now}})
    await town.tell({"type": "post.deleted", "brand": "meridian", "data": {"id": post, "deleted_at": now}})
    await town.until(lambda: "post_deleted" in town.kinds(case))
    await town.wait(case, timedelta(days=1))
    await town.command(case, c.Resolve, "billing_error", town.words(case))
    await town.command(case, c.WaiveThankYou, town.words(case, "there is no post any more"))
    assert await town.ended(case) == "watch_ended"
    return case


@story
async def unconfirmed_and_settled_by_hand(town: Town) -> str:
    """Nobody can tell whether two replies are there: a person finds the first one and has the second one sent again."""
    case = await _accepted(town)
    town.square.by_hand = "X"
    await town.command(case, c.Update, town.words(case, "We are on it."))
    await town.until(lambda: town.kinds(case).count("reply_unconfirmed") == 1)
    await town.command(case, c.SettleReply, town.now(case).replies[0].step, True, "https://x.example/r/found")
    await town.command(case, c.Update, town.words(case, "It takes another hour."))
    await town.until(lambda: town.kinds(case).count("reply_unconfirmed") == 2)
    town.square.by_hand = ""
    await town.command(case, c.SettleReply, town.now(case).replies[0].step, False)
    await town.until(lambda: "It takes another hour." in town.square.texts(case))
    await town.at_rest(case)
    return case


@story
async def continued_as_new(town: Town) -> str:
    """Busy enough to go on in new runs, with posts, commands and a handoff to others on the way."""
    case = await _accepted(town)
    for number in range(LONGEST_RUN // 4):
        await _answered(town, case, f"again-{number}", "Still broken, any news?")
        await town.command(case, c.Update, town.words(case, f"Still on it ({number})."))
    await town.command(case, c.Reassign, "technical", town.words(case, "it is the app"))
    await town.command(case, c.Accept)
    await town.at_rest(case)
    assert len(await town.runs(case)) >= 3
    await _resolved(town, case)
    await town.at_rest(case)
    return case


@story
async def continued_as_new_with_drafts(town: Town) -> str:
    """A draft waits over several runs and is approved in other words; one is rejected after the lead was called; one is dropped."""
    second, why = Actor("slack:USECOND", Role.SOCIAL, Via.SLACK), ("money:refund*",)
    case = await _accepted(town)
    await town.command(case, c.Update, town.words(case, "You get it back."), reasons=why)
    for number in range(LONGEST_RUN // 4):
        await _answered(town, case, f"drafts-{number}", "Still waiting, any news?")
        await town.command(case, c.Note, town.words(case, f"Asked for the {number}th time."))
    now = await town.at_rest(case)
    assert len(await town.runs(case)) >= 2
    (draft,) = now.held
    other = town.words(case, "You get it back today.")
    answer = await town.gateway.command(case, c.Approve("approve", second, draft.step, other, seen=now.turn))
    assert answer.refusal is None
    await town.until(lambda: "You get it back today." in town.square.texts(case))
    await town.command(case, c.Resolve, "billing_error", town.words(case, "It is paid back."), reasons=why)
    await town.wait(case, timedelta(hours=20))
    await town.until(lambda: "escalated" in town.kinds(case))
    (draft,) = (await town.at_rest(case)).held
    answer = await town.gateway.command(case, c.Reject("reject", second, draft.step, town.words(case, "Name the day.")))
    assert answer.refusal is None
    await town.command(case, c.Ask, town.words(case, "On which account?"), reasons=why)
    await _resolved(town, case)
    assert "draft_dropped" in town.kinds(case)
    await town.at_rest(case)
    return case


@story
async def merged_away(town: Town) -> str:
    """Merged into another case of its customer."""
    case = await _accepted(town)
    first = town.now(case).first_post
    other = await town.tell(created(f"{first}-other", author={"id": f"a{first[1:]}", "handle": "sam", "name": "Sam Okafor"}))
    answer = await town.command(case, c.Merge, other, target=town.store.reader.target(case, other))
    assert answer.refusal is None
    assert await town.ended(case) == "merged"
    return case


@story
async def took_in_and_announced(town: Town) -> str:
    """Another case goes on here; an announcement of its cause is said, another held back; the loop is closed in both threads."""
    case, other = await _accepted(town), await town.post()
    await town.until(lambda: "reply_posted" in town.kinds(other))
    thread = town.now(other).all_threads
    await town.gateway.signal(case, c.CaseMerged("merged-1", other, thread, town.now(case).priority))
    await town.until(lambda: "took_in" in town.kinds(case))
    await town.command(case, c.JoinSharedCause, 3)
    for number, (said, event) in enumerate([("We replace it today.", "announced"), ("It is replaced.", "held_back")], start=1):
        seen = town.now(case).turn if event == "announced" else 0
        by = Actor("slack:UBEN", Role.SOCIAL, Via.SLACK)
        message = c.Announce(f"announcement-{number}", by, 3, number, "update", town.words(case, said), seen=seen)
        await town.gateway.signal(case, message)
        await town.until(lambda event=event: event in town.kinds(case))  # type: ignore[misc]  # mypy cannot tell what a default makes of it
    await town.until(lambda: "We replace it today." in town.square.texts(case))
    await _resolved(town, case)
    await town.until(lambda: town.kinds(case).count("reply_posted") == 4)
    assert await town.ended(case) == "watch_ended"
    return case
