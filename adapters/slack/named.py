"""Whom and what in Slack a policy names. A place in the policy that names a channel, a group or a person has one line here."""

from __future__ import annotations

from dataclasses import dataclass

from domain.policy import Policy


@dataclass(frozen=True, slots=True)
class Named:
    """A channel or a user group as the policy names it, and for whom."""

    name: str
    whose: str


@dataclass(frozen=True, slots=True)
class Colleague:
    """A person whom the policy names, and as what."""

    name: str
    email: str
    slack: str | None
    role: str


def channels(policy: Policy) -> list[Named]:
    """Every channel, once, with all for whom it is."""
    return _once(
        [
            Named(policy.social.slack_channel, policy.social.name),
            *(Named(desk.slack_channel, desk.name) for desk in policy.departments.values()),
        ]
    )


def groups(policy: Policy) -> list[Named]:
    """Every user group, once, with all for whom it is."""
    desks = [policy.social, *policy.departments.values()]
    return _once([Named(desk.slack_group, desk.name) for desk in desks if desk.slack_group is not None])


def colleagues(_policy: Policy) -> list[Colleague]:
    """Every person. A policy names none yet: its e-mail addresses are mailboxes."""
    return []


def _once(named: list[Named]) -> list[Named]:
    whose: dict[str, list[str]] = {}
    for one in named:
        whose.setdefault(one.name, []).append(one.whose)
    return [Named(name, ", ".join(dict.fromkeys(who))) for name, who in whose.items()]
