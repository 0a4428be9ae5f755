"""An auditor's work in a real browser: one filter, one export, one verify; and a case proven in the browser itself, whatever is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Download, Page, Route, expect

from adapters.notary import Notary
from adapters.postgres.indexing import Indexer
from adapters.postgres.store import Store
from cli.engines import Postgres
from domain import events as e
from domain.journal import CaseRead, HistoryExported
from tests.browsing import NEEDS_CHROMIUM, PHONE, axe_faults, come_in, window
from tests.conftest import POLICY, WORDING, fresh_database, open_on
from tests.integration.conftest import serving
from tests.integration.exports import NOTARY, Archive, archive_on, verified
from tests.integration.opened import open_case
from tests.integration.test_export import broke, happens

pytestmark = NEEDS_CHROMIUM


@dataclass
class Office:
    """The console, and the archive behind it."""

    url: str
    archive: Archive

    @property
    def store(self) -> Store:
        return self.archive.store


@pytest.fixture
def office(postgres: Postgres) -> Iterator[Office]:
    with fresh_database(postgres) as database:
        store = open_on(database)
        store.book.activate(POLICY, WORDING, by="tests")
        with archive_on(database, store) as archive, serving(database) as http:
            yield Office(str(http.base_url).rstrip("/"), archive)
        store.close()


def promises(office: Office) -> str:
    """Two cases in which a promise was broken, one of them by Billing; the checkpoint then, which lies outside."""
    happens(office.store, open_case(office.store, "p1"), *broke("billing"))
    happens(office.store, open_case(office.store, "p2"), *broke("technical"))
    checkpoint = office.archive.seal()
    open_case(office.store, "p3")
    office.archive.seal()
    while Indexer(office.store.engine, office.store.vault).index(1000):
        pass
    return checkpoint


def to_the_download(page: Page, office: Office, checkpoint: str) -> None:
    """From the search for broken promises of Billing this month to the page of their export."""
    first = datetime.now(UTC).replace(day=1)
    page.goto(f"{office.url}/console/audit")
    page.get_by_label("Event", exact=True).select_option("promise_broken")
    page.get_by_label("Department then").select_option("billing")
    page.get_by_label("Recorded from").fill(f"{first:%Y-%m-%d}")
    page.get_by_label("Recorded before").fill(f"{first + timedelta(days=32):%Y-%m-01}")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", name="1 case, the newest first")).to_be_visible()
    page.get_by_role("link", name="Export these").click()
    expect(page.locator(".lead")).to_contain_text("department billing; event promise_broken")
    page.get_by_label("A checkpoint that you kept").fill(checkpoint)
    page.get_by_role("button", name="Go on to the download").click()
    expect(page.get_by_role("heading", name="Ready to be downloaded")).to_be_visible()


def taken(page: Page, folder: Path) -> Path:
    with page.expect_download() as coming:
        page.get_by_role("link", name="Download").click()
    download: Download = coming.value
    download.save_as(folder / download.suggested_filename)
    return folder / download.suggested_filename


@pytest.mark.parametrize("javascript", [True, False])
def test_every_case_in_which_billing_broke_a_promise_with_proof(office: Office, browser: Browser, tmp_path: Path, javascript: bool) -> None:
    checkpoint = promises(office)
    (tmp_path / "checkpoint").write_text(checkpoint)
    (tmp_path / "keys").write_text(f"{NOTARY.verifiers[0]}\n")
    with window(browser, java_script_enabled=javascript) as page:
        come_in(page, office.url, "auditor")
        to_the_download(page, office, checkpoint)
        bundle = taken(page, tmp_path)
        if not javascript:
            page.reload()
        expect(page.get_by_role("heading", name="Downloaded", exact=True)).to_be_visible()
        expect(page.locator("#export")).to_contain_text("5 of 5 events; 1 case, all that was sought")
        expect(page.get_by_role("heading", name="Verify it, on your own machine")).to_be_visible()
        if javascript:
            expect(page.locator("#export time")).not_to_contain_text("UTC")  # the reader's zone, as above it
    code, told = verified([str(bundle), "--public-key", str(tmp_path / "keys"), "--since", str(tmp_path / "checkpoint")])
    assert code == 0, told
    assert "sought: department billing; event promise_broken" in told
    (left,) = [entry.event for _, _, entry in office.store.journal.entries() if isinstance(entry.event, HistoryExported)]
    assert (left.form, left.cases) == ("bundle", 1)


def test_the_pages_of_exports_say_what_is_wrong_and_can_be_used_by_everybody(office: Office, browser: Browser) -> None:
    promises(office)
    for how in ({}, {"color_scheme": "dark"}):
        with window(browser, PHONE, **how) as page:
            come_in(page, office.url, "auditor")
            page.goto(f"{office.url}/console/audit/exports")
            assert axe_faults(page) == []
            page.goto(f"{office.url}/console/audit/exports/new?kind=nonsense")
            expect(page.get_by_role("alert")).to_contain_text("there is no 'nonsense'")
            page.goto(f"{office.url}/console/audit/exports/new?number=1")
            page.get_by_label("A checkpoint that you kept").fill("not one")
            page.get_by_role("button", name="Go on to the download").click()
            expect(page.get_by_role("alert")).to_contain_text("checkpoint: this is not a signed note")
            expect(page.get_by_label("A checkpoint that you kept")).to_have_value("not one")
            assert axe_faults(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") == PHONE
            page.get_by_label("A checkpoint that you kept").fill("")
            page.get_by_label("Page of a case").check()
            page.get_by_role("button", name="Go on to the download").click()
            expect(page.get_by_role("heading", name="Export: Page of a case")).to_be_visible()
            assert axe_faults(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") == PHONE
            page.get_by_role("button", name="Cancel").click()
            expect(page.get_by_role("heading", name="Cancelled")).to_be_visible()
            page.get_by_role("link", name="Ask for it anew").click()
            expect(page.locator(".lead")).to_contain_text("case #1")
            page.goto(f"{office.url}/console/audit/exports")
            expect(page.get_by_role("row").nth(1)).to_contain_text("Cancelled")
            page.goto(f"{office.url}/console/audit/exports/nothing")
            expect(page.get_by_role("alert")).to_contain_text("There is no such export")


def test_who_may_not_export_is_not_offered_it(office: Office, browser: Browser) -> None:
    promises(office)
    with window(browser) as page:
        come_in(page, office.url, "social")
        page.goto(f"{office.url}/console/audit?number=1")
        expect(page.get_by_role("heading", name="1 case")).to_be_visible()
        expect(page.get_by_role("link", name="Export these")).to_have_count(0)
        page.goto(f"{office.url}/console/audit/exports")
        expect(page.locator("main")).to_contain_text("may not")


# --- proven in the browser -----------------------------------------------------------------------------------------------


def checked(page: Page, office: Office, *, keys: str = "", checkpoint: str = "", case: str = "meridian-x-p1") -> None:
    """Have a case proven, and wait for the verdict."""
    page.goto(f"{office.url}/console/audit/cases/{case}/verify")
    page.get_by_label("The log’s public keys").fill(keys)
    page.get_by_label("A checkpoint that you kept").fill(checkpoint)
    page.get_by_role("button", name="Verify").click()
    page.wait_for_selector("#checked[data-verdict]")


def test_the_browser_proves_a_case_with_what_the_auditor_has(office: Office, browser: Browser) -> None:
    checkpoint = promises(office)
    own = str(NOTARY.verifiers[0])
    for how in ({}, {"color_scheme": "dark"}):
        with window(browser, PHONE, **how) as page:
            come_in(page, office.url, "auditor")
            checked(page, office, keys=own, checkpoint=checkpoint)
            expect(page.get_by_role("heading", name="It holds")).to_be_focused()
            shown = page.locator("#checked")
            expect(shown).to_contain_text("have the hash that they should, in unbroken order")
            expect(shown).to_contain_text("That is a key of yours.")
            expect(shown).to_contain_text("The log continues your checkpoint")
            expect(shown.locator("ol li").first).to_contain_text("opened")
            expect(shown.locator("ol li").last).to_contain_text("· proven")
            assert axe_faults(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") == PHONE
    read = [entry.event for _, _, entry in office.store.journal.entries() if isinstance(entry.event, CaseRead)]
    assert [one.case for one in read] == ["meridian-x-p1", "meridian-x-p1"]


def test_the_browser_says_when_nothing_of_ones_own_was_given(office: Office, browser: Browser) -> None:
    promises(office)
    happens(office.store, "meridian-x-p1", e.PromiseKept(datetime.now(UTC), datetime.now(UTC)))
    with window(browser) as page:
        come_in(page, office.url, "auditor")
        checked(page, office)
        shown = page.locator("#checked")
        expect(shown).to_contain_text("That is a key that this server named")
        expect(shown).to_contain_text("It is not held to a checkpoint of yours.")
        expect(shown).to_contain_text("1 came after the checkpoint")
        checked(page, office, keys=str(Notary.parse(Notary.new_key("another.example/log")).verifiers[0]))
        expect(page.get_by_role("heading", name="It does not hold")).to_be_visible()
        expect(shown).to_contain_text("No key that is trusted here has signed it: the server’s checkpoint")
        checked(page, office, keys="nonsense")
        expect(page.get_by_role("heading", name="It could not be decided")).to_be_visible()
        checked(page, office, checkpoint="nonsense")
        expect(shown).to_contain_text("This is not a checkpoint: your checkpoint")


def altered(page: Page, **change: Any) -> None:
    """Let the server send another proof than it has."""
    at, events = change.pop("at", 0), change.pop("event", {})

    def alter(route: Route) -> None:
        answer = route.fetch()
        proof = answer.json() | {k: v for k, v in change.items() if not callable(v)}
        proof["events"][at] |= {k: v(proof["events"][at][k]) if callable(v) else v for k, v in events.items()}
        for key, value in change.items():
            if callable(value):
                proof[key] = value(proof[key])
        route.fulfill(response=answer, body=json.dumps(proof))

    page.route("**/api/v1/cases/*/proof*", alter)


def test_whatever_the_server_alters_is_named(office: Office, browser: Browser) -> None:
    promises(office)
    other = "0" * 64

    def another_first(proof: str) -> str:
        return proof.replace("\n", "\n1", 1)

    told: list[tuple[dict[str, Any], str]] = [
        ({"at": 2, "event": {"doc": lambda doc: doc.replace("billing", "technical")}}, "Event 3 of case meridian-x-p1 was changed after"),
        ({"at": 1, "event": {"us": lambda us: us + 1}}, "Event 2 of case meridian-x-p1 was changed after"),
        ({"at": 2, "event": {"prev": other}}, "Event 3 of case meridian-x-p1 was changed after"),
        ({"events": lambda events: [events[0], *events[2:]]}, "Event 3 of case meridian-x-p1 does not follow event 1"),
        ({"events": lambda events: events[1:]}, "Event 2 of case meridian-x-p1 does not follow event 0"),
        ({"events": lambda _: []}, "The server gave no event of this case"),
        ({"at": 1, "event": {"proof": [other]}}, "Event 2 of case meridian-x-p1 is not the one that was sealed into the log"),
        ({"at": 1, "event": {"leaf": 0}}, "Event 2 of case meridian-x-p1 is not the one that was sealed into the log as number 0"),
        ({"at": 1, "event": {"leaf": None}}, "Event 2 of case meridian-x-p1 is not in the log, and later ones are"),
        ({"missing": [4]}, "Event 4 of case meridian-x-p1 is in the log, and not in the history"),
        ({"checkpoint": another_first}, "does not fit: the server’s checkpoint was changed"),
        ({"keys": []}, "No key that is trusted here has signed it"),
        ({"checkpoint": None}, "Nothing is sealed yet"),
    ]
    for change, sentence in told:
        with window(browser) as page:
            come_in(page, office.url, "auditor")
            altered(page, **dict(change))
            checked(page, office)
            expect(page.locator("#checked .warn").first).to_contain_text(sentence)
            expect(page.locator("#checked")).not_to_have_attribute("data-verdict", "holds")


def test_a_log_that_does_not_continue_ones_checkpoint_is_named(office: Office, browser: Browser) -> None:
    checkpoint = promises(office)
    with window(browser) as page:
        come_in(page, office.url, "auditor")
        altered(page, consistency=lambda proof: [*proof[:-1], "0" * 64] if proof else ["0" * 64])
        checked(page, office, checkpoint=checkpoint)
        expect(page.locator("#checked .warn")).to_contain_text("The log does not continue your checkpoint of")
        expect(page.get_by_role("heading", name="It does not hold")).to_be_visible()


def test_what_the_databases_superuser_changes_is_named(office: Office, browser: Browser) -> None:
    checkpoint = promises(office)
    department = "doc = replace(doc, '\"billing\"', '\"technical\"')"
    with window(browser) as page:
        come_in(page, office.url, "auditor")
        office.archive.tamper(f"update case_event set {department} where case_id = 'meridian-x-p1' and seq = 3")
        checked(page, office)
        expect(page.locator("#checked .warn").first).to_contain_text("Event 3 of case meridian-x-p1 was changed after it was recorded")
        office.archive.chain_anew("meridian-x-p1")
        checked(page, office)
        expect(page.locator("#checked .warn").first).to_contain_text("Event 3 of case meridian-x-p1 is not the one that was sealed")
        expect(page.locator("#checked ol .warn")).to_have_count(1)
        office.archive.log_anew()
        office.archive.seal()
        checked(page, office)
        expect(page.get_by_role("heading", name="It holds")).to_be_visible()
        checked(page, office, checkpoint=checkpoint)
        expect(page.locator("#checked .warn").first).to_contain_text("The log does not continue your checkpoint")
        office.archive.tamper(
            "delete from case_event where case_id = 'meridian-x-p2' and seq = (select max(seq) from case_event "
            "where case_id = 'meridian-x-p2')"
        )
        checked(page, office, case="meridian-x-p2")
        expect(page.locator("#checked .warn").first).to_contain_text("is in the log, and not in the history: it was deleted")


def test_a_browser_without_ed25519_is_told_so(office: Office, browser: Browser) -> None:
    promises(office)
    with window(browser) as page:
        page.add_init_script("crypto.subtle.importKey = () => Promise.reject(new DOMException('no', 'NotSupportedError'))")
        come_in(page, office.url, "auditor")
        checked(page, office)
        expect(page.get_by_role("heading", name="It could not be decided")).to_be_visible()
        expect(page.locator("#checked")).to_contain_text("This browser cannot check Ed25519 signatures")
