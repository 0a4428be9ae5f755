"""A case in the database that is driven by the rules as its workflow would, without Temporal."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from temporalio.exceptions import ApplicationError

from activities.publish import Publisher
from adapters.postgres.store import Store
from domain import commands as c
from domain.case import Case
from domain.decide import decide
from domain.evolve import evolve, fold
from domain.history import done_by, entered, entry_number
from domain.pace import REAL_TIME, Pace
from domain.policy import CasePolicy
from domain.ports import Placed, Written
from domain.values import Actor, Role, Via
from domain.view import view
from tests.integration.opened import created, place
from workflows.effects import published, reply_order

ANA = Actor("slack:UANA", Role.DEPARTMENT, Via.SLACK)
_numbers = itertools.count(1)


@dataclass
class OnRecord:
    """One case, and what people and networks tell it."""

    store: Store
    case_id: str
    pace: Pace = REAL_TIME

    @staticmethod
    def opened(store: Store, post: str = "p1", **data: Any) -> OnRecord:
        """A new case."""
        placed = place(store, created(post, **data))
        assert placed is not None
        return OnRecord(store, placed.case_id)

    @property
    def case(self) -> Case:
        return fold(self.case_id, [entry.event for _, entry in self.store.records.history(self.case_id)])

    @property
    def policy(self) -> CasePolicy:
        case = self.case
        return self.store.book.policy(case.policy).for_case(case.brand, case.channel)

    def now(self) -> datetime:
        return self.pace.loop_time(datetime.now(UTC))

    def tell(self, message: c.Message) -> c.Refusal | None:
        """Decide on a message and put on record what it makes happen."""
        return self.tell_at(message, self.now())

    def tell_at(self, message: c.Message, now: datetime) -> c.Refusal | None:
        """The same at that moment."""
        case, policy = self.case, self.policy
        numbered = max(entry_number(entry.key) for _, entry in self.store.records.history(self.case_id))
        known = numbered = max(numbered, case.events)
        decided = decide(case, message, policy, now)
        if isinstance(decided, c.Refusal):
            return decided
        written = []
        for event in decided:
            case = evolve(case, event)
            numbered = max(case.events, numbered + 1)  # what the publisher has recorded already is counted twice
            written.append(Written.of(entered(event, numbered, done_by(event, message), message.id, policy.id)))
        self.store.records.append(self.case_id, written, view(case, policy), known)
        return None

    def command(self, kind: type[Any], *values: Any, **named: Any) -> c.Refusal | None:
        """Somebody wants something."""
        return self.tell(kind(f"k{next(_numbers)}", ANA, *values, **named))

    def comes(self, body: dict[str, object]) -> Placed:
        """The network tells something of this case."""
        placed = place(self.store, body)
        assert placed is not None
        assert placed.case_id == self.case_id
        self.tell(placed.message)
        return placed

    def keep(self, text: str, *, private: bool = False) -> str:
        """Somebody's words."""
        return self.store.reader.keep(self.case_id, text, private=private)

    def publish(self, publisher: Publisher, attempts: int = 500) -> None:
        """Have everything published that is planned, one after the other, and take up what became of it."""
        while (reply := (case := self.case).planned()) is not None:
            order = reply_order(case, reply, case.policy, self.pace)
            for _ in range(attempts):
                try:
                    outcome = publisher.publish(order)
                    break
                except ApplicationError as error:
                    if error.type != "TryAgain":
                        raise
            else:
                raise AssertionError(f"not settled in {attempts} attempts")
            self.tell(published(case.id, reply, outcome, self.now()))

    def kinds(self) -> list[str]:
        """What has happened."""
        return [entry.event.kind for _, entry in self.store.records.history(self.case_id)]
