"""Block elements: what a person presses, picks and fills in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.slack.blockkit.check import Check, Json
from sandbox.slack.blockkit.objects import (
    check_choices,
    check_confirm,
    check_initial,
    check_options,
    plain_of_75,
    plain_of_150,
)

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_INTERACTIVE = frozenset({"type", "action_id"})
_TYPED = frozenset({"placeholder", "focus_on_load", "dispatch_action_config"})
_TRIGGERS = ("on_enter_pressed", "on_character_entered")
_PICKED = frozenset({"placeholder", "focus_on_load", "confirm"})


def _button(check: Check, element: Json, at: str) -> None:
    check.needs(element, ("text",), at)
    check.object(element, "text", plain_of_75, at)
    check.string(element, "url", 3000, at)
    check.string(element, "value", 2000, at)
    check.string(element, "accessibility_label", 75, at)
    check.one_of(element, "style", ("primary", "danger"), at)
    check.object(element, "confirm", check_confirm, at)


def _common(check: Check, element: Json, at: str) -> None:
    check.object(element, "placeholder", plain_of_150, at)
    check.flag(element, "focus_on_load", at)
    check.object(element, "confirm", check_confirm, at)


def _static_select(check: Check, element: Json, at: str) -> None:
    _common(check, element, at)
    check_choices(check, element, at)
    check_initial(check, element, "initial_option", at)
    check_initial(check, element, "initial_options", at)
    check.whole(element, "max_selected_items", 1, 100, at)


def _loaded_select(check: Check, element: Json, at: str) -> None:
    _common(check, element, at)
    check.whole(element, "min_query_length", 0, 100, at)
    check.whole(element, "max_selected_items", 1, 100, at)


def _overflow(check: Check, element: Json, at: str) -> None:
    check_options(check, element, at, 5, links=True)
    check.object(element, "confirm", check_confirm, at)


def _buttons_of_options(check: Check, element: Json, at: str) -> None:
    _common(check, element, at)
    check_options(check, element, at, 10, mrkdwn=True)
    check_initial(check, element, "initial_option", at)
    check_initial(check, element, "initial_options", at)


def _formatted(name: str, pattern: re.Pattern[str], shape: str) -> Callable[[Check, Json, str], None]:
    def check_picker(check: Check, element: Json, at: str) -> None:
        _common(check, element, at)
        initial = element.get(name)
        if initial is not None and not (isinstance(initial, str) and pattern.fullmatch(initial)):
            check.say(f"must be in the format {shape}", f"{at}/{name}")

    return check_picker


def _datetimepicker(check: Check, element: Json, at: str) -> None:
    _common(check, element, at)
    check.whole(element, "initial_date_time", 1_000_000_000, 9_999_999_999, at)


def _dispatch(check: Check, config: Json, at: str) -> None:
    check.only(config, frozenset({"trigger_actions_on"}), at)
    triggers = config.get("trigger_actions_on")
    if not isinstance(triggers, list) or not triggers or any(one not in _TRIGGERS for one in triggers):
        check.say("must be on_enter_pressed, on_character_entered, or both", f"{at}/trigger_actions_on")


def _plain_text_input(check: Check, element: Json, at: str) -> None:
    _common(check, element, at)
    check.flag(element, "multiline", at)
    check.whole(element, "min_length", 0, 3000, at)
    check.whole(element, "max_length", 1, 3000, at)
    check.string(element, "initial_value", 3000, at)
    check.object(element, "dispatch_action_config", _dispatch, at)


def _text_input(check: Check, element: Json, at: str) -> None:
    _common(check, element, at)
    check.string(element, "initial_value", 3000, at)
    check.object(element, "dispatch_action_config", _dispatch, at)


def _number_input(check: Check, element: Json, at: str) -> None:
    _text_input(check, element, at)
    check.needs(element, ("is_decimal_allowed",), at)
    for name in ("min_value", "max_value"):
        check.string(element, name, 30, at)


def check_image(check: Check, element: Json, at: str) -> None:
    """An image in a section or a context."""
    check.needs(element, ("alt_text",), at)
    if (element.get("image_url") is None) == (element.get("slack_file") is None):
        check.say("must define either `image_url` or `slack_file`", at)
    check.string(element, "image_url", 3000, at, least=1)
    check.string(element, "alt_text", 2000, at)


@dataclass(frozen=True)
class _Kind:
    """What one type of element may hold, and where it may stand."""

    places: frozenset[str]
    fields: frozenset[str]
    check: Callable[[Check, Json, str], None]
    acts: bool = field(default=True)


def _kind(places: str, fields: str, check: Callable[[Check, Json, str], None], base: frozenset[str] = frozenset()) -> _Kind:
    return _Kind(frozenset(places.split()), _INTERACTIVE | base | frozenset(fields.split()), check)


_SELECT = "section actions input"
_MULTI = "section input"
_KINDS: dict[str, _Kind] = {
    "button": _kind("section actions", "text url value style confirm accessibility_label", _button),
    "static_select": _kind(_SELECT, "options option_groups initial_option", _static_select, _PICKED),
    "external_select": _kind(_SELECT, "initial_option min_query_length", _loaded_select, _PICKED),
    "users_select": _kind(_SELECT, "initial_user", _loaded_select, _PICKED),
    "conversations_select": _kind(
        _SELECT, "initial_conversation default_to_current_conversation response_url_enabled filter", _loaded_select, _PICKED
    ),
    "channels_select": _kind(_SELECT, "initial_channel response_url_enabled", _loaded_select, _PICKED),
    "multi_static_select": _kind(_MULTI, "options option_groups initial_options max_selected_items", _static_select, _PICKED),
    "multi_external_select": _kind(_MULTI, "initial_options min_query_length max_selected_items", _loaded_select, _PICKED),
    "multi_users_select": _kind(_MULTI, "initial_users max_selected_items", _loaded_select, _PICKED),
    "multi_conversations_select": _kind(
        _MULTI, "initial_conversations default_to_current_conversation max_selected_items filter", _loaded_select, _PICKED
    ),
    "multi_channels_select": _kind(_MULTI, "initial_channels max_selected_items", _loaded_select, _PICKED),
    "overflow": _kind("section actions", "options confirm", _overflow),
    "checkboxes": _kind(_SELECT, "options initial_options confirm focus_on_load", _buttons_of_options),
    "radio_buttons": _kind(_SELECT, "options initial_option confirm focus_on_load", _buttons_of_options),
    "datepicker": _kind(_SELECT, "initial_date", _formatted("initial_date", _DATE, "YYYY-MM-DD"), _PICKED),
    "timepicker": _kind(_SELECT, "initial_time timezone", _formatted("initial_time", _TIME, "HH:mm"), _PICKED),
    "datetimepicker": _kind("actions input", "initial_date_time", _datetimepicker, _PICKED),
    "plain_text_input": _kind("input", "initial_value multiline min_length max_length", _plain_text_input, _TYPED),
    "email_text_input": _kind("input", "initial_value", _text_input, _TYPED),
    "url_text_input": _kind("input", "initial_value", _text_input, _TYPED),
    "number_input": _kind("input", "is_decimal_allowed initial_value min_value max_value", _number_input, _TYPED),
    "rich_text_input": _kind("input", "initial_value", _loaded_select, _TYPED),
    "file_input": _kind("input", "filetypes max_files", _loaded_select),
    "image": _Kind(frozenset({"section", "context"}), frozenset({"type", "image_url", "slack_file", "alt_text"}), check_image, acts=False),
}


def check_element(check: Check, element: Json, at: str, place: str) -> None:
    """An element that stands in a `section` (as its accessory), in `actions`, `input` or `context`."""
    name = check.kind_of(element, at)
    if name is None:
        return
    kind = _KINDS.get(name)
    if kind is None:
        check.say(f"unsupported type: {name}", at)
    elif place not in kind.places:
        check.say(f"unsupported type: {name} in {place}", f"{at}/type")
    else:
        check.only(element, kind.fields, at)
        kind.check(check, element, at)
        if kind.acts:
            check.action_id(element, at)
