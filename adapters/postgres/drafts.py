"""Who is writing to a customer now: a lease of a few minutes, so that two people do not answer at once without knowing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine, text

from adapters.postgres.engine import connected

LEASE = timedelta(minutes=5)

_BEGIN = text(
    "insert into draft (case_id, person, saying, until) values (:case, :person, :saying, clock_timestamp() + :lease) "
    "on conflict (case_id, person) do update set saying = excluded.saying, until = excluded.until"
)
_OTHERS = text(
    "select d.person, coalesce(p.name, d.person) as name, d.saying from draft d left join person p on p.id = d.person "
    "where d.case_id = :case and d.person <> :person and d.until > clock_timestamp() order by d.until"
)


@dataclass(frozen=True, slots=True)
class Writing:
    """Somebody who is writing: their name, and what it is to be."""

    name: str
    saying: str


class Drafts:
    """The leases."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, case_id: str, person: str, saying: str) -> list[Writing]:
        """Somebody begins to write, or goes on: their lease runs anew. Who else is writing to the same customer."""
        with self._engine.begin() as connection:
            connection.execute(_BEGIN, {"case": case_id, "person": person, "saying": saying, "lease": LEASE})
            rows = connection.execute(_OTHERS, {"case": case_id, "person": person})
            return [Writing(r.name, r.saying) for r in rows]

    def others(self, case_id: str, person: str) -> list[Writing]:
        """Who else is writing to the customer now."""
        with connected(self._engine) as connection:
            return [Writing(r.name, r.saying) for r in connection.execute(_OTHERS, {"case": case_id, "person": person})]

    def end(self, case_id: str, person: str) -> None:
        """They have sent it, or thought better of it. Leases of others that ran out go with it."""
        with self._engine.begin() as connection:
            connection.execute(
                text("delete from draft where (case_id = :case and person = :person) or until < clock_timestamp() - interval '1 day'"),
                {"case": case_id, "person": person},
            )
