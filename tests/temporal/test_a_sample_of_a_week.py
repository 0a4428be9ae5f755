"""Some cases of a week as real workflows on virtual time: what is on record of their clocks is what the table of `tests.reference` says.

The rules alone are held against it with two hundred cases in `tests/unit/domain/test_a_week_of_cases.py`; here it is the workflow's
timer that takes up each duty, so it may be some seconds late, and nothing may be left out or come twice.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from adapters.postgres.store import Store
from domain import commands as c
from domain.policy import CasePolicy
from domain.values import Priority
from tests.conftest import WORDING
from tests.policies import SHIPPED
from tests.reference.table import Happened, Row, expected, recorded
from tests.temporal.conftest import Town, run, serving

Loop = asyncio.AbstractEventLoop
DAY = timedelta(days=1)
LATE = timedelta(minutes=1)
"""So much later than it was due something may be decided: a timer fires, a worker takes it up."""


def held_to(town: Town, case: str) -> tuple[list[Row], list[Row]]:
    """What is on record of a case's clocks, and what ought to be by the time of its last event."""
    history = [Happened(entry.cause, entry.event) for _, entry in town.store.records.history(case)]
    versions: dict[str, CasePolicy] = {town.now(case).policy: town.store.book.policy(town.now(case).policy).for_case("meridian", "x")}
    until = max(one.event.at for one in history)
    return recorded(history), expected(history, versions, until)


def agree(town: Town, case: str) -> None:
    """Row by row, whatever the moment; and each moment within what a timer may be late."""
    told, owed = (sorted(rows, key=lambda row: (row[1:], row.at)) for rows in held_to(town, case))
    assert [row[1:] for row in told] == [row[1:] for row in owed]
    assert [one for one, other in zip(told, owed, strict=True) if not timedelta(0) <= one.at - other.at <= LATE] == []
    assert told


def test_a_sample_of_a_week_is_recorded_by_workflows_as_the_table_says(loop: Loop, town: Town, store: Store) -> None:
    store.book.activate(SHIPPED, WORDING, by="tests")

    async def nobody_takes_it() -> str:
        case = await town.post(text="You charged me twice for my invoice.")
        await town.wait(case, 3 * DAY)
        return case

    async def accepted_late_and_told_seldom() -> str:
        case = await town.post(text="My router is broken.")
        await town.wait(case, timedelta(hours=4, minutes=20))  # between two calls: what comes in the same moment may come first
        assert (await town.command(case, c.Accept)).refusal is None
        await town.wait(case, 2 * DAY)
        assert (await town.command(case, c.Update, town.words(case, "We are at it."))).refusal is None
        await town.wait(case, 2 * DAY)
        return case

    async def waits_and_becomes_urgent() -> str:
        case = await town.post(text="My parcel never came.")
        assert (await town.command(case, c.Accept)).refusal is None
        assert (await town.command(case, c.WaitOnThirdParty, town.words(case, "The courier."))).refusal is None
        await town.wait(case, DAY)
        assert (await town.command(case, c.SetPriority, Priority.URGENT)).refusal is None
        assert (await town.command(case, c.Resume)).refusal is None
        await town.wait(case, 3 * DAY)
        return case

    async def run_it() -> None:
        async with serving(town):
            for lived in (nobody_takes_it, accepted_late_and_told_seldom, waits_and_becomes_urgent):
                case = await lived()
                await town.at_rest(case)
                agree(town, case)

    run(loop, run_it())
