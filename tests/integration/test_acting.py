"""Acting on a case that is on record and does not run yet, as in the moment between its first reply and its workflow."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import cast

import pytest

from adapters.postgres.store import Store
from api.acting import NOT_YET, Acting
from domain import commands as c
from domain.commands import Refusal
from domain.pace import REAL_TIME
from domain.values import Actor, Role, Via
from tests.integration.console import posts
from tests.integration.onrecord import ANA, OnRecord
from workflows.contracts import Answer
from workflows.gateway import CaseGateway

SOFIA = Actor("slack:USOFIA", Role.SOCIAL, Via.SLACK)
OVER = Answer(Refusal("over", "This case is over, or there never was one."), "", 0)
DONE = Answer(None, "in_progress", 5)


class Gateway:
    """The way to Temporal, where a case runs from the question of that number on."""

    def __init__(self, runs_from: int) -> None:
        self.asked: list[str] = []
        self._runs_from = runs_from

    async def command(self, _case: str, command: c.Command, *, wait: timedelta) -> Answer:
        del wait
        self.asked.append(command.id)
        return DONE if len(self.asked) >= self._runs_from else OVER


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def act(store: Store, threads: ThreadPoolExecutor, gateway: Gateway, case: OnRecord, wait: timedelta) -> Answer:
    acting = Acting(store, cast("CaseGateway", gateway), threads, REAL_TIME)
    return asyncio.run(acting.act(case.case_id, c.Accept("k1", ANA), wait=wait))


def test_it_is_done_as_soon_as_the_case_runs(store: Store, threads: ThreadPoolExecutor) -> None:
    gateway = Gateway(runs_from=3)
    assert act(store, threads, gateway, OnRecord.opened(store), timedelta(seconds=60)) == DONE
    assert gateway.asked == ["k1"] * 3, "under the same id it counts once"


def test_nobody_is_told_that_it_is_over_when_it_has_not_begun(store: Store, threads: ThreadPoolExecutor) -> None:
    assert act(store, threads, Gateway(runs_from=99), OnRecord.opened(store), timedelta(0)).refusal == NOT_YET


def test_a_case_that_is_over_says_so_at_once(store: Store, threads: ThreadPoolExecutor) -> None:
    case = OnRecord.opened(store)
    assert case.command(c.Dismiss, "spam") is None
    gateway = Gateway(runs_from=99)
    refusal = act(store, threads, gateway, case, timedelta(seconds=60)).refusal
    assert refusal == Refusal("over", "This case is over (dismissed). A new post by the customer opens a new one.")
    assert len(gateway.asked) == 1


def test_a_merged_case_says_where_it_goes_on(store: Store, threads: ThreadPoolExecutor) -> None:
    case, into = OnRecord.opened(store, "p1"), OnRecord.opened(store, "p2")
    for each in (case, into):
        posts(each)
    target = store.reader.target(case.case_id, into.case_id)
    assert case.tell(c.Merge("merge", SOFIA, into.case_id, None, target)) is None
    refusal = act(store, threads, Gateway(runs_from=99), case, timedelta(seconds=60)).refusal
    number = store.reader.file(into.case_id).number
    assert refusal == Refusal("over", f"This case was merged into #{number} and goes on there.")
