"""Serving an application for real, in a thread, on a port of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import uvicorn


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
    end = time.monotonic() + 60
    while not server.started:
        assert thread.is_alive(), "the server died while starting"
        assert time.monotonic() < end, "the server did not start within 60 s"
        time.sleep(0.005)  # a poll, bounded above
    try:
        yield url
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()
