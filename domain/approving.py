"""What a second person is asked to look at: which words need one, by the policy, and how that is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.policy import Person, Policy
from domain.sentences import joined, known, say
from domain.triage import phrases_in
from domain.values import Drafted

REACH, TRAINEE, CUSTOMERS = "reach", "trainee", "customers"

DRAFTS: Mapping[Drafted, str] = {
    "ask": say("question"),
    "update": say("update"),
    "resolve": say("resolution"),
    "take_private": say("private message"),
}
"""What people call a draft."""


def reasons(policy: Policy, text: str, person: str, name: str | None, followers: int | None) -> tuple[str, ...]:
    """Why a second person must look at these words, beside the priority of the case; as it stands on record, none of the words in it.

    `person`, `name`: of whoever wrote them, as far as we know. `followers`: how many the customer has, if the network told.
    """
    rules = policy.approvals
    if rules is None:
        return ()
    found = phrases_in(text, rules.phrases)
    if rules.reach_above is not None and followers is not None and followers > rules.reach_above:
        found.append(REACH)
    if is_trainee(policy, person, name):
        found.append(TRAINEE)
    return tuple(found)


def is_trainee(policy: Policy, person: str, name: str | None) -> bool:
    """Whether somebody is among the trainees: by their Slack id, else by their name. A namesake counts too."""
    trainees = policy.approvals.trainees if policy.approvals is not None else ()
    return any(_is(policy.people[handle], person, name) for handle in trainees)


def are_one(name: str | None, other: str | None) -> bool:
    """Whether two ids stand for one human, as far as names tell: they come in by Slack, over the API, by a link in a mail."""
    return bool(name and other) and _folded(name) == _folded(other)


def why_held(why: Sequence[str]) -> str:
    """Why a draft waits, in words."""
    lists: dict[str, list[str]] = {}
    told = []
    for reason in why:
        name, _, what = reason.partition(":")
        if name == "priority":
            told.append(say("the case is {what}", what=known(what)))
        elif what:
            lists.setdefault(name, []).append(what)
    told += [say("words of {name} ({phrases})", name=known(name), phrases=", ".join(phrases)) for name, phrases in lists.items()]
    told += [_PLAIN[reason] for reason in why if reason in _PLAIN]
    return joined("; ", told)


_PLAIN = {
    REACH: say("the customer reaches many"),
    TRAINEE: say("its author is in training"),
    CUSTOMERS: say("it goes to many customers at once"),
}


def _is(known: Person, person: str, name: str | None) -> bool:
    if known.slack is not None and person == f"slack:{known.slack}":
        return True
    if name is None:
        return False
    alone = " " not in _folded(name)  # whoever comes by a link in a mail gives a first name
    return _folded(name) == (_folded(known.name).split(" ")[0] if alone else _folded(known.name))


def _folded(name: str | None) -> str:
    return " ".join((name or "").split()).casefold()
