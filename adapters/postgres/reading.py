"""Reading cases as people see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, text

from adapters.keyring import KeyProblem
from adapters.postgres.records import history
from adapters.postgres.vault import Vault
from domain.casefile import CaseFile
from domain.errors import LoopkeeperError
from domain.evolve import fold
from domain.ports import PolicyBook


class NoSuchCase(LoopkeeperError):
    """There is no case with that id."""


@dataclass(frozen=True, slots=True)
class Row:
    """A case in a list. `customer`: as the network shows them; `words`: what they wrote first."""

    case_id: str
    number: int
    status: str
    intent: str
    priority: str
    department: str
    channel: str
    customer: str
    words: str
    owner: str | None
    opened_at: datetime
    due_at: datetime | None
    due_clock: str | None
    breached: tuple[str, ...]
    needs_human: str | None


class PostgresReader:
    """Gathers a case's file."""

    def __init__(self, engine: Engine, vault: Vault, book: PolicyBook) -> None:
        self._engine = engine
        self._vault = vault
        self._book = book

    def file(self, case_id: str) -> CaseFile:
        """The whole of a case: its history and everyone's words. Raises NoSuchCase."""
        if "\0" in case_id:  # PostgreSQL would not even look
            raise NoSuchCase("there is no case with such an id")
        with self._engine.connect() as connection:
            row = connection.execute(
                text(
                    "select c.number, c.subject_id, s.wrapped_key, s.profile "
                    "from cases c join subject s on s.id = c.subject_id where case_id = :case"
                ),
                {"case": case_id},
            ).one_or_none()
            if row is None:
                raise NoSuchCase(f"there is no case '{case_id}'")
            past = history(connection, case_id)
            if not past:
                raise NoSuchCase(f"the case '{case_id}' is just being opened; try again in a moment")
            words = self._vault.read_all(connection, case_id)
            profile = self._vault.shown_as(str(row.subject_id), row.wrapped_key, row.profile)
            people = {e.by.person for _, e in past} | {str(getattr(e.event, "owner", None)) for _, e in past}
            named = connection.execute(text("select id, name from person where id = any(:ids)"), {"ids": sorted(people)}).all()
        case = fold(case_id, [entry.event for _, entry in past])
        return CaseFile(
            case_id=case_id,
            number=row.number,
            case=case,
            policy=self._book.policy(case.policy),
            customer_name=profile.get("name"),
            customer_handle=profile.get("handle"),
            history=past,
            words=words,
            people={r.id: r.name for r in named},
        )

    def keep(self, case_id: str, words: str, *, body: str | None = None, private: bool = False) -> str:
        """Keep words that belong to a case, under the key of its customer; the reference to them. Raises NoSuchCase.

        The same words have the same reference, so that the case sees when a person says again what they said already. `body`: what
        they are put around, when it is to be found again.
        """
        with self._engine.begin() as connection:
            subject = connection.execute(text("select subject_id from cases where case_id = :case"), {"case": case_id}).scalar_one_or_none()
            if subject is None:
                raise NoSuchCase(f"there is no case '{case_id}'")
            content = {"text": words} if body is None else {"text": words, "body": body}
            known = self._vault.read_all(connection, case_id)
            same = next((reference for reference, there in known.items() if there == content), None)
            return same or self._vault.write(connection, str(subject), case_id, content, private=private)

    def held_to(self, policy_id: str) -> list[str]:
        """The ids of the open cases that are held to that version of the policy, the oldest first."""
        sql = text("select case_id from cases where policy_id = :policy and closed_at is null and ended is null order by number")
        with self._engine.connect() as connection:
            return list(connection.execute(sql, {"policy": policy_id}).scalars())

    def cases(self, *, only_open: bool, before: int | None, at_most: int = 50) -> list[Row]:
        """Cases, the newest first, below the number `before`."""
        sql = text(
            "select k.*, p.name as owner_name, s.wrapped_key, s.profile from cases k left join person p on p.id = k.owner "
            "join subject s on s.id = k.subject_id "
            "where (cast(:before as bigint) is null or number < :before) and (not :open or (k.closed_at is null and k.ended is null)) "
            "order by number desc limit :limit"
        )
        with self._engine.connect() as connection:
            rows = connection.execute(sql, {"before": before, "open": only_open, "limit": at_most}).all()
            return [
                Row(
                    case_id=r.case_id,
                    number=r.number,
                    status=r.status,
                    intent=r.intent,
                    priority=r.priority,
                    department=r.department,
                    channel=r.channel,
                    customer=_shown(self._vault.shown_as(str(r.subject_id), r.wrapped_key, r.profile)),
                    words=self._words(connection, str(r.words)),
                    owner=r.owner_name or r.owner,
                    opened_at=r.opened_at,
                    due_at=r.due_at,
                    due_clock=r.due_clock,
                    breached=tuple(r.breached),
                    needs_human=r.needs_human,
                )
                for r in rows
            ]

    def _words(self, connection: Connection, reference: str) -> str:
        try:
            return str(self._vault.read(connection, reference)["text"])
        except KeyProblem:
            return "(erased)"


def _shown(profile: dict[str, str | None]) -> str:
    name, handle = profile.get("name"), profile.get("handle")
    return name or (f"@{handle}" if handle else "a customer")
