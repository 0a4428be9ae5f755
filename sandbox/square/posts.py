"""Posts and replies on the square, as the networks keep them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from sandbox.things import Store, Thing

Visibility = Literal["public", "private"]


class Author(BaseModel):
    """Who wrote a post: a customer, or the brand. `private_messages`: whether a brand to whom they have not written in private may.

    `customer_id`: the brand's own id of them, when they are signed in to their account with it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    handle: str
    name: str
    is_brand: bool = False
    private_messages: bool = True
    customer_id: str | None = None


class Post(Thing):
    """A customer's post, or a brand's reply, whole: a player needs nothing else to know what it answers."""

    noun: ClassVar[str] = "post"

    channel: str
    id: str
    url: str
    brand: str
    author: Author
    text: str
    posted_at: datetime
    in_reply_to: str | None
    thread: str
    """Id of the post that began the thread; its own id when it did."""
    to: str | None
    """Id of the author of the post that it answers; None when it answers none."""
    visibility: Visibility
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    idempotency_key: str | None = None
    """Under which Loopkeeper had it posted; None for everything that people wrote by hand."""

    @property
    def key(self) -> str:
        """Channel and id."""
        return f"{self.channel}/{self.id}"


class Posts:
    """All posts of all networks."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._posts: dict[tuple[str, str], Post] = {}
        self._answers: dict[tuple[str, str], list[str]] = {}
        self._under_key: dict[tuple[str, str], str] = {}
        for post in sorted(store.stored(Post), key=lambda one: one.posted_at):
            self._index(post)

    def _index(self, post: Post) -> None:
        is_new = (post.channel, post.id) not in self._posts
        self._posts[post.channel, post.id] = post
        if is_new and post.in_reply_to is not None:
            self._answers.setdefault((post.channel, post.in_reply_to), []).append(post.id)
        if post.idempotency_key is not None:
            self._under_key[post.channel, post.idempotency_key] = post.id

    def put(self, post: Post) -> Post:
        """Keep a new post, or a new version of one."""
        self._index(post)
        self._store.put(post)
        return post

    def brands(self) -> set[str]:
        """Handles of all brands that were ever addressed."""
        return {post.brand for post in self._posts.values()}

    def find(self, channel: str, post_id: str) -> Post | None:
        """The post with this id, deleted or not."""
        return self._posts.get((channel, post_id))

    def under_key(self, channel: str, idempotency_key: str) -> Post | None:
        """The reply that was posted under this key."""
        post_id = self._under_key.get((channel, idempotency_key))
        return None if post_id is None else self._posts[channel, post_id]

    def answers_to(self, channel: str, post_id: str) -> Iterator[Post]:
        """Posts that directly answer this one and still stand, newest first."""
        for answer_id in reversed(self._answers.get((channel, post_id), [])):
            post = self._posts[channel, answer_id]
            if post.deleted_at is None:
                yield post
