"""A policy file before it is put in force: whether it is usable, what might be meant otherwise, and what it would change."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from domain.errors import LoopkeeperError, PolicyError, Problem
from domain.files import line_of, read_policy
from domain.hours import Hours
from domain.policy import Policy
from domain.values import Priority
from domain.wording import Wording

Holidays = Callable[[Hours], Iterable[date]]
"""Finds the public holidays of a calendar. Raises LoopkeeperError when it names a country that is not known."""
CONTEXT_LINES = 3
"""So many lines that are the same are shown around those that are not."""


def checked(text: str, source: str, wording: Wording, holidays: Holidays) -> tuple[Policy, list[str]]:
    """The policy as it would be put in force with that wording, and hints. Raises PolicyError."""
    policy = read_policy(text, source).worded(wording)
    found, problems = {}, []
    for name, hours in policy.calendars.items():
        try:
            found[name] = holidays(hours)
        except LoopkeeperError as error:
            path = ("calendars", name, "public_holidays")
            problems.append(Problem(line_of(text, path), ".".join(path), str(error)))
    if problems:
        raise PolicyError(source, problems)
    return policy.dated(found), list(hints(policy))


def hints(policy: Policy) -> Iterator[str]:
    """What is not wrong with a policy, and yet might be meant otherwise."""
    for name, hours in policy.calendars.items():
        if hours.public_holidays is not None:
            yield (
                f"calendars.{name} is closed on the public holidays of {hours.public_holidays}. "
                "They are found when the policy is put in force: do that again once a year"
            )
    for name, person in policy.people.items():
        if person.email is None:
            yield f"people.{name} has no email, so nobody can call {person.name} while Slack is away"
    yield from _hints_on_approvals(policy)
    for name, desk in policy.departments.items():
        if desk.calendar is None:
            yield f"departments.{name} has no calendar, so its clocks run around the clock"
        if desk.lead is None:
            yield f"departments.{name} has no lead; in their place the next one up is called"


def _hints_on_approvals(policy: Policy) -> Iterator[str]:
    rules = policy.approvals
    if rules is None:
        return
    if not (rules.priorities or rules.phrases or rules.reach_above or rules.trainees):
        yield "approvals names no rule, so nobody's words wait for a second person"
    if set(Priority) <= set(rules.priorities):
        yield "approvals.priorities names every priority, so everything that people say waits for a second person"
    for handle in rules.trainees:
        if policy.people[handle].slack is None:
            yield f"people.{handle} is in training and has no slack id, so they are known by their name alone: {policy.people[handle].name}"
    if policy.social.lead is None:
        yield "social has no lead; about a draft that waits for long, the social team's channel is told once more"


@dataclass(frozen=True, slots=True)
class Changed:
    """A key that means something else in another policy, as people write both; None: it is not there."""

    key: str
    before: str | None
    after: str | None


def changed(before: Policy, after: Policy) -> list[Changed]:
    """What another policy says otherwise, key by key, however its file is written. Of lists, what is gone and what is new."""
    old, new = dict(_flat(before.model_dump(mode="json"))), dict(_flat(after.model_dump(mode="json")))
    keys = list(dict.fromkeys((*old, *new)))
    return [_change(key, old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)]


_Leaf = str | tuple[str, ...]


def _flat(value: Any, above: str = "") -> Iterator[tuple[str, _Leaf]]:
    """Every key that says something, with what it says: a text, or texts in a row."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{above}.{key}" if above else key)
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{above}[{number}]")
    elif isinstance(value, list):
        if value:
            yield above, tuple(map(_said, value))
    elif value is not None:
        yield above, _said(value)


def _said(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _change(key: str, before: _Leaf | None, after: _Leaf | None) -> Changed:
    if isinstance(before, tuple) and isinstance(after, tuple) and set(before) != set(after):
        gone, new = (", ".join(one for one in these if one not in those) for these, those in ((before, after), (after, before)))
        return Changed(key, gone or None, new or None)
    return Changed(key, _joined(before), _joined(after))


def _joined(leaf: _Leaf | None) -> str | None:
    return ", ".join(leaf) if isinstance(leaf, tuple) else leaf


@dataclass(frozen=True, slots=True)
class Line:
    """A line of two texts held against each other; its numbers in both, from 1. `left_out`: so many equal lines stand here, not shown."""

    kind: Literal["same", "gone", "new", "left_out"]
    before: int | None
    after: int | None
    text: str
    left_out: int = 0


def lines_of(before: str, after: str) -> list[Line]:
    """Two texts held against each other, line by line; far from any difference lines are left out. Nothing when they are equal."""
    old, new = before.splitlines(), after.splitlines()
    shown: list[Line] = []
    upto = 0
    for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT_LINES):
        first = group[0][1]
        if first > upto:
            shown.append(Line("left_out", None, None, "", first - upto))
        for kind, old_from, old_to, new_from, new_to in group:
            if kind == "equal":
                shown += [Line("same", old_from + i + 1, new_from + i + 1, old[old_from + i]) for i in range(old_to - old_from)]
                continue
            shown += [Line("gone", i + 1, None, old[i]) for i in range(old_from, old_to)]
            shown += [Line("new", None, i + 1, new[i]) for i in range(new_from, new_to)]
        upto = group[-1][2]
    if shown and upto < len(old):
        shown.append(Line("left_out", None, None, "", len(old) - upto))
    return shown
