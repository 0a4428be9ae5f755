"""A proxy before several servers, which takes another one when one is gone."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from itertools import cycle


@contextlib.contextmanager
def in_turn(*urls: str) -> Iterator[str]:
    """A proxy that sends each connection to the next server in turn, and to another one when that is gone."""
    listening = socket.create_server(("127.0.0.1", 0))
    turn, ended = cycle(urls), threading.Event()

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def reach() -> socket.socket | None:
        for _ in urls:
            host, _, port = next(turn).removeprefix("http://").partition(":")
            with contextlib.suppress(OSError):
                return socket.create_connection((host, int(port)), timeout=5)
        return None

    def serve() -> None:
        while not ended.is_set():
            with contextlib.suppress(OSError):
                client, _ = listening.accept()
                server = reach()
                if server is None:
                    client.close()
                    continue
                server.settimeout(None)
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=pump, args=(one, other), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    ended.set()
    listening.close()
