"""How much waits for whoever is signed in, for the navigation of every page: looked up once for all who see the same, every few seconds."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from adapters.postgres.store import Store
from api.access.visitor import Visitor
from domain.rights import Right

KEPT_FOR_SECONDS = 3.0
SCOPES_AT_MOST = 200
_Key = tuple[frozenset[str] | None, bool, bool]


@dataclass
class Waiting:
    """Counts what stands in the inbox. `clock`: seconds that only go forward."""

    store: Store
    in_thread: Callable[[Callable[[], Any]], Awaitable[Any]]
    clock: Callable[[], float] = time.monotonic
    _known: dict[_Key, tuple[float, int]] = field(default_factory=dict)

    async def of(self, visitor: Visitor) -> int:
        """How much it is, as of a few seconds ago at most; nothing for whoever may not read cases."""
        if not visitor.may(Right.READ_CASES):
            return 0
        key = (visitor.sees_departments, visitor.may(Right.READ_UNREADABLE), visitor.may(Right.SHARE_CAUSES))
        at, count = self._known.get(key, (float("-inf"), 0))
        if self.clock() - at <= KEPT_FOR_SECONDS:
            return count
        found = int(await self.in_thread(lambda: self._count(*key)))
        if len(self._known) >= SCOPES_AT_MOST:
            self._known.clear()
        self._known[key] = (self.clock(), found)
        return found

    def _count(self, scope: frozenset[str] | None, unreadable: bool, announcements: bool) -> int:
        unsorted = (self.store.book.active().triage.otherwise,)
        return self.store.board.waiting(scope, unsorted, unreadable=unreadable, announcements=announcements)
