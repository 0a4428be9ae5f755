"""The bridge's two addresses, as docs/channel-contract.md has them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from itertools import islice
from typing import Annotated

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.answers import ProblemError, answer, parse
from sandbox.faults.door import BLIND
from sandbox.signing import SignatureError, verify_channel
from sandbox.square.posts import Post, Visibility
from sandbox.square.square import Square

MOST_FOUND = 100
_ADDRESS = re.compile(r"/bridge/([^/]+)/replies(/find)?")


class ReplyWanted(BaseModel):
    """What Loopkeeper wants posted."""

    brand: str
    in_reply_to: str
    text: str
    visibility: Visibility = "public"


class FindWanted(BaseModel):
    """To which post own replies are looked up, and whether those that everybody sees or the private ones."""

    brand: str
    in_reply_to: Annotated[str, Field(min_length=1)]
    visibility: Visibility = "public"


class Bridge:
    """Serves Loopkeeper. Nothing is done before the signature is verified."""

    def __init__(self, square: Square, now: Callable[[], float] = time.time) -> None:
        self._square = square
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        try:
            answered = await self._serve(request)
        except ProblemError as error:
            answered = error.answer()
        await answered(scope, receive, send)

    async def _serve(self, request: Request) -> Response:
        address = _ADDRESS.fullmatch(request.scope["path"])
        if address is None:
            raise ProblemError(404, "No such address", "A bridge has two: /bridge/{channel}/replies and /bridge/{channel}/replies/find.")
        if request.method != "POST":
            raise ProblemError(405, "Not like that", "Both addresses of a bridge take POST only.", {"Allow": "POST"})
        channel, find = address.groups()
        body = await self._verified(channel, request)
        return self.find_replies(channel, request, body) if find else self.post_reply(channel, request, body)

    async def _verified(self, channel: str, request: Request) -> bytes:
        """The body. Raises ProblemError 404 or 401."""
        known = self._square.channel(channel)
        body = await request.body()
        try:
            verify_channel(known.secret, request.headers, self._now(), body)
        except SignatureError as error:
            raise ProblemError(401, "Not signed by you", f"{error}.") from error
        return body

    def post_reply(self, channel: str, request: Request, body: bytes) -> Response:
        """`POST /bridge/{channel}/replies`."""
        key = request.headers.get("idempotency-key", "")
        if not key:
            raise ProblemError(400, "No key", "A reply needs an idempotency-key, so that it can be told from its repeat.")
        wanted = parse(body, ReplyWanted)
        post, is_new = self._square.reply(channel, wanted.brand, wanted.in_reply_to, wanted.text, wanted.visibility, key)
        return answer({"id": post.id, "url": post.url, "posted_at": post.posted_at.isoformat()}, 201 if is_new else 200)

    def find_replies(self, channel: str, request: Request, body: bytes) -> Response:
        """`POST /bridge/{channel}/replies/find`."""
        wanted = parse(body, FindWanted)
        if request.scope.get(BLIND):
            return answer({"complete": False, "replies": []})
        answers = self._square.posts.answers_to(channel, wanted.in_reply_to)
        ours = (post for post in answers if post.author.is_brand and post.author.handle == wanted.brand)
        own = list(islice((post for post in ours if post.visibility == wanted.visibility), MOST_FOUND + 1))
        return answer({"complete": len(own) <= MOST_FOUND, "replies": [_found(post) for post in own[:MOST_FOUND]]})


def _found(post: Post) -> dict[str, object]:
    return {
        "id": post.id,
        "url": post.url,
        "text": post.text,
        "posted_at": post.posted_at.isoformat(),
        "idempotency_key": post.idempotency_key,
    }
