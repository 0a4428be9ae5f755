"""Whom an escalation means, and by which ways they are reached. Where the policy names nobody, the next one up is meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from domain.casefile import CaseFile
from domain.events import Escalated, EscalationCalledOff, EscalationDelivered
from domain.policy import Person, Policy
from domain.values import Audience


@dataclass(frozen=True, slots=True)
class Target:
    """One person (by their handle in the policy), or a channel. `email`: where a mail goes when Slack does not take it."""

    name: str
    email: str | None
    person: Person | None = None
    handle: str | None = None
    slack_channel: str | None = None


def target(policy: Policy, to: Audience, department: str) -> Target:
    """Whom an escalation to that audience means while that department has the case."""
    return next(_candidates(policy, to, department))


def escalation(file: CaseFile, step: int) -> Escalated | None:
    """The escalation of that step; None once it was delivered or called off, so that there is nobody to call any more."""
    found = None
    for _, entry in file.history:
        event = entry.event
        if isinstance(event, Escalated) and event.step == step:
            found = event
        elif isinstance(event, EscalationDelivered | EscalationCalledOff) and event.step == step:
            return None
    assert found is not None, "a call is on record before anybody is told to make it"
    return found


def _candidates(policy: Policy, to: Audience, department: str) -> Iterator[Target]:
    desk, social, top = policy.departments.get(department), policy.social, policy.escalation
    if to in (Audience.DEPARTMENT, Audience.OWNER) and desk is not None:
        yield Target(desk.name, desk.email, slack_channel=desk.slack_channel)
    people: list[str | None] = []
    if desk is not None and to is Audience.LEAD:
        people = [desk.lead, desk.head, top.duty_manager]
    if desk is not None and to is Audience.HEAD:
        people = [desk.head, top.duty_manager]
    if to is Audience.DUTY_MANAGER:
        people = [top.duty_manager]
    if to is Audience.SOCIAL_LEAD:
        people = [social.lead]
    for handle in people:
        if handle is not None:
            person = policy.people[handle]
            yield Target(person.name, person.email, person, handle)
    if top.slack_channel is not None and to not in (Audience.SOCIAL, Audience.SOCIAL_LEAD):
        yield Target("the escalations channel", top.email, slack_channel=top.slack_channel)
    yield Target(social.name, social.email, slack_channel=social.slack_channel)
