"""What a customer sees of their case on its status page: where it is, and what was promised. No word and no name of anybody is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from domain import events as e
from domain.case import Case
from domain.evolve import fold
from domain.policy import Policy
from domain.sentences import mark, say
from domain.values import PRIVATE_PURPOSES, Status

KEPT = timedelta(days=90)
"""How long the page stays after its case is over."""

State = Literal["done", "now", "to_come"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One step on the way, and when it was reached, where that is known."""

    name: str
    state: State
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """When the customer hears from us, and when we said so. `missed`: that moment has passed without a word of ours."""

    by: datetime
    made_at: datetime | None
    missed: bool


@dataclass(frozen=True, slots=True)
class Followed:
    """A case as its customer may follow it. `brand`: whose it is, by its handle.

    `stands`: where it stands, in a few words; `means`: what that is to them.
    """

    brand: str
    stands: str
    means: str
    stages: tuple[Stage, ...]
    promise: Promise | None
    updated_at: datetime
    over_at: datetime | None

    def is_gone(self, now: datetime) -> bool:
        """Whether the time is over for which the page stays."""
        return self.over_at is not None and now >= self.over_at + KEPT


_AGAIN = say("If something isn't right yet, just write to us again where you did before.")
_RECEIVED = (say("We've got your message"), say("We're finding the right people for it."))
_SAID: dict[Status, tuple[str, str]] = {
    Status.NEW: _RECEIVED,
    Status.ACKNOWLEDGED: _RECEIVED,
    Status.HANDED_OFF: (mark("It's with {team}"), say("Somebody there will take it up, and we'll see to it that they do.")),
    Status.IN_PROGRESS: (say("We're working on it"), mark("Somebody in {team} has taken it up.")),
    Status.WAITING_ON_CUSTOMER: (
        say("We need something from you"),
        say("We've asked you a question where you wrote to us. As soon as you answer, we go on."),
    ),
    Status.WAITING_ON_THIRD_PARTY: (
        say("We're waiting for somebody else"),
        say("We need somebody outside our company for this, and we stay on it."),
    ),
    Status.RESOLVED: (say("It's solved"), _AGAIN),
    Status.CLOSED: (
        say("It's closed"),
        say("Thank you for writing to us. If something isn't right yet, just write to us again where you did before."),
    ),
}
_MERGED = (
    say("It goes on in your other post"),
    say("You wrote to us about this twice. We go on with both together, and you hear from us in public."),
)
_ENDED = (say("It's closed"), say("Nothing more will happen here."))
_WORKING = {
    Status.WAITING_ON_CUSTOMER: say("We need something from you"),
    Status.WAITING_ON_THIRD_PARTY: say("Waiting for somebody else"),
}
_REACHED = {
    Status.NEW: 0,
    Status.ACKNOWLEDGED: 0,
    Status.HANDED_OFF: 1,
    Status.IN_PROGRESS: 2,
    Status.WAITING_ON_CUSTOMER: 2,
    Status.WAITING_ON_THIRD_PARTY: 2,
    Status.RESOLVED: 3,
}
_ENDINGS = e.Closed | e.Dismissed | e.WalkedAway | e.Merged
_SHOWN = (
    e.Opened
    | e.ReplyPosted
    | e.HandedOff
    | e.Accepted
    | e.Reassigned
    | e.AskAnswered
    | e.WaitBegan
    | e.WaitEnded
    | e.Resolved
    | e.Reopened
    | _ENDINGS
)
"""What changes the page, or is a word of ours. A colleague's note does not: nobody outside is to see when people are busy."""


def followed(case_id: str, past: Sequence[e.Event], policy: Policy, now: datetime) -> Followed:
    """How a case stands for its customer after these events, of which the first opens it."""
    case = fold(case_id, past)
    over_at = _over_at(case, past)
    team = _team(case, policy)
    stands, means = _SAID.get(case.status, _ENDED)
    if case.status is Status.MERGED:
        stands, means = _MERGED
    return Followed(
        brand=case.brand,
        stands=say(stands, team=team),
        means=say(means, team=team),
        stages=tuple(_stages(case, past, team, over_at)),
        promise=_promise(case, past, now),
        updated_at=max(event.at for event in past if isinstance(event, _SHOWN) and not _is_private(event)),
        over_at=over_at,
    )


def _team(case: Case, policy: Policy) -> str:
    """Who has it: the department by its name only where the brand wants that."""
    department = policy.departments.get(case.department)
    theirs = policy.brand(case.brand).status_page
    return say("our {name} team", name=department.name) if department is not None and theirs.departments else say("our team")


def _stages(case: Case, past: Sequence[e.Event], team: str, over_at: datetime | None) -> list[Stage]:
    """The way of the case. What is over shows only what it went through."""
    way: list[tuple[str, datetime | None]] = [
        (say("Received"), case.opened_at),
        (say("With {team}", team=team), _last(past, e.HandedOff)),
        (_WORKING.get(case.status, say("Being worked on")), _last(past, e.Accepted)),
        (say("Solved"), case.resolved_at),
        (say("Closed"), over_at),
    ]
    if over_at is not None:
        return [Stage(name, "done", at) for name, at in way if at is not None]
    here = _REACHED[case.status]
    return [
        Stage(name, "done" if number < here else "now" if number == here else "to_come", at if number <= here else None)
        for number, (name, at) in enumerate(way)
    ]


def _promise(case: Case, past: Sequence[e.Event], now: datetime) -> Promise | None:
    if case.promise is None:
        return None
    made = [event.at for event in past if isinstance(event, e.ReplyPosted) and event.promise == case.promise]
    return Promise(case.promise, made[-1] if made else None, missed=case.promise < now)


def _over_at(case: Case, past: Sequence[e.Event]) -> datetime | None:
    """When the case came to its end, if it has; a watch that ends later changes nothing for the customer."""
    if case.closed_at is None and case.ended is None:
        return None
    return case.closed_at or next((event.at for event in reversed(past) if isinstance(event, _ENDINGS)), past[-1].at)


def _last(past: Sequence[e.Event], kind: type[e.HandedOff | e.Accepted]) -> datetime | None:
    return next((event.at for event in reversed(past) if isinstance(event, kind)), None)


def _is_private(event: e.Event) -> bool:
    return isinstance(event, e.ReplyPosted) and event.purpose in PRIVATE_PURPOSES
