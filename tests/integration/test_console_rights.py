"""Who sees what at the console, and who may do what: by the role of the key that they sign in with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from adapters.postgres.keys import NewKey
from cli.engines import Postgres
from domain.values import SYSTEM, Role
from tests.integration.console import Served, console
from tests.signing_in import sent_from

NAMES = ("write", "preview", "send", "stop", "do", "move", "removal", "settle", "private")
FIELDS = {"saying": "update", "body": "We look into it.", "do": "note", "seen": "1", "step": "1", "posted": "no", "ticket": "x"}


@pytest.fixture(scope="module")
def served(postgres: Postgres) -> Iterator[Served]:
    with console(postgres) as one:
        one.accepted("p1", text="My internet is broken. My card is 4111 1111 1111 1111.")
        yield one


@contextmanager
def by(served: Served, role: Role, *departments: str) -> Iterator[httpx.Client]:
    """The browser of somebody who has signed in with a key of that role."""
    _, secret = served.store.keys.make(NewKey(f"{role} of the tests", role, departments=frozenset(departments)), SYSTEM)
    with httpx.Client(base_url=served.url, trust_env=False) as http:
        http.headers.update(sent_from(http))
        assert http.post("/sign-in/key", data={"key": secret, "next": "/console"}).headers["location"] == "/console"
        yield http


@pytest.mark.parametrize("path", ["", "?show=all", "/cases/meridian-x-p1", "/inbox", "/keys", "/stream"])
def test_nobody_sees_anything_who_has_not_signed_in(served: Served, path: str) -> None:
    with httpx.Client(base_url=served.url, trust_env=False) as http:
        program, browser = http.get(f"/console{path}"), http.get(f"/console{path}", headers={"accept": "text/html"})
    assert program.status_code == 401
    assert (browser.status_code, browser.headers["location"].startswith("/sign-in?")) == (303, True)
    assert "internet" not in program.text + browser.text


@pytest.mark.parametrize("role", [Role.SOCIAL, Role.LEAD, Role.ADMIN, Role.AUDITOR, Role.PRIVACY])
def test_whoever_sees_all_cases_reads_posts_as_they_are(served: Served, role: Role) -> None:
    with by(served, role) as http:
        for path in ("/console", "/console?show=all", "/console/cases/meridian-x-p1"):
            assert "4111 1111 1111 1111" in http.get(path).text, path


def test_a_department_sees_no_case_of_another_and_is_not_told_that_there_is_one(served: Served) -> None:
    with by(served, Role.DEPARTMENT, "billing") as http:
        for path in ("/console", "/console?by=department&status=in_progress", "/console?show=all", "/console/inbox"):
            assert "internet" not in http.get(path).text, path
        there, nowhere = http.get("/console/cases/meridian-x-p1"), http.get("/console/cases/meridian-x-p2")
        assert (there.status_code, nowhere.status_code) == (404, 404)
        assert there.json()["detail"].replace("p1", "p2") == nowhere.json()["detail"]
        for name in NAMES:
            assert http.post(f"/console/cases/meridian-x-p1/{name}", data=FIELDS).status_code == 404, name


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.PRIVACY])
def test_who_only_reads_changes_nothing_by_any_form(served: Served, role: Role) -> None:
    before = served.store.records.history("meridian-x-p1")
    with by(served, role) as http:
        page = http.get("/console/cases/meridian-x-p1").text
        assert "Nothing more can be done to this case." in page
        for name in NAMES:
            assert http.post(f"/console/cases/meridian-x-p1/{name}", data=FIELDS).status_code == 403, name
        assert http.post("/console/inbox/1/again").status_code == 403
    assert served.store.records.history("meridian-x-p1") == before


def test_what_somebody_keeps_is_theirs_alone_and_leads_nowhere_else(served: Served) -> None:
    with by(served, Role.SOCIAL) as ana, by(served, Role.SOCIAL) as ben:
        kept = ana.post("/console/views", data={"name": "Mine", "query": "only=late&next=//evil.example"})
        assert kept.headers["location"] == "/console?only=late"
        assert "☆" in ana.get("/console").text
        assert "☆" not in ben.get("/console").text
