"""The hands' eyes: the world, its state, and every change as it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from sandbox.answers import ProblemError, answer
from sandbox.things import Entry, Store

MOST_WAIT_SECONDS = 60.0
MOST_CHANGES = 1000
_BREATH_SECONDS = 15.0
"""How often a silent stream says that it is alive."""


class Eyes:
    """Tells what there is and what changes. Changes are numbered; a later number never tells less."""

    def __init__(self, store: Store, world: dict[str, object]) -> None:
        self._store = store
        self._world = world
        self._closed = False

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [
            Route("/hands/world", self.world, methods=["GET"]),
            Route("/hands/state", self.state, methods=["GET"]),
            Route("/hands/number", self.number, methods=["GET"]),
            Route("/hands/changes", self.changes, methods=["GET"]),
            Route("/hands/stream", self.stream, methods=["GET"]),
        ]

    def close(self) -> None:
        """Let every stream end."""
        self._closed = True
        self._store.let_go()

    async def world(self, _request: Request) -> Response:
        """`GET /hands/world`: who and what there is, which never changes while the sandbox runs."""
        return answer(self._world)

    async def state(self, _request: Request) -> Response:
        """`GET /hands/state`: everything as it is now, and the number from which to follow."""
        self._store.settle()
        return Response(_listing(self._store.number, self._store.since(0)), media_type="application/json")

    async def number(self, _request: Request) -> Response:
        """`GET /hands/number`: the number of the last change, for whoever cares for the future alone."""
        self._store.settle()
        return answer({"number": self._store.number})

    async def changes(self, request: Request) -> Response:
        """`GET /hands/changes?after=N&wait=SECONDS`: what has changed since N; waits while there is nothing.

        A number from the future comes from another world (this one began anew without its state): everything is told.
        """
        after = _whole(request.query_params.get("after", "0"), "after")
        after = after if after <= self._store.number else 0
        wait = min(_whole(request.query_params.get("wait", "0"), "wait"), MOST_WAIT_SECONDS)
        found = self._store.since(after) or (await self._store.wait_beyond(after, wait) if wait else [])
        found = found[:MOST_CHANGES]
        number = found[-1].number if found else self._store.number
        return Response(_listing(number, found), media_type="application/json")

    async def stream(self, request: Request) -> Response:
        """`GET /hands/stream?after=N`: the same as server-sent events; a reconnecting browser names the last it had.

        When that is from the future, an event `anew` says first that this is another world.
        """
        after = _whole(request.headers.get("last-event-id") or request.query_params.get("after", "0"), "after")
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._events(after), media_type="text/event-stream", headers=headers)

    async def _events(self, after: int) -> AsyncIterator[bytes]:
        yield b": you see everything from here on\n\n"
        if after > self._store.number:
            after = 0
            yield b"event: anew\ndata: {}\n\n"
        while not self._closed:
            found = await self._store.wait_beyond(after, _BREATH_SECONDS)
            if found:
                after = found[-1].number
                yield b"".join(b"id: %d\nevent: change\ndata: %s\n\n" % (entry.number, entry.to_json()) for entry in found)
            else:
                yield b": \n\n"


def _listing(number: int, entries: list[Entry]) -> bytes:
    return b'{"number":%d,"changes":[%s]}' % (number, b",".join(entry.to_json() for entry in entries))


def _whole(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ProblemError(422, "Not a number", f"{name} is a whole number of at least 0, not {text!r}.")
    return int(text)
