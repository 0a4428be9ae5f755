"""Legal holds: cases that neither erasure nor retention touches. Acts as privacy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, text

from adapters.postgres.engine import transaction
from adapters.postgres.erasing import ONE_AT_A_TIME
from adapters.postgres.journal import note
from domain.errors import LoopkeeperError
from domain.journal import HoldLifted, HoldSet
from domain.sentences import say
from domain.values import Actor

_SET = text("insert into hold (reason, set_by) values (:reason, :by) returning id, number")
_HELD = text("insert into held_case (hold_id, case_id) select :hold, unnest(cast(:cases as text[]))")
_THERE = text("select case_id, forgotten_at from cases where case_id = any(:cases)")
_NUMBERED = text("select number, case_id from cases where number = any(cast(:numbers as bigint[]))")
_LIFT = text("update hold set lifted_at = clock_timestamp(), lifted_by = :by where number = :number and lifted_at is null returning id")
_OPEN = text(
    "select h.number, h.reason, h.set_by, h.set_at, array_agg(c.case_id order by c.case_id) as cases "
    "from hold h join held_case c on c.hold_id = h.id where h.lifted_at is null group by h.id order by h.number"
)


_NUMBER = re.compile(r"#?[0-9]{1,15}")


class NoHold(LoopkeeperError):
    """A hold cannot be set or lifted."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold that is in force."""

    number: int
    reason: str
    set_by: str
    set_at: datetime
    cases: tuple[str, ...]


class Holds:
    """The holds."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def set(self, cases: Sequence[str], reason: str, by: Actor) -> int:
        """Hold these cases, by their ids or numbers; the hold's number.

        Raises NoHold when there is no such case, or its words are destroyed already.
        """
        with transaction(self._engine) as connection:
            connection.execute(ONE_AT_A_TIME)
            numbers = {case: int(case.removeprefix("#")) for case in cases if _NUMBER.fullmatch(case)}
            ids = {row.number: row.case_id for row in connection.execute(_NUMBERED, {"numbers": list(numbers.values())})}
            wanted = sorted({ids.get(numbers.get(case), case) for case in cases})
            there = {row.case_id: row.forgotten_at for row in connection.execute(_THERE, {"cases": wanted})}
            unknown = [case for case in wanted if case not in there]
            if unknown:
                raise NoHold(say("there is no case {cases}; nothing is held", cases=", ".join(unknown)))
            gone = [case for case in wanted if there[case] is not None]
            if gone:
                raise NoHold(say("the words of {cases} are destroyed already; nothing is held", cases=", ".join(gone)))
            made = connection.execute(_SET, {"reason": reason, "by": by.person}).one()
            connection.execute(_HELD, {"hold": made.id, "cases": wanted})
            note(connection, [HoldSet(datetime.now(UTC), str(made.id), tuple(wanted), reason)], by, f"hold:{made.number}")
        return int(made.number)

    def lift(self, number: int, reason: str, by: Actor) -> None:
        """End a hold. Raises NoHold."""
        with transaction(self._engine) as connection:
            connection.execute(ONE_AT_A_TIME)
            lifted = connection.execute(_LIFT, {"number": number, "by": by.person}).scalar_one_or_none()
            if lifted is None:
                raise NoHold(f"there is no hold {number} that could be lifted; see: loopkeeper privacy list")
            note(connection, [HoldLifted(datetime.now(UTC), str(lifted), reason)], by, f"hold:{number}")

    def in_force(self) -> list[Hold]:
        """Those that are in force."""
        with transaction(self._engine) as connection:
            return [Hold(r.number, r.reason, r.set_by, r.set_at, tuple(r.cases)) for r in connection.execute(_OPEN)]
