"""The HTTP server beneath the sandbox."""

from __future__ import annotations

import socket

import uvicorn

from sandbox.app import Sandbox
from sandbox.connection import Connection

_KEEP_ALIVE_SECONDS = 75
_LAST_SECONDS = 1
"""How long requests may take to end when the sandbox does."""


class Server(uvicorn.Server):
    """Serves a sandbox on uvicorn, lean: without logs of requests, with connections that can be broken."""

    def __init__(self, sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(
            uvicorn.Config(
                sandbox,
                host=host,
                port=port,
                http=Connection,
                loop="uvloop",
                ws="wsproto",
                lifespan="on",
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_LAST_SECONDS,
            )
        )
        self._sandbox = sandbox

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, keeping nobody waiting."""
        self._sandbox.close()
        await super().shutdown(sockets)
