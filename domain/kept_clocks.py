"""What became of a case's clocks: each that ever ran, when it was due, and when what it waits for happened. Read off the history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import groupby

from domain import events as e
from domain.case import Case
from domain.clocks import Clock, running
from domain.evolve import evolve
from domain.history import Entry
from domain.policy import CasePolicy
from domain.values import ASIDE, ClockName, Pause


class Became(StrEnum):
    """What became of a clock."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    MET_LATE = "met_late"
    OVER = "over"
    """What it waits for was not owed any more: the case ended, or went to another department."""


@dataclass(frozen=True, slots=True)
class KeptClock:
    """One run of a clock. `cycle` counts the runs of the same clock in the case, from 1. Moments are the loop's time.

    `due_at`: as it was when the run ended, or was breached; None while it stands still, or when it stood still to the end.
    `breached_at`: when it ran out. `ended_at` and `ended_by`: when, and by which event (its number), the run ended. `pauses`: the
    stretches of the run in which it stood still.
    """

    clock: ClockName
    cycle: int
    started_at: datetime
    due_at: datetime | None
    became: Became
    breached_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: int | None = None
    pauses: tuple[Pause, ...] = ()

    @property
    def met_at(self) -> datetime | None:
        """When what it waits for happened."""
        return self.ended_at if self.became in (Became.MET, Became.MET_LATE) else None


@dataclass(frozen=True, slots=True)
class _Run:
    """A run that has not ended."""

    place: int
    cycle: int
    clock: Clock
    due_at: datetime | None
    breached_at: datetime | None = None


def kept_clocks(case_id: str, history: Sequence[tuple[int, Entry]], policy_of: Callable[[str], CasePolicy]) -> list[KeptClock]:
    """Every run of every clock, in the order in which they started. `history`: numbered, from the first event, as far as is wanted.

    `policy_of`: the slice of the policy version with that id which the case is held to; a case can be moved from one to another.
    """
    runs: dict[ClockName, _Run] = {}
    rows: dict[int, KeptClock] = {}
    cycles: dict[ClockName, int] = {}
    case = Case(case_id)
    for together in _decided_together(history):
        for _, entry in together:
            case = evolve(case, entry.event)
            if isinstance(entry.event, e.ClockBreached) and entry.event.clock in runs:
                runs[entry.event.clock] = replace(runs[entry.event.clock], breached_at=entry.event.due_at, due_at=entry.event.due_at)
        now = {clock.name: clock for clock in running(case, policy_of(case.policy))}
        for name, run in list(runs.items()):
            clock = now.get(name)
            if clock is None or clock.started_at != run.clock.started_at:
                rows[run.place] = _ended(run, together)
                del runs[name]
        for name, clock in now.items():
            before = runs.get(name)
            if before is None:
                cycles[name] = cycles.get(name, 0) + 1
                runs[name] = _Run(sum(cycles.values()), cycles[name], clock, clock.due_at)
            elif before.breached_at is None:
                runs[name] = replace(before, clock=clock, due_at=clock.due_at)
            else:
                runs[name] = replace(before, clock=clock)
    for run in runs.values():
        became = Became.PAUSED if run.clock.due_at is None else Became.RUNNING
        rows[run.place] = _row(run, became, run.clock.pauses)
    return sorted((rows[place] for place in sorted(rows)), key=lambda row: row.started_at)


def _decided_together(history: Iterable[tuple[int, Entry]]) -> Iterator[list[tuple[int, Entry]]]:
    """The events of one decision: in the middle of it a case is neither as it was nor as it will be."""
    for _, entries in groupby(history, key=lambda numbered: (numbered[1].cause, numbered[1].event.at)):
        yield list(entries)


def _meets(clock: ClockName, event: e.Event) -> bool:
    """Whether the event is what the clock waits for."""
    match clock, event:
        case ((ClockName.ACKNOWLEDGE | ClockName.HOLDING_UPDATE | ClockName.NEXT_REPLY), e.ReplyPosted()):
            return event.purpose not in ASIDE
        case (ClockName.ACCEPT, e.Accepted()) | (ClockName.RESOLVE, e.Resolved()) | (ClockName.THANK_YOU, e.Closed()):
            return True
        case _:
            return False


def _ended(run: _Run, together: Sequence[tuple[int, Entry]]) -> KeptClock:
    """A run that ended in these events."""
    met = next((numbered for numbered in together if _meets(run.clock.name, numbered[1].event)), None)
    seq, entry = met or together[-1]
    at = max(entry.event.at, run.clock.started_at)
    late = run.breached_at is not None or (run.due_at is not None and at > run.due_at)
    became = Became.OVER if met is None else Became.MET_LATE if late else Became.MET
    pauses = tuple(Pause(p.since, at if p.until is None else min(p.until, at)) for p in run.clock.pauses if p.since < at)
    return replace(_row(run, became, pauses), ended_at=at, ended_by=seq)


def _row(run: _Run, became: Became, pauses: Sequence[Pause]) -> KeptClock:
    started = run.clock.started_at
    within = tuple(Pause(max(p.since, started), p.until) for p in pauses if p.until is None or p.until > started)
    return KeptClock(run.clock.name, run.cycle, started, run.due_at, became, run.breached_at, pauses=within)
