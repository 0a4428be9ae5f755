"""Privacy over the console and over REST: an erasure by two people in two browsers, access, holds, retention, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import create_engine, text

from adapters.postgres.keys import NewKey
from adapters.postgres.store import Store
from cli.engines import Postgres
from domain import commands as c
from domain.journal import JOURNAL, ErasureProposed, HoldLifted, HoldSet, SubjectErased, SubjectExported
from domain.rights import Right
from domain.values import SYSTEM, Role
from tests.browsing import NEEDS_CHROMIUM, PHONE, axe_faults, window
from tests.conftest import POLICY, WORDING, fresh_database, open_on
from tests.integration.conftest import serving, url_of
from tests.integration.onrecord import OnRecord

SECRET = "My number is 4711 and nobody answers"


@dataclass
class Office:
    """The API with a database of its own, and people who answer for privacy."""

    http: httpx.Client
    store: Store
    database: str

    @property
    def url(self) -> str:
        return str(self.http.base_url).rstrip("/")

    def key(self, name: str, *scopes: Right, role: Role = Role.PRIVACY) -> str:
        return self.store.keys.make(NewKey(name, role, frozenset(scopes) or None), SYSTEM)[1]

    def program(self, name: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key(name, Right.ERASE)}"}

    def ended(self, post: str = "p1", **data: object) -> OnRecord:
        """A case that is over."""
        case = OnRecord.opened(self.store, post, text=SECRET, **data)
        case.command(c.Note, case.keep("Sam is angry"))
        case.command(c.Dismiss, "spam")
        return case

    def sam(self, who: dict[str, str]) -> str:
        (found,) = self.http.post("/api/v1/privacy/find", json={"channel": "x", "who": "@Sam"}, headers=who).json()["there"]
        return str(found["id"])

    def journal(self, kind: type[Any]) -> list[Any]:
        return [entry.event for _, _, entry in self.store.journal.entries() if isinstance(entry.event, kind)]


@pytest.fixture
def office(postgres: Postgres, tmp_path: Path) -> Iterator[Office]:
    with fresh_database(postgres) as database:
        store = open_on(database)
        store.book.activate(POLICY, WORDING, by="tests")
        with serving(database, erasure_list=tmp_path / "erasures.jsonl") as http:
            yield Office(http, store, database)
        store.close()


def come_in(page: Page, office: Office, name: str, of: str = "API key") -> Page:
    """Sign in with a key of one's own; `of`: how the page calls it."""
    page.goto(f"{office.url}/sign-in?next=/console/privacy")
    page.get_by_label(of, exact=True).fill(office.key(name))
    page.locator("form:has(input[name=key])").get_by_role("button").click()
    page.wait_for_url("**/console/privacy")
    return page


def find_sam(page: Page) -> None:
    """Look for a customer, and see what is held."""
    page.get_by_label("Channel").select_option("x")
    page.get_by_label("Handle, or the network’s id").fill("@sam")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("heading", name="Found")).to_be_visible()
    page.get_by_role("button", name="Show what is held").click()
    expect(page.get_by_role("heading", name="What will be destroyed")).to_be_visible()


@NEEDS_CHROMIUM
@pytest.mark.parametrize("javascript", [True, False])
def test_a_customer_is_erased_by_two_people_in_two_browsers(office: Office, browser: Browser, javascript: bool) -> None:
    case = office.ended()
    with window(browser, java_script_enabled=javascript) as bo, window(browser, java_script_enabled=javascript) as chi:
        find_sam(come_in(bo, office, "Bo"))
        expect(bo.locator("main")).to_contain_text("Sam")
        expect(bo.locator("main")).to_contain_text("x post p1")
        bo.get_by_label("Why").fill("because Sam wants it")
        bo.get_by_role("button", name="Propose to erase them").click()
        expect(bo.get_by_role("alert")).to_contain_text("it must not name them ('sam')")
        bo.get_by_label("Why").fill("letter 7/26")
        bo.get_by_role("button", name="Propose to erase them").click()
        bo.wait_for_url("**/console/privacy/erasures/1")
        expect(bo.locator("main")).to_contain_text("You proposed it, so somebody else has to confirm it.")
        expect(bo.get_by_role("button", name="Destroy it")).to_have_count(0)
        assert office.store.reader.file(case.case_id).first_words == SECRET, "nothing is destroyed before it is confirmed"

        come_in(chi, office, "Chi").get_by_role("link", name="Erasure 1").click()
        expect(chi.locator(".lead")).to_contain_text("letter 7/26")
        chi.get_by_label("I have looked at what will go").check()
        chi.get_by_role("button", name="Destroy it").click()
        expect(chi.get_by_role("heading", name="Erased")).to_be_visible()
        expect(chi.locator("main")).to_contain_text("x post p1")
        bo.reload()
        expect(bo.get_by_role("alert")).to_contain_text("No erasure 1 waits for a decision")
    file = office.store.reader.file(case.case_id)
    assert (file.first_words, file.customer) == ("(erased)", "a customer")
    assert office.store.records.verify(case.case_id) is None
    assert [one.reason for one in office.journal(ErasureProposed)] == ["letter 7/26"]
    assert [one.cases for one in office.journal(SubjectErased)] == [(case.case_id,)]


@NEEDS_CHROMIUM
def test_whoever_is_to_confirm_sees_in_their_language_that_there_are_other_cases_now(office: Office, browser: Browser) -> None:
    office.ended()
    with window(browser) as bo, window(browser, PHONE, locale="de-DE") as chi:
        find_sam(come_in(bo, office, "Bo"))
        bo.get_by_label("Why").fill("letter 7/26")
        bo.get_by_role("button", name="Propose to erase them").click()
        bo.wait_for_url("**/console/privacy/erasures/1")
        come_in(chi, office, "Chi", of="API-Schlüssel")
        chi.goto(f"{office.url}/console/privacy/erasures/1")
        chi.get_by_role("checkbox").check()
        OnRecord.opened(office.store, "p2", text="again").command(c.Dismiss, "spam")
        chi.get_by_role("button", name="Vernichten").click()
        expect(chi.get_by_role("alert")).to_contain_text("Der Kunde hat jetzt andere Fälle als beim Vorschlag von Löschung 1")
        expect(chi.get_by_role("checkbox")).to_have_count(0)  # it could only be refused again
        expect(chi.locator(".warn")).to_contain_text("schlagen Sie sie neu vor")
    assert office.journal(SubjectErased) == []


@NEEDS_CHROMIUM
def test_the_pages_of_privacy_can_be_used_by_everybody_and_say_why_not(office: Office, browser: Browser, tmp_path: Path) -> None:
    case = OnRecord.opened(office.store, "p1", text=SECRET)
    for how in ({}, {"color_scheme": "dark"}):
        with window(browser, PHONE, **how) as page:
            come_in(page, office, "Bo")
            assert axe_faults(page) == []
            page.get_by_label("Handle, or the network’s id").fill("nobody")
            page.get_by_role("button", name="Find").click()
            expect(page.get_by_role("heading", name="Nobody there is called that")).to_be_visible()
            find_sam(page)
            expect(page.locator("main")).to_contain_text("Not now: still open: #1")
            assert axe_faults(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") == PHONE
            with page.expect_download() as coming:
                page.get_by_role("button", name="Download it").click()
            coming.value.save_as(tmp_path / "held.html")
            assert SECRET in (tmp_path / "held.html").read_text("utf-8")
            page.goto(f"{office.url}/console/privacy")
            page.get_by_text("Put a hold on cases").click()
            page.get_by_label("Cases").fill(case.case_id)
            page.get_by_label("Why (stays").fill("court 3/26")
            page.get_by_role("button", name="Hold them").click()
            expect(page.get_by_text("court 3/26")).to_be_visible()
            assert axe_faults(page) == []
            page.get_by_text("Lift hold").click()
            page.get_by_label("is lifted").fill("court is over")
            page.get_by_role("button", name="Lift it").click()
            expect(page.locator("#main")).to_contain_text("None is in force.")
    assert len(office.journal(SubjectExported)) == 2
    assert [len(office.journal(kind)) for kind in (HoldSet, HoldLifted)] == [2, 2]


def test_the_same_over_rest_and_what_is_refused(office: Office) -> None:
    case = office.ended()
    bo, chi = office.program("Bo"), office.program("Chi")
    post = office.http.post
    sam = office.sam(bo)
    scope = post("/api/v1/privacy/scope", json={"customers": [sam]}, headers=bo).json()
    assert (scope["texts"], scope["objection"]) == (2, None)
    assert scope["outside"]["posts"] == [{"case": case.case_id, "where": "x post p1"}]
    held = post("/api/v1/privacy/access", json={"customers": [sam]}, headers=bo)
    assert SECRET in held.text
    assert held.headers["content-disposition"].startswith("attachment")

    assert post("/api/v1/holds", json={"cases": [case.case_id], "reason": "court 3/26"}, headers=bo).json()["number"] == 1
    refused = post("/api/v1/erasures", json={"customers": [sam], "reason": "letter 7/26"}, headers=bo)
    assert (refused.status_code, refused.json()["code"]) == (409, "cannot_erase")
    assert refused.headers["content-type"] == "application/problem+json"
    assert "a legal hold keeps" in refused.json()["detail"]
    assert post("/api/v1/holds/1/lift", json={"reason": "over"}, headers=bo).status_code == 204
    assert post("/api/v1/holds/1/lift", json={"reason": "over"}, headers=bo).status_code == 404

    proposed = post("/api/v1/erasures", json={"customers": [sam], "reason": "letter 7/26"}, headers=bo)
    assert (proposed.status_code, proposed.json()["erasure"]["number"]) == (201, 1)
    own = post("/api/v1/erasures/1/confirm", headers=bo)
    assert (own.status_code, "a second person has to confirm it" in own.json()["detail"]) == (409, True)
    assert [one["number"] for one in office.http.get("/api/v1/erasures", headers=chi).json()["erasures"]] == [1]
    assert post("/api/v1/erasures/1/reject", json={"reason": "wrong person"}, headers=chi).status_code == 204
    post("/api/v1/erasures", json={"customers": [sam], "reason": "letter 8/26"}, headers=bo)
    erased = post("/api/v1/erasures/2/confirm", headers=chi)
    assert (erased.status_code, erased.json()["texts"], erased.json()["cases"]) == (200, 2, [case.case_id])
    assert office.http.get("/api/v1/erasures/2", headers=chi).status_code == 404
    assert post("/api/v1/privacy/scope", json={"customers": [sam]}, headers=bo).status_code == 409
    assert post("/api/v1/privacy/find", json={"channel": "x", "who": "@sam"}, headers=bo).json()["there"] == []
    with create_engine(office.database).connect() as connection:
        journal = text("select string_agg(doc, ' ') from case_event where case_id like :chain")
        assert "sam" not in str(connection.execute(journal, {"chain": f"{JOURNAL}%"}).scalar_one()).casefold().replace("same", "")


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("privacy/scope", {"customers": ["nobody"]}, "customers: each is named by the id"),
        ("erasures", {"customers": ["00000000-0000-4000-8000-000000000000"], "reason": " "}, "reason: is needed"),
        ("holds", {"cases": ["a\0b"], "reason": "r"}, "cases: name at least one"),
        ("holds", {"cases": ["no-such-case"], "reason": "r"}, "no-such-case"),
    ],
)
def test_what_cannot_be_meant_is_said(office: Office, path: str, body: dict[str, Any], told: str) -> None:
    answer = office.http.post(f"/api/v1/{path}", json=body, headers=office.program("Bo"))
    assert answer.status_code in (409, 422)
    assert told in answer.json()["detail"]


def test_an_api_whose_login_may_not_act_as_privacy_says_what_to_set(office: Office, deployed: Postgres) -> None:
    unfit = url_of(deployed, "loopkeeper_service", "postgres")
    with serving(office.database, privacy_database_url=unfit) as http:
        answer = http.get("/api/v1/holds", headers=office.program("Bo"))
    assert (answer.status_code, answer.json()["code"]) == (503, "not_set_up")
    assert "LOOPKEEPER_PRIVACY_DATABASE_URL" in answer.json()["detail"]
