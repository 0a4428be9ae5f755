"""What people wrote in Slack as plain text: customers read no markup, and no mention is carried out of Slack."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]

_LINK = re.compile(r"<((?:https?|mailto|tel):[^|>]*)(?:\|([^>]*))?>")
_MENTION = re.compile(r" ?<[@#!][^>]*>")
_SCHEME = re.compile(r"^(https?://|mailto:|tel:)")


def plain_of(text: str) -> str:
    """A text with Slack's markup for links and mentions."""
    text = _LINK.sub(lambda m: _link(m[1], m[2] or ""), text)
    return html.unescape(_MENTION.sub("", text)).strip()


def words_of(message: Json) -> str:
    """What a person's message says. Its rich text knows what is bold and what is an asterisk; a message without has its text alone."""
    blocks = [block for block in message.get("blocks") or [] if block.get("type") == "rich_text"]
    if not blocks:
        return plain_of(str(message.get("text") or ""))
    return "\n".join(_part(part) for block in blocks for part in block["elements"]).strip()


def _part(part: Json) -> str:
    if part["type"] == "rich_text_list":
        signs = (f"{n}." if part.get("style") == "ordered" else "•" for n in range(1, len(part["elements"]) + 1))
        return "\n".join(f"{sign} {_part(item)}" for sign, item in zip(signs, part["elements"], strict=True))
    return _said(part["elements"]).strip("\n")


def _said(elements: Iterable[Json]) -> str:
    said = ""
    for element in elements:
        match element:
            case {"type": "text", "text": text}:
                said += text
            case {"type": "link", "url": url}:
                said += _link(url, element.get("text") or "")
            case {"type": "emoji", "unicode": points}:
                said += "".join(chr(int(point, 16)) for point in points.split("-"))
            case {"type": "emoji", "name": name}:
                said += f":{name}:"
            case {"type": "date", "fallback": text}:
                said += text
            case _:  # a mention: what stands before it ends there
                said = said.removesuffix(" ")
    return said


def _link(url: str, label: str) -> str:
    """A link as it reads: where the label says the same as the address, either of them."""
    bare = _SCHEME.sub("", url).rstrip("/")
    if not label or label == url:
        return url if url.startswith("http") else bare
    return label if label.rstrip("/") == bare or not url.startswith("http") else f"{label} ({url})"
