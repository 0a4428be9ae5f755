"""response_url: the address at which an app may answer an interaction, five times within thirty minutes."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import ClassVar

from sandbox.slack.content import content_of
from sandbox.slack.errors import SlackError
from sandbox.slack.messaging import Messaging
from sandbox.slack.models import Message
from sandbox.slack.workspace import Workspace
from sandbox.things import Store, Thing

MOST_USES = 5
LIFETIME_SECONDS = 30 * 60.0


class ResponseUrl(Thing):
    """One such address: who did what where, and how often it was used."""

    noun: ClassVar[str] = "response_url"
    announced: ClassVar[bool] = False

    token: str
    user: str
    channel: str
    message_ts: str | None
    thread_ts: str | None
    born: float
    uses: int = 0

    @property
    def key(self) -> str:
        """Its secret part."""
        return self.token


class Responses:
    """Gives out the addresses and serves them."""

    def __init__(self, workspace: Workspace, messaging: Messaging, store: Store, now: Callable[[], float] = time.time) -> None:
        self._workspace = workspace
        self._messaging = messaging
        self._store = store
        self._now = now
        self._urls: dict[str, ResponseUrl] = {one.token: one for one in store.stored(ResponseUrl)}

    def new_url(self, user_id: str, channel: str, message: Message | None = None) -> str:
        """An address for what this person just did."""
        now = self._now()
        for old in list(self._urls.values()):
            if now - old.born < LIFETIME_SECONDS:
                break
            self._store.drop(self._urls.pop(old.token))
        one = ResponseUrl(
            token=secrets.token_urlsafe(18),
            user=user_id,
            channel=channel,
            message_ts=message.ts if message else None,
            thread_ts=message.thread_ts if message else None,
            born=now,
        )
        self._urls[one.token] = one
        self._store.put(one)
        return f"{self._workspace.public_url}/slack/respond/{self._workspace.world.team.id}/{one.token}"

    def respond(self, token: str, body: object) -> None:
        """The app uses the address. Raises SlackError."""
        one = self._urls.get(token)
        if one is None or self._now() - one.born > LIFETIME_SECONDS:
            raise SlackError("expired_url", status=404)
        if one.uses >= MOST_USES:
            raise SlackError("used_url", status=404)
        if not isinstance(body, dict):
            raise SlackError("invalid_payload", status=400)
        one = one.changed(uses=one.uses + 1)
        self._urls[token] = one
        self._store.put(one)
        self._act(one, body)

    def _act(self, one: ResponseUrl, body: dict[str, object]) -> None:
        original = None if one.message_ts is None else self._workspace.message_for(one.user, one.channel, one.message_ts)
        if body.get("delete_original"):
            self._messaging.delete(_needed(original))
            return
        content = content_of(body)
        if body.get("replace_original"):
            self._messaging.change(_needed(original), content)
            return
        thread_ts = body.get("thread_ts")
        self._messaging.post(
            self._workspace.conversation(one.channel),
            self._messaging.as_bot(),
            content,
            thread_ts=str(thread_ts) if thread_ts else None,
            ephemeral_to=None if body.get("response_type") == "in_channel" else one.user,
        )


def _needed(original: Message | None) -> Message:
    if original is None:
        raise SlackError("message_not_found", status=404)
    return original
