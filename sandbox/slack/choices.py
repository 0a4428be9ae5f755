"""What a person puts into elements, in the shape that Slack sends to the app."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.answers import ProblemError
from sandbox.slack.blockkit import Json
from sandbox.slack.blockkit.objects import options_in

_ONE_OPTION = ("selected_option", "initial_option")
_MANY_OPTIONS = ("selected_options", "initial_options")
_TEXT = ("value", "initial_value")
_STATE: dict[str, tuple[str, str]] = {
    "plain_text_input": _TEXT,
    "email_text_input": _TEXT,
    "url_text_input": _TEXT,
    "number_input": _TEXT,
    "rich_text_input": ("rich_text_value", "initial_value"),
    "static_select": _ONE_OPTION,
    "external_select": _ONE_OPTION,
    "radio_buttons": _ONE_OPTION,
    "multi_static_select": _MANY_OPTIONS,
    "multi_external_select": _MANY_OPTIONS,
    "checkboxes": _MANY_OPTIONS,
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "file_input": ("files", "files"),
}
"""For each element that holds something: the field that says what, and the one that says with what it begins."""

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_URL = re.compile(r"https?://\S+")


def elements_of(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Every interactive element with its block."""
    for block in blocks:
        candidates = [*block.get("elements", []), block.get("accessory"), block.get("element")]
        for element in candidates:
            if isinstance(element, dict) and "action_id" in element:
                yield block, element


def find_element(blocks: list[Json], action_id: str, block_id: str | None) -> tuple[Json, Json]:
    """The element with this action_id, and its block. Raises ProblemError 404."""
    for block, element in elements_of(blocks):
        if element["action_id"] == action_id and block_id in (None, block["block_id"]):
            return block, element
    there = ", ".join(sorted({element["action_id"] for _, element in elements_of(blocks)}))
    raise ProblemError(404, "Nothing to press", f"There is no {action_id!r} here; there is: {there or 'nothing that can be pressed'}.")


def initial_values(blocks: list[Json]) -> Json:
    """What the elements hold before anyone touches them: `{block_id: {action_id: state}}`."""
    values: Json = {}
    for block, element in elements_of(blocks):
        if element["type"] in _STATE:
            field, initial = _STATE[element["type"]]
            values.setdefault(block["block_id"], {})[element["action_id"]] = {
                "type": element["type"],
                field: element.get(initial, _empty(field)),
            }
    return values


def filled_in(blocks: list[Json], before: Json, given: Json) -> Json:
    """`before` with what a person gave: `{block_id: {action_id: value}}`, a value being a string, a list, or None.

    Raises ProblemError 422 for what cannot be put there, 404 for what is not there.
    """
    values = {block_id: dict(actions) for block_id, actions in before.items()}
    for block_id, actions in given.items():
        for action_id, value in actions.items():
            block, element = find_element(blocks, action_id, block_id)
            values.setdefault(block["block_id"], {})[action_id] = {"type": element["type"], **chosen(element, value)}
    return values


def chosen(element: Json, value: Any) -> Json:
    """The field that says what was chosen: `{"selected_option": …}`. Raises ProblemError 422."""
    kind = element["type"]
    if kind == "overflow":
        return {"selected_option": _option(element, value)}
    if kind not in _STATE:
        return {}
    field, _ = _STATE[kind]
    if value is None or value == "" or value == []:
        return {field: _empty(field)}
    if field == "selected_option":
        return {field: _option(element, value)}
    if field == "selected_options":
        return {field: [_option(element, one) for one in _as_list(element, value)]}
    if isinstance(_empty(field), list):
        return {field: _as_list(element, value)}
    if field == "selected_date_time":
        return {field: int(value)}
    return {field: value if kind == "rich_text_input" else str(value)}


def _empty(field: str) -> list[Any] | None:
    return [] if field.endswith("s") else None


def _as_list(element: Json, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ProblemError(422, "Not a list", f"{element['type']} {element['action_id']!r} takes a list of choices, not {value!r}.")
    return value


def _option(element: Json, value: Any) -> Json:
    wanted = value.get("value") if isinstance(value, dict) else value
    if element["type"] in ("external_select", "multi_external_select"):
        return value if isinstance(value, dict) else {"text": {"type": "plain_text", "text": str(value)}, "value": str(value)}
    for option in options_in(element):
        if option.get("value") == wanted:
            return option
    offered = ", ".join(repr(option.get("value")) for option in options_in(element))
    raise ProblemError(422, "No such option", f"{element['action_id']!r} does not offer {wanted!r}; it offers: {offered}.")


def mistakes(blocks: list[Json], values: Json) -> dict[str, str]:
    """What Slack itself tells a person before it submits: `{block_id: complaint}`."""
    found = {}
    for block in blocks:
        if block["type"] == "input":
            element = block["element"]
            state = values.get(block["block_id"], {}).get(element["action_id"], {})
            held = state.get(_STATE[element["type"]][0]) if element["type"] in _STATE else None
            complaint = _mistake(element, held, optional=block.get("optional", False))
            if complaint:
                found[block["block_id"]] = complaint
    return found


def _mistake(element: Json, held: Any, *, optional: bool) -> str | None:
    if held in (None, "", []):
        return None if optional else "Please complete this required field."
    match element["type"]:
        case "plain_text_input":
            return _wrong_length(str(held), element.get("min_length", 0), element.get("max_length", 3000))
        case "email_text_input" if not _EMAIL.fullmatch(held):
            return "Please enter a valid email address."
        case "url_text_input" if not _URL.fullmatch(held):
            return "Please enter a valid URL."
        case "number_input":
            return _wrong_number(str(held), element)
        case _:
            return None


def _wrong_length(text: str, least: int, most: int) -> str | None:
    if len(text) < least:
        return f"Please use at least {least} characters. You're using {len(text)}."
    if len(text) > most:
        return f"Please use {most} characters or fewer. You're using {len(text)}."
    return None


def _wrong_number(text: str, element: Json) -> str | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return "Please enter a number."
    if not element.get("is_decimal_allowed") and number != int(number):
        return "Please enter a whole number."
    if element.get("min_value") is not None and number < Decimal(element["min_value"]):
        return f"Please enter a number of at least {element['min_value']}."
    if element.get("max_value") is not None and number > Decimal(element["max_value"]):
        return f"Please enter a number of at most {element['max_value']}."
    return None
