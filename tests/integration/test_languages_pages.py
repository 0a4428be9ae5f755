"""Pages in German and in Hebrew, in a real browser: whole, in the reader's zone, and from right to left without a crack."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from adapters.links import StatusLinks
from api.languages.extracting import messages
from cli.engines import Postgres
from domain import commands as c
from domain.values import Role
from tests.browsing import DESK, NEEDS_CHROMIUM, PHONE, axe_faults, come_in, window
from tests.conftest import KEYS
from tests.integration.console import TOM, Served, console
from tests.integration.onrecord import OnRecord
from tests.signing_in import sent_from, signed_in

pytestmark = NEEDS_CHROMIUM
MIXED = "הזמנתי מדפסת Brother HL-1110 ב-3.11, and nobody answers (order MM-99!)"
LINKS = StatusLinks(KEYS, "")
SAME = re.compile(
    "Loopkeeper|Median|Admins?|policy.yaml|Slack|Person|Webhooks?|Live|Browser|Name|Status|Filter|E-Mail|Admin|Spam|normal|Normal", re.ASCII
)
"""Words that German has, too."""
HANDLES = {"billing", "technical", "product", "website", "social", "other"}
"""What the policy calls its departments and categories, which a page of the policy shows as they are."""


@pytest.fixture(scope="module")
def served(postgres: Postgres) -> Iterator[Served]:
    with console(postgres) as one:
        yield one


@pytest.fixture(scope="module")
def case(served: Served) -> OnRecord:
    """A case with something of everything that a page tells."""
    made = served.accepted("mixed", text=MIXED, author={"id": "dana", "handle": "dana", "name": "דנה Cohen"})
    made.tell(c.Note("note-1", TOM, made.keep("Bitte prüfen: MM-99")))
    made.tell(c.SetPriority("priority-1", TOM, next(one for one in type(made.case.priority) if one is not made.case.priority)))
    made.tell(c.WaitOnThirdParty("wait-1", TOM, made.keep("On the carrier")))
    return made


def speaking(page: Page, url: str, tag: str, role: Role = Role.LEAD) -> None:
    """Come in, and choose a language at the foot of the page."""
    come_in(page, url, role.value)
    if page.locator("html").get_attribute("lang") != tag:  # they keep it from window to window
        page.locator(f".foot button[value={tag}]").click()
    expect(page.locator("html")).to_have_attribute("lang", tag)


def ready(page: Page, url: str) -> Page:
    answer = page.goto(url)
    assert answer is not None
    assert answer.status == 200, f"{url}: {answer.status} {answer.text()[:300]}"
    page.wait_for_selector("html[data-ready]")
    return page


def places(case: OnRecord) -> list[str]:
    here = f"/console/cases/{case.case_id}"
    doings = [f"{here}?do={do}" for do in ("update", "note", "snooze", "dismiss")]
    return ["/console", "/console?show=all", "/console/inbox", "/console/keys", "/console/sessions", here, *doings]


FURTHER = ("/console/numbers", "/console/numbers/in-time", "/console/audit", "/console/policy", "/console/policy/check", "/console/digest")


def test_no_english_is_left_on_german_pages_and_axe_finds_nothing(served: Served, case: OnRecord, browser: Browser) -> None:
    english = {str(one.id) for one in messages() if isinstance(one.id, str) and len(one.id) > 3 and not re.search(r"[%{<]", one.id)}
    with window(browser) as page:
        speaking(page, served.url, "de")
        left, faults = {}, {}
        audit = f"/console/audit/cases/{case.case_id}"
        for place in [*places(case), *FURTHER, audit]:
            ready(page, served.url + place)
            told = page.evaluate(
                """() => { const found = []; const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
                while (walk.nextNode()) { const one = walk.currentNode; const within = one.parentElement;
                  if (!within.closest("script, style, code, kbd, blockquote, pre, .foot, .whoami"))
                    found.push(one.textContent.trim()); }
                return found; }"""
            )
            if english_there := {one for one in told if one in english and not SAME.fullmatch(one)} - (
                HANDLES if "policy" in place else set()
            ):
                left[place] = english_there
            if found := axe_faults(page):
                faults[place] = found
    assert not left, left
    assert not faults, faults


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_hebrew_pages_run_from_right_to_left(served: Served, case: OnRecord, browser: Browser, width: int, scheme: str) -> None:
    with window(browser, width, color_scheme=scheme) as page:
        speaking(page, served.url, "he")
        wording = f"/console/policy/versions/{served.store.book.active().id}/wording"  # English sentences in a list from right to left
        for place in [*places(case), *FURTHER, wording]:
            ready(page, served.url + place)
            expect(page.locator("html")).to_have_attribute("dir", "rtl")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, place
            assert axe_faults(page) == [], place
        ready(page, f"{served.url}/console")
        if width == DESK:
            lefts = page.locator(".column").evaluate_all("all => all.map(one => one.getBoundingClientRect().left)")
            assert lefts == sorted(lefts, reverse=True), "the first column stands on the right"
        ready(page, f"{served.url}/console/cases/{case.case_id}")
        post = page.locator("#conversation blockquote").first
        assert post.get_attribute("dir") == "auto"
        expect(post).to_have_css("direction", "rtl")
        note = page.locator("#story blockquote", has_text="Bitte prüfen")
        expect(note).to_have_css("direction", "ltr")  # German words in a Hebrew page
        if width == DESK:
            talk, facts = (page.locator(one).bounding_box() for one in (".talkside", ".facts"))
            assert talk is not None
            assert facts is not None
            assert talk["x"] > facts["x"], "the conversation stands first, on the right"


@pytest.mark.parametrize(
    ("tag", "said", "direction"), [("de", "Was wir zugesagt haben", "ltr"), ("he", "מה שהבטחנו", "rtl"), ("fr", "What we", "ltr")]
)
def test_a_customer_reads_the_status_page_in_what_the_browser_asks_for(
    served: Served, case: OnRecord, browser: Browser, tag: str, said: str, direction: str
) -> None:
    address = served.url + LINKS.make(served.store.reader.file(case.case_id).number, case.case_id)
    for width in (PHONE, DESK):
        with window(browser, width, locale=tag) as page:
            ready(page, address)
            assert page.evaluate("getComputedStyle(document.documentElement).direction") == direction
            expect(page.locator("main")).to_contain_text(said)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert axe_faults(page) == []
    answer = httpx.get(address, headers={"accept-language": tag}, trust_env=False)
    assert answer.headers["content-language"] == ("en" if tag == "fr" else tag)
    assert {"accept-language", "cookie"} <= {one.strip() for one in answer.headers["vary"].split(",")}
    assert "set-cookie" not in answer.headers


def test_a_zone_that_somebody_keeps_is_the_zone_without_javascript(served: Served, case: OnRecord, browser: Browser) -> None:
    with window(browser, java_script_enabled=False) as page:
        come_in(page, served.url, "auditor")
        page.goto(f"{served.url}/console/cases/{case.case_id}")
        assert page.locator(".talk time").first.inner_text().endswith((" GMT", " BST")), "the brand's, which is in London"
        page.goto(f"{served.url}/console/sessions")
        form = page.locator("#reading")
        form.locator("#zone").fill("Nirgends/Wo")
        form.get_by_role("button").click()
        expect(page.get_by_role("alert")).to_contain_text("IANA")
        form.locator("#zone").fill("Asia/Tokyo")
        form.locator("#language").select_option("de")
        form.get_by_role("button").click()
        for place in (f"/console/cases/{case.case_id}", "/console/sessions", "/console/policy"):
            page.goto(served.url + place)
            times = page.locator("main time[datetime*=T]:not([data-left]):not([data-form=exact])").all_text_contents()
            assert times
            elsewhere = [one for one in times if not re.search(r"\d\d:\d\d JST$", one.strip())]
            assert not elsewhere, place
        assert page.locator("html").get_attribute("lang") == "de"


def test_a_language_is_chosen_by_a_form_of_ours_alone(served: Served) -> None:
    with httpx.Client(base_url=served.url, trust_env=False) as http:
        ours = http.post("/language", data={"language": "de", "next": "//evil.example"}, headers=sent_from(http))
        assert (ours.status_code, ours.headers["location"]) == (303, "/console")
        assert http.post("/language", data={"language": "xx"}, headers=sent_from(http)).status_code == 422
        assert http.post("/language", data={"language": "he"}, headers={"origin": "https://evil.example"}).status_code == 403
        shown = http.get("/sign-in")
        assert shown.headers["content-language"] == "de"
        assert "<h1>Anmelden</h1>" in shown.text


def test_why_something_was_not_done_is_told_in_the_readers_language(served: Served) -> None:
    with httpx.Client(base_url=served.url, trust_env=False, timeout=60) as http:
        headers = {**sent_from(http), **signed_in(http, "social"), "accept-language": "de"}
        nameless = http.post("/console/causes", data={"department": "technical"}, headers=headers)
        assert "Geben Sie ihr zuerst einen Namen" in nameless.text
        begun = http.post("/console/causes", data={"name": "Leeds", "department": "technical"}, headers=headers).headers["location"]
        assert "Die Ursache ist eröffnet." in http.get(begun, headers=headers).text
        told = http.post(f"{begun.partition('?')[0]}/announcements", data={"body": "We know what it is."}, headers=headers)
    assert re.search(r"Noch kein offener Fall hat C\d+ gemeinsam", told.text), "an error of ours, too"
