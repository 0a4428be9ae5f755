"""Who sees what at the console, and who may do what: by the role of the key that they sign in with."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from adapters.postgres.keys import NewKey
from api import feed
from cli.engines import Postgres
from domain.journal import CaseRead, WordsRead
from domain.values import SYSTEM, Role
from tests.integration.console import Served, console
from tests.signing_in import sent_from

NAMES = ("write", "preview", "send", "stop", "do", "move", "removal", "settle", "private", "draft", "redraft", "approve", "reject")
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
def test_whoever_sees_all_cases_reads_posts_as_they_are_and_auditors_where_that_goes_on_record(served: Served, role: Role) -> None:
    with by(served, role) as http:
        assert "4111 1111 1111 1111" in http.get("/console/cases/meridian-x-p1").text
        for path in ("/console", "/console?show=all"):
            assert ("4111 1111 1111 1111" in http.get(path).text) is (role not in (Role.AUDITOR, Role.PRIVACY)), path


def test_what_was_just_made_for_one_reader_is_not_shown_to_another_who_may_read_less(served: Served) -> None:
    lead, theirs, others = by(served, Role.LEAD), by(served, Role.DEPARTMENT, "technical"), by(served, Role.DEPARTMENT, "billing")
    with lead as sees_all, theirs as sees_masked, others as sees_none:
        for path in ("/console", "/console?by=department", "/console"):
            all_of_it, masked, none = (one.get(path).text for one in (sees_all, sees_masked, sees_none))
            assert "4111 1111 1111 1111" in all_of_it
            assert "My internet is broken." in masked
            assert "4111" not in masked
            assert "internet" not in none
            assert "<b>1</b>" not in none, "not even how many there are"


def test_a_card_is_in_the_language_of_whoever_reads_it_whoever_read_it_before(served: Served) -> None:
    with by(served, Role.LEAD) as http:
        english, german, again = (http.get("/console", headers={"accept-language": language}).text for language in ("en", "de", "en"))
    cards = [
        re.sub(r"<time.*?</time>", "", re.findall(r'<li class="case.*?</li>', page, re.DOTALL)[0]) for page in (english, german, again)
    ]
    assert cards[0] == cards[2] != cards[1]


def test_a_department_sees_no_case_of_another_and_is_not_told_that_there_is_one(served: Served) -> None:
    with by(served, Role.DEPARTMENT, "billing") as http:
        for path in ("/console", "/console?by=department&status=in_progress", "/console?show=all", "/console/inbox"):
            assert "internet" not in http.get(path).text, path
        there, nowhere = http.get("/console/cases/meridian-x-p1"), http.get("/console/cases/meridian-x-p2")
        assert (there.status_code, nowhere.status_code) == (404, 404)
        assert there.text.replace("meridian-x-p1", "meridian-x-p2") == nowhere.text
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


def test_that_an_auditor_opens_a_case_is_on_record_and_the_page_does_not_open_it_again_by_itself(served: Served) -> None:
    with by(served, Role.SOCIAL) as social, by(served, Role.AUDITOR) as auditor:
        followed = social.get("/console/cases/meridian-x-p1").text
        before = len(served.store.journal.entries())
        read = auditor.get("/console/cases/meridian-x-p1").text
    entries = [entry for _, _, entry in served.store.journal.entries()][before:]
    assert [(type(entry.event), entry.by.role) for entry in entries] == [(CaseRead, Role.AUDITOR), (WordsRead, Role.AUDITOR)]
    assert ("data-refresh" in followed, "data-refresh" in read) == (True, False)


def test_a_departments_browser_hears_of_its_own_cases_alone(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "ALIVE_EVERY_SECONDS", 0.1)
    mine, other, drafts = served.handed_off("own", text="My bill is wrong.").case_id, "meridian-x-p1", served.store.drafts
    with by(served, Role.DEPARTMENT, "billing") as http, http.stream("GET", "/console/stream", timeout=20) as stream:
        heard, end = set[str](), time.monotonic() + 60
        for line in stream.iter_lines():
            heard |= {line} if line.startswith("data: meridian") else set()
            assert time.monotonic() < end, "nothing was heard"
            if heard:
                break
            for case in (other, mine):
                drafts.begin(case, "slack:UANA", "update")
                drafts.end(case, "slack:UANA")
    assert heard == {f"data: {mine}"}


def test_a_stream_ends_with_its_session(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "ALIVE_EVERY_SECONDS", 0.1)
    with by(served, Role.SOCIAL) as http, http.stream("GET", "/console/stream", timeout=20) as stream:
        lines, end = stream.iter_lines(), time.monotonic() + 60
        assert any(line == "event: alive" for line in lines)
        assert http.post("/sign-out").status_code == 303
        for _ in lines:
            assert time.monotonic() < end, "it goes on"
        assert http.get("/console/stream", headers={"accept": "text/event-stream"}).status_code == 401
