"""Pages of long answers, by Slack's cursors."""

from __future__ import annotations

import base64
import binascii
from typing import TypeVar

from sandbox.slack.blockkit import Json
from sandbox.slack.call import Call
from sandbox.slack.errors import SlackError

T = TypeVar("T")


def page(items: list[T], call: Call, default: int = 100, most: int = 1000) -> tuple[list[T], Json]:
    """The page that the call asks for, and the fields that lead to the next. Raises SlackError invalid_cursor."""
    limit = call.number("limit", default, most)
    cursor = call.text("cursor")
    start = 0 if cursor is None else _read(cursor)
    end = start + limit
    more = end < len(items)
    fields: Json = {"has_more": more, "response_metadata": {"next_cursor": _write(end) if more else ""}}
    return items[start:end], fields


def _write(position: int) -> str:
    return base64.b64encode(f"next:{position}".encode()).decode()


def _read(cursor: str) -> int:
    try:
        word, _, position = base64.b64decode(cursor, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        word, position = "", ""
    if word != "next" or not position.isdigit():
        raise SlackError("invalid_cursor")
    return int(position)
