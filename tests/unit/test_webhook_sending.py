"""Sending webhooks when the database is away: the chore is tried again, and nothing is taken for sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import pytest
from temporalio.exceptions import ApplicationError

from activities.hooks import WebhookSender
from domain.hooks import Due, Outcome
from domain.ports import Unavailable

DUE = Due(1, "w", "evt_1", "https://x.example/", "{}", ("whsec_x",), 0, 1)


@dataclass
class Away:
    """An outbox that gives one delivery out, and cannot keep what became of it."""

    due: list[Due] = field(default_factory=lambda: [DUE])
    outcomes: list[Outcome] = field(default_factory=list)

    def claim(self, busy: dict[str, int], now: datetime) -> list[Due]:
        given, self.due = self.due, []
        return given

    def settle(self, due: Due, outcome: Outcome, now: datetime) -> None:
        self.outcomes.append(outcome)
        raise Unavailable("the database cannot be reached")

    def forget(self, now: datetime) -> int:
        return 0


def test_an_outcome_that_could_not_be_kept_is_no_success_of_the_chore() -> None:
    outbox = Away()
    with pytest.raises(ApplicationError, match="cannot be reached") as told:
        WebhookSender(outbox, lambda *_: Outcome(204, None), lambda _: True).send("")
    assert told.value.type == "TryAgain"
    assert outbox.outcomes == [Outcome(204, None)]
