"""Composition objects: texts, options, confirmations."""

from __future__ import annotations

from sandbox.slack.blockkit.check import Check, Checker, Json

_TEXT_FIELDS = {"plain_text": frozenset({"type", "text", "emoji"}), "mrkdwn": frozenset({"type", "text", "verbatim"})}


def text_of(*kinds: str, most: int, least: int = 1) -> Checker:
    """A checker of text objects of these kinds and this length."""

    def check_text(check: Check, text: Json, at: str) -> None:
        kind = check.kind_of(text, at)
        if kind is None:
            return
        if kind not in kinds:
            check.say(f"must be one of the following types: {', '.join(kinds)}", at)
            return
        check.only(text, _TEXT_FIELDS[kind], at)
        if check.needs(text, ("text",), at):
            check.string(text, "text", most, at, least)

    return check_text


any_text_of_75 = text_of("plain_text", "mrkdwn", most=75)
plain_of_75 = text_of("plain_text", most=75)
plain_of_150 = text_of("plain_text", most=150)

_check_title = text_of("plain_text", most=100)
_check_question = text_of("plain_text", "mrkdwn", most=300)
_check_choice = text_of("plain_text", most=30)


def check_confirm(check: Check, confirm: Json, at: str) -> None:
    """A confirmation dialog."""
    check.only(confirm, frozenset({"title", "text", "confirm", "deny", "style"}), at)
    check.needs(confirm, ("title", "text", "confirm", "deny"), at)
    check.object(confirm, "title", _check_title, at)
    check.object(confirm, "text", _check_question, at)
    check.object(confirm, "confirm", _check_choice, at)
    check.object(confirm, "deny", _check_choice, at)
    check.one_of(confirm, "style", ("primary", "danger"), at)


def check_option(check: Check, option: Json, at: str, *, mrkdwn: bool = False, links: bool = False) -> None:
    """An option; mrkdwn is for checkboxes and radio buttons, links are for overflow menus."""
    check.only(option, frozenset({"text", "value", "description", "url"} if links else {"text", "value", "description"}), at)
    check.needs(option, ("text", "value"), at)
    label = any_text_of_75 if mrkdwn else plain_of_75
    check.object(option, "text", label, at)
    check.object(option, "description", label, at)
    check.string(option, "value", 150, at)
    check.string(option, "url", 3000, at)


def check_options(check: Check, element: Json, at: str, most: int, *, mrkdwn: bool = False, links: bool = False) -> None:
    """The required `options` of an element."""
    if check.needs(element, ("options",), at):
        for place, option in check.items(element["options"], most, f"{at}/options"):
            check_option(check, option, place, mrkdwn=mrkdwn, links=links)


def check_choices(check: Check, element: Json, at: str) -> None:
    """Either `options` or `option_groups`, as menus of static options have."""
    if (element.get("options") is None) == (element.get("option_groups") is None):
        check.say("must define either `options` or `option_groups`", at)
        return
    if element.get("options") is not None:
        check_options(check, element, at, 100)
        return
    for place, group in check.items(element["option_groups"], 100, f"{at}/option_groups"):
        check.only(group, frozenset({"label", "options"}), place)
        check.needs(group, ("label", "options"), place)
        check.object(group, "label", plain_of_75, place)
        if group.get("options") is not None:
            check_options(check, group, place, 100)


def options_in(element: Json) -> list[Json]:
    """All options of an element, of all its groups."""
    groups = [group.get("options") or [] for group in element.get("option_groups") or [] if isinstance(group, dict)]
    return [option for options in (element.get("options") or [], *groups) for option in options if isinstance(option, dict)]


def check_initial(check: Check, element: Json, name: str, at: str) -> None:
    """Initial options are, field for field, options of the element."""
    initial = element.get(name)
    if initial is None:
        return
    offered = options_in(element)
    for option in initial if isinstance(initial, list) else [initial]:
        if option not in offered:
            check.say(
                "does not match any of the options" if name == "initial_option" else "contains an option that is not offered",
                f"{at}/{name}",
            )
