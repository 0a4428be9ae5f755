"""The modals in which people speak to customers: first what one wants to say, then exactly what the customer will read.

Nothing goes out that was not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from adapters.slack import rich
from adapters.slack.views import View, about, ask_for, happened, modal, notice, option, select, text_input
from domain.casefile import CaseFile
from domain.story import Line

__all__ = ["View", "confirm_move", "found", "move", "notice", "review", "say"]

Saying = Literal["ask", "update", "resolve", "private"]

SAY, CONFIRM, MOVE, FOUND = "say", "confirm", "move", "found"
"""Callback ids: the words, the review, the reassignment, the link of an unconfirmed reply."""
BODY, CAUSE, CAUSE_WORDS, DEPARTMENT, REASON, TELL, LINK = "body", "cause", "cause_words", "department", "reason", "tell", "link"
"""Block ids of the inputs; the action id of each is the same."""

TITLES: Mapping[Saying, str] = {
    "ask": "Ask the customer",
    "update": "Post an update",
    "resolve": "Resolve the case",
    "private": "Go on in private",
}
_SUBMITS: Mapping[Saying, str] = {"ask": "Post it", "update": "Post it", "resolve": "Post and resolve", "private": "Send it"}
_LABELS: Mapping[Saying, str] = {
    "ask": "Your question",
    "update": "Your update",
    "resolve": "How was it solved?",
    "private": "Your private message",
}
_HINTS: Mapping[Saying, str] = {
    "ask": "The customer reads this. We add the greeting and your name. The case waits until the customer answers.",
    "update": "The customer reads this. We add the greeting, when the next update comes, and your name.",
    "resolve": "The customer reads this. We add the greeting, the thank-you and your name. It closes the loop in public.",
    "private": "Only the customer reads this. In public we add one line that says that you wrote.",
}


def say(file: CaseFile, saying: Saying, *, writing: Sequence[str] = (), note: str | None = None, words: str | None = None) -> View:
    """Write what is to be said. `writing`: who else is writing to this customer now, in sentences; `words`: what stands there already."""
    blocks: list[dict[str, Any]] = [about(file)]
    if writing:
        blocks.append(rich.rich(rich.section(rich.text("✍️ " + " ".join(writing), bold=True))))
    if note:
        blocks.append(rich.rich(rich.section(rich.text(note))))
    if saying == "resolve":
        causes = select([option(name.strip() or cause, cause) for cause, name in file.policy.root_causes.items()])
        blocks.append(ask_for(CAUSE, "Root cause (internal, not posted)", causes))
        more = text_input(multiline=False, at_most=500)
        blocks.append(ask_for(CAUSE_WORDS, "What was it exactly? (internal, not posted)", more, optional=True))
    hint = _HINTS[saying] + " You will see the exact text before it is sent."
    blocks.append(ask_for(BODY, _LABELS[saying], text_input(initial=words, focus=saying != "resolve"), hint=hint))
    return modal(SAY, TITLES[saying], "Preview", "Cancel", {"case": file.case_id, "saying": saying}, blocks)


def contact_line(file: CaseFile) -> View:
    """There is no private way to the customer: only the public line with the way to reach us is to be confirmed."""
    refused = f"{file.network} has refused a private message to {file.customer}."
    why = refused if file.case_policy.private_messages else f"{file.network} takes no private messages from us."
    text = f"{why} The customer is given the brand's contact link in public instead."
    return modal(
        SAY,
        TITLES["private"],
        "Preview",
        "Cancel",
        {"case": file.case_id, "saying": "private"},
        [about(file), rich.rich(rich.section(rich.text(text)))],
    )


def review(
    file: CaseFile,
    saying: Saying,
    parts: Sequence[str],
    told: str,
    metadata: Mapping[str, Any],
    *,
    private: Sequence[str] = (),
    note: str | None = None,
    writing: Sequence[str] = (),
    since: Sequence[Line] = (),
    close: str = "Back",
) -> View:
    """Exactly what will be read: `parts` by everybody, `private` by the customer alone. `told`: its length on that network, in words.

    `writing`: who else is writing to this customer now, in sentences; `since`: what has happened since the words were written.
    """
    blocks: list[dict[str, Any]] = happened(since)
    if writing:
        blocks.append(rich.rich(rich.section(rich.text("✍️ " + " ".join(writing), bold=True))))
    if note:
        blocks.append(rich.rich(rich.section(rich.text(f"⚠️ {note}", bold=True))))
    if private:
        blocks.append(rich.rich(rich.section(rich.text(f"Only {file.customer} will read this:", bold=True))))
        blocks += [rich.rich(rich.exactly(part)) for part in private]
    what = f"Everybody on {file.network} will read this, as our reply to {file.customer}:"
    blocks += [rich.rich(rich.section(rich.text(what, bold=True))), *(rich.rich(rich.exactly(part)) for part in parts), rich.context(told)]
    return modal(CONFIRM, TITLES[saying], _SUBMITS[saying], close, {**metadata, "saying": saying}, blocks)


def move(file: CaseFile) -> View:
    """Give the case to another department, if there is one."""
    others = [option(d.name, name) for name, d in file.policy.departments.items() if name != file.case.department or file.case.owner]
    if not others:  # Slack refuses a choice of nothing
        return notice("Reassign the case", "There is no other department that could take this case.")
    tell = {"type": "checkboxes", "options": [option("Tell the customer who has it now", TELL)]}
    blocks = [
        about(file),
        ask_for(DEPARTMENT, "To which department?", select(others)),
        ask_for(REASON, "Why? (internal, not posted)", text_input(at_most=1000), hint="Only your colleagues see this."),
        ask_for(TELL, "The customer", tell, optional=True, hint="Without this the customer hears nothing of the move."),
    ]
    return modal(MOVE, "Reassign the case", "Reassign", "Cancel", {"case": file.case_id}, blocks)


def confirm_move(
    file: CaseFile, department: str, parts: Sequence[str], told: str, metadata: Mapping[str, Any], *, since: Sequence[Line] = ()
) -> View:
    """Exactly what the customer will read of the move. `since`: what has happened since it was last looked at."""
    what = f"The case goes to {department}, and everybody on {file.network} will read this:"
    shown = [rich.rich(rich.section(rich.text(what, bold=True))), *(rich.rich(rich.exactly(part)) for part in parts), rich.context(told)]
    blocks = [*happened(since), *shown]
    return modal(CONFIRM, "Reassign the case", "Post and reassign", "Back", {**metadata, "saying": "move"}, blocks)


def found(file: CaseFile, step: int) -> View:
    """Where the reply is that nobody was sure of."""
    hint = "Open the post and copy the link of our reply beneath it. It is recorded as the proof that we replied."
    element = {"type": "url_text_input", "focus_on_load": True}
    blocks = [about(file), ask_for(LINK, "Link to our reply", element, hint=hint)]
    return modal(FOUND, "It was posted", "Record it", "Cancel", {"case": file.case_id, "step": step}, blocks)


UNDER_WAY = "This takes a little longer than usual. Wait here to see the outcome, or close this and look at the card later."
GOES_OUT = "It is done. The thread shows when the customer has it."
IS_MOVED = "The case has moved."
IS_RECORDED = "Thank you. It is on record."
