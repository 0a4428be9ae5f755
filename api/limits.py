"""How often one key, or one signed-in person, may ask the API: a token bucket each.

What is left is told in every answer, in the fields of draft-ietf-httpapi-ratelimit-headers. Each API process counts for itself.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem

WITHIN_SECONDS = 60
CALLERS = 10_000
"""How many callers are remembered; beyond that, the one who asked the longest ago is forgotten, and has a full bucket again."""
KEPT_IN = "left_to_ask"
"""Where in a request's state the answer's fields are."""


@dataclass(frozen=True, slots=True)
class Left:
    """What a caller may still ask. `full_in`: seconds until they may ask as much as at first. `wait`: seconds until they may ask again."""

    quota: int
    requests: int
    full_in: int
    wait: int = 0

    @property
    def headers(self) -> dict[str, str]:
        """The answer's fields."""
        policy, left = f'"requests";q={self.quota};w={WITHIN_SECONDS}', f'"requests";r={self.requests};t={self.full_in}'
        return {"ratelimit-policy": policy, "ratelimit": left}


class Limits:
    """Counts by caller, in bounded memory. `per_minute`: so many at once, and as many a minute in the long run."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._quota = per_minute
        self._each_second = per_minute / WITHIN_SECONDS
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> Left:
        """One request of theirs; with `wait`, it is one too many."""
        now = self._clock()
        tokens, since = self._buckets.pop(caller, (float(self._quota), now))
        tokens = min(float(self._quota), tokens + (now - since) * self._each_second)
        granted = tokens >= 1
        tokens -= granted
        self._buckets[caller] = (tokens, now)
        if len(self._buckets) > CALLERS:
            self._buckets.popitem(last=False)
        full_in = ceil((self._quota - tokens) / self._each_second)
        return Left(self._quota, int(tokens), full_in, 0 if granted else max(1, ceil((1 - tokens) / self._each_second)))


def too_many(left: Left) -> Problem:
    """One request too many."""
    detail = f"more than {left.quota} requests within a minute; try again in {left.wait} s"
    return Problem(429, detail, code="too_many_requests", headers={"retry-after": str(left.wait)})


class LimitHeaders:
    """Tells in the answer what the door has counted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the fields."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def with_fields(message: Message) -> None:
            left = state.get(KEPT_IN)
            if message["type"] == "http.response.start" and isinstance(left, Left):
                headers = MutableHeaders(scope=message)
                for name, value in left.headers.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, with_fields)
