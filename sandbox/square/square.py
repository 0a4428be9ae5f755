"""What happens on the square: customers and brands write, edit and delete; the bridge tells Loopkeeper."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from urllib.parse import quote

from sandbox.answers import ProblemError, dumps
from sandbox.courier import Attempt, Courier, Outcome, Parcel, Sender
from sandbox.faults import Party
from sandbox.settings import Brand, Channel
from sandbox.signing import channel_headers
from sandbox.square.counting import counting_of, length
from sandbox.square.ids import Ids
from sandbox.square.posts import Author, Post, Posts, Visibility
from sandbox.things import Store

_WAITS = (1.0, 5.0, 30.0)
_LAST_WAIT = 300.0
"""Seconds between attempts (docs/channel-contract.md: 1 s, 5 s, 30 s, then every 5 minutes)."""
_ANSWER_WITHIN = 10.0
_LONGEST_POST = 20_000


def wait_after(attempt: int, outcome: Outcome) -> float:
    """How long the bridge waits after its n-th failed attempt: as told by Retry-After, else by the contract."""
    told = outcome.headers.get("Retry-After", "")
    if outcome.status in (429, 503) and told.isascii() and told.isdigit():
        return min(float(told), _LAST_WAIT)
    return _WAITS[attempt - 1] if attempt <= len(_WAITS) else _LAST_WAIT


def _sign(secret: str, parcel: Parcel, _attempt: Attempt, now: float) -> Mapping[str, str]:
    return channel_headers(secret, parcel.id, now, parcel.body)


class Square:
    """All networks. Raises ProblemError when a network would not have it."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        brands: list[Brand],
        public_url: str,
        store: Store,
        courier: Courier,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.channels = channels
        self._brands = {brand.handle: brand for brand in brands}
        self._public_url = public_url
        self.posts = Posts(store)
        self._courier = courier
        self._now = now
        self._ids = Ids()
        for handle in self.posts.brands():
            self.brand(handle)
        for name, channel in channels.items():
            courier.employ(Sender(f"square/{name}", Party.WEBHOOKS, partial(_sign, channel.secret), wait_after, _ANSWER_WITHIN))

    def channel(self, name: str) -> Channel:
        """The channel of this name. Raises ProblemError 404."""
        try:
            return self.channels[name]
        except KeyError:
            raise ProblemError(404, "No such channel", f"There is no channel {name!r}; there are: {', '.join(self.channels)}.") from None

    def brand(self, handle: str) -> Brand:
        """The brand of this handle; made on the fly when it is new."""
        handle = handle.removeprefix("@")
        if handle not in self._brands:
            self._brands[handle] = Brand(handle=handle, name=handle)
        return self._brands[handle]

    def knows_brand(self, handle: str) -> bool:
        """Whether there is such a brand."""
        return handle in self._brands

    def standing(self, channel: str, post_id: str) -> Post:
        """A post that can be seen. Raises ProblemError 404 when there never was one, 410 when it was deleted."""
        post = self.posts.find(channel, post_id)
        if post is None:
            raise ProblemError(404, "No such post", f"There is no post {post_id} on {channel}.")
        if post.deleted_at is not None:
            raise ProblemError(410, "The post is gone", f"Post {post_id} on {channel} was deleted at {post.deleted_at.isoformat()}.")
        return post

    def write(
        self,
        channel: str,
        brand: str,
        author: Author,
        text: str,
        *,
        in_reply_to: str | None = None,
        post_id: str | None = None,
        visibility: Visibility = "public",
    ) -> Post:
        """Somebody writes; Loopkeeper hears of it by webhook."""
        self.channel(channel)
        if len(text) > _LONGEST_POST:
            raise ProblemError(422, "Too long", f"A post may have {_LONGEST_POST} characters; this one has {len(text)}.")
        answered = None if in_reply_to is None else self.standing(channel, in_reply_to)
        if post_id is not None and self.posts.find(channel, post_id) is not None:
            raise ProblemError(409, "The id is taken", f"There is a post {post_id} on {channel} already.")
        addressed = self.brand(brand)
        post = self._keep(channel, addressed, author, text, answered, post_id, visibility, None)
        self._tell(post, "post.created", _as_created(post))
        return post

    def edit(self, channel: str, post_id: str, text: str) -> Post:
        """The author changes the text."""
        post = self.posts.put(self.standing(channel, post_id).changed(text=text, edited_at=self._moment()))
        assert post.edited_at is not None
        self._tell(post, "post.edited", {"id": post.id, "text": post.text, "edited_at": post.edited_at.isoformat()})
        return post

    def delete(self, channel: str, post_id: str) -> Post:
        """The author deletes the post. Answers to it stay."""
        post = self.posts.put(self.standing(channel, post_id).changed(deleted_at=self._moment()))
        assert post.deleted_at is not None
        self._tell(post, "post.deleted", {"id": post.id, "deleted_at": post.deleted_at.isoformat()})
        return post

    def reply(
        self, channel: str, brand: str, in_reply_to: str, text: str, visibility: Visibility, idempotency_key: str
    ) -> tuple[Post, bool]:
        """The brand's reply, posted by Loopkeeper; and whether it is new. The same key is the same reply for ever."""
        before = self.posts.under_key(channel, idempotency_key)
        if before is not None:
            return before, False
        known = self.channel(channel)
        if not self.knows_brand(brand):
            raise ProblemError(403, "Not your account", f"This bridge cannot post as {brand!r}: {known.network} knows no such account.")
        self._fits(known, text)
        answered = self.standing(channel, in_reply_to)
        if visibility == "private" and answered.visibility == "public" and not answered.author.private_messages:
            raise ProblemError(422, "No private messages", f"{answered.author.name} takes no private messages on {known.network}.")
        account = self._brands[brand]
        author = Author(id=f"brand-{account.handle}", handle=account.handle, name=account.name, is_brand=True)
        return self._keep(channel, account, author, text, answered, None, visibility, idempotency_key), True

    def _fits(self, channel: Channel, text: str) -> None:
        if not text.strip():
            raise ProblemError(422, "Empty", f"{channel.network} takes no empty reply.")
        counted = length(text, counting_of(channel))
        if counted > channel.limit:
            raise ProblemError(
                422, "Too long", f"{channel.network} takes {channel.limit} characters at most, and counts {counted} in this reply."
            )

    def _keep(
        self,
        channel: str,
        brand: Brand,
        author: Author,
        text: str,
        answered: Post | None,
        post_id: str | None,
        visibility: Visibility,
        idempotency_key: str | None,
    ) -> Post:
        post_id = post_id or self._ids.new(self.channels[channel].network, self._now(), author.id)
        return self.posts.put(
            Post(
                channel=channel,
                id=post_id,
                url=f"{self._public_url}/square/{channel}/{quote(post_id, safe='')}",
                brand=brand.handle,
                author=author,
                text=text,
                posted_at=self._moment(),
                in_reply_to=answered.id if answered else None,
                thread=answered.thread if answered else post_id,
                to=answered.author.id if answered else None,
                visibility=visibility,
                idempotency_key=idempotency_key,
            )
        )

    def _tell(self, post: Post, what: str, data: Mapping[str, object]) -> None:
        """Put a webhook in the channel's queue. The bridge keeps the brand's own edits and deletions to itself."""
        if post.author.is_brand and what != "post.created":
            return
        self._courier.post(
            Parcel(
                id=f"evt_{secrets.token_hex(12)}",
                sender=f"square/{post.channel}",
                lane=post.thread,
                what=what,
                about=post.id,
                path=f"/webhooks/channels/{quote(post.channel, safe='')}",
                content_type="application/json",
                body=dumps({"type": what, "brand": post.brand, "data": data}),
            )
        )

    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC)


def _as_created(post: Post) -> dict[str, object]:
    return {
        "id": post.id,
        "url": post.url,
        "text": post.text,
        "posted_at": post.posted_at.isoformat(),
        "in_reply_to": post.in_reply_to,
        "visibility": post.visibility,
        "author": post.author.model_dump(exclude={"private_messages"}, exclude_none=True),
    }
