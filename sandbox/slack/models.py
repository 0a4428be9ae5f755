"""What exists in a workspace, in Slack's own field names."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from sandbox.slack.blockkit import Json
from sandbox.things import Thing

_OURS = frozenset({"channel", "ephemeral_to", "deleted", "metadata"})


class Conversation(Thing):
    """A channel, a private channel, a direct message or a group of people."""

    noun: ClassVar[str] = "conversation"

    id: str
    name: str
    topic: str = ""
    created: int
    members: list[str]
    """Ids of people, and of the bot's user when it is in."""
    is_private: bool = False
    is_archived: bool = False
    is_im: bool = False
    is_mpim: bool = False
    user: str | None = None
    """Whom a direct message is with."""

    @property
    def key(self) -> str:
        """Its id."""
        return self.id

    @property
    def channel_type(self) -> str:
        """As events name it."""
        if self.is_im:
            return "im"
        if self.is_mpim:
            return "mpim"
        return "group" if self.is_private else "channel"


class Account(Thing):
    """Whether somebody may still come in. Kept only of those whose account was ever deactivated."""

    noun: ClassVar[str] = "account"

    id: str
    deleted: bool

    @property
    def key(self) -> str:
        """Whose it is."""
        return self.id


class Message(Thing):
    """A message, whole. The last three fields are the sandbox's own; what Slack shows an app is `wire`."""

    noun: ClassVar[str] = "message"
    lean: ClassVar[bool] = True

    channel: str
    type: Literal["message"] = "message"
    subtype: str | None = None
    ts: str
    user: str
    team: str
    bot_id: str | None = None
    app_id: str | None = None
    client_msg_id: str | None = None
    username: str | None = None
    icons: Json | None = None
    text: str
    blocks: list[Json] | None = None
    attachments: list[Json] | None = None
    metadata: Json | None = None
    thread_ts: str | None = None
    parent_user_id: str | None = None
    reply_count: int | None = None
    reply_users_count: int | None = None
    reply_users: list[str] | None = None
    latest_reply: str | None = None
    edited: Json | None = None
    reactions: list[Json] | None = None
    ephemeral_to: str | None = None
    """Only this person sees it."""
    deleted: bool = False

    @property
    def key(self) -> str:
        """Channel and timestamp."""
        return f"{self.channel}/{self.ts}"

    @property
    def is_reply(self) -> bool:
        """Whether it stands in a thread that another message began."""
        return self.thread_ts is not None and self.thread_ts != self.ts

    def wire(self, *, metadata: bool = False) -> Json:
        """As Slack gives it to an app."""
        # Blocks are JSON already and the largest part: there is nothing to gain from a model walking through them.
        shown: Json = {name: value for name, value in self.__dict__.items() if value is not None and name not in _OURS}
        if metadata and self.metadata is not None:
            shown["metadata"] = self.metadata
        return shown


class View(Thing):
    """A modal that a person was shown, or their App Home. `user`, `status` and `trigger_id` are the sandbox's own."""

    noun: ClassVar[str] = "view"

    id: str
    team_id: str
    type: Literal["modal", "home"]
    title: Json | None
    submit: Json | None
    close: Json | None
    blocks: list[Json]
    private_metadata: str
    callback_id: str
    external_id: str
    state: Json
    """`{"values": {block_id: {action_id: …}}}`: what is filled in, as far as Slack was told."""
    hash: str
    clear_on_close: bool
    notify_on_close: bool
    root_view_id: str
    previous_view_id: str | None
    app_id: str
    bot_id: str
    user: str
    """On whose screen it is."""
    status: Literal["open", "closed", "submitted"] = "open"
    trigger_id: str | None = None
    """With which trigger it was opened; the answer to a press carries the same one."""

    @property
    def key(self) -> str:
        """Its id."""
        return self.id

    def wire(self) -> Json:
        """As Slack gives it to an app."""
        shown: dict[str, Any] = {name: value for name, value in self.__dict__.items() if name not in ("user", "status", "trigger_id")}
        shown["app_installed_team_id"] = self.team_id
        return shown
