"""What a network tells us, as docs/channel-contract.md has it, validated."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    field_validator,
)

LONGEST_BODY = 256 * 1024
"""Bytes of one webhook."""

NativeId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:/@=+\-]{1,200}$")]
Handle = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,40}$")]
Words = Annotated[str, StringConstraints(max_length=20_000)]
Shown = Annotated[str, StringConstraints(max_length=200)]


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")  # a bridge may tell more than we read

    @field_validator("*", mode="after")
    @classmethod
    def _no_nul(cls, value: object) -> object:
        if isinstance(value, str) and "\x00" in value:
            raise ValueError("contains a NUL character")
        return value


class Author(_Told):
    """Who wrote it."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    handle: Shown | None = None
    name: Shown | None = None
    is_brand: bool = False
    followers: Annotated[int, Field(ge=0)] | None = None
    customer_id: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None


class Post(_Told):
    """A post of a customer."""

    id: NativeId
    url: Annotated[str, StringConstraints(max_length=2000, pattern=r"^https?://[^\s<>\"]+$")]
    text: Words
    posted_at: AwareDatetime
    in_reply_to: NativeId | None = None
    visibility: Literal["public", "private"] = "public"
    author: Author


class Edit(_Told):
    """A post that was changed."""

    id: NativeId
    text: Words
    edited_at: AwareDatetime


class Deletion(_Told):
    """A post that is gone."""

    id: NativeId
    deleted_at: AwareDatetime


class PostCreated(_Told):
    """See docs/channel-contract.md, `post.created`."""

    type: Literal["post.created"]
    brand: Handle
    data: Post

    @property
    def key(self) -> str:
        """The same for the same fact, however often it is told."""
        return f"created:{self.data.id}"

    @property
    def waits_for(self) -> str | None:
        """The post or reply without which this cannot be placed."""
        return self.data.in_reply_to


class PostEdited(_Told):
    """See docs/channel-contract.md, `post.edited`."""

    type: Literal["post.edited"]
    brand: Handle
    data: Edit

    @property
    def key(self) -> str:
        """See `PostCreated.key`."""
        return f"edited:{self.data.id}:{self.data.edited_at.timestamp():.3f}"

    @property
    def waits_for(self) -> str | None:
        """See `PostCreated.waits_for`."""
        return self.data.id


class PostDeleted(_Told):
    """See docs/channel-contract.md, `post.deleted`."""

    type: Literal["post.deleted"]
    brand: Handle
    data: Deletion

    @property
    def key(self) -> str:
        """See `PostCreated.key`."""
        return f"deleted:{self.data.id}"

    @property
    def waits_for(self) -> str | None:
        """See `PostCreated.waits_for`."""
        return self.data.id


ChannelEvent = PostCreated | PostEdited | PostDeleted
CHANNEL_EVENT: TypeAdapter[ChannelEvent] = TypeAdapter(Annotated[ChannelEvent, Field(discriminator="type")])


def why_unreadable(error: ValidationError) -> str:
    """The first thing that is wrong, by its field; in one line of visible characters, at most 300 of them, whatever was sent."""
    problem = error.errors(include_input=False, include_url=False)[0]
    if problem["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return "type: must be one of post.created, post.edited, post.deleted"
    where = ".".join(str(part) for part in problem["loc"] if part not in ("post.created", "post.edited", "post.deleted"))
    told = f"{where}: {problem['msg']}" if where else problem["msg"]
    visible = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in told)
    return visible if len(visible) <= 300 else visible[:299] + "…"
