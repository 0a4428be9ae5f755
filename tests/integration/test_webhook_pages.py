"""Webhooks on pages in a real browser, and by the command: made, told once of the secret, paused, tried, replayed, revoked."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text
from typer.testing import CliRunner

from adapters.postgres.hooks import Hooks
from adapters.postgres.keys import NewKey
from adapters.postgres.store import Store
from cli.app import app, out
from domain.hooks import Wanted
from domain.rights import Right
from domain.values import SYSTEM, Role
from tests.browsing import DESK, NEEDS_CHROMIUM, PHONE, axe_faults, come_in, window
from tests.conftest import INDEX_KEY, KEYS
from tests.integration.conftest import serving
from tests.signing_in import sent_from, signed_in

HOSTILE = "<img src=x onerror=\"document.title='pwned'\">" + "w" * 60
INSIDE = "http://127.0.0.1:9/hook"


@pytest.fixture
def http(store: Store, database: str) -> Iterator[httpx.Client]:
    with serving(database) as client:
        client.headers["accept-encoding"] = "identity"
        yield client


@pytest.fixture
def hooks(store: Store) -> Hooks:
    return Hooks(store.engine, KEYS)


def admin(page: Page, url: str, path: str) -> None:
    page.goto(f"{url}/sign-in?next={path}")
    page.get_by_label("Role", exact=True).select_option("admin")
    page.get_by_role("form", name="As …, on this machine").get_by_role("button").click()
    page.wait_for_url(f"**{path}")


@NEEDS_CHROMIUM
def test_an_admin_makes_one_tries_it_pauses_it_changes_its_secret_and_revokes_it_without_javascript(
    http: httpx.Client, hooks: Hooks, browser: Browser
) -> None:
    url = str(http.base_url).rstrip("/")
    with window(browser, java_script_enabled=False) as page:
        admin(page, url, "/console/webhooks")
        page.get_by_label("Address").fill("https://127.0.0.2/hook")
        page.get_by_label("resolved", exact=True).check()
        page.get_by_role("button", name="Make it, and show its secret").click()
        expect(page.get_by_role("alert")).to_contain_text("which is not on the public internet")
        expect(page.get_by_label("resolved", exact=True)).to_be_checked()
        page.get_by_label("Address").fill(INSIDE)
        page.get_by_label("What it is for").fill("CRM")
        page.get_by_role("button", name="Make it, and show its secret").click()
        first = page.get_by_label("Secret").input_value()
        assert first.startswith("whsec_")
        page.get_by_role("link", name="Go on to the webhook").click()
        (hook,) = hooks.all()
        assert hook.wanted == Wanted(INSIDE, frozenset({"resolved"}), None, "CRM")
        assert first not in page.content()
        page.get_by_role("button", name="Send a test").click()
        expect(page.get_by_role("row").filter(has_text="test")).to_contain_text("pending")
        page.get_by_role("button", name=re.compile("Deliver test again")).click()
        page.get_by_role("button", name="Pause it").click()
        expect(page.locator("main")).to_contain_text("It is paused")
        assert not hooks.one(hook.id).wanted.active
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("button", name="Change its secret").click()
        assert page.get_by_label("Secret").input_value() not in ("", first)
        page.get_by_role("link", name="Go on to the webhook").click()
        expect(page.locator("main")).to_contain_text("the one before signs as well until")
        page.get_by_label("resolved", exact=True).uncheck()
        page.get_by_label("What it is for").fill("Warehouse")
        page.get_by_role("button", name="Change it", exact=True).click()
        assert hooks.one(hook.id).wanted == Wanted(INSIDE, None, None, "Warehouse")
        page.get_by_role("button", name="Revoke it").click()
        expect(page.locator("main")).to_contain_text("No other system is told anything yet.")
    assert hooks.all() == []


@NEEDS_CHROMIUM
def test_axe_finds_nothing_and_nothing_that_others_wrote_acts(http: httpx.Client, hooks: Hooks, store: Store, browser: Browser) -> None:
    url = str(http.base_url).rstrip("/")
    hook, _ = hooks.make(Wanted(INSIDE, None, None, HOSTILE), SYSTEM)
    add = text(
        "insert into webhook_delivery (webhook_id, event_id, case_id, kind, body, due_at, state, attempts, problem, settled_at) "
        "select :id, 'evt_' || n, 'meridian-x-1', 'resolved', '{}', now(), 'dead', 6, :problem, now() from generate_series(1, 60) n"
    )
    with store.engine.begin() as connection:
        connection.execute(add, {"id": hook.id, "problem": f"answered 500 {HOSTILE}"})
    for scheme, width in (("light", PHONE), ("dark", DESK)):
        with window(browser, width, color_scheme=scheme) as page:
            come_in(page, url, "admin")
            for path in ("", f"/{hook.id}", f"/{hook.id}?state=dead"):
                page.goto(f"{url}/console/webhooks{path}")
                assert axe_faults(page) == [], path
                assert page.evaluate("document.documentElement.scrollWidth") == width, path
                assert page.title() != "pwned"
            page.get_by_role("link", name="Older ones").click()
            expect(page.get_by_role("button", name=re.compile("Deliver resolved again"))).to_have_count(10)


def test_webhooks_are_admins_business_and_one_that_is_not_there_is_not_found(http: httpx.Client) -> None:
    lead, boss = signed_in(http, "lead"), signed_in(http, "admin")
    assert http.get("/console/webhooks", headers=lead).status_code == 403
    assert "/console/webhooks" not in http.get("/console/sessions", headers=lead).text
    assert "/console/webhooks" in http.get("/console/sessions", headers=boss).text
    for path in ("/nothing", "/%00", "/nothing/test", "/%00/revoke", "/x/deliveries/%00/replay"):
        method = "GET" if path.count("/") == 1 else "POST"
        assert http.request(method, f"/console/webhooks{path}", headers=boss | sent_from(http)).status_code == 404, path


@pytest.mark.parametrize("over_the_api", [False, True], ids=["here", "over the API"])
def test_the_command_does_the_same(
    store: Store, database: str, http: httpx.Client, hooks: Hooks, monkeypatch: pytest.MonkeyPatch, *, over_the_api: bool
) -> None:
    import cli.webhooks  # noqa: F401 - it adds its verbs

    monkeypatch.delenv("LOOPKEEPER_URL", raising=False)
    if over_the_api:
        monkeypatch.setenv("LOOPKEEPER_URL", str(http.base_url).rstrip("/"))
        scopes = frozenset({Right.MANAGE_WEBHOOKS})
        monkeypatch.setenv("LOOPKEEPER_KEY", store.keys.make(NewKey("Bo", Role.ADMIN, scopes), SYSTEM)[1])
    monkeypatch.setenv("DATABASE_URL", database.replace("+psycopg2", ""))
    monkeypatch.setenv("LOOPKEEPER_KEYS", "k1:" + "a2V5" * 10 + "a2U=")
    monkeypatch.setenv("LOOPKEEPER_INDEX_KEY", base64.b64encode(INDEX_KEY).decode())
    monkeypatch.setenv("LOOPKEEPER_CONSOLE_OPEN", "true")
    monkeypatch.setattr(out, "_width", 200)  # by COLUMNS it would go by who imports it first

    def run(*words: str) -> str:
        ran = CliRunner().invoke(app, ["webhook", *words])
        failed = ran.exception is not None and not isinstance(ran.exception, SystemExit)
        return f"loopkeeper: {ran.exception}" if failed else ran.output

    made = json.loads(run("add", INSIDE, "--event", "resolved", "--description", "CRM", "--json"))
    assert made["secret"].startswith("whsec_")
    assert "there is no brand nobody" in run("add", INSIDE, "--brand", "nobody")
    (listed,) = json.loads(run("list", "--json"))
    assert listed == {name: value for name, value in made.items() if name != "secret"}
    identity = made["id"]
    assert json.loads(run("change", identity, "--event", "all", "--json"))["events"] is None
    assert "is paused" in run("pause", identity)
    assert json.loads(run("resume", identity, "--json"))["active"] is True
    tried = json.loads(run("test", identity, "--json"))
    assert tried["type"] == "test"
    assert "pending" in run("deliveries", identity)
    assert json.loads(run("replay", identity, tried["id"], "--json"))["id"] == tried["id"]
    assert json.loads(run("deliveries", identity, "--state", "dead", "--json")) == []
    assert "'lost' is not one of" in run("deliveries", identity, "--state", "lost")
    assert json.loads(run("secret", identity, "--json"))["secret"] != made["secret"]
    assert "is revoked" in run("revoke", identity)
    assert "there is no webhook" in run("test", identity)
    assert hooks.all() == []
    done = [entry.event for _, _, entry in store.journal.entries() if entry.event.kind == "admin_acted"]
    assert [event.what for event in done if event.what.startswith("webhook")] == [
        "webhook_made", "webhook_changed", "webhook_changed", "webhook_changed", "webhook_tried", "webhook_replayed",
        "webhook_secret_changed", "webhook_revoked",
    ]  # fmt: skip
