"""What Slack would say to a message or a view of ours, by two outsiders: the SDK's own models, and Slack's reference.

`check_message` and `check_view` raise AssertionError with everything that is wrong at once. The models must take what we made and
give the same back; the limits that the models do not know are those of https://docs.slack.dev/reference/block-kit, each with
the page that it comes from. A kind of block or element that stands in neither table is a fault too: look its limits up, and add it.

Nothing here is shared with the stand-in Slack of `sandbox/`, which has the same limits from its own reading.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

Json = dict[str, Any]

BLOCKS_IN_A_MESSAGE, BLOCKS_IN_A_VIEW = 50, 100
"""https://docs.slack.dev/reference/block-kit/blocks"""
FALLBACK_TEXT = 4_000
"""What chat.postMessage asks for; from 40,000 on it cuts. https://docs.slack.dev/reference/methods/chat.postMessage"""
TEXT_OF_A_MESSAGE = 10_000
"""Characters in all blocks together. Slack's pages have no number; past one it answers `msg_blocks_too_long`. Its people speak of 12,000
with a buffer for containers, and 11,341 in rich text were refused: https://github.com/slackapi/bolt-js/issues/2509 and 2867."""
BYTES_OF_A_VIEW = 250_000
"""https://docs.slack.dev/reference/methods/views.open, `view_too_large`"""


def check_message(blocks: Sequence[Json], text: str) -> None:
    """Hold a message against the SDK and Slack's limits. `text`: what notifications show."""
    look = _Look()
    look.number("/blocks", len(blocks), 1, BLOCKS_IN_A_MESSAGE)
    look.same(blocks, lambda: [block.to_dict() for block in Block.parse_all(blocks)])
    look.string("/text", text, FALLBACK_TEXT)
    look.markup("/text", text)
    look.blocks(blocks)
    look.number("the text of all blocks", sum(map(len, texts(blocks))), 1, TEXT_OF_A_MESSAGE)
    look.complain()


def check_view(view: Json) -> None:
    """Hold a modal or a home tab against the SDK and Slack's limits.

    https://docs.slack.dev/reference/views/modal-views and https://docs.slack.dev/reference/views/home-tab-views
    """
    look = _Look()
    look.same(view, lambda: View(**view).to_dict())
    look.one_of("/type", view.get("type"), "modal", "home")
    look.number("/blocks", len(view["blocks"]), 1, BLOCKS_IN_A_VIEW)
    look.number("the view as JSON", len(json.dumps(view).encode()), 1, BYTES_OF_A_VIEW)
    look.string("/callback_id", view.get("callback_id", " "), 255)
    look.string("/external_id", view.get("external_id", " "), 255)
    look.string("/private_metadata", view.get("private_metadata", " "), 3000)
    if view.get("type") == "modal":
        for part in ("title", "submit", "close"):
            if part == "title" or part in view:
                look.text(f"/{part}", view.get(part), 24)
        if any(block.get("type") == "input" for block in view["blocks"]) and "submit" not in view:
            look.found.append("/submit: is required where there is an input")
    look.blocks(view["blocks"])
    look.complain()


def texts(part: object) -> Iterator[str]:
    """Every text that people read, however deep."""
    if isinstance(part, list):
        for one in part:
            yield from texts(one)
    elif isinstance(part, dict):
        for name, one in part.items():
            if isinstance(one, str) and name in ("text", "fallback", "title", "alt_text"):
                yield one
            elif not isinstance(one, str):
                yield from texts(one)


_MARKUP = re.compile(r"<([^>]*)>")
_MEANT = re.compile(r"https?://[^|\s]+(\|[^|]*)?\Z|mailto:\S+\Z|@[UW][A-Z0-9]+\Z|#C[A-Z0-9]+\Z|!subteam\^S[A-Z0-9]+\Z|!date\^\d+\^")


@dataclass
class _Look:
    """Looks at one message or view and notes what is wrong, each with where it stands, as a JSON pointer."""

    found: list[str] = field(default_factory=list)
    focused: int = 0

    def complain(self) -> None:
        assert not self.found, "Slack would refuse this:\n  " + "\n  ".join(self.found)

    def same(self, ours: object, back: Callable[[], object]) -> None:
        """The SDK's models take it, and have the same afterwards: they leave out what they do not know."""
        try:
            theirs = back()
        except (SlackObjectFormationError, AttributeError, TypeError, ValueError) as error:
            self.found.append(f"the SDK refuses it: {error}")
            return
        if theirs != ours:
            self.found.append(f"the SDK understands something else:\n    ours   {ours}\n    theirs {theirs}")

    def number(self, at: str, actual: int, least: int, most: int) -> None:
        if not least <= actual <= most:
            self.found.append(f"{at}: {actual} is not within {least} and {most}")

    def string(self, at: str, actual: object, most: int) -> None:
        """A text of 1 to `most` characters."""
        if not isinstance(actual, str):
            self.found.append(f"{at}: is no text but {actual!r}")
        else:
            self.number(at, len(actual), 1, most)

    def one_of(self, at: str, actual: object, *allowed: object) -> None:
        if actual not in allowed:
            self.found.append(f"{at}: {actual!r} is none of {', '.join(map(str, allowed))}")

    def text(self, at: str, actual: object, most: int, *, mrkdwn: bool = False) -> None:
        """https://docs.slack.dev/reference/block-kit/composition-objects/text-object"""
        if not isinstance(actual, dict):
            self.found.append(f"{at}: is no text object but {actual!r}")
            return
        self.one_of(f"{at}/type", actual.get("type"), "plain_text", *(["mrkdwn"] if mrkdwn else []))
        self.string(f"{at}/text", actual.get("text"), most)
        if actual.get("type") == "mrkdwn":
            self.markup(f"{at}/text", str(actual.get("text")))

    def markup(self, at: str, content: str) -> None:
        """Signs that act: links, people and moments are meant; that everybody is called never is.

        https://docs.slack.dev/messaging/formatting-message-text
        """
        self.found += [f"{at}: {acts!r} would act" for acts in _MARKUP.findall(content) if not _MEANT.match(acts)]

    def blocks(self, blocks: Sequence[Json]) -> None:
        """https://docs.slack.dev/reference/block-kit/blocks; a block's id stands once in a message or view"""
        ids = [block["block_id"] for block in blocks if "block_id" in block]
        self.found += [f"/blocks: two have the id {one!r}" for one in sorted({one for one in ids if ids.count(one) > 1})]
        for number, block in enumerate(blocks):
            at = f"/blocks/{number}"
            self.string(f"{at}/block_id", block.get("block_id", " "), 255)
            self.known(_BLOCKS, at, block)
        self.number("elements that take the focus", self.focused, 0, 1)

    def known(self, kinds: Kinds, at: str, part: Json) -> None:
        kind = str(part.get("type"))
        if kind in kinds:
            kinds[kind](self, at, part)
        else:
            self.found.append(f"{at}: nothing is known here of {kind!r}")

    def elements(self, at: str, elements: Sequence[Json], kinds: Kinds) -> None:
        """https://docs.slack.dev/reference/block-kit/block-elements; an element's action id stands once in its block"""
        ids = [element["action_id"] for element in elements if "action_id" in element]
        self.found += [f"{at}: two have the action id {one!r}" for one in sorted({one for one in ids if ids.count(one) > 1})]
        for number, element in enumerate(elements):
            where = f"{at}/{number}"
            self.string(f"{where}/action_id", element.get("action_id", " "), 255)
            self.focused += bool(element.get("focus_on_load"))
            if "placeholder" in element:
                self.text(f"{where}/placeholder", element["placeholder"], 150)
            if "confirm" in element:
                _confirm(self, f"{where}/confirm", element["confirm"])
            self.known(kinds, where, element)


Kinds = dict[str, Callable[[_Look, str, Json], None]]


# --- blocks -----------------------------------------------------------------------------------------------------------


def _header(look: _Look, at: str, block: Json) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks/header-block"""
    look.text(f"{at}/text", block.get("text"), 150)


def _section(look: _Look, at: str, block: Json) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks/section-block"""
    if "text" in block or "fields" not in block:
        look.text(f"{at}/text", block.get("text"), 3000, mrkdwn=True)
    if "fields" in block:
        look.number(f"{at}/fields", len(block["fields"]), 1, 10)
        for number, one in enumerate(block["fields"]):
            look.text(f"{at}/fields/{number}", one, 2000, mrkdwn=True)
    if "accessory" in block:
        look.elements(f"{at}/accessory", [block["accessory"]], _ELEMENTS | {"image": _image_element})


def _context(look: _Look, at: str, block: Json) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks/context-block; a text object has 3000 at most"""
    look.number(f"{at}/elements", len(block["elements"]), 1, 10)
    for number, one in enumerate(block["elements"]):
        if one.get("type") == "image":
            _image_element(look, f"{at}/elements/{number}", one)
        else:
            look.text(f"{at}/elements/{number}", one, 3000, mrkdwn=True)


def _actions(look: _Look, at: str, block: Json) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks/actions-block"""
    look.number(f"{at}/elements", len(block["elements"]), 1, 25)
    look.elements(f"{at}/elements", block["elements"], _ELEMENTS)


def _input(look: _Look, at: str, block: Json) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks/input-block"""
    look.text(f"{at}/label", block.get("label"), 2000)
    if "hint" in block:
        look.text(f"{at}/hint", block["hint"], 2000)
    inputs = {kind: check for kind, check in (_ELEMENTS | _INPUTS).items() if kind not in ("button", "overflow")}
    look.elements(f"{at}/element", [block["element"]], inputs)


def _image(look: _Look, at: str, block: Json) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks/image-block"""
    _image_element(look, at, block)
    if "title" in block:
        look.text(f"{at}/title", block["title"], 2000)


def _divider(look: _Look, at: str, block: Json) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks/divider-block"""


def _rich_text(look: _Look, at: str, block: Json) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks/rich-text-block; it names no limits besides those of the whole"""
    look.number(f"{at}/elements", len(block["elements"]), 1, 10_000)
    for number, part in enumerate(block["elements"]):
        _rich_part(look, f"{at}/elements/{number}", part)


def _rich_part(look: _Look, at: str, part: Json) -> None:
    """https://docs.slack.dev/reference/block-kit/block-elements/rich-text-quote-element and its siblings"""
    look.one_of(f"{at}/type", part.get("type"), "rich_text_section", "rich_text_quote", "rich_text_preformatted", "rich_text_list")
    look.number(f"{at}/elements", len(part["elements"]), 1, 10_000)
    for number, one in enumerate(part["elements"]):
        where = f"{at}/elements/{number}"
        if part.get("type") == "rich_text_list":
            _rich_part(look, where, one)
        else:
            look.known(_RICH, where, one)


def _rich_field(name: str, most: int = 10_000, pattern: str = r"(?s).+\Z") -> Callable[[_Look, str, Json], None]:
    def check(look: _Look, at: str, one: Json) -> None:
        look.string(f"{at}/{name}", one.get(name), most)
        if not re.match(pattern, str(one.get(name))):
            look.found.append(f"{at}/{name}: {one.get(name)!r} is not of the form {pattern}")
        if "text" in one:  # a link may have a label
            look.string(f"{at}/text", one["text"], most)

    return check


def _rich_date(look: _Look, at: str, one: Json) -> None:
    """https://docs.slack.dev/reference/block-kit/block-elements/date-element"""
    if not isinstance(one.get("timestamp"), int):
        look.found.append(f"{at}/timestamp: {one.get('timestamp')!r} is no whole number")
    look.string(f"{at}/format", one.get("format"), 1000)
    tokens = re.findall(r"{(\w+)}", str(one.get("format")))
    look.number(f"{at}/format, tokens", len(tokens), 1, 10)
    known = [f"date{how}" for how in ("", "_num", "_slash", "_long", "_long_full", "_long_pretty", "_pretty", "_short", "_short_pretty")]
    for token in tokens:
        look.one_of(f"{at}/format", token, *known, "day_divider_pretty", "time", "time_secs", "ago")


# --- elements ---------------------------------------------------------------------------------------------------------


def _button(look: _Look, at: str, element: Json) -> None:
    """https://docs.slack.dev/reference/block-kit/block-elements/button-element"""
    look.text(f"{at}/text", element.get("text"), 75)
    look.string(f"{at}/value", element.get("value", " "), 2000)
    look.string(f"{at}/url", element.get("url", " "), 3000)
    look.string(f"{at}/accessibility_label", element.get("accessibility_label", " "), 75)
    look.one_of(f"{at}/style", element.get("style"), None, "primary", "danger")


def _image_element(look: _Look, at: str, element: Json) -> None:
    """https://docs.slack.dev/reference/block-kit/block-elements/image-element"""
    look.string(f"{at}/image_url", element.get("image_url"), 3000)
    look.string(f"{at}/alt_text", element.get("alt_text"), 2000)


def _overflow(look: _Look, at: str, element: Json) -> None:
    """https://docs.slack.dev/reference/block-kit/block-elements/overflow-menu-element; fewer than two were refused before"""
    _options(look, at, element, 2, 5)


def _ticked(look: _Look, at: str, element: Json) -> None:
    """https://docs.slack.dev/reference/block-kit/block-elements/checkboxes-element, …/radio-button-group-element"""
    _options(look, at, element, 1, 10, mrkdwn=True)


def _static_select(look: _Look, at: str, element: Json) -> None:
    """https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element#static_select

    A placeholder is not required by the page any more; without one people see an empty field, so ours always have one.
    """
    if "placeholder" not in element:
        look.found.append(f"{at}/placeholder: is missing")
    if "option_groups" in element:
        look.number(f"{at}/option_groups", len(element["option_groups"]), 1, 100)
        for number, group in enumerate(element["option_groups"]):
            look.text(f"{at}/option_groups/{number}/label", group.get("label"), 75)
            _options(look, f"{at}/option_groups/{number}", group, 1, 100)
    else:
        _options(look, at, element, 1, 100)


def _select(look: _Look, at: str, element: Json) -> None:
    """https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element, …/multi-select-menu-element"""
    if "placeholder" not in element:
        look.found.append(f"{at}/placeholder: is missing")
    look.number(f"{at}/max_selected_items", element.get("max_selected_items", 1), 1, 100)


def _moment(look: _Look, at: str, element: Json) -> None:
    """https://docs.slack.dev/reference/block-kit/block-elements/date-picker-element, …/time-picker-element, …/datetime-picker-element"""
    for name, pattern in {"initial_date": r"\d{4}-\d\d-\d\d\Z", "initial_time": r"\d\d:\d\d\Z", "initial_date_time": r"\d{10}\Z"}.items():
        if name in element and not re.match(pattern, str(element[name])):
            look.found.append(f"{at}/{name}: {element[name]!r} is not of the form {pattern}")


def _text_input(look: _Look, at: str, element: Json) -> None:
    """https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element"""
    least, most = element.get("min_length", 0), element.get("max_length", 3000)
    look.number(f"{at}/min_length", least, 0, 3000)
    look.number(f"{at}/max_length", most, max(1, least), 3000)
    if "initial_value" in element:
        look.number(f"{at}/initial_value", len(element["initial_value"]), max(1, least), most)


def _other_input(look: _Look, at: str, element: Json) -> None:
    """https://docs.slack.dev/reference/block-kit/block-elements/url-input-element and its siblings, which name no limits"""


def _options(look: _Look, at: str, element: Json, least: int, most: int, *, mrkdwn: bool = False) -> None:
    """https://docs.slack.dev/reference/block-kit/composition-objects/option-object; the chosen one must be one of them, in every field"""
    options = element.get("options", [])
    look.number(f"{at}/options", len(options), least, most)
    for number, option in enumerate(options):
        where = f"{at}/options/{number}"
        look.text(f"{where}/text", option.get("text"), 75, mrkdwn=mrkdwn)
        look.string(f"{where}/value", option.get("value"), 150)
        look.string(f"{where}/url", option.get("url", " "), 3000)
        if "description" in option:
            look.text(f"{where}/description", option["description"], 75, mrkdwn=mrkdwn)
    values = [option.get("value") for option in options]
    look.number(f"{at}/options, values that stand twice", len(values) - len(set(values)), 0, 0)
    chosen = [element["initial_option"]] if "initial_option" in element else element.get("initial_options", [])
    look.found += [f"{at}: {one!r} is chosen and is no option" for one in chosen if one not in options]


def _confirm(look: _Look, at: str, asked: Json) -> None:
    """https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object"""
    for name, most in {"title": 100, "text": 300, "confirm": 30, "deny": 30}.items():
        look.text(f"{at}/{name}", asked.get(name), most, mrkdwn=name == "text")


_ELEMENTS: Kinds = {
    "button": _button,
    "overflow": _overflow,
    "checkboxes": _ticked,
    "radio_buttons": _ticked,
    **dict.fromkeys(("static_select", "multi_static_select"), _static_select),
    **{f"{many}{what}_select": _select for many in ("", "multi_") for what in ("users", "channels", "conversations", "external")},
    **dict.fromkeys(("datepicker", "timepicker", "datetimepicker"), _moment),
}
_INPUTS: Kinds = {
    "plain_text_input": _text_input,
    **dict.fromkeys(("url_text_input", "email_text_input", "number_input"), _other_input),
}
_BLOCKS: Kinds = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "input": _input,
    "image": _image,
    "divider": _divider,
    "rich_text": _rich_text,
}
_RICH: Kinds = {
    "text": _rich_field("text"),
    "link": _rich_field("url", 3000, r"(https?://|mailto:)[^\s<>]+\Z"),
    "emoji": _rich_field("name", 100, r"[a-z0-9_+'-]+\Z"),
    "user": _rich_field("user_id", 30, r"[UW][A-Z0-9]+\Z"),
    "usergroup": _rich_field("usergroup_id", 30, r"S[A-Z0-9]+\Z"),
    "channel": _rich_field("channel_id", 30, r"[CG][A-Z0-9]+\Z"),
    "date": _rich_date,
}
"""Without `broadcast`: nothing of ours ever calls everybody."""
