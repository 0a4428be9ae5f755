"""Block Kit: what Slack takes and what it refuses, with the limits of its reference."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.slack.blockkit import Json, LayoutError, Surface, checked_blocks, checked_view


def plain(text: str = "Text") -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str = "*Text*") -> Json:
    return {"type": "mrkdwn", "text": text}


def option(value: str = "1", **more: Any) -> Json:
    return {"text": plain(), "value": value, **more}


def button(**more: Any) -> Json:
    return {"type": "button", "action_id": "press", "text": plain(), **more}


def section(**more: Any) -> Json:
    return {"type": "section", "text": mrkdwn(), **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def field(element: Json, **more: Any) -> Json:
    return {"type": "input", "label": plain(), "element": element, **more}


def modal(*blocks: Json, **more: Any) -> Json:
    return {"type": "modal", "title": plain("Title"), "submit": plain("Go"), "blocks": list(blocks), **more}


EVERY_ELEMENT: list[Json] = [
    button(style="primary", value="x" * 2000, confirm={"title": plain(), "text": mrkdwn(), "confirm": plain(), "deny": plain()}),
    {"type": "static_select", "options": [option()], "initial_option": option(), "placeholder": plain()},
    {"type": "static_select", "option_groups": [{"label": plain(), "options": [option()]}]},
    {"type": "external_select", "min_query_length": 2},
    {"type": "users_select", "initial_user": "U0ANA00001"},
    {"type": "conversations_select", "default_to_current_conversation": True, "filter": {"include": ["public"]}},
    {"type": "channels_select"},
    {"type": "overflow", "options": [option(url="https://a.example")]},
    {"type": "checkboxes", "options": [{"text": mrkdwn(), "value": "1", "description": mrkdwn()}]},
    {"type": "radio_buttons", "options": [option()], "initial_option": option()},
    {"type": "datepicker", "initial_date": "2026-11-21"},
    {"type": "timepicker", "initial_time": "23:59"},
    {"type": "datetimepicker", "initial_date_time": 1_767_225_600},
]
EVERY_INPUT: list[Json] = [
    {
        "type": "plain_text_input",
        "multiline": True,
        "max_length": 280,
        "dispatch_action_config": {"trigger_actions_on": ["on_character_entered"]},
    },
    {"type": "email_text_input"},
    {"type": "url_text_input"},
    {"type": "number_input", "is_decimal_allowed": False, "min_value": "1"},
    {"type": "rich_text_input"},
    {"type": "file_input", "max_files": 3},
    {"type": "multi_static_select", "options": [option()], "max_selected_items": 2},
    {"type": "multi_users_select"},
    {"type": "multi_external_select"},
    {"type": "multi_conversations_select"},
    {"type": "multi_channels_select"},
]


def test_every_element_may_stand_where_slack_lets_it() -> None:
    elements = [{**element, "action_id": str(n)} for n, element in enumerate(EVERY_ELEMENT)]
    checked_blocks([actions(*elements), *(section(accessory=element) for element in elements[:-1])], Surface.MESSAGE)
    checked_view(modal(*(field(copy.deepcopy(element)) for element in EVERY_INPUT)), Surface.MODAL)


def test_a_whole_card_is_taken_and_every_block_and_element_has_an_id_afterwards() -> None:
    card = [
        {"type": "header", "text": plain("Charged twice")},
        section(fields=[mrkdwn()] * 10, accessory={"type": "image", "image_url": "https://a.example/i.png", "alt_text": "a"}),
        {"type": "context", "elements": [mrkdwn(), {"type": "image", "image_url": "https://a.example/i.png", "alt_text": "a"}]},
        {"type": "divider"},
        {"type": "image", "image_url": "https://a.example/i.png", "alt_text": "a", "title": plain()},
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "a", "style": {"bold": True}}]}],
        },
        actions({"type": "button", "text": plain()}),
    ]
    checked = checked_blocks(card, Surface.MESSAGE)
    assert len({block["block_id"] for block in checked}) == len(card)
    assert checked[-1]["elements"][0]["action_id"]


REFUSED = [
    ([section()] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
    ([section(text=mrkdwn("x" * 3001))], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
    ([section(text=mrkdwn(""))], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    ([{"type": "section"}], "must define either `text` or `fields` [json-pointer:/blocks/0]"),
    ([section(fields=[mrkdwn()] * 11)], "no more than 10 items allowed [json-pointer:/blocks/0/fields]"),
    ([section(fields=[mrkdwn("x" * 2001)])], "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]"),
    ([{"type": "header", "text": plain("x" * 151)}], "must be less than 151 characters [json-pointer:/blocks/0/text/text]"),
    ([{"type": "header", "text": mrkdwn()}], "must be one of the following types: plain_text [json-pointer:/blocks/0/text]"),
    ([actions(button(text=plain("x" * 76)))], "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]"),
    ([actions(button(value="x" * 2001))], "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]"),
    ([actions(button(action_id="x" * 256))], "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]"),
    ([section(block_id="x" * 256)], "must be less than 256 characters [json-pointer:/blocks/0/block_id]"),
    ([section(block_id="a"), section(block_id="a")], "`block_id` 'a' already exists for another block [json-pointer:/blocks/1/block_id]"),
    ([actions(button(), button())], "`action_id` 'press' already exists for another element [json-pointer:/blocks/0/elements/1/action_id]"),
    ([actions(*[button(action_id=str(n)) for n in range(26)])], "no more than 25 items allowed [json-pointer:/blocks/0/elements]"),
    ([actions(button(style="blue"))], "must be one of the following values: primary, danger [json-pointer:/blocks/0/elements/0/style]"),
    ([actions({"type": "plain_text_input"})], "unsupported type: plain_text_input in actions [json-pointer:/blocks/0/elements/0/type]"),
    ([actions({"type": "lever"})], "unsupported type: lever [json-pointer:/blocks/0/elements/0]"),
    ([{"type": "marquee"}], "unsupported type: marquee [json-pointer:/blocks/0]"),
    ([{}], "missing required field: type [json-pointer:/blocks/0]"),
    ([section(colour="red")], "invalid additional property: colour [json-pointer:/blocks/0]"),
    (["section"], "must be an object [json-pointer:/blocks/0]"),
    ([{"type": "context", "elements": [mrkdwn()] * 11}], "no more than 10 items allowed [json-pointer:/blocks/0/elements]"),
    (
        [section(accessory={"type": "static_select", "options": [option("x" * 151)]})],
        "must be less than 151 characters [json-pointer:/blocks/0/accessory/options/0/value]",
    ),
    ([section(accessory={"type": "static_select"})], "must define either `options` or `option_groups` [json-pointer:/blocks/0/accessory]"),
    (
        [section(accessory={"type": "static_select", "options": [option()] * 101})],
        "no more than 100 items allowed [json-pointer:/blocks/0/accessory/options]",
    ),
    (
        [section(accessory={"type": "static_select", "options": [option()], "initial_option": option("2")})],
        "does not match any of the options [json-pointer:/blocks/0/accessory/initial_option]",
    ),
    (
        [section(accessory={"type": "overflow", "options": [option()] * 6})],
        "no more than 5 items allowed [json-pointer:/blocks/0/accessory/options]",
    ),
    (
        [section(accessory={"type": "datepicker", "initial_date": "tomorrow"})],
        "must be in the format YYYY-MM-DD [json-pointer:/blocks/0/accessory/initial_date]",
    ),
    (
        [section(accessory=button(confirm={"title": plain()}))],
        "missing required field: text [json-pointer:/blocks/0/accessory/confirm]",
    ),
    ([{"type": "image", "alt_text": "a"}], "must define either `image_url` or `slack_file` [json-pointer:/blocks/0]"),
]


@pytest.mark.parametrize(("blocks", "complaint"), REFUSED, ids=[complaint[:60] for _, complaint in REFUSED])
def test_a_message_is_refused_with_slacks_words(blocks: list[Any], complaint: str) -> None:
    with pytest.raises(LayoutError) as refused:
        checked_blocks(copy.deepcopy(blocks), Surface.MESSAGE)
    assert complaint in refused.value.problems


VIEWS_REFUSED = [
    (modal(title=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/title/text]"),
    (modal(submit=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/submit/text]"),
    (modal(close=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/close/text]"),
    (modal(private_metadata="x" * 3001), "must be less than 3001 characters [json-pointer:/view/private_metadata]"),
    (modal(*[section()] * 101), "no more than 100 items allowed [json-pointer:/view/blocks]"),
    ({"type": "modal"}, "missing required field: title [json-pointer:/view]"),
    ({"type": "home", "blocks": []}, "must be of type modal [json-pointer:/view]"),
    (
        modal(field({"type": "plain_text_input"}), submit=None),
        "missing required field: submit (needed when there is an input block) [json-pointer:/view]",
    ),
    (
        modal(field({"type": "plain_text_input", "max_length": 3001})),
        "must be an integer between 1 and 3000 [json-pointer:/view/blocks/0/element/max_length]",
    ),
    (modal(field(button())), "unsupported type: button in input [json-pointer:/view/blocks/0/element/type]"),
    (modal(id="V1"), "invalid additional property: id [json-pointer:/view]"),
    (modal({"type": "markdown", "text": "x"}), "unsupported type: markdown [json-pointer:/view/blocks/0]"),
    ("modal", "must be an object [json-pointer:/view]"),
]


@pytest.mark.parametrize(("view", "complaint"), VIEWS_REFUSED, ids=[complaint[:60] for _, complaint in VIEWS_REFUSED])
def test_a_modal_is_refused_with_slacks_words(view: Any, complaint: str) -> None:
    with pytest.raises(LayoutError) as refused:
        checked_view(copy.deepcopy(view), Surface.MODAL)
    assert complaint in refused.value.problems


@pytest.mark.parametrize(
    "blocks", [[{"type": []}], [{"type": "actions", "elements": [{"type": {}}]}], [{"type": "section", "text": {"type": []}}]]
)
def test_nonsense_is_refused(blocks: list[Any]) -> None:
    with pytest.raises(LayoutError):
        checked_blocks(blocks, Surface.MESSAGE)


NONSENSE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "text", "options", "elements", "value"]), inner, max_size=4)
    ),
    max_leaves=8,
)
SPOILT = [section(accessory=element) for element in EVERY_ELEMENT] + [field(element) for element in EVERY_INPUT]


def places_in(value: Any) -> list[tuple[Any, Any]]:
    """Every place at which something stands in a layout."""
    inner = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    return [(value, key) for key, _ in inner] + [place for _, one in inner for place in places_in(one)]


@given(st.sampled_from(SPOILT), st.data())
@settings(max_examples=100, deadline=None)
def test_whatever_stands_anywhere_the_checker_never_breaks(block: Json, data: st.DataObject) -> None:
    spoilt = copy.deepcopy(block)
    holder, key = data.draw(st.sampled_from(places_in(spoilt)))
    holder[key] = data.draw(NONSENSE)
    with contextlib.suppress(LayoutError):
        checked_blocks([spoilt], Surface.MESSAGE)
