"""The list of all cases, what nobody could read, and the page behind an e-mail's link, on a phone and whatever customers write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from adapters.links import Links
from adapters.postgres.store import Store
from tests.browsing import NEEDS_CHROMIUM, PHONE, axe_faults, come_in, window
from tests.conftest import KEYS
from tests.integration.conftest import serving
from tests.integration.opened import created, place
from tests.integration.searching import catch_up, sealer_of

SCRIPT = "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">"
HOSTILE = f"{SCRIPT} <!channel> {{{{7*7}}}} *bold* \u202eturned zero\u200bwidth"

pytestmark = NEEDS_CHROMIUM


@pytest.fixture
def pages(store: Store, database: str) -> Iterator[str]:
    """The address at which the pages are served, from a real database. No command is given, so Temporal is never called."""
    with serving(database) as http:
        yield str(http.base_url).rstrip("/")


@pytest.fixture
def phone(browser: Browser, pages: str) -> Iterator[Page]:
    """Signed in; closed before the server ends, which a stream of events would hold up."""
    with window(browser, PHONE) as page:
        come_in(page, pages)
        yield page


def read_on_a_phone(page: Page, url: str) -> Page:
    """Open a page, and see that nothing of it lies beyond the screen or was taken for anything but text."""
    page.goto(url, wait_until="load")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE
    assert page.locator("main img, main script").count() == 0
    assert "pwned" not in page.title()
    return page


def test_a_phone_shows_the_cases_one_below_the_other_and_hostile_words_as_words(store: Store, pages: str, phone: Page) -> None:
    page = read_on_a_phone(phone, f"{pages}/console")
    expect(page.get_by_text("No case yet.")).to_be_visible()
    author = {"id": "9", "handle": "h" * 60, "name": HOSTILE}
    text = f"{HOSTILE} my internet is broken " + "w" * 280
    placed = place(store, created("p1", text=text, author=author))
    assert placed is not None
    read_on_a_phone(page, f"{pages}/console?show=all")
    row = page.get_by_role("row").nth(1)
    expect(row.get_by_role("cell")).to_have_count(4)
    expect(row).to_contain_text("{{7*7}} *bold*")
    expect(row).to_contain_text("Technical")
    expect(row).to_contain_text("Acknowledge the customer")
    row.get_by_role("link").click()
    page.wait_for_url("**/cases/**")
    read_on_a_phone(page, page.url)
    expect(page.locator(".talk blockquote").first).to_have_text(text)
    expect(page.locator(".lead")).to_contain_text("<!channel>")


def test_an_auditor_finds_and_reads_on_a_phone_and_hostile_words_are_words(store: Store, pages: str, phone: Page, database: str) -> None:
    author = {"id": "9", "handle": "h" * 60, "name": HOSTILE}
    text = f"{HOSTILE} my internet is broken " + "w" * 280
    placed = place(store, created("p1", text=text, author=author))
    assert placed is not None
    with sealer_of(database) as sealer:
        catch_up(store, sealer)
    come_in(phone, pages, "auditor")
    page = read_on_a_phone(phone, f"{pages}/console/audit")
    page.get_by_label("Words in it").fill("my INTERNET")
    page.get_by_label("Event").select_option("opened")
    page.get_by_role("button", name="Search").click()
    read_on_a_phone(page, page.url)
    expect(page.get_by_role("heading", name="1 case, the newest first")).to_be_visible()
    expect(page.get_by_label("Words in it")).to_have_value("my INTERNET")
    assert axe_faults(page) == []
    page.locator(".cases").get_by_role("link").click()
    read_on_a_phone(page, page.url)
    expect(page.get_by_text("none was changed")).to_be_visible()
    expect(page.get_by_text("Not shown.").first).to_be_visible()
    expect(page.locator("blockquote")).to_have_count(0)
    assert axe_faults(page) == []
    page.get_by_role("link", name="Show what people wrote").click()
    read_on_a_phone(page, page.url)
    expect(page.locator(".audit-said blockquote").first).to_have_text(text)
    page.get_by_label("As of").fill("2020-01-01")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("body")).to_contain_text("nothing was on record of the case")


def test_what_nobody_could_read_is_shown_with_its_reason_and_can_be_read_again(store: Store, pages: str, phone: Page) -> None:
    unknown = created("p1", text="My internet is broken.") | {"brand": "nobody"}
    assert place(store, unknown) is None
    page = read_on_a_phone(phone, f"{pages}/console/inbox")
    expect(page.get_by_role("region", name="Unreadable: 1")).to_contain_text("the brand 'nobody' is not in the policy")
    page.get_by_role("button", name="Read it again").click()
    expect(page.get_by_role("status").filter(has_text="being read again")).to_be_visible()
    expect(page.get_by_role("region", name="Unreadable: 1")).to_have_count(0)
    assert len(store.inbox.to_do(timedelta(0))) == 1, "the dispatcher takes it up"


def test_a_department_sees_the_exact_words_before_anything_is_posted(store: Store, pages: str, phone: Page) -> None:
    placed = place(store, created("p1", text=f"{HOSTILE} my internet is broken"))
    assert placed is not None
    page = read_on_a_phone(phone, Links(KEYS, pages).make(placed.case_id, "technical"))
    expect(page.locator("blockquote.first")).to_have_text(f"{HOSTILE} my internet is broken")
    update = page.locator("form", has=page.get_by_role("heading", name="Update the customer"))
    update.get_by_label("Your first name").fill(" ")
    update.get_by_label("Your update").fill("A cable was cut.\nWe are on site.")
    update.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("alert")).to_contain_text("first name")
    expect(update.get_by_label("Your update")).to_have_value("A cable was cut.\nWe are on site.")
    update.get_by_label("Your first name").fill("Tom")
    update.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="This is what everybody will read")).to_be_visible()
    said = page.locator("blockquote").inner_text()
    assert said.startswith("Hi Sam,\nA cable was cut.\nWe are on site.\n")
    assert said.endswith("– Tom")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE
