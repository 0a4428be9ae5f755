"""Keeping up what cases are found by."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity

from activities.housekeeping import SHIFT_SECONDS, shift_ended
from activities.retrying import again
from domain.ports import Indexing, Unavailable

AT_ONCE = 2_000
"""So many events are taken in one transaction."""
INDEX_EVERY = 2.0
"""Seconds to rest when there is nothing more to take: so far behind the log a search may be."""


@dataclass(frozen=True)
class IndexKeeper:
    """The activity that follows the log. `ended`: waits so many seconds, and whether the worker is being shut down."""

    indexer: Indexing
    ended: Callable[[float], bool] = shift_ended

    @activity.defn(name="index_histories")
    def index(self, _about: str) -> int:
        """Index what comes into the log for a while; how many events were taken. Safe to repeat."""
        until, taken = time.monotonic() + SHIFT_SECONDS, 0
        while time.monotonic() < until:
            try:
                now = self.indexer.index(AT_ONCE)
            except Unavailable as error:
                raise again(str(error), timedelta(seconds=5)) from None
            taken += now
            if self.ended(0.0 if now == AT_ONCE else INDEX_EVERY):
                break
        return taken
