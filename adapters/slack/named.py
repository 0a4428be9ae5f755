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
    email: str | None
    slack: str | None
    role: str


def channels(policy: Policy) -> list[Named]:
    """Every channel, once, with all for whom it is."""
    return _once(
        [
            Named(policy.social.slack_channel, policy.social.name),
            *(Named(desk.slack_channel, desk.name) for desk in policy.departments.values()),
            *([Named(policy.escalation.slack_channel, "escalations")] if policy.escalation.slack_channel is not None else []),
        ]
    )


def groups(policy: Policy) -> list[Named]:
    """Every user group, once, with all for whom it is."""
    desks = [policy.social, *policy.departments.values()]
    return _once([Named(desk.slack_group, desk.name) for desk in desks if desk.slack_group is not None])


def colleagues(policy: Policy) -> list[Colleague]:
    """Every person who may be called, once, with all that they are called as."""
    roles: dict[str, list[str]] = {}
    for desk in (*policy.departments.values(), policy.social):
        for handle, role in ((desk.lead, "lead"), (desk.head, "head")):
            if handle is not None:
                roles.setdefault(handle, []).append(f"{role} of {desk.name}")
    if policy.escalation.duty_manager is not None:
        roles.setdefault(policy.escalation.duty_manager, []).append("manager on duty")
    people = [(policy.people[handle], ", ".join(of)) for handle, of in roles.items()]
    return [Colleague(person.name, person.email, person.slack, role) for person, role in people]


def _once(named: list[Named]) -> list[Named]:
    whose: dict[str, list[str]] = {}
    for one in named:
        whose.setdefault(one.name, []).append(one.whose)
    return [Named(name, ", ".join(dict.fromkeys(who))) for name, who in whose.items()]
