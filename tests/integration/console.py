"""The console for real, on a database of its own; what happens to cases is decided by the rules, without Temporal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from adapters.postgres.store import Store
from cli.engines import Postgres
from domain import commands as c
from domain.values import Actor, Permalink, Role, Via
from tests.conftest import POLICY, WORDING, fresh_database, open_on
from tests.integration.conftest import serving
from tests.integration.onrecord import OnRecord

TOM = Actor("slack:UTOM", Role.DEPARTMENT, Via.SLACK)


@dataclass(frozen=True)
class Served:
    """Where it is, and what it shows."""

    url: str
    store: Store
    address: str
    """Of its database."""

    def case(self, post: str, text: str = "You charged me twice and nobody answers.", **data: Any) -> OnRecord:
        """A new case."""
        return OnRecord.opened(self.store, post, text=text, **data)

    def handed_off(self, post: str, **data: Any) -> OnRecord:
        """A case that is acknowledged in public and with its department."""
        case = self.case(post, **data)
        posts(case)
        return case

    def accepted(self, post: str, **data: Any) -> OnRecord:
        """A case that somebody has."""
        case = self.handed_off(post, **data)
        assert case.tell(c.Accept(f"accept-{post}", TOM)) is None
        return case


def posts(case: OnRecord) -> None:
    """The network takes what is planned."""
    while (reply := case.case.planned()) is not None:
        words = reply.words or case.keep(f"(the {reply.purpose.value} of {case.case_id})")
        parts = (Permalink(f"r{reply.step}", f"https://x.example/r{reply.step}"),)
        case.tell(c.Posted(f"posted-{reply.step}", reply.step, reply.purpose, case.now(), parts, words, reply.promise))


@contextmanager
def console(postgres: Postgres) -> Iterator[Served]:
    """An instance of the API on a database of its own."""
    with fresh_database(postgres) as address:
        store = open_on(address)
        store.book.activate(POLICY, WORDING, by="tests")
        store.people.remember(TOM.person, "Tom Baker", "Tom")
        with serving(address) as http:
            yield Served(str(http.base_url).rstrip("/"), store, address)
        store.close()
