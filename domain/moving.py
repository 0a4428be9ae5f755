"""Holding a case to another version of the policy: whether it can be, and what changes by it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.case import Case
from domain.clocks import running
from domain.policy import CasePolicy, Policy
from domain.values import ClockName


def misfit(case: Case, policy: Policy) -> str | None:
    """Why the case cannot be held to that policy, in a sentence: a part of the case is not in it. None when it can be."""
    categories = (*policy.triage.categories, policy.triage.otherwise)
    for what, name, there in (
        ("brand", case.brand, policy.brands),
        ("channel", case.channel, policy.channels),
        ("department", case.department, policy.departments),
        ("category", case.category, categories),
    ):
        if name not in there:
            return f"The policy {policy.id} has no {what} '{name}', which this case has: {', '.join(there)}."
    return None


@dataclass(frozen=True, slots=True)
class Change:
    """A clock that would be due at another moment. None: it stands still, or does not run."""

    clock: ClockName
    before: datetime | None
    after: datetime | None


def changes(case: Case, before: CasePolicy, after: CasePolicy) -> list[Change]:
    """The running clocks of a case that would be due at another moment under `after`, in the order of their names."""
    due = {clock.name: clock.due_at for clock in running(case, before)}
    then = {clock.name: clock.due_at for clock in running(case, after)}
    return [Change(name, due[name], then[name]) for name in ClockName if name in due and due[name] != then[name]]
