"""Who may do what. One table of roles and their rights, which docs/access.md shows; and what each may do to a case.

A department reads and acts on its own cases, the social team and leads on all.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from domain import commands as c
from domain.case import Case
from domain.policy import Policy
from domain.sentences import say
from domain.values import Actor, Role


class Right(StrEnum):
    """What somebody who came in over the console or the API may do. A key can be narrowed to some of its role's rights: its scopes."""

    READ_CASES = "read_cases"
    OPEN_CASES = "open_cases"
    ACT = "act"
    READ_PRIVATE = "read_private"
    READ_UNREADABLE = "read_unreadable"
    RETRY_UNREADABLE = "retry_unreadable"
    LINK_CUSTOMERS = "link_customers"
    READ_REPORTS = "read_reports"
    READ_OWNERS = "read_owners"
    READ_POLICY = "read_policy"
    CHANGE_POLICY = "change_policy"
    EXPORT = "export"
    ERASE = "erase"
    SHARE_CAUSES = "share_causes"
    MANAGE_ACCESS = "manage_access"
    MANAGE_WEBHOOKS = "manage_webhooks"


PEOPLE = frozenset({Role.SOCIAL, Role.LEAD, Role.DEPARTMENT, Role.AUDITOR, Role.PRIVACY, Role.ADMIN})
"""Roles that somebody can sign in with, or a key can have."""
EVERYWHERE = frozenset({Role.SOCIAL, Role.LEAD, Role.ADMIN})
"""Roles that act on every case."""
RIGHTS: dict[Right, frozenset[Role]] = {
    Right.READ_CASES: PEOPLE,
    Right.OPEN_CASES: EVERYWHERE | {Role.DEPARTMENT},
    Right.ACT: EVERYWHERE | {Role.DEPARTMENT},
    Right.READ_PRIVATE: EVERYWHERE,
    Right.READ_UNREADABLE: PEOPLE - {Role.DEPARTMENT},
    Right.RETRY_UNREADABLE: EVERYWHERE,
    Right.LINK_CUSTOMERS: EVERYWHERE,
    Right.READ_REPORTS: PEOPLE,
    Right.READ_OWNERS: frozenset({Role.LEAD, Role.ADMIN}),
    Right.READ_POLICY: PEOPLE,
    Right.CHANGE_POLICY: frozenset({Role.ADMIN}),
    Right.EXPORT: frozenset({Role.AUDITOR, Role.PRIVACY}),
    Right.ERASE: frozenset({Role.PRIVACY}),
    Right.SHARE_CAUSES: EVERYWHERE,
    Right.MANAGE_ACCESS: frozenset({Role.ADMIN}),
    Right.MANAGE_WEBHOOKS: frozenset({Role.ADMIN}),
}
"""Which roles have a right. A department has those of reading and acting for its own cases only."""
STEP_UP = frozenset({Right.EXPORT, Right.ERASE})
"""Rights that somebody has only shortly after they have proved who they are, and a key only when they stand among its scopes."""

TAKING_PART: frozenset[type[c.Command]] = frozenset({c.Ask, c.Note})
"""What a department may do that has had the case: its question is still a question, and what it knows still helps."""
SOCIAL_TEAMS: frozenset[type[c.Command]] = frozenset(
    {c.Dismiss, c.WaiveThankYou, c.SettleReply, c.Approve, c.Reject, c.Merge, c.JoinSharedCause, c.LeaveSharedCause}
)
"""What only the social team and leads decide: that nothing is answered, whether something was, what needs a second person, which cases
are one, and which have one cause."""
NO_DEPARTMENT = say("You belong to no department that Loopkeeper knows. Ask an admin to add you to your team's user group in Slack.")
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
        return None if role is Role.ADMIN else c.Refusal("not_allowed", say("Only an admin can do this."))
    if role in EVERYWHERE:
        return None
    if not mine:
        return c.Refusal("no_department", NO_DEPARTMENT)
    if kind in SOCIAL_TEAMS:
        return _social_teams_alone(policy)
    if case.department in mine or (kind in TAKING_PART and not mine.isdisjoint(had_by)):
        return None
    name = policy.departments[case.department].name if case.department in policy.departments else case.department
    return c.Refusal(
        "not_yours", say("This case is with {team}. Only {team}, {social} and leads can do this.", team=name, social=policy.social.name)
    )


def may_not_share_causes(colleague: Colleague, policy: Policy) -> c.Refusal | None:
    """Why this colleague may not speak to the customers of a shared cause; None when they may."""
    if colleague.actor.role in RIGHTS[Right.SHARE_CAUSES]:
        return None
    return _social_teams_alone(policy) if colleague.departments else c.Refusal("no_department", NO_DEPARTMENT)


def _social_teams_alone(policy: Policy) -> c.Refusal:
    return c.Refusal("not_allowed", say("Only {name} and leads can do this. Write to them in the thread.", name=policy.social.name))


def may_see(colleague: Colleague, department: str, had_by: Collection[str] = ()) -> bool:
    """Whether this colleague may read a case that is with that department; those that had it may, since they may still ask and note."""
    if colleague.actor.role is Role.DEPARTMENT:
        return department in colleague.departments or not colleague.departments.isdisjoint(had_by)
    return colleague.actor.role in PEOPLE
