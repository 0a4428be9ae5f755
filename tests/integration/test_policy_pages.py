"""The policy's pages in a real browser and over REST: reading, comparing, checking, putting in force; without JavaScript, by axe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import create_engine, text

from adapters.postgres.keys import NewKey
from adapters.postgres.store import Store
from adapters.public_holidays import holidays_of
from cli.engines import Postgres
from domain.journal import AdminActed
from domain.rights import Right
from domain.values import SYSTEM, Role, Via
from tests.browsing import NEEDS_CHROMIUM, PHONE, axe_faults, come_in, window
from tests.conftest import WORDING, fresh_database, open_on
from tests.integration.conftest import serving
from tests.policies import SHIPPED

STRICTER = SHIPPED.replace("{urgent: 15 min, high: 30 min", "{urgent: 10 min, high: 30 min")
HOSTILE = SHIPPED.replace("name: Meridian", "name: '<img src=x onerror=\"document.title=1\">'", 1)
BROKEN = SHIPPED.replace("{urgent: 15 min, high: 30 min", "{urgent: soon, high: 30 min").replace("watch: 72 h", "wacth: 72 h")


@dataclass
class Served:
    """Where it is."""

    http: httpx.Client
    store: Store
    database: str
    first: str

    @property
    def url(self) -> str:
        return str(self.http.base_url).rstrip("/")

    def key(self, role: Role, *scopes: Right) -> dict[str, str]:
        """Headers of a program."""
        departments = frozenset({"billing"}) if role is Role.DEPARTMENT else frozenset[str]()
        secret = self.store.keys.make(NewKey("A program", role, frozenset(scopes) or None, departments), SYSTEM)[1]
        return {"authorization": f"Bearer {secret}"}


@pytest.fixture
def served(postgres: Postgres) -> Iterator[Served]:
    with fresh_database(postgres) as database:
        store = open_on(database)
        first, _ = store.book.activate(SHIPPED, WORDING, by="operator", holidays=holidays_of)
        with serving(database) as http:
            yield Served(http, store, database, first.id)
        store.close()


def acts(store: Store) -> list[tuple[Via, str | None, str | None]]:
    """The policies that came into force, by the journal."""
    found = [(entry.by.via, entry.event) for _, _, entry in store.journal.entries() if isinstance(entry.event, AdminActed)]
    return [(via, act.before, act.after) for via, act in found if isinstance(act, AdminActed) and act.what == "policy_activated"]


def give(page: Page, served: Served, policy: str) -> None:
    """Paste a policy and have it checked."""
    page.goto(f"{served.url}/console/policy/check")
    page.get_by_label("Policy, pasted").fill(policy)
    page.get_by_role("button", name="Check", exact=True).click()


@NEEDS_CHROMIUM
def test_an_admin_checks_a_file_sees_what_it_changes_and_puts_it_in_force_without_javascript(
    served: Served, browser: Browser, tmp_path: Path
) -> None:
    with window(browser, java_script_enabled=False) as page:
        come_in(page, served.url, "admin")
        give(page, served, BROKEN)
        expect(page.get_by_role("alert")).to_contain_text("3 problems. Nothing was changed.")
        line = next(n for n, text in enumerate(BROKEN.splitlines(), 1) if text.startswith("wacth"))
        expect(page.get_by_role("row").filter(has_text="wacth")).to_contain_text(f"{line}wacthis not known here (misspelt?)")
        expect(page.get_by_label("Policy, pasted")).to_have_value(BROKEN)
        (tmp_path / "mine.yaml").write_text(STRICTER, "utf-8")
        page.get_by_label("Policy, as a file").set_input_files(tmp_path / "mine.yaml")
        page.get_by_role("button", name="Check", exact=True).click()
        expect(page.get_by_role("row").filter(has_text="clocks.accept.urgent")).to_contain_text("− 15 min+ 10 min")
        expect(page.locator("tr.gone")).to_have_count(1)
        expect(page.locator("tr.new")).to_contain_text("accept:         {urgent: 10 min")
        page.get_by_role("button", name="Put default@").click()
        page.wait_for_url("**/console/policy")
        now = served.store.book.times()[0]
        assert now.policy_id != served.first
        expect(page.get_by_role("heading", level=1)).to_have_text(now.policy_id)
        expect(page.locator(".lead")).to_contain_text(f"put there by {now.name}")
        assert acts(served.store)[-1] == (Via.CONSOLE, served.first, now.policy_id)
        assert served.store.book.files(now.policy_id).policy == STRICTER, "browsers' ends of lines are not part of it"
        page.get_by_role("link", name=f"What has changed since {served.first}").click()
        expect(page.get_by_role("row").filter(has_text="clocks.accept.urgent")).to_contain_text("15 min")
        page.get_by_role("link", name=served.first).click()
        page.get_by_role("button", name="Put it in force again").click()
        page.wait_for_url("**/console/policy")
        assert [one.policy_id for one in served.store.book.times()] == [served.first, now.policy_id, served.first]


@NEEDS_CHROMIUM
def test_what_was_checked_against_another_version_is_shown_anew_before_it_comes_into_force(served: Served, browser: Browser) -> None:
    with window(browser) as page:
        come_in(page, served.url, "admin")
        give(page, served, STRICTER)
        other, _ = served.store.book.activate(SHIPPED.replace("watch: 72 h", "watch: 48 h"), WORDING, by="operator", holidays=holidays_of)
        page.get_by_role("button", name="Put default@").click()
        expect(page.get_by_role("alert")).to_contain_text("Something has changed since you checked it")
        expect(page.get_by_role("row").filter(has_text="watch").first).to_contain_text("− 2 d+ 3 d")
        assert served.store.book.times()[0].policy_id == other.id


@NEEDS_CHROMIUM
def test_who_has_not_proved_lately_who_they_are_does_so_first_and_loses_nothing(served: Served, browser: Browser) -> None:
    with window(browser) as page:
        come_in(page, served.url, "admin")
        owner = create_engine(served.database)
        with owner.begin() as connection:
            connection.execute(text("update session set proved_at = proved_at - interval '1 hour'"))
        owner.dispose()
        give(page, served, STRICTER)
        with page.expect_popup() as opened:
            page.get_by_role("link", name="sign in again in another tab").click()
        other = opened.value
        other.get_by_label("Role", exact=True).select_option("admin")
        other.get_by_role("form", name="As …, on this machine").get_by_role("button").click()
        other.wait_for_url("**/console/policy")
        page.get_by_role("button", name="Put default@").click()
        page.wait_for_url("**/console/policy")
        assert served.store.book.times()[0].policy_id != served.first


@NEEDS_CHROMIUM
def test_others_check_and_read_and_are_offered_nothing_that_is_an_admins(served: Served, browser: Browser) -> None:
    with window(browser) as page:
        come_in(page, served.url, "lead")
        give(page, served, STRICTER)
        expect(page.get_by_text("An admin can put it in force.")).to_be_visible()
        expect(page.get_by_role("button", name="Put default@")).to_have_count(0)
        page.get_by_role("link", name="The policy", exact=True).click()
        for told in ("Europe/London", "Christmas Day", "Boxing Day", "Helen Park", "manager"):
            expect(page.locator("main")).to_contain_text(told)
        page.get_by_role("link", name="Wording").click()
        expect(page.locator("main")).to_contain_text("acknowledgement.complaint")


@NEEDS_CHROMIUM
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, 1400])
def test_axe_finds_nothing_and_nothing_lies_beyond_the_screen(served: Served, browser: Browser, scheme: str, width: int) -> None:
    reworded = WORDING.replace("glad we could", "glad that we could")
    hostile, _ = served.store.book.activate(HOSTILE, reworded, by="operator", holidays=holidays_of)
    with window(browser, width, color_scheme=scheme) as page:
        come_in(page, served.url, "admin")

        def is_fine() -> None:
            assert axe_faults(page) == [], page.url
            assert page.evaluate("document.documentElement.scrollWidth") == width, page.url
            assert page.title() != "1"

        for path in ("", f"/versions/{served.first}", f"/versions/{hostile.id}/wording", "/compare", "/check"):
            page.goto(f"{served.url}/console/policy{path}")
            is_fine()
        for policy in (STRICTER, BROKEN, HOSTILE):
            give(page, served, policy)
            is_fine()


def test_programs_read_check_and_put_in_force(served: Served) -> None:
    http, reader, admin = served.http, served.key(Role.DEPARTMENT), served.key(Role.ADMIN, Right.CHANGE_POLICY, Right.READ_POLICY)
    listed = http.get("/api/v1/policies", headers=reader).json()
    assert (listed["in_force"], [one["id"] for one in listed["policies"]]) == (served.first, [served.first])
    whole = http.get(f"/api/v1/policies/{served.first}", headers=reader).json()
    assert (whole["policy"], whole["wording"]) == (SHIPPED, WORDING)
    assert whole["holidays"]["office"]
    wrong = http.post("/api/v1/policies/check", json={"policy": BROKEN}, headers=reader)
    assert (wrong.status_code, wrong.json()["fine"]) == (200, False)
    assert {(one["file"], one["key"]) for one in wrong.json()["problems"]} == {
        ("policy", "clocks.accept.urgent"),
        ("policy", "watch"),
        ("policy", "wacth"),
    }
    fine = http.post("/api/v1/policies/check", json={"policy": STRICTER}, headers=reader).json()
    assert fine["changes"] == [{"key": "clocks.accept.urgent", "before": "15 min", "after": "10 min"}]
    assert http.post("/api/v1/policies", json={"policy": STRICTER}, headers=served.key(Role.LEAD)).status_code == 403
    assert http.post("/api/v1/policies", json={"policy": STRICTER}, headers=served.key(Role.ADMIN)).json()["code"] == "sign_in_again"
    refused = http.post("/api/v1/policies", json={"policy": BROKEN}, headers=admin)
    assert (refused.status_code, refused.json()["code"]) == (422, "policy_is_wrong")
    late = http.post("/api/v1/policies", json={"policy": STRICTER, "instead_of": "default@0000000000"}, headers=admin)
    assert (late.status_code, late.json()["code"]) == (409, "changed_meanwhile")
    put = http.post("/api/v1/policies", json={"policy": STRICTER, "instead_of": served.first}, headers=admin)
    assert put.json() == {"version": fine["version"], "changed": True}
    assert acts(served.store)[-1] == (Via.API, served.first, fine["version"])
    again = {"version": served.first}
    assert http.post("/api/v1/policies", json=again, headers=admin).json() == {"version": served.first, "changed": True}
    assert http.post("/api/v1/policies", json=again, headers=admin).json() == {"version": served.first, "changed": False}
    assert http.post("/api/v1/policies", json={"version": "nothing@0"}, headers=admin).status_code == 404
    assert http.get("/api/v1/policies/nothing@0", headers=reader).status_code == 404


def test_only_the_wording_can_be_checked_and_an_unknown_country_is_named_with_its_line(served: Served) -> None:
    reader = served.key(Role.AUDITOR)
    reworded = WORDING.replace("glad we could help", "we are glad that we could help")
    found = served.http.post("/api/v1/policies/check", json={"wording": reworded}, headers=reader).json()
    assert (found["fine"], found["changes"]) == (True, [])
    assert found["version"] != served.first
    nowhere = SHIPPED.replace("public_holidays: GB-ENG", "public_holidays: GB-XXX")
    line = next(n for n, text in enumerate(nowhere.splitlines(), 1) if "GB-XXX" in text)
    (wrong,) = served.http.post("/api/v1/policies/check", json={"policy": nowhere}, headers=reader).json()["problems"]
    assert (wrong["line"], wrong["key"]) == (line, "calendars.office.public_holidays")
    empty = served.http.post("/api/v1/policies/check", json={}, headers=reader).json()
    assert (empty["fine"], empty["problems"][0]["line"]) == (False, 0)
