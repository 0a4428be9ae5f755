"""The parts that modals are made of. Shapes and limits: https://docs.slack.dev/reference/views/modal-views"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from adapters.slack import rich
from adapters.slack.cards import SIGN
from domain.casefile import CaseFile
from domain.story import Line

View = dict[str, Any]
Block = dict[str, Any]
LONGEST_BODY = 2500
_NEWS_AT_MOST, _NEWS_LENGTH = 5, 600
"""Lines, and characters of each quote, of what has happened while somebody was writing."""


def about(file: CaseFile) -> Block:
    """Whose case it is, and what they wrote first."""
    return rich.rich(
        rich.section(rich.text(f"{file.title} · {file.customer} on {file.network}", bold=True)),
        rich.quote(file.first_shown, 600),
    )


def modal(callback: str, title: str, submit: str | None, close: str, metadata: Mapping[str, Any], blocks: Sequence[Block]) -> View:
    """A modal. `metadata` comes back with it; we are told when it is closed."""
    view: View = {
        "type": "modal",
        "callback_id": callback,
        "title": plain(title),
        "close": plain(close),
        "private_metadata": json.dumps(metadata),
        "notify_on_close": True,
        "blocks": list(blocks),
    }
    return view | {"submit": plain(submit)} if submit else view


def plain(content: str) -> dict[str, Any]:
    """Plain text, in which emoji are shown as such."""
    return {"type": "plain_text", "text": content, "emoji": True}


def option(label: str, value: str) -> dict[str, Any]:
    """One choice."""
    return {"text": plain(label[:75]), "value": value}


def ask_for(block: str, label: str, element: Mapping[str, Any], *, hint: str | None = None, optional: bool = False) -> Block:
    """An input. The block's id is its element's id too."""
    asked: Block = {"type": "input", "block_id": block, "label": plain(label), "element": {**element, "action_id": block}}
    if hint is not None:
        asked["hint"] = plain(hint)
    return asked | {"optional": True} if optional else asked


def text_input(*, initial: str | None = None, multiline: bool = True, focus: bool = False, at_most: int = LONGEST_BODY) -> dict[str, Any]:
    """Where somebody writes."""
    element: dict[str, Any] = {"type": "plain_text_input", "multiline": multiline, "max_length": at_most, "focus_on_load": focus}
    return element | {"initial_value": initial[:at_most]} if initial else element


def select(options: Sequence[Mapping[str, Any]], placeholder: str = "Choose one", initial: str | None = None) -> dict[str, Any]:
    """Where somebody chooses."""
    element: dict[str, Any] = {"type": "static_select", "options": list(options), "placeholder": plain(placeholder)}
    first = next((one for one in options if one["value"] == initial), None)
    return element | {"initial_option": first} if first is not None else element


def moment(initial: datetime) -> dict[str, Any]:
    """Where somebody chooses a date and a time, in their own zone."""
    return {"type": "datetimepicker", "initial_date_time": int(initial.timestamp())}


def happened(since: Sequence[Line], *, ours: bool = True) -> list[Block]:
    """What somebody must know before they send what they wrote earlier, or (not `ours`) what a colleague wrote; the newest of it."""
    if not since:
        return []
    parts = [rich.section(rich.text(f"⚠️ Since {'you wrote this' if ours else 'this was written'}:", bold=True))]
    for line in since[-_NEWS_AT_MOST:]:
        parts.append(rich.section(rich.text(f"{SIGN[line.kind]} {line.text}")))
        if line.quote is not None:
            parts.append(rich.quote(line.quote, _NEWS_LENGTH))
    return [rich.rich(*parts, rich.section(rich.text(f"Read {'yours' if ours else 'it'} again. Does it still fit?", bold=True)))]


def notice(title: str, reason: str) -> View:
    """What became of it, in the place where somebody wanted something: done, refused, or not known yet."""
    return {
        "type": "modal",
        "title": plain(title),
        "close": plain("Close"),
        "blocks": [rich.rich(rich.section(rich.text(reason)))],
    }
