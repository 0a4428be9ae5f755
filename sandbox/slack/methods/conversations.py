"""conversations.*: channels, direct messages and what was said there."""

from __future__ import annotations

from sandbox.slack.blockkit import Json
from sandbox.slack.call import Call
from sandbox.slack.clock import is_ts
from sandbox.slack.errors import SlackError
from sandbox.slack.methods import Desk
from sandbox.slack.models import Conversation
from sandbox.slack.paging import page

_TYPES = ("public_channel", "private_channel", "mpim", "im")


def _kind(one: Conversation) -> str:
    return {"im": "im", "mpim": "mpim", "group": "private_channel", "channel": "public_channel"}[one.channel_type]


def _selected(desk: Desk, call: Call) -> list[Conversation]:
    wanted = call.names("types") or ["public_channel"]
    if not set(_TYPES).issuperset(wanted):
        raise SlackError("invalid_types")
    bot = desk.workspace.bot
    return [
        one
        for one in desk.workspace.conversations
        if _kind(one) in wanted and not (one.is_archived and call.flag("exclude_archived")) and (not one.is_private or bot in one.members)
    ]


def list_conversations(desk: Desk, call: Call) -> Json:
    """`conversations.list`."""
    found, more = page(_selected(desk, call), call)
    return {"channels": [desk.workspace.describe_conversation(one) for one in found], "response_metadata": more["response_metadata"]}


def _known(desk: Desk, call: Call) -> Conversation:
    conversation = desk.workspace.conversation(call.needed("channel", "channel_not_found"))
    if conversation.is_private and desk.workspace.bot not in conversation.members:
        raise SlackError("channel_not_found")
    return conversation


def info(desk: Desk, call: Call) -> Json:
    """`conversations.info`."""
    return {"channel": desk.workspace.describe_conversation(_known(desk, call))}


def members(desk: Desk, call: Call) -> Json:
    """`conversations.members`."""
    found, more = page(desk.workspace.active(_known(desk, call).members), call)
    return {"members": found, "response_metadata": more["response_metadata"]}


def _readable(desk: Desk, call: Call) -> Conversation:
    conversation = _known(desk, call)
    if desk.workspace.bot not in conversation.members:
        raise SlackError("not_in_channel")
    return conversation


def _span(call: Call) -> tuple[str, str]:
    oldest, latest = call.text("oldest") or "", call.text("latest") or ""
    return _as_ts(oldest, "invalid_ts_oldest"), _as_ts(latest, "invalid_ts_latest")


def _as_ts(moment: str, otherwise: str) -> str:
    """A timestamp, or whole seconds, as a timestamp."""
    if moment in ("", "0", "now"):
        return ""
    moment = moment if "." in moment else f"{moment}.000000"
    if not is_ts(moment):
        raise SlackError(otherwise)
    return moment


def history(desk: Desk, call: Call) -> Json:
    """`conversations.history`."""
    conversation = _readable(desk, call)
    found = desk.workspace.history(conversation.id, *_span(call), inclusive=call.flag("inclusive"))
    shown, more = page(found, call, most=999)
    metadata = call.flag("include_all_metadata")
    return {"messages": [one.wire(metadata=metadata) for one in shown], "pin_count": 0, **more}


def replies(desk: Desk, call: Call) -> Json:
    """`conversations.replies`."""
    conversation = _readable(desk, call)
    parent = desk.workspace.thread_of(conversation, call.needed("ts", "thread_not_found"))
    found = desk.workspace.replies(conversation.id, parent, *_span(call), inclusive=call.flag("inclusive"))
    shown, more = page(found, call, default=1000)
    metadata = call.flag("include_all_metadata")
    return {"messages": [one.wire(metadata=metadata) for one in shown], **more}


def open_conversation(desk: Desk, call: Call) -> Json:
    """`conversations.open`."""
    if call.text("channel"):
        conversation = _known(desk, call)
    else:
        users = [user for user in call.names("users") if user != desk.workspace.bot]
        if not users:
            raise SlackError("users_list_not_supplied")
        for user in users:
            if not desk.workspace.is_active(desk.workspace.person(user).id):
                raise SlackError("user_disabled")
        conversation = desk.workspace.direct_message(users[0]) if len(users) == 1 else desk.workspace.group_message(users)
    shown = desk.workspace.describe_conversation(conversation) if call.flag("return_im") else {"id": conversation.id}
    return {"channel": shown}


def join(desk: Desk, call: Call) -> Json:
    """`conversations.join`."""
    conversation = _known(desk, call)
    if conversation.is_archived:
        raise SlackError("is_archived")
    if conversation.channel_type != "channel":
        raise SlackError("method_not_supported_for_channel_type")
    was_in = desk.workspace.bot in conversation.members
    joined = desk.workspace.join(conversation, desk.workspace.bot)
    warning = {"warning": "already_in_channel"} if was_in else {}
    return {"channel": desk.workspace.describe_conversation(joined), **warning}


METHODS = {
    "conversations.list": list_conversations,
    "conversations.info": info,
    "conversations.members": members,
    "conversations.history": history,
    "conversations.replies": replies,
    "conversations.open": open_conversation,
    "conversations.join": join,
}
