"""The page on which a customer follows their case, from a real database: what it shows, what it never shows, and when it is gone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import yaml
from playwright.sync_api import Browser, expect
from sqlalchemy import create_engine, text

from activities.publish import Publisher
from adapters.links import StatusLinks
from adapters.postgres.store import Store
from api.following import VISITS
from api.languages.telling import precise
from domain import commands as c
from domain.pace import REAL_TIME
from domain.ports import WhatToSay
from tests.browsing import DESK, NEEDS_CHROMIUM, PHONE, axe_faults, window
from tests.conftest import INDEX_KEY, KEYS, POLICY, WORDING
from tests.integration.conftest import serving
from tests.integration.onrecord import OnRecord
from tests.standins import Square

HOSTILE_BRAND = '<img src=x onerror="document.title=1">{{7*7}}'
LINKS = StatusLinks(KEYS, "")


def in_a_hundred_days() -> dict[str, object]:
    """Settings by which the loop's time is more than a hundred days ahead."""
    return {"pace_speed": 100_000.0, "pace_origin": datetime.now(UTC) - timedelta(seconds=100)}


@pytest.fixture
def http(store: Store, database: str) -> Iterator[httpx.Client]:
    with serving(database) as client:
        client.headers["accept-encoding"] = "identity"
        yield client


def themed(store: Store, **look: object) -> None:
    """Put in force a policy whose brand looks like that. `name`: the brand's name."""
    policy = yaml.safe_load(POLICY)
    brand = policy["brands"]["meridian"]
    brand["name"] = look.pop("name", brand["name"])
    brand["status_page"] = look
    store.book.activate(yaml.safe_dump(policy, sort_keys=False), WORDING, by="tests")


def handed_over(store: Store, post: str = "p1", **data: object) -> OnRecord:
    """A case that was acknowledged and handed to its department."""
    case = OnRecord.opened(store, post, **data)
    case.publish(Publisher(store.ledger, store.composer, {"x": Square()}))
    return case


def path_of(store: Store, case: OnRecord) -> str:
    return LINKS.make(store.reader.file(case.case_id).number, case.case_id)


def test_a_customer_sees_where_the_case_is_and_what_was_promised_and_nobodys_words_or_names(store: Store, http: httpx.Client) -> None:
    case = handed_over(
        store, text="You charged me twice, order MM-123456", author={"id": "77", "handle": "samhandle", "name": "Sam Okafor"}
    )
    case.command(c.Accept)
    case.command(c.Note, case.keep("Sam is angry"))
    store.people.remember("slack:UANA", "Ana Sousa", "Ana")
    answer = http.get(path_of(store, case))
    assert answer.status_code == 200
    promised = case.case.promise
    assert promised is not None
    assert f'<time datetime="{precise(promised)}" data-form="full">' in answer.text
    assert re.search(r"\d{4}, \d\d:\d\d\s(GMT|BST)</time></strong>, where you wrote to us", answer.text)
    assert "<h1>We&#39;re working on it</h1>" in answer.text
    for unseen in ("samhandle", "Okafor", "charged", "MM-123456", "Sousa", "angry", "Billing", case.case_id, "#1"):
        assert unseen not in answer.text


def test_no_search_engine_keeps_it_and_no_link_tells_its_address(store: Store, http: httpx.Client) -> None:
    themed(store, link="https://meridian.example/", accent="#7a1fa2")
    path = path_of(store, handed_over(store))
    for answer in (http.get(path), http.get("/s/nothing")):
        assert answer.headers["x-robots-tag"] == "noindex, nofollow, noarchive"
        assert '<meta name="robots" content="noindex, nofollow, noarchive">' in answer.text
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        assert re.findall("<script.*", answer.text) == ['<script type="module" src="/static/console.js"></script>']
    assert '<a href="https://meridian.example/" rel="noreferrer noopener">' in http.get(path).text


def test_a_link_that_never_was_one_and_what_is_over_or_erased_are_answered_alike(store: Store, http: httpx.Client, database: str) -> None:
    erased, over, going_on = (
        handed_over(store, post=post, author={"id": post, "handle": post, "name": post}) for post in ("p1", "p2", "p3")
    )
    over.command(c.Dismiss, "spam")
    paths = [path_of(store, case) for case in (erased, over, going_on)]
    assert "It stays for 90 days" in http.get(paths[1]).text
    assert [http.get(path).status_code for path in paths] == [200, 200, 200]
    erase = text(
        "update subject set wrapped_key = null, profile = null, author_hash = '', erased_at = now() "
        "where id = (select subject_id from cases where case_id = :case)"
    )
    with create_engine(database).begin() as owner:
        owner.execute(erase, {"case": erased.case_id})
    with serving(database, **in_a_hundred_days()) as later:
        later.headers["accept-encoding"] = "identity"
        gone = [later.get(path) for path in (paths[0], paths[1], "/s/nothing", paths[2][:-1], "/s/1" + "A" * 32, "/s/%00")]
        assert later.get(paths[2]).status_code == 200
    told = [(one.status_code, one.text, [(name, value) for name, value in one.headers.items() if name != "date"]) for one in gone]
    assert all(one == told[0] for one in told)
    assert told[0][0] == 404
    assert http.get(paths[1]).status_code == 200, "ninety days are not over yet"


def test_whatever_a_brand_is_called_is_text(store: Store, http: httpx.Client) -> None:
    themed(store, name=HOSTILE_BRAND)
    answer = http.get(path_of(store, handed_over(store)))
    assert answer.status_code == 200
    assert "<img" not in answer.text
    assert "{{7*7}}" in answer.text
    assert "&lt;img src=x" in answer.text


def test_a_brands_colour_is_the_only_style_that_the_page_takes_besides_our_sheet(store: Store, http: httpx.Client) -> None:
    themed(store, accent="#7a1fa2")
    answer = http.get(path_of(store, handed_over(store)))
    assert ":root{--accent:#7a1fa2;" in answer.text
    assert "script-src 'self'; style-src 'self' 'sha256-" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_who_looks_too_often_is_asked_to_wait(store: Store, http: httpx.Client) -> None:
    path = path_of(store, handed_over(store))
    answers = [http.get(path) for _ in range(VISITS + 1)]
    assert [answer.status_code for answer in answers] == [200] * VISITS + [429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert answers[-1].headers["x-robots-tag"] == "noindex, nofollow, noarchive"


def test_the_link_is_in_the_acknowledgement_and_the_private_message_where_the_policy_says_so(database: str, store: Store) -> None:
    linking = Store.open(
        database,
        pool=2,
        keyring=KEYS,
        index_key=INDEX_KEY,
        pace=REAL_TIME,
        name="tests",
        status_address=StatusLinks(KEYS, "https://c.example").make,
    )
    said: dict[tuple[str, ...], list[bool]] = {}
    for given in ((), ("private",), ("acknowledgement", "private")):
        policy = yaml.safe_load(POLICY)
        policy["channels"]["x"]["status_link"] = list(given)
        store.book.activate(yaml.safe_dump(policy, sort_keys=False), WORDING, by="tests")
        case = OnRecord.opened(store, post="-".join(("p", *given)).replace("-", "_"))
        address = f"https://c.example{path_of(store, case)}"
        texts = [
            linking.composer.compose(
                WhatToSay(case.case_id, case.case.policy, None, template, 0, "billing", case.now(), until=case.now(), body="Hello.")
            ).text
            for template in ("acknowledgement.complaint", "private.person")
        ]
        said[given] = [address in told for told in texts]
    linking.close()
    assert said == {(): [False, False], ("private",): [False, True], ("acknowledgement", "private"): [True, True]}


@NEEDS_CHROMIUM
@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it_without_javascript_too(store: Store, http: httpx.Client, browser: Browser, width: int, scheme: str) -> None:
    themed(store, accent="#7a1fa2", link="https://meridian.example/", name="Meridian" + "n" * 52)
    case = handed_over(store)
    case.command(c.Accept)
    case.command(c.Ask, case.keep("Which order is it?"))
    case.publish(Publisher(store.ledger, store.composer, {"x": Square()}))
    url = str(http.base_url).rstrip("/") + path_of(store, case)
    with window(browser, width, color_scheme=scheme, java_script_enabled=False) as bare:
        bare.goto(url)
        expect(bare.get_by_role("heading", level=1)).to_have_text("We need something from you")
        expect(bare.locator("[aria-current=step]")).to_contain_text("We need something from you")
    with window(browser, width, color_scheme=scheme) as page:
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate("getComputedStyle(document.querySelector('header')).backgroundColor") == "rgb(122, 31, 162)"
        assert axe_faults(page) == []
        page.goto(url[:-1])
        assert axe_faults(page) == []
