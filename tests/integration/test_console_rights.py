"""Who sees what at the console, and who may do what: by the role of the key that they come with, from outside the machine."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from cli.engines import Postgres
from domain.values import Role
from tests.integration.console import Served, console

NAMES = ("write", "preview", "send", "stop", "do", "move", "removal", "settle", "private")
FIELDS = {"saying": "update", "body": "We look into it.", "do": "note", "seen": "1", "step": "1", "posted": "no", "ticket": "x"}


@pytest.fixture(scope="module")
def served(postgres: Postgres) -> Iterator[Served]:
    with console(postgres) as one:
        one.accepted("p1", text="My internet is broken. My card is 4111 1111 1111 1111.")
        yield one


def by(served: Served, role: Role | None) -> httpx.Client:
    """Somebody who comes from elsewhere, with a key of that role."""
    secret = served.store.people.make_key(f"{role} of the tests", role)[1] if role is not None else "lk_guessed"
    return httpx.Client(base_url=served.url, headers={"host": "loopkeeper.example.com"}, auth=("any", secret), trust_env=False)


@pytest.mark.parametrize("path", ["", "?show=all", "/cases/meridian-x-p1", "/inbox", "/keys", "/stream"])
def test_nobody_without_a_key_sees_anything(served: Served, path: str) -> None:
    with by(served, None) as http:
        answer = http.get(f"/console{path}")
    assert answer.status_code == 401
    assert "internet" not in answer.text


@pytest.mark.parametrize("role", [Role.SOCIAL, Role.LEAD, Role.ADMIN, Role.AUDITOR, Role.PRIVACY])
def test_whoever_sees_all_cases_reads_posts_as_they_are(served: Served, role: Role) -> None:
    with by(served, role) as http:
        for path in ("/console", "/console?show=all", "/console/cases/meridian-x-p1"):
            assert "4111 1111 1111 1111" in http.get(path).text, path


def test_a_department_sees_no_case_of_another_and_is_not_told_that_there_is_one(served: Served) -> None:
    with by(served, Role.DEPARTMENT) as http:
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
        for name in set(NAMES) - {"stop", "write"}:
            assert http.post(f"/console/cases/meridian-x-p1/{name}", data=FIELDS).status_code in (403, 409), name
        assert http.post("/console/inbox/1/again").status_code == 403
    assert served.store.records.history("meridian-x-p1") == before


def test_what_somebody_keeps_is_theirs_alone_and_leads_nowhere_else(served: Served) -> None:
    with by(served, Role.SOCIAL) as ana, by(served, Role.SOCIAL) as ben:
        kept = ana.post("/console/views", data={"name": "Mine", "query": "only=late&next=//evil.example"})
        assert kept.headers["location"] == "/console?only=late"
        assert "☆" in ana.get("/console").text
        assert "☆" not in ben.get("/console").text
