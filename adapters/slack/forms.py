"""The smaller modals: what a department does to a case beside speaking to the customer. One form for each thing that can be done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from adapters.slack import rich
from adapters.slack.rich import Block, Element
from adapters.slack.views import View, about, ask_for, modal, moment, option, select, text_input
from domain.casefile import CaseFile
from domain.events import WalkAwayProposed
from domain.sentences import say
from domain.story import Kind, Line
from domain.values import Priority

Doing = Literal[
    "note", "escalate", "snooze", "wait", "resume", "priority", "category", "dismiss", "walk_away", "waive", "reopen", "merge", "cause"
]

FORM, NEW = "form", "new"
"""Callback ids."""
WORDS, UNTIL, CHOICE = "words", "until", "choice"
BRAND, CHANNEL, CUSTOMER, CUSTOMER_ID = "brand", "channel", "customer", "customer_id"
"""Block ids of the inputs."""
DO = "do_"
"""What the action ids of the buttons in `more` begin with; what they do comes after."""

_HOUR = timedelta(hours=1)
_LINES_AT_MOST, _WHISPERS_AT_MOST = 80, 40
DISMISSALS = {"spam": say("Spam"), "nothing_to_answer": say("Nothing to answer"), "duplicate": say("We have it already")}
PRIORITIES = {Priority.URGENT: say("Urgent"), Priority.HIGH: say("High"), Priority.NORMAL: say("Normal"), Priority.LOW: say("Low")}


def form(file: CaseFile, do: Doing, *, now: datetime, decides: bool = False) -> View:
    """The form for that. `now`: the loop's time. `decides`: it is for a lead, after whose word nobody is asked."""
    title, submit, blocks = _walk_away_for_good(file) if do == "walk_away" and decides else _FORMS[do](file, now)
    return modal(FORM, title, submit, "Cancel", {"case": file.case_id, "do": do}, [about(file), *blocks])


_Form = tuple[str, str, list[Block]]


def _note(file: CaseFile, now: datetime) -> _Form:
    del file, now
    return "Add a note", "Add it", [ask_for(WORDS, "Your note (internal)", text_input(focus=True), hint="Only your colleagues see this.")]


def _escalate(file: CaseFile, now: datetime) -> _Form:
    del file, now
    hint = "The next one up the chain is called now: first the department's lead, then its head, then the manager on duty."
    return "Escalate now", "Call them", [ask_for(WORDS, "Why?", text_input(focus=True, at_most=1000), hint=hint)]


def _snooze(file: CaseFile, now: datetime) -> _Form:
    hint = "You and your department are not reminded until then. Clocks, promises and calls to leads go on."
    return (
        "Snooze reminders",
        "Snooze",
        [
            ask_for(UNTIL, "Until when?", moment(_next_opening(file, now)), hint=hint),
            ask_for(WORDS, "Why?", text_input(multiline=False, at_most=500), optional=True),
        ],
    )


def _wait(file: CaseFile, now: datetime) -> _Form:
    del file, now
    hint = "The resolve clock stands still. What the customer was promised is still due."
    return (
        "Wait on a third party",
        "Wait",
        [
            ask_for(WORDS, "On whom, and for what?", text_input(focus=True, at_most=1000), hint=hint),
            ask_for(UNTIL, "Until when, at the latest?", {"type": "datetimepicker"}, optional=True),
        ],
    )


def _priority(file: CaseFile, now: datetime) -> _Form:
    del now
    options = [option(label, value.value) for value, label in PRIORITIES.items()]
    hint = "Every clock is counted again from its start."
    return "Change the priority", "Change it", [ask_for(CHOICE, "Priority", select(options, initial=file.case.priority.value), hint=hint)]


def _category(file: CaseFile, now: datetime) -> _Form:
    del now
    options = [option(name, name) for name in file.case_policy.categories]
    return "Change the category", "Change it", [ask_for(CHOICE, "Category", select(options, initial=file.case.category))]


def _dismiss(file: CaseFile, now: datetime) -> _Form:
    del file, now
    options = [option(label, value) for value, label in DISMISSALS.items()]
    return (
        "Dismiss the case",
        "Dismiss it",
        [
            ask_for(CHOICE, "Why?", select(options), hint="The case ends, and nothing more is said to the customer."),
            ask_for(WORDS, "Anything to add? (internal)", text_input(at_most=1000), optional=True),
        ],
    )


def _walk_away(file: CaseFile, now: datetime) -> _Form:
    del file, now
    hint = "For abuse, not for criticism. A lead confirms it; then nothing is answered here any more."
    return "Walk away", "Propose it", [ask_for(WORDS, "What happened?", text_input(focus=True, at_most=1000), hint=hint)]


def _walk_away_for_good(file: CaseFile) -> _Form:
    proposed = [(entry.by.person, entry.event.words) for _, entry in file.history if isinstance(entry.event, WalkAwayProposed)]
    before: list[Block] = []
    for who, words in proposed[-1:]:
        before.append(rich.rich(rich.section(rich.text(f"{file.name_of(who)} proposes it:")), rich.quote(file.text_of(words))))
    hint = "For abuse, not for criticism. This is your decision: the case ends, and nothing is answered here any more."
    reason = ask_for(WORDS, "Why?", text_input(focus=True, at_most=1000), hint=hint)
    return "Walk away", "Walk away", [*before, reason]


def _waive(file: CaseFile, now: datetime) -> _Form:
    del file, now
    hint = "The loop closes without a public thank-you, with your name and this reason on record."
    return "Waive the thank-you", "Waive it", [ask_for(WORDS, "Why?", text_input(focus=True, at_most=1000), hint=hint)]


def _reopen(file: CaseFile, now: datetime) -> _Form:
    del file, now
    return "Reopen the case", "Reopen", [rich.rich(rich.section(rich.text("The case goes back to its owner, or to its department.")))]


def _resume(file: CaseFile, now: datetime) -> _Form:
    del file, now
    return "Back to work", "Go on", [rich.rich(rich.section(rich.text("The wait is over: clocks and reminders run again.")))]


def _merge(file: CaseFile, now: datetime) -> _Form:
    del file, now
    hint = "The customer wrote about one thing twice: it goes on there, and here nothing is said by itself any more."
    why = "Needed when another account wrote the other one: why it is one matter all the same."
    return (
        "Merge the case",
        "Merge it",
        [
            ask_for(CHOICE, "Into which case? (its number)", text_input(multiline=False, focus=True, at_most=20), hint=hint),
            ask_for(WORDS, "Why? (internal)", text_input(at_most=1000), optional=True, hint=why),
        ],
    )


def _cause(file: CaseFile, now: datetime) -> _Form:
    del file, now
    hint = "Many cases, one root cause: the social team writes once, and each customer is answered. The console shows which there are."
    return (
        "Share a cause",
        "Share it",
        [ask_for(CHOICE, "Which cause? (its number)", text_input(multiline=False, focus=True, at_most=20), hint=hint)],
    )


_FORMS: Mapping[Doing, Callable[[CaseFile, datetime], _Form]] = {
    "note": _note,
    "escalate": _escalate,
    "snooze": _snooze,
    "wait": _wait,
    "resume": _resume,
    "priority": _priority,
    "category": _category,
    "dismiss": _dismiss,
    "walk_away": _walk_away,
    "waive": _waive,
    "reopen": _reopen,
    "merge": _merge,
    "cause": _cause,
}
LABELS: Mapping[Doing, str] = {
    "note": "Add a note",
    "priority": "Priority",
    "category": "Category",
    "merge": "Merge",
    "cause": "Share a cause",
    "dismiss": "Dismiss",
    "walk_away": "Walk away",
    "waive": "Waive the thank-you",
    "reopen": "Reopen",
    "resume": "Back to work",
    "escalate": "Escalate now",
    "snooze": "Snooze reminders",
    "wait": "Wait on a third party",
}


def more(file: CaseFile, offered: Sequence[Doing]) -> View:
    """Everything else that can be done to a case."""
    return modal("more", f"Case {file.title}", None, "Close", {"case": file.case_id}, [about(file), _everything_else(file, offered)])


def case_view(file: CaseFile, card: Sequence[Block], offered: Sequence[Doing]) -> View:
    """A case of a list: its card, and everything else that can be done."""
    return modal("more", f"Case {file.title}", None, "Close", {"case": file.case_id}, [*card, _everything_else(file, offered)])


def _everything_else(file: CaseFile, offered: Sequence[Doing]) -> Block:
    buttons = [rich.button(DO + do, LABELS[do], file.case_id) for do in offered]
    buttons.append(rich.button(DO + "history", "Show the whole story", file.case_id))
    if file.case.has_private_words:
        buttons.append(rich.button(DO + "private_words", "Read what was written in private", file.case_id))
    return rich.actions(buttons, "more")


def _next_opening(file: CaseFile, now: datetime) -> datetime:
    """A moment to offer: in an hour of the department's time."""
    policy, case = file.case_policy, file.case
    calendar = policy.working_time(case.department)
    opens = calendar.opens(now)
    return opens if opens > now else now.replace(minute=0, second=0, microsecond=0) + 2 * _HOUR


def history(file: CaseFile, lines: Sequence[Line], sign: Mapping[Kind, str]) -> View:
    """The whole story of a case; of a long one the newest part."""
    shown = lines[-_LINES_AT_MOST:]
    parts: list[Element] = []
    if len(shown) < len(lines):
        parts.append(rich.section(rich.text(f"The newest {len(shown)} of {len(lines)} lines:", italic=True)))
    for line in shown:
        elements = [rich.at_moment(line.at), rich.text(f" {sign[line.kind]} "), rich.text(line.text, bold=line.kind == "warning")]
        if line.link:
            elements += [rich.text(" · "), rich.link(line.link, "open")]
        parts.append(rich.section(*elements))
        if line.quote is not None:
            parts.append(rich.quote(line.quote, 400))
    return modal("history", f"Case {file.title}", None, "Close", {"case": file.case_id}, [rich.rich(*parts)])


def private_words(file: CaseFile, said: Sequence[tuple[str, datetime, str]]) -> View:
    """What was written in private: who, when, and the words."""
    parts: list[Element] = []
    if len(said) > _WHISPERS_AT_MOST:
        parts.append(rich.section(rich.text(f"The newest {_WHISPERS_AT_MOST} of {len(said)} messages:", italic=True)))
    for who, at, words in said[-_WHISPERS_AT_MOST:]:
        parts += [rich.section(rich.at_moment(at), rich.text(f" {who}", bold=True)), rich.quote(words)]
    if not parts:
        parts = [rich.section(rich.text("Nothing that can be shown: it was erased, or never arrived."))]
    hint = rich.context("This is private between the customer and us. That you have read it is on record. Do not repeat it in public.")
    return modal("private_words", f"Case {file.title}", None, "Close", {"case": file.case_id}, [about(file), rich.rich(*parts), hint])


def new_case(brands: Mapping[str, str], channels: Mapping[str, str]) -> View:
    """A case that somebody opens by hand: a call, a letter, a post that nobody told us of."""
    blocks = [
        ask_for(CHANNEL, "How did it reach us?", select([option(name, handle) for handle, name in channels.items()])),
        ask_for(BRAND, "Which brand is it about?", select([option(n, h) for h, n in brands.items()], initial=next(iter(brands), None))),
        ask_for(CUSTOMER, "The customer's name", text_input(multiline=False, at_most=200)),
        ask_for(
            CUSTOMER_ID,
            "Their number, address or customer number",
            text_input(multiline=False, at_most=200),
            hint="Whoever comes with it again is the same customer.",
        ),
        ask_for(
            WORDS, "What is it about?", text_input(), hint="As the customer put it. It is sorted and handed to a department as a post is."
        ),
    ]
    return modal(NEW, "Open a case", "Open it", "Cancel", {}, blocks)
