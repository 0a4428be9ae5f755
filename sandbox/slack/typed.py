"""From what a person types to what Slack stores: entities escaped, mentions resolved."""

from __future__ import annotations

import re

from sandbox.slack.workspace import Workspace

_MENTION = re.compile(r"(?<![\w.])@([\w.-]*\w)")
_CHANNEL = re.compile(r"(?<![\w&])#([a-z0-9_-]+)")
_BARE_URL = re.compile(r"https?://[^\s<>]+[^\s<>.,;:!?')\]]")
_BROADCASTS = {"here": "<!here>", "channel": "<!channel>", "everyone": "<!everyone>"}


def escape(text: str) -> str:
    """The three characters that mean something in Slack's markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def as_typed(text: str, workspace: Workspace) -> str:
    """`@ana`, `@billing-team`, `@here`, `#lk-billing` and addresses become what Slack makes of them."""
    world = workspace.world
    people = {person.handle.lower(): f"<@{person.id}>" for person in world.people}
    people[world.app.name.lower()] = f"<@{world.app.user_id}>"
    groups = {group.handle.lower(): f"<!subteam^{group.id}>" for group in world.usergroups}
    channels = {one.name: f"<#{one.id}|{one.name}>" for one in workspace.conversations if not one.is_im}
    mentions = {**groups, **people, **_BROADCASTS}
    text = _BARE_URL.sub(lambda found: f"<{found[0]}>", escape(text))
    text = _MENTION.sub(lambda found: mentions.get(found[1].lower(), found[0]), text)
    return _CHANNEL.sub(lambda found: channels.get(found[1], found[0]), text)
