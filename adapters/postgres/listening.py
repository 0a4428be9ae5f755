"""Hearing of what was stored the moment it is committed: LISTEN on a connection of its own. The sweep is the truth; this is the speed."""

from __future__ import annotations

import logging
import select
import threading
from collections.abc import Callable

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT
from sqlalchemy import Engine

from adapters.postgres.intake import TOPIC

log = logging.getLogger(__name__)
_LOOK_EVERY_SECONDS = 1.0
_AGAIN_SECONDS = 1.0


class Listener:
    """Tells `hear` the numbers of messages as they are stored, from a thread of its own, until stopped."""

    def __init__(self, engine: Engine, hear: Callable[[list[int]], object]) -> None:
        self._engine = engine
        self._hear = hear
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """End; returns when it has."""
        self._ended.set()
        self._thread.join(_LOOK_EVERY_SECONDS * 3)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._listen()
            except (psycopg2.Error, OSError) as error:
                if not self._ended.is_set():
                    log.warning("not listening to the database just now (%s); the sweep goes on", type(error).__name__)
                    self._ended.wait(_AGAIN_SECONDS)

    def _listen(self) -> None:
        connection = psycopg2.connect(**self._engine.dialect.create_connect_args(self._engine.url)[1])
        try:
            connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
            connection.cursor().execute(f"listen {TOPIC}")
            while not self._ended.is_set():
                if select.select([connection], [], [], _LOOK_EVERY_SECONDS) == ([], [], []):
                    continue
                connection.poll()
                while connection.notifies:
                    self._hear([int(number) for number in connection.notifies.pop(0).payload.split(",")])
        finally:
            connection.close()
