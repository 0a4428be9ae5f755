"""chat.* and reactions.*: what the app says."""

from __future__ import annotations

from sandbox.slack.blockkit import Json
from sandbox.slack.call import Call
from sandbox.slack.clock import is_ts
from sandbox.slack.content import content_of, metadata_of
from sandbox.slack.errors import SlackError
from sandbox.slack.methods import Desk
from sandbox.slack.models import Conversation, Message


def _seen(desk: Desk, call: Call) -> Conversation:
    """A conversation that the app knows of: a private one only when it is in."""
    conversation = desk.workspace.conversation(call.needed("channel", "channel_not_found"))
    if conversation.is_private and desk.workspace.bot not in conversation.members:
        raise SlackError("channel_not_found")
    return conversation


def _target(desk: Desk, call: Call) -> Conversation:
    """Where to post: a channel's id or name, or a person's id for their direct messages."""
    wanted = call.needed("channel", "channel_not_found")
    if wanted[0] in "UW" and desk.workspace.has_user(wanted):
        return desk.workspace.direct_message(wanted)
    conversation = _seen(desk, call)
    if conversation.is_archived:
        raise SlackError("is_archived")
    if desk.workspace.bot not in conversation.members:
        raise SlackError("not_in_channel")
    return conversation


def _thread(call: Call) -> str | None:
    thread_ts = call.text("thread_ts")
    if thread_ts is not None and not is_ts(thread_ts):
        raise SlackError("invalid_thread_ts")
    return thread_ts


def _author(desk: Desk, call: Call) -> Json:
    author = desk.messaging.as_bot()
    if call.text("username"):
        author["username"] = call.text("username")
    icons = {kind: call.text(f"icon_{kind}") for kind in ("emoji", "url") if call.text(f"icon_{kind}")}
    if icons:
        author["icons"] = icons
    return author


def post_message(desk: Desk, call: Call) -> Json:
    """`chat.postMessage`."""
    conversation = _target(desk, call)
    content = content_of(call.arguments)
    metadata = metadata_of(call.arguments)
    if metadata:
        content["metadata"] = metadata
    thread_ts = _thread(call)
    if thread_ts is not None:
        desk.workspace.thread_of(conversation, thread_ts)
        if call.flag("reply_broadcast"):
            content["subtype"] = "thread_broadcast"
    wait = desk.rate.seconds_to_wait(conversation.id)
    if wait:
        raise SlackError("ratelimited", status=429, headers={"Retry-After": str(wait)})
    message = desk.messaging.post(conversation, _author(desk, call), content, thread_ts=thread_ts)
    return {"channel": message.channel, "ts": message.ts, "message": message.wire(metadata=True)}


def post_ephemeral(desk: Desk, call: Call) -> Json:
    """`chat.postEphemeral`."""
    conversation = _target(desk, call)
    user = call.needed("user")
    if user not in desk.workspace.active(conversation.members):
        raise SlackError("user_not_in_channel")
    message = desk.messaging.post(conversation, _author(desk, call), content_of(call.arguments), _thread(call), ephemeral_to=user)
    return {"message_ts": message.ts}


def _own(desk: Desk, call: Call, otherwise: str) -> Message:
    conversation = _seen(desk, call)
    message = desk.workspace.message(conversation.id, call.needed("ts", "message_not_found"))
    if message.bot_id != desk.workspace.world.app.bot_id:
        raise SlackError(otherwise)
    return message


def update(desk: Desk, call: Call) -> Json:
    """`chat.update`. Blocks, attachments and metadata that are not given stay as they were."""
    message = _own(desk, call, "cant_update_message")
    if desk.workspace.conversation(message.channel).is_archived:
        raise SlackError("is_inactive")
    kept = {name: call.arguments.get(name, getattr(message, name)) for name in ("blocks", "attachments")}
    content = content_of({"text": message.text, **call.arguments, **kept})
    metadata = metadata_of(call.arguments)
    if metadata is not None:
        content["metadata"] = metadata or None
    changed = desk.messaging.change(message, content)
    return {"channel": changed.channel, "ts": changed.ts, "text": changed.text, "message": changed.wire(metadata=True)}


def delete(desk: Desk, call: Call) -> Json:
    """`chat.delete`."""
    message = desk.messaging.delete(_own(desk, call, "cant_delete_message"))
    return {"channel": message.channel, "ts": message.ts}


def get_permalink(desk: Desk, call: Call) -> Json:
    """`chat.getPermalink`."""
    conversation = _seen(desk, call)
    message = desk.workspace.message(conversation.id, call.needed("message_ts", "message_not_found"))
    return {"channel": conversation.id, "permalink": desk.workspace.permalink(message)}


def add_reaction(desk: Desk, call: Call) -> Json:
    """`reactions.add`."""
    name = call.needed("name", "no_reaction").strip(":")
    conversation = _seen(desk, call)
    if conversation.is_archived:
        raise SlackError("is_archived")
    message = desk.workspace.message(conversation.id, call.needed("timestamp", "no_item_specified"))
    desk.messaging.react(message, desk.workspace.bot, name)
    return {}


METHODS = {
    "chat.postMessage": post_message,
    "chat.postEphemeral": post_ephemeral,
    "chat.update": update,
    "chat.delete": delete,
    "chat.getPermalink": get_permalink,
    "reactions.add": add_reaction,
}
