"""What the board, the API and the search of Temporal show of a case without reading its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.case import Case
from domain.clocks import owed, running
from domain.policy import CasePolicy
from domain.replying import spoken
from domain.sentences import known, mark, say
from domain.values import CLOSING_PURPOSES, Purpose


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case at a glance. `due_at` and `due_clock`: the running clock that is due first, breached ones included."""

    status: str
    intent: str
    category: str
    priority: str
    department: str
    owner: str | None
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    closing_permalink: str | None
    waived_by: str | None
    ended: str | None
    due_at: datetime | None
    due_clock: str | None
    promise_at: datetime | None
    waiting_since: datetime | None
    breached: tuple[str, ...]
    needs_human: str | None
    stalled_at: datetime | None = None
    policy_id: str | None = None
    merged_into: str | None = None
    cause: int | None = None


def view(case: Case, policy: CasePolicy) -> CaseView:
    """The view of `case`."""
    clocks = sorted((at, c.name) for c in running(case, policy) if (at := c.due_at) is not None)
    return CaseView(
        status=case.status.value,
        intent=case.intent.value,
        category=case.category,
        priority=case.priority.value,
        department=case.department,
        owner=case.owner,
        acknowledged_at=case.acknowledged_at,
        resolved_at=case.resolved_at,
        closed_at=case.closed_at,
        closing_permalink=case.closing_permalink,
        waived_by=case.waived_by,
        ended=case.ended,
        due_at=clocks[0][0] if clocks else None,
        due_clock=clocks[0][1].value if clocks else None,
        promise_at=case.promise,
        waiting_since=case.customer_waiting_since,
        breached=tuple(sorted(c.value for c in case.breached)),
        needs_human=needs_human(case),
        stalled_at=case.stalled_at,
        policy_id=case.policy,
        merged_into=case.merged_into,
        cause=case.cause,
    )


def needs_human(case: Case) -> str | None:
    """Why the social team is needed, read off the facts; None when the loop runs by itself."""
    if case.is_over or (case.closed_at is not None and not any(r.purpose is Purpose.ELSEWHERE for r in case.replies)):
        return None
    unconfirmed = next((r for r in case.replies if r.state == "unconfirmed"), None)
    if unconfirmed is not None:
        return say("the {purpose} may or may not have been posted", purpose=known(spoken(unconfirmed.purpose)))
    failed = next((r for r in case.replies if r.state == "failed"), None)
    if failed is not None:
        return say("the {purpose} was refused by the network", purpose=known(spoken(failed.purpose)))
    if case.closed_at is not None:
        return None
    if case.first_deleted:
        return mark("the customer deleted the post")
    if case.resolved_at is not None and case.planned(*CLOSING_PURPOSES) is None:
        return mark("the thank-you is still owed")
    if case.stalled_at is not None:
        return mark("everybody up the chain was called, and nobody has acted")
    if case.walk_away_proposed:
        return mark("somebody proposes to walk away; a lead decides")
    if case.held:
        return mark("a draft waits for a second person")
    if case.handoff is not None and case.handoff.delivered_by is None and case.handoff.failed == {"slack", "email"}:
        return say("the department {department} cannot be reached", department=case.department)
    return None


def next_moment(case: Case, policy: CasePolicy) -> str:
    """What is owed next, in words for the operator's screen."""
    duties = owed(case, policy)
    if not duties:
        return "nothing is owed by time alone"
    first = duties[0]
    what = f"{first.duty.value} {first.clock.name.value}" if first.clock else first.duty.value.replace("_", " ")
    return f"{what} at {first.at:%Y-%m-%d %H:%M} UTC"
