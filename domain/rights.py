"""Who may do what to a case: a department acts on its own cases, the social team and leads on all. One table; docs/slack.md shows it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from domain import commands as c
from domain.case import Case
from domain.policy import Policy
from domain.values import Actor, Role

EVERYWHERE = frozenset({Role.SOCIAL, Role.LEAD, Role.ADMIN})
"""Roles that act on every case."""
TAKING_PART: frozenset[type[c.Command]] = frozenset({c.Ask, c.Note})
"""What a department may do that has had the case: its question is still a question, and what it knows still helps."""
SOCIAL_TEAMS: frozenset[type[c.Command]] = frozenset({c.Dismiss, c.WaiveThankYou, c.SettleReply, c.Approve, c.Reject})
"""What only the social team and leads decide: that nothing is answered, whether something was, and what needs a second person."""
NO_DEPARTMENT = "You belong to no department that Loopkeeper knows. Ask an admin to add you to your team's user group in Slack."
ADMINS: frozenset[type[c.Command]] = frozenset({c.MovePolicy})


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who acts, and the departments that they belong to."""

    actor: Actor
    departments: frozenset[str] = frozenset()


def may_not(colleague: Colleague, kind: type[c.Command], case: Case, policy: Policy, had_by: Collection[str] = ()) -> c.Refusal | None:
    """Why this colleague may not do that to this case; None when they may. `had_by`: departments that have had the case before."""
    role, mine = colleague.actor.role, colleague.departments
    if kind in ADMINS:
        return None if role is Role.ADMIN else c.Refusal("not_allowed", "Only an admin can do this.")
    if role in EVERYWHERE:
        return None
    if not mine:
        return c.Refusal("no_department", NO_DEPARTMENT)
    if kind in SOCIAL_TEAMS:
        return c.Refusal("not_allowed", f"Only {policy.social.name} and leads can do this. Write to them in the thread.")
    if case.department in mine or (kind in TAKING_PART and not mine.isdisjoint(had_by)):
        return None
    name = policy.departments[case.department].name if case.department in policy.departments else case.department
    return c.Refusal("not_yours", f"This case is with {name}. Only {name}, {policy.social.name} and leads can do this.")
