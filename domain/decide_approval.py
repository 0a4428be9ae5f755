"""The rules for a second person: which words wait for one, what their approval makes happen, and why it may be refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from domain import commands as c
from domain import events as e
from domain.case import Case, HeldDraft
from domain.clocks import running
from domain.policy import CasePolicy
from domain.replying import Events, after
from domain.rights import EVERYWHERE
from domain.sentences import mark, say
from domain.values import Audience, ClockName, Role

Words = c.Ask | c.Update | c.TakePrivate | c.Resolve
"""The commands whose words can wait for a second person."""

_WORDS_OWED = (ClockName.ACKNOWLEDGE, ClockName.HOLDING_UPDATE, ClockName.NEXT_REPLY, ClockName.THANK_YOU)

NOT_WAITING = c.Refusal(
    "not_waiting", say("This draft waits no more: somebody has decided on it, or the case went on without it. The case's story says which.")
)
_ONES_OWN = c.Refusal("ones_own", "You wrote this yourself. Somebody else must approve it.")
ONLY_ITS_AUTHOR = c.Refusal("not_yours", say("Somebody else wrote this draft. Approve it, in other words if need be, or reject it."))
_ANOTHER_KIND = c.Refusal("another_kind", "Those words are not what waited. Take the draft back, and write anew.")
WRITTEN_ANEW = mark("its author has written it anew")
"""Why a draft goes out no more whose author put another in its place."""
_NOT_ALLOWED = c.Refusal("not_allowed", "Only the social team and leads approve drafts.")
_STALE = c.Refusal("stale", "Something has happened in this case since this was written. Read it again, and approve it if it still fits.")
_PROMISE_IS_OVER = c.Refusal(
    "promise_is_over", say("This text promises the next word by a moment that is over. Edit it, and it names a later one; or reject it.")
)


def needs_second_person(case: Case, command: Words, policy: CasePolicy) -> tuple[str, ...]:
    """Why these words need a second person; empty when they may go out at once, as a line that only gives our address does."""
    if isinstance(command, c.TakePrivate) and command.words is None:
        return ()
    pressing = (f"priority:{case.priority.value}",) if case.priority in policy.approve_priorities else ()
    return (*pressing, *command.reasons)


def held(
    case: Case, command: Words, why: tuple[str, ...], policy: CasePolicy, now: datetime, before: HeldDraft | None = None
) -> e.DraftHeld:
    """The draft that waits. A question that would have joined another one, which goes out meanwhile, waits by itself.

    `before`: the draft in the place of which its author has put it. Whoever is to be called about it is called no later for that.
    """
    words, private, department = _words_of(command)
    return e.DraftHeld(
        now,
        case.steps + 1,
        command.kind,
        words,
        why,
        command.by.person,
        _call_at(case, policy, now) if before is None or before.called else min(before.call_at, _call_at(case, policy, now)),
        Audience.ESCALATIONS if command.by.role in (Role.LEAD, Role.ADMIN) else Audience.SOCIAL_LEAD,
        promise=command.promise if isinstance(command, c.Update) else None,
        root_cause=command.root_cause if isinstance(command, c.Resolve) else None,
        cause_words=command.cause_words if isinstance(command, c.Resolve) else None,
        department=department,
        private=private,
        before=before.words if before is not None and before.words != words else None,
    )


def replaced(case: Case, command: Words, now: datetime) -> Events | c.Refusal:
    """What becomes of the draft in the place of which its author puts these words, while it waits; nothing when they replace none."""
    if command.replaces is None:
        return []
    draft = case.draft(command.replaces)
    if draft is None:
        return NOT_WAITING
    if draft.author != command.by.person:
        return ONLY_ITS_AUTHOR
    if draft.what != command.kind:
        return _ANOTHER_KIND
    return [*_calls_off(case, draft, now), e.DraftDropped(now, draft.step, draft.what, draft.author, WRITTEN_ANEW)]


def _call_at(case: Case, policy: CasePolicy, now: datetime) -> datetime:
    """When half of the time is over until the customer is owed a word."""
    return now + max(_next_word_due(case, policy, now) - now, timedelta(0)) / 2


def _words_of(command: Words) -> tuple[str, str | None, str | None]:
    """The public words of a command, its private ones, and the department for which it asks."""
    match command:
        case c.Ask():
            return command.alone or command.words, None, command.department
        case c.TakePrivate():
            return command.public, command.words, None
        case c.Update() | c.Resolve():
            return command.words, None, None


def _next_word_due(case: Case, policy: CasePolicy, now: datetime) -> datetime:
    """By when the customer is owed the next word; when nothing says so, as soon as if they had just written."""
    moments = [at for clock in running(case, policy) if clock.name in _WORDS_OWED and (at := clock.due_at) is not None]
    if case.promise is not None and not case.promise_broken:
        moments.append(case.promise)
    return min(moments, default=now + policy.clocks.next_reply.of(case.priority))


def approve(case: Case, command: c.Approve, now: datetime, say: Callable[[Case, Words], Events | c.Refusal]) -> Events | c.Refusal:
    """What an approval makes happen: what the author's command would have. `say`: the rules for words that may go out."""
    draft = case.draft(command.step)
    if draft is None:
        return NOT_WAITING
    refusal = _may_not_approve(case, draft, command, now)
    if refusal is not None:
        return refusal
    words = command.words or draft.words
    before = draft.words if words != draft.words else None
    approved: Events = [*_calls_off(case, draft, now), e.DraftApproved(now, draft.step, draft.what, words, draft.author, before)]
    said = say(after(case, approved), _as_command(draft, command, words))
    if isinstance(said, c.Refusal):
        return said
    return [
        *approved,
        *(replace(event, author=draft.author) if isinstance(event, e.Resolved | e.ReplyPlanned) else event for event in said),
    ]


def reject(case: Case, command: c.Reject, now: datetime) -> Events | c.Refusal:
    """A draft does not go out. Whoever wrote it may take it back so."""
    draft = case.draft(command.step)
    if draft is None:
        return NOT_WAITING
    if command.by.role not in EVERYWHERE:
        return _NOT_ALLOWED
    return [*_calls_off(case, draft, now), e.DraftRejected(now, draft.step, draft.what, command.words, draft.author)]


def _may_not_approve(case: Case, draft: HeldDraft, command: c.Approve, now: datetime) -> c.Refusal | None:
    if command.by.role not in EVERYWHERE:
        return _NOT_ALLOWED
    if command.by.person == draft.author:
        return _ONES_OWN
    if case.turn > (draft.turn if command.seen is None else command.seen):
        return _STALE
    promise = draft.promise if command.words is None else command.promise
    return _PROMISE_IS_OVER if promise is not None and promise <= now else None


def _as_command(draft: HeldDraft, command: c.Approve, words: str) -> Words:
    """What the author wanted, in the words that were approved."""
    author = replace(command.by, person=draft.author)
    match draft.what:
        case "ask":
            return c.Ask(command.id, author, words, draft.department)
        case "update":
            return c.Update(command.id, author, words, draft.promise if command.words is None else command.promise)
        case "take_private":
            return c.TakePrivate(command.id, author, words, draft.private)
        case "resolve":
            return c.Resolve(command.id, author, draft.root_cause or "", words, draft.cause_words)


def _calls_off(case: Case, draft: HeldDraft, now: datetime) -> Events:
    """Nobody needs to be called about it any more."""
    calls = [call for call in case.calls if call.draft == draft.step]
    return [e.EscalationCalledOff(now, call.step, call.to, mark("the draft was decided on")) for call in calls]
