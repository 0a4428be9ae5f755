"""Blocks: the rows of a message, a modal or the App Home."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial

from sandbox.slack.blockkit.check import Check, Json, LayoutError, own_id
from sandbox.slack.blockkit.elements import check_element, check_image
from sandbox.slack.blockkit.objects import text_of


class Surface(StrEnum):
    """Where blocks stand."""

    MESSAGE = "message"
    MODAL = "modal"
    HOME = "home"


MOST_BLOCKS = {Surface.MESSAGE: 50, Surface.MODAL: 100, Surface.HOME: 100}

_section_text = text_of("plain_text", "mrkdwn", most=3000)
_field_text = text_of("plain_text", "mrkdwn", most=2000)
_header_text = text_of("plain_text", most=150)
_plain_2000 = text_of("plain_text", most=2000)
_context_text = text_of("plain_text", "mrkdwn", most=3000)


def _section(check: Check, block: Json, at: str) -> None:
    if block.get("text") is None and block.get("fields") is None:
        check.say("must define either `text` or `fields`", at)
    check.object(block, "text", _section_text, at)
    if block.get("fields") is not None:
        for place, one in check.items(block["fields"], 10, f"{at}/fields"):
            _field_text(check, one, place)
    check.object(block, "accessory", partial(check_element, place="section"), at)
    check.flag(block, "expand", at)


def _header(check: Check, block: Json, at: str) -> None:
    check.needs(block, ("text",), at)
    check.object(block, "text", _header_text, at)


def _image(check: Check, block: Json, at: str) -> None:
    check_image(check, block, at)
    check.object(block, "title", _plain_2000, at)


def _context(check: Check, block: Json, at: str) -> None:
    if check.needs(block, ("elements",), at):
        for place, element in check.items(block["elements"], 10, f"{at}/elements"):
            if element.get("type") == "image":
                check_element(check, element, place, "context")
            else:
                _context_text(check, element, place)


def _actions(check: Check, block: Json, at: str) -> None:
    if check.needs(block, ("elements",), at):
        for place, element in check.items(block["elements"], 25, f"{at}/elements"):
            check_element(check, element, place, "actions")


def _input(check: Check, block: Json, at: str) -> None:
    check.needs(block, ("label", "element"), at)
    check.object(block, "label", _plain_2000, at)
    check.object(block, "hint", _plain_2000, at)
    check.object(block, "element", partial(check_element, place="input"), at)
    check.flag(block, "optional", at)
    check.flag(block, "dispatch_action", at)


_RICH = frozenset({"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"})
_RICH_INLINE = frozenset(
    {"text", "link", "user", "usergroup", "channel", "emoji", "broadcast", "date", "color", "team", "rich_text_section"}
)


def _rich_text(check: Check, block: Json, at: str) -> None:
    if not check.needs(block, ("elements",), at):
        return
    for place, element in check.items(block["elements"], 100, f"{at}/elements"):
        kind = check.kind_of(element, place)
        if kind is not None and kind not in _RICH:
            check.say(f"unsupported type: {kind}", place)
        elif kind is not None:
            for inner, part in check.items(element.get("elements"), 1000, f"{place}/elements", least=0):
                inline = check.kind_of(part, inner)
                if inline is not None and inline not in _RICH_INLINE:
                    check.say(f"unsupported type: {inline}", inner)


def _markdown(check: Check, block: Json, at: str) -> None:
    check.needs(block, ("text",), at)
    check.string(block, "text", 12_000, at, least=1)


def _nothing(_check: Check, _block: Json, _at: str) -> None:
    """A divider has nothing to check."""


_EVERYWHERE = frozenset(Surface)
_BLOCKS: dict[str, tuple[frozenset[str], frozenset[Surface], Callable[[Check, Json, str], None]]] = {
    name: (frozenset({"type", "block_id", *fields.split()}), surfaces, check)
    for name, fields, surfaces, check in (
        ("section", "text fields accessory expand", _EVERYWHERE, _section),
        ("header", "text", _EVERYWHERE, _header),
        ("divider", "", _EVERYWHERE, _nothing),
        ("image", "image_url slack_file alt_text title", _EVERYWHERE, _image),
        ("context", "elements", _EVERYWHERE, _context),
        ("actions", "elements", _EVERYWHERE, _actions),
        ("input", "label element hint optional dispatch_action", _EVERYWHERE, _input),
        ("rich_text", "elements", _EVERYWHERE, _rich_text),
        ("markdown", "text", frozenset({Surface.MESSAGE}), _markdown),
    )
}


def check_blocks(check: Check, blocks: object, surface: Surface, at: str) -> None:
    """All blocks of a surface, in place: blocks and elements without an id are given one."""
    seen: set[str] = set()
    for place, block in check.items(blocks, MOST_BLOCKS[surface], at, least=0):
        _check_block(check, block, surface, place)
        check.string(block, "block_id", 255, place, least=1)
        block_id = own_id(block, "block_id")
        if not isinstance(block_id, str):
            continue
        if block_id in seen:
            check.say(f"`block_id` {block_id!r} already exists for another block", f"{place}/block_id")
        seen.add(block_id)


def _check_block(check: Check, block: Json, surface: Surface, at: str) -> None:
    name = check.kind_of(block, at)
    if name is None:
        return
    known = _BLOCKS.get(name)
    if known is None or surface not in known[1]:
        check.say(f"unsupported type: {name}", at)
        return
    fields, _, checker = known
    check.only(block, fields, at)
    check.action_ids = set()
    checker(check, block, at)


def checked_blocks(blocks: object, surface: Surface, at: str = "/blocks") -> list[Json]:
    """The same blocks, checked in place and each with an id, as Slack keeps them. Raises LayoutError."""
    check = Check()
    check_blocks(check, blocks, surface, at)
    if check.problems or not isinstance(blocks, list):
        raise LayoutError(check.problems)
    return blocks
