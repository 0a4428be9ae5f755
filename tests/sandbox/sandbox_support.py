"""A sandbox and a Loopkeeper for it to talk to, each on a port of its own and served for real."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.hands import Hands
from sandbox.settings import Settings

SECRET = "whsec_dGhlLXRlc3RzLW93bi1zZWNyZXQtZm9yLWNoYW5uZWxz"
SIGNING_SECRET = "the-tests-own-signing-secret"
BOT_TOKEN = "xoxb-the-tests-own"
APP_TOKEN = "xapp-the-tests-own"
API_KEY = "SG.the-tests-own"


@dataclass(frozen=True)
class Received:
    """A request that Loopkeeper got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Loopkeeper:
    """What the sandbox takes for Loopkeeper: remembers every request and answers as it is told."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answer: Callable[[Received], Response | None] = lambda _: None
    slack: Callable[[Request], Any] | None = None
    """A bolt app's handler for /slack/events."""
    news: threading.Condition = field(default_factory=threading.Condition)

    def reset(self) -> None:
        """Forget everything and answer as usual."""
        with self.news:
            self.received.clear()
        self.answer = lambda _: None
        self.slack = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        got = Received(request.method, request.url.path, dict(request.headers), await request.body())
        with self.news:
            self.received.append(got)
            self.news.notify_all()
        told = self.answer(got)
        if told is None and self.slack is not None and got.path == "/slack/events":
            told = await self.slack(request)
        await (told or Response(b'{"stored":true,"duplicate":false}', 202, media_type="application/json"))(scope, receive, send)

    def wait_for(self, wanted: Callable[[Received], bool], count: int = 1, seconds: float = 30.0) -> list[Received]:
        """The requests that are wanted, once there are `count` of them."""
        end = time.monotonic() + seconds
        with self.news:
            while len(found := [one for one in self.received if wanted(one)]) < count:
                left = end - time.monotonic()
                if left <= 0 or not self.news.wait(left):
                    raise AssertionError(
                        f"{len(found)} of {count} came within {seconds} s; received: {[(r.path, r.body[:80]) for r in self.received]}"
                    )
            return found


@dataclass(frozen=True)
class Outside:
    """A running sandbox."""

    url: str
    hands: Hands
    settings: Settings
    stop: Callable[[], None]

    @property
    def slack_api(self) -> str:
        return f"{self.url}/slack/api/"


StartSandbox = Callable[..., Outside]


class Clock:
    """A clock that only moves when told."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now
