"""Webhooks of networks: verified over the raw body, stored, acknowledged, and only then looked at any further."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field, ValidationError
from starlette.responses import JSONResponse, Response

from adapters.channels.signing import BadSignature, Signer
from adapters.postgres.intake import Arrival, Inbox
from api.access.rules import Proven
from api.problems import Problem, described
from domain.errors import UnknownBrand
from domain.inbound import CHANNEL_EVENT, LONGEST_BODY, why_unreadable
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
        except Exception as error:  # noqa: BLE001 - whatever it is, those that come after must be stored
            if len(batch) > 1 and not isinstance(error, Unavailable):
                for one in batch:  # so that one that cannot be stored does not take the others with it
                    await self._commit([one])
                return
            for _, stored in batch:
                if not stored.done():
                    stored.set_exception(error)
            return
        for (_, stored), number in zip(batch, numbers, strict=True):
            if not stored.done():
                stored.set_result(number)


class Stored(BaseModel):
    """It is on disk; nothing can lose it now."""

    stored: bool = Field(examples=[True])
    duplicate: bool = Field(examples=[False], description="Whether the same fact was stored before.")


_SIGNED_BY = {
    "webhook-id": "evt_01",
    "webhook-timestamp": "1767225600",
    "webhook-signature": "v1,+9W+SafXxq7LqxsPEx06wRnKe/qD5KM9B069TeqmPy8=",
}
_EXAMPLE = {"type": "post.deleted", "brand": "acme", "data": {"id": "42", "deleted_at": "2026-01-01T00:00:00Z"}}


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
            response_model=Stored,
            responses=described(401, 404, 413, 422, 503),
            dependencies=[Depends(Proven("the bridge's signature"))],
            tags=["webhooks"],
            summary="What a network's bridge tells us",
            description="See docs/channel-contract.md. Signed by the Standard Webhooks scheme.",
            openapi_extra={
                "parameters": [
                    {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, "example": example}
                    for name, example in _SIGNED_BY.items()
                ],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"type": "object"}, "example": _EXAMPLE}},
                },
            },
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
        try:
            arrival, unreadable = self._read(channel, delivery, body)
            number = await self.commits.store(arrival)
        except Unavailable:
            raise Problem(503, "not stored: the database cannot be reached; send it again", headers={"retry-after": "5"}) from None
        if unreadable is not None:
            raise Problem(422, f"quarantined, so that a person sees it: {unreadable}")
        return JSONResponse({"stored": True, "duplicate": number is None}, 202)

    def _read(self, channel: str, delivery: str, body: bytes) -> tuple[Arrival, str | None]:
        try:
            event = CHANNEL_EVENT.validate_json(body)
            self.book.active_for(event.brand).brand(event.brand)
        except ValidationError as error:
            reason = why_unreadable(error)
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
