"""The pages of signing in, sessions and keys in a real browser: without JavaScript, by keyboard, on a phone, light and dark, by axe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from adapters.postgres.keys import NewKey
from adapters.postgres.store import Store
from cli.engines import Postgres
from domain.rights import Right
from domain.values import SYSTEM, Role
from tests.browsing import NEEDS_CHROMIUM, PHONE, axe_faults, window
from tests.conftest import POLICY, WORDING, fresh_database, open_on
from tests.integration.conftest import serving

pytestmark = NEEDS_CHROMIUM
HOSTILE = "<img src=x onerror=\"document.title='pwned'\">" + "w" * 60


@dataclass
class Served:
    """Where it is, and an admin's key."""

    url: str
    store: Store
    admin: str


@pytest.fixture(scope="module")
def served(postgres: Postgres) -> Iterator[Served]:
    with fresh_database(postgres) as database:
        store = open_on(database)
        store.book.activate(POLICY, WORDING, by="tests")
        admin = store.keys.make(NewKey("Ana Sousa", Role.ADMIN), SYSTEM)[1]
        narrowed = frozenset({Right.READ_CASES, Right.ACT})
        store.keys.make(NewKey(HOSTILE, Role.DEPARTMENT, narrowed, frozenset({"billing", "technical"})), SYSTEM)
        store.keys.revoke(store.keys.make(NewKey("An old script", Role.AUDITOR), SYSTEM)[0].id, SYSTEM)
        with serving(database) as http:
            yield Served(str(http.base_url).rstrip("/"), store, admin)
        store.close()


def sign_in(page: Page, served: Served, path: str) -> None:
    """Open a page as a stranger, give a key, and be there."""
    page.goto(f"{served.url}{path}")
    page.get_by_role("textbox", name="API key").fill(served.admin)
    page.get_by_role("form", name="With an API key").get_by_role("button").click()
    assert page.url == f"{served.url}{path}"


def test_an_admin_comes_in_makes_a_key_tries_it_revokes_it_and_leaves_without_javascript(served: Served, browser: Browser) -> None:
    with window(browser, java_script_enabled=False) as page, window(browser, java_script_enabled=False) as other:
        sign_in(page, served, "/console/api-keys")
        page.get_by_label("Name", exact=True).fill("Billing's own")
        page.get_by_label("Role", exact=True).select_option("department")
        page.get_by_role("button", name="Make the key").click()
        expect(page.get_by_role("alert")).to_contain_text("departments: a key of the role department needs at least one")
        expect(page.get_by_label("Name", exact=True)).to_have_value("Billing's own")
        page.get_by_label("Billing", exact=True).check()
        page.get_by_role("button", name="Make the key").click()
        secret = page.get_by_label("API key", exact=True).input_value()
        sign_in(other, Served(served.url, served.store, secret), "/console")
        expect(other.get_by_text("No case yet.")).to_be_visible()
        other.goto(f"{served.url}/console/api-keys")
        expect(other.get_by_role("heading", name="This is not for your role")).to_be_visible()
        page.goto(f"{served.url}/console/sessions")
        expect(page.get_by_role("row").filter(has_text="Billing's own")).to_contain_text("Chrome on")
        page.get_by_role("link", name="API keys").click()
        page.get_by_role("button", name="Revoke the key of Billing's own").click()
        expect(page.get_by_role("row").filter(has_text="Billing's own")).to_contain_text("revoked")
        other.goto(f"{served.url}/console")
        expect(other.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        page.goto(f"{served.url}/console/sessions")
        expect(page).to_have_url(re.compile(r"/sign-in\?next="))


def test_the_keyboard_alone_signs_in(served: Served, browser: Browser) -> None:
    with window(browser) as page:
        page.goto(f"{served.url}/console/sessions")
        page.get_by_label("Role", exact=True).focus()
        page.keyboard.press("l")
        for _ in range(2):
            page.keyboard.press("Tab")
        page.keyboard.type("Tom Baker")
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_contain_text("You are Tom Baker, lead.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, 1400])
def test_axe_finds_nothing_and_nothing_lies_beyond_the_screen(served: Served, browser: Browser, scheme: str, width: int) -> None:
    with window(browser, width, color_scheme=scheme) as page:
        for path in ("/sign-in", "/sign-in?again=1", "/sign-in/oidc"):
            page.goto(f"{served.url}{path}")
            assert axe_faults(page) == [], path
        sign_in(page, served, "/console/api-keys")
        for path in ("/console/api-keys", "/console/sessions"):
            page.goto(f"{served.url}{path}")
            assert axe_faults(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth") == width, path
            assert page.title() != "pwned"
        page.goto(f"{served.url}/console/api-keys")
        page.get_by_label("Name", exact=True).fill("Another")
        page.get_by_role("button", name="Make the key").click()
        assert axe_faults(page) == []
        page.goto(f"{served.url}/sign-in")
        page.get_by_label("Role", exact=True).select_option("auditor")
        page.get_by_role("form", name="As …, on this machine").get_by_role("button").click()
        page.goto(f"{served.url}/console/api-keys")
        assert axe_faults(page) == []


def test_an_address_that_leads_nowhere_is_told_on_a_page_and_to_a_program_as_a_problem(served: Served, browser: Browser) -> None:
    with window(browser) as page:
        for path in ("/nowhere", "/<script>nothing"):
            answer = page.goto(f"{served.url}{path}")
            assert answer is not None
            assert answer.status == 404
            expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
            expect(page.get_by_role("navigation")).to_have_count(0)
            assert "nothing</" not in page.content(), "what was asked for is not repeated"
        sign_in(page, served, "/console/api-keys")
        page.goto(f"{served.url}/console/cases/meridian-x-none")
        expect(page.get_by_role("link", name="Back to the open loops")).to_be_visible()
        expect(page.get_by_role("navigation", name="Console")).to_be_visible()
        assert axe_faults(page) == []
    told = httpx.get(f"{served.url}/nowhere", trust_env=False)
    assert (told.status_code, told.headers["content-type"]) == (404, "application/problem+json")
    api = httpx.get(f"{served.url}/api/v1/nowhere", headers={"accept": "text/html"}, trust_env=False)
    assert api.headers["content-type"] == "application/problem+json"
