"""Conditional requests (RFC 9110, 13): whoever has an answer already is told that it still holds, and not given it again.

A case and its history are known by the number of the case's events, so that nothing is read to say that they are as before. Every other
answer of the API is known by a hash of what was made.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from pydantic import BaseModel
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

UNDER = "/api/v1/"
_LARGEST = 8 * 1024 * 1024
"""Bytes of an answer that is hashed; what is longer, or of unknown length, goes out as it comes."""
_HASHED = ("application/json", "text/csv")
_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "It is as you have it (`If-None-Match`)."}}
"""How the OpenAPI document describes that."""


def shape_of(model: type[BaseModel]) -> str:
    """What tells answers of one version of Loopkeeper from those of another, which may have more to say."""
    return hashlib.sha256(json.dumps(model.model_json_schema(), sort_keys=True).encode()).hexdigest()[:6]


def has(given: str | None, tag: str) -> bool:
    """Whether a list of entity tags (`If-None-Match`) names this one; weak comparison."""
    if not given:
        return False
    return given.strip() == "*" or tag.removeprefix("W/").strip('"') in _TAG.findall(given)


def unchanged(request: Request, tag: str) -> Response | None:
    """The answer to somebody who has it already; None when they do not."""
    return Response(status_code=304, headers={"etag": tag}) if has(request.headers.get("if-none-match"), tag) else None


class Conditional:
    """Gives the API's answers an entity tag where their route has given none, and answers 304 to whoever has them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or say that nothing has changed."""
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(UNDER):
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope).get("if-none-match")
        held: Message | None = None
        parts: list[bytes] = []

        async def with_tag(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _is_hashed(message["status"], MutableHeaders(scope=message)):
                held = message
                return
            if held is None:
                await send(message)
                return
            parts.append(message.get("body", b""))
            if message.get("more_body", False):
                return
            body = b"".join(parts)
            headers = MutableHeaders(scope=held)
            headers["etag"] = f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'
            if has(asked, headers["etag"]):
                held["status"], body = 304, b""
                for name in ("content-length", "content-type", "content-disposition"):
                    del headers[name]
            await send(held)
            await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, with_tag)


def _is_hashed(status: int, headers: Mapping[str, str]) -> bool:
    length = headers.get("content-length", "")
    kind = headers.get("content-type", "")
    return status == 200 and "etag" not in headers and kind.startswith(_HASHED) and length.isdigit() and int(length) <= _LARGEST
