"""A case is its history: the state that its events add up to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, assert_never

from domain import events as e
from domain.values import ClockName, Intent, Pause, Priority, Purpose, Status

ReplyState = Literal["planned", "failed", "unconfirmed"]
Ending = Literal["dismissed", "walked_away", "merged", "watch_ended"]

SAID_AT_MOST = 50
"""How many of the texts that people have said a case tells apart."""
UNANSWERED_AT_MOST = 50
"""How many unanswered posts a case tells apart; only the earliest counts for a clock."""


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
    """The one question to the customer that is open, and how often they were nudged for an answer."""

    step: int
    at: datetime
    nudges: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """One customer issue, as its events so far add up. Made by `evolve` alone."""

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
    def is_open(self) -> bool:
        """Whether somebody still owes this case its resolution."""
        return self.opened_at is not None and self.ended is None and self.closed_at is None and self.resolved_at is None

    @property
    def is_over(self) -> bool:
        """Whether nothing can happen to this case any more; a later post is a new case."""
        return self.ended is not None

    def reply(self, step: int) -> Reply | None:
        """The unsettled reply of that step, if there is one."""
        return next((r for r in self.replies if r.step == step), None)

    def planned(self, *purposes: Purpose) -> Reply | None:
        """A reply on its way for one of these purposes (any, when none is named)."""
        return next((r for r in self.replies if r.state == "planned" and (not purposes or r.purpose in purposes)), None)


def fold(case_id: str, history: Iterable[e.Event]) -> Case:
    """The case after all of `history`; after a part of it, the case as it was then."""
    case = Case(case_id)
    for event in history:
        case = evolve(case, event)
    return case


def evolve(case: Case, event: e.Event) -> Case:
    """The case after `event`. Total: every event applies to every case, because it has already happened."""
    return replace(_applied(case, event), events=case.events + 1)


def _applied(case: Case, event: e.Event) -> Case:  # noqa: C901 - one line an event, and mypy proves that none is missing
    match event:
        case e.Opened():
            return _opened(case, event)
        case e.CustomerWrote():
            return _customer_wrote(case, event)
        case e.PostDeleted():
            return _post_deleted(case, event)
        case e.ReplyPlanned():
            return _reply_planned(case, event)
        case e.ReplyPosted():
            return _reply_posted(case, event)
        case e.ReplyFailed():
            return _reply_failed(case, event)
        case e.ReplyUnconfirmed():
            return _reply_unconfirmed(case, event)
        case e.ReplyWithdrawn():
            return _reply_withdrawn(case, event)
        case e.HandedOff():
            return _handed_off(case, event)
        case e.HandoffDelivered():
            return _handoff_delivered(case, event)
        case e.HandoffMailed():
            return _handoff_mailed(case, event)
        case e.HandoffFailed():
            return _handoff_failed(case, event)
        case e.Accepted():
            return _accepted(case, event)
        case e.Reassigned():
            return _reassigned(case, event)
        case e.AskAnswered():
            return _ask_answered(case, event)
        case e.Resolved():
            return _resolved(case, event)
        case e.Closed():
            return _closed(case, event)
        case e.ThankYouWaived():
            return _thank_you_waived(case, event)
        case e.Reopened():
            return _reopened(case, event)
        case e.Dismissed():
            return _dismissed(case, event)
        case e.PrioritySet():
            return _priority_set(case, event)
        case e.CategorySet():
            return _category_set(case, event)
        case e.ClockBreached():
            return _clock_breached(case, event)
        case e.PromiseKept():
            return _promise_kept(case, event)
        case e.PromiseBroken():
            return _promise_broken(case, event)
        case e.WatchEnded():
            return _watch_ended(case, event)
        case e.PostEdited() | e.NoteAdded() | e.HumanNeeded():
            return case  # on record; the state does not depend on it
        case _:
            assert_never(event)


def _opened(case: Case, ev: e.Opened) -> Case:
    return replace(
        case,
        brand=ev.brand,
        channel=ev.channel,
        policy=ev.policy,
        opened_at=ev.at,
        first_post=ev.post,
        last_post=ev.post,
        intent=ev.intent,
        category=ev.category,
        priority=ev.priority,
        department=ev.department,
        resolve_from=ev.at,
    )


def _customer_wrote(case: Case, ev: e.CustomerWrote) -> Case:
    case = replace(case, last_post=ev.post) if ev.by_customer else case
    if ev.intent is Intent.THANKS or not ev.by_customer or not case.is_open:
        return case
    heard_since = case.last_word_at is not None and case.last_word_at > ev.at
    if heard_since or len(case.unanswered) == UNANSWERED_AT_MOST:
        return case
    breached = case.breached if case.unanswered else case.breached - {ClockName.NEXT_REPLY}
    return replace(case, unanswered=(*case.unanswered, ev.at), breached=breached)


def _post_deleted(case: Case, ev: e.PostDeleted) -> Case:
    if not ev.first:
        return case
    return replace(case, first_deleted=True, promise=None)  # there is no public thread left in which to keep it


def _reply_planned(case: Case, ev: e.ReplyPlanned) -> Case:
    reply = Reply(ev.step, ev.purpose, ev.to_post, ev.at, ev.words, ev.template, ev.variant, ev.promise)
    kept = tuple(r for r in case.replies if r.step != ev.instead_of)
    said = case.said if ev.words is None else (*case.said, ev.words)[-SAID_AT_MOST:]
    closes = {
        Purpose.THANK_YOU: case.resolved_at is not None or case.handoff is None,  # praise that nobody works on closes by its thank-you
        Purpose.CLOSING_NOTE: case.ask is not None,
    }
    closing = ev.step if closes.get(ev.purpose, False) else case.closing_step
    ask = case.ask
    if ev.purpose is Purpose.NUDGE and ask is not None:
        ask = replace(ask, nudges=ask.nudges + 1)
    answered = case.thanks_answered + (ev.purpose is Purpose.WELCOME)
    case = replace(case, steps=max(case.steps, ev.step), replies=(*kept, reply), said=said)
    return replace(case, closing_step=closing, ask=ask, thanks_answered=answered)


def _reply_posted(case: Case, ev: e.ReplyPosted) -> Case:
    # A later public word makes an earlier refused one pointless; an unconfirmed one is still to be settled.
    replies = tuple(r for r in case.replies if r.step != ev.step and (r.state != "failed" or r.step > ev.step))
    case = replace(case, replies=replies)
    if ev.purpose is Purpose.WELCOME:
        return case  # it answers a thank-you and says nothing of the issue itself, so no clock of the issue stops
    case = replace(case, acknowledged_at=case.acknowledged_at or ev.at, last_word_at=_later(case.last_word_at, ev.at))
    if ev.step == case.closing_step:
        case = replace(case, last_word_url=ev.parts[0].url if ev.parts else "")
    if ev.purpose is Purpose.ASK and case.is_open:
        case = _pause(replace(case, ask=OpenAsk(ev.step, ev.at)), ev.at)
    if case.unanswered and ev.at > case.unanswered[0]:
        still = tuple(at for at in case.unanswered if at >= ev.at)
        case = replace(case, unanswered=still, breached=case.breached - {ClockName.NEXT_REPLY})
    over = case.ended is not None or case.closed_at is not None
    return replace(case, promise=None if over else ev.promise, promise_broken=False, breached=case.breached - {ClockName.HOLDING_UPDATE})


def _reply_failed(case: Case, ev: e.ReplyFailed) -> Case:
    return _with_reply_state(_unsaid(case, ev.step), ev.step, "failed")


def _reply_unconfirmed(case: Case, ev: e.ReplyUnconfirmed) -> Case:
    return _with_reply_state(case, ev.step, "unconfirmed")


def _reply_withdrawn(case: Case, ev: e.ReplyWithdrawn) -> Case:
    case = _unsaid(case, ev.step)
    return replace(case, replies=tuple(r for r in case.replies if r.step != ev.step))


def _handed_off(case: Case, ev: e.HandedOff) -> Case:
    return replace(
        case,
        department=ev.department,
        handoff=Handoff(ev.department, ev.at),
        owner=None,
        resolve_from=ev.at if case.handoff is None else case.resolve_from,
        closing_step=None,
        last_word_url=None,  # somebody works on it now: praise that is being thanked for does not close it any more
        breached=case.breached - {ClockName.ACCEPT},
    )


def _handoff_delivered(case: Case, ev: e.HandoffDelivered) -> Case:
    if case.handoff is None or case.handoff.department != ev.department or case.handoff.delivered_by is not None:
        return case
    return replace(case, handoff=replace(case.handoff, delivered_by=ev.by))


def _handoff_mailed(case: Case, ev: e.HandoffMailed) -> Case:
    handoff = replace(case.handoff, mail_step=ev.step) if case.handoff is not None else None
    return replace(case, handoff=handoff, steps=max(case.steps, ev.step))


def _handoff_failed(case: Case, ev: e.HandoffFailed) -> Case:
    handoff = case.handoff
    return replace(case, handoff=replace(handoff, failed=handoff.failed | {ev.by})) if handoff is not None else case


def _accepted(case: Case, ev: e.Accepted) -> Case:
    return replace(case, owner=ev.owner, breached=case.breached - {ClockName.ACCEPT})


def _reassigned(case: Case, ev: e.Reassigned) -> Case:
    return replace(case, department=ev.department, owner=None)


def _ask_answered(case: Case, ev: e.AskAnswered) -> Case:
    return _resume(replace(case, ask=None, closing_step=None, last_word_url=None), ev.at)


def _resolved(case: Case, ev: e.Resolved) -> Case:
    case = _resume(replace(case, ask=None), ev.at)
    return replace(
        case,
        resolved_at=ev.at,
        unanswered=(),
        closing_step=None,
        last_word_url=None,
        breached=case.breached - {ClockName.THANK_YOU, ClockName.NEXT_REPLY},
    )


def _closed(case: Case, ev: e.Closed) -> Case:
    case = _resume(replace(case, ask=None), ev.at)
    return replace(
        case,
        closed_at=ev.at,
        closing_permalink=ev.permalink,
        waived_by=ev.waived_by,
        unanswered=(),
        promise=None,
    )


def _thank_you_waived(case: Case, ev: e.ThankYouWaived) -> Case:
    return replace(case, waived_by=ev.by)


def _reopened(case: Case, ev: e.Reopened) -> Case:
    return replace(
        case,
        priority=ev.priority,
        resolved_at=None,
        closed_at=None,
        closing_step=None,
        last_word_url=None,
        closing_permalink=None,
        waived_by=None,
        resolve_from=ev.at,
        last_word_at=ev.at,
        unanswered=(),
        pauses=(),
        breached=frozenset(),
        reopened=case.reopened + 1,
    )


def _dismissed(case: Case, ev: e.Dismissed) -> Case:
    del ev
    return replace(case, ended="dismissed", promise=None)


def _priority_set(case: Case, ev: e.PrioritySet) -> Case:
    return replace(case, priority=ev.priority)


def _category_set(case: Case, ev: e.CategorySet) -> Case:
    return replace(case, category=ev.category)


def _clock_breached(case: Case, ev: e.ClockBreached) -> Case:
    return replace(case, breached=case.breached | {ev.clock})


def _promise_kept(case: Case, ev: e.PromiseKept) -> Case:
    return replace(case, promise=None if case.promise == ev.promised else case.promise)


def _promise_broken(case: Case, ev: e.PromiseBroken) -> Case:
    return replace(case, promise_broken=case.promise == ev.promised)


def _watch_ended(case: Case, ev: e.WatchEnded) -> Case:
    del ev
    return replace(case, ended="watch_ended")


def _later(a: datetime | None, b: datetime) -> datetime:
    return b if a is None or b > a else a


def _pause(case: Case, at: datetime) -> Case:
    if case.pauses and case.pauses[-1].until is None:
        return case
    return replace(case, pauses=(*case.pauses, Pause(at)))


def _resume(case: Case, at: datetime) -> Case:
    if not case.pauses or case.pauses[-1].until is not None:
        return case
    return replace(case, pauses=(*case.pauses[:-1], Pause(case.pauses[-1].since, at)))


def _unsaid(case: Case, step: int) -> Case:
    """What the customer will not read may be said again."""
    words = {r.words for r in case.replies if r.step == step}
    return replace(case, said=tuple(one for one in case.said if one not in words))


def _with_reply_state(case: Case, step: int, state: ReplyState) -> Case:
    return replace(case, replies=tuple(replace(r, state=state) if r.step == step else r for r in case.replies))
