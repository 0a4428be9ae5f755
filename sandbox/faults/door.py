"""The door through which every request comes in: where faults strike, and where nothing is answered before it is written."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.answers import dumps, problem
from sandbox.connection import cut, until_disconnected, until_first
from sandbox.faults.mode import FaultMode, Kind, Order, Party
from sandbox.things import Store

_PARTIES = (("/bridge/", Party.SQUARE), ("/slack/api/", Party.SLACK), ("/slack/respond/", Party.SLACK), ("/sendgrid/", Party.MAIL))

_TOO_MANY = {
    Party.SQUARE: dumps({"type": "about:blank", "title": "Too Many Requests", "status": 429, "detail": "The fault mode limits the rate."}),
    Party.SLACK: dumps({"ok": False, "error": "ratelimited"}),
    Party.MAIL: dumps({"errors": [{"message": "too many requests", "field": None, "help": None}]}),
}

_NO_WAY_IN = frozenset({Kind.DOWN, Kind.REFUSE})
"""Faults that also keep a socket from being opened."""

BLIND = "sandbox.blind"
"""Set in the scope of a request that is to find nothing for certain."""


def party_of(path: str) -> Party | None:
    """Which party a request is for; None: the sandbox's own pages and hands."""
    return next((party for prefix, party in _PARTIES if path.startswith(prefix)), None)


class Door:
    """Leads to each party, and to the `house` (hands, page) for everything else. Faults strike the parties only."""

    def __init__(self, parties: Mapping[Party, ASGIApp], house: ASGIApp, store: Store, faults: FaultMode) -> None:
        self._parties = parties
        self._house = house
        self._store = store
        self._faults = faults
        self._closing = asyncio.Event()

    def close(self) -> None:
        """Keep nobody waiting any more: whoever hangs or is held is let go."""
        self._closing.set()
        self._faults.release()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - the ASGI application
        if scope["type"] == "websocket" and self._faults.strike(Party.SLACK, scope["path"], _NO_WAY_IN):
            await receive()
            await send({"type": "websocket.close"})
            return
        if scope["type"] != "http":
            await self._house(scope, receive, send)
            return
        party = party_of(scope["path"])
        order = None if party is None else self._faults.strike(party, scope["path"])
        if order is None:
            await self._inside(scope, receive, send)
        else:
            self._store.settle()
            await self._fail(order, scope, receive, send)

    async def _inside(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def written_first(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._store.settle()
            await send(message)

        party = party_of(scope["path"])
        await (self._house if party is None else self._parties[party])(scope, receive, written_first)

    async def _acted(self, scope: Scope, receive: Receive) -> list[Message]:
        """Do what was asked and keep the answer."""
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self._inside(scope, receive, keep)
        return answer

    async def _fail(self, order: Order, scope: Scope, receive: Receive, send: Send) -> None:
        ways: dict[Kind, Callable[[Order, Scope, Receive, Send], Awaitable[None]]] = {
            Kind.LOSE_ANSWER: self._lose_answer,
            Kind.FAIL_AFTER: self._fail_after,
            Kind.FAIL_BEFORE: self._fail_before,
            Kind.HANG: self._hang,
            Kind.REFUSE: self._refuse,
            Kind.DOWN: self._refuse,
            Kind.RATE_LIMIT: self._rate_limit,
            Kind.HOLD: self._hold,
            Kind.BLIND: self._blind,
        }
        await ways[order.kind](order, scope, receive, send)

    async def _lose_answer(self, _order: Order, scope: Scope, receive: Receive, _send: Send) -> None:
        await self._acted(scope, receive)
        await cut(scope, receive)

    async def _fail_after(self, order: Order, scope: Scope, receive: Receive, send: Send) -> None:
        await self._acted(scope, receive)
        await self._fail_before(order, scope, receive, send)

    async def _fail_before(self, _order: Order, scope: Scope, receive: Receive, send: Send) -> None:
        await problem(500, "Internal Server Error", "The fault mode made this request fail.")(scope, receive, send)

    async def _hang(self, order: Order, scope: Scope, receive: Receive, _send: Send) -> None:
        if order.acts:
            await self._acted(scope, receive)
        await until_first(until_disconnected(receive), self._closing.wait())
        await cut(scope, receive)

    async def _refuse(self, _order: Order, scope: Scope, receive: Receive, _send: Send) -> None:
        await cut(scope, receive)

    async def _rate_limit(self, order: Order, scope: Scope, receive: Receive, send: Send) -> None:
        answer = Response(_TOO_MANY[order.party], 429, {"Retry-After": str(order.seconds)}, media_type="application/json")
        await answer(scope, receive, send)

    async def _hold(self, order: Order, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._acted(scope, receive)
        await until_first(self._faults.hold(order.party, scope["path"]), until_disconnected(receive))
        for message in answer:
            await send(message)

    async def _blind(self, order: Order, scope: Scope, receive: Receive, send: Send) -> None:
        if order.party is Party.SQUARE:
            scope[BLIND] = True
            await self._inside(scope, receive, send)
        else:
            await self._fail_before(order, scope, receive, send)
