"""Reading cases as people see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from adapters.keyring import KeyProblem
from adapters.postgres.engine import connected
from adapters.postgres.records import history
from adapters.postgres.rows import MORE, SHOWN, Row, row_of
from adapters.postgres.vault import Vault
from domain.casefile import CaseFile
from domain.commands import Target
from domain.discretion import Onlookers
from domain.errors import LoopkeeperError
from domain.events import Announced
from domain.evolve import fold
from domain.merging import related
from domain.ports import PolicyBook
from domain.values import Status


class NoSuchCase(LoopkeeperError):
    """There is no case with that id."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which open cases are wanted; what is not named does not matter."""

    owner: str | None = None
    departments: frozenset[str] | None = None
    statuses: tuple[Status, ...] = ()
    stalled: bool = False


_NUMBER = "select k.number"
_OPEN = (
    f"from cases k {MORE} where k.closed_at is null and k.ended is null "
    "and (cast(:owner as text) is null or k.owner = :owner) "
    "and (cast(:departments as text[]) is null or k.department = any(:departments)) "
    "and (cast(:statuses as text[]) is null or k.status = any(:statuses)) and (not :stalled or k.stalled_at is not null) "
    "order by k.due_at nulls last, k.case_id limit :limit"
)
_LISTED = text(f"{SHOWN} {_OPEN}")
_NUMBERS = text(f"{_NUMBER} {_OPEN}")


# Nothing else is read of whoever is linked with nobody: which is nearly everybody. It is asked first because a plan that begins with the
# open cases reads all of them.
_FILE = text(
    "select c.number, c.subject_id, s.wrapped_key, s.profile, "
    "case when exists (select 1 from identity_link where subject_id = c.subject_id) then array(select k.channel from "
    "identity_link m join identity_link o using (customer) join cases k on k.subject_id = o.subject_id "
    "where m.subject_id = c.subject_id and k.brand = c.brand and k.case_id <> c.case_id and k.closed_at is null and k.ended is null "
    "order by k.channel) else '{}' end as elsewhere from cases c join subject s on s.id = c.subject_id where c.case_id = :case"
)
_NUMBERS_OF = text("select case_id, number from cases where case_id = any(:cases)")
_TARGET = text(
    "select k.number, k.ended, k.ended is null and k.closed_at is null and k.resolved_at is null as is_open, "
    "coalesce(kl.customer, k.subject_id) = coalesce(al.customer, a.subject_id) as same_customer "
    "from cases k join cases a on a.case_id = :case left join identity_link kl on kl.subject_id = k.subject_id "
    "left join identity_link al on al.subject_id = a.subject_id where k.case_id = :into"
)
_NUMBERED = text(f"{SHOWN} from cases k {MORE} where k.number = any(:numbers) order by k.number desc")
_NOT_INDEXED = text(
    "select k.number from (select number, case_id, events from cases order by number desc limit :newest) k "
    "left join case_search f using (case_id) where coalesce(f.events, 0) < k.events order by k.number desc"
)


class PostgresReader:
    """Gathers a case's file."""

    def __init__(self, engine: Engine, vault: Vault, book: PolicyBook) -> None:
        self._engine = engine
        self._vault = vault
        self._book = book

    def file(self, case_id: str, *, as_of: datetime | None = None) -> CaseFile:
        """The whole of a case: its history and everyone's words, but for what was written in private. Raises NoSuchCase.

        `as_of`: only what was on record at that moment, by the database's clock. Names are as they are known now.
        """
        if "\0" in case_id:  # PostgreSQL would not even look
            raise NoSuchCase("there is no case with such an id")
        with connected(self._engine) as connection:
            row = connection.execute(
                _FILE,
                {"case": case_id},
            ).one_or_none()
            if row is None:
                raise NoSuchCase(f"there is no case '{case_id}'")
            past = history(connection, case_id, as_of=as_of)
            if not past and as_of is not None and (first := history(connection, case_id)):
                opened = first[0][1].event.at
                raise NoSuchCase(f"nothing was on record of the case '{case_id}' then; it was opened at {opened:%Y-%m-%d %H:%M:%S} UTC")
            if not past:
                raise NoSuchCase(f"the case '{case_id}' is just being opened; try again in a moment")
            words = self._vault.read_all(connection, case_id)
            profile = self._vault.shown_as(str(row.subject_id), row.wrapped_key, row.profile)
            people = {e.by.person for _, e in past} | {str(getattr(e.event, "owner", None)) for _, e in past}
            people |= {entry.event.approved_by for _, entry in past if isinstance(entry.event, Announced) and entry.event.approved_by}
            named = connection.execute(text("select id, name from person where id = any(:ids)"), {"ids": sorted(people)}).all()
            case = fold(case_id, [entry.event for _, entry in past])
            others = related(entry.event for _, entry in past)
            numbered = connection.execute(_NUMBERS_OF, {"cases": sorted(others)}).all() if others else ()
        return CaseFile(
            case_id=case_id,
            number=row.number,
            case=case,
            policy=self._book.policy(case.policy),
            customer_name=profile.get("name"),
            customer_handle=profile.get("handle"),
            customer_id=str(row.subject_id),
            elsewhere=tuple(row.elsewhere),
            history=past,
            words=words,
            people={r.id: r.name for r in named},
            numbers={r.case_id: r.number for r in numbered},
            followers=int(followers) if (followers := profile.get("followers")) is not None else None,
        )

    def stands(self, case_id: str) -> tuple[int, str] | None:
        """How many events a case has, and which department has it; None when there is no such case. Nothing else of it is read."""
        if "\0" in case_id:
            return None
        sql = text("select h.seq, k.department from cases k join case_head h on h.case_id = k.case_id where k.case_id = :case")
        with connected(self._engine) as connection:
            row = connection.execute(sql, {"case": case_id}).one_or_none()
        return None if row is None else (row.seq, row.department)

    def is_of_nobody(self, case_id: str) -> bool:
        """Whether its customer was erased, so that nothing can be written to them any more."""
        if "\0" in case_id:
            return False
        sql = text("select s.erased_at is not null from cases k join subject s on s.id = k.subject_id where k.case_id = :case")
        with connected(self._engine) as connection:
            return bool(connection.execute(sql, {"case": case_id}).scalar_one_or_none())

    def numbered(self, number: int) -> str | None:
        """The id of the case with that number."""
        with self._engine.connect() as connection:
            return connection.execute(text("select case_id from cases where number = :number"), {"number": number}).scalar_one_or_none()

    def target(self, case_id: str, into: str) -> Target | None:
        """How the case stands that `case_id` is to be merged into; None when there is none of that id."""
        if "\0" in into:
            return None
        with self._engine.connect() as connection:
            found = connection.execute(_TARGET, {"case": case_id, "into": into}).one_or_none()
        return None if found is None else Target(found.number, found.is_open, found.ended, found.same_customer)

    def listed(self, wanted: Wanted, at_most: int = 10) -> list[Row]:
        """Open cases of a kind, those that are due first first; for Slack, so what everybody should not read is masked."""
        with self._engine.connect() as connection:
            rows = connection.execute(_LISTED, _values(wanted, at_most)).all()
        return [self.discreet(row_of(self._vault, row)) for row in rows]

    def discreet(self, row: Row) -> Row:
        """A case in a list as it is shown in Slack: what everybody should not read is masked."""
        return replace(row, words=Onlookers(self._book.policy(row.policy), row.brand, row.channel).masked(row.words))

    def numbers(self, wanted: Wanted, at_most: int) -> list[int]:
        """The numbers of open cases of a kind, in the order of `listed`."""
        with self._engine.connect() as connection:
            return list(connection.execute(_NUMBERS, _values(wanted, at_most)).scalars())

    def private_words(self, case_id: str) -> list[tuple[str, datetime, str]]:
        """What was written in private: who, when, and the words. Raises NoSuchCase.

        The caller sees to it that whoever reads them has the right, and that the reading is on record.
        """
        file = self.file(case_id)
        with self._engine.connect() as connection:
            known = self._vault.read_all(connection, case_id, private=True)
        return [
            (f"{one.who} ({one.note})" if one.note else one.who, one.at, str(known.get(one.words, {}).get("text", "(erased)")))
            for one in file.whispers
        ]

    def text(self, case_id: str, reference: str, *, body: bool = False) -> str:
        """Words of a case, by their reference; also private ones. For whoever wrote them.

        `body`: only what a person wrote of them, where that was kept with them.
        """
        with self._engine.connect() as connection:
            belongs = text("select 1 from words where id = :id and case_id = :case")
            if connection.execute(belongs, {"id": reference, "case": case_id}).scalar() is None:
                raise NoSuchCase("these words do not belong to that case")
            return self._words(connection, reference, body=body)

    def keep(self, case_id: str, words: str, *, body: str | None = None, private: bool = False) -> str:
        """Keep words that belong to a case, under the key of its customer; the reference to them. Raises NoSuchCase.

        The same words have the same reference, so that the case sees when a person says again what they said already. `body`: what
        they are put around, when it is to be found again. `private`: only the customer and whoever has the right will read them.
        """
        with self._engine.begin() as connection:
            subject = connection.execute(text("select subject_id from cases where case_id = :case"), {"case": case_id}).scalar_one_or_none()
            if subject is None:
                raise NoSuchCase(f"there is no case '{case_id}'")
            content = {"text": words} if body is None else {"text": words, "body": body}
            known = self._vault.read_all(connection, case_id, private=private)
            same = next((reference for reference, there in known.items() if there == content), None)
            return same or self._vault.write(connection, str(subject), case_id, content, private=private)

    def held_to(self, policy_id: str) -> list[str]:
        """The ids of the open cases that are held to that version of the policy, the oldest first."""
        sql = text("select case_id from cases where policy_id = :policy and closed_at is null and ended is null order by number")
        with self._engine.connect() as connection:
            return list(connection.execute(sql, {"policy": policy_id}).scalars())

    def cases(self, *, only_open: bool, before: int | None, departments: frozenset[str] | None = None, at_most: int = 50) -> list[Row]:
        """Cases, the newest first, below the number `before`; of these departments alone, unless None."""
        sql = text(
            f"{SHOWN} from cases k {MORE} "
            "where (cast(:departments as text[]) is null or k.department = any(:departments)) "
            "and (cast(:before as bigint) is null or k.number < :before) and (not :open or (k.closed_at is null and k.ended is null)) "
            "order by k.number desc limit :limit"
        )
        theirs = None if departments is None else sorted(departments)
        values = {"before": before, "open": only_open, "departments": theirs, "limit": at_most}
        with self._engine.connect() as connection:
            rows = connection.execute(sql, values).all()
        return [row_of(self._vault, row) for row in rows]

    def rows(self, numbers: Sequence[int]) -> list[Row]:
        """The cases of these numbers, the newest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(_NUMBERED, {"numbers": list(numbers)}).all()
        return [row_of(self._vault, row) for row in rows]

    def not_indexed(self, of_newest: int) -> list[Row]:
        """Those of the newest cases which the search does not know yet, or not as they are now; the newest first."""
        with self._engine.connect() as connection:
            numbers = list(connection.execute(_NOT_INDEXED, {"newest": of_newest}).scalars())
        return self.rows(numbers)

    def _words(self, connection: Connection, reference: str, *, body: bool = False) -> str:
        try:
            content = self._vault.read(connection, reference)
            return str((body and content.get("body")) or content["text"])
        except KeyProblem:
            return "(erased)"


def _values(wanted: Wanted, at_most: int) -> dict[str, Any]:
    return {
        "owner": wanted.owner,
        "departments": sorted(wanted.departments) if wanted.departments is not None else None,
        "statuses": [status.value for status in wanted.statuses] or None,
        "stalled": wanted.stalled,
        "limit": at_most,
    }
