"""Webhooks of networks: verified over the raw body, stored, acknowledged, and only then looked at any further."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import JSONResponse, Response

from adapters.channels.signing import BadSignature, Signer
from adapters.postgres.intake import Arrival, Inbox
from api.problems import Problem
from domain.errors import UnknownBrand
from domain.inbound import CHANNEL_EVENT, LONGEST_BODY
from domain.ports import PolicyBook, Unavailable

ONE_COMMIT_AT_MOST = 200


class GroupCommit:
    """Stores arrivals, many in one transaction: a commit costs the same for two hundred as for one."""

    def __init__(self, inbox: Inbox, threads: Executor) -> None:
        self._inbox = inbox
        self._threads = threads
        self._pending: list[tuple[Arrival, asyncio.Future[int | None]]] = []
        self._wake = asyncio.Event()

    async def store(self, arrival: Arrival) -> int | None:
        """Its number when it is on disk; None when it was there before. Raises Unavailable."""
        stored: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._pending.append((arrival, stored))
        self._wake.set()
        return await stored

    async def run(self) -> None:
        """Store until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._pending:
                batch, self._pending = self._pending[:ONE_COMMIT_AT_MOST], self._pending[ONE_COMMIT_AT_MOST:]
                await self._commit(batch)

    async def _commit(self, batch: list[tuple[Arrival, asyncio.Future[int | None]]]) -> None:
        try:
            numbers = await asyncio.get_running_loop().run_in_executor(self._threads, self._inbox.store, [a for a, _ in batch])
        except Unavailable as error:
            for _, stored in batch:
                if not stored.done():
                    stored.set_exception(error)
            return
        for (_, stored), number in zip(batch, numbers, strict=True):
            if not stored.done():
                stored.set_result(number)


@dataclass(frozen=True)
class Intake:
    """What the webhook addresses need."""

    signers: Mapping[str, Signer]
    book: PolicyBook
    commits: GroupCommit
    router: APIRouter = field(default_factory=APIRouter)

    def routes(self) -> APIRouter:
        """The addresses."""
        self.router.add_api_route(
            "/webhooks/channels/{channel}",
            self.receive,
            methods=["POST"],
            status_code=202,
            tags=["webhooks"],
            summary="What a network's bridge tells us",
            description="See docs/channel-contract.md. Signed by the Standard Webhooks scheme.",
        )
        return self.router

    async def receive(self, channel: str, request: Request) -> Response:
        """Store what a bridge tells us."""
        signer = self.signers.get(channel)
        if signer is None:
            raise Problem(404, f"there is no channel '{channel[:40]}' here; the channels are: {', '.join(self.signers) or 'none'}")
        body = await read_body(request)
        try:
            delivery = signer.verify(request.headers, body, time.time())
        except BadSignature as error:
            raise Problem(401, str(error)) from None
        arrival, unreadable = self._read(channel, delivery, body)
        try:
            number = await self.commits.store(arrival)
        except Unavailable:
            raise Problem(503, "not stored: the database cannot be reached; send it again", headers={"retry-after": "5"}) from None
        if unreadable is not None:
            raise Problem(422, f"quarantined, so that a person sees it: {unreadable}")
        return JSONResponse({"stored": True, "duplicate": number is None}, 202)

    def _read(self, channel: str, delivery: str, body: bytes) -> tuple[Arrival, str | None]:
        try:
            event = CHANNEL_EVENT.validate_json(body)
            self.book.active().brand(event.brand)
        except ValidationError as error:
            reason = _reason(error)
        except UnknownBrand as error:
            reason = str(error)
        else:
            return Arrival(channel, event.key, delivery, body), None
        return Arrival(channel, "", delivery, body, quarantine=reason), reason


async def read_body(request: Request) -> bytes:
    """The raw body. One that is too long is not read to its end. Raises Problem."""
    declared = request.headers.get("content-length", "")
    too_long = Problem(413, f"a message may have at most {LONGEST_BODY} bytes")
    if declared.isdigit() and int(declared) > LONGEST_BODY:
        raise too_long
    chunks: list[bytes] = []
    length = 0
    async for chunk in request.stream():
        length += len(chunk)
        if length > LONGEST_BODY:
            raise too_long
        chunks.append(chunk)
    return b"".join(chunks)


def _reason(error: ValidationError) -> str:
    problem = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(p) for p in problem["loc"] if p not in ("post.created", "post.edited", "post.deleted"))
    return f"{where}: {problem['msg']}" if where else str(problem["msg"])
