"""Slack's timestamps, ids of triggers, and the rate at which an app may post."""

from __future__ import annotations

import math
import re
import secrets
import time
from collections.abc import Callable

_TS = re.compile(r"\d{1,10}\.\d{6}")

BURST = 5.0
"""How many messages an app may post at once before the rate applies."""


def is_ts(text: str) -> bool:
    """Whether it has the shape of a message's timestamp."""
    return _TS.fullmatch(text) is not None


def as_micros(ts: str) -> int:
    """A timestamp as a number that sorts."""
    seconds, _, micros = ts.partition(".")
    return int(seconds) * 1_000_000 + int(micros.ljust(6, "0")[:6] or "0")


class Timestamps:
    """Gives each message a timestamp of its own: real time, to the microsecond, never the same twice."""

    def __init__(self, now: Callable[[], float] = time.time, after: str = "0.000000") -> None:
        self._now = now
        self._last = as_micros(after)

    def next(self) -> str:
        """The next timestamp, above all before."""
        self._last = max(self._last + 1, int(self._now() * 1_000_000))
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"


class Rate:
    """A bucket for each channel: so many messages a second, with a burst."""

    def __init__(self, per_second: float, now: Callable[[], float] = time.time) -> None:
        self._per_second = per_second
        self._now = now
        self._buckets: dict[str, tuple[float, float]] = {}

    def seconds_to_wait(self, channel: str) -> int:
        """0: it may be posted now, and is counted. Else: whole seconds until it may."""
        if self._per_second == 0:
            return 0
        now = self._now()
        left, then = self._buckets.get(channel, (BURST, now))
        left = min(BURST, left + (now - then) * self._per_second)
        if left < 1:
            self._buckets[channel] = (left, now)
            return math.ceil((1 - left) / self._per_second)
        self._buckets[channel] = (left - 1, now)
        return 0


def new_trigger_id(now: float) -> str:
    """An id in the shape that Slack expects back."""
    return f"{int(now * 1000)}.{secrets.randbelow(10**12):012d}.{secrets.token_hex(16)}"
