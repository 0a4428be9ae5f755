"""From the inbox to the cases: what is stored is told to its case, at once where it arrived, and by a sweep if that was cut off."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from domain.ports import Inbox, Placed
from workflows.gateway import CaseGateway, CaseIsOver

log = logging.getLogger(__name__)
_T = TypeVar("_T")

STALE = timedelta(seconds=5)
"""What has been waiting so long was left behind by whoever took it in."""


class Dispatcher:
    """Takes stored messages to their cases, a few at a time. One for each process and event loop."""

    def __init__(self, inbox: Inbox, gateway: CaseGateway, threads: Executor, *, at_once: int = 8) -> None:
        self._inbox = inbox
        self._gateway = gateway
        self._threads = threads
        self._at_once = at_once
        self._queue: asyncio.Queue[int] = asyncio.Queue()
        self._waiting: set[int] = set()
        self._told: list[int] = []
        self._something_told = asyncio.Event()

    def take(self, inbound_id: int) -> None:
        """A message was stored: take it to its case soon."""
        if inbound_id not in self._waiting:
            self._waiting.add(inbound_id)
            self._queue.put_nowait(inbound_id)

    async def run(self, *, sweep_every: float = 1.0) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._at_once):
                group.create_task(self._work())
            group.create_task(self._settle())
            group.create_task(self._sweep(sweep_every))

    async def _work(self) -> None:
        while True:
            inbound_id = await self._queue.get()
            try:
                await self._dispatch(inbound_id)
            except (SQLAlchemyError, RPCError, OSError) as error:
                log.warning("inbound %s is not with its case yet (%s); the sweep takes it up", inbound_id, type(error).__name__)
            finally:
                self._waiting.discard(inbound_id)

    async def _dispatch(self, inbound_id: int) -> None:
        placed = await self._in_thread(lambda: self._inbox.place(inbound_id))
        while placed is not None:
            try:
                await self._tell(placed)
            except CaseIsOver:
                over: Placed = placed
                placed = await self._in_thread(lambda: self._inbox.elsewhere(over))  # noqa: B023 - awaited at once
                continue
            self._told.append(placed.inbound_id)
            self._something_told.set()
            return

    async def _tell(self, placed: Placed) -> None:
        """Start the case, or tell it. One that is open on record and yet has no workflow is started from its history."""
        if placed.opened is not None:
            if not placed.opened.is_over:
                with suppress(CaseIsOver):  # told before, and over since
                    await self._gateway.start(placed.opened, placed.policy_json, (placed.message.id,))
            return
        try:
            await self._gateway.signal(placed.case_id, placed.message)
        except CaseIsOver:
            found = await self._in_thread(lambda: self._inbox.on_record(placed.case_id))
            if found is None:
                raise
            await self._gateway.start(*found)
            await self._gateway.signal(placed.case_id, placed.message)

    async def _settle(self) -> None:
        """Note in batches what cases have been told: a commit for many."""
        while True:
            await self._something_told.wait()
            await asyncio.sleep(0.05)
            self._something_told.clear()
            told, self._told = self._told, []
            try:
                await self._in_thread(lambda: self._inbox.told(told))  # noqa: B023 - awaited at once
            except SQLAlchemyError as error:
                log.warning(
                    "%d told messages are not noted yet (%s); they will be told again, which does no harm", len(told), type(error).__name__
                )

    async def _sweep(self, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            try:
                for inbound_id in await self._in_thread(lambda: self._inbox.to_do(STALE)):
                    self.take(inbound_id)
            except SQLAlchemyError as error:
                log.warning("the sweep could not look (%s)", type(error).__name__)

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
