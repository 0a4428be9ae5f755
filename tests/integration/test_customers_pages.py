"""The customer's pages in a real browser: found, put side by side, linked, taken out; whatever they are called."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from cli.engines import Postgres
from tests.browsing import NEEDS_CHROMIUM, PHONE, axe_faults, come_in, window
from tests.integration.console import Served, console, posts
from tests.integration.linked import MAYA, WHY, writes
from tests.integration.onrecord import OnRecord
from tests.signing_in import sent_from, signed_in

pytestmark = NEEDS_CHROMIUM
HOSTILE = "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\"> {{7*7}} \u202eturned"


@dataclass(frozen=True)
class People:
    """Customers, by our ids."""

    ada: str
    adah: str
    hostile: str
    twin: str


@pytest.fixture(scope="module")
def served(postgres: Postgres) -> Iterator[Served]:
    with console(postgres) as one:
        yield one


@pytest.fixture(scope="module")
def people(served: Served) -> People:
    """Two who are linked already and two who are not."""
    store = served.store
    store.people.remember(MAYA.person, "Maya Chen", "Maya")
    ada, adah = writes(store, "ada"), writes(store, "adah", "facebook", text="Still no internet, and nobody is there.")
    posts(OnRecord(store, "meridian-x-ada.x"))
    hostile, twin = writes(store, "hostile", name=HOSTILE, text=f"{HOSTILE} refund {'w' * 200}"), writes(store, "twin", "facebook")
    store.linking.link(ada, adah, WHY, MAYA)
    return People(ada, adah, hostile, twin)


def ready(page: Page, url: str) -> Page:
    page.goto(url)
    page.wait_for_selector("html[data-ready]")
    return page


def pages(served: Served, people: People) -> list[str]:
    at = f"{served.url}/console/customers"
    return [
        at,
        f"{at}/{people.ada}",
        f"{at}/{people.hostile}?did=linked",
        f"{at}/{people.hostile}/link?other={people.twin}",
        f"{at}/{people.ada}/link?other={people.adah}",
        f"{at}/{people.ada}/unlink?other={people.adah}",
        f"{at}/{people.ada}/unlink?other={people.twin}",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_what_customers_are_called_does_nothing(
    served: Served, people: People, browser: Browser, scheme: str
) -> None:
    with window(browser, color_scheme=scheme) as page:
        come_in(page, served.url)
        found = {}
        for url in pages(served, people):
            found[url] = axe_faults(ready(page, url))
            assert page.title() != "pwned"
        page.goto(f"{served.url}/console/customers")
        page.get_by_label("Handle").fill("hostile")
        page.get_by_role("button", name="Find", exact=True).click()
        expect(page.get_by_text(HOSTILE.split("\u202e", maxsplit=1)[0]).first).to_be_visible()
        found["found"] = axe_faults(page)
    assert {where: faults for where, faults in found.items() if faults} == {}


def test_from_a_case_to_its_customer_to_another_identity_and_back_with_keys_and_forms(served: Served, browser: Browser) -> None:
    store = served.store
    bea = writes(store, "bea")
    writes(store, "beate", "facebook", text="Wrote to you on X, too, and nobody answers.")
    with window(browser) as page:
        come_in(page, served.url, "social")
        ready(page, f"{served.url}/console/cases/meridian-x-bea.x").get_by_role("link", name="All of this customer").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Bea Okafor")
        page.get_by_label("Handle").fill("@Beate")
        page.get_by_role("button", name="Find", exact=True).click()
        assert "beate" not in page.url, "a handle stands in no address"
        page.get_by_role("link", name="Put side by side").click()
        expect(page.get_by_role("heading", name="Are these the same person?")).to_be_visible()
        expect(page.get_by_text("Wrote to you on X, too")).to_be_visible()
        page.get_by_label("How do you know?").fill("Beate said so")
        page.get_by_role("button", name="They are the same person").click()
        expect(page.get_by_role("alert")).to_contain_text("must not name them")
        expect(page.get_by_label("How do you know?")).to_have_value("Beate said so")
        page.get_by_label("How do you know?").fill("wrote it in the post on Facebook")
        page.get_by_role("button", name="They are the same person").click()
        expect(page.get_by_role("status").filter(has_text="They are one customer now")).to_be_visible()
        expect(page.get_by_role("region", name="Open cases").get_by_role("listitem")).to_have_count(2)
        expect(page.get_by_role("complementary")).to_contain_text("wrote it in the post on Facebook")
        ready(page, f"{served.url}/console/cases/meridian-x-bea.x")
        other = page.get_by_role("complementary").get_by_role("listitem").filter(has_text="Facebook")
        expect(other).to_contain_text("linked")
        expect(other).to_contain_text("Wrote to you on X, too")
        ready(page, f"{served.url}/console/customers/{bea}").get_by_role("link", name="Take out (Beate Okafor, Facebook)").click()
        page.get_by_label("Why?").fill("two people of one family")
        page.get_by_role("button", name="Take it out").click()
        expect(page.get_by_role("status").filter(has_text="customer of its own again")).to_be_visible()
        assert "Beate" not in page.content()
        ready(page, f"{served.url}/console/cases/meridian-x-bea.x")
        assert "meridian-facebook-beate" not in page.content()


def test_a_case_that_is_new_appears_at_its_linked_customer_without_reload(served: Served, browser: Browser) -> None:
    store = served.store
    cleo, cleopatra = writes(store, "cleo"), writes(store, "cleopatra", "facebook")
    store.linking.link(cleo, cleopatra, WHY, MAYA)
    with window(browser) as page:
        come_in(page, served.url)
        ready(page, f"{served.url}/console/customers/{cleo}")
        page.wait_for_selector("#live[data-state=live]")
        cases = page.get_by_role("region", name="Open cases").get_by_role("listitem")
        expect(cases).to_have_count(2)
        writes(store, "cleopatra", "facebook", "second", text="And now the app is broken, too.")
        expect(cases).to_have_count(3)


def test_without_the_module_everything_works_and_a_page_is_light(served: Served, people: People, browser: Browser) -> None:
    with window(browser, width=PHONE, java_script_enabled=False) as page:
        come_in(page, served.url)
        fetched: list[str] = []
        page.on("request", lambda request: fetched.append(request.url))
        page.goto(f"{served.url}/console/customers/{people.ada}")
        assert len(fetched) <= 5
        expect(page.get_by_role("region", name="Open cases").get_by_role("listitem")).to_have_count(2)
        page.get_by_role("link", name="Take out (Adah Okafor, Facebook)").click()
        expect(page.get_by_role("button", name="Take it out")).to_be_visible()
        for url in pages(served, people):
            page.goto(url)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE, url


def test_the_longest_page_of_a_customer_stays_light(served: Served) -> None:
    for n in range(45):
        many = writes(served.store, "dora", post=f"d{n}", text=f"{n} {'word ' * 60}")
    with httpx.Client(base_url=served.url, trust_env=False) as http:
        answer = http.get(f"/console/customers/{many}", headers={**signed_in(http), "accept-encoding": "identity"})
    assert answer.status_code == 200
    assert "5 more, older ones" in answer.text
    assert len(gzip.compress(answer.content)) < 30_000
    assert len(answer.content) < 90_000


def test_refusals_stand_in_their_place_and_what_somebody_did_meanwhile_is_told(served: Served) -> None:
    store = served.store
    eva, evan, third = writes(store, "eva"), writes(store, "evan", "facebook"), writes(store, "third", "phone")
    with httpx.Client(base_url=served.url, trust_env=False) as http:
        mine = {**signed_in(http), **sent_from(http)}

        def link(other: str, seen: str) -> httpx.Response:
            return http.post(f"/console/customers/{eva}/link", data={"other": other, "reason": WHY, "seen": seen}, headers=mine)

        store.linking.link(eva, evan, WHY, MAYA)
        again = link(evan, f"{eva} {evan}")
        assert again.status_code == 409
        assert "They are linked already, by Maya Chen" in again.text
        assert "They are the same person</button>" not in again.text, "there is nothing to be sent again"
        late = link(third, f"{eva} {third}")
        assert late.status_code == 409
        assert "Somebody else has just linked or unlinked one of them" in late.text
        assert f'value="{WHY}"' in late.text
        assert "They are the same person</button>" in late.text
        itself = http.get(f"/console/customers/{eva}/link?other={eva}", headers=mine)
        assert "nobody is linked with themselves" in itself.text
        assert http.get(f"/console/customers/{eva}/link?other=nobody", headers=mine).status_code == 404
        assert http.get("/console/customers/%00", headers=mine).status_code == 404


def test_a_department_sees_its_own_and_may_not_link_and_an_auditor_sees_facts_on_record(served: Served) -> None:
    store = served.store
    fay = writes(store, "fay", text="You charged me twice and nobody answers.")
    faye = writes(store, "faye", "facebook", text="My internet is broken, and nobody is there.")
    store.linking.link(fay, faye, WHY, MAYA)
    with httpx.Client(base_url=served.url, trust_env=False) as http:
        department = signed_in(http, "department", "billing")
        page = http.get(f"/console/customers/{fay}", headers=department).text
        assert "meridian-x-fay.x" in page
        assert not [word for word in ("meridian-facebook-faye", "Faye", "Take out", "Also the same person") if word in page]
        assert http.get(f"/console/customers/{faye}", headers=department).status_code == 404
        assert http.get(f"/console/customers/{fay}/link?other={faye}", headers=department).status_code == 403
        before = len(store.journal.entries(at_most=10_000))
        told = http.get(f"/console/customers/{fay}", headers=signed_in(http, "auditor")).text
        assert "meridian-facebook-faye" in told
        assert "You charged me twice" not in told
        added = [entry.event for _, _, entry in store.journal.entries(at_most=10_000)[before:] if entry.event.kind == "customer_read"]
        assert [event.customers for event in added] == [(fay, faye)]


def test_looking_for_a_customer_leaves_no_trace_in_addresses(served: Served, people: People) -> None:
    with httpx.Client(base_url=served.url, trust_env=False) as http:
        mine = {**signed_in(http), **sent_from(http)}
        found = http.post("/console/customers", data={"handle": "ADA", "channel": "x", "beside": ""}, headers=mine)
        assert people.ada in found.text
        assert people.adah not in found.text
        beside = http.post("/console/customers", data={"handle": "adah", "beside": people.ada}, headers=mine)
        assert "Nobody else is called exactly that" in beside.text, "who is linked already is not offered"
        assert http.post("/console/customers", data={"handle": "x", "beside": "nobody"}, headers=mine).status_code == 404
