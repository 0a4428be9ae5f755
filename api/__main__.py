"""Serve the API: python -m api"""

from __future__ import annotations

import gc
import logging
import socket
import sys
from types import FrameType

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from settings import Settings

NOT_STARTED = 3
"""The exit code of a process that could not begin."""


def main() -> None:
    """Run the API with settings from the environment."""
    settings = Settings()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=10,
    )
    server = _Server(config, app)
    server.run()
    if not server.started:
        sys.exit(NOT_STARTED)


class _Server(uvicorn.Server):
    """Ends when nobody waits for an answer; a stream of events never ends by itself, so those are let go first."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """What is there by now stays until the end: nobody has to wait while it is looked through for what is not needed any more."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal says that it is over."""
        self._app.state.feed.end()
        super().handle_exit(sig, frame)


if __name__ == "__main__":
    main()
