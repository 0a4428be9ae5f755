"""A search that takes too long is told as such, and not as a database that is away."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import create_engine, text

from adapters.postgres import searching
from adapters.postgres.keys import NewKey
from adapters.postgres.store import Store
from domain.ports import Unavailable
from domain.seeking import SearchTooLong, Sought
from domain.values import SYSTEM, Role
from tests.integration.conftest import serving
from tests.signing_in import signed_in


@pytest.fixture
def slow(store: Store, database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A database in which no statement of a search ends in its time: somebody else has locked what it reads."""
    settings = str(searching._SETTINGS).replace(str(searching.TIMEOUT_MS), "50")
    assert "statement_timeout = 50" in settings
    monkeypatch.setattr(searching, "_SETTINGS", text(settings))
    owner = create_engine(database)
    with owner.begin() as connection:
        connection.execute(text("lock table case_search in access exclusive mode"))
        yield store
    owner.dispose()


def test_a_search_that_takes_too_long_says_how_to_narrow_it(slow: Store) -> None:
    with pytest.raises(SearchTooLong, match="narrow it: by a department"):
        slow.search.find(Sought(words="refund"))
    with pytest.raises(SearchTooLong):
        slow.search.found_by_words("refund", 10)


def test_programs_and_pages_are_told_so(slow: Store, database: str) -> None:
    secret = slow.keys.make(NewKey("auditor", Role.AUDITOR), SYSTEM)[1]
    with serving(database) as http:
        answer: httpx.Response = http.get("/api/v1/cases", params={"words": "refund"}, headers={"authorization": f"Bearer {secret}"})
        assert (answer.status_code, answer.json()["code"]) == (422, "search_too_long")
        assert "retry-after" not in answer.headers, "sent again as it is, it would take as long"
        page = http.get("/console/audit", params={"words": "refund"}, headers=signed_in(http, "auditor"))
        assert page.status_code == 422
        assert "the search took too long" in page.text
        assert 'value="refund"' in page.text, "what was asked stays in the form"


def test_a_database_that_is_away_is_still_told_as_such(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "_SETTINGS", text("reset role; select pg_terminate_backend(pg_backend_pid())"))
    with pytest.raises(Unavailable):
        store.search.find(Sought(words="refund"))
