"""While an attempt goes on its worker says so; when the worker is gone, nobody does."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities import heartbeat


class Attempt(ActivityInboundInterceptor):
    """An attempt that goes on until it is let go."""

    def __init__(self, enough: asyncio.Event) -> None:
        self._enough = enough

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        del input
        await self._enough.wait()
        return "done"


def test_an_attempt_that_goes_on_is_heard_of_and_one_that_is_over_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "SILENCE", timedelta(milliseconds=3))
    beats: list[int] = []
    going: asyncio.AbstractEventLoop
    loop_in: int
    enough = asyncio.Event()
    environment = ActivityEnvironment()

    def beat(*details: Any) -> None:
        del details
        beats.append(threading.get_ident())
        if len(beats) == 2:
            going.call_soon_threadsafe(enough.set)

    environment.on_heartbeat = beat

    async def attempt() -> None:
        nonlocal going, loop_in
        going, loop_in = asyncio.get_running_loop(), threading.get_ident()
        going_on = heartbeat.SignsOfLife().intercept_activity(Attempt(enough))
        assert await going_on.execute_activity(None) == "done"  # type: ignore[arg-type]  # it is only passed on
        heard = len(beats)
        await asyncio.sleep(0.02)
        assert len(beats) == heard

    asyncio.run(environment.run(attempt))
    assert loop_in not in beats, "the SDK waits for the loop to take a beat, so the loop must not wait for the SDK"
