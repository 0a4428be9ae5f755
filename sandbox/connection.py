"""The connection beneath a request, so that the sandbox can break it as real networks do."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Coroutine
from typing import Any, cast

from starlette.types import Receive, Scope
from uvicorn._types import HTTPScope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_EXTENSION = "sandbox.connection"


class Connection(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol, which also lets the application reach the transport."""

    scope: HTTPScope

    def on_message_begin(self) -> None:
        """A request begins: name its connection in the scope."""
        super().on_message_begin()
        self.scope["extensions"] = {_EXTENSION: {"protocol": self}}

    def cut(self) -> None:
        """Reset the connection: the peer sees a reset, not an answer and not an orderly end."""
        raw = cast("socket.socket | None", self.transport.get_extra_info("socket"))
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


async def cut(scope: Scope, receive: Receive) -> None:
    """Reset the connection that carries this request, and wait until it is gone."""
    protocol = scope.get("extensions", {}).get(_EXTENSION, {}).get("protocol")
    if not isinstance(protocol, Connection):
        raise RuntimeError("Only a sandbox that is served by `python -m sandbox` can cut connections; this one runs inside another server.")  # noqa: TRY004
    protocol.cut()
    await until_disconnected(receive)


async def until_disconnected(receive: Receive) -> None:
    """Wait until the peer is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def until_first(*ends: Coroutine[Any, Any, object]) -> None:
    """Wait until one of these has come; the others are given up."""
    tasks = [asyncio.ensure_future(end) for end in ends]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
