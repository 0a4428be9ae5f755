"""The state of a case: what its events add up to (`domain.evolve`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from domain.values import Audience, ClockName, Drafted, Intent, Pause, Priority, Purpose, Status, Thread

ReplyState = Literal["planned", "failed", "unconfirmed"]
Ending = Literal["dismissed", "walked_away", "merged", "watch_ended"]


@dataclass(frozen=True, slots=True)
class Asker:
    """Who wants to know what an ask asks, and for which department. `alone`: their own question, when the ask asks others too."""

    person: str
    department: str
    alone: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that is decided and not yet on the network. Once posted it is history, not state."""

    step: int
    purpose: Purpose
    to_post: str
    planned_at: datetime
    words: str | None = None
    template: str | None = None
    variant: int = 0
    promise: datetime | None = None
    state: ReplyState = "planned"
    askers: tuple[Asker, ...] = ()
    opens: datetime | None = None
    thread: str | None = None


@dataclass(frozen=True, slots=True)
class Handoff:
    """The case in the hands of one department: since when, and whether the department has been reached."""

    department: str
    at: datetime
    delivered_by: Literal["slack", "email"] | None = None
    mail_step: int | None = None
    failed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class OpenAsk:
    """The one question to the customer that is open, how often they were nudged for an answer, and who waits for it."""

    step: int
    at: datetime
    nudges: int = 0
    askers: tuple[Asker, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A question that waits its turn: exactly its words, and who asks."""

    words: str
    asker: Asker


GIVEN_UP = 0
"""The percent of the mark that says that a chain was climbed and repeated to its end in this cycle."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A percent of a clock's time that was taken up in this cycle: as a warning (`to` is None), or as a call to somebody.

    `at`: when it was last taken up; `times`: how often it was repeated.
    """

    clock: ClockName
    percent: int
    to: Audience | None
    at: datetime
    times: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A call to somebody up the chain that is not known to have reached them yet. `draft`: the step of the held draft that it is about."""

    step: int
    to: Audience
    at: datetime
    clock: ClockName | None = None
    percent: int = 0
    repeat: int = 0
    words: str | None = None
    mail_step: int | None = None
    failed: frozenset[str] = frozenset()
    draft: int | None = None


@dataclass(frozen=True, slots=True)
class HeldDraft:
    """Words to the customer that wait for a second person, and what becomes of them when they are approved.

    `turn`: the case's when they were written. `call_at`: when `calls` is called about them; `called`: whether that was done.
    """

    step: int
    what: Drafted
    words: str
    why: tuple[str, ...]
    author: str
    at: datetime
    turn: int
    call_at: datetime
    calls: Audience
    promise: datetime | None = None
    root_cause: str | None = None
    cause_words: str | None = None
    department: str | None = None
    private: str | None = None
    called: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """One customer issue, as its events so far add up. Made by `domain.evolve` alone.

    `pauses`: while the customer was asked; `waits`: while a third party was waited for. `turn`: how often something
    happened that a person who is about to speak to the customer must have seen. `recounted_at`: when the clocks that ran were last
    counted again from their start, by another priority, policy or calendar. `threads`: of a case that others were merged into, all of
    them; `thread`: the one in which the customer wrote last, when it is not the case's own. `cause`: the number of the one that it shares.
    """

    id: str
    events: int = 0
    brand: str = ""
    channel: str = ""
    policy: str = ""
    opened_at: datetime | None = None
    first_post: str = ""
    last_post: str = ""
    first_deleted: bool = False
    intent: Intent = Intent.COMPLAINT
    category: str = ""
    priority: Priority = Priority.NORMAL
    department: str = ""
    acknowledged_at: datetime | None = None
    handoff: Handoff | None = None
    owner: str | None = None
    ask: OpenAsk | None = None
    steps: int = 0
    replies: tuple[Reply, ...] = ()
    said: tuple[str, ...] = ()
    last_word_at: datetime | None = None
    unanswered: tuple[datetime, ...] = ()
    promise: datetime | None = None
    promise_broken: bool = False
    resolve_from: datetime | None = None
    resolved_at: datetime | None = None
    closing_step: int | None = None
    last_word_url: str | None = None
    closed_at: datetime | None = None
    closing_permalink: str | None = None
    waived_by: str | None = None
    pauses: tuple[Pause, ...] = ()
    breached: frozenset[ClockName] = frozenset()
    reopened: int = 0
    thanks_answered: int = 0
    ended: Ending | None = None
    marks: tuple[Mark, ...] = ()
    calls: tuple[Call, ...] = ()
    asked_up: tuple[Audience, ...] = ()
    stalled_at: datetime | None = None
    snoozed_until: datetime | None = None
    waits: tuple[Pause, ...] = ()
    wait_until: datetime | None = None
    questions: tuple[Question, ...] = ()
    handoffs: int = 0
    turn: int = 0
    walk_away_proposed: bool = False
    private: bool = False
    private_post: str | None = None
    recounted_at: datetime | None = None
    held: tuple[HeldDraft, ...] = ()
    cause: int | None = None
    merged_into: str | None = None
    carried: datetime | None = None
    threads: tuple[Thread, ...] = ()
    thread: str | None = None

    @property
    def status(self) -> Status:
        """Where the case is in the loop, read off its facts, so that the order of unrelated facts never matters."""
        if self.ended in ("dismissed", "walked_away", "merged"):
            return Status(self.ended)
        if self.closed_at is not None:
            return Status.CLOSED
        if self.resolved_at is not None:
            return Status.RESOLVED
        if self.ask is not None:
            return Status.WAITING_ON_CUSTOMER
        if self.is_waiting:
            return Status.WAITING_ON_THIRD_PARTY
        if self.owner is not None:
            return Status.IN_PROGRESS
        if self.acknowledged_at is None:
            return Status.NEW
        return Status.ACKNOWLEDGED if self.handoff is None else Status.HANDED_OFF

    @property
    def customer_waiting_since(self) -> datetime | None:
        """Since when the customer, having written again, has been waiting for a reply."""
        return self.unanswered[0] if self.unanswered else None

    @property
    def is_waiting(self) -> bool:
        """Whether work waits on a third party."""
        return bool(self.waits) and self.waits[-1].until is None

    @property
    def is_open(self) -> bool:
        """Whether somebody still owes this case its resolution."""
        return self.opened_at is not None and self.ended is None and self.closed_at is None and self.resolved_at is None

    @property
    def is_over(self) -> bool:
        """Whether nothing can happen to this case any more; a later post is a new case."""
        return self.ended is not None

    @property
    def has_private_words(self) -> bool:
        """Whether anything was written in private: also what the network refused, or of which nobody knows whether it was sent."""
        return self.private or any(reply.purpose is Purpose.PRIVATE for reply in self.replies)

    @property
    def all_threads(self) -> tuple[Thread, ...]:
        """Every thread that the case goes on in: its own, and those of the cases that were merged into it."""
        return self.threads or (Thread(self.id, self.first_post, self.last_post, self.first_deleted),)

    @property
    def to_be_told(self) -> tuple[Thread, ...]:
        """Threads of a closed loop that still lack the last word: it was said in another one."""
        if self.closed_at is None or self.closing_permalink is None or self.is_over:
            return ()
        return tuple(thread for thread in self.threads if not thread.told and not thread.gone)

    def reply(self, step: int) -> Reply | None:
        """The unsettled reply of that step, if there is one."""
        return next((r for r in self.replies if r.step == step), None)

    def draft(self, step: int) -> HeldDraft | None:
        """The draft of that step, while it waits for a second person."""
        return next((h for h in self.held if h.step == step), None)

    def planned(self, *purposes: Purpose) -> Reply | None:
        """A reply on its way for one of these purposes (any, when none is named)."""
        return next((r for r in self.replies if r.state == "planned" and (not purposes or r.purpose in purposes)), None)
