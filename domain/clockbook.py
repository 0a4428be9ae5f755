"""The clocks of a case from its beginning on: which ran, when each was due, and whether what it waited for came in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from domain import events as e
from domain.case import Case
from domain.casefile import CaseFile
from domain.clocks import Clock, running
from domain.evolve import evolve
from domain.values import ClockName

State = Literal["running", "paused", "late", "met", "met_late", "called_off"]
_CALLS_OFF = (e.Dismissed, e.WalkedAway, e.Reassigned, e.PostDeleted, e.ThankYouWaived, e.Reopened)
"""After these nothing is owed that a clock measured, though nobody did it."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of a clock. `due_at`: as it stood last; None when it stood still. `ended_at`: None while it runs."""

    name: ClockName
    started_at: datetime
    due_at: datetime | None
    state: State
    ended_at: datetime | None = None


def clockbook(file: CaseFile, now: datetime) -> list[Ran]:
    """All runs of all clocks: those that run, the one due first first, and then those that ended, the last one first.

    Held to the policy that the case is held to now.
    """
    policy, case = file.case_policy, Case(file.case_id)
    clocks: dict[tuple[ClockName, datetime], Clock] = {}
    ended: list[Ran] = []
    for _, entry in file.history:
        case = evolve(case, entry.event)
        after = {(clock.name, clock.started_at): clock for clock in running(case, policy)}
        ended += [_ended(clock, entry.event) for key, clock in clocks.items() if key not in after]
        clocks = after
    live = [Ran(c.name, c.started_at, c.due_at, _state(case, c, now)) for c in clocks.values()]
    live.sort(key=lambda ran: (ran.due_at is None, ran.due_at))
    return [*live, *reversed(ended)]


def _ended(clock: Clock, event: e.Event) -> Ran:
    if isinstance(event, _CALLS_OFF):
        state: State = "called_off"
    else:
        state = "met" if clock.due_at is None or event.at <= clock.due_at else "met_late"
    return Ran(clock.name, clock.started_at, clock.due_at, state, event.at)


def _state(case: Case, clock: Clock, now: datetime) -> State:
    if clock.due_at is None:
        return "paused"
    return "late" if clock.name in case.breached or clock.due_at <= now else "running"
