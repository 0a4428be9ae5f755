"""What a status page is made of: a case's history and policy. Names and words are not even read."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, text

from adapters.postgres.engine import transaction
from adapters.postgres.journal import note, now
from adapters.postgres.records import history
from domain import events as e
from domain.errors import LoopkeeperError
from domain.following import Followed, followed
from domain.journal import AdminActed
from domain.policy import Brand
from domain.ports import PolicyBook
from domain.values import Actor

_NUMBERED = text(
    "select c.case_id, coalesce(l.withdrawn, 0) as withdrawn from cases c join subject s on s.id = c.subject_id "
    "left join status_link l on l.case_id = c.case_id where c.number = :number and s.erased_at is null"
)  # of who was erased nothing is to be seen any more


MOST = 100
"""So many links to one page can be withdrawn: each one that was is tried when somebody comes with another."""


class EnoughWithdrawn(LoopkeeperError):
    """No more links to a page can be withdrawn."""


class PostgresFollowed:
    """Cases as their customers follow them."""

    def __init__(self, engine: Engine, book: PolicyBook) -> None:
        self._engine = engine
        self._book = book

    def known(self, number: int) -> tuple[str, int] | None:
        """The id of the case with that number, and how many links to its page were withdrawn; None when there is none, or its customer
        was erased.
        """
        with self._engine.connect() as connection:
            row = connection.execute(_NUMBERED, {"number": number}).one_or_none()
        return None if row is None else (row.case_id, row.withdrawn)

    def withdrawn(self, case_id: str) -> int:
        """How many links to the case's page were withdrawn."""
        sql = text("select coalesce((select withdrawn from status_link where case_id = :case), 0)")
        with transaction(self._engine) as connection:
            return int(connection.execute(sql, {"case": case_id}).scalar_one())

    def withdraw(self, case_id: str, link: int, by: Actor) -> int:
        """That link (how many were withdrawn before it) holds no more, from now on; how many were withdrawn by now. On record with it.

        Safe to repeat: what was withdrawn already stays so, and the next link is left alone. Raises EnoughWithdrawn.
        """
        if link >= MOST:
            raise EnoughWithdrawn(f"{MOST} links to this page were withdrawn already; no more can be")
        sql = (
            "insert into status_link (case_id, withdrawn) values (:case, 1) on conflict (case_id) do nothing returning withdrawn"
            if link == 0
            else "update status_link set withdrawn = withdrawn + 1, withdrawn_at = clock_timestamp() "
            "where case_id = :case and withdrawn = :link returning withdrawn"
        )
        with transaction(self._engine) as connection:
            done = connection.execute(text(sql), {"case": case_id, "link": link}).first() is not None
            if done:
                note(connection, [AdminActed(now(), "status_link_withdrawn", f"case {case_id}", after=f"link {link + 2}")], by, "asked")
        return self.withdrawn(case_id)

    def read(self, case_id: str, at: datetime) -> tuple[Brand, Followed, str] | None:
        """How the case stands, whose it is, and the language of what they say in public; None when nothing is on record of it."""
        with self._engine.connect() as connection:
            past = [entry.event for _, entry in history(connection, case_id)]
        if not past:
            return None
        policy = self._book.policy(next(event.policy for event in reversed(past) if isinstance(event, e.Opened | e.PolicyMoved)))
        seen = followed(case_id, past, policy, at)
        brand = policy.brand(seen.brand)
        return brand, seen, self._book.wording(policy.id).spoken_in(brand.language).language
