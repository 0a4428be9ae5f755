"""Views: modals and the App Home, as an app defines them."""

from __future__ import annotations

from sandbox.slack.blockkit.blocks import Surface, check_blocks
from sandbox.slack.blockkit.check import Check, Json, LayoutError
from sandbox.slack.blockkit.objects import text_of

_HOME_FIELDS = frozenset({"type", "blocks", "private_metadata", "callback_id", "external_id"})
_MODAL_FIELDS = _HOME_FIELDS | {"title", "close", "submit", "clear_on_close", "notify_on_close", "submit_disabled"}
_of_24 = text_of("plain_text", most=24)


def checked_view(view: object, surface: Surface) -> Json:
    """The same definition, checked in place and with an id for each block. Raises LayoutError."""
    check = Check()
    if not isinstance(view, dict):
        raise LayoutError(["must be an object [json-pointer:/view]"])
    if view.get("type") != surface.value:
        check.say(f"must be of type {surface.value}" if view.get("type") else "missing required field: type", "/view")
    check.only(view, _MODAL_FIELDS if surface is Surface.MODAL else _HOME_FIELDS, "/view")
    check.needs(view, ("title", "blocks") if surface is Surface.MODAL else ("blocks",), "/view")
    for name in ("title", "submit", "close"):
        check.object(view, name, _of_24, "/view")
    check.string(view, "private_metadata", 3000, "/view")
    check.string(view, "callback_id", 255, "/view")
    check.string(view, "external_id", 255, "/view")
    check.flag(view, "clear_on_close", "/view")
    check.flag(view, "notify_on_close", "/view")
    if view.get("blocks") is not None:
        check_blocks(check, view["blocks"], surface, "/view/blocks")
    if surface is Surface.MODAL and _has_input(view) and view.get("submit") is None:
        check.say("missing required field: submit (needed when there is an input block)", "/view")
    if check.problems:
        raise LayoutError(check.problems)
    return view


def _has_input(view: Json) -> bool:
    blocks = view.get("blocks")
    return isinstance(blocks, list) and any(isinstance(block, dict) and block.get("type") == "input" for block in blocks)
