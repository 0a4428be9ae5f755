"""From the inbox to the cases: what is stored is placed with its case, a new customer is acknowledged at once, and the case is told.

The acknowledgement does not wait for a workflow to get its turn: when thousands complain in a minute, it matters most. It is carried
out by the same publisher under the same key, so that the workflow, which has it planned too, can neither repeat nor lose it.
See docs/adr/0006-acknowledgement-first.md.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from activities.publish import Publisher
from domain import commands as c
from domain.case import Case
from domain.events import ReplyPosted
from domain.evolve import evolve
from domain.pace import Pace
from domain.policy import CasePolicy
from domain.ports import Inbox, Placed, Unavailable
from workflows.effects import published, reply_order
from workflows.gateway import CaseGateway, CaseIsOver

log = logging.getLogger(__name__)
_T = TypeVar("_T")

_TELLERS = 16
STALE = timedelta(seconds=5)
"""What has been waiting so long was left behind by whoever took it in."""


class Dispatcher:
    """Takes stored messages to their cases, a few at a time. One for each process and event loop."""

    def __init__(
        self, inbox: Inbox, gateway: CaseGateway, publisher: Publisher | None, threads: Executor, pace: Pace, *, at_once: int = 4
    ) -> None:
        self._inbox = inbox
        self._gateway = gateway
        self._publisher = publisher
        self._threads = threads
        self._pace = pace
        self._at_once = at_once
        self._queue: asyncio.Queue[int] = asyncio.Queue()
        self._placed: asyncio.Queue[Placed] = asyncio.Queue()
        self._waiting: set[int] = set()
        self._told: list[int] = []
        self._something_told = asyncio.Event()

    def take(self, inbound_ids: Sequence[int]) -> None:
        """Messages were stored: take them to their cases soon."""
        for inbound_id in inbound_ids:
            if inbound_id not in self._waiting:
                self._waiting.add(inbound_id)
                self._queue.put_nowait(inbound_id)

    async def run(self, *, sweep_every: float = 1.0) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._at_once):
                group.create_task(self._place_all())
            for _ in range(_TELLERS):
                group.create_task(self._tell_all())
            group.create_task(self._settle())
            group.create_task(self._sweep(sweep_every))

    async def _place_all(self) -> None:
        """Place and acknowledge. Telling Temporal comes after, in a queue of its own, so that a customer does not wait for it."""
        while True:
            inbound_id = await self._queue.get()
            placed = None
            try:
                placed = await self._in_thread(partial(self._place, inbound_id))
            except Unavailable as error:
                log.warning("inbound %s is not placed yet (%s); the sweep takes it up", inbound_id, error)
            except Exception as error:  # one message must not keep all others from their cases
                log.exception("inbound %s cannot be placed", inbound_id)
                await self._stumble(inbound_id, error)
            if placed is None:
                self._waiting.discard(inbound_id)
            else:
                self._placed.put_nowait(placed)

    async def _tell_all(self) -> None:
        while True:
            placed = await self._placed.get()
            try:
                await self._tell_until_told(placed)
            except (Unavailable, RPCError) as error:
                log.warning("case %s is not told yet (%s); the sweep takes it up", placed.case_id, type(error).__name__)
            except Exception:  # as above
                log.exception("case %s cannot be told; the sweep takes it up", placed.case_id)
            finally:
                self._waiting.discard(placed.inbound_id)

    async def _stumble(self, inbound_id: int, error: Exception) -> None:
        with suppress(Unavailable):
            await self._in_thread(partial(self._inbox.stumbled, inbound_id, type(error).__name__))

    async def _tell_until_told(self, placed: Placed) -> None:
        going: Placed | None = placed
        while going is not None:
            try:
                await self._tell(going)
            except CaseIsOver:
                going = await self._in_thread(partial(self._inbox.elsewhere, going))
                continue
            self._told.append(going.inbound_id)
            self._something_told.set()
            return

    def _place(self, inbound_id: int) -> Placed | None:
        """Place it, and acknowledge a customer whom nobody has spoken to yet."""
        placed = self._inbox.place(inbound_id)
        if placed is None or placed.opened is None or self._publisher is None:
            return placed
        return replace(placed, opened=self._acknowledged(placed.opened, placed.policy_json))

    def _acknowledged(self, case: Case, policy_json: str) -> Case:
        """The case with its first reply posted, if that succeeds at the first attempt; else as it was, and the workflow sees to it."""
        reply = case.planned()
        if reply is None or self._publisher is None:
            return case
        try:
            outcome = self._publisher.publish(reply_order(case, reply, CasePolicy.from_json(policy_json).id, self._pace))
        except ApplicationError:
            return case
        except Exception:  # the case must come to its workflow, which tries again
            log.exception("case %s is not acknowledged yet", case.id)
            return case
        message = published(case.id, reply, outcome, self._pace.loop_time(datetime.now(UTC)))
        if not isinstance(message, c.Posted):
            return case  # the workflow hears the same of the ledger, and draws the conclusions
        posted = ReplyPosted(message.posted_at, message.step, message.purpose, message.parts, message.words, message.promise)
        return evolve(case, posted)  # on record already: the publisher has recorded it together with its settlement

    async def _tell(self, placed: Placed) -> None:
        """Start the case, or tell it. One that is open on record and yet has no workflow is started from its history."""
        if placed.opened is not None:
            if not placed.opened.is_over:
                with suppress(CaseIsOver):  # told before, and over since
                    await self._gateway.start(placed.opened, placed.policy_json, (placed.message.id,), again=placed.again)
            return
        try:
            await self._gateway.signal(placed.case_id, placed.message)
        except CaseIsOver:
            found = await self._in_thread(partial(self._inbox.on_record, placed.case_id))
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
                await self._in_thread(partial(self._inbox.told, told))
            except Unavailable:
                log.warning("%d told messages are not noted yet; they will be told again, which does no harm", len(told))

    async def _sweep(self, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            try:
                self.take(await self._in_thread(partial(self._inbox.to_do, STALE)))
            except Unavailable as error:
                log.warning("the sweep could not look: %s", error)

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
