"""Exports on their way to whoever asked: made as they are sent, so that nothing of them is kept and any size takes the same memory.

Whoever sends one says in the database how far it is, about once a second, and stops when told so there: any instance can be asked for that.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Executor
from contextlib import suppress
from datetime import UTC, datetime

from adapters.export.document import write_case
from adapters.export.forms import written
from adapters.postgres.exporting import PostgresExporter
from adapters.postgres.exports import Asked, Exports, Overtaken
from adapters.postgres.store import Store
from api.in_thread import in_thread
from api.problems import Problem
from api.seeking import sought_of
from domain.errors import LoopkeeperError
from domain.exporting import Form
from domain.values import Actor

log = logging.getLogger(__name__)
AT_ONCE = 2
"""Exports that one instance sends at the same time; each takes two connections to the database by turns."""
_TOLD_EVERY_SECONDS = 1.0


class Conveyor:
    """Sends them. `exports`: where it says how far each is."""

    def __init__(self, store: Store, exports: Exports, threads: Executor) -> None:
        self._store = store
        self._exports = exports
        self._threads = threads
        self._sending = 0

    async def send(self, asked: Asked, by: Actor) -> AsyncIterator[bytes]:
        """The export, block by block. That it leaves is on record before this returns. Raises Problem when it cannot be had.

        What is wrong later breaks the answer off, so that nobody takes what they have for the whole.
        """
        if self._sending >= AT_ONCE:
            told = f"{AT_ONCE} exports are being sent by this instance already; try again in a minute"
            raise Problem(503, told, code="busy", headers={"retry-after": "60"})
        blocks = _Blocks(self._blocks(asked, by))
        self._sending += 1
        try:
            first = await in_thread(self._threads, blocks.next)
        except BaseException:
            self._sending -= 1
            raise
        return self._sent(first, blocks)

    async def _sent(self, first: bytes | None, blocks: _Blocks) -> AsyncIterator[bytes]:
        try:
            block = first
            while block is not None:
                yield block
                block = await in_thread(self._threads, blocks.next)
        finally:
            self._sending -= 1
            self._threads.submit(blocks.close)

    def _blocks(self, asked: Asked, by: Actor) -> Iterator[bytes]:
        wanted, exports = asked.wanted, self._exports
        claim = exports.begin(asked.id, asked.asked_by)
        basket, events, size, told_at = _Basket(), 0, 0, time.monotonic()
        try:
            older = () if wanted.since is None else (wanted.since,)
            exporter = PostgresExporter(self._store.engine, self._store.vault)
            spoken = wanted.with_words or wanted.form is Form.HTML
            with exporter.export(sought_of(wanted.query), wanted.form, by, with_words=spoken, older=older) as export:
                exports.chosen(asked.id, claim, export.scope)
                at = datetime.now(UTC)

                def page(case_id: str) -> str:
                    chain = self._store.records.chain(case_id)
                    return write_case(self._store.reader.file(case_id), chain, self._store.book, export.scope, at)

                for count in written(export, wanted.form, basket, at, page):  # type: ignore[arg-type] # all that is asked of a file
                    events += count
                    block = basket.emptied()
                    size += len(block)
                    if time.monotonic() - told_at >= _TOLD_EVERY_SECONDS:
                        exports.heard(asked.id, claim, events, size)
                        told_at = time.monotonic()
                    if block:
                        yield block
            exports.heard(asked.id, claim, events, size)
            exports.over(asked.id, claim, "done")
        except GeneratorExit:
            exports.over(asked.id, claim, "failed", "the download was broken off by whoever took it; download it again")
            raise
        except Overtaken:
            raise
        except LoopkeeperError as error:
            with suppress(LoopkeeperError):  # the database may be what is away
                exports.over(asked.id, claim, "failed", str(error))
            raise
        except Exception:
            log.exception("export %s cannot go on", asked.id)
            with suppress(LoopkeeperError):
                exports.over(asked.id, claim, "failed", "something went wrong here; the log of the API says what. Download it again")
            raise


class _Blocks:
    """The blocks of an export, made by whichever thread asks for the next one, by one at a time."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._one_at_a_time = threading.Lock()

    def next(self) -> bytes | None:
        with self._one_at_a_time:
            return next(self._blocks, None)

    def close(self) -> None:
        """Nobody takes any more; what was being made is finished first."""
        with self._one_at_a_time:
            self._blocks.close()  # type: ignore[attr-defined] # it is a generator


class _Basket:
    """A file that can be written to, and emptied."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def write(self, block: bytes) -> int:
        self._held.append(bytes(block))
        return len(block)

    def flush(self) -> None:
        """Everything is there already."""

    def emptied(self) -> bytes:
        """What was written since."""
        held, self._held = b"".join(self._held), []
        return held
