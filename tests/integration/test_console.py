"""The console's pages in a real browser: live, with keys alone, without JavaScript, on a phone, and whatever customers write."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from adapters.postgres.causes import Line, Made
from cli.engines import Postgres
from domain import commands as c
from domain.values import Actor, Role, Via
from tests.browsing import NEEDS_CHROMIUM, PHONE, axe_faults, come_in, window
from tests.integration.conftest import serving
from tests.integration.console import TOM, Served, console, posts
from tests.integration.in_turn import in_turn
from tests.integration.onrecord import OnRecord
from tests.signing_in import signed_in

pytestmark = NEEDS_CHROMIUM
HOSTILE = "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\"> {{7*7}} \u202eturned"
SOFIA = Actor("slack:USOFIA", Role.SOCIAL, Via.SLACK)


@pytest.fixture(scope="module")
def served(postgres: Postgres) -> Iterator[Served]:
    """One console for all tests here; each has customers of its own."""
    with console(postgres) as one:
        yield one


@pytest.fixture(scope="module")
def cases(served: Served) -> dict[str, OnRecord]:
    """Cases in every shape that a page must be able to show."""

    def by(name: str) -> dict[str, str]:
        return {"id": name, "handle": name[:8].lower(), "name": name}

    made = {
        "new": served.case("new", author=by("Nora Lind")),
        "waiting": served.handed_off("waiting", text="My internet is broken, and nobody is there.", author=by(HOSTILE)),
        "accepted": served.accepted("accepted", text=f"{HOSTILE} broken internet " + "w" * 280, author=by("Omar")),
        "unsure": served.accepted("unsure", author=by("Uma")),
        "refused": served.accepted("refused", author=by("Rita")),
        "over": served.case("over", author=by("Uma")),
        "late": served.handed_off("late", author=by("Lena")),
    }
    for name, what in (("unsure", c.PostUnconfirmed), ("refused", c.PostFailed)):
        case = made[name]
        words = case.keep("We look into it.")
        assert case.tell(c.Update(f"update-{name}", TOM, words)) is None
        case.tell(what(f"outcome-{name}", case.case.replies[-1].step, "the network says no", words))
    made["over"].tell(c.Dismiss("dismissed", SOFIA, "spam"))
    _grouped(served, made, by)
    late = made["late"]
    due = min(at for at in (clock.due_at for clock in served.store.reader.file(late.case_id).clocks) if at is not None)
    ahead = due + timedelta(minutes=5) - late.now()
    late.tell_at(c.TimePassed(), late.now() + ahead)
    return made


def _grouped(served: Served, made: dict[str, OnRecord], by: Any) -> None:
    """One case merged into another, and a cause whose customers are to be told something."""
    made["taking"] = served.accepted("taking", author=by("Mona"))
    made["merged"] = served.handed_off("merged", author=by("Mona"))
    target = served.store.reader.target(made["merged"].case_id, made["taking"].case_id)
    assert made["merged"].tell(c.Merge("merge", SOFIA, made["taking"].case_id, made["merged"].keep(HOSTILE), target)) is None
    cause = served.store.causes.begin(f"Cabinet 12 {HOSTILE}", HOSTILE + "w" * 300, "technical", "technical", SOFIA.person)
    lines = [Line(made["over"].case_id, held="This case is over (dismissed).")]
    for name in ("accepted", "taking"):
        assert made[name].tell(c.JoinSharedCause(f"join-{name}", SOFIA, cause)) is None
        lines.append(Line(made[name].case_id, made[name].keep(f"{HOSTILE} we look into it."), None, made[name].case.turn))
    announcement = served.store.causes.make(Made(cause, "hostile", "update", None, HOSTILE, ("customers",), SOFIA, lines))
    served.store.causes.wait(announcement)


def ready(page: Page, url: str) -> Page:
    page.goto(url)
    page.wait_for_selector("html[data-ready]")
    return page


def pages(served: Served, cases: dict[str, OnRecord]) -> list[str]:
    shown = [f"{served.url}/console/cases/{case.case_id}" for case in cases.values()]
    accepted = f"{served.url}/console/cases/{cases['accepted'].case_id}"
    doings = ("update", "ask", "resolve", "private", "move", "note", "snooze", "wait", "priority", "dismiss", "walk_away", "merge", "cause")
    places = ("", "?by=department", "?only=late", "?show=all", "/inbox", "/keys", "/causes", "/causes/1", "/causes/1/announcements/1")
    return [*(f"{served.url}/console{place}" for place in places), *shown, *(f"{accepted}?do={do}" for do in doings)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(served: Served, cases: dict[str, OnRecord], browser: Browser, scheme: str) -> None:
    with window(browser, color_scheme=scheme) as page:
        come_in(page, served.url)
        found = {url.removeprefix(served.url): axe_faults(ready(page, url)) for url in pages(served, cases)}
        ready(page, f"{served.url}/console/cases/{cases['accepted'].case_id}?do=private").get_by_label("Your private message").fill(
            "Hello?"
        )
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_text("will read this:").first).to_be_visible()
        found["the exact text"] = axe_faults(page)
        page.get_by_role("link", name="Keys").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        found["help"] = axe_faults(page)
    assert {url: faults for url, faults in found.items() if faults} == {}


def test_on_a_phone_nothing_lies_beyond_the_screen_and_hostile_words_are_words(
    served: Served, cases: dict[str, OnRecord], browser: Browser
) -> None:
    with window(browser, PHONE) as page:
        come_in(page, served.url)
        for url in pages(served, cases):
            ready(page, url)
            assert page.evaluate("document.documentElement.scrollWidth") == PHONE, url
            assert page.locator("main img, main script").count() == 0
            assert "pwned" not in page.title()
            page.evaluate("document.documentElement.dir = 'rtl'")
            assert page.evaluate("document.documentElement.scrollWidth") == PHONE, f"{url} from right to left"


def test_a_page_is_small_and_takes_few_requests(served: Served, cases: dict[str, OnRecord], browser: Browser) -> None:
    with window(browser) as first:
        come_in(first, served.url)
        page = first.context.new_page()  # which knows nothing of what the first one still asks for
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url) if "x-parts" not in request.headers else None)
        ready(page, f"{served.url}/console")
        expect(page.locator("#live")).to_have_text("Live")
    assert len(asked) <= 5, asked
    with httpx.Client(base_url=served.url, trust_env=False, headers={"accept-encoding": "gzip"}) as http:
        http.headers.update(signed_in(http))
        sizes = {url: len(gzip.compress(http.get(url).content)) for url in asked if not url.endswith("/stream")}
    assert sum(sizes.values()) < 30_000, sizes


def test_the_board_follows_what_happens_and_keeps_what_was_focused(served: Served, browser: Browser) -> None:
    with window(browser) as page, window(browser) as other:
        come_in(page, served.url)
        come_in(other, served.url)
        ready(page, f"{served.url}/console?by=status")
        ready(other, f"{served.url}/console?by=department")
        expect(page.locator("#live")).to_have_text("Live")
        case = served.case("live", text="My bill is wrong.", author={"id": "live", "handle": "live", "name": "Liv Live"})
        link = page.locator(f'[data-case="{case.case_id}"] h3 a')
        expect(link).to_have_text("#" + link.inner_text().split("#")[1])
        link.focus()
        posts(case)
        expect(page.get_by_role("region", name="Handed off").locator(f'[data-case="{case.case_id}"]')).to_be_visible()
        expect(link).to_be_focused()
        expect(other.get_by_text("Liv Live")).to_be_visible()


def test_one_tab_listens_for_all_and_another_takes_over_when_it_is_closed(served: Served, browser: Browser) -> None:
    with window(browser) as page:
        come_in(page, served.url)
        streams: list[str] = []
        page.context.on("request", lambda request: streams.append(request.url) if request.url.endswith("/stream") else None)
        ready(page, f"{served.url}/console")
        tabs = [page.context.new_page() for _ in range(8)]
        for tab in tabs:
            ready(tab, f"{served.url}/console/inbox")
            expect(tab.locator("#live")).to_have_text("Live")
        assert len(streams) == 1
        page.close()
        case = served.case("after", text="My router is broken.", author={"id": "after", "handle": "after", "name": "Ada After"})
        ready(tabs[-1], f"{served.url}/console")
        expect(tabs[-1].locator(f'[data-case="{case.case_id}"]')).to_be_visible()
        posts(case)
        expect(tabs[-1].get_by_role("region", name="Handed off").locator(f'[data-case="{case.case_id}"]')).to_be_visible()


def test_time_left_is_right_again_when_a_tab_wakes(served: Served, cases: dict[str, OnRecord], browser: Browser) -> None:
    with window(browser, forgives="ERR_FAILED") as page:
        come_in(page, served.url)
        page.clock.install()
        ready(page, f"{served.url}/console")
        page.route(lambda _url: True, lambda route: route.abort())  # the server, which would say what time it is, is not there yet
        left = page.locator(f'[data-case="{cases["waiting"].case_id}"] .left')
        expect(left).to_have_attribute("data-state", "fine")
        due = page.evaluate("Date.parse(document.querySelector('[data-case$=waiting] .left').dateTime)")
        page.clock.set_system_time((due + 90_000) / 1000)  # the tab slept: no timer ran meanwhile
        page.clock.run_for(1000)
        expect(left).to_have_text("1 min late")
        expect(left).to_have_attribute("data-state", "late")


def test_an_answer_that_was_on_its_way_when_the_tab_fell_asleep_does_not_turn_the_clock_back(
    served: Served, cases: dict[str, OnRecord], browser: Browser
) -> None:
    with window(browser, forgives="ERR_FAILED") as page:
        come_in(page, served.url)
        page.clock.install()
        ready(page, f"{served.url}/console")
        left = page.locator(f'[data-case="{cases["waiting"].case_id}"] .left')
        due = page.evaluate("Date.parse(document.querySelector('[data-case$=waiting] .left').dateTime)")

        def fall_asleep(route: Route) -> None:
            answer = route.fetch()
            page.clock.set_system_time((due + 90_000) / 1000)
            route.fulfill(response=answer)

        page.route(re.compile("/console$"), lambda route: route.abort())  # whatever is asked afterwards, the server would put it right
        page.route(re.compile("/console$"), fall_asleep, times=1)
        with page.expect_response(re.compile("/console$")):
            page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # a reason to ask
        expect(left).to_have_attribute("data-state", "late")
        expect(left).to_have_text("1 min late")


def test_moments_are_told_in_the_readers_zone_and_without_the_module_in_the_brands(
    served: Served, cases: dict[str, OnRecord], browser: Browser
) -> None:
    url = f"{served.url}/console/cases/{cases['accepted'].case_id}"
    with window(browser, java_script_enabled=False) as page:
        come_in(page, served.url)
        page.goto(url)
        plain = page.locator(".talk time").first.inner_text()
    assert plain.endswith((" GMT", " BST")), "the shipped policy's brand is in London"
    with window(browser) as page:
        come_in(page, served.url)
        time = ready(page, url).locator(".talk time").first
        assert time.get_attribute("title") == plain
        assert time.inner_text() != plain


def test_somebody_new_nudges_whoever_is_about_to_break_a_promise_in_three_clicks(
    served: Served, cases: dict[str, OnRecord], browser: Browser
) -> None:
    with window(browser) as page:
        come_in(page, served.url)
        ready(page, f"{served.url}/console")
        page.get_by_role("link", name="Inbox").click()
        page.get_by_role("link", name=f"Call them about #{served.store.reader.file(cases['late'].case_id).number}").click()
        expect(page.get_by_role("heading", name="Escalate now")).to_be_visible()
        expect(page.get_by_role("button", name="Call them")).to_be_enabled()


def test_with_keys_alone(served: Served, cases: dict[str, OnRecord], browser: Browser) -> None:
    with window(browser) as page:
        come_in(page, served.url)
        ready(page, f"{served.url}/console/inbox")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
        expect(page.get_by_role("dialog")).to_contain_text("Post update")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
        page.keyboard.press("g")
        page.keyboard.press("b")
        page.wait_for_url("**/console")
        page.wait_for_selector("html[data-ready]")
        page.keyboard.press("j")
        page.keyboard.press("l")
        page.keyboard.press("h")
        page.keyboard.press("j")
        name = page.evaluate("document.activeElement.getAttribute('href')")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{name}")
        ready(page, f"{served.url}/console/cases/{cases['accepted'].case_id}")
        page.keyboard.press("u")
        page.wait_for_url("**do=update**")
        page.wait_for_selector("html[data-ready]")
        expect(page.get_by_label("Your update")).to_be_focused()
        page.keyboard.type("Our engineers are on site; j k u are letters here.")
        page.keyboard.press("Control+Enter")
        expect(page.get_by_text("Everybody on X will read this")).to_be_visible()
        expect(page.locator(".exactly")).to_contain_text("j k u are letters here.")


def test_single_keys_can_be_switched_off(served: Served, browser: Browser) -> None:
    with window(browser) as page:
        come_in(page, served.url)
        ready(page, f"{served.url}/console/keys").get_by_label("Single keys do something").uncheck()
        ready(page, f"{served.url}/console/inbox").keyboard.press("?")
        expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("with_module", [True, False])
def test_the_exact_text_is_shown_first_and_the_words_are_kept_on_the_way_back(
    served: Served, cases: dict[str, OnRecord], browser: Browser, with_module: bool
) -> None:
    url = f"{served.url}/console/cases/{cases['unsure'].case_id}"
    with window(browser, java_script_enabled=with_module) as page:
        come_in(page, served.url)
        page.goto(url)
        page.get_by_role("link", name="Resolve").click()
        page.get_by_label("Root cause").select_option("billing_error")
        page.get_by_label("What was it exactly?").fill("A double booking.")
        page.get_by_label("How was it solved?").fill("The money is back <b>on your</b> account.")
        page.get_by_role("button", name="Preview").click()
        said = page.locator(".exactly").inner_text()
        assert "The money is back <b>on your</b> account." in said
        assert said.startswith("Hi Uma"), "as it goes out, with the greeting"
        expect(page.get_by_text("of 280 characters, as X counts them")).to_be_visible()
        page.get_by_role("button", name="Change the words").click()
        expect(page.get_by_label("How was it solved?")).to_have_value("The money is back <b>on your</b> account.")
        expect(page.get_by_label("Root cause")).to_have_value("billing_error")
        expect(page.get_by_label("What was it exactly?")).to_have_value("A double booking.")


def test_who_else_is_writing_is_seen_by_whoever_looks(served: Served, cases: dict[str, OnRecord], browser: Browser) -> None:
    case = cases["accepted"].case_id
    with window(browser) as page:
        come_in(page, served.url)
        ready(page, f"{served.url}/console/cases/{case}")
        expect(page.locator("#live")).to_have_text("Live")
        served.store.drafts.begin(case, TOM.person, "update")
        expect(page.get_by_text("Tom Baker is writing to this customer, too (update).")).to_be_visible()
        served.store.drafts.end(case, TOM.person)
        expect(page.get_by_text("Tom Baker is writing")).to_be_hidden()


def test_what_happens_while_somebody_writes_is_told_and_the_words_stay(served: Served, browser: Browser) -> None:
    case = served.accepted("meanwhile", author={"id": "m", "handle": "m", "name": "Mia"})
    with window(browser) as page:
        come_in(page, served.url)
        ready(page, f"{served.url}/console/cases/{case.case_id}?do=update")
        expect(page.locator("#live")).to_have_text("Live")
        page.get_by_label("Your update").fill("We are on it.")
        words = case.keep("We know the cause by now.")
        assert case.tell(c.Update("told", TOM, words)) is None
        posts(case)
        expect(page.get_by_text("Something has happened in this case since you opened this form.")).to_be_visible()
        expect(page.locator("#conversation")).to_contain_text("We know the cause by now.")
        expect(page.get_by_label("Your update")).to_have_value("We are on it.")


def test_the_inbox_has_what_a_person_must_decide_and_the_customers_other_case_is_named(
    served: Served, cases: dict[str, OnRecord], browser: Browser
) -> None:
    with window(browser) as page:
        come_in(page, served.url)
        inbox = ready(page, f"{served.url}/console/inbox").get_by_role("region", name="A person is needed")
        expect(inbox).to_contain_text("may or may not have been posted")
        expect(inbox).to_contain_text("was refused by the network")
        inbox.locator(f'[data-case="{cases["unsure"].case_id}"]').get_by_role("link", name="Decide").click()
        expect(page.get_by_role("heading", name="Was the update posted?")).to_be_visible()
        expect(page.locator("#unsettled")).to_contain_text("We look into it.")
        expect(page.locator(".othercases")).to_contain_text("dismissed")


def test_a_view_is_kept_and_dropped_again(served: Served, cases: dict[str, OnRecord], browser: Browser) -> None:
    with window(browser, java_script_enabled=False) as page:
        come_in(page, served.url)
        page.goto(f"{served.url}/console")
        page.get_by_label("Channel").select_option("x")
        page.get_by_label("Columns").select_option("department")
        page.get_by_role("button", name="Show").click()
        page.get_by_text("Keep this view").click()
        page.get_by_label("Its name").fill("X <b>teams</b>")
        page.get_by_role("button", name="Keep it").click()
        view = page.get_by_role("link", name="X <b>teams</b>")
        expect(view).to_have_attribute("href", "/console?by=department&channel=x")
        expect(view).to_have_attribute("aria-current", "page")
        page.get_by_text("Keep this view").click()
        page.get_by_role("button", name="any longer").click()
        expect(view).to_have_count(0)


def test_behind_two_instances_a_page_goes_on_to_follow_when_one_is_gone(postgres: Postgres, browser: Browser) -> None:
    with console(postgres) as stays, ExitStack() as going:
        goes = going.enter_context(serving(stays.address))
        with in_turn(str(goes.base_url).rstrip("/"), stays.url) as url, window(browser, forgives="ERR_") as page:
            come_in(page, url)
            ready(page, f"{url}/console")
            expect(page.locator("#live")).to_have_text("Live")
            first = stays.handed_off("before", text="My bill is wrong.")
            expect(page.locator(f'[data-case="{first.case_id}"]')).to_be_visible()
            going.close()
            second = stays.handed_off("after", text="My internet is broken.")
            expect(page.locator(f'[data-case="{second.case_id}"]')).to_be_visible(timeout=20_000)
            expect(page.locator("#live")).to_have_text("Live", timeout=20_000)
