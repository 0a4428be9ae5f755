"""A policy file before it is put in force: whether it is usable, what might be meant otherwise, and what it would change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any, Literal

from domain.durations import parse_duration, write_working_time
from domain.errors import LoopkeeperError, PolicyError, Problem
from domain.files import line_of, read_policy
from domain.hours import Hours
from domain.policy import Policy
from domain.speaking import SPEECHES
from domain.values import Priority
from domain.wording import Wording

Holidays = Callable[[Hours], Iterable[date]]
"""Finds the public holidays of a calendar. Raises LoopkeeperError when it names a country that is not known."""
CONTEXT_LINES = 3
"""So many lines that are the same are shown around those that are not."""
MOST_DIFFERENCES = 800
"""Of texts that differ in more lines all are shown, the old ones and then the new ones."""


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
    return policy.dated(found), [*hints(policy), *_hints_on_languages(policy, wording)]


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
    for name, channel in policy.channels.items():
        if "private" in channel.status_link and not channel.private_messages:
            yield f"channels.{name}.status_link names private, and there are no private messages there"


def _hints_on_languages(policy: Policy, wording: Wording) -> Iterator[str]:
    spoken = [wording.language, *(one.language for one in wording.also)]
    for name, brand in policy.brands.items():
        if brand.language is not None and brand.language not in spoken:
            yield f"brands.{name}.language is {brand.language}, and the wording has only {', '.join(spoken)}: it speaks {wording.language}"
    for language in spoken:
        if language not in SPEECHES:
            yield f"the wording's language is {language}; greetings and moments in it are in English, there are {', '.join(SPEECHES)}"


def _hints_on_approvals(policy: Policy) -> Iterator[str]:
    rules = policy.approvals
    if rules is None:
        return
    if not (rules.priorities or rules.phrases or rules.reach_above or rules.customers_above or rules.trainees):
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
    old, new = _told(before), _told(after)
    keys = list(dict.fromkeys((*old, *new)))
    return [_change(key, old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)]


_Leaf = str | tuple[str, ...]


def _told(policy: Policy) -> dict[str, _Leaf]:
    """Every key with what it says."""
    flat = _flat(policy.model_dump(mode="json"))
    return {key: _worked(leaf) if key.startswith("clocks.") else leaf for key, leaf in flat}


def _worked(leaf: _Leaf) -> _Leaf:
    """A clock's duration, which is of working time."""
    value = parse_duration(leaf)
    assert isinstance(value, timedelta), "a clock has durations alone"
    return write_working_time(value)


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
    if old == new:
        return []
    whole: list[Line] = []
    at_old = at_new = 0
    for i, j in (*_same(old, new), (len(old), len(new))):
        whole += [Line("gone", n + 1, None, old[n]) for n in range(at_old, i)]
        whole += [Line("new", None, n + 1, new[n]) for n in range(at_new, j)]
        if i < len(old):
            whole.append(Line("same", i + 1, j + 1, old[i]))
        at_old, at_new = i + 1, j + 1
    near = {n + by for n, line in enumerate(whole) if line.kind != "same" for by in range(-CONTEXT_LINES, CONTEXT_LINES + 1)}
    shown: list[Line] = []
    for is_near, run in groupby(enumerate(whole), key=lambda numbered: numbered[0] in near):
        lines = [line for _, line in run]
        shown += lines if is_near else [Line("left_out", None, None, "", len(lines))]
    return shown


def _same(old: list[str], new: list[str]) -> list[tuple[int, int]]:
    """Which lines of two texts are the same, as few others as can be; none when more than `MOST_DIFFERENCES` are not.

    E. W. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986): its time is bounded however often lines repeat.
    """
    ends, furthest, rounds = len(old) - len(new), {1: 0}, list[dict[int, int]]()
    for d in range(min(MOST_DIFFERENCES, len(old) + len(new)) + 1):
        rounds.append(dict(furthest))
        for k in range(-d, d + 1, 2):
            x = furthest[k + 1] if _comes_down(furthest, d, k) else furthest[k - 1] + 1
            while x < len(old) and x - k < len(new) and old[x] == new[x - k]:
                x += 1
            furthest[k] = x
        if furthest.get(ends, -1) >= len(old):
            return _traced(rounds, len(old), len(new))
    return []


def _comes_down(furthest: dict[int, int], d: int, k: int) -> bool:
    return k == -d or (k != d and furthest[k - 1] < furthest[k + 1])


def _traced(rounds: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    for d in range(len(rounds) - 1, -1, -1):
        k = x - y
        from_k = k + 1 if _comes_down(rounds[d], d, k) else k - 1
        from_x = rounds[d][from_k]
        while x > from_x and y > from_x - from_k and x > 0 and y > 0:
            x, y = x - 1, y - 1
            pairs.append((x, y))
        x, y = from_x, from_x - from_k
    return pairs[::-1]
