"""What has changed, told to whoever looks at the console: ids of cases and nothing else. NOTIFY is the speed, a slow look the truth."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import Executor
from datetime import datetime
from functools import partial

from adapters.postgres.board import TOPIC
from adapters.postgres.listening import Listener
from adapters.postgres.store import Store

log = logging.getLogger(__name__)
LOOK_EVERY_SECONDS = 20.0
ALIVE_EVERY_SECONDS = 15.0
_WAITING_AT_MOST = 500
_NOTHING = ""
ALL = "*"
"""In the place of ids: so much has changed that whoever looks had better look at everything."""


class Feed:
    """One for each instance: one connection that listens, however many people look."""

    def __init__(self, store: Store, threads: Executor) -> None:
        self._store = store
        self._threads = threads
        self._readers: set[asyncio.Queue[str | None]] = set()
        self._seen: Mapping[str, datetime] = {}
        self._ended = False
        self.when_told: list[Callable[[], None]] = []
        """What is done, whoever looks, when something has changed."""

    async def keep(self) -> None:
        """Listen and look, until cancelled."""
        loop = asyncio.get_running_loop()
        listener = Listener(self._store.engine, TOPIC, lambda case: loop.call_soon_threadsafe(self._hear, case))
        listener.start()
        since: datetime | None = None
        try:
            while True:
                since = await self._look(since)
                await asyncio.sleep(LOOK_EVERY_SECONDS)
        finally:
            self.end()
            listener.stop()

    def end(self) -> None:
        """Let everybody go: the process ends."""
        self._ended = True
        for reader in self._readers:
            reader.put_nowait(None)

    async def follow(self, welcome: Callable[[], Awaitable[bool]], departments: frozenset[str] | None) -> AsyncIterator[str]:
        """An event stream: `data:` is the id of a case, or `ALL`. Something comes at least every quarter of a minute.

        It ends when whoever reads is not `welcome` any more, which is asked as often. `departments`: the ids of their cases alone.
        """
        loop = asyncio.get_running_loop()
        ask_at = loop.time() + ALIVE_EVERY_SECONDS
        reader: asyncio.Queue[str | None] = asyncio.Queue()
        self._readers.add(reader)
        try:
            yield "retry: 2000\n\n"
            while not self._ended:
                try:
                    case = await asyncio.wait_for(reader.get(), ALIVE_EVERY_SECONDS)
                except TimeoutError:
                    case = _NOTHING
                if case is None:
                    return
                if case == _NOTHING or loop.time() >= ask_at:
                    if not await welcome():
                        return
                    ask_at = loop.time() + ALIVE_EVERY_SECONDS
                if case == _NOTHING:
                    yield "event: alive\ndata: -\n\n"
                else:
                    yield "".join(f"data: {one}\n\n" for one in await self._theirs(_all_of(case, reader), departments))
        finally:
            self._readers.discard(reader)

    async def _theirs(self, cases: list[str], departments: frozenset[str] | None) -> list[str]:
        """Those that a colleague of these departments may know of."""
        if departments is None or cases == [ALL]:
            return cases
        look = partial(self._store.board.seen_by, cases, departments)
        return await asyncio.get_running_loop().run_in_executor(self._threads, look)

    def _hear(self, case: str) -> None:
        for do in self.when_told:
            do()
        for reader in self._readers:
            waiting = reader.qsize()
            if waiting <= _WAITING_AT_MOST:  # whoever reads too slowly looks at everything once they do
                reader.put_nowait(case if waiting < _WAITING_AT_MOST else ALL)

    async def _look(self, since: datetime | None) -> datetime | None:
        """Tell what was changed since then. Without somebody who looks, there is nothing to tell."""
        if not self._readers:
            return None
        try:
            until, changed = await asyncio.get_running_loop().run_in_executor(self._threads, self._store.board.changed_since, since)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next look may succeed
            log.warning("could not look what has changed (%s); looking again in %g s", type(error).__name__, LOOK_EVERY_SECONDS)
            return since
        for case, at in changed.items():
            if since is not None and self._seen.get(case) != at:
                self._hear(case)
        self._seen = changed
        return until


def _all_of(first: str, reader: asyncio.Queue[str | None]) -> list[str]:
    """What else waits, each once."""
    found = {first: None}
    while not reader.empty():
        case = reader.get_nowait()
        if case is None:
            reader.put_nowait(None)
            break
        found[case] = None
    return [ALL] if ALL in found else list(found)
