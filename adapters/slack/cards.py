"""The messages of a case: the card in the department's channel, the story in its thread, the calls to the social team."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence

from adapters.slack import rich
from adapters.slack.rich import Block, Element
from domain import events as e
from domain.case import Case
from domain.casefile import CaseFile
from domain.clocks import Clock
from domain.discretion import in_words
from domain.story import OWED, Kind, Line, called, why_called
from domain.values import ClockName, Intent, Priority, Status

ACCEPT, ASK, UPDATE, RESOLVE, REASSIGN = "case_accept", "case_ask", "case_update", "case_resolve", "case_reassign"
MORE = "case_more"
"""The menu on a card; its values are those of `OVERFLOW`, each followed by the case's number: an id would be too long for a menu."""
OPEN = "case_open"
"""Show a case, with everything that can be done."""
ASK_REMOVAL = "ask_removal"
"""Ask the customer to take personal data out of a public post."""
OVERFLOW = (
    ("Go on in private…", "private"),
    ("Wait on a third party…", "wait"),
    ("Snooze reminders…", "snooze"),
    ("Escalate now…", "escalate"),
    ("More…", "more"),
)
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
PRIORITY = {Priority.URGENT: "🔴 Urgent", Priority.HIGH: "🟠 High", Priority.NORMAL: "🔵 Normal", Priority.LOW: "⚪ Low"}
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
SIGN: Mapping[Kind, str] = {"customer": "💬", "public": "📣", "internal": "•", "warning": "⚠️"}


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
        rich.header(f"{file.title} · {_INTENT[case.intent]} · {PRIORITY[case.priority]}"),
        rich.rich(*calls, rich.section(*where), rich.quote(file.first_shown)),
        rich.rich(_facts(file), *([_due(file.clocks, case.breached)] if file.clocks else [])),
    ]
    if case.merged_into is not None:
        return [
            *blocks,
            rich.actions([rich.button(OPEN, f"Show {file.title_of(case.merged_into)}", case.merged_into)], f"do:{case.events}"),
        ]
    return [*blocks, rich.actions(_buttons(file), f"do:{case.events}")]


def _facts(file: CaseFile) -> Element:
    case = file.case
    owner = file.name_of(case.owner) if case.owner else "nobody yet"
    elements = [
        rich.text(_STATUS[case.status], bold=True),
        rich.text(f"\nOwner: {owner} · Category: {case.category}"),
    ]
    if case.is_waiting and case.status is not Status.WAITING_ON_THIRD_PARTY:
        elements.append(rich.text("\nA third party is waited for, too."))
    elements += [rich.text(f"\n{line}") for line in _goes_on(file)]
    if case.snoozed_until is not None:
        elements += [rich.text("\nNo reminders until "), rich.at_moment(case.snoozed_until)]
    if case.questions:
        waiting = "1 more question waits" if len(case.questions) == 1 else f"{len(case.questions)} more questions wait"
        elements.append(rich.text(f"\n{waiting} until the customer has answered this one."))
    if case.held:
        waits = "A draft waits" if len(case.held) == 1 else f"{len(case.held)} drafts wait"
        elements.append(rich.text(f"\n⏳ {waits} for a second person."))
    if file.elsewhere and case.is_open:
        elements.append(rich.text(f"\n🔗 {_elsewhere(file)}"))
    if case.private:
        elements.append(rich.text("\n🔒 Something was written in private; it is not shown here."))
    if case.stalled_at is not None:
        elements.append(rich.text("\n🛑 Stalled: everybody up the chain was called, and nobody has acted.", bold=True))
    elements += _chased(file)
    if case.closing_permalink:
        elements += [rich.text("\n"), rich.link(case.closing_permalink, "Read our last reply")]
    if case.waived_by:
        elements.append(rich.text(f"\nThank-you waived by {file.name_of(case.waived_by)}"))
    return rich.section(*elements)


def _goes_on(file: CaseFile) -> Iterator[str]:
    """What ties the case to others: where it goes on, what it shares, and what goes on here."""
    case = file.case
    if case.merged_into is not None:
        yield f"It goes on in {file.title_of(case.merged_into)}, in this thread too."
    if case.cause is not None:
        yield f"It shares the cause C{case.cause} with other cases."
    taken = [file.title_of(thread.case) for thread in case.threads if thread.case != file.case_id]
    if taken:
        yield f"{', '.join(taken)} {'goes' if len(taken) == 1 else 'go'} on here."


def _elsewhere(file: CaseFile) -> str:
    """That the customer has other open cases, on linked identities; nothing of what was said there."""
    how_many = len(file.elsewhere)
    networks = [file.policy.channels[one].network if one in file.policy.channels else one for one in dict.fromkeys(file.elsewhere)]
    where = networks[0] if len(networks) == 1 else f"{', '.join(networks[:-1])} and {networks[-1]}"
    return f"{how_many} more open {'case' if how_many == 1 else 'cases'} of this customer, on {where}."


def _chased(file: CaseFile) -> list[Element]:
    """Who was called in this cycle, and how often: the thread tells each step once, and here it is counted."""
    case = file.case
    elements: list[Element] = []
    for mark in case.marks:
        if mark.to is not None and case.is_open:
            again = f", again {mark.times}×" if mark.times else ""
            elements += [rich.text("; " if elements else "\n📣 Called: "), rich.text(f"{called(file, mark.to)}{again} ")]
            elements.append(rich.at_moment(mark.at))
    return elements


def _due(clocks: Sequence[Clock], breached: Container[ClockName]) -> Element:
    elements: list[Element] = []
    for clock in clocks:
        if clock.due_at is not None:
            late = [rich.text("⚠️ Late: ", bold=True)] if clock.name in breached else []
            elements += [rich.text("\n" if elements else ""), *late, rich.text(f"{OWED[clock.name]} "), rich.by_when(clock.due_at)]
    paused = [c for c in clocks if c.due_at is None]
    if paused:
        elements.append(rich.text("\nThe other clocks stand still while we wait." if elements else "All clocks stand still while we wait."))
    return rich.section(*[element for element in elements if element != rich.text("")])


def _buttons(file: CaseFile) -> list[Element]:
    case = file.case
    value = file.case_id
    if not case.is_open:
        return [rich.button(OPEN, "More…", value)]
    buttons = [] if case.owner else [rich.button(ACCEPT, "Accept", value, style="primary")]
    buttons += [rich.button(ASK, "Ask customer", value), rich.button(UPDATE, "Post update", value)]
    buttons.append(rich.button(RESOLVE, "Resolve", value, style="primary" if case.owner else None))
    going_on = [("Back to work…", "resume") if v in ("wait", "snooze") and _rests(case, v) else (label, v) for label, v in OVERFLOW]
    menu = rich.overflow(MORE, [(label, f"{what} {file.number}") for label, what in dict.fromkeys(going_on)])
    return [*buttons, rich.button(REASSIGN, "Reassign", value), menu]


def asking(file: CaseFile) -> Block:
    """What is left of the buttons for a department that had the case before."""
    return rich.actions([rich.button(ASK, "Ask customer", file.case_id)], f"do:{file.case.events}")


def _rests(case: Case, how: str) -> bool:
    """Whether it waits, or is snoozed, already."""
    return case.is_waiting if how == "wait" else case.snoozed_until is not None


def _moved(file: CaseFile, department: str) -> list[Block]:
    """What is left of the card in a department that had the case before."""
    del department
    return [
        rich.header(f"{file.title} · moved to {file.department_name(file.case.department)}"),
        rich.rich(rich.section(rich.text(file.customer, bold=True), rich.text(f" on {file.network}")), rich.quote(file.first_shown)),
        rich.actions([rich.button(OPEN, "Show the case", file.case_id)]),
    ]


def card_text(file: CaseFile) -> str:
    """The card in one line, for notifications."""
    return rich.plain(f"{file.title} {_INTENT[file.case.intent]} by {file.customer} on {file.network}: {file.first_shown}", 300)


def told(lines: Sequence[Line], group: str | None, people: Mapping[str, str | None]) -> list[Block]:
    """A piece of the story. At most fifty blocks fit a message, so each line is one part of one block.

    The more there is to quote, the less is shown of each. `people`: the Slack ids of those whom the lines call for.
    """
    quotes = sum(line.quote is not None for line in lines)
    at_most = min(rich.LONGEST_QUOTE, MOST_QUOTED // max(1, quotes))
    parts: list[Element] = []
    for line in lines:
        elements: list[Element] = [rich.text(f"{SIGN[line.kind]} ")]
        if line.calls and group:
            elements += [rich.group(group), rich.text(" ")]
        for who in line.calls_people:
            if (user := people.get(who)) is not None:
                elements += [rich.person(user), rich.text(" ")]
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


def escalation(file: CaseFile, event: e.Escalated, draft: str | None, group: str | None) -> list[Block]:
    """A call up the chain, to a person or a channel: why, about whom, since when, and what can be done at once."""
    case = file.case
    who: list[Element] = [rich.group(group), rich.text(" ")] if group else []
    why = why_called(file, event)
    again = f" (reminder {event.repeat})" if event.repeat else ""
    parts = [rich.section(*who, rich.text(f"{why[0].upper()}{why[1:]}{again}.", bold=True))]
    if event.words is not None:
        parts += [rich.section(rich.text("The reason given:")), rich.quote(file.text_of(event.words))]
    about: list[Element] = [rich.text(file.customer, bold=True), rich.text(f" on {file.network}")]
    if file.first_url:
        about += [rich.text(" · "), rich.link(file.first_url, "open the post")]
    parts += [rich.section(*about), rich.quote(file.first_shown), _facts(file)]
    clocks = [clock for clock in file.clocks if clock.due_at is not None]
    if clocks:
        parts.append(_due(clocks, case.breached))
    blocks = [rich.header(f"{file.title} · {file.department_name(case.department)} · {PRIORITY[case.priority]}"), rich.rich(*parts)]
    if draft is not None:
        ahead = "If nobody writes before, a holding message goes out by itself, much like this:"
        blocks.append(rich.rich(rich.section(rich.text(ahead)), rich.exactly(draft)))
    buttons = []
    if case.is_open and draft is not None:
        buttons = [rich.button(UPDATE, "Write an update", file.case_id, style="primary")]
    elif case.is_open:
        buttons = [] if case.owner else [rich.button(ACCEPT, "Accept", file.case_id, style="primary")]
        buttons.append(rich.button(REASSIGN, "Reassign", file.case_id))
    if case.is_open:
        buttons.append(rich.button(OPEN, "Show the case", file.case_id))
    return [*blocks, rich.actions(buttons, f"called:{event.step}")] if buttons else blocks


def escalation_text(file: CaseFile, event: e.Escalated) -> str:
    """A call in one line, for notifications."""
    return rich.plain(f"{file.title}: {why_called(file, event)}", 300)


def call(file: CaseFile, line: Line, group: str | None, pending: e.ReplyUnconfirmed | e.ReplyFailed | None, *, settle: bool) -> list[Block]:
    """A call to the social team. For a reply whose fate is unknown: the exact text, and the two answers that only a person can give."""
    who: list[Element] = [rich.group(group), rich.text(" ")] if group else []
    parts = [rich.section(*who, rich.text(f"{file.title}: {line.text}", bold=True))]
    about: list[Element] = [rich.text(f"{file.customer} on {file.network}")]
    if file.first_url:
        about += [rich.text(" · "), rich.link(file.first_url, "open the post")]
    parts.append(rich.section(*about))
    if pending is not None and file.is_private(pending.words):
        where = "It is private, so its words are not shown here. Whoever may read them finds them on the case's card, under More…"
        parts.append(rich.section(rich.text(where)))
    elif pending is not None:
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


def shown_to_all(file: CaseFile, seq: int, event: e.PersonalDataSeen, group: str | None) -> list[Block]:
    """A call to the social team: a post shows what it had better not, here masked, and the customer can be asked to remove it.

    `seq`: the number of the event, which comes back with the press.
    """
    who: list[Element] = [rich.group(group), rich.text(" ")] if group else []
    reference = file.words_of(event.post)
    url = file.url_of(reference)
    about: list[Element] = [rich.text(f"{file.customer} on {file.network}")]
    if url:
        about += [rich.text(" · "), rich.link(url, "open the post")]
    parts = [
        rich.section(*who, rich.text(f"{file.title}: everybody can read {in_words(event.what)} in this post.", bold=True)),
        rich.section(*about),
        rich.quote(file.shown_of(reference)),
    ]
    ask = rich.button(ASK_REMOVAL, "Ask them to remove it", f"{file.case_id}|{seq}")
    return [rich.rich(*parts), rich.actions([ask], f"removal:{seq}")]
