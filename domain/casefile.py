"""A case as people read it: its state, its story in plain sentences, and what everyone said. Shared by Slack, the console and the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, assert_never

from domain import events as e
from domain.case import Case, evolve
from domain.clocks import Clock, running
from domain.history import Entry
from domain.policy import CasePolicy, Policy
from domain.values import Actor, ClockName, Intent, Purpose, Role

_A_SENTENCE = 20


@dataclass(frozen=True, slots=True)
class CaseFile:
    """Everything about one case. `words`: what was said, by reference; those of an erased person are missing."""

    case_id: str
    number: int
    case: Case
    policy: Policy
    customer_name: str | None
    customer_handle: str | None
    history: Sequence[tuple[int, Entry]]
    words: Mapping[str, Mapping[str, object]]
    people: Mapping[str, str]

    @property
    def title(self) -> str:
        """What the case is called."""
        return f"#{self.number}"

    @property
    def network(self) -> str:
        """The network's name as people call it."""
        return self.policy.channel(self.case.channel).network

    @property
    def customer(self) -> str:
        """The customer as the network shows them."""
        name, handle = _level(self.customer_name), _level(self.customer_handle)
        if name and handle:
            return f"{name} (@{handle})"
        return name or (f"@{handle}" if handle else "a customer")

    @property
    def first_words(self) -> str:
        """What the customer wrote first; a note in its place when they were erased."""
        return self.text_of(self._opened.words)

    @property
    def first_url(self) -> str | None:
        """Where the first post is."""
        url = self.words.get(self._opened.words or "", {}).get("url")
        return str(url) if url else None

    @property
    def case_policy(self) -> CasePolicy:
        """The slice of the policy that the case is held to."""
        return self.policy.for_case(self.case.channel)

    @property
    def clocks(self) -> list[Clock]:
        """The running clocks, the one due first first; paused ones last."""
        return sorted(running(self.case, self.case_policy), key=lambda c: (c.due_at is None, c.due_at))

    def text_of(self, reference: str | None) -> str:
        """What was said, by its reference."""
        if reference is None:
            return ""
        return str(self.words.get(reference, {}).get("text", "(erased)"))

    def is_said(self, body: str) -> bool:
        """Whether a person has said this to the customer already, or it is on its way: the same words within one of our replies.

        A few words may come again, like "Thank you!"; then only the reply as a whole tells whether it is the same.
        """
        wanted = " ".join(body.split())
        return len(wanted) >= _A_SENTENCE and any(wanted in " ".join(self.text_of(said).split()) for said in self.case.said)

    def name_of(self, person: str | None) -> str:
        """How a colleague is called."""
        if person is None:
            return "nobody"
        return self.people.get(person, person.split(":", 1)[-1])

    def department_name(self, department: str) -> str:
        """How a department is called."""
        known = self.policy.departments.get(department)
        return known.name if known is not None else department

    @property
    def _opened(self) -> e.Opened:
        first = self.history[0][1].event
        assert isinstance(first, e.Opened), "every history begins with its opening"
        return first


Kind = Literal["customer", "public", "internal", "warning"]


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence of the story. `quote` is somebody's exact words, `link` where they can be read."""

    seq: int
    at: datetime
    kind: Kind
    text: str
    quote: str | None = None
    link: str | None = None
    calls: bool = False
    """Whether the department is called for (mentioned)."""


_UNTOLD = (e.ReplyPlanned, e.HandoffDelivered, e.PromiseKept, e.WatchEnded)


def is_told(event: e.Event) -> bool:
    """Whether an event is part of the story that people are told, or of the machine's inside (which only the history has)."""
    return not isinstance(event, _UNTOLD)


def story(file: CaseFile, after: int = 0) -> list[Line]:
    """The story of a case from the `after`-th event on. Events that tell people nothing are left out."""
    lines = []
    for seq, entry in file.history:
        if seq > after and (line := _tell(file, seq, entry)) is not None:
            lines.append(line)
    return lines


OWED = {
    ClockName.ACKNOWLEDGE: "Acknowledge the customer",
    ClockName.ACCEPT: "Accept the case",
    ClockName.HOLDING_UPDATE: "Update the customer",
    ClockName.NEXT_REPLY: "Answer the customer",
    ClockName.RESOLVE: "Resolve the case",
    ClockName.THANK_YOU: "Thank the customer",
}
"""What each clock measures, as people are told."""

_CLOCKS = {
    ClockName.ACKNOWLEDGE: "The customer was not acknowledged in time",
    ClockName.ACCEPT: "Nobody accepted this case in time",
    ClockName.HOLDING_UPDATE: "The customer was not updated in time",
    ClockName.NEXT_REPLY: "The customer wrote again and was not answered in time",
    ClockName.RESOLVE: "This case was not resolved in time",
    ClockName.THANK_YOU: "The thank-you was not posted in time",
}
_POSTED = {
    Purpose.ACKNOWLEDGEMENT: "Acknowledged in public",
    Purpose.HOLDING_UPDATE: "Holding message posted by the system",
    Purpose.UPDATE: "Update posted",
    Purpose.ASK: "We asked the customer",
    Purpose.NUDGE: "We reminded the customer of our question",
    Purpose.THANK_YOU: "Thank-you posted",
    Purpose.CLOSING_NOTE: "Closing note posted",
    Purpose.WELCOME: "We answered the customer's thanks",
}
_WROTE = {
    Intent.COMPLAINT: "The customer wrote again",
    Intent.QUESTION: "The customer asks",
    Intent.THANKS: "The customer says thanks",
    Intent.PRAISE: "The customer is full of praise",
    Intent.REMARK: "The customer wrote",
    Intent.SPAM: "The customer wrote",
}


def _tell(file: CaseFile, seq: int, entry: Entry) -> Line | None:  # noqa: C901 - one sentence an event, and mypy proves that none is missing
    event, by = entry.event, _who(file, entry.by)

    def line(kind: Kind, text: str, words: str | None = None, link: str | None = None, *, calls: bool = False) -> Line:
        return Line(seq, event.at, kind, text, file.text_of(words) if words is not None else None, link, calls)

    match event:
        case e.Opened():
            return line("customer", f"New {event.intent.value} on {file.network}", event.words, file.first_url)
        case e.CustomerWrote():
            who = _WROTE[event.intent] if event.by_customer else "Somebody else wrote in the thread"
            return line("customer", who, event.words, _url(file, event.words))
        case e.PostEdited():
            return line("customer", "The customer changed a post", event.words)
        case e.PostDeleted():
            return line("warning", "The customer deleted the first post" if event.first else "The customer deleted a post")
        case e.ReplyPosted():
            return line("public", _POSTED[event.purpose], event.words, event.parts[0].url if event.parts else None)
        case e.ReplyFailed():
            return line("warning", f"The {_spoken(event.purpose)} could not be posted: {event.reason}", event.words)
        case e.ReplyUnconfirmed(by_hand=True):
            return line("internal", f"A person must pass on the {_spoken(event.purpose)}: {event.reason}", event.words)
        case e.ReplyUnconfirmed():
            return line("warning", f"Nobody can tell whether the {_spoken(event.purpose)} was posted: {event.reason}", event.words)
        case e.ReplyWithdrawn():
            return line("internal", f"The {_spoken(event.purpose)} was called off: {event.reason}")
        case e.HandedOff():
            return line("internal", f"Handed to {file.department_name(event.department)}")
        case e.HandoffMailed():
            return line("internal", f"{file.department_name(event.department)} is told by e-mail, because Slack did not take the handoff")
        case e.HandoffFailed():
            return line("warning", f"{file.department_name(event.department)} could not be reached by {event.by}: {event.reason}")
        case e.Accepted():
            return line("internal", f"{file.name_of(event.owner)} has this case")
        case e.Reassigned():
            before, to = file.department_name(event.before), file.department_name(event.department)
            return line("internal", f"{by} moved this case from {before} to {to}", event.words)
        case e.AskAnswered():
            return line("internal", "Our question is answered; the clocks run again")
        case e.Resolved():
            cause = file.policy.root_causes.get(event.root_cause, event.root_cause)
            return line("internal", f"{by} resolved this case. Root cause: {cause}")
        case e.Closed():
            if event.waived_by is not None:
                return line("internal", f"The loop is closed without a thank-you, by {file.name_of(event.waived_by)}")
            return line("public", "The loop is closed", link=event.permalink)
        case e.ThankYouWaived():
            return line("internal", f"{file.name_of(event.by)} waived the thank-you", event.words)
        case e.Reopened():
            raised = event.priority is not event.before
            return line("warning", f"Open again{f', now {event.priority.value}' if raised else ''}", calls=True)
        case e.Dismissed():
            return line("internal", f"{by} dismissed this case: {_spoken(event.reason)}", event.words)
        case e.NoteAdded():
            return line("internal", f"{by} noted", event.words)
        case e.PrioritySet():
            return line("internal", f"{by} set the priority from {event.before.value} to {event.priority.value}")
        case e.CategorySet():
            return line("internal", f"{by} set the category from {event.before} to {event.category}")
        case e.ClockBreached():
            calls = event.clock in (ClockName.ACCEPT, ClockName.RESOLVE, ClockName.NEXT_REPLY)
            return line("warning", _CLOCKS[event.clock], calls=calls)
        case e.PromiseBroken():
            return line("warning", "We promised the customer an update by now, and did not give it")
        case e.HumanNeeded():
            return line("warning", f"A person is needed: {event.why}")
        case e.ReplyPlanned() | e.HandoffDelivered() | e.PromiseKept() | e.WatchEnded():
            return None
        case _:
            assert_never(event)


def as_of(file: CaseFile, seq: int) -> Case:
    """The case as it was after its `seq`-th event."""
    case = Case(file.case_id)
    for number, entry in file.history:
        if number <= seq:
            case = evolve(case, entry.event)
    return case


def _who(file: CaseFile, by: Actor) -> str:
    if by.role is Role.SYSTEM:
        return "The system"
    return "The customer" if by.role is Role.CUSTOMER else file.name_of(by.person)


def _url(file: CaseFile, words: str | None) -> str | None:
    url = file.words.get(words or "", {}).get("url")
    return str(url) if url else None


_DIRECTIONS = dict.fromkeys(map(ord, "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))


def _level(name: str | None) -> str | None:
    """A name without signs that change the direction of writing: in the middle of a sentence of ours they would turn that round too."""
    return name.translate(_DIRECTIONS).strip() or None if name else None


def _spoken(word: str) -> str:
    return word.replace("_", " ")
