"""Reading cases as people see them."""

from __future__ import annotations

from sqlalchemy import Engine, text

from adapters.postgres.vault import Vault
from domain.case import fold
from domain.casefile import CaseFile
from domain.errors import LoopkeeperError
from domain.history import read
from domain.ports import PolicyBook


class NoSuchCase(LoopkeeperError):
    """There is no case with that id."""


class PostgresReader:
    """Gathers a case's file."""

    def __init__(self, engine: Engine, vault: Vault, book: PolicyBook) -> None:
        self._engine = engine
        self._vault = vault
        self._book = book

    def file(self, case_id: str) -> CaseFile:
        """The whole of a case: its history and everyone's words. Raises NoSuchCase."""
        with self._engine.connect() as connection:
            row = connection.execute(
                text("select number, subject_id, policy_id from cases where case_id = :case"), {"case": case_id}
            ).one_or_none()
            if row is None:
                raise NoSuchCase(f"there is no case '{case_id}'")
            found = connection.execute(text("select seq, key, doc from case_event where case_id = :case order by seq"), {"case": case_id})
            history = [(r.seq, read(r.doc, r.key)) for r in found]
            if not history:
                raise NoSuchCase(f"the case '{case_id}' is just being opened; try again in a moment")
            words = self._vault.read_all(connection, case_id)
            profile = self._vault.profile(connection, str(row.subject_id))
            people = {e.by.person for _, e in history} | {str(getattr(e.event, "owner", None)) for _, e in history}
            named = connection.execute(text("select id, name from person where id = any(:ids)"), {"ids": sorted(people)}).all()
        return CaseFile(
            case_id=case_id,
            number=row.number,
            case=fold(case_id, [entry.event for _, entry in history]),
            policy=self._book.policy(row.policy_id),
            customer_name=profile.get("name"),
            customer_handle=profile.get("handle"),
            history=history,
            words=words,
            people={r.id: r.name for r in named},
        )
