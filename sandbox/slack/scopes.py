"""What an app must have been granted for which method (docs.slack.dev, "Methods"), and what Slack says when it was not."""

from __future__ import annotations

from sandbox.slack.call import Call
from sandbox.slack.errors import SlackError
from sandbox.slack.methods import Desk

_FIXED = {
    "bots.info": "users:read",
    "chat.delete": "chat:write",
    "chat.postEphemeral": "chat:write",
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "conversations.join": "channels:join",
    "reactions.add": "reactions:write",
    "usergroups.list": "usergroups:read",
    "usergroups.users.list": "usergroups:read",
    "users.info": "users:read",
    "users.list": "users:read",
    "users.lookupByEmail": "users:read.email",
}
_OF_A_CONVERSATION = {
    "conversations.history": "history",
    "conversations.info": "read",
    "conversations.members": "read",
    "conversations.replies": "history",
}
"""For these, it depends on what kind of conversation is asked for."""
_OF_TYPES = ("conversations.list", "users.conversations")
_FAMILY = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}
_FAMILY_OF_TYPE = {"public_channel": "channels", "private_channel": "groups", "im": "im", "mpim": "mpim"}

EVERYTHING = frozenset(
    {*_FIXED.values(), *(f"{family}:{verb}" for family in _FAMILY.values() for verb in ("read", "history")), "im:write", "mpim:write"}
)
"""Every scope that some method here needs."""


def needed(name: str, call: Call, desk: Desk) -> frozenset[str]:
    """The scopes that this very call needs; none for what needs none."""
    if name in _FIXED:
        return frozenset({_FIXED[name]})
    if name in _OF_A_CONVERSATION:
        return frozenset({f"{_family(call, desk)}:{_OF_A_CONVERSATION[name]}"})
    if name in _OF_TYPES:
        return frozenset(f"{_FAMILY_OF_TYPE[kind]}:read" for kind in call.names("types") or ["public_channel"] if kind in _FAMILY_OF_TYPE)
    if name == "conversations.open":
        return frozenset({"mpim:write" if len(call.names("users")) > 1 else "im:write"})
    return frozenset()


def _family(call: Call, desk: Desk) -> str:
    try:
        conversation = desk.workspace.conversation(call.text("channel") or "")
    except SlackError:
        return "channels"
    hidden = conversation.is_private and desk.workspace.bot not in conversation.members
    return "channels" if hidden else _FAMILY[conversation.channel_type]


class MissingScope(SlackError):
    """A call for which the app was granted too little; Slack names what it needs and what it has."""

    def __init__(self, lacking: frozenset[str], granted: frozenset[str]) -> None:
        super().__init__("missing_scope")
        self._lacking = lacking
        self._granted = granted

    def body(self) -> dict[str, object]:
        """The answer's JSON."""
        return {**super().body(), "needed": ",".join(sorted(self._lacking)), "provided": ",".join(sorted(self._granted))}
