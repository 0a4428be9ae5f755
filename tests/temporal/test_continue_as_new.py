"""A case that lives long goes on in a new run of its workflow, and nothing is lost or done twice on the way."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio.api.enums.v1 import EventType

from domain import commands as c
from domain.ports import Placed
from tests.integration.opened import place
from tests.temporal.conftest import ANA, LONGEST_RUN, Town, run, serving
from workflows.contracts import workflow_id

Loop = asyncio.AbstractEventLoop


async def _go_on_as_new(town: Town, case: str) -> None:
    """Keep the case busy until it has gone on in a new run."""
    runs = len(await town.runs(case))
    for number in range(LONGEST_RUN):
        if len(await town.runs(case)) > runs:
            return
        await town.command(case, c.Note, town.words(case, f"note {number}"))
    raise AssertionError("it did not go on as new")


def _gapless(town: Town, case: str) -> None:
    assert town.store.records.verify(case) is None
    numbers = [number for number, _ in town.store.records.history(case)]
    assert numbers == list(range(1, len(numbers) + 1))


def _causes(town: Town, case: str) -> list[str]:
    return [entry.cause for _, entry in town.store.records.history(case)]


def _written(town: Town, case: str, post: str, text: str = "Any news?") -> Placed:
    placed = place(town.store, town.writes(case, post, text))
    assert placed is not None
    assert placed.case_id == case
    return placed


def test_what_was_seen_before_is_recognised_after(loop: Loop, brief_town: Town) -> None:
    town = brief_town

    async def story() -> None:
        async with serving(town):
            case = await town.post()
            await town.command(case, c.Accept)
            update = c.Update("click-7", ANA, town.words(case, "An engineer is on the way."))
            first = await town.gateway.command(case, update)
            wrote = _written(town, case, "seen-1")
            await town.tell_placed(wrote)
            await _go_on_as_new(town, case)
            assert await town.gateway.command(case, update) == first
            await town.tell_placed(wrote)
            await town.command(case, c.Note, town.words(case, "the last one"))
            await town.until(lambda: "An engineer is on the way." in town.square.texts(case))
            await town.at_rest(case)
        assert _causes(town, case).count("click-7") == 1
        assert town.kinds(case).count("customer_wrote") == 1
        assert town.square.texts(case).count("An engineer is on the way.") == 1
        _gapless(town, case)

    run(loop, story())


def test_a_storm_of_commands_and_posts_across_runs_is_taken_up_whole_and_once(loop: Loop, brief_town: Town) -> None:
    town = brief_town

    async def story() -> None:
        async with serving(town):
            case = await town.post()
            await town.command(case, c.Accept)
            notes = [c.Note(f"note-{n}", ANA, town.words(case, f"note {n}")) for n in range(40)]
            posts = [_written(town, case, f"storm-{n}") for n in range(30)]

            async def send_notes() -> None:
                for note in notes:
                    answers = await asyncio.gather(town.gateway.command(case, note), town.gateway.command(case, note))
                    assert [a.refusal for a in answers] == [None, None]

            async def send_posts() -> None:
                for post in posts:
                    await town.tell_placed(post)
                    await town.tell_placed(post)

            await asyncio.gather(send_notes(), send_posts())
            await town.until(lambda: town.kinds(case).count("customer_wrote") == len(posts))
            await town.at_rest(case)
            assert len(await town.runs(case)) >= 3
        causes = _causes(town, case)
        assert [causes.count(note.id) for note in notes] == [1] * len(notes)
        assert [causes.count(post.message.id) for post in posts] == [1] * len(posts)
        assert causes.count(f"{case}:1:1") == 1, "the acknowledgement was posted once, and so it is told once"
        _gapless(town, case)

    run(loop, story())


def test_a_reply_on_its_way_is_waited_for_and_what_is_owed_goes_along(loop: Loop, brief_town: Town) -> None:
    town = brief_town

    async def story() -> None:
        async with serving(town):
            case = await town.post()
            await town.command(case, c.Accept)
            await town.at_rest(case)
            town.square.away = True
            await town.command(case, c.Update, town.words(case, "We have found the fault."))
            runs = len(await town.runs(case))
            for number in range(LONGEST_RUN // 4):
                await town.command(case, c.Note, town.words(case, f"note {number}"))
            await town.command(case, c.Update, town.words(case, "And we are mending it."))
            histories = await town.runs(case)
            assert len(histories) <= runs + 1, "a reply is on its way: it may have gone on once before it was sent off"
            assert len(histories[-1].events) > LONGEST_RUN, "it would have gone on long ago"
            town.square.away = False
            await town.wait(case, timedelta(minutes=2))
            await town.until(lambda: "And we are mending it." in town.square.texts(case))
            await _go_on_as_new(town, case)
            await town.at_rest(case)
        texts = town.square.texts(case)
        assert texts.count("We have found the fault.") == texts.count("And we are mending it.") == 1
        assert texts.index("We have found the fault.") < texts.index("And we are mending it.")
        _gapless(town, case)

    run(loop, story())


def test_a_long_case_runs_to_its_end_through_many_runs(loop: Loop, brief_town: Town) -> None:
    """Nobody takes it for two days: the customer hears again and again, the loop is closed at last, and the watch ends."""
    town = brief_town

    async def story() -> None:
        async with serving(town):
            case = await town.post()
            await town.until(lambda: "reply_posted" in town.kinds(case))
            await town.wait(case, timedelta(days=2))
            await town.command(case, c.Accept)
            await town.command(case, c.Resolve, "outage", town.words(case))
            await town.until(lambda: "closed" in town.kinds(case))
            assert await town.ended(case) == "watch_ended"
            runs = await town.runs(case)
            assert len(runs) >= 3
            ends = [history.events[-1].event_type for history in runs]
            assert set(ends[:-1]) == {EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW}
            await town.at_rest(case)
            found = await town.client.get_workflow_handle(workflow_id(case)).describe()
            assert found.search_attributes["LkStatus"] == ["closed"]
        # How often the customer heard is held elsewhere: this server's virtual clock leaps now and then when a new run begins.
        assert len(town.square.texts(case)) == town.kinds(case).count("reply_posted")
        assert town.square.texts(case)[-1] == "It is solved."
        _gapless(town, case)

    run(loop, story())
