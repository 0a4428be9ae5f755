"""A worker that ends between recording a decision and telling Temporal: what is on record counts, and nothing is lost behind it."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta

from domain import commands as c
from domain.decide import decide
from domain.evolve import evolve
from domain.history import done_by, entered
from domain.policy import CasePolicy
from domain.ports import OutgoingReply, PostedReply, Written
from domain.values import Permalink, effect_key
from domain.view import view
from tests.integration.opened import place
from tests.standins import Square
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
            placed = place(town.store, town.writes(case, "lost-1", "Still broken!"))
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
            placed = place(town.store, town.writes(case, "lost-3", "Hello?! Still broken!"))
            assert placed is not None
            _recorded_by_a_worker_that_ended(town, case, placed.message)
            await town.tell_placed(placed)
            await town.command(case, c.Accept)
            await _quiet(town, case)
        assert town.kinds(case).count("customer_wrote") == 1

    run(loop, story())


class HeldSquare(Square):
    """A network on which nothing is posted until the test lets it go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def post(self, reply: OutgoingReply) -> PostedReply:
        assert self.go.wait(30)
        return super().post(reply)


def test_a_recorded_decision_is_taken_over_once_though_its_number_comes_round_again(loop: Loop, town: Town) -> None:
    """The lost worker knew of the acknowledgement's posting already, so its next entry has a higher number than ours would have."""
    square = town.square = HeldSquare()

    async def story() -> None:
        async with serving(town):
            case = await town.post()
            await town.until(lambda: "handed_off" in town.kinds(case))
            (reply,) = town.now(case).replies
            there = (Permalink("r.1", "https://x.example/r/1"),)
            now = datetime.now(UTC)
            posted = c.Posted(effect_key(case, reply.step, 1), reply.step, reply.purpose, now, there, promise=reply.promise)
            lost = c.Note("lost-note", ANA, town.words(case, "lost"))
            _recorded_by_a_worker_that_ended(town, case, posted, lost)
            for number in range(3):
                await town.command(case, c.Note, town.words(case, f"note {number}"))
            square.go.set()
            await town.until(lambda: "handoff_delivered" in town.kinds(case))
            await town.wait(case, timedelta(minutes=1))
            await _counted(town, case)
        assert town.kinds(case).count("note_added") == 4

    async def _counted(town: Town, case: str) -> None:
        held = await town.held(case)
        assert held.events == town.now(case).events == len(town.kinds(case))

    run(loop, story())
