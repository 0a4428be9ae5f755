"""What a status page is made of: a case's history and policy. Names and words are not even read."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, text

from adapters.postgres.records import history
from domain import events as e
from domain.following import Followed, followed
from domain.policy import Brand
from domain.ports import PolicyBook

_NUMBERED = text(
    "select c.case_id from cases c join subject s on s.id = c.subject_id where c.number = :number and s.erased_at is null"
)  # of who was erased nothing is to be seen any more


class PostgresFollowed:
    """Cases as their customers follow them."""

    def __init__(self, engine: Engine, book: PolicyBook) -> None:
        self._engine = engine
        self._book = book

    def id_of(self, number: int) -> str | None:
        """The id of the case with that number; None when there is none, or its customer was erased."""
        with self._engine.connect() as connection:
            return connection.execute(_NUMBERED, {"number": number}).scalar_one_or_none()

    def read(self, case_id: str, now: datetime) -> tuple[Brand, Followed, str] | None:
        """How the case stands, whose it is, and the language of what they say in public; None when nothing is on record of it."""
        with self._engine.connect() as connection:
            past = [entry.event for _, entry in history(connection, case_id)]
        if not past:
            return None
        policy = self._book.policy(next(event.policy for event in reversed(past) if isinstance(event, e.Opened | e.PolicyMoved)))
        seen = followed(case_id, past, policy, now)
        brand = policy.brand(seen.brand)
        return brand, seen, self._book.wording(policy.id).spoken_in(brand.language).language
