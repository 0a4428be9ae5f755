"""A sandbox and a Loopkeeper for it to talk to, each on a port of its own and served for real."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.hands import Hands
from sandbox.settings import Settings

SECRET = "whsec_dGhlLXRlc3RzLW93bi1zZWNyZXQtZm9yLWNoYW5uZWxz"
SIGNING_SECRET = "the-tests-own-signing-secret"
BOT_TOKEN = "xoxb-the-tests-own"
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

    def wait_for(self, wanted: Callable[[Received], bool], count: int = 1, seconds: float = 5.0) -> list[Received]:
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


async def _attentive(server: uvicorn.Server) -> None:
    """uvicorn looks ten times a second whether it should end; hundreds of servers end here, so this looks more often."""
    turn = 0
    while not await server.on_tick(turn):
        turn = (turn + 1) % 864_000
        await asyncio.sleep(0.01)


@contextmanager
def served(make: Callable[[str], uvicorn.Server]) -> Iterator[str]:
    """Run a server that is made with its own address; answers the address."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = make(url)
    server.main_loop = partial(_attentive, server)  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    end = time.monotonic() + 10
    while not server.started:
        assert thread.is_alive(), "the server died while starting"
        assert time.monotonic() < end, "the server did not start within 10 s"
        time.sleep(0.005)
    try:
        yield url
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


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
