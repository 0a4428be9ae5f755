"""What a message says: its text, blocks, attachments and metadata, checked as Slack checks them."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.answers import loads
from sandbox.slack.blockkit import Json, LayoutError, Surface, checked_blocks
from sandbox.slack.errors import SlackError

MOST_TEXT = 40_000
MOST_ATTACHMENTS = 100


def content_of(arguments: Mapping[str, object]) -> Json:
    """`text`, `blocks`, `attachments` as given, checked. Raises SlackError: no_text, msg_too_long, invalid_blocks …"""
    content: Json = {"text": _text(arguments.get("text"))}
    blocks = as_json(arguments.get("blocks"), "invalid_blocks_format")
    if blocks is not None:
        content["blocks"] = _blocks(blocks) or None
    attachments = as_json(arguments.get("attachments"), "invalid_attachments")
    if attachments is not None:
        content["attachments"] = _attachments(attachments) or None
    if not content["text"].strip() and not content.get("blocks") and not content.get("attachments"):
        raise SlackError("no_text")
    return content


def metadata_of(arguments: Mapping[str, object]) -> Json | None:
    """The message's metadata, if given. Raises SlackError invalid_metadata_format or invalid_metadata_schema."""
    metadata = as_json(arguments.get("metadata"), "invalid_metadata_format")
    if metadata is None:
        return None
    if not isinstance(metadata, dict):
        raise SlackError("invalid_metadata_format")
    if metadata == {}:
        return {}
    event_type, payload = metadata.get("event_type"), metadata.get("event_payload")
    if not isinstance(event_type, str) or not event_type or not isinstance(payload, dict):
        raise SlackError("invalid_metadata_schema")
    return {"event_type": event_type, "event_payload": payload}


def as_json(value: object, otherwise: str) -> object:
    """A value that may come as JSON in a string, as it does in forms. Raises SlackError with the code `otherwise`."""
    if not isinstance(value, str):
        return value
    if not value:
        return None
    try:
        return loads(value)
    except ValueError as error:
        raise SlackError(otherwise) from error


def _text(text: object) -> str:
    if text is None:
        return ""
    if not isinstance(text, str):
        raise SlackError("invalid_arguments", ["must be a string [json-pointer:/text]"])
    if len(text) > MOST_TEXT:
        raise SlackError("msg_too_long")
    return text


def _blocks(blocks: object) -> list[Json]:
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    try:
        return checked_blocks(blocks, Surface.MESSAGE)
    except LayoutError as error:
        raise SlackError("invalid_blocks", error.problems) from error


def _attachments(attachments: object) -> list[Json]:
    if not isinstance(attachments, list) or not all(isinstance(one, dict) for one in attachments):
        raise SlackError("invalid_attachments")
    if len(attachments) > MOST_ATTACHMENTS:
        raise SlackError("too_many_attachments")
    for index, one in enumerate(attachments):
        if one.get("blocks") is not None:
            try:
                checked_blocks(one["blocks"], Surface.MESSAGE, f"/attachments/{index}/blocks")
            except LayoutError as error:
                raise SlackError("invalid_blocks", error.problems) from error
    return attachments
