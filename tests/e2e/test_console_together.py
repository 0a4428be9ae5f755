"""The social team at the console of two API instances behind a proxy, in real browsers: whole runs by hand, by keys, without JavaScript."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from adapters.postgres.keys import NewKey
from cli.embedded import Installation
from cli.engines import free_port
from cli.processes import Service
from domain.values import SYSTEM, Role
from settings import HERE
from tests.browsing import NEEDS_CHROMIUM, come_in
from tests.browsing import window as any_window
from tests.e2e.conftest import PATIENCE, SAM, WIDE_BOARD, Stage
from tests.integration.in_turn import in_turn

pytestmark = NEEDS_CHROMIUM
SOON = PATIENCE * 1000
RULES = "approvals:\n  phrases: {money: [voucher]}\n"


@pytest.fixture(autouse=True, scope="module")
def patience() -> Iterator[None]:
    """What is done here goes through everything, on a machine that may be busy."""
    expect.set_options(timeout=SOON)
    yield
    expect.set_options(timeout=5_000)


@contextmanager
def window(browser: Browser, **how: Any) -> Iterator[Page]:
    with any_window(browser, **how) as page:
        page.set_default_timeout(SOON)
        yield page


@contextmanager
def another_api(installation: Installation) -> Iterator[Service]:
    """A second instance of the API, of which the proxy knows; its address is in its environment."""
    port = free_port()
    first = installation.services["api"]
    environment = {**first.env, "LOOPKEEPER_PORT": str(port), "PYTHONPATH": str(HERE)}
    log = first.log.with_name("api2.log")

    def ready() -> bool:
        return log.exists() and b"startup complete" in log.read_bytes()

    service = Service("api2", [sys.executable, "-m", "api"], log, environment, ready=ready)
    service.start()
    try:
        service.wait_ready(PATIENCE)
        yield service
    finally:
        service.stop()


def url_of(service: Service) -> str:
    return f"http://127.0.0.1:{service.env['LOOPKEEPER_PORT']}"


@pytest.fixture(scope="module")
def second(installation: Installation) -> Iterator[Service]:
    with another_api(installation) as service:
        yield service


@pytest.fixture(scope="module")
def url(installation: Installation, second: Service) -> Iterator[str]:
    """Where the proxy is: each connection goes to the next instance."""
    with in_turn(url_of(installation.services["api"]), url_of(second)) as address:
        yield address


@dataclass
class Hand:
    """How somebody uses a page: with the mouse, or by keys alone."""

    page: Page
    by_keys: bool = False

    def press(self, what: Locator) -> None:
        if not self.by_keys:
            what.click()
            return
        self.reach(what)
        self.page.keyboard.press("Enter")

    def reach(self, what: Locator) -> None:
        """Tab until it has the focus, which must be seen. No page keeps the focus to itself: all can be reached from anywhere."""
        expect(what).to_be_visible()
        for _ in range(150):
            if what.evaluate("one => one === document.activeElement"):
                break
            self.page.keyboard.press("Tab")
        else:
            raise AssertionError(f"{what} is not reached by Tab")
        ring = "for (let at = one; at; at = at.parentElement) if (getComputedStyle(at).outlineStyle !== 'none') return true"
        assert what.evaluate(f"one => {{ {ring}; return false }}"), "the focus is not seen"

    def write(self, what: Locator, text: str) -> None:
        if not self.by_keys:
            what.fill(text)
            return
        self.reach(what)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def choose(self, what: Locator, option: str, label: str) -> None:
        if not self.by_keys:
            what.select_option(option)
            return
        self.reach(what)
        self.page.keyboard.type(label)
        expect(what).to_have_value(option)


def once(page: Page, there: Callable[[], Locator]) -> Locator:
    """What comes to stand on the page by itself, or, where nothing follows, when it is loaded again."""
    for _ in range(60):
        if there().count():
            return there()
        page.wait_for_timeout(500)  # a poll, bounded above
        page.reload()
    raise AssertionError("it did not come about in time")


def whole_run(stage: Stage, hand: Hand, url: str, *, follows: bool) -> None:
    """From the post to the thank-you."""
    page = hand.page
    case = stage.complain("You charged me for two lines, and I have one!", "x", SAM)
    stage.until(lambda: "handed_off" in stage.events(case))
    if hand.by_keys:
        page.goto(f"{url}/console/inbox")
        page.wait_for_selector("html[data-ready]")
        page.keyboard.press("g")
        page.keyboard.press("l")
        page.wait_for_url("**show=all")
    else:
        page.goto(f"{url}{WIDE_BOARD}")
    link = page.locator(f'[data-case="{case}"]').get_by_role("link").first
    if follows:
        expect(link).to_be_visible()
    hand.press(once(page, lambda: link))
    hand.press(once(page, lambda: page.get_by_role("button", name="Accept")))
    expect(page.get_by_text("it is yours")).to_be_visible()
    hand.press(page.get_by_role("link", name="Post update"))
    hand.write(page.get_by_label("Your update"), "The second line was a slip of ours.")
    hand.press(page.get_by_role("button", name="Preview"))
    exactly = page.locator(".exactly").text_content()
    hand.press(page.get_by_role("button", name="Post it"))
    expect(page.get_by_text("Your update is on its way")).to_be_visible()
    if follows:
        expect(page).to_have_url(re.compile(f"/console/cases/{case}$"))  # what was done is said once
        page.go_back()  # the preview is no more, and the browser must not ask whether to send its form again
        page.wait_for_url(f"**/console/cases/{case}")
        expect(page.get_by_text("Your update is on its way")).to_have_count(0)
    hand.press(page.get_by_role("link", name="Resolve"))
    hand.choose(page.get_by_label("Root cause"), "billing_error", "Wrong bill")
    hand.write(page.get_by_label("How was it solved?"), "The second line is gone, and so is its charge.")
    hand.press(page.get_by_role("button", name="Preview"))
    thanks = page.locator(".exactly").text_content()
    hand.press(page.get_by_role("button", name="Post it and resolve"))
    if follows:
        expect(page.locator("#head .status")).to_have_text("closed")
    once(page, lambda: page.locator("#head .status.closed"))
    assert [reply["text"] for reply in stage.replies(case, 3)][1:] == [exactly, thanks]


def test_a_case_is_run_from_the_post_to_the_thank_you(stage: Stage, browser: Browser, url: str) -> None:
    with window(browser) as page:
        come_in(page, url)
        whole_run(stage, Hand(page), url, follows=True)


def test_the_same_without_javascript(stage: Stage, browser: Browser, url: str) -> None:
    with window(browser, java_script_enabled=False) as page:
        come_in(page, url)
        whole_run(stage, Hand(page), url, follows=False)


def test_the_same_by_keys_alone(stage: Stage, browser: Browser, url: str) -> None:
    with window(browser) as page:
        come_in(page, url)
        page.goto(f"{url}/console")
        page.wait_for_selector("html[data-ready]")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == "#main"
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
        page.keyboard.press("Escape")
        whole_run(stage, Hand(page, by_keys=True), url, follows=True)


def test_nine_tabs_follow_and_go_on_when_one_instance_is_killed(stage: Stage, browser: Browser, installation: Installation) -> None:
    with (
        another_api(installation) as goes,
        in_turn(url_of(goes), url_of(installation.services["api"])) as url,
        window(browser, forgives="ERR_") as page,
    ):
        come_in(page, url)
        tabs = [page, *(page.context.new_page() for _ in range(8))]
        assert len(tabs) == 9
        for tab in tabs:
            tab.goto(f"{url}{WIDE_BOARD}")
            expect(tab.locator("#live")).to_have_text("Live")
        before = stage.complain("My bill is wrong again.", "x", SAM)
        tabs[0].bring_to_front()
        expect(tabs[0].locator(f'[data-case="{before}"]').first).to_be_visible()
        assert goes.process is not None
        goes.process.kill()
        goes.process.wait()
        after = stage.complain("And so is the one before.", "x", SAM)
        for tab in tabs:
            tab.bring_to_front()
            expect(tab.locator(f'[data-case="{after}"]').first).to_be_visible()
            expect(tab.locator("#live")).to_have_text("Live")


def moved(stage: Stage, text: str, before: str, after: str) -> str:
    """A case that is held to the shipped policy with a text of it replaced."""
    case = stage.complain(text, "x", SAM)
    stage.until(lambda: "handed_off" in stage.events(case))
    _, admin = stage.store.keys.make(NewKey("Policy admin of two browsers", Role.ADMIN), SYSTEM)
    wanted = {"do": "move_policy", "policy": stage.version(before, after)}
    answer = stage.http.post(f"/api/v1/cases/{case}/commands", json=wanted, headers={"authorization": f"Bearer {admin}"})
    assert answer.status_code == 200, answer.text
    return case


def test_somebody_new_has_whoever_is_about_to_break_a_promise_called_in_three_clicks(stage: Stage, browser: Browser, url: str) -> None:
    around_the_clock = ("calendar: office, lead: billing_lead", "lead: billing_lead")  # else nothing is due by night
    moved(stage, "My bill is wrong, and you promised me an answer.", *around_the_clock)
    with window(browser) as page:
        page.goto(f"{url}/console")
        page.get_by_label("Role", exact=True).select_option("social")
        page.get_by_role("form", name="As …, on this machine").get_by_role("button").click()
        page.wait_for_url("**/console")
        clicks = 0

        def click(what: Locator) -> None:
            nonlocal clicks
            what.click()
            clicks += 1

        click(page.get_by_role("navigation", name="Views").get_by_role("link", name="Due within the hour"))
        page.wait_for_url("**only=soon")
        first = page.locator("[data-case]").first
        theirs = first.get_attribute("data-case")
        assert theirs is not None
        before = stage.events(theirs).count("escalated")
        click(page.locator(f'[data-case="{theirs}"]').get_by_role("link", name="Call them"))
        click(page.get_by_role("button", name="Call them"))
        expect(page.get_by_text("They are being called.")).to_be_visible()
        assert stage.events(theirs).count("escalated") > before
        assert clicks == 3


# --- a second person --------------------------------------------------------------------------------------------------


def come_in_as(page: Page, url: str, name: str) -> None:
    """Sign in under a name of one's own."""
    page.goto(f"{url}/sign-in?next=/console/sessions")
    page.get_by_label("Role", exact=True).select_option("social")
    page.get_by_label("Your name").fill(name)
    page.get_by_role("form", name="As …, on this machine").get_by_role("button").click()
    page.wait_for_url("**/console/sessions")


def held_to_rules(stage: Stage, text: str) -> str:
    """A case whose policy has a second person look at words of money."""
    return moved(stage, text, "# approvals:\n", f"{RULES}# approvals:\n")


def says(page: Page, at: str, link: str, field: str, words: str) -> None:
    """Write words that wait for a second person."""
    page.goto(at)
    if page.get_by_role("link", name=link).count() == 0 or not page.get_by_role("link", name=link).is_visible():
        page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name=link).click()
    page.get_by_label(field).fill(words)
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("It goes out when a second person has approved it")).to_be_visible()
    page.locator("[data-first]").click()
    expect(page.get_by_text("It waits for a second person. Until they decide")).to_be_visible()


@pytest.mark.parametrize("with_module", [True, False])
def test_what_one_wrote_another_edits_and_approves_and_both_see_what_was_changed(
    stage: Stage, browser: Browser, url: str, with_module: bool
) -> None:
    case = held_to_rules(stage, "Two routers, both broken.")
    at = f"{url}/console/cases/{case}"
    with (
        window(browser, java_script_enabled=with_module) as ben,
        window(browser, java_script_enabled=with_module) as max_adler,
    ):
        come_in_as(ben, url, "Ben Okoro")
        come_in_as(max_adler, url, "Max Adler")
        says(ben, at, "Post update", "Your update", "We send you a voucher today.")
        waiting = ben.get_by_role("region", name="Ben Okoro’s update waits for a second person")
        expect(waiting).to_contain_text("You wrote this yourself")
        expect(waiting.get_by_role("button", name="Approve")).to_have_count(0)

        waiting.get_by_role("button", name="Change your words").click()
        expect(ben.get_by_label("Your update")).to_have_value("We send you a voucher today.")
        ben.get_by_label("Your update").fill("We send you a voucher of ten pounds today.")
        ben.get_by_role("button", name="Preview").click()
        ben.get_by_role("button", name="Change the words").click()
        ben.get_by_role("button", name="Preview").click()
        ben.get_by_role("button", name="Have it approved").click()
        expect(ben.get_by_text("It waits for a second person. Until they decide")).to_be_visible()
        expect(waiting).to_have_count(1)
        expect(waiting).to_contain_text("a voucher of ten pounds")
        expect(ben.locator(".story ins").first).to_contain_text("of ten pounds")

        max_adler.goto(f"{url}/console/inbox")
        theirs = max_adler.get_by_role("region", name="Ben Okoro’s update waits for a second person")
        max_adler.goto(at)
        expect(theirs).to_contain_text("If nobody decides by")
        theirs.get_by_role("button", name="Edit and approve").click()
        field = max_adler.get_by_label("The update, as you would put it")
        expect(field).to_have_value("We send you a voucher of ten pounds today.")
        field.fill("Ring +44 7700 900123 for your voucher.")
        max_adler.get_by_role("button", name="Preview").click()
        expect(max_adler.locator(".problem")).to_contain_text("phone number")
        expect(field).to_have_value("Ring +44 7700 900123 for your voucher.")
        field.fill("We send you a voucher of twenty pounds today.")
        max_adler.get_by_role("button", name="Preview").click()
        expect(max_adler.locator(".changes ins").first).to_have_text("twenty ")
        max_adler.get_by_role("button", name="Change the words").click()
        expect(field).to_have_value("We send you a voucher of twenty pounds today.")
        max_adler.get_by_role("button", name="Preview").click()
        approve = max_adler.get_by_role("button", name="Approve: post it")
        expect(approve).to_be_visible()
        expect(max_adler.locator("#unsettled[data-part]")).to_have_count(0)  # else what follows offers the old words once more
        exactly = max_adler.locator(".exactly").last.text_content()  # of this preview: each promises by its own moment
        approve.click()
        expect(max_adler.get_by_text("Approved: it is on its way")).to_be_visible()
        assert [reply["text"] for reply in stage.replies(case, 2)][1:] == [exactly]
        assert exactly is not None
        assert exactly.endswith("– Ben"), "it stays its author's"
        ben.goto(at)
        expect(ben.locator(".story")).to_contain_text("Max Adler approved Ben Okoro's update, in other words")
        expect(ben.locator(".story ins").first).to_have_text("twenty ")
        expect(ben.locator(".story del").first).to_have_text("ten ")


def test_a_private_message_is_read_on_record_and_approved_as_it_was_read(stage: Stage, browser: Browser, url: str) -> None:
    case = held_to_rules(stage, "I want to talk about my bill.")
    at = f"{url}/console/cases/{case}"
    with window(browser) as ben, window(browser) as max_adler:
        come_in_as(ben, url, "Ben Okoro")
        come_in_as(max_adler, url, "Max Adler")
        says(ben, at, "Go on in private", "Your private message", "Here is your voucher: 4711.")
        max_adler.goto(at)
        waiting = max_adler.get_by_role("region", name="Ben Okoro’s private message waits")
        expect(waiting).to_be_visible()
        assert "4711" not in max_adler.content()
        assert "private_read" not in stage.events(case)
        waiting.get_by_role("button", name="Read it, and approve").click()
        expect(max_adler.locator("#doing .exactly").first).to_contain_text("Here is your voucher: 4711.")
        assert "private_read" in stage.events(case)

        stage.hands.post("x", "Are you there?", SAM, in_reply_to=case.split("-")[2])
        stage.until(lambda: "customer_wrote" in stage.events(case))
        max_adler.get_by_role("button", name="Approve: send it").click()
        expect(max_adler.locator("#doing .news")).to_contain_text("Are you there?")
        assert "draft_approved" not in stage.events(case)

        ben.goto(at)
        ben.get_by_role("region", name="Ben Okoro’s private message waits").get_by_role("button", name="Change your words").click()
        ben.get_by_label("Your private message").fill("Here is your voucher: 4712.")
        ben.get_by_role("button", name="Preview").click()
        ben.get_by_role("button", name="Have it approved").click()
        expect(ben.get_by_text("It waits for a second person. Until they decide")).to_be_visible()

        max_adler.get_by_role("button", name="Approve: send it").click()
        expect(max_adler.locator("#doing .problem")).to_contain_text("This draft waits no more")
        max_adler.goto(at)
        waiting.get_by_role("button", name="Read it, and approve").click()
        expect(max_adler.locator("#doing .exactly").first).to_contain_text("4712")
        max_adler.get_by_role("button", name="Approve: send it").click()
        expect(max_adler.get_by_text("Approved: it is on its way")).to_be_visible()
        stage.until(lambda: stage.events(case).count("reply_posted") == 3)
        thread = [c.object for c in stage.hands.state() if c.kind == "post" and c.object["thread"] == case.split("-")[2]]
        whispers = [post["text"] for post in thread if post.get("visibility") == "private" and post["author"]["is_brand"]]
        assert len(whispers) == 1
        assert re.search("4712", whispers[0])
