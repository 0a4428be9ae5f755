"""Posting, changing and deleting messages, and the events that tell the app of it."""

from __future__ import annotations

from sandbox.slack.blockkit import Json
from sandbox.slack.errors import SlackError
from sandbox.slack.models import Conversation, Message
from sandbox.slack.outbound import Outbound
from sandbox.slack.workspace import Workspace


class Messaging:
    """Every change of a message goes through here, so that no event is forgotten."""

    def __init__(self, workspace: Workspace, outbound: Outbound, *, echo: bool) -> None:
        self._workspace = workspace
        self._outbound = outbound
        self._echo = echo

    def as_bot(self) -> Json:
        """The fields that say that the app wrote it."""
        world = self._workspace.world
        return {"user": world.app.user_id, "bot_id": world.app.bot_id, "app_id": world.app.id, "team": world.team.id}

    def post(
        self, conversation: Conversation, author: Json, content: Json, thread_ts: str | None = None, ephemeral_to: str | None = None
    ) -> Message:
        """A new message. Raises SlackError for a thread that is not there."""
        parent_user = None
        if thread_ts is not None:
            parent = self._workspace.thread_of(conversation, thread_ts)
            thread_ts, parent_user = parent.ts, parent.user
        message = Message(
            channel=conversation.id,
            ts=self._workspace.timestamps.next(),
            thread_ts=thread_ts,
            parent_user_id=parent_user,
            ephemeral_to=ephemeral_to,
            **author,
            **content,
        )
        self._workspace.put(message)
        if ephemeral_to is None:
            self._tell(conversation, message, self._as_event(conversation, message))
        return message

    def change(self, message: Message, content: Json) -> Message:
        """A new version of a message."""
        edited = {"user": message.user, "ts": self._workspace.timestamps.next()}
        changed = self._workspace.put(message.changed(**content, edited=edited))
        if message.ephemeral_to is None:
            self._tell_hidden(message, {"subtype": "message_changed", "message": changed.wire(), "previous_message": message.wire()})
        return changed

    def delete(self, message: Message) -> Message:
        """It is gone for everyone."""
        gone = self._workspace.put(message.changed(deleted=True))
        if message.ephemeral_to is None:
            self._tell_hidden(message, {"subtype": "message_deleted", "deleted_ts": message.ts, "previous_message": message.wire()})
        return gone

    def react(self, message: Message, user_id: str, name: str) -> Message:
        """Somebody reacts with an emoji. Raises already_reacted."""
        reactions = [dict(one) for one in message.reactions or []]
        mine = next((one for one in reactions if one["name"] == name), None)
        if mine is None:
            mine = {"name": name, "users": [], "count": 0}
            reactions.append(mine)
        if user_id in mine["users"]:
            raise SlackError("already_reacted")
        mine["users"] = [*mine["users"], user_id]
        mine["count"] = len(mine["users"])
        changed = self._workspace.put(message.changed(reactions=reactions))
        if self._echo or user_id != self._workspace.bot:
            item = {"type": "message", "channel": message.channel, "ts": message.ts}
            event = {"type": "reaction_added", "user": user_id, "reaction": name, "item_user": message.user, "item": item}
            self._outbound.event({**event, "event_ts": self._workspace.timestamps.next()}, _lane(message), message.key)
        return changed

    def _as_event(self, conversation: Conversation, message: Message) -> Json:
        event = message.wire()
        event.update(channel=message.channel, channel_type=conversation.channel_type, event_ts=message.ts)
        return event

    def _tell(self, conversation: Conversation, message: Message, event: Json) -> None:
        """The app hears of what happens where its bot is."""
        bot = self._workspace.bot
        if bot not in conversation.members or (message.user == bot and not self._echo):
            return
        self._outbound.event(event, _lane(message), message.key)
        if message.user != bot and f"<@{bot}>" in message.text and not conversation.is_im:
            self._outbound.event({**event, "type": "app_mention"}, _lane(message), message.key)

    def _tell_hidden(self, message: Message, event: Json) -> None:
        conversation = self._workspace.conversation(message.channel)
        ts = self._workspace.timestamps.next()
        hidden = {
            "type": "message",
            "channel": message.channel,
            "channel_type": conversation.channel_type,
            "hidden": True,
            "ts": ts,
            "event_ts": ts,
        }
        self._tell(conversation, message.changed(text=""), {**hidden, **event})


def _lane(message: Message) -> str:
    return f"{message.channel}/{message.thread_ts or message.ts}"
