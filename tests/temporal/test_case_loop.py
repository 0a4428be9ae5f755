"""The loop as a real workflow: days pass in seconds."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from temporalio.service import RPCError, RPCStatusCode

from domain import commands as c
from domain.ports import Unclear
from domain.values import Priority
from tests.integration.opened import created, place
from tests.temporal.conftest import ANA, Town, run, serving
from workflows.contracts import workflow_id

Loop = asyncio.AbstractEventLoop


def test_a_case_nobody_takes_is_told_of_by_mail_chased_and_the_customer_hears_daily(loop: Loop, town: Town) -> None:
    town.wall.refuses = "channel_not_found"

    async def story() -> None:
        case = await town.post()
        async with serving(town):
            await town.until(lambda: "reply_posted" in town.kinds(case))
            await town.wait(case, timedelta(days=5))
        kinds = town.kinds(case)
        assert kinds[:4] == ["opened", "reply_planned", "handed_off", "reply_posted"]
        assert len(town.postbox.mails) == 1
        assert kinds.count("clock_breached") == 2, "accept and resolve, once each"
        assert kinds.count("promise_kept") == kinds.count("reply_posted") - 1
        assert "promise_broken" not in kinds
        texts = town.square.texts(case)
        assert 30 <= len(texts) <= 33, "every four hours, for a case of high priority"
        assert "waiting" in texts[1] or "queue" in texts[1] or "hasn't been able" in texts[1]
        assert town.store.records.verify(case) is None

    run(loop, story())


def test_praise_is_thanked_watched_for_three_days_and_over(loop: Loop, town: Town) -> None:
    async def story() -> None:
        async with serving(town):
            case = await town.post(text="Amazing service today, thank you!")
            assert await town.ended(case) == "watch_ended"
        history = [entry.event for _, entry in town.store.records.history(case)]
        assert [h.kind for h in history] == ["opened", "reply_planned", "reply_posted", "closed", "watch_ended"]
        assert (history[-1].at - history[-2].at).total_seconds() == pytest.approx(72 * 3600, abs=2)

    run(loop, story())


def test_what_a_post_shows_is_told_to_the_social_team_although_no_department_has_the_case(loop: Loop, town: Town) -> None:
    async def story() -> None:
        async with serving(town):
            case = await town.post(text="Amazing service today, thank you!")
            await town.until(lambda: "closed" in town.kinds(case))
            await town.tell(town.writes(case, f"{case}-2", "My number is +44 7700 900123 by the way."))
            await town.until(lambda: case in town.wall.calls)
        assert "handed_off" not in town.kinds(case)
        assert [line.text for line in town.wall.calls[case]] == [
            "Everybody can read a phone number in the customer's post. Here it is masked."
        ]

    run(loop, story())


def test_commands_are_answered_at_once_and_a_refusal_leaves_no_trace(loop: Loop, town: Town) -> None:
    async def story() -> None:
        async with serving(town):
            case = await town.post()
            first = await town.command(case, c.Accept)
            assert (first.refusal, first.status) == (None, "in_progress")
            again = await town.command(case, c.Accept)
            assert again.refusal is not None
            assert again.refusal.code == "yours_already"
            assert (await town.command(case, c.Resolve, "gremlins", "w")).refusal is not None
            history = await town.client.get_workflow_handle(workflow_id(case)).fetch_history()
            accepted = [h for h in history.events if h.HasField("workflow_execution_update_accepted_event_attributes")]
            assert len(accepted) == 1, "only the accept; the refused ones never entered the history"
            resolved = await town.command(case, c.Resolve, "outage", town.words(case))
            assert resolved.refusal is None
            await town.until(lambda: "closed" in town.kinds(case))
            assert await town.ended(case) == "watch_ended"
        assert town.square.texts(case)[-1] == "It is solved."
        assert town.now(case).closing_permalink

    run(loop, story())


def test_the_same_command_twice_acts_once(loop: Loop, town: Town) -> None:
    async def story() -> None:
        async with serving(town):
            case = await town.post()
            await town.command(case, c.Accept)
            command = c.Update("click-1", ANA, town.words(case, "News."))
            answers = await asyncio.gather(*(town.gateway.command(case, command) for _ in range(5)))
            assert all(a.refusal is None for a in answers)
            await town.until(lambda: "News." in town.square.texts(case))
        assert town.square.texts(case).count("News.") == 1
        assert [e.cause for _, e in town.store.records.history(case)].count("click-1") == 1

    run(loop, story())


def test_what_the_network_tells_twice_counts_once(loop: Loop, town: Town) -> None:
    async def story() -> None:
        async with serving(town):
            case = await town.post()
            await town.command(case, c.Accept)
            body = created("again-1", in_reply_to=town.now(case).first_post, text="Still broken!")
            placed = place(town.store, body)
            assert placed is not None
            for _ in range(3):
                await town.tell_placed(placed)
            await town.until(lambda: "customer_wrote" in town.kinds(case))
            await town.command(case, c.SetPriority, Priority.URGENT)
        assert town.kinds(case).count("customer_wrote") == 1

    run(loop, story())


def test_an_ask_is_nudged_and_closed_with_a_note_after_a_week(loop: Loop, town: Town) -> None:
    async def story() -> None:
        async with serving(town):
            case = await town.post()
            await town.command(case, c.Accept)
            await town.command(case, c.Ask, town.words(case, "Which line is it?"))
            await town.until(lambda: "Which line is it?" in town.square.texts(case))
            assert await town.ended(case) == "watch_ended"
        said = town.square.texts(case)
        assert "Which line is it?" in said
        assert len(said) >= 4
        closed = [e for _, e in town.store.records.history(case) if e.event.kind == "closed"]
        assert len(closed) == 1

    run(loop, story())


def test_a_late_complaint_reopens_and_one_after_the_watch_is_a_new_linked_case(loop: Loop, town: Town) -> None:
    async def story() -> None:
        async with serving(town):
            case = await town.post(text="Lovely shop, thank you!")
            await town.until(lambda: "closed" in town.kinds(case))
            first = town.store.records.history(case)[0][1].event
            assert await town.ended(case) == "watch_ended"
            later = await town.tell(created("later-1", in_reply_to=first.post, text="Now it is broken and nobody answers"))  # type: ignore[union-attr]
            assert later != case
            await town.until(lambda: "opened" in town.kinds(later))
            opened = town.store.records.history(later)[0][1].event
        assert opened.earlier_case == case  # type: ignore[union-attr]

    run(loop, story())


def test_while_the_network_is_away_the_desk_hears_and_when_it_is_back_the_customer_does(loop: Loop, town: Town) -> None:
    town.square.away = True

    async def story() -> None:
        async with serving(town):
            case = await town.post()
            await town.until(lambda: "opened" in town.kinds(case))
            await town.wait(case, timedelta(seconds=25))
            await town.until(lambda: any(case in where for where in town.wall.cards))
            assert town.square.posts == {}
            town.square.away = False
            await town.wait(case, timedelta(minutes=2))
            await town.until(lambda: bool(town.square.texts(case)))

    run(loop, story())


def test_a_reply_that_the_network_refuses_is_asked_about_in_the_social_channel(loop: Loop, town: Town) -> None:
    town.square.refuses = "account suspended"

    async def story() -> None:
        async with serving(town):
            case = await town.post()
            await town.until(lambda: case in town.wall.calls, 40)
        assert "account suspended" in town.wall.calls[case][0].text

    run(loop, story())


@pytest.mark.parametrize("failure", [Unclear("Slack failed (500)"), KeyError("a mistake of ours")], ids=["unclear", "mistake"])
def test_whatever_goes_wrong_at_the_desk_the_case_goes_on(loop: Loop, town: Town, failure: Exception) -> None:
    async def story() -> None:
        async with serving(town):
            case = await town.post()
            await town.until(lambda: "handoff_delivered" in town.kinds(case))
            town.wall.fails = [failure]
            assert (await town.command(case, c.Accept)).refusal is None
            await town.wait(case, timedelta(seconds=30))
            await town.until(lambda: not town.wall.fails and any(f.case.owner for f in town.wall.cards.values() if f.case_id == case))
            assert (await town.command(case, c.Resolve, "outage", town.words(case))).refusal is None

    run(loop, story())


def test_a_worker_that_forgets_everything_goes_on_where_it_was(loop: Loop, town: Town) -> None:
    """Nothing is cached, so every decision is made by a workflow replayed from its history."""

    async def story() -> None:
        async with serving(town, cached=0):
            case = await town.post()
            assert (await town.command(case, c.Accept)).refusal is None
            assert (await town.command(case, c.Resolve, "outage", town.words(case))).refusal is None
            await town.until(lambda: "closed" in town.kinds(case))
            assert await town.ended(case) == "watch_ended"
        assert town.store.records.verify(case) is None

    run(loop, story())


def test_a_case_that_does_not_answer_in_time_is_an_error_that_callers_know_and_the_command_counts_later(loop: Loop, town: Town) -> None:
    async def story() -> None:
        case = await town.post()
        accept = c.Accept("click-late", ANA)
        with pytest.raises(RPCError) as late:  # no worker is there
            await town.gateway.command(case, accept, wait=timedelta(milliseconds=300))
        assert late.value.status in (RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED)
        async with serving(town):
            assert (await town.gateway.command(case, accept)).refusal is None
        assert town.kinds(case).count("accepted") == 1

    run(loop, story())
