"""Signing out: here only, or at the identity provider as well, as whoever leaves decides."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from adapters.postgres.store import Store
from tests.integration.test_oidc import COOKIE, PUBLIC, Browser, browser, provider
from tests.signing_in import sent_from

BACK = f"{PUBLIC}/sign-out/callback"


def leave(one: Browser) -> httpx.Response:
    return one.http.post("/sign-out", headers=sent_from(one.http))


def test_whoever_leaves_is_signed_out_here_and_offered_to_leave_there_too(store: Store, database: str) -> None:
    assert store.book.active()
    with provider(signed_out_uri=BACK) as there, browser(database, there) as ana:
        ana.sign_in()
        left = leave(ana)
        assert left.status_code == 200
        assert "You are signed out here" in left.text
        assert ana.page().status_code == 303, "the session here is over already"
        assert there.signed_out == 0, "nobody is signed out there who did not ask for it"
        led = ana.http.get("/sign-out/provider")
        told = parse_qs(urlsplit(led.headers["location"]).query)
        assert set(told) == {"client_id", "post_logout_redirect_uri", "state"}, "no token, and nobody's name, in an address"
        answer = httpx.get(led.headers["location"], trust_env=False)
        assert there.signed_out == 1
        back = ana.http.get(answer.headers["location"].removeprefix(PUBLIC))
        assert "Here, and of your company’s account." in back.text or "Here, and of your company&#8217;s account." in back.text
        assert ana.http.get(answer.headers["location"].removeprefix(PUBLIC)).status_code == 303, "an answer counts once"


def test_an_answer_that_was_not_begun_here_says_nothing_and_nobody_is_led_anywhere_without_having_left(store: Store, database: str) -> None:
    assert store.book.active()
    with provider(signed_out_uri=BACK) as there, browser(database, there) as ana:
        for path in (
            "/sign-out/callback?state=",
            "/sign-out/callback?state=made-up",
            "/sign-out/provider",
            "/sign-out/provider?next=//evil.example",
        ):
            led = ana.http.get(path)
            assert (led.status_code, led.headers["location"]) == (303, "/sign-in"), path
        ana.sign_in()
        leave(ana)
        assert ana.http.cookies.get(f"{COOKIE}-out")
        assert ana.http.get("/sign-out/callback?state=made-up").status_code == 303


@pytest.mark.parametrize("described", [{}, {"end_session_endpoint": "http://evil.example/logout"}, {"end_session_endpoint": 7}])
def test_where_the_provider_offers_no_safe_address_one_is_signed_out_here(
    store: Store, database: str, described: dict[str, object]
) -> None:
    assert store.book.active()
    with provider(described_as=described) as there, browser(database, there) as ana:
        ana.sign_in()
        left = leave(ana)
        assert (left.status_code, left.headers["location"]) == (303, "/sign-in")
        assert ana.page().status_code == 303


def test_whoever_came_with_a_key_is_not_asked_about_an_account(store: Store, database: str) -> None:
    assert store.book.active()
    with provider(signed_out_uri=BACK) as there, browser(database, there, console_open=True) as one:
        one.http.post("/sign-in/local", data={"role": "lead"}, headers=sent_from(one.http))
        assert leave(one).headers["location"] == "/sign-in"
