"""Rich text for Block Kit. What people wrote goes in as literal text elements, so nothing in it can act: no markup, no mention, no link.

Shapes and limits: https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.limits import shortened
from domain.values import is_web_address

Element = dict[str, Any]
Block = dict[str, Any]

LONGEST_QUOTE = 1500
"""Characters of somebody's words that a message shows; the whole is behind the link."""


def beginning(content: str, at_most: int) -> str:
    """As many whole words as fit into `at_most` characters: Slack counts those, and not what people see as one.

    What has no place to be cut at, like one long address, is cut anywhere.
    """
    if len(content) <= at_most:
        return content
    return shortened(content, at_most, "characters") or content[: at_most - 1] + "…"


def text(content: str, *, bold: bool = False, italic: bool = False) -> Element:
    """Literal text. Slack refuses an empty element, so nothing becomes a space."""
    element: Element = {"type": "text", "text": content or " "}
    if bold or italic:
        element["style"] = {k: True for k, on in (("bold", bold), ("italic", italic)) if on}
    return element


def link(url: str, label: str) -> Element:
    """A link with a label of ours. An address that is not http(s) is shown as text."""
    return {"type": "link", "url": url, "text": label} if is_web_address(url) else text(label)


def by_when(at: datetime) -> Element:
    """By when, shown in each reader's own zone."""
    return {
        "type": "date",
        "timestamp": int(at.timestamp()),
        "format": "by {date_short_pretty} at {time}",
        "fallback": f"by {at:%Y-%m-%d %H:%M} UTC",
    }


def at_moment(at: datetime) -> Element:
    """A moment, shown in each reader's own zone."""
    return {
        "type": "date",
        "timestamp": int(at.timestamp()),
        "format": "{date_short_pretty} {time}",
        "fallback": f"{at:%Y-%m-%d %H:%M} UTC",
    }


def group(usergroup_id: str) -> Element:
    """A mention of a user group."""
    return {"type": "usergroup", "usergroup_id": usergroup_id}


def person(user_id: str) -> Element:
    """A mention of a colleague."""
    return {"type": "user", "user_id": user_id}


def section(*elements: Element) -> Element:
    """One paragraph."""
    return {"type": "rich_text_section", "elements": list(elements)}


def quote(words: str, at_most: int = LONGEST_QUOTE) -> Element:
    """Somebody's exact words, cut where a message would grow too long."""
    return exactly(beginning("\n".join(words.strip().splitlines()), at_most) or "(no text)")


def exactly(words: str) -> Element:
    """Words as they are, to the last character."""
    return {"type": "rich_text_quote", "elements": [text(words)]}


def rich(*parts: Element, block_id: str | None = None) -> Block:
    """A block of paragraphs and quotes."""
    block: Block = {"type": "rich_text", "elements": list(parts)}
    return block | {"block_id": block_id} if block_id else block


def header(content: str) -> Block:
    """A headline, at most 150 characters."""
    return {"type": "header", "text": {"type": "plain_text", "text": beginning(" ".join(content.split()), 150) or " ", "emoji": True}}


def context(*lines: str) -> Block:
    """Small print in plain text, at most ten pieces."""
    return {"type": "context", "elements": [{"type": "plain_text", "text": line[:2000] or " ", "emoji": True} for line in lines[:10]]}


def button(action: str, label: str, value: str, *, style: str | None = None) -> Element:
    """A button. `value` comes back with the press."""
    element: Element = {
        "type": "button",
        "action_id": action,
        "text": {"type": "plain_text", "text": label, "emoji": True},
        "value": value,
    }
    return element | {"style": style} if style else element


def overflow(action: str, options: Sequence[tuple[str, str]]) -> Element:
    """A menu of two to five further things, as (label, value)."""
    return {
        "type": "overflow",
        "action_id": action,
        "options": [{"text": {"type": "plain_text", "text": label, "emoji": True}, "value": value} for label, value in options],
    }


def actions(buttons: Sequence[Element], block_id: str | None = None) -> Block:
    """A row of buttons. A block's id may stand once in a message or view; without one, Slack gives it its own."""
    row: Block = {"type": "actions", "elements": list(buttons)}
    return row | {"block_id": block_id} if block_id else row


def plain(content: str, at_most: int = 2000) -> str:
    """Text for a notification: one line, with Slack's three signs escaped."""
    return beginning(" ".join(content.split()), at_most).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
