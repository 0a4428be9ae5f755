"""The modals: first what one wants to say, then exactly what the customer will read. Nothing goes out that was not seen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from adapters.slack import rich
from domain.casefile import CaseFile

View = dict[str, Any]
Saying = Literal["ask", "update", "resolve"]

SAY, CONFIRM, MOVE, FOUND = "say", "confirm", "move", "found"
"""Callback ids: the words, the review, the reassignment, the link of an unconfirmed reply."""
BODY, CAUSE, DEPARTMENT, REASON, LINK = "body", "cause", "department", "reason", "link"
"""Block ids of the inputs; the action id of each is the same."""
LONGEST_BODY = 2500

_TITLES: Mapping[Saying, str] = {"ask": "Ask the customer", "update": "Post an update", "resolve": "Resolve the case"}
_SUBMITS: Mapping[Saying, str] = {"ask": "Post it", "update": "Post it", "resolve": "Post and resolve"}
_LABELS: Mapping[Saying, str] = {
    "ask": "Your question",
    "update": "Your update",
    "resolve": "How was it solved?",
}
_HINTS: Mapping[Saying, str] = {
    "ask": "The customer reads this. We add the greeting and your name. The case waits until the customer answers.",
    "update": "The customer reads this. We add the greeting, when the next update comes, and your name.",
    "resolve": "The customer reads this. We add the greeting, the thank-you and your name. It closes the loop in public.",
}


def say(file: CaseFile, saying: Saying) -> View:
    """Write what is to be said in public."""
    blocks: list[dict[str, Any]] = [_about(file)]
    if saying == "resolve":
        options = [_option(name, cause) for cause, name in file.policy.root_causes.items()]
        select = {"type": "static_select", "action_id": CAUSE, "options": options, "placeholder": _plain("Choose one")}
        blocks.append({"type": "input", "block_id": CAUSE, "label": _plain("Root cause (internal, not posted)"), "element": select})
    element = {
        "type": "plain_text_input",
        "action_id": BODY,
        "multiline": True,
        "max_length": LONGEST_BODY,
        "focus_on_load": saying != "resolve",
    }
    hint = _plain(_HINTS[saying] + " You will see the exact text before it is posted.")
    blocks.append({"type": "input", "block_id": BODY, "label": _plain(_LABELS[saying]), "element": element, "hint": hint})
    return _modal(SAY, _TITLES[saying], "Preview", "Cancel", {"case": file.case_id, "saying": saying}, blocks)


def review(file: CaseFile, saying: Saying, parts: list[str], told: str, metadata: Mapping[str, Any]) -> View:
    """Exactly what the customer will read. `told`: its length on that network, in words."""
    what = f"Everybody on {file.network} will read this, as our reply to {file.customer}:"
    blocks: list[dict[str, Any]] = [rich.rich(rich.section(rich.text(what, bold=True)))]
    blocks += [rich.rich(rich.exactly(part)) for part in parts]
    blocks.append(rich.context(told))
    return _modal(CONFIRM, _TITLES[saying], _SUBMITS[saying], "Back", {**metadata, "saying": saying}, blocks)


def move(file: CaseFile) -> View:
    """Give the case to another department, if there is one."""
    others = {d: desk.name for d, desk in file.policy.departments.items() if d != file.case.department or file.case.owner is not None}
    if not others:  # Slack refuses a choice of nothing
        return notice("Reassign the case", "There is no other department that could take this case.")
    select = {
        "type": "static_select",
        "action_id": DEPARTMENT,
        "options": [_option(name, d) for d, name in others.items()],
        "placeholder": _plain("Choose one"),
    }
    reason = {"type": "plain_text_input", "action_id": REASON, "max_length": 500, "multiline": True}
    blocks = [
        _about(file),
        {"type": "input", "block_id": DEPARTMENT, "label": _plain("To which department?"), "element": select},
        {
            "type": "input",
            "block_id": REASON,
            "label": _plain("Why? (internal, not posted)"),
            "element": reason,
            "hint": _plain("Only your colleagues see this. Nothing is posted."),
        },
    ]
    return _modal(MOVE, "Reassign the case", "Reassign", "Cancel", {"case": file.case_id}, blocks)


def found(file: CaseFile, step: int) -> View:
    """Where the reply is that nobody was sure of."""
    element = {"type": "url_text_input", "action_id": LINK, "focus_on_load": True}
    blocks = [
        _about(file),
        {
            "type": "input",
            "block_id": LINK,
            "label": _plain("Link to our reply"),
            "element": element,
            "hint": _plain("Open the post and copy the link of our reply beneath it. It is recorded as the proof that we replied."),
        },
    ]
    return _modal(FOUND, "It was posted", "Record it", "Cancel", {"case": file.case_id, "step": step}, blocks)


UNDER_WAY = "This takes a little longer than usual. Wait here to see the outcome, or close this and look at the card later."
GOES_OUT = "Your words are on their way to the customer. The thread will show the link."
IS_MOVED = "The case has moved."
IS_RECORDED = "Thank you. It is on record."


def notice(title: str, reason: str) -> View:
    """What became of it, in the place where somebody wanted something: done, refused, or not known yet."""
    return {
        "type": "modal",
        "title": _plain(title),
        "close": _plain("Close"),
        "blocks": [rich.rich(rich.section(rich.text(reason)))],
    }


def _about(file: CaseFile) -> dict[str, Any]:
    return rich.rich(
        rich.section(rich.text(f"{file.title} · {file.customer} on {file.network}", bold=True)),
        rich.quote(file.first_words, 600),
    )


def _modal(callback: str, title: str, submit: str, close: str, metadata: Mapping[str, Any], blocks: list[dict[str, Any]]) -> View:
    return {
        "type": "modal",
        "callback_id": callback,
        "title": _plain(title),
        "submit": _plain(submit),
        "close": _plain(close),
        "private_metadata": json.dumps(metadata),
        "blocks": blocks,
    }


def _plain(content: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": content, "emoji": True}


def _option(label: str, value: str) -> dict[str, Any]:
    return {"text": _plain(rich.beginning(label.strip() or value, 75)), "value": value}
