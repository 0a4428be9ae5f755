"""What customers do on the square."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.answers import answer, parse
from sandbox.square.posts import Author, Visibility
from sandbox.square.square import Square

PostId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:/@=+-]{1,200}$")]


class _Deed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Write(_Deed):
    """Somebody writes a post."""

    channel: str
    brand: Annotated[str, Field(min_length=1)]
    author: Author
    text: str
    in_reply_to: PostId | None = None
    id: PostId | None = None
    visibility: Visibility = "public"


class Edit(_Deed):
    """Its author changes a post."""

    channel: str
    id: PostId
    text: str


class Delete(_Deed):
    """Its author deletes a post."""

    channel: str
    id: PostId


class SquareHands:
    """The square's part of /hands/. Each answers the post as it is now."""

    def __init__(self, square: Square) -> None:
        self._square = square

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [
            Route("/hands/post", self.write, methods=["POST"]),
            Route("/hands/edit", self.edit, methods=["POST"]),
            Route("/hands/delete", self.delete, methods=["POST"]),
        ]

    async def write(self, request: Request) -> Response:
        """`POST /hands/post`."""
        deed = parse(await request.body(), Write)
        post = self._square.write(
            deed.channel,
            deed.brand,
            deed.author,
            deed.text,
            in_reply_to=deed.in_reply_to,
            post_id=deed.id,
            visibility=deed.visibility,
        )
        return answer(post, 201)

    async def edit(self, request: Request) -> Response:
        """`POST /hands/edit`."""
        deed = parse(await request.body(), Edit)
        return answer(self._square.edit(deed.channel, deed.id, deed.text))

    async def delete(self, request: Request) -> Response:
        """`POST /hands/delete`."""
        deed = parse(await request.body(), Delete)
        return answer(self._square.delete(deed.channel, deed.id))
