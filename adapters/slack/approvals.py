"""What a second person decides on: the draft that waits, with its buttons, and the modals in which it is edited, confirmed, rejected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.slack import rich
from adapters.slack.cards import LONGEST_REPLY, SIGN
from adapters.slack.rich import Block, Element
from adapters.slack.views import View, about, ask_for, happened, modal, text_input
from domain import events as e
from domain.approving import DRAFTS, why_held
from domain.case import HeldDraft
from domain.casefile import CaseFile
from domain.story import Line, story

APPROVE, EDIT, REJECT = "draft_approve", "draft_edit", "draft_reject"
"""Buttons; the value of each names the case, the step of the draft, and the case's turn when it was written, with `|` between."""
EDITED, CONFIRMED, REJECTED = "draft_edited", "draft_confirmed", "draft_rejected"
"""Callback ids."""
BODY, REASON = "body", "reason"
"""Block ids of the inputs."""

_WHY_AT_MOST = 500
IS_REJECTED = "It will not go out. Its author reads your reason in the thread."
TOO_LONG_HERE = "This text is too long to be edited here. Reject it with what should be different, or edit it over the API."


def approval(file: CaseFile, draft: HeldDraft, group: str | None, *, again: bool = False) -> list[Block]:
    """A draft that waits: why, whose, exactly what would go out. `again`: half of the time is over.

    A text that is too long to be shown whole cannot be approved here.
    """
    who: list[Element] = [rich.group(group), rich.text(" ")] if group else []
    still = "still waits" if again else "waits"
    why = rich.beginning(why_held(draft.why), _WHY_AT_MOST)
    headline = f"{file.title}: {file.name_of(draft.author)}'s {DRAFTS[draft.what]} {still} for a second person: {why}."
    where: list[Element] = [rich.text(file.customer, bold=True), rich.text(f" on {file.network}")]
    if file.first_url:
        where += [rich.text(" · "), rich.link(file.first_url, "open the post")]
    text = file.text_of(draft.words)
    parts = [
        rich.section(*who, rich.text(headline, bold=True)),
        rich.section(*where),
        rich.quote(file.first_shown, 600),
        rich.section(rich.text(f"Everybody on {file.network} would read this, as our reply:")),
        rich.exactly(rich.beginning(text, LONGEST_REPLY)),
    ]
    if draft.private is not None:
        parts.append(
            rich.section(rich.text("The private message that goes with it is not shown here. Who decides reads it, and that is on record."))
        )
    if draft.root_cause is not None:
        cause = file.policy.root_causes.get(draft.root_cause, draft.root_cause)
        parts.append(rich.section(rich.text(f"It resolves the case. Root cause: {cause}")))
    if len(text) > LONGEST_REPLY:
        parts.append(rich.section(rich.text("It is too long to be shown whole, so it is decided on over the API.")))
        return [rich.rich(*parts)]
    value = f"{file.case_id}|{draft.step}|{draft.turn}"
    buttons = [
        rich.button(APPROVE, "Approve" if draft.private is None else "Read and approve…", value, style="primary"),
        *([rich.button(EDIT, "Edit…", value)] if draft.private is None else []),
        rich.button(REJECT, "Reject…", value),
    ]
    hint = rich.context("Whoever wrote it cannot approve it. Until somebody decides, the system keeps what the customer was promised.")
    return [rich.rich(*parts), rich.actions(buttons, f"draft:{draft.step}"), hint]


def approval_text(file: CaseFile, draft: HeldDraft) -> str:
    """A draft that waits in one line, for notifications."""
    return rich.plain(f"{file.title}: {file.name_of(draft.author)}'s {DRAFTS[draft.what]} waits for a second person", 300)


def decided(file: CaseFile, step: int) -> list[Block]:
    """In the place of a draft on which somebody has decided: who, how, and the reason or the other words."""
    ends = [seq for seq, entry in file.history if isinstance(entry.event, _ENDS) and entry.event.step == step]
    lines = [line for line in story(file) if line.seq in ends]
    parts: list[Element] = []
    for line in lines:
        parts.append(rich.section(rich.text(f"{SIGN[line.kind]} {file.title}: {line.text}")))
        if line.quote is not None:
            parts.append(rich.quote(line.quote))
    return [rich.rich(*parts or [rich.section(rich.text(f"{file.title}: this draft waits no more."))])]


_ENDS = (e.DraftApproved, e.DraftRejected, e.DraftDropped)


def edit(file: CaseFile, draft: HeldDraft, body: str, metadata: Mapping[str, Any], *, around: bool, since: Sequence[Line] = ()) -> View:
    """Put it in other words. `around`: greeting and signature come around `body`, which else is the whole text."""
    hint = "We add the greeting and the author's name again." if around else "This is the whole text, to the last character."
    blocks = [
        about(file),
        *happened(since, ours=False),
        ask_for(
            BODY,
            f"The {DRAFTS[draft.what]}",
            text_input(initial=body, focus=True),
            hint=f"{hint} You will see the exact text before it is sent.",
        ),
    ]
    return modal(EDITED, "Edit the draft", "Preview", "Cancel", metadata, blocks)


def confirm(
    file: CaseFile, parts: Sequence[str], told: str, metadata: Mapping[str, Any], *, private: str | None = None, since: Sequence[Line] = ()
) -> View:
    """Exactly what goes out: `parts` in public, `private` to the customer alone.

    `told`: the length of what is public on that network, in words; `since`: what has happened since it was written.
    """
    alone: list[Block] = []
    if private is not None:
        alone = [rich.rich(rich.section(rich.text(f"Only {file.customer} will read this:", bold=True))), rich.rich(rich.exactly(private))]
    what = f"Everybody on {file.network} will read this, as our reply to {file.customer}:"
    shown = [rich.rich(rich.section(rich.text(what, bold=True))), *(rich.rich(rich.exactly(part)) for part in parts), rich.context(told)]
    return modal(CONFIRMED, "Approve the draft", "Post it", "Back", metadata, [*happened(since, ours=False), *alone, *shown])


def reject(file: CaseFile, draft: HeldDraft, metadata: Mapping[str, Any]) -> View:
    """Say why it does not go out."""
    hint = f"{file.name_of(draft.author)} reads this in the case's thread. The customer does not."
    shown = rich.rich(rich.section(rich.text("This will not go out:")), rich.quote(file.text_of(draft.words)))
    blocks = [about(file), shown, ask_for(REASON, "Why not?", text_input(focus=True, at_most=1000), hint=hint)]
    return modal(REJECTED, "Reject the draft", "Reject it", "Cancel", metadata, blocks)
