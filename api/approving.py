"""A second person, at the edge, where words can be read: what needs one, who that may be, and a draft in other words."""

from __future__ import annotations

from dataclasses import replace

from adapters.postgres.store import Store
from api.drafting import mind
from domain import commands as c
from domain.approving import are_one, is_trainee, reasons, why_held
from domain.case import HeldDraft
from domain.casefile import CaseFile
from domain.decide_approval import NOT_WAITING, ONLY_ITS_AUTHOR
from domain.errors import LoopkeeperError, NoWording, SaidAlready, ShowsPersonalData, TooLong
from domain.events import DraftHeld

ONLY_ITS_AUTHORS = "A private message is not put in other words by somebody else. Reject it, and say what should be different."
_TRAINEE = c.Refusal("not_allowed", "You are in training here, so somebody else decides on this draft.")
_YOURSELF = c.Refusal(
    "ones_own", "This was written by somebody of your own name, which looks like yourself. Somebody else must approve it."
)


class NotWaiting(LoopkeeperError):
    """A draft waits no more."""


class OnlyItsAuthors(LoopkeeperError):
    """A private message is between its author and the customer: nobody else writes it."""


NOT_EDITABLE = (NotWaiting, OnlyItsAuthors, TooLong, SaidAlready, ShowsPersonalData, NoWording)
"""Why a draft cannot go out in those words; each is a sentence for whoever edits it."""


def with_reasons(store: Store, file: CaseFile, command: c.Command) -> c.Command:
    """The command, with why a second person must look at its words, if it has such."""
    match command:
        case c.Ask():
            return replace(command, reasons=reasons_for(store, file, written(file, command.alone or command.words), command.by.person))
        case c.TakePrivate(words=str(private)):
            return replace(
                command, reasons=reasons_for(store, file, store.reader.text(file.case_id, private, body=True), command.by.person)
            )
        case c.Update() | c.Resolve():
            return replace(command, reasons=reasons_for(store, file, written(file, command.words), command.by.person))
        case _:
            return command


def may_not_decide(store: Store, file: CaseFile, command: c.Command) -> c.Refusal | None:
    """Why this person may not decide on a draft, beside what the rules know: they are in training, or its author by another way in."""
    if not isinstance(command, c.Approve | c.Reject):
        return None
    draft, person = file.case.draft(command.step), command.by.person
    if draft is None or person == draft.author:
        return None
    name = store.people.name(person)
    if is_trainee(file.policy, person, name):
        return _TRAINEE
    return _YOURSELF if isinstance(command, c.Approve) and are_one(name, store.people.name(draft.author)) else None


def will_wait(store: Store, file: CaseFile, body: str, person: str) -> str | None:
    """Why these words would wait for a second person, in a sentence; None when they would go out at once."""
    pressing = (f"priority:{file.case.priority.value}",) if file.case.priority in file.case_policy.approve_priorities else ()
    why = (*pressing, *reasons_for(store, file, body, person))
    return f"It goes out when a second person has approved it: {why_held(why)}." if why else None


def waits(file: CaseFile, command_id: str) -> DraftHeld | None:
    """The draft that a command has led to."""
    caused = (entry.event for _, entry in file.history if entry.cause == command_id)
    return next((event for event in caused if isinstance(event, DraftHeld)), None)


def waiting(file: CaseFile, step: int) -> HeldDraft:
    """The draft of that step. Raises NotWaiting."""
    draft = file.case.draft(step)
    if draft is None:
        raise NotWaiting(NOT_WAITING.reason)
    return draft


def own_draft(file: CaseFile, step: int, person: str) -> HeldDraft:
    """The draft of that step, which this person wrote. Raises NotWaiting."""
    draft = waiting(file, step)
    if draft.author != person:
        raise NotWaiting(ONLY_ITS_AUTHOR.reason)
    return draft


def written(file: CaseFile, words: str) -> str:
    """What a person wrote of a text: its body where that was kept with it, else all of it."""
    return str(file.words.get(words, {}).get("body") or file.text_of(words))


def has_body(file: CaseFile, draft: HeldDraft) -> bool:
    """Whether a draft is composed around a body, so that it can be composed anew."""
    return bool(file.words.get(draft.words, {}).get("body"))


def mind_edit(store: Store, file: CaseFile, draft: HeldDraft, body: str) -> None:
    """See that a draft may go out in other words. Raises OnlyItsAuthors, SaidAlready, ShowsPersonalData."""
    if draft.private is not None:
        raise OnlyItsAuthors(ONLY_ITS_AUTHORS)
    if file.is_said(body, but=draft.step):
        raise SaidAlready(c.SAID_ALREADY)
    mind(store, file, body)


def reasons_for(store: Store, file: CaseFile, text: str, person: str) -> tuple[str, ...]:
    """Why a second person must look at this text, beside the priority of the case."""
    if file.policy.approvals is None:
        return ()
    return reasons(file.policy, text, person, store.people.name(person), file.followers)
