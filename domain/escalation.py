"""The escalation chains: when a clock has used up so much of its time, who is called. Data of the policy."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from domain.durations import Duration
from domain.values import Audience, ClockName


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _one_or_more(written: object) -> object:
    return (written,) if isinstance(written, str) else written


class Repeat(_Model):
    """A call that is repeated until somebody acts, and then is given up as `stalled`."""

    every: Duration
    at_most: int = Field(ge=1, le=20)


class Step(_Model):
    """One step up the chain. `at`: percent of the clock's time; `raise_priority`: the case goes one priority up."""

    at: int = Field(ge=1, le=1000)
    tell: Annotated[tuple[Audience, ...], BeforeValidator(_one_or_more), Field(min_length=1)]
    raise_priority: bool = False
    repeat: Repeat | None = None


def _rising(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    if any(after.at <= before.at for before, after in pairwise(steps)):
        raise ValueError("the steps must rise: each `at` above the one before")
    if any(step.repeat is not None for step in steps[:-1]):
        raise ValueError("only the last step of a chain can be repeated")
    return steps


Chain = Annotated[tuple[Step, ...], AfterValidator(_rising)]


class Chains(_Model):
    """The chain of each clock. Percents of the department's or the business's working time, as the clock counts it."""

    acknowledge: Chain = ()
    accept: Chain = ()
    holding_update: Chain = ()
    next_reply: Chain = ()
    resolve: Chain = ()
    thank_you: Chain = ()

    def of(self, clock: ClockName) -> tuple[Step, ...]:
        """The steps of a clock."""
        steps: tuple[Step, ...] = getattr(self, clock.value)
        return steps
