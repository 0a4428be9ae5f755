"""Everything that exists in the sandbox, where it is kept, and the numbered story of how it changed.

A thing (a post, a message, a mail …) is a frozen value under a key. Each time that it is put, it gets the next number; what has
changed since number N is simply every thing whose number is larger. So there is no second log beside the state: a
follower that was away for an hour, or for a restart, gets each changed thing once, whole and as it is now.
"""

from __future__ import annotations

import asyncio
import sqlite3
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json

_SCHEMA = """
CREATE TABLE IF NOT EXISTS thing (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, doc BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS high (only INTEGER PRIMARY KEY CHECK (only = 1), number INTEGER NOT NULL);
INSERT OR IGNORE INTO high VALUES (1, 0);
"""


class Thing(BaseModel):
    """Something that exists; a new version replaces the old one under the same `key`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    noun: ClassVar[str]
    """What such a thing is called in changes and in the state file."""
    announced: ClassVar[bool] = True
    """Whether followers hear of it. Undelivered parcels, for example, are nobody's business but the courier's."""
    lean: ClassVar[bool] = False
    """Whether fields that are None are left out of its JSON, as Slack does."""

    @property
    @abstractmethod
    def key(self) -> str:
        """What names it among its kind."""

    def changed(self, **fields: object) -> Self:
        """The same thing with some fields new. Trusts the caller: nothing is validated."""
        return self.model_copy(update=fields)

    def to_json(self) -> bytes:
        """Its JSON, UTF-8."""
        return self.__pydantic_serializer__.to_json(self, exclude_none=self.lean)


T = TypeVar("T", bound=Thing)


@dataclass(frozen=True, slots=True)
class Entry:
    """A thing as it is kept: its number, its name and its JSON."""

    number: int
    kind: str
    key: str
    doc: bytes
    announced: bool

    def to_json(self) -> bytes:
        """The change as followers get it: `{"n", "kind", "key", "object"}`."""
        return b'{"n":%d,"kind":"%s","key":%s,"object":%s}' % (self.number, self.kind.encode(), to_json(self.key), self.doc)


class Store:
    """All things, in memory, in the order of their last change; written through to SQLite when there is a file.

    `put` is cheap and only remembers; `settle` writes what was put in one transaction and tells the followers. Nothing may be
    answered to anyone before `settle` (the application sees to that), so kill -9 loses nothing that was acknowledged.
    """

    def __init__(self, state: Path | None = None) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}
        self._number = 0
        self._settled = 0
        self._inserts: list[tuple[int, str, str, bytes]] = []
        self._deletes: list[tuple[int]] = []
        self._dirty = False
        self._dropped = False
        self._news = asyncio.Event()
        self._ending = False
        self._file = None if state is None else self._open(state)

    def _open(self, state: Path) -> sqlite3.Connection:
        state.parent.mkdir(parents=True, exist_ok=True)
        file = sqlite3.connect(state, timeout=1.0, isolation_level=None, check_same_thread=False)
        try:
            # One process owns the file, which also spares SQLite its shared memory.
            # Losing the machine may lose the last writes; losing the process does not.
            file.execute("PRAGMA locking_mode=EXCLUSIVE")
            file.execute("PRAGMA journal_mode=WAL")
            file.execute("PRAGMA synchronous=OFF")
            file.executescript(_SCHEMA)
            for number, kind, key, doc in file.execute("SELECT number, kind, key, doc FROM thing ORDER BY number"):
                self._entries[kind, key] = Entry(number, kind, key, doc, announced=True)
            (self._number,) = file.execute(
                "SELECT max(number) FROM (SELECT number FROM high UNION ALL SELECT max(number) FROM thing)"
            ).fetchone()
        except sqlite3.DatabaseError as error:
            file.close()
            raise RuntimeError(
                f"The state file {state} cannot be used ({error}); is another sandbox running on it? Name another one or remove it."
            ) from error
        self._settled = self._number
        return file

    @property
    def number(self) -> int:
        """The number of the last settled change."""
        return self._settled

    def stored(self, kind: type[T]) -> Iterator[T]:
        """Every thing of this kind that was read back from the file, oldest change first."""
        for (name, key), entry in list(self._entries.items()):
            if name == kind.noun:
                if entry.announced != kind.announced:
                    self._entries[name, key] = Entry(entry.number, name, key, entry.doc, kind.announced)
                yield kind.model_validate_json(entry.doc)

    def put(self, thing: Thing) -> None:
        """Remember `thing` as it is now, under the next number."""
        name = (thing.noun, thing.key)
        self._number += 1
        replaced = self._entries.pop(name, None)
        entry = Entry(self._number, thing.noun, thing.key, thing.to_json(), thing.announced)
        self._entries[name] = entry
        if self._file is not None:
            if replaced is not None:
                self._deletes.append((replaced.number,))
            self._inserts.append((entry.number, entry.kind, entry.key, entry.doc))
        self._soon()

    def drop(self, thing: Thing) -> None:
        """Forget `thing`, without telling anyone."""
        entry = self._entries.pop((thing.noun, thing.key), None)
        if entry is not None and self._file is not None:
            self._deletes.append((entry.number,))
            self._dropped = True
            self._soon()

    def _soon(self) -> None:
        """Whatever happens, settle at the end of this turn of the event loop."""
        if not self._dirty:
            self._dirty = True
            try:
                asyncio.get_running_loop().call_soon(self.settle)
            except RuntimeError:
                return  # no loop is running yet: whoever sets up the world settles it

    def settle(self) -> None:
        """Write what was put and dropped, in one transaction, and tell the followers.

        Raises sqlite3.Error when the file cannot be written; nothing is told or forgotten then, and the next call tries again.
        """
        if not self._dirty:
            return
        if self._file is not None:
            self._write(self._file)
        self._dirty = False
        self._settled = self._number
        self._news.set()
        self._news = asyncio.Event()

    def _write(self, file: sqlite3.Connection) -> None:
        try:
            file.execute("BEGIN")
            if self._inserts:
                file.executemany("INSERT INTO thing VALUES (?, ?, ?, ?)", self._inserts)
            if self._deletes:  # after the inserts: what changed twice since the last time is in both
                file.executemany("DELETE FROM thing WHERE number = ?", self._deletes)
            if self._dropped:  # only then may the highest number be in no row
                file.execute("UPDATE high SET number = ?", (self._number,))
            file.execute("COMMIT")
        except sqlite3.Error:
            if file.in_transaction:
                file.execute("ROLLBACK")
            raise
        self._inserts.clear()
        self._deletes.clear()
        self._dropped = False

    def since(self, after: int) -> list[Entry]:
        """Announced things whose last change has a number above `after`, oldest first."""
        found = []
        for entry in reversed(self._entries.values()):
            if entry.number <= after:
                break
            if entry.announced and entry.number <= self._settled:
                found.append(entry)
        found.reverse()
        return found

    async def wait_beyond(self, after: int, seconds: float) -> list[Entry]:
        """Like `since`, but when there is nothing yet, waits up to `seconds` for something."""
        try:
            async with asyncio.timeout(seconds):
                while not (found := self.since(after)) and not self._ending:
                    await self._news.wait()
                return found
        except TimeoutError:
            return []

    def let_go(self) -> None:
        """The end is near: nobody waits for news any more."""
        self._ending = True
        self._news.set()

    def close(self) -> None:
        """Settle and let go of the file."""
        self.settle()
        if self._file is not None:
            self._file.close()
            self._file = None
