"""Two cases become one, as real workflows: whatever ends in between, one voice goes on, and nothing that was owed is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest
from sqlalchemy import text

from domain import commands as c
from domain.ports import Placed
from domain.values import Actor, Purpose, Role, Status, Via
from tests.integration.opened import created, place
from tests.temporal.conftest import ANA, Town, run, serving
from tests.temporal.test_lost_worker import _recorded_by_a_worker_that_ended as recorded_by_a_worker_that_ended
from workflows.dispatch import Dispatcher

Loop = asyncio.AbstractEventLoop
HANNA = Actor("slack:UHANNA", Role.SOCIAL, Via.SLACK)


@asynccontextmanager
async def dispatching(town: Town) -> AsyncIterator[None]:
    """The product's own dispatcher."""
    with ThreadPoolExecutor(4) as threads:
        working = asyncio.create_task(Dispatcher(town.store.inbox, town.gateway, None, threads, town.gateway._pace).run(sweep_every=0.05))
        try:
            yield
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflows.dispatch.STALE", timedelta(0))  # the sweep sees at once what it would see in five seconds


async def two(town: Town) -> tuple[str, str]:
    """One customer wrote about one thing twice, and both were acknowledged."""
    first = await town.post()
    number = town.now(first).first_post[1:]
    second = await town.tell(created(f"s{number}", author={"id": f"a{number}", "handle": "sam", "name": "Sam Okafor"}))
    quiet = {"reply_posted", "handoff_delivered"}
    await town.until(lambda: all(quiet <= set(town.kinds(case)) for case in (first, second)))
    await town.command(second, c.Accept)
    return first, second


def merge(town: Town, first: str, second: str, words: str | None = None) -> c.Merge:
    return c.Merge(f"merge-{first}", HANNA, second, words, town.store.reader.target(first, second))


def waits(town: Town) -> list[str]:
    with town.store.engine.connect() as connection:
        return list(connection.execute(text("select event_key from inbound where state = 'routed' and event_key like 'case:%'")).scalars())


def test_the_customer_hears_one_voice_and_the_loop_closes_in_both_threads(loop: Loop, town: Town) -> None:
    async def story() -> None:
        async with serving(town), dispatching(town):
            first, second = await two(town)
            answer = await town.gateway.command(first, merge(town, first, second))
            assert (answer.refusal, answer.status) == (None, "merged")
            assert await town.ended(first) == "merged"
            await town.until(lambda: "took_in" in town.kinds(second))
            later = place(town.store, town.writes(first, f"{first}-2", "It is worse now."))
            assert later is not None
            assert later.case_id == second, "what is written in the merged thread belongs to the other case"
            await town.tell_placed(later)
            await town.until(lambda: "customer_wrote" in town.kinds(second))
            await town.gateway.command(second, c.Update("u", ANA, town.words(second, "We look into it.")))
            await town.until(lambda: "We look into it." in town.square.texts(second))
            update = next(reply for reply in town.square.posts.values() if reply.text == "We look into it.")
            assert update.in_reply_to == f"{first}-2", "and is answered where it was written"
            await town.gateway.command(second, c.Resolve("r", ANA, "other", town.words(second, "It is solved, thank you.")))
            await town.until(lambda: town.kinds(second).count("reply_posted") == 4)
            kept = await town.at_rest(second)
        assert kept.status is Status.CLOSED
        thanked, elsewhere = [reply for key, reply in town.square.posts.items() if key.startswith(f"{second}:")][-2:]
        assert thanked.in_reply_to == f"{first}-2"
        assert elsewhere.in_reply_to == town.now(second).first_post
        assert kept.closing_permalink is not None
        assert kept.closing_permalink in elsewhere.text
        assert elsewhere.text.startswith("Hi Sam,")
        assert len(town.square.texts(first)) == 1, "its acknowledgement, and nothing since"
        assert [town.store.records.verify(case) for case in (first, second)] == [None, None]

    run(loop, story())


def test_killed_between_the_two_sides_the_merge_is_carried_through_once(loop: Loop, town: Town) -> None:
    """The worker has recorded the merge and ended, and the dispatcher is away: the record counts, and who comes next delivers it."""

    async def story() -> None:
        async with serving(town):
            first, second = await two(town)
            await town.at_rest(first)
            recorded_by_a_worker_that_ended(town, first, merge(town, first, second))
            assert "took_in" not in town.kinds(second)
            assert len(waits(town)) == 1
            again = await town.gateway.command(first, merge(town, first, second))  # the caller got no answer, and asks again
            assert (again.refusal, again.status) == (None, "merged")
            assert await town.ended(first) == "merged"
            async with dispatching(town):
                await town.until(lambda: "took_in" in town.kinds(second) and not waits(town))
                with town.store.engine.begin() as connection:  # delivered, and killed before that was noted
                    connection.execute(
                        text("update inbound set state = 'routed', message = :message where case_id = :case and event_key like 'case:%'"),
                        {"message": _message(town, first), "case": second},
                    )
                await town.until(lambda: not waits(town))
            await town.command(second, c.Note, town.words(second))
            kept = await town.at_rest(second)
        assert town.kinds(second).count("took_in") == 1
        assert town.kinds(first).count("merged") == 1
        assert [thread.case for thread in kept.threads] == [second, first]

    run(loop, story())


def test_a_case_whose_other_is_over_when_it_hears_comes_back(loop: Loop, town: Town) -> None:
    async def story() -> None:
        async with serving(town):
            first, second = await two(town)
            promised = town.now(first).promise
            await town.gateway.command(first, merge(town, first, second))
            assert await town.ended(first) == "merged"
            await town.gateway.command(second, c.Dismiss("d", HANNA, "spam"))
            assert await town.ended(second) == "dismissed"
            async with dispatching(town):
                await town.until(lambda: "unmerged" in town.kinds(first))
                back = await town.at_rest(first)
                assert (back.status, back.promise) == (Status.HANDED_OFF, promised)
                accepted = await town.command(first, c.Accept)
                assert accepted.refusal is None
                later = await town.tell(town.writes(first, f"{first}-2", "Hello?"))
                assert later == first
        assert town.store.records.verify(first) is None

    run(loop, story())


def test_two_that_are_merged_into_each_other_at_once_are_not_both_gone(loop: Loop, town: Town) -> None:
    async def story() -> None:
        async with serving(town):
            first, second = await two(town)
            one, other = merge(town, first, second), merge(town, second, first)
            await asyncio.gather(town.gateway.command(first, one), town.gateway.command(second, other))
            async with dispatching(town):
                await town.until(lambda: not waits(town) and any("unmerged" in town.kinds(case) for case in (first, second)))
                await town.until(lambda: any(town.now(case).ended is None for case in (first, second)))
                going_on = [case for case in (first, second) if town.now(case).ended is None]
                heard = await town.tell(town.writes(first, f"{first}-3", "Anybody there?"))
                assert heard in going_on
                await town.until(lambda: "customer_wrote" in town.kinds(heard))

    run(loop, story())


def test_what_comes_in_between_is_passed_on_whichever_is_first(loop: Loop, town: Town) -> None:
    """A post that was placed with the case before it was merged, and told afterwards: to the running case, or to one that has ended."""

    async def story() -> None:
        async with serving(town):
            first, second = await two(town)
            placed = [place(town.store, town.writes(first, f"{first}-{n}", f"News {n}.")) for n in (2, 3)]
            await town.gateway.command(first, merge(town, first, second))
            await town.ended(first)
            async with dispatching(town):
                await town.until(lambda: town.kinds(second).count("customer_wrote") == 2)
            kept = await town.at_rest(second)
            file = town.store.reader.file(second)
        assert [one.case_id for one in placed if isinstance(one, Placed)] == [first, first]
        assert kept.thread == first
        said = [file.text_of(entry.event.words) for _, entry in file.history if entry.event.kind == "customer_wrote"]
        assert sorted(said) == ["News 2.", "News 3."]
        assert Purpose.ELSEWHERE not in {reply.purpose for reply in kept.replies}

    run(loop, story())


def _message(town: Town, first: str) -> str:
    from domain.merging import told_by

    entry = next(entry for _, entry in town.store.records.history(first) if entry.event.kind == "merged")
    told = told_by(first, entry)
    assert told is not None
    return c.FROM_NETWORK.dump_json(told[1]).decode()
