"""Signs of life: while an activity runs, its worker says so, so that the end of a worker is noticed within seconds."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

SILENCE = timedelta(seconds=10)
"""After so long without a sign of life an attempt counts as lost, and is made again. The ledger keeps two from doing the same."""


class SignsOfLife(Interceptor):
    """Says for every activity of a worker that it is still at it. One that is over at once costs nothing."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        """The SDK asks for it once for each attempt."""
        return _Saying(next)


class _Saying(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        saying = asyncio.create_task(self._say())
        try:
            return await super().execute_activity(input)
        finally:
            saying.cancel()
            with suppress(asyncio.CancelledError):
                await saying

    @staticmethod
    async def _say() -> None:
        while True:
            await asyncio.sleep(SILENCE.total_seconds() / 3)
            # In a thread: for an activity that runs in one, the SDK waits until the loop has taken the beat, and the loop cannot.
            await asyncio.to_thread(activity.heartbeat)
