"""One link of one case is withdrawn by itself: on pages, over REST and by the command; whoever has the old one is told so kindly."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import httpx
import pytest
import yaml
from playwright.sync_api import expect
from typer.testing import CliRunner

from adapters.links import StatusLinks
from adapters.postgres.composing import Composer
from adapters.postgres.keys import NewKey
from adapters.postgres.store import Store
from cli.app import app
from domain import commands as c
from domain.journal import AdminActed
from domain.ports import Card, WhatToSay
from domain.values import SYSTEM, Role
from tests.browsing import DESK, NEEDS_CHROMIUM, PHONE, axe_faults, chromium, come_in, window
from tests.conftest import INDEX_KEY, KEYS, POLICY, WORDING
from tests.integration.conftest import serving
from tests.integration.onrecord import OnRecord
from tests.integration.test_status_page import handed_over, themed
from tests.signing_in import sent_from, signed_in


@pytest.fixture
def http(store: Store, database: str) -> Iterator[httpx.Client]:
    with serving(database) as client:
        client.headers["accept-encoding"] = "identity"
        yield client


def on_record(store: Store) -> list[tuple[str, str, str | None, str]]:
    told = [(entry.event, entry.by.person) for _, _, entry in store.journal.entries()]
    acted = [(event, person) for event, person in told if isinstance(event, AdminActed) and event.what.startswith("status_link")]
    return [(event.what, event.about, event.after, person) for event, person in acted]


def path_of(url: str) -> str:
    return "/s/" + url.rpartition("/")[2]


def test_the_old_link_says_that_it_was_withdrawn_the_new_one_shows_the_case_and_no_other_case_is_touched(
    store: Store, http: httpx.Client
) -> None:
    case, other = handed_over(store), handed_over(store, "p2", author={"id": "2", "handle": "b", "name": "B"})
    lead = signed_in(http, "lead")
    first, others = (http.get(f"/api/v1/cases/{one.case_id}/status-link", headers=lead).json() for one in (case, other))
    assert first["withdrawn"] == 0
    assert http.get(path_of(first["url"])).status_code == 200
    address = f"/api/v1/cases/{case.case_id}/status-link"
    second = http.delete(f"{address}?withdrawn=0", headers=lead | sent_from(http)).json()
    assert second["withdrawn"] == 1
    assert http.delete(f"{address}?withdrawn=0", headers=lead | sent_from(http)).json() == second, "sent again, it withdraws nothing more"
    assert http.delete(f"{address}?withdrawn=7", headers=lead | sent_from(http)).json() == second, "nor does one that is not there yet"
    assert http.delete(address, headers=lead | sent_from(http)).status_code == 422
    gone = http.get(path_of(first["url"]))
    assert gone.status_code == 410
    assert "This link was withdrawn" in gone.text
    assert "Meridian" in gone.text
    assert gone.headers["x-robots-tag"] == "noindex, nofollow, noarchive"
    assert http.get(path_of(second["url"])).status_code == 200
    assert http.get(path_of(others["url"])).status_code == 200
    assert on_record(store) == [("status_link_withdrawn", f"case {case.case_id}", "link 2", "local:lead")]
    http.delete(f"{address}?withdrawn=1", headers=lead | sent_from(http))
    assert [http.get(path_of(one["url"])).status_code for one in (first, second)] == [410, 410]


def test_a_reply_that_is_made_later_gives_the_link_that_holds(store: Store, http: httpx.Client) -> None:
    policy = yaml.safe_load(POLICY)
    policy["channels"]["x"]["status_link"] = ["private"]
    store.book.activate(yaml.safe_dump(policy, sort_keys=False), WORDING, by="tests")
    case, lead = handed_over(store), signed_in(http, "lead")
    path = f"/api/v1/cases/{case.case_id}/status-link"
    composer = Composer(store.engine, store.vault, store.book, StatusLinks(KEYS, "https://care.example").make)
    say = WhatToSay(case.case_id, case.case.policy, None, "private.person", 0, "billing", case.now(), until=case.now(), body="Hello.")
    first = path_of(http.get(path, headers=lead).json()["url"])
    assert first in composer.compose(say).text
    second = path_of(http.delete(f"{path}?withdrawn=0", headers=lead | sent_from(http)).json()["url"])
    said = composer.compose(say).text
    assert (first in said, second in said) == (False, True)


def test_only_whoever_acts_on_the_case_sees_its_link_and_withdraws_it(store: Store, http: httpx.Client) -> None:
    case = handed_over(store)
    path = f"/api/v1/cases/{case.case_id}/status-link"
    keys = {
        name: {"authorization": f"Bearer {store.keys.make(NewKey(name, role, None, frozenset(theirs)), SYSTEM)[1]}"}
        for name, role, theirs in (
            ("auditor", Role.AUDITOR, ()), ("technical", Role.DEPARTMENT, ("technical",)), ("billing", Role.DEPARTMENT, ("billing",)),
        )
    }  # fmt: skip
    assert {
        name: (http.get(path, headers=key).status_code, http.delete(f"{path}?withdrawn=0", headers=key).status_code)
        for name, key in keys.items()
    } == {
        "auditor": (403, 403),
        "technical": (404, 404),
        "billing": (200, 200),
    }
    case.command(c.Accept)
    case.command(c.Reassign, "technical")
    assert http.delete(f"{path}?withdrawn=1", headers=keys["technical"]).status_code == 200
    assert [one[1] for one in on_record(store)] == [f"case {case.case_id}"] * 2
    store.cards.save(Card(case.case_id, "billing", "S0BILLING", "1.1", 1, None))
    had_it = http.get(path, headers=keys["billing"])
    assert (had_it.status_code, had_it.json()["code"]) == (403, "not_yours"), "billing still sees the case, and speaks in it no more"
    assert http.get("/api/v1/cases/nothing/status-link", headers=keys["billing"]).status_code == 404


def test_a_link_can_be_withdrawn_a_hundred_times_and_no_more(store: Store, http: httpx.Client) -> None:
    case, lead = handed_over(store), signed_in(http, "lead")
    path = f"/api/v1/cases/{case.case_id}/status-link"
    with store.engine.begin() as connection:
        connection.exec_driver_sql("insert into status_link (case_id, withdrawn) values (%s, 99)", (case.case_id,))
    assert http.delete(f"{path}?withdrawn=99", headers=lead | sent_from(http)).json()["withdrawn"] == 100
    assert http.delete(f"{path}?withdrawn=100", headers=lead | sent_from(http)).status_code == 422
    assert http.get(path_of(http.get(path, headers=lead).json()["url"])).status_code == 200


def test_the_command_does_the_same(store: Store, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import cli.status_links  # noqa: F401 - it adds its verbs

    case: OnRecord = handed_over(store)
    monkeypatch.setenv("DATABASE_URL", database.replace("+psycopg2", ""))
    monkeypatch.setenv("LOOPKEEPER_KEYS", "k1:" + "a2V5" * 10 + "a2U=")
    monkeypatch.setenv("LOOPKEEPER_INDEX_KEY", base64.b64encode(INDEX_KEY).decode())

    def run(*words: str) -> str:
        ran = CliRunner().invoke(app, ["status-link", *words])
        return ran.output if ran.exception is None else f"loopkeeper: {ran.exception}"

    first = json.loads(run("show", case.case_id, "--json"))
    second = json.loads(run("withdraw", case.case_id, "--json"))
    assert (first["withdrawn"], second["withdrawn"]) == (0, 1)
    assert second["url"] in run("show", case.case_id)
    assert "there is no case" in run("withdraw", "nothing")
    assert [one[3] for one in on_record(store)] == ["operator"]


@NEEDS_CHROMIUM
def test_a_lead_withdraws_it_without_javascript_and_axe_finds_nothing(store: Store, http: httpx.Client) -> None:
    themed(store, accent="#7a1fa2", name="Meridian & Söhne")
    case, url = handed_over(store), str(http.base_url).rstrip("/")
    with chromium() as browser:
        for scheme, width in (("light", PHONE), ("dark", DESK)):
            with window(browser, width, color_scheme=scheme) as page:
                come_in(page, url)
                page.goto(f"{url}/console/cases/{case.case_id}/status-link")
                assert axe_faults(page) == []
                first = page.get_by_label("Link to the status page").input_value()
                page.get_by_role("button", name="Withdraw this link").click()
                expect(page.get_by_label("Link to the status page")).not_to_have_value(first)
                assert page.evaluate("document.documentElement.scrollWidth") == width
                page.goto(f"{url}{path_of(first)}")
                expect(page.get_by_role("heading", name="This link was withdrawn")).to_be_visible()
                assert axe_faults(page) == []
        with window(browser, java_script_enabled=False) as page:
            page.goto(f"{url}/sign-in?next=/console/cases/{case.case_id}")
            page.get_by_label("Role", exact=True).select_option("social")
            page.get_by_role("form", name="As …, on this machine").get_by_role("button").click()
            page.get_by_role("link", name="its link").click()
            page.get_by_role("button", name="Withdraw this link").click()
            expect(page.locator("main")).to_contain_text("3 links before this one were withdrawn")
