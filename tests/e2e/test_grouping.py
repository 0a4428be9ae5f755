"""Grouping at the console: two cases of a customer become one, and many customers of one cause are answered by one text."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from sandbox.hands import Author
from tests.browsing import NEEDS_CHROMIUM, axe_faults, chromium, come_in, window
from tests.e2e.conftest import Stage

RUTH, LEO, MIA = Author("770081", "ruth", "Ruth Abara"), Author("770082", "leo", "Leo Brandt"), Author("770083", "mia", "Mia Costa")
LONG = 25_000


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with chromium() as browser, window(browser) as one:
        one.set_default_timeout(LONG)
        yield one


def complained(stage: Stage, text: str, author: Author) -> str:
    case = stage.complain(text, "x", author)
    stage.until(lambda: {"handed_off", "reply_posted"} <= set(stage.events(case)))
    return case


def number_of(page: Page, case: str, stage: Stage) -> str:
    page.goto(f"{stage.http.base_url}".rstrip("/") + f"/console/cases/{case}")
    found = re.search(r"#(\d+)", page.locator("h1").text_content() or "")
    assert found is not None
    return found[1]


def accept(page: Page) -> None:
    page.get_by_role("button", name="Accept", exact=True).click()
    expect(page.get_by_text("it is yours")).to_be_visible(timeout=LONG)


@NEEDS_CHROMIUM
def test_a_case_is_merged_and_the_loop_closes_in_both_threads(stage: Stage, page: Page) -> None:
    url = str(stage.http.base_url).rstrip("/")
    come_in(page, url)
    first = complained(stage, "Still no refund for my router.", RUTH)
    second = complained(stage, "You did not answer: where is my refund for the router?", RUTH)
    into = number_of(page, second, stage)
    accept(page)
    page.goto(f"{url}/console/cases/{first}?do=merge")
    assert axe_faults(page) == []
    page.get_by_label("Into which case?").fill("999999")
    page.get_by_role("button", name="Merge it").click()
    expect(page.get_by_role("alert").filter(has_text="There is no case #999999.")).to_be_visible()
    page.get_by_label("Into which case?").fill(f"#{into}")
    page.get_by_role("button", name="Merge it").click()
    expect(page.get_by_text("The case goes on in the other one.")).to_be_visible(timeout=LONG)
    expect(page.get_by_text("This case was merged into")).to_be_visible()
    assert axe_faults(page) == []
    page.locator(".merged a").click()
    expect(page.locator("h1")).to_contain_text(f"#{into}")
    stage.until(lambda: "took_in" in stage.events(second))
    page.goto(f"{url}/console/cases/{second}?do=resolve")
    page.get_by_label("Root cause").select_option("billing_error")
    page.get_by_label("How was it solved?").fill("Your refund was sent today.")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Post it and resolve").click()
    stage.until(lambda: stage.events(second).count("reply_posted") == 3)
    thanked = stage.replies(second, 2)[-1]
    elsewhere = stage.replies(first, 2)[-1]
    assert "Your refund was sent today." in thanked["text"]
    assert thanked["url"] in elsewhere["text"]
    assert elsewhere["text"].startswith("Hi Ruth,")
    assert stage.events(first)[-1] == "merged"


@NEEDS_CHROMIUM
def test_customers_of_one_cause_are_answered_by_one_text(stage: Stage, page: Page) -> None:
    url = str(stage.http.base_url).rstrip("/")
    come_in(page, url)
    cases = [complained(stage, "My line is dead since noon, again.", who) for who in (LEO, MIA)]
    numbers = []
    for case in cases:
        numbers.append(number_of(page, case, stage))
        accept(page)
    page.goto(f"{url}/console/causes")
    page.get_by_label("Name (internal)").fill("Cabinet 12")
    page.get_by_label("Which department mends it?").select_option("technical")
    assert axe_faults(page) == []
    page.get_by_role("button", name="Open it").click()
    expect(page.get_by_text("The cause is open.")).to_be_visible()
    page.get_by_label("Their numbers").fill(", ".join([*numbers, "999999"]))
    page.get_by_role("button", name="Add them").click()
    expect(page.get_by_text("#999999: There is no such case.")).to_be_visible(timeout=LONG)
    expect(page.get_by_role("heading", name="2 cases")).to_be_visible()
    page.get_by_label("Their numbers").fill(numbers[0])
    page.get_by_role("button", name="Add them").click()
    expect(page.get_by_role("alert")).to_contain_text(f"#{numbers[0]}: ", timeout=LONG)  # by its number, as it was written
    assert axe_faults(page) == []
    page.get_by_label("Your words").fill("The card in your cabinet is worn out; we replace it this afternoon.")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="2 customers read this")).to_be_visible(timeout=LONG)
    shown = page.locator(".exactly").all_text_contents()
    assert [one.split(",")[0] for one in shown] == ["Hi Leo", "Hi Mia"]
    assert axe_faults(page) == []
    page.get_by_role("button", name="Send it to 2 customers").click()
    expect(page.get_by_text("It is on its way")).to_be_visible()
    for case, exactly in zip(cases, shown, strict=True):
        assert stage.replies(case, 2)[-1]["text"] == exactly
    expect(page.get_by_text("✓ said")).to_have_count(2, timeout=LONG)  # by itself: the page follows
    page.get_by_role("link", name="C", exact=False).filter(has_text="Cabinet 12").click()
    page.get_by_label("What is it?").select_option("resolve")
    page.get_by_label("Root cause").select_option("outage")
    page.get_by_label("Your words").fill("The card is replaced and your line works again.")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Send it to 2 customers").click(timeout=LONG)
    stage.until(lambda: all("closed" in stage.events(case) for case in cases))
    page.goto(f"{url}/console/causes")
    expect(page.locator("#list")).to_contain_text("0 not resolved, 2 closed")
    assert axe_faults(page) == []
