"""A worker that ends between recording a decision and telling Temporal: what is on record counts, and nothing is lost behind it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from domain import commands as c
from domain.case import evolve
from domain.decide import decide
from domain.history import done_by, entered
from domain.policy import CasePolicy
from domain.ports import Written
from domain.view import view
from tests.integration.opened import created, place
from tests.temporal.conftest import ANA, Town, run, serving

Loop = asyncio.AbstractEventLoop


def _recorded_by_a_worker_that_ended(town: Town, case_id: str, *messages: c.Message) -> None:
    """Put on record what a workflow decides on these messages, of which Temporal never hears."""
    found = town.store.inbox.on_record(case_id)
    assert found is not None
    case, policy = found[0], CasePolicy.from_json(found[1])
    known, written = case.events, []
    for message in messages:
        decided = decide(case, message, policy, datetime.now(UTC))
        assert isinstance(decided, list)
        for event in decided:
            case = evolve(case, event)
            written.append(Written.of(entered(event, case.events, done_by(event, message), message.id, policy.id)))
    town.store.records.append(case_id, written, view(case, policy), known)


async def _quiet(town: Town, case: str) -> None:
    """Wait until the department has it and nothing is under way."""
    await town.until(lambda: {"reply_posted", "handoff_delivered"} <= set(town.kinds(case)))
    await town.at_rest(case)


def test_what_comes_next_does_not_push_out_what_was_recorded_and_the_command_counts_once(loop: Loop, town: Town) -> None:
    async def story() -> None:
        async with serving(town):
            case = await town.post()
            await _quiet(town, case)
            accept = c.Accept("click-1", ANA)
            _recorded_by_a_worker_that_ended(town, case, accept)
            placed = place(town.store, created("lost-1", in_reply_to=town.now(case).first_post, text="Still broken!"))
            assert placed is not None
            await town.tell_placed(placed)
            await town.until(lambda: "customer_wrote" in town.kinds(case))
            again = await town.gateway.command(case, accept)
            assert (again.refusal, again.status) == (None, "in_progress")
            await town.at_rest(case)
        kinds = town.kinds(case)
        assert kinds.count("accepted") == 1
        assert kinds.count("customer_wrote") == 1
        assert town.store.records.verify(case) is None

    run(loop, story())


def test_words_that_a_lost_worker_decided_on_reach_the_customer_once(loop: Loop, town: Town) -> None:
    async def story() -> None:
        async with serving(town):
            case = await town.post()
            await _quiet(town, case)
            update = c.Update("click-2", ANA, town.words(case, "The part is in the post."))
            _recorded_by_a_worker_that_ended(town, case, update)
            answers = [await town.gateway.command(case, update) for _ in range(2)]  # the caller got no answer, and asks again
            assert [a.refusal for a in answers] == [None, None]
            await town.until(lambda: "The part is in the post." in town.square.texts(case))
            await town.command(case, c.Accept)
            await _quiet(town, case)
        assert town.square.texts(case).count("The part is in the post.") == 1
        assert [e.event.kind for _, e in town.store.records.history(case) if e.cause == "click-2"] == ["reply_planned"]
        assert town.store.records.verify(case) is None

    run(loop, story())


def test_a_message_that_was_recorded_and_comes_again_is_taken_up_once(loop: Loop, town: Town) -> None:
    async def story() -> None:
        async with serving(town):
            case = await town.post()
            await _quiet(town, case)
            placed = place(town.store, created("lost-3", in_reply_to=town.now(case).first_post, text="Hello?! Still broken!"))
            assert placed is not None
            _recorded_by_a_worker_that_ended(town, case, placed.message)
            await town.tell_placed(placed)
            await town.command(case, c.Accept)
            await _quiet(town, case)
        assert town.kinds(case).count("customer_wrote") == 1

    run(loop, story())
