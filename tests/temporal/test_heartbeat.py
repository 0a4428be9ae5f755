"""While an attempt goes on its worker says so; when the worker is gone, nobody does."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities import heartbeat


class Attempt(ActivityInboundInterceptor):
    """An attempt that goes on until two signs of life were given."""

    def __init__(self, beats: list[Any]) -> None:
        self._beats = beats

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        del input
        while len(self._beats) < 2:
            await asyncio.sleep(0)
        return "done"


def test_an_attempt_that_goes_on_is_heard_of_and_one_that_is_over_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "SILENCE", timedelta(milliseconds=3))
    beats: list[Any] = []
    environment = ActivityEnvironment()
    environment.on_heartbeat = lambda *details: beats.append(details)

    async def attempt() -> None:
        going_on = heartbeat.SignsOfLife().intercept_activity(Attempt(beats))
        assert await going_on.execute_activity(None) == "done"  # type: ignore[arg-type]  # it is only passed on
        heard = len(beats)
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert len(beats) == heard

    asyncio.run(environment.run(attempt))
