"""What can be done to a case beside speaking to the customer: what each needs, the command that it becomes, and what is told then.

Slack and the console share it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from adapters.slack.forms import DISMISSALS, Doing
from api.acting import Acting
from domain import commands as c
from domain.casefile import CaseFile
from domain.errors import LoopkeeperError
from domain.rights import Colleague, may_not
from domain.sentences import say
from domain.values import Actor, Priority, Role

DOINGS: dict[Doing, type[c.Command]] = {
    "note": c.Note,
    "escalate": c.EscalateNow,
    "snooze": c.Snooze,
    "wait": c.WaitOnThirdParty,
    "resume": c.Resume,
    "priority": c.SetPriority,
    "category": c.SetCategory,
    "dismiss": c.Dismiss,
    "walk_away": c.WalkAway,
    "waive": c.WaiveThankYou,
    "reopen": c.Reopen,
    "merge": c.Merge,
    "cause": c.JoinSharedCause,
}
LEADING = frozenset({Role.LEAD, Role.ADMIN})
"""Whose word ends a case that is walked away from."""
_DONE: dict[Doing, str] = {
    "note": say("Your note is in the thread."),
    "escalate": say("They are being called."),
    "snooze": say("No reminders until then."),
    "wait": say("The case waits; the resolve clock stands still."),
    "resume": say("The case is back in work."),
    "priority": say("The priority is changed, and every clock with it."),
    "category": say("The category is changed."),
    "dismiss": say("The case is dismissed."),
    "walk_away": say("A lead is asked to confirm it."),
    "waive": say("The loop is closed without a thank-you."),
    "reopen": say("The case is open again."),
    "merge": say("The case goes on in the other one."),
    "cause": say("The case shares that cause now."),
}
CHOSEN: frozenset[Doing] = frozenset({"priority", "category", "dismiss", "merge", "cause"})
"""What depends on a choice that is still to be made."""


def done(do: Doing, by: Actor) -> str:
    """What is told to whoever did it."""
    return say("We walk away: nothing more is answered there.") if do == "walk_away" and by.role in LEADING else _DONE[do]


class Incomplete(LoopkeeperError):
    """Something is missing in what was filled in; the text is a sentence for whoever did."""


def offered(file: CaseFile, colleague: Colleague) -> list[Doing]:
    """What "More…" offers to this colleague, who may see the case, as it stands."""
    case = file.case
    doings: list[Doing] = ["note", "priority", "category", "merge", "cause", "dismiss", "walk_away"]
    if not case.is_open:
        doings = ["note", "reopen", *(["waive"] if case.closed_at is None else [])]  # type: ignore[list-item]
    had = colleague.departments  # they see it, so they have it or had it
    return [do for do in doings if not case.is_over and may_not(colleague, DOINGS[do], case, file.policy, had) is None]


@dataclass(frozen=True, slots=True)
class Filled:
    """What was given: words, a choice, a moment."""

    words: str | None = None
    choice: str | None = None
    until: datetime | None = None


_NEEDS_WORDS = frozenset({"note", "wait", "walk_away", "waive"})
_Make = Callable[[str, Actor, str | None, Filled], c.Command]


def _snooze(command_id: str, by: Actor, words: str | None, filled: Filled) -> c.Command:
    if filled.until is None:
        raise Incomplete(say("Until when? Choose a moment."))
    return c.Snooze(command_id, by, filled.until, words)


def _dismiss(command_id: str, by: Actor, words: str | None, filled: Filled) -> c.Command:
    if filled.choice not in DISMISSALS:
        raise Incomplete(say("Why? Choose one: {choices}", choices=", ".join(DISMISSALS)))
    return c.Dismiss(command_id, by, filled.choice, words)  # type: ignore[arg-type]  # checked above


def _priority(command_id: str, by: Actor, words: str | None, filled: Filled) -> c.Command:
    del words
    if filled.choice not in {p.value for p in Priority}:
        raise Incomplete(say("Which priority? urgent, high, normal or low."))
    return c.SetPriority(command_id, by, Priority(filled.choice))


def _merge(command_id: str, by: Actor, words: str | None, filled: Filled) -> c.Command:
    if not filled.choice:
        raise Incomplete(WHICH_CASE)
    return c.Merge(command_id, by, filled.choice, words)


def _cause(command_id: str, by: Actor, words: str | None, filled: Filled) -> c.Command:
    del words
    found = _A_CAUSE.match((filled.choice or "").strip())
    if found is None:
        raise Incomplete(say("Which cause? Write its number."))
    return c.JoinSharedCause(command_id, by, int(found[1]))


_A_CAUSE = re.compile(r"[cC#]?([0-9]{1,12})\Z")
WHICH_CASE = say("Into which case? Write its number.")
_A_NUMBER = re.compile(r"#?([0-9]{1,12})\Z")

MADE: dict[Doing, _Make] = {
    "note": lambda i, by, words, _: c.Note(i, by, words or ""),
    "escalate": lambda i, by, words, _: c.EscalateNow(i, by, words),
    "snooze": _snooze,
    "wait": lambda i, by, words, filled: c.WaitOnThirdParty(i, by, words or "", filled.until),
    "resume": lambda i, by, _words, _filled: c.Resume(i, by),
    "priority": _priority,
    "category": lambda i, by, _, filled: c.SetCategory(i, by, filled.choice or ""),
    "dismiss": _dismiss,
    "walk_away": lambda i, by, words, _: c.WalkAway(i, by, words or ""),
    "waive": lambda i, by, words, _: c.WaiveThankYou(i, by, words or ""),
    "reopen": lambda i, by, _words, _filled: c.Reopen(i, by),
    "merge": _merge,
    "cause": _cause,
}


async def _case_of(acting: Acting, number: str | None) -> str:
    """The case that somebody means by its number."""
    found = _A_NUMBER.match((number or "").strip())
    if found is None:
        raise Incomplete(WHICH_CASE)
    case = await acting.numbered(int(found[1]))
    if case is None:
        raise Incomplete(say("There is no case #{found}.", found=found[1]))
    return case


async def command(acting: Acting, case_id: str, do: Doing, actor: Actor, command_id: str, filled: Filled) -> c.Command:
    """The command that a form, or a line of `/case`, asks for; its words are kept. Raises Incomplete when something is missing in it."""
    if do == "merge":
        filled = replace(filled, choice=await _case_of(acting, filled.choice))
    words = await acting.keep(case_id, filled.words) if filled.words else None
    if do in _NEEDS_WORDS and words is None:
        raise Incomplete(say("Write a reason first: it stands in the case's history."))
    return MADE[do](command_id, actor, words, filled)
