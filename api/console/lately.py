"""What was read for a page a moment ago: read once for all who may see the same, until something changes or a second has passed.

The key says everything that what was read depends on, so the departments that somebody may see are always part of it. What differs from
person to person beyond that (which words they read masked, for one) is made of it afterwards.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

_T = TypeVar("_T")
KEPT_FOR_SECONDS = 1.0
"""Time passes, so that cases become late without a change; and an instance that hears of no change must not go on for long."""


@dataclass
class Lately(Generic[_T]):
    """What is at hand. `clock`: seconds that only go forward."""

    clock: Callable[[], float] = time.monotonic
    _known: dict[Hashable, tuple[float, asyncio.Future[_T]]] = field(default_factory=dict)

    async def of(self, key: Hashable, read: Callable[[], Awaitable[_T]]) -> _T:
        """What `read` says. Whoever asks while it is read waits for the same; what could not be read is read again."""
        kept = self._known.get(key)
        if kept is None or self.clock() - kept[0] > KEPT_FOR_SECONDS or _has_failed(kept[1]):
            kept = (self.clock(), asyncio.ensure_future(read()))
            self._known[key] = kept
            asyncio.get_running_loop().call_later(KEPT_FOR_SECONDS, self._drop, key, kept)  # nobody's words stay longer than they serve
        return await asyncio.shield(kept[1])  # whoever goes away leaves it to the others

    def forget(self) -> None:
        """Something has changed: whoever asks from now on is told how it is now."""
        self._known.clear()

    def _drop(self, key: Hashable, kept: tuple[float, asyncio.Future[_T]]) -> None:
        if self._known.get(key) is kept:
            del self._known[key]


def _has_failed(future: asyncio.Future[_T]) -> bool:
    return future.done() and (future.cancelled() or future.exception() is not None)


Counted = Mapping[str | None, Mapping[str, int]]
"""How many open cases there are of each flag, by their owner."""


def summed(counted: Counted, me: str) -> dict[str, int]:
    """Over all owners; and how many of the cases are `me`'s."""
    flags = {flag for flags in counted.values() for flag in flags}
    return {**{flag: sum(flags.get(flag, 0) for flags in counted.values()) for flag in flags}, "mine": counted.get(me, {}).get("all", 0)}
