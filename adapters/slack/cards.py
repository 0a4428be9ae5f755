"""The messages of a case: the card in the department's channel, the story in its thread, the calls to the social team."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.slack import rich
from adapters.slack.rich import Block, Element
from domain import events as e
from domain.casefile import OWED, CaseFile, Line
from domain.clocks import Clock
from domain.values import Intent, Priority, Status

ACCEPT, ASK, UPDATE, RESOLVE, REASSIGN = "case_accept", "case_ask", "case_update", "case_resolve", "case_reassign"
SETTLE_POSTED, SETTLE_MISSING, SETTLE_SAID = "reply_is_there", "reply_is_missing", "reply_was_said"

MOST_QUOTED = 6000
"""Characters of quotes in one message. Slack refuses one (`msg_blocks_too_long`) whose blocks have about 12,000 in all."""
LONGEST_REPLY = 8000
"""Characters of a reply of ours that are shown to whom must know them all."""

_INTENT = {
    Intent.COMPLAINT: "Complaint",
    Intent.QUESTION: "Question",
    Intent.PRAISE: "Praise",
    Intent.THANKS: "Thanks",
    Intent.REMARK: "Message",
    Intent.SPAM: "Spam",
}
_PRIORITY = {Priority.URGENT: "🔴 Urgent", Priority.HIGH: "🟠 High", Priority.NORMAL: "🔵 Normal", Priority.LOW: "⚪ Low"}
_STATUS = {
    Status.NEW: "New, not acknowledged yet",
    Status.ACKNOWLEDGED: "Acknowledged",
    Status.HANDED_OFF: "Waiting to be accepted",
    Status.IN_PROGRESS: "In progress",
    Status.WAITING_ON_CUSTOMER: "Waiting on the customer",
    Status.WAITING_ON_THIRD_PARTY: "Waiting on a third party",
    Status.RESOLVED: "Resolved. The thank-you is on its way.",
    Status.CLOSED: "Closed",
    Status.DISMISSED: "Dismissed",
    Status.WALKED_AWAY: "Walked away",
    Status.MERGED: "Merged",
}
_SIGN = {"customer": "💬", "public": "📣", "internal": "•", "warning": "⚠️"}


def card(file: CaseFile, department: str, group: str | None) -> list[Block]:
    """The card: who, where, what they said, how urgent, what is due when, and what can be done. `group`: the id to mention."""
    case = file.case
    if case.department != department:
        return _moved(file, department)
    where: list[Element] = [rich.text(file.customer, bold=True), rich.text(f" on {file.network}")]
    if file.first_url:
        where += [rich.text(" · "), rich.link(file.first_url, "open the post")]
    calls = [rich.section(rich.group(group), rich.text(" You have a new case."))] if group and case.owner is None and case.is_open else []
    blocks = [
        rich.header(f"{file.title} · {_INTENT[case.intent]} · {_PRIORITY[case.priority]}"),
        rich.rich(*calls, rich.section(*where), rich.quote(file.first_words)),
        rich.rich(_facts(file), *([_due(file.clocks)] if file.clocks else [])),
    ]
    buttons = _buttons(file)
    return [*blocks, rich.actions(buttons, f"do:{case.events}"[:255])] if buttons else blocks


def _facts(file: CaseFile) -> Element:
    case = file.case
    owner = file.name_of(case.owner) if case.owner else "nobody yet"
    elements = [
        rich.text(_STATUS[case.status], bold=True),
        rich.text(f"\nOwner: {owner} · Category: {case.category}"),
    ]
    if case.closing_permalink:
        elements += [rich.text("\n"), rich.link(case.closing_permalink, "Read our last reply")]
    if case.waived_by:
        elements.append(rich.text(f"\nThank-you waived by {file.name_of(case.waived_by)}"))
    return rich.section(*elements)


def _due(clocks: Sequence[Clock]) -> Element:
    elements: list[Element] = []
    for clock in clocks:
        if clock.due_at is not None:
            elements += [rich.text("\n" if elements else ""), rich.text(f"{OWED[clock.name]} "), rich.by_when(clock.due_at)]
    paused = [c for c in clocks if c.due_at is None]
    if paused:
        elements.append(rich.text(("\n" if elements else "") + "The other clocks are paused while we wait for the customer."))
    return rich.section(*[element for element in elements if element != rich.text("")])


def _buttons(file: CaseFile) -> list[Element]:
    case = file.case
    if not case.is_open:
        return []
    value = file.case_id
    buttons = [] if case.owner else [rich.button(ACCEPT, "Accept", value, style="primary")]
    buttons += [rich.button(ASK, "Ask customer", value), rich.button(UPDATE, "Post update", value)]
    buttons.append(rich.button(RESOLVE, "Resolve", value, style="primary" if case.owner else None))
    return [*buttons, rich.button(REASSIGN, "Reassign", value)]


def _moved(file: CaseFile, department: str) -> list[Block]:
    """What is left of the card in a department that had the case before."""
    del department
    return [
        rich.header(f"{file.title} · moved to {file.department_name(file.case.department)}"),
        rich.rich(rich.section(rich.text(file.customer, bold=True), rich.text(f" on {file.network}")), rich.quote(file.first_words)),
    ]


def card_text(file: CaseFile) -> str:
    """The card in one line, for notifications."""
    return rich.plain(f"{file.title} {_INTENT[file.case.intent]} by {file.customer} on {file.network}: {file.first_words}", 300)


def told(lines: Sequence[Line], group: str | None) -> list[Block]:
    """A piece of the story. At most fifty blocks fit a message, so each line is one part of one block.

    The more there is to quote, the less is shown of each.
    """
    quotes = sum(line.quote is not None for line in lines)
    at_most = min(rich.LONGEST_QUOTE, MOST_QUOTED // max(1, quotes))
    parts: list[Element] = []
    for line in lines:
        elements: list[Element] = [rich.text(f"{_SIGN[line.kind]} ")]
        if line.calls and group:
            elements += [rich.group(group), rich.text(" ")]
        elements.append(rich.text(line.text, bold=line.kind == "warning"))
        if line.link:
            elements += [rich.text(" · "), rich.link(line.link, "open")]
        parts.append(rich.section(*elements))
        if line.quote is not None:
            parts.append(rich.quote(line.quote, at_most))
    return [rich.rich(*parts)]


def told_text(file: CaseFile, lines: Sequence[Line]) -> str:
    """The story in one line, for notifications."""
    return rich.plain(f"{file.title}: " + "; ".join(line.text for line in lines), 300)


def call(file: CaseFile, line: Line, group: str | None, pending: e.ReplyUnconfirmed | e.ReplyFailed | None, *, settle: bool) -> list[Block]:
    """A call to the social team. For a reply whose fate is unknown: the exact text, and the two answers that only a person can give."""
    who: list[Element] = [rich.group(group), rich.text(" ")] if group else []
    parts = [rich.section(*who, rich.text(f"{file.title}: {line.text}", bold=True))]
    about: list[Element] = [rich.text(f"{file.customer} on {file.network}")]
    if file.first_url:
        about += [rich.text(" · "), rich.link(file.first_url, "open the post")]
    parts.append(rich.section(*about))
    if pending is not None:
        exact = rich.exactly(rich.beginning(file.text_of(pending.words), LONGEST_REPLY))
        parts += [rich.section(rich.text("The exact text of the reply:")), exact]
    blocks = [rich.rich(*parts)]
    if settle and isinstance(pending, e.ReplyUnconfirmed):
        value = f"{file.case_id}|{pending.step}"
        if pending.by_hand:
            buttons = [rich.button(SETTLE_SAID, "I have told the customer", value, style="primary")]
        else:
            buttons = [
                rich.button(SETTLE_POSTED, "It was posted", value, style="primary"),
                rich.button(SETTLE_MISSING, "It was not: post it", value),
            ]
        blocks.append(rich.actions(buttons, f"settle:{pending.step}"))
    return blocks
