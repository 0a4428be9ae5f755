"""Carries parcels to Loopkeeper, and questions of people who wait for the answer."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

import aiohttp

from sandbox.courier.parcels import LOST, Attempt, Delivery, Outcome, Parcel, Sender, State, Try
from sandbox.faults import FaultMode, Kind
from sandbox.things import Store

KEPT_DELIVERIES = 1000
"""How many finished deliveries stay in the log."""
_OVERTAKEN_SECONDS = 5.0
"""How long a reordered parcel waits to be overtaken."""
_ALSO_ON_RETRY = frozenset({Kind.DOWN, Kind.LOSE_ANSWER})
"""Faults that can strike a repeated delivery; the others are about the first one."""


class _Desk:
    """One sender's counter: its lanes, and how many of its parcels are on their way."""

    def __init__(self, sender: Sender) -> None:
        self.sender = sender
        self.room = asyncio.Semaphore(sender.in_flight)
        self.lanes: dict[str, asyncio.Event] = {}
        self.overtaken: list[asyncio.Event] = []

    def queue(self, lane: str) -> tuple[asyncio.Event | None, asyncio.Event]:
        """Who goes first in this lane (None: nobody), and the sign that it is the next one's turn."""
        mine = asyncio.Event()
        ahead = self.lanes.get(lane)
        self.lanes[lane] = mine
        return ahead, mine

    def leave(self, lane: str, mine: asyncio.Event) -> None:
        mine.set()
        if self.lanes.get(lane) is mine:
            del self.lanes[lane]
        for waiting in self.overtaken:
            waiting.set()


class Courier:
    """Delivers for all senders. A parcel that fails waits for its next attempt without blocking those behind it."""

    def __init__(self, base_url: str, store: Store, faults: FaultMode, now: Callable[[], float] = time.time) -> None:
        self._base_url = base_url
        self._store = store
        self._faults = faults
        self._now = now
        self._desks: dict[str, _Desk] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._hurry: dict[str, asyncio.Event] = {}
        self._session: aiohttp.ClientSession | None = None
        self._finished: deque[Delivery] = deque()
        self._logs: dict[str, Delivery] = {}

    def employ(self, sender: Sender) -> None:
        """Make a sender known. All of them must be before `start`."""
        self._desks[sender.name] = _Desk(sender)

    async def start(self) -> None:
        """Begin, with what was not delivered before the last end."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "Loopkeeper-sandbox"},
            auto_decompress=False,
        )
        parcels = list(self._store.stored(Parcel))
        undelivered = {parcel.id for parcel in parcels}
        for log in self._store.stored(Delivery):
            if log.id in undelivered:
                self._logs[log.id] = log
            elif log.state in (State.WAITING, State.RETRYING):  # somebody waited for it when the sandbox ended
                self._log_end(log.changed(state=State.FAILED))
            else:
                self._finished.append(log)
        for parcel in parcels:
            if parcel.sender in self._desks:
                self._dispatch(parcel, self._logs[parcel.id].tries)
            else:
                self._store.drop(parcel)  # a channel that exists no more

    async def stop(self) -> None:
        """End. What is undelivered stays in the store."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def post(self, parcel: Parcel) -> None:
        """Take a parcel: it will be delivered, also over a restart, by its sender's rules."""
        self._store.put(parcel)
        self._log(Delivery(id=parcel.id, sender=parcel.sender, what=parcel.what, about=parcel.about, path=parcel.path))
        self._dispatch(parcel, 0)

    def try_now(self, parcel_id: str | None = None) -> int:
        """Let one parcel that waits for its next attempt, or all, be tried at once. Answers how many."""
        hurried = [sign for one, sign in self._hurry.items() if parcel_id in (None, one)]
        for sign in hurried:
            sign.set()
        return len(hurried)

    async def ask(self, parcel: Parcel) -> Outcome:
        """Deliver once, now, while somebody waits. Never raises for what the other side does."""
        sender = self._desks[parcel.sender].sender
        log = Delivery(id=parcel.id, sender=parcel.sender, what=parcel.what, about=parcel.about, path=parcel.path)
        self._log(log)
        order = self._faults.strike(sender.party, _address(parcel))
        outcome = await self._send(sender, parcel, Attempt(1), order.kind if order else None)
        state = State.DELIVERED if outcome.accepted else State.FAILED
        self._log_end(log.changed(state=state, tries=1, last=self._logged(outcome)))
        return outcome

    def _dispatch(self, parcel: Parcel, tries: int) -> None:
        desk = self._desks[parcel.sender]
        ahead, mine = desk.queue(parcel.lane)
        task = asyncio.get_running_loop().create_task(self._carry(desk, parcel, tries, ahead, mine), name=f"deliver {parcel.id}")
        self._tasks[parcel.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(parcel.id, None))

    async def _carry(self, desk: _Desk, parcel: Parcel, tries: int, ahead: asyncio.Event | None, mine: asyncio.Event) -> None:
        """From the queue to its end: delivered, or given up."""
        attempt = Attempt(tries + 1)
        try:
            if ahead is not None:
                await ahead.wait()
            async with desk.room:
                outcome = await self._first_attempt(desk, parcel, attempt, mine)
        finally:
            desk.leave(parcel.lane, mine)
        while not outcome.accepted:
            wait = desk.sender.wait_after(attempt.number, outcome)
            self._log_failure(parcel, attempt, outcome, wait)
            if wait is None:
                self._store.drop(parcel)
                return
            await self._rest(parcel, wait)
            failure = "http_timeout" if outcome.timed_out else "connection_failed" if outcome.status is None else "http_error"
            attempt = Attempt(attempt.number + 1, failure)
            async with desk.room:
                order = self._faults.strike(desk.sender.party, _address(parcel), _ALSO_ON_RETRY)
                outcome = await self._send(desk.sender, parcel, attempt, order.kind if order else None)
        self._store.drop(parcel)
        delivered = self._logs[parcel.id].changed(state=State.DELIVERED, tries=attempt.number, last=self._logged(outcome), next_try_at=None)
        self._log_end(delivered)

    async def _first_attempt(self, desk: _Desk, parcel: Parcel, attempt: Attempt, mine: asyncio.Event) -> Outcome:
        order = self._faults.strike(desk.sender.party, _address(parcel))
        kind = order.kind if order else None
        if kind is Kind.REORDER:
            overtaken = asyncio.Event()
            desk.overtaken.append(overtaken)
            mine.set()
            with suppress(TimeoutError):
                await asyncio.wait_for(overtaken.wait(), _OVERTAKEN_SECONDS)
            desk.overtaken.remove(overtaken)
            kind = None
        return await self._send(desk.sender, parcel, attempt, kind)

    async def _send(self, sender: Sender, parcel: Parcel, attempt: Attempt, kind: Kind | None) -> Outcome:
        """One attempt, as the fault that struck it leaves it."""
        if kind in (Kind.DOWN, Kind.DROP_ONCE):
            return LOST
        if kind is Kind.DELIVER_TWICE:
            first, _ = await asyncio.gather(self._request(sender, parcel, attempt), self._request(sender, parcel, attempt))
            return first
        outcome = await self._request(sender, parcel, attempt)
        if kind is Kind.LOSE_ANSWER:
            return replace(outcome, status=None, body=b"", error="the answer was lost (fault mode)", timed_out=True)
        return outcome

    async def _request(self, sender: Sender, parcel: Parcel, attempt: Attempt) -> Outcome:
        assert self._session is not None, "the courier was not started"
        self._store.settle()  # what the world was told of must outlive us
        headers = {"Content-Type": parcel.content_type, **sender.sign(parcel, attempt, self._now())}
        begun = time.monotonic()

        def took() -> int:
            return round((time.monotonic() - begun) * 1000)

        wire = sender.wire()
        via: Literal["http", "socket"] = "http" if wire is None else "socket"
        try:
            async with asyncio.timeout(sender.timeout):
                if wire is not None:
                    return replace(await wire(parcel, attempt), took_ms=took())
                url = self._base_url + parcel.path
                async with self._session.post(url, data=parcel.body, headers=headers, allow_redirects=False) as answer:
                    return Outcome(answer.status, await answer.read(), answer.headers, took_ms=took())
        except TimeoutError:
            return Outcome(None, error=f"no answer within {sender.timeout:g} s", timed_out=True, took_ms=took(), via=via)
        except aiohttp.ClientError as error:
            return Outcome(None, error=f"{type(error).__name__}: {error}", took_ms=took())

    async def _rest(self, parcel: Parcel, seconds: float) -> None:
        hurry = self._hurry[parcel.id] = asyncio.Event()
        with suppress(TimeoutError):
            await asyncio.wait_for(hurry.wait(), seconds)
        self._hurry.pop(parcel.id, None)

    def _logged(self, outcome: Outcome) -> Try:
        return Try(at=self._moment(), status=outcome.status, error=outcome.error, took_ms=outcome.took_ms, via=outcome.via)

    def _moment(self, later: float = 0) -> datetime:
        return datetime.fromtimestamp(self._now() + later, UTC)

    def _log(self, log: Delivery) -> None:
        self._logs[log.id] = log
        self._store.put(log)

    def _log_failure(self, parcel: Parcel, attempt: Attempt, outcome: Outcome, wait: float | None) -> None:
        log = self._logs[parcel.id].changed(tries=attempt.number, last=self._logged(outcome))
        if wait is None:
            self._log_end(log.changed(state=State.FAILED, next_try_at=None))
        else:
            self._log(log.changed(state=State.RETRYING, next_try_at=self._moment(wait)))

    def _log_end(self, log: Delivery) -> None:
        self._logs.pop(log.id, None)
        self._store.put(log)
        self._finished.append(log)
        while len(self._finished) > KEPT_DELIVERIES:
            self._store.drop(self._finished.popleft())


def _address(parcel: Parcel) -> str:
    """What a fault's `match` is compared with."""
    return f"{parcel.path} {parcel.what}"
