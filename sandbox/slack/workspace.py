"""The workspace: its people, conversations and messages."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any

from sandbox.slack.blockkit import Json
from sandbox.slack.clock import Timestamps
from sandbox.slack.errors import SlackError
from sandbox.slack.models import Account, Conversation, Message
from sandbox.things import Store
from sandbox.world import Person, World

_MOST_REPLY_USERS = 5
_OF_THE_ACTIVE = frozenset(
    {"real_name", "tz", "tz_label", "tz_offset", "is_admin", "is_owner", "is_restricted", "is_ultra_restricted", "color", "has_2fa"}
)
"""What Slack no longer tells of somebody whose account is deactivated."""


class Workspace:
    """What is in Slack. Raises SlackError for what is not there."""

    def __init__(self, world: World, store: Store, public_url: str, now: Callable[[], float] = time.time) -> None:
        self.world = world
        self.public_url = public_url
        self._store = store
        self._now = now
        self._people = {person.id: person for person in world.people}
        self._gone = {account.id for account in store.stored(Account) if account.deleted}
        self._conversations: dict[str, Conversation] = {one.id: one for one in store.stored(Conversation)}
        self._messages: dict[str, dict[str, Message]] = {}
        self._channel_order: dict[str, list[str]] = {}
        self._thread_order: dict[tuple[str, str], list[str]] = {}
        self._ephemeral: dict[tuple[str, str], Message] = {}
        last = "0.000000"
        for message in sorted(store.stored(Message), key=lambda one: one.ts):
            self._index(message)
            last = message.ts
        self.timestamps = Timestamps(now, last)
        for channel in world.channels:
            if channel.id not in self._conversations:
                members = list(channel.members) if channel.without_bot else [*channel.members, world.app.user_id]
                self._keep(
                    Conversation(
                        id=channel.id,
                        name=channel.name,
                        topic=channel.topic,
                        created=int(now()),
                        members=members,
                        is_private=channel.private,
                        is_archived=channel.archived,
                    )
                )

    # People

    @property
    def bot(self) -> str:
        """The app's user id."""
        return self.world.app.user_id

    def person(self, user_id: str) -> Person:
        """The person with this id. Raises user_not_found."""
        try:
            return self._people[user_id]
        except KeyError:
            raise SlackError("user_not_found") from None

    def has_user(self, user_id: str) -> bool:
        """Whether somebody (the bot too) has this id."""
        return user_id in self._people or user_id == self.bot

    def is_active(self, user_id: str) -> bool:
        """Whether this account is not deactivated."""
        return user_id not in self._gone

    def switch(self, user_id: str, *, active: bool) -> None:
        """Deactivate an account, or activate it again. Until then it is in no channel and no group."""
        (self._gone.discard if active else self._gone.add)(user_id)
        self._store.put(Account(id=user_id, deleted=not active))

    def active(self, user_ids: list[str]) -> list[str]:
        """Those of them whose accounts are not deactivated."""
        return [user_id for user_id in user_ids if user_id not in self._gone] if self._gone else user_ids

    # Conversations

    @property
    def conversations(self) -> list[Conversation]:
        """All of them."""
        return list(self._conversations.values())

    def _keep(self, conversation: Conversation) -> Conversation:
        self._conversations[conversation.id] = conversation
        self._store.put(conversation)
        return conversation

    def conversation(self, name_or_id: str) -> Conversation:
        """By id, or by `#name` or name. Raises channel_not_found."""
        found = self._conversations.get(name_or_id)
        if found is None:
            bare = name_or_id.removeprefix("#")
            found = next((one for one in self._conversations.values() if one.name == bare and not one.is_im), None)
        if found is None:
            raise SlackError("channel_not_found")
        return found

    def direct_message(self, user_id: str) -> Conversation:
        """The bot's direct message with this person; begun when there is none. With somebody who has left, none begins: channel_not_found.

        One that there is goes on taking messages that nobody reads (github.com/slackapi/python-slack-sdk/issues/1156).
        """
        self.person(user_id)
        im_id = "D" + user_id[1:]
        found = self._conversations.get(im_id)
        if found is None and not self.is_active(user_id):
            raise SlackError("channel_not_found")
        return found or self._keep(
            Conversation(id=im_id, name=im_id, created=int(self._now()), members=[user_id, self.bot], is_im=True, user=user_id)
        )

    def group_message(self, user_ids: list[str]) -> Conversation:
        """The bot's message group with these people; begun when there is none."""
        members = [*sorted(user_ids), self.bot]
        for one in self._conversations.values():
            if one.is_mpim and one.members == members:
                return one
        handles = [self.person(user_id).handle for user_id in user_ids]
        number = sum(one.is_mpim for one in self._conversations.values()) + 1
        name = f"mpdm-{'--'.join(handles)}-{number}"
        return self._keep(
            Conversation(id=f"G0MPDM{number:04d}", name=name, created=int(self._now()), members=members, is_mpim=True, is_private=True)
        )

    def join(self, conversation: Conversation, user_id: str) -> Conversation:
        """Somebody is in from now on."""
        if user_id in conversation.members:
            return conversation
        return self.alter(conversation, members=[*conversation.members, user_id])

    def alter(self, conversation: Conversation, **fields: object) -> Conversation:
        """The same conversation with some fields new."""
        return self._keep(conversation.changed(**fields))

    # Messages

    def _index(self, message: Message) -> None:
        if message.ephemeral_to is not None:
            self._ephemeral[message.channel, message.ts] = message
            return
        known = self._messages.setdefault(message.channel, {})
        if message.ts not in known:
            if message.is_reply:
                assert message.thread_ts is not None
                self._thread_order.setdefault((message.channel, message.thread_ts), []).append(message.ts)
            if not message.is_reply or message.subtype == "thread_broadcast":
                self._channel_order.setdefault(message.channel, []).append(message.ts)
        known[message.ts] = message

    def put(self, message: Message) -> Message:
        """Keep a new message, or a new version of one. A reply counts in its thread's first message."""
        is_new = not self.has_message(message.channel, message.ts)
        self._index(message)
        self._store.put(message)
        if is_new and message.is_reply and message.ephemeral_to is None:
            self._count_reply(message)
        return message

    def _count_reply(self, reply: Message) -> None:
        assert reply.thread_ts is not None
        parent = self._messages[reply.channel][reply.thread_ts]
        users = parent.reply_users or []
        if reply.user not in users:
            users = [*users, reply.user][:_MOST_REPLY_USERS]
        counted = parent.changed(
            thread_ts=parent.ts,
            reply_count=(parent.reply_count or 0) + 1,
            reply_users=users,
            reply_users_count=len(users),
            latest_reply=reply.ts,
        )
        self._index(counted)
        self._store.put(counted)

    def has_message(self, channel: str, ts: str) -> bool:
        """Whether there is, or was, such a message."""
        return ts in self._messages.get(channel, {}) or (channel, ts) in self._ephemeral

    def message(self, channel: str, ts: str) -> Message:
        """A message that everyone in the channel can see. Raises message_not_found."""
        found = self._messages.get(channel, {}).get(ts)
        if found is None or found.deleted:
            raise SlackError("message_not_found")
        return found

    def message_for(self, user_id: str, channel: str, ts: str) -> Message:
        """A message that this person can see, be it only visible to them. Raises message_not_found."""
        ephemeral = self._ephemeral.get((channel, ts))
        if ephemeral is not None and ephemeral.ephemeral_to == user_id and not ephemeral.deleted:
            return ephemeral
        return self.message(channel, ts)

    def thread_of(self, conversation: Conversation, thread_ts: str) -> Message:
        """The message that began the thread in which `thread_ts` stands. Raises thread_not_found."""
        found = self._messages.get(conversation.id, {}).get(thread_ts)
        if found is None or found.deleted:
            raise SlackError("thread_not_found")
        return self._messages[conversation.id][found.thread_ts] if found.is_reply and found.thread_ts else found

    def history(self, channel: str, oldest: str, latest: str, *, inclusive: bool) -> list[Message]:
        """Messages of a channel (without replies in threads), newest first."""
        order = self._channel_order.get(channel, [])
        return list(reversed(self._between(channel, order, oldest, latest, inclusive=inclusive)))

    def replies(self, channel: str, parent: Message, oldest: str, latest: str, *, inclusive: bool) -> list[Message]:
        """A thread: its first message, then the replies, oldest first."""
        order = self._thread_order.get((channel, parent.ts), [])
        return [parent, *self._between(channel, order, oldest, latest, inclusive=inclusive)]

    def _between(self, channel: str, order: list[str], oldest: str, latest: str, *, inclusive: bool) -> list[Message]:
        # Timestamps have ten digits before the point until the year 2286, so they sort as text.
        low, high = (bisect_left, bisect_right) if inclusive else (bisect_right, bisect_left)
        start = low(order, oldest) if oldest else 0
        end = high(order, latest) if latest else len(order)
        known = self._messages.get(channel, {})
        return [known[ts] for ts in order[start:end] if not known[ts].deleted]

    def permalink(self, message: Message) -> str:
        """Where a person can open the message."""
        link = f"{self.public_url}/slack/archives/{message.channel}/p{message.ts.replace('.', '')}"
        return f"{link}?thread_ts={message.thread_ts}&cid={message.channel}" if message.is_reply else link

    # As Slack describes them to an app

    def describe_user(self, user_id: str) -> Json:
        """A `user` object. Raises user_not_found."""
        team = self.world.team.id
        if user_id == self.bot:
            app = self.world.app
            return _user(team, app.user_id, app.name.lower(), app.name, {"bot_id": app.bot_id, "api_app_id": app.id}, is_bot=True)
        person = self.person(user_id)
        profile = {"email": person.email, "title": person.title}
        user = _user(team, person.id, person.handle, person.name, profile, is_bot=False)
        if self.is_active(user_id):
            return user
        return {name: value for name, value in user.items() if name not in _OF_THE_ACTIVE} | {"deleted": True}

    def describe_conversation(self, one: Conversation) -> Json:
        """A `channel` object."""
        common: Json = {
            "id": one.id,
            "created": one.created,
            "is_archived": one.is_archived,
            "is_im": one.is_im,
            "updated": one.created * 1000,
        }
        if one.is_im:
            gone = one.user in self._gone
            return {**common, "is_org_shared": False, "user": one.user, "is_user_deleted": gone, "priority": 0, "is_open": True}
        return {
            **common,
            "name": one.name,
            "name_normalized": one.name,
            "is_channel": not one.is_private,
            "is_group": one.is_private and not one.is_mpim,
            "is_mpim": one.is_mpim,
            "is_private": one.is_private,
            "is_general": False,
            "is_shared": False,
            "is_member": self.bot in one.members and not one.is_archived,
            "creator": one.members[0] if one.members else self.bot,
            "topic": {"value": one.topic, "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
            "num_members": len(self.active(one.members)),
            "context_team_id": self.world.team.id,
        }


def _user(team: str, user_id: str, handle: str, name: str, profile: dict[str, Any], *, is_bot: bool) -> Json:
    return {
        "id": user_id,
        "team_id": team,
        "name": handle,
        "real_name": name,
        "deleted": False,
        "tz": "Europe/London",
        "tz_label": "Greenwich Mean Time",
        "tz_offset": 0,
        "is_bot": is_bot,
        "is_app_user": False,
        "is_admin": False,
        "is_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "updated": 0,
        "profile": {
            "real_name": name,
            "display_name": handle,
            "real_name_normalized": name,
            "display_name_normalized": handle,
            "team": team,
            **profile,
        },
    }
