"""A case as people read it: its state, its story in plain sentences, and what everyone said. Shared by Slack, the console and the API."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from domain import events as e
from domain.case import Case
from domain.clocks import Clock, running
from domain.discretion import Onlookers
from domain.history import Entry
from domain.policy import CasePolicy, Policy
from domain.values import NOWHERE, Purpose
from domain.whispers import Whisper, whispered, whispers

_A_SENTENCE = 20
_TURN_BACK = "\N{LEFT-TO-RIGHT MARK}"
"""Stands before a handle that follows a name in Hebrew or Arabic: without it, the @ and the brackets are shown at the wrong ends."""


@dataclass(frozen=True)
class CaseFile:
    """Everything about one case, but for what was written in private.

    `words`: what was said, by reference; those of an erased person are missing, and so are private ones.
    """

    case_id: str
    number: int
    case: Case
    policy: Policy
    customer_name: str | None
    customer_handle: str | None
    history: Sequence[tuple[int, Entry]]
    words: Mapping[str, Mapping[str, object]]
    people: Mapping[str, str]
    followers: int | None = None
    """How many follow the customer there, if the network told."""
    customer_id: str = ""
    """The identity that the case is of, by our id."""
    elsewhere: Sequence[str] = ()
    """The channels of the customer's other open cases, when they are linked with other identities; one entry a case."""
    numbers: Mapping[str, int] = field(default_factory=dict)
    """Of the cases that this one was merged into, or that were merged into it."""

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
            return f"{name} {_TURN_BACK if _is_from_the_right(name) else ''}(@{handle})"
        return name or (f"@{handle}" if handle else "a customer")

    @property
    def first_words(self) -> str:
        """What the customer wrote first, whole, for whoever has the right; a note in its place when they were erased."""
        return self.text_of(self._opened.words)

    @property
    def first_shown(self) -> str:
        """What the customer wrote first, as it is shown in Slack and in e-mails: see `shown_of`."""
        return self.shown_of(self._opened.words)

    @property
    def first_url(self) -> str | None:
        """Where the first post is."""
        return self.url_of(self._opened.words)

    def url_of(self, reference: str | None) -> str | None:
        """Where that was said, if anybody can open it."""
        url = str(self.words.get(reference or "", {}).get("url") or NOWHERE)
        return None if url.startswith(NOWHERE) else url

    @cached_property
    def case_policy(self) -> CasePolicy:
        """The slice of the policy that the case is held to."""
        return self.policy.for_case(self.case.brand, self.case.channel)

    @property
    def writes_in_private(self) -> bool:
        """Whether a private message is the way to this customer: the network takes them, and has refused none to them.

        Where the brand has no contact link there is no other way. Whoever wrote in private themselves can be answered there.
        """
        if not self.case_policy.private_messages:
            return False
        refused = any(reply.purpose is Purpose.PRIVATE and reply.state == "failed" for reply in self.case.replies)
        return not refused or self.case.private or self.policy.brand(self.case.brand).contact is None

    @property
    def onlookers(self) -> Onlookers:
        """Who can read what is said to the customer."""
        return Onlookers(self.policy, self.case.brand, self.case.channel)

    @property
    def clocks(self) -> list[Clock]:
        """The running clocks, the one due first first; paused ones last."""
        return sorted(running(self.case, self.case_policy), key=lambda c: (c.due_at is None, c.due_at))

    def text_of(self, reference: str | None) -> str:
        """What was said, by its reference."""
        if reference is None:
            return ""
        if reference in self._whispered:
            return "(private)"
        return str(self.words.get(reference, {}).get("text", "(erased)"))

    def shown_of(self, reference: str | None) -> str:
        """A customer's post as it is shown in Slack, in e-mails and behind links: what everybody should not read is masked.

        What came over a channel that only we read is shown as it is.
        """
        text = self.text_of(reference)
        if text not in self._masked:
            self._masked[text] = self.onlookers.masked(text)
        return self._masked[text]

    def words_of(self, post: str) -> str | None:
        """The reference of what a post of the case says, as it was last changed; None when it is not a post of the case."""
        found = None
        for _, entry in self.history:
            if isinstance(entry.event, e.Opened | e.CustomerWrote | e.PostEdited) and entry.event.post == post:
                found = entry.event.words or found
        return found

    @property
    def public_words(self) -> list[str]:
        """What everybody can read, or could: the customer's public posts and our replies."""
        told = (entry.event for _, entry in self.history)
        spoken = (event.words for event in told if isinstance(event, e.Opened | e.CustomerWrote | e.PostEdited | e.ReplyPosted))
        return [self.text_of(words) for words in spoken if not self.is_private(words)]

    def is_private(self, reference: str | None) -> bool:
        """Whether these words were written in private."""
        return reference in self._whispered

    def is_said(self, body: str, but: int | None = None) -> bool:
        """Whether a person has said this to the customer already, or it is on its way: the same words within one of our replies, or
        within a question that waits its turn, or a draft that waits for a second person.

        A few words may come again, like "Thank you!"; then only the reply as a whole tells whether it is the same. `but`: the step of a
        draft that does not count, because it is being edited.
        """
        questions = (question.words for question in self.case.questions)
        return self._stands_in(body, (*self.case.said, *questions)) or self.is_held(body, but)

    def is_held(self, body: str, but: int | None = None) -> bool:
        """Whether the same words wait for a second person; see `is_said`."""
        return self._stands_in(body, (draft.words for draft in self.case.held if draft.step != but))

    def _stands_in(self, body: str, references: Iterable[str]) -> bool:
        wanted = " ".join(body.split())
        return len(wanted) >= _A_SENTENCE and any(wanted in " ".join(self.text_of(words).split()) for words in references)

    def name_of(self, person: str | None) -> str:
        """How a colleague is called."""
        if person is None:
            return "nobody"
        return self.people.get(person, person.split(":", 1)[-1])

    def title_of(self, case_id: str) -> str:
        """What another case is called that has to do with this one."""
        return f"#{self.numbers[case_id]}" if case_id in self.numbers else case_id

    def department_name(self, department: str) -> str:
        """How a department is called."""
        known = self.policy.departments.get(department)
        return known.name if known is not None else department

    @property
    def whispers(self) -> list[Whisper]:
        """What was written in private, in its order; the words themselves are not in here."""
        return whispers([entry for _, entry in self.history], self.customer, lambda by: self.name_of(by.person))

    @cached_property
    def _whispered(self) -> frozenset[str]:
        return whispered(entry for _, entry in self.history)

    @cached_property
    def _masked(self) -> dict[str, str]:
        return {}

    @property
    def _opened(self) -> e.Opened:
        first = self.history[0][1].event
        assert isinstance(first, e.Opened), "every history begins with its opening"
        return first


_DIRECTIONS = dict.fromkeys(map(ord, "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))


def _is_from_the_right(name: str) -> bool:
    return any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in name)


def _level(name: str | None) -> str | None:
    """A name without signs that change the direction of writing: in the middle of a sentence of ours they would turn that round too."""
    return name.translate(_DIRECTIONS).strip() or None if name else None
