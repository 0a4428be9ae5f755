"""A proxy before several servers, which takes another one when one is gone."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from itertools import cycle


@contextlib.contextmanager
def in_turn(*urls: str) -> Iterator[str]:
    """Each connection goes to the next server in turn, and to another one when that is gone."""
    turn = cycle(urls)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_serve, args=(listening, turn, len(urls)), daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def _serve(listening: socket.socket, turn: Iterator[str], servers: int) -> None:
    with contextlib.suppress(OSError):  # it was shut down: nobody needs it any more
        while True:
            client, _ = listening.accept()
            server = _reached(turn, servers)
            if server is None:
                client.close()
            else:
                threading.Thread(target=_pass_on, args=(client, server), daemon=True).start()


def _reached(turn: Iterator[str], servers: int) -> socket.socket | None:
    for _ in range(servers):
        host, _, port = next(turn).removeprefix("http://").partition(":")
        with contextlib.suppress(OSError):
            return socket.create_connection((host, int(port)), timeout=5)
    return None


def _pass_on(client: socket.socket, server: socket.socket) -> None:
    with client, server, contextlib.suppress(OSError):
        while True:
            ready, _, _ = select.select([client, server], [], [])
            for source in ready:
                data = source.recv(65536)
                if not data:
                    return
                (server if source is client else client).sendall(data)
