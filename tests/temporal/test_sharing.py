"""An announcement to all cases of a cause, on real workflows: told once each, whatever ends, and never over what has happened."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from adapters.postgres.causes import Line, Made, What
from domain import commands as c
from domain.values import Actor, Role, Status, Via
from tests.temporal.conftest import Town, run, serving
from tests.temporal.test_merging import dispatching

Loop = asyncio.AbstractEventLoop
HANNA = Actor("oidc:hanna", Role.SOCIAL, Via.CONSOLE)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflows.dispatch.STALE", timedelta(0))
    monkeypatch.setattr("adapters.postgres.causes.GAP", timedelta(milliseconds=200))


async def sharing(town: Town, how_many: int) -> tuple[int, list[str]]:
    """So many accepted cases that share a cause."""
    cause = town.store.causes.begin("Outage in Leeds", "Card 4.", "technical", "technical", HANNA.person)
    cases = [await town.post() for _ in range(how_many)]
    quiet = {"reply_posted", "handoff_delivered"}
    await town.until(lambda: all(quiet <= set(town.kinds(case)) for case in cases))
    for case in cases:
        await town.command(case, c.Accept)
        await town.gateway.command(case, c.JoinSharedCause(f"join-{case}", HANNA, cause))
    return cause, cases


def announce(town: Town, cause: int, cases: list[str], what: What, words: str) -> int:
    """Made for each, and sent by its author."""
    lines = [Line(case, town.words(case, words), None, town.now(case).turn) for case in cases]
    root_cause = "outage" if what == "resolve" else None
    number = town.store.causes.make(Made(cause, f"{cause}-{words}", what, root_cause, words, (), HANNA, lines))
    assert town.store.causes.send(town.store.causes.announcement(cause, number)[0], HANNA.person)
    return number


def under_way(town: Town) -> int:
    with town.store.engine.connect() as connection:
        sql = text("select count(*) from inbound where event_key like 'announcement:%' and state <> 'done'")
        return int(connection.execute(sql).scalar_one())


def test_an_update_and_the_resolution_reach_every_customer_once_and_every_loop_closes(loop: Loop, town: Town) -> None:
    async def story() -> None:
        async with serving(town), dispatching(town):
            cause, cases = await sharing(town, 3)
            announce(town, cause, cases, "update", "We replace the card today.")
            await town.until(lambda: all("We replace the card today." in town.square.texts(case) for case in cases))
            await town.until(lambda: not under_way(town))
            for case in cases:
                await town.at_rest(case)
            announce(town, cause, cases, "resolve", "The card is replaced. Thank you for your patience.")
            await town.until(lambda: all("closed" in town.kinds(case) for case in cases))
        for case in cases:
            assert town.square.texts(case)[1:] == ["We replace the card today.", "The card is replaced. Thank you for your patience."]
            assert town.kinds(case).count("announced") == 2
            assert town.store.records.verify(case) is None
        found = town.store.causes.cause(cause)
        assert (found.open, found.closed) == (0, 3)

    run(loop, story())


def test_killed_after_it_was_sent_it_goes_on_and_told_again_it_is_said_once(loop: Loop, town: Town) -> None:
    """The announcement is settled and nobody delivers; then one does, and dies before it notes that; then another does."""

    async def story() -> None:
        async with serving(town):
            cause, cases = await sharing(town, 2)
            announce(town, cause, cases, "update", "We replace the card today.")
            with town.store.engine.connect() as connection:
                stored = connection.execute(text("select id, message from inbound where event_key like 'announcement:%'")).all()
            assert len(stored) == 2
            for _ in range(2):
                async with dispatching(town):
                    await town.until(lambda: not under_way(town))
                with town.store.engine.begin() as connection:
                    for row in stored:
                        sql = text("update inbound set state = 'routed', message = :message where id = :id")
                        connection.execute(sql, {"id": row.id, "message": row.message})
            await town.until(lambda: all("We replace the card today." in town.square.texts(case) for case in cases))
            for case in cases:
                await town.at_rest(case)
        for case in cases:
            assert town.square.texts(case).count("We replace the card today.") == 1
            assert (town.kinds(case).count("announced"), town.kinds(case).count("held_back")) == (1, 0)

    run(loop, story())


def test_a_case_that_has_moved_on_is_held_back_and_one_that_is_over_is_left_alone(loop: Loop, town: Town) -> None:
    async def story() -> None:
        async with serving(town):
            cause, (moved, over, well) = await sharing(town, 3)
            number = announce(town, cause, [moved, over, well], "update", "We replace the card today.")
            await town.tell(town.writes(moved, f"{moved}-2", "It is burning now!"))
            await town.until(lambda: "customer_wrote" in town.kinds(moved))
            await town.gateway.command(over, c.Dismiss("d", HANNA, "spam"))
            await town.ended(over)
            async with dispatching(town):
                await town.until(lambda: not under_way(town))
                await town.until(lambda: "announced" in town.kinds(well) and "held_back" in town.kinds(moved))
            kept = await town.at_rest(moved)
        assert kept.status is Status.IN_PROGRESS
        assert "We replace the card today." not in town.square.texts(moved)
        assert town.kinds(over)[-1] == "dismissed"
        outcomes = town.store.causes.outcomes(number, [moved, over, well])
        assert outcomes[well] is None
        assert "Something has happened" in str(outcomes[moved])
        assert over not in outcomes

    run(loop, story())
