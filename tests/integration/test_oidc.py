"""Signing in with an identity provider: a real one over real HTTP, that tells the truth or lies."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey
from sqlalchemy import create_engine, text

from adapters.postgres.store import Store
from tests.integration.conftest import serving
from tests.provider import Json, Provider
from tests.serving import served

PUBLIC = "http://127.0.0.1:8000"
COOKIE = "loopkeeper-8000"
ANA: Json = {"sub": "ana-7f3a", "name": "Ana Sousa", "given_name": "Ana", "groups": ["everybody", "billing-team"]}
GROUPS = {
    "admins": {"role": "admin"},
    "billing-team": {"role": "department", "departments": ["billing"]},
    "technical-team": {"role": "department", "departments": ["technical"]},
}


@contextmanager
def provider(**how: Any) -> Iterator[Provider]:
    """A provider that has Ana signed in."""
    made: list[Provider] = []

    def make(url: str) -> Any:
        settings = {"client_id": "loopkeeper", "client_secret": "s3cret+/=", "redirect_uri": f"{PUBLIC}/sign-in/callback", "person": ANA}
        made.append(Provider(url=url, **(settings | how)))
        return made[0].server()

    with served(make):
        yield made[0]


@dataclass
class Browser:
    """A browser that knows Loopkeeper at its public address, wherever it really is."""

    http: httpx.Client
    provider: Provider

    def begin(self, path: str = "/sign-in/oidc?next=/console/sessions") -> str:
        """Press the button; the address of the provider to which one is led."""
        led = self.http.get(path)
        assert led.status_code == 303, led.text
        return led.headers["location"]

    def at_provider(self, url: str) -> str:
        """Follow to the provider, which sends one back: the path of ours."""
        back = httpx.get(url, trust_env=False)
        assert back.status_code == 302, back.text
        assert back.headers["location"].startswith(f"{PUBLIC}/sign-in/callback?")
        return str(back.headers["location"]).removeprefix(PUBLIC)

    def sign_in(self, path: str = "/sign-in/oidc?next=/console/sessions") -> httpx.Response:
        return self.http.get(self.at_provider(self.begin(path)))

    def page(self, path: str = "/console/sessions") -> httpx.Response:
        return self.http.get(path, headers={"accept": "text/html"})


@contextmanager
def browser(database: str, provider: Provider, **settings: Any) -> Iterator[Browser]:
    told = {
        "oidc_issuer": provider.url,
        "oidc_client_id": "loopkeeper",
        "oidc_client_secret": provider.client_secret,
        "oidc_groups": GROUPS,
        "console_open": False,
        "public_url": PUBLIC,
        "failed_sign_ins": 1000,
    }
    with serving(database, **(told | settings)) as http:
        yield Browser(http, provider)


@pytest.fixture
def ana(store: Store, database: str) -> Iterator[Browser]:
    """Ana's browser."""
    assert store.book.active()
    with provider() as there, browser(database, there) as hers:
        yield hers


def told(answer: httpx.Response) -> tuple[int, str]:
    """That nobody was signed in, and why."""
    assert not any(line.startswith(f"{COOKIE}=") for line in answer.headers.get_list("set-cookie"))
    (why,) = re.findall(r'role="alert">([^<]*)<', answer.text)
    return answer.status_code, html.unescape(why)


# --- as it should be --------------------------------------------------------------------------------------------------


def test_a_colleague_signs_in_with_the_companys_account_and_is_what_their_groups_say(ana: Browser, store: Store) -> None:
    url = ana.begin()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert (asked["response_type"], asked["scope"], asked["code_challenge_method"]) == ("code", "openid profile", "S256")
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    assert "verifier" not in url
    welcome = ana.http.get(ana.at_provider(url))
    assert (welcome.status_code, welcome.headers["location"]) == (303, "/console/sessions")
    page = ana.page().text
    assert "You are Ana Sousa, department of billing." in page
    with store.engine.connect() as connection:
        person, first = connection.execute(text("select id, first_name from person")).one()
    assert re.fullmatch(r"oidc:[0-9a-f]{32}", person)
    assert first == "Ana"


def test_the_sign_in_page_leads_to_the_provider_and_offers_no_role_to_pick(ana: Browser) -> None:
    page = ana.page("/sign-in?next=/console/api-keys").text
    assert 'href="/sign-in/oidc?next=/console/api-keys"' in page or 'href="/sign-in/oidc?next=%2Fconsole%2Fapi-keys"' in page
    assert "/sign-in/local" not in page


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
@pytest.mark.parametrize("secret", ["s3cret", None])
def test_both_signatures_and_both_kinds_of_client_work(store: Store, database: str, algorithm: str, secret: str | None) -> None:
    assert store.book.active()
    with provider(algorithm=algorithm, client_secret=secret) as there, browser(database, there) as hers:
        assert hers.sign_in().status_code == 303
        assert hers.page().status_code == 200


def test_several_tabs_sign_in_at_the_same_time(ana: Browser) -> None:
    first, second = ana.begin("/sign-in/oidc?next=/console/sessions"), ana.begin("/sign-in/oidc?next=/console?show=all")
    assert ana.http.get(ana.at_provider(second)).headers["location"] == "/console?show=all"
    assert ana.http.get(ana.at_provider(first)).headers["location"] == "/console/sessions"


def test_groups_may_stand_at_the_userinfo_address_alone(ana: Browser) -> None:
    ana.provider.person = {key: value for key, value in ANA.items() if key != "groups"}
    ana.provider.userinfo_of = {"sub": ANA["sub"], "groups": ["admins"]}
    ana.provider.described_as = {"userinfo_endpoint": f"{ana.provider.url}/userinfo"}
    assert ana.sign_in().status_code == 303
    assert "You are Ana Sousa, admin." in ana.page().text


def test_userinfo_of_somebody_else_is_not_believed(ana: Browser) -> None:
    ana.provider.person = {key: value for key, value in ANA.items() if key != "groups"}
    ana.provider.userinfo_of = {"sub": "somebody-else", "groups": ["admins"]}
    assert "speaks of somebody else" in told(ana.sign_in())[1]


def test_who_is_in_several_departments_has_them_all(ana: Browser) -> None:
    ana.provider.person = {**ANA, "groups": ["technical-team", "billing-team"]}
    ana.sign_in()
    assert "department of billing, technical" in ana.page().text


@pytest.mark.parametrize("groups", [[], ["everybody"], "everybody", None, {"admins": True}, [["admins"]]])
def test_who_is_in_no_group_that_we_know_stays_outside(ana: Browser, groups: object) -> None:
    ana.provider.person = {**ANA, "groups": groups}
    assert told(ana.sign_in()) == (
        403,
        "You have signed in, but none of your groups gives you a role here. Ask an admin to add you to one.",
    )
    assert ana.page().status_code == 303


def test_who_works_in_slack_too_is_one_person(store: Store, database: str) -> None:
    assert store.book.active()
    person = {**ANA, "groups": ["admins"], "slack_user_id": "U0ANA00001"}
    with provider(person=person) as there, browser(database, there, oidc_person_claim="slack_user_id") as hers:
        assert hers.sign_in().status_code == 303
        assert store.people.name("U0ANA00001") == "Ana Sousa"
        there.person = {**person, "slack_user_id": "key:3f9a1c22"}
        assert hers.sign_in().status_code == 303
        assert store.people.name("key:3f9a1c22") is None, "only what a Slack id can be is taken for one"


def test_the_provider_may_change_its_keys_at_any_time(ana: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ana.sign_in().status_code == 303
    monkeypatch.setattr("adapters.oidc.LOOK_AGAIN_SECONDS", 0.0)
    ana.provider.change_keys()
    assert ana.sign_in().status_code == 303
    assert ana.provider.fetched_keys == 2


def test_made_up_key_names_do_not_make_us_ask_for_keys_again_and_again(ana: Browser) -> None:
    ana.provider.forge = lambda claims: ana.provider.signed(claims, RSAKey.generate_key(2048, {"kid": "made-up"}, private=True))
    for _ in range(3):
        assert told(ana.sign_in())[0] == 403
    assert ana.provider.fetched_keys == 1


# --- a fresh proof ----------------------------------------------------------------------------------------------------


@pytest.fixture
def admin(ana: Browser) -> Browser:
    """Ana as an admin, whom the provider knows from this morning."""
    ana.provider.person = {**ANA, "groups": ["admins"]}
    ana.provider.signed_in_at = time.time() - 3 * 3600
    assert ana.sign_in().status_code == 303
    return ana


def making_a_key(browser: Browser) -> httpx.Response:
    told = {"accept": "text/html", "origin": str(browser.http.base_url).rstrip("/"), "referer": f"{browser.http.base_url}/console/api-keys"}
    return browser.http.post("/console/api-keys", data={"name": "CRM", "role": "social"}, headers=told)


def test_an_old_sign_in_at_the_provider_is_no_fresh_proof_and_the_provider_asks_again(admin: Browser) -> None:
    led = making_a_key(admin)
    assert (led.status_code, led.headers["location"]) == (303, "/sign-in?again=1&next=%2Fconsole%2Fapi-keys")
    page = admin.page(led.headers["location"]).text
    (link,) = re.findall(r'href="(/sign-in/oidc[^"]+)"', page)
    before = admin.http.cookies[COOKIE]
    welcome = admin.sign_in(link.replace("&amp;", "&"))
    assert welcome.headers["location"] == "/console/api-keys"
    assert (admin.provider.asked[-1]["prompt"], admin.provider.asked[-1]["max_age"]) == ("login", "600")
    assert admin.http.cookies[COOKIE] != before
    assert making_a_key(admin).status_code == 200


def test_a_provider_that_does_not_ask_again_or_does_not_say_when_gives_no_fresh_proof(admin: Browser) -> None:
    admin.provider.obeys_prompt = False
    assert "did not ask for your proof again" in told(admin.sign_in("/sign-in/oidc?again=1"))[1]
    admin.provider.lie = lambda claims: {key: value for key, value in claims.items() if key != "auth_time"}
    assert told(admin.sign_in("/sign-in/oidc?again=1"))[0] == 403
    assert making_a_key(admin).status_code == 303


def test_a_proof_from_the_future_is_not_fresh_for_longer(admin: Browser, store: Store, database: str) -> None:
    admin.provider.lie = lambda claims: {**claims, "auth_time": int(time.time()) + 86_400}
    assert admin.sign_in().status_code == 303
    owner = create_engine(database)
    with owner.begin() as connection:
        assert connection.execute(text("select max(proved_at) <= clock_timestamp() from session")).scalar() is True
    owner.dispose()


# --- lies -------------------------------------------------------------------------------------------------------------

Lie = Callable[[Json], Json]
LIES: dict[str, Lie] = {
    "another attempt's nonce": lambda claims: {**claims, "nonce": "made-up"},
    "no nonce": lambda claims: {key: value for key, value in claims.items() if key != "nonce"},
    "another issuer": lambda claims: {**claims, "iss": "https://evil.example"},
    "no issuer": lambda claims: {key: value for key, value in claims.items() if key != "iss"},
    "another audience": lambda claims: {**claims, "aud": "another-client"},
    "no audience": lambda claims: {key: value for key, value in claims.items() if key != "aud"},
    "several audiences and no party": lambda claims: {**claims, "aud": ["loopkeeper", "another-client"]},
    "an audience of others, and us as the party": lambda claims: {**claims, "aud": ["another-client"], "azp": "loopkeeper"},
    "another party": lambda claims: {**claims, "azp": "another-client"},
    "over": lambda claims: {**claims, "exp": int(time.time()) - 120},
    "no end": lambda claims: {key: value for key, value in claims.items() if key != "exp"},
    "an end that is no number": lambda claims: {**claims, "exp": "tomorrow"},
    "from the future": lambda claims: {**claims, "iat": int(time.time()) + 3600},
    "not yet valid": lambda claims: {**claims, "nbf": int(time.time()) + 3600},
    "nobody": lambda claims: {**claims, "sub": ""},
    "a person that is no name": lambda claims: {**claims, "sub": 42},
    "a name too long": lambda claims: {**claims, "sub": "s" * 256},
    "of another access token": lambda claims: {**claims, "at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
}


@pytest.mark.parametrize("name", LIES)
def test_a_token_that_is_not_for_us_now_from_there_lets_nobody_in(ana: Browser, name: str) -> None:
    ana.provider.lie = LIES[name]
    status, why = told(ana.sign_in())
    assert status == 403
    assert re.match(r"The identity provider('s token does not hold|'s token is for another application| names no one)", why)
    assert ana.page().status_code == 303


FORGERIES: dict[str, Callable[[Provider], Callable[[Json], str]]] = {
    "unsigned": lambda there: there.unsigned,
    "signed with what is public": lambda there: there.signed_with_secret,
    "signed by a stranger under the same name": lambda there: (
        lambda claims: there.signed(claims, RSAKey.generate_key(2048, {"kid": str(there.keys["RS256"].kid)}, private=True))
    ),
    "changed after it was signed": lambda there: lambda claims: _changed(there.signed(claims), there.signed({**claims, "sub": "boss"})),
    "signed with its own key, in its header": lambda there: lambda claims: _with_own_key(there, claims),
    "no token": lambda _: lambda _claims: "not.a.token",
    "nothing": lambda _: lambda _claims: "",
    "whole of strange letters": lambda _: lambda _claims: "\u202e.\u202e.\u202e",
}


def _changed(token: str, other: str) -> str:
    head, _, signature = token.split(".")
    return ".".join((head, other.split(".")[1], signature))


def _with_own_key(there: Provider, claims: Json) -> str:
    own = RSAKey.generate_key(2048, {"kid": "own"}, private=True)
    return there.signed(claims, own, jwk=own.as_dict(private=False))


@pytest.mark.parametrize("name", FORGERIES)
def test_a_token_that_the_provider_has_not_signed_lets_nobody_in(ana: Browser, name: str) -> None:
    ana.provider.forge = FORGERIES[name](ana.provider)
    status, why = told(ana.sign_in())
    assert (status, "token does not hold" in why) == (403, True)
    assert ana.page().status_code == 303


# --- other browsers, other times --------------------------------------------------------------------------------------


def test_an_answer_counts_once(ana: Browser) -> None:
    back = ana.at_provider(ana.begin())
    kept = dict(ana.http.cookies)
    assert ana.http.get(back).status_code == 303
    assert "begun in another browser" in told(ana.http.get(back))[1]
    ana.http.cookies.update(kept)  # somebody copied what the browser kept: the provider gives nothing for the same code
    assert "gave no token (invalid_grant)" in told(ana.http.get(back))[1]


def test_nobody_is_signed_in_by_a_link_that_somebody_else_made(ana: Browser) -> None:
    back = ana.at_provider(ana.begin())
    ana.http.cookies.clear()
    assert "begun in another browser" in told(ana.http.get(back))[1]
    own = ana.at_provider(ana.begin())
    state = parse_qs(urlsplit(back).query)["state"][0]
    mixed = re.sub(r"state=[^&]+", f"state={state}", own)
    assert "begun in another browser" in told(ana.http.get(mixed))[1]


def test_a_code_of_another_attempt_is_worth_nothing(ana: Browser) -> None:
    theirs, own = ana.at_provider(ana.begin()), ana.at_provider(ana.begin())
    code = parse_qs(urlsplit(theirs).query)["code"][0]
    injected = re.sub(r"code=[^&]+", f"code={code}", own)
    assert "gave no token (invalid_grant)" in told(ana.http.get(injected))[1]


def test_what_the_browser_keeps_is_sealed_and_for_ten_minutes(ana: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    back = ana.at_provider(ana.begin())
    (name,) = (name for name in ana.http.cookies if name.startswith(f"{COOKIE}-"))
    kept = ana.http.cookies[name]
    ana.http.cookies.clear()
    ana.http.cookies.set(name, kept[:-8] + ("AAAAAAA=" if kept[-8:] != "AAAAAAA=" else "BBBBBBB="))
    assert "begun in another browser" in told(ana.http.get(back))[1]
    now = time.time()
    monkeypatch.setattr("api.access.attempts.time.time", lambda: now + 601)
    ana.http.cookies.clear()
    ana.http.cookies.set(name, kept)
    assert "took longer than ten minutes" in told(ana.http.get(back))[1]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"iss": "https://evil.example"}, "another identity provider"),
        ({"iss": None}, "another identity provider"),
        ({"error": "access_denied", "code": None}, "refused (access_denied)"),
        ({"code": None}, "gave no token"),
        ({"error": "<script>\u202e" + "x" * 500, "code": None}, "refused (&lt;script&gt; x"),
    ],
)
def test_what_the_provider_sends_back_besides_is_looked_at(ana: Browser, answer: Json, why: str) -> None:
    ana.provider.answers_with = answer
    page = ana.sign_in()
    assert page.status_code == 403
    assert why in page.text
    assert len(page.text) < 5000


# --- what it says of itself ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("described", "why"),
    [
        ({"issuer": "https://evil.example"}, "is not the description of the provider"),
        ({"authorization_endpoint": "http://evil.example/authorize"}, "names no authorization_endpoint that begins with https://"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "names no authorization_endpoint"),
        ({"authorization_endpoint": None}, "names no authorization_endpoint"),
    ],
)
def test_a_description_that_leads_elsewhere_is_not_followed(ana: Browser, described: Json, why: str) -> None:
    ana.provider.described_as = described
    page = ana.http.get("/sign-in/oidc")
    assert page.status_code == 503
    assert why in page.text


@pytest.mark.parametrize("described", [{"token_endpoint": "http://evil.example/t"}, {"jwks_uri": "file:///etc/passwd"}, {"jwks_uri": 7}])
def test_its_other_addresses_must_be_safe_too(ana: Browser, described: Json) -> None:
    ana.provider.described_as = described
    assert "that begins with https://" in told(ana.sign_in())[1]


def test_a_provider_that_is_away_is_told_and_the_other_ways_stay(store: Store, database: str) -> None:
    assert store.book.active()
    with provider() as there:
        gone = replace(there, url="http://127.0.0.1:9")
    with browser(database, gone) as hers:
        page = hers.http.get("/sign-in/oidc")
        assert page.status_code == 503
        assert "cannot be reached" in page.text
        assert 'action="/sign-in/key"' in page.text
