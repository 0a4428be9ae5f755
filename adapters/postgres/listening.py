"""Hearing of what was committed the moment it is: LISTEN on a connection of its own. A sweep is the truth; this is the speed."""

from __future__ import annotations

import logging
import os
import select
import threading
from collections.abc import Callable

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT
from sqlalchemy import Engine

log = logging.getLogger(__name__)
_LOOK_EVERY_SECONDS = 10.0
_AGAIN_SECONDS = 1.0


class Listener:
    """Tells `hear` what is said on a topic, from a thread of its own, until stopped."""

    def __init__(self, engine: Engine, topic: str, hear: Callable[[str], object]) -> None:
        self._engine = engine
        self._topic = topic
        self._hear = hear
        self._ended = threading.Event()
        self._woken, self._wake = os.pipe()
        self._thread = threading.Thread(target=self._run, name=f"listening to {topic}", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """End; returns when it has."""
        self._ended.set()
        os.write(self._wake, b".")
        self._thread.join(_LOOK_EVERY_SECONDS)
        os.close(self._wake)
        os.close(self._woken)

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
            connection.cursor().execute(f"listen {self._topic}")
            while not self._ended.is_set():
                ready, _, _ = select.select([connection, self._woken], [], [], _LOOK_EVERY_SECONDS)
                if connection not in ready:
                    continue
                connection.poll()
                while connection.notifies:
                    self._hear(connection.notifies.pop(0).payload)
        finally:
            connection.close()
