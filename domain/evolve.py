"""A case is its history: what each event makes of the case."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from domain import events as e
from domain.case import GIVEN_UP, Asker, Call, Case, Handoff, HeldDraft, Mark, OpenAsk, Question, Reply, ReplyState
from domain.values import ASIDE, ClockName, Intent, Pause, Purpose

SAID_AT_MOST = 50
"""How many of the texts that people have said a case tells apart."""
UNANSWERED_AT_MOST = 50
"""How many unanswered posts a case tells apart; only the earliest counts for a clock."""


def fold(case_id: str, history: Iterable[e.Event]) -> Case:
    """The case after all of `history`; after a part of it, the case as it was then."""
    case = Case(case_id)
    for event in history:
        case = evolve(case, event)
    return case


def evolve(case: Case, event: e.Event) -> Case:
    """The case after `event`. Total: every event applies to every case, because it has already happened."""
    return replace(_applied(case, event), events=case.events + 1, turn=case.turn + _turns(event))


def _turns(event: e.Event) -> bool:
    """Whether somebody who is writing to the customer must know of it before they go on."""
    match event:
        case e.CustomerWrote():
            return event.by_customer
        case e.ReplyPlanned():
            return event.words is not None
        case e.Resolved() | e.Reopened() | e.Reassigned() | e.PostDeleted() | e.TookIn():
            return True
        case _:
            return False


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
        case e.AskedFor():
            return _asked_for(case, event)
        case e.AskQueued():
            return replace(case, questions=(*case.questions, Question(event.words, Asker(event.asker, event.department))))
        case e.AskDropped():
            return replace(case, questions=tuple(q for q in case.questions if q.words != event.words))
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
        case e.ClockWarned():
            return replace(case, marks=(*case.marks, Mark(event.clock, event.percent, None, event.at)))
        case e.Escalated():
            return _escalated(case, event)
        case e.EscalationMailed():
            case = replace(case, steps=max(case.steps, event.mail_step))
            return _with_call(case, event.step, lambda call: replace(call, mail_step=event.mail_step))
        case e.EscalationFailed():
            return _call_failed(case, event)
        case e.EscalationDelivered() | e.EscalationCalledOff():
            return replace(case, calls=tuple(call for call in case.calls if call.step != event.step))
        case e.Stalled():
            return replace(case, stalled_at=event.at, marks=(*case.marks, Mark(event.clock, GIVEN_UP, None, event.at)))
        case e.Snoozed():
            return replace(case, snoozed_until=event.until)
        case e.SnoozeEnded():
            return replace(case, snoozed_until=None)
        case e.WaitBegan():
            return replace(case, waits=_begun(case.waits, event.at), wait_until=event.until)
        case e.WaitEnded():
            return replace(case, waits=_ended(case.waits, event.at), wait_until=None)
        case e.PolicyMoved():
            return replace(case, policy=event.policy, recounted_at=event.at)
        case e.WalkAwayProposed():
            return replace(case, walk_away_proposed=True)
        case e.WalkedAway():
            return replace(case, ended="walked_away", promise=None)
        case e.Merged():
            return replace(case, ended="merged", merged_into=event.into, promise=None, carried=case.promise)
        case e.TookIn():
            return _took_in(case, event)
        case e.Unmerged():
            return replace(case, ended=None, merged_into=None, promise=case.carried, carried=None)
        case e.DraftHeld():
            return _draft_held(case, event)
        case e.DraftApproved() | e.DraftRejected() | e.DraftDropped():
            return replace(case, held=tuple(h for h in case.held if h.step != event.step))
        case e.PromiseBroken():
            return _promise_broken(case, event)
        case e.WatchEnded():
            return _watch_ended(case, event)
        case e.PostEdited() | e.NoteAdded() | e.HumanNeeded() | e.PersonalDataSeen() | e.PrivateRead() | e.PromiseKept():
            return case  # on record; the state does not depend on it
        case e.JoinedCause():
            return replace(case, cause=event.cause)
        case e.LeftCause():
            return replace(case, cause=None)
        case e.PassedOn() | e.NotTakenIn() | e.Announced() | e.HeldBack():
            return case
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
    if ev.private:  # a public reply never answers it in its place
        case = replace(case, private=True, private_post=ev.post)
    elif ev.by_customer:
        case = replace(case, last_post=ev.post, thread=ev.thread)
        written_in = ev.thread or case.id
        threads = (replace(t, post=ev.post) if t.case == written_in else t for t in case.threads)
        case = replace(case, threads=tuple(threads))
    if ev.intent is Intent.THANKS or not ev.by_customer or not case.is_open:
        return case
    heard_since = case.last_word_at is not None and case.last_word_at > ev.at
    if heard_since or len(case.unanswered) == UNANSWERED_AT_MOST:
        return case
    if not case.unanswered:
        case = _new_cycle(case, ClockName.NEXT_REPLY)
    return replace(case, unanswered=(*case.unanswered, ev.at))


def _post_deleted(case: Case, ev: e.PostDeleted) -> Case:
    case = replace(case, threads=tuple(replace(t, gone=t.gone or t.first_post == ev.post) for t in case.threads))
    if not ev.first:
        return case
    return replace(case, first_deleted=True, promise=None)  # there is no public thread left in which to keep it


def _reply_planned(case: Case, ev: e.ReplyPlanned) -> Case:
    reply = Reply(ev.step, ev.purpose, ev.to_post, ev.at, ev.words, ev.template, ev.variant, ev.promise, opens=ev.opens, thread=ev.thread)
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
    questions = tuple(q for q in case.questions if q.words != ev.words)
    case = replace(case, steps=max(case.steps, ev.step), replies=(*kept, reply), said=said, questions=questions)
    if ev.purpose is Purpose.ELSEWHERE:
        case = _told_in(case, ev.thread)
    return replace(case, closing_step=closing, ask=ask, thanks_answered=answered)


def _reply_posted(case: Case, ev: e.ReplyPosted) -> Case:
    sent = case.reply(ev.step)
    askers = sent.askers if sent is not None else ()
    # A later public word makes an earlier refused one pointless; an unconfirmed one is still to be settled.
    replies = tuple(r for r in case.replies if r.step != ev.step and (r.state != "failed" or r.step > ev.step))
    case = replace(case, replies=replies)
    if ev.purpose in ASIDE:  # a welcome says nothing of the issue itself, a private message nothing in public
        return replace(case, private=case.private or ev.purpose is Purpose.PRIVATE)
    case = replace(case, acknowledged_at=case.acknowledged_at or ev.at, last_word_at=_later(case.last_word_at, ev.at))
    if ev.step == case.closing_step:
        case = _told_in(case, sent.thread if sent is not None else case.thread)
        case = replace(case, last_word_url=ev.parts[0].url if ev.parts else "")
    if ev.purpose is Purpose.ASK and case.is_open:
        ask = OpenAsk(ev.step, ev.at, askers=askers)
        case = replace(case, ask=ask, pauses=_begun(case.pauses, ev.at))
    if case.unanswered and ev.at > case.unanswered[0]:
        still = tuple(at for at in case.unanswered if at >= ev.at)
        case = _new_cycle(replace(case, unanswered=still), ClockName.NEXT_REPLY)
    over = case.ended is not None or case.closed_at is not None
    return replace(_new_cycle(case, ClockName.HOLDING_UPDATE), promise=None if over else ev.promise, promise_broken=False)


def _reply_failed(case: Case, ev: e.ReplyFailed) -> Case:
    return _with_reply_state(_unsaid(case, ev.step), ev.step, "failed")


def _reply_unconfirmed(case: Case, ev: e.ReplyUnconfirmed) -> Case:
    return _with_reply_state(case, ev.step, "unconfirmed")


def _reply_withdrawn(case: Case, ev: e.ReplyWithdrawn) -> Case:
    case = _unsaid(case, ev.step)
    return replace(case, replies=tuple(r for r in case.replies if r.step != ev.step))


def _handed_off(case: Case, ev: e.HandedOff) -> Case:
    return replace(
        _to_be_said(_new_cycle(case, ClockName.ACCEPT)),  # praise that somebody works on is not closed by the thanks for it
        department=ev.department,
        handoff=Handoff(ev.department, ev.at),
        handoffs=case.handoffs + 1,
        owner=None,
        resolve_from=ev.at if case.handoff is None else case.resolve_from,
        stalled_at=None,
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
    return replace(_new_cycle(case, ClockName.ACCEPT), owner=ev.owner, stalled_at=None, asked_up=())


def _reassigned(case: Case, ev: e.Reassigned) -> Case:
    return replace(case, department=ev.department, owner=None, asked_up=(), recounted_at=ev.at)


def _asked_for(case: Case, ev: e.AskedFor) -> Case:
    asker = Asker(ev.asker, ev.department, ev.alone)
    replies = tuple(replace(r, askers=(*r.askers, asker)) if r.step == ev.step else r for r in case.replies)
    ask = case.ask
    if ask is not None and ask.step == ev.step:
        ask = replace(ask, askers=(*ask.askers, asker))
    return replace(case, replies=replies, ask=ask)


def _ask_answered(case: Case, ev: e.AskAnswered) -> Case:
    return replace(_to_be_said(case), ask=None, pauses=_ended(case.pauses, ev.at))


def _escalated(case: Case, ev: e.Escalated) -> Case:
    call = Call(ev.step, ev.to, ev.at, ev.clock, ev.percent, ev.repeat, ev.words, draft=ev.draft)
    case = replace(case, calls=(*case.calls, call), steps=max(case.steps, ev.step))
    if ev.draft is not None:  # another one to decide, and not a step up the chain
        return replace(case, held=tuple(replace(h, called=h.called or h.step == ev.draft) for h in case.held))
    if ev.clock is None:
        return replace(case, asked_up=(*case.asked_up, ev.to))
    others = tuple(m for m in case.marks if (m.clock, m.percent, m.to) != (ev.clock, ev.percent, ev.to))
    return replace(case, marks=(*others, Mark(ev.clock, ev.percent, ev.to, ev.at, ev.repeat)))


def _with_call(case: Case, step: int, changed: Callable[[Call], Call]) -> Case:
    return replace(case, calls=tuple(changed(call) if call.step == step else call for call in case.calls))


def _call_failed(case: Case, ev: e.EscalationFailed) -> Case:
    """Once both ways have failed, there is nothing left to be tried."""
    case = _with_call(case, ev.step, lambda call: replace(call, failed=call.failed | {ev.by}))
    return replace(case, calls=tuple(call for call in case.calls if call.failed != {"slack", "email"}))


def _draft_held(case: Case, ev: e.DraftHeld) -> Case:
    draft = HeldDraft(
        ev.step,
        ev.what,
        ev.words,
        ev.why,
        ev.author,
        ev.at,
        case.turn,
        ev.call_at,
        ev.calls,
        ev.promise,
        ev.root_cause,
        ev.cause_words,
        ev.department,
        ev.private,
    )
    return replace(case, held=(*case.held, draft), steps=max(case.steps, ev.step))


def _resolved(case: Case, ev: e.Resolved) -> Case:
    for clock in (ClockName.THANK_YOU, ClockName.NEXT_REPLY):
        case = _new_cycle(case, clock)
    return replace(_to_be_said(_at_rest(case, ev.at)), resolved_at=ev.at, unanswered=())


def _closed(case: Case, ev: e.Closed) -> Case:
    case = _at_rest(case, ev.at)
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
        _to_be_said(case),
        priority=ev.priority,
        resolved_at=None,
        closed_at=None,
        closing_permalink=None,
        waived_by=None,
        resolve_from=ev.at,
        last_word_at=ev.at,
        unanswered=(),
        pauses=(),
        waits=(),
        breached=frozenset(),
        marks=(),
        asked_up=(),
        reopened=case.reopened + 1,
    )


def _dismissed(case: Case, ev: e.Dismissed) -> Case:
    del ev
    return replace(case, ended="dismissed", promise=None)


def _to_be_said(case: Case) -> Case:
    """The last word is still to come, in every thread of the case."""
    threads = tuple(replace(thread, told=False) for thread in case.threads)
    return replace(case, closing_step=None, last_word_url=None, threads=threads)


def _told_in(case: Case, thread: str | None) -> Case:
    """That thread has its last word."""
    own = thread or case.id
    return replace(case, threads=tuple(replace(t, told=True) if t.case == own else t for t in case.threads))


def _took_in(case: Case, ev: e.TookIn) -> Case:
    """The case goes on in more threads. What was owed there is owed here: the earlier promise, and whoever waits longest."""
    known = {thread.case for thread in case.all_threads}
    taken = tuple(replace(thread, told=False) for thread in ev.threads if thread.case not in known)
    own = case.all_threads if case.closed_at is None or case.threads else tuple(replace(t, told=True) for t in case.all_threads)
    case = replace(case, threads=(*own, *taken), cause=case.cause or ev.cause)
    if not case.is_open:
        return case
    if ev.promise is not None and (case.promise is None or case.promise_broken or ev.promise < case.promise):
        case = replace(case, promise=ev.promise, promise_broken=False)
    if ev.waiting_since is None or not ev.threads:
        return case
    if not case.unanswered:  # nobody waits here: the next reply goes where they wait
        case = replace(_new_cycle(case, ClockName.NEXT_REPLY), last_post=ev.threads[0].post, thread=ev.threads[0].case)
    return replace(case, unanswered=tuple(sorted((ev.waiting_since, *case.unanswered)))[:UNANSWERED_AT_MOST])


def _priority_set(case: Case, ev: e.PrioritySet) -> Case:
    return replace(case, priority=ev.priority, recounted_at=ev.at)


def _category_set(case: Case, ev: e.CategorySet) -> Case:
    return replace(case, category=ev.category)


def _clock_breached(case: Case, ev: e.ClockBreached) -> Case:
    return replace(case, breached=case.breached | {ev.clock})


def _promise_broken(case: Case, ev: e.PromiseBroken) -> Case:
    return replace(case, promise_broken=case.promise == ev.promised)


def _watch_ended(case: Case, ev: e.WatchEnded) -> Case:
    del ev
    return replace(case, ended="watch_ended")


def _later(a: datetime | None, b: datetime) -> datetime:
    return b if a is None or b > a else a


def _new_cycle(case: Case, clock: ClockName) -> Case:
    """What the clock waited for has happened, or it starts anew: its breach, its warnings and its calls belong to the cycle before."""
    return replace(case, breached=case.breached - {clock}, marks=tuple(m for m in case.marks if m.clock is not clock))


def _at_rest(case: Case, at: datetime) -> Case:
    """Nobody waits for anybody any more."""
    return replace(
        case,
        ask=None,
        questions=(),
        pauses=_ended(case.pauses, at),
        waits=_ended(case.waits, at),
        wait_until=None,
        snoozed_until=None,
        stalled_at=None,
    )


def _begun(pauses: tuple[Pause, ...], at: datetime) -> tuple[Pause, ...]:
    return pauses if pauses and pauses[-1].until is None else (*pauses, Pause(at))


def _ended(pauses: tuple[Pause, ...], at: datetime) -> tuple[Pause, ...]:
    return pauses if not pauses or pauses[-1].until is not None else (*pauses[:-1], Pause(pauses[-1].since, at))


def _unsaid(case: Case, step: int) -> Case:
    """What the customer will not read may be said again."""
    words = {r.words for r in case.replies if r.step == step}
    return replace(case, said=tuple(one for one in case.said if one not in words))


def _with_reply_state(case: Case, step: int, state: ReplyState) -> Case:
    return replace(case, replies=tuple(replace(r, state=state) if r.step == step else r for r in case.replies))
