"""Signing in, sessions, keys, departments and headers, over real HTTP on a real database."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import ProgrammingError

from adapters.postgres.intake import Arrival
from adapters.postgres.keys import NewKey
from adapters.postgres.store import Store
from domain.journal import AdminActed
from domain.rights import Right
from domain.values import SYSTEM, Actor, Role, Via
from tests.integration.conftest import serving
from tests.integration.opened import created, place
from tests.signing_in import sent_from, signed_in

COOKIE = "loopkeeper-8000"


@dataclass
class Here:
    """One API on a database of its own."""

    http: httpx.Client
    store: Store
    owner: Engine

    def key(self, role: Role = Role.SOCIAL, *departments: str, scopes: frozenset[Right] | None = None, days: int | None = None) -> str:
        ends = None if days is None else datetime.now(UTC) + timedelta(days=days)
        return self.store.keys.make(NewKey("the tests", role, scopes, frozenset(departments), ends), SYSTEM)[1]

    def get(self, path: str, key: str) -> httpx.Response:
        return self.http.get(path, headers={"authorization": f"Bearer {key}"})

    def send(self, path: str, form: dict[str, Any] | None = None, cookie: str | None = None, **headers: str) -> httpx.Response:
        """Send a form from our own page, as whoever has that cookie."""
        self.http.cookies.clear()
        mine = {"cookie": cookie} if cookie is not None else {}
        return self.http.post(path, data=form, headers=sent_from(self.http) | mine | headers)

    def with_key(self, key: str, **form: str) -> str:
        """Sign in with a key; the cookie."""
        answer = self.send("/sign-in/key", {"key": key, **form})
        assert answer.status_code == 303, answer.text
        return f"{COOKIE}={answer.cookies[COOKIE]}"

    def open(self, path: str, cookie: str) -> httpx.Response:
        self.http.cookies.clear()
        return self.http.get(path, headers={"cookie": cookie, "accept": "text/html"})

    def change(self, sql: str, **values: object) -> None:
        """Something that otherwise only time does."""
        with self.owner.begin() as connection:
            connection.execute(text(sql), values)


@pytest.fixture
def here(store: Store, database: str) -> Iterator[Here]:
    owner = create_engine(database)
    with serving(database) as http:
        yield Here(http, store, owner)
    owner.dispose()


# --- sessions ---------------------------------------------------------------------------------------------------------


def test_signing_in_leads_to_where_one_wanted_to_be_and_the_cookie_is_kept_from_scripts(here: Here) -> None:
    led = here.http.get("/console?show=all", headers={"accept": "text/html"})
    assert led.headers["location"] == "/sign-in?next=%2Fconsole%3Fshow%3Dall"
    page = here.http.get(led.headers["location"], headers={"accept": "text/html"})
    assert 'name="next" value="/console?show=all"' in page.text
    answer = here.send("/sign-in/key", {"key": here.key(), "next": "/console?show=all"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/console?show=all")
    assert re.fullmatch(rf"{COOKIE}=[\w-]{{43}}; HttpOnly; Path=/; SameSite=lax", answer.headers["set-cookie"])
    for elsewhere in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        assert here.send("/sign-in/key", {"key": here.key(), "next": elsewhere}).headers["location"] == "/console"
        assert "evil" not in here.http.get("/sign-in", params={"next": elsewhere}).text


def test_every_sign_in_makes_a_new_session_and_ends_the_one_before(here: Here) -> None:
    planted = f"{COOKIE}=planted-by-somebody-else"
    answer = here.send("/sign-in/key", {"key": here.key()}, cookie=planted)
    first = f"{COOKIE}={answer.cookies[COOKIE]}"
    assert first != planted
    assert here.open("/console", planted).status_code == 303
    again = here.send("/sign-in/key", {"key": here.key()}, cookie=first)
    second = f"{COOKIE}={again.cookies[COOKIE]}"
    assert here.open("/console", second).status_code == 200
    assert here.open("/console", first).status_code == 303


def test_a_session_ends_without_use_by_age_with_its_key_and_by_signing_out(here: Here) -> None:
    ended = {
        "unused": "update session set seen_at = seen_at - interval '121 minutes'",
        "old": "update session set expires_at = expires_at - interval '12 hours 1 second'",
        "key": "update api_key set revoked_at = now()",
        "key's end": "update api_key set expires_at = now()",
        "ended": "update session set ended_at = now()",
    }
    for what, sql in ended.items():
        mine = here.with_key(here.key())
        assert here.open("/console", mine).status_code == 200, what
        here.change(sql)
        assert here.open("/console", mine).status_code == 303, what
    mine = here.with_key(here.key())
    out = here.send("/sign-out", cookie=mine)
    assert (out.headers["location"], f'{COOKIE}=""' in out.headers["set-cookie"]) == ("/sign-in", True)
    assert here.open("/console", mine).status_code == 303


def test_a_session_is_never_good_for_longer_than_its_key(here: Here) -> None:
    here.with_key(here.key(days=1))
    ending = here.key(days=1)
    here.change("update api_key set expires_at = now() + interval '1 hour' where id = :id", id=ending.split("_")[1])
    here.with_key(ending)
    with here.owner.connect() as connection:
        ends = connection.execute(text("select s.expires_at - k.expires_at from session s join api_key k on k.id = s.key_id order by s.id"))
        assert [left <= timedelta(0) for left in ends.scalars()] == [True, True]


def test_what_is_used_is_seen_to_be_used(here: Here) -> None:
    mine = here.with_key(here.key())
    here.change("update session set seen_at = seen_at - interval '1 hour'; update api_key set last_used_at = now() - interval '1 hour'")
    here.open("/console", mine)
    key = here.key()
    here.get("/api/v1/cases/nothing", key)
    with here.owner.connect() as connection:
        seen = (
            "select (select min(seen_at) > now() - interval '1 minute' from session), last_used_at is not null from api_key where id = :id"
        )
        assert tuple(connection.execute(text(seen), {"id": key.split("_")[1]}).one()) == (True, True)


def test_people_see_and_end_their_own_sessions_and_admins_everybodys(here: Here) -> None:
    social, admin = here.key(), here.key(Role.ADMIN)
    mine, other, theirs = here.with_key(social), here.with_key(social), here.with_key(admin)
    shown = here.open("/console/sessions", mine).text
    assert shown.count('action="/console/sessions/') == 2
    assert here.open("/console/sessions", theirs).text.count('action="/console/sessions/') == 3
    sessions = {one.person + one.id: one.id for one in _sessions(here)}
    (admins,) = (identity for name, identity in sessions.items() if name.startswith(f"key:{admin.split('_')[1]}"))
    assert here.send(f"/console/sessions/{admins}/revoke", cookie=mine).status_code == 404
    assert here.open("/console", theirs).status_code == 200
    for identity in re.findall(r'action="/console/sessions/([^/]+)/revoke"', shown):
        assert here.send(f"/console/sessions/{identity}/revoke", cookie=theirs).headers["location"] == "/console/sessions"
    assert {here.open("/console", cookie).status_code for cookie in (mine, other)} == {303}
    assert here.send("/console/sessions/not-an-id/revoke", cookie=theirs).status_code == 404
    assert here.send(f"/console/sessions/{admins}/revoke", cookie=theirs).headers["location"] == "/sign-in"
    assert here.open("/console", theirs).status_code == 303


def _sessions(here: Here) -> list[Any]:
    from adapters.postgres.sessions import Sessions

    return Sessions(here.store.engine, idle=timedelta(hours=2), longest=timedelta(hours=12)).open()


def test_a_stolen_copy_of_the_tables_lets_nobody_in(here: Here) -> None:
    key = here.key()
    mine = here.with_key(key)
    with here.owner.connect() as connection:
        kept = " ".join(str(row) for table in ("session", "api_key") for row in connection.execute(text(f"select * from {table}")))
    assert mine.split("=")[1] not in kept
    assert key not in kept


def test_the_applications_login_can_change_of_keys_and_sessions_only_what_it_must(here: Here) -> None:
    for forbidden in (
        "update api_key set role = 'admin'",
        "update api_key set expires_at = null",
        "delete from api_key",
        "update session set role = 'admin'",
        "update session set expires_at = now() + interval '1 year'",
        "truncate session",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"), here.store.engine.begin() as connection:
            connection.execute(text(forbidden))


# --- a role that is picked --------------------------------------------------------------------------------------------


def test_a_role_is_picked_on_the_machine_itself_and_nowhere_else(here: Here) -> None:
    mine = signed_in(here.http, "department", "billing")["cookie"]
    assert "Billing" in here.open("/console/sessions", mine).text
    form = {"role": "admin"}
    for told in (
        {"x-forwarded-for": "127.0.0.1"},
        {"forwarded": "for=192.0.2.1"},
        {"host": "loopkeeper.example.com", "origin": "http://loopkeeper.example.com"},
    ):
        refused = here.send("/sign-in/local", form, **told)
        assert (refused.status_code, "set-cookie" in refused.headers) == (403, False)
        assert 'action="/sign-in/local"' not in here.http.get("/sign-in", headers=told).text
    assert here.send("/sign-in/local", {"role": "system"}).status_code == 422
    assert here.send("/sign-in/local", {"role": "department", "department": "gardening"}).status_code == 422
    assert here.http.post("/sign-in/local", data=form, headers={"origin": "https://evil.example"}).status_code == 403


def test_a_name_that_is_given_signs_replies_and_tells_people_apart(here: Here) -> None:
    answer = here.send("/sign-in/local", {"role": "social", "name": "Ana\u202e  Sousa<b>", "next": "/console/sessions"})
    page = here.open("/console/sessions", f"{COOKIE}={answer.cookies[COOKIE]}").text
    assert "Ana Sousa&lt;b&gt;" in page
    assert here.store.people.name("local:social:ana-sousa-b") == "Ana Sousa<b>"


def test_nobody_picks_a_role_where_that_is_not_allowed(store: Store, database: str) -> None:
    assert store.book.active()
    with serving(database, console_open=False) as http:
        assert 'action="/sign-in/local"' not in http.get("/sign-in").text
        assert http.post("/sign-in/local", data={"role": "admin"}, headers=sent_from(http)).status_code == 403


def test_nobody_is_told_to_make_a_key_that_cannot_be_made(here: Here) -> None:
    for role, path in ((Role.SOCIAL, "/api/v1/exports"), (Role.AUDITOR, "/api/v1/keys")):
        refused = here.get(path, here.key(role))
        assert (refused.status_code, refused.json()["detail"].split(" may ")[0]) == (403, f"the role '{role.value}'")
    told = here.get("/api/v1/exports", here.key(Role.AUDITOR)).json()["detail"]
    assert told == "a key can export only when it was made for that: loopkeeper key new NAME --role auditor --scope export"


# --- keys -------------------------------------------------------------------------------------------------------------


def test_an_admin_makes_a_key_that_is_shown_once_and_revokes_it(here: Here) -> None:
    admin = here.with_key(here.key(Role.ADMIN))
    form = {"name": "CRM <i>", "role": "department", "department": ["billing"], "scope": ["read_cases"], "days": "30"}
    made = here.send("/console/api-keys", form, admin)
    (secret,) = re.findall(r'value="(lk_[^"]+)"', made.text)
    assert made.headers["cache-control"] == "no-store"
    listed = here.open("/console/api-keys", admin).text
    assert ("CRM &lt;i&gt;" in listed, secret in listed) == (True, False)
    assert here.get("/api/v1/cases/nothing", secret).status_code == 404
    refused = here.http.post("/api/v1/cases", json={}, headers={"authorization": f"Bearer {secret}"})
    told = refused.json()["detail"]
    assert (refused.status_code, "without the right to open cases" in told, "--role department --scope open_cases" in told) == (
        403,
        True,
        True,
    )
    assert here.send(f"/console/api-keys/{secret.split('_')[1]}/revoke", cookie=admin).headers["location"] == "/console/api-keys"
    assert here.get("/api/v1/cases/nothing", secret).status_code == 401
    assert here.send(f"/console/api-keys/{secret.split('_')[1]}/revoke", cookie=admin).status_code == 404


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"name": "x", "role": "department"}, "departments: a key of the role department needs"),
        ({"name": "x", "role": "department", "department": ["gardening"]}, "there is no department gardening"),
        ({"name": "x", "role": "customer"}, "choose from those"),
        ({"name": "x", "role": "social", "scope": ["erase"]}, "the role social has no right to erase"),
        ({"name": "x", "role": "social", "scope": ["everything"]}, "choose from those"),
        ({"name": "x", "role": "social", "days": "0"}, "days: a whole number"),
        ({"name": "x", "role": "social", "days": "soon"}, "days: a whole number"),
    ],
)
def test_a_mistake_in_the_form_is_told_and_what_was_filled_in_is_kept(here: Here, form: dict[str, Any], told: str) -> None:
    admin = here.with_key(here.key(Role.ADMIN))
    page = here.send("/console/api-keys", form, admin)
    assert page.status_code == 422
    assert told in page.text
    assert 'name="name" required maxlength="120" value="x"' in page.text


def test_programs_manage_keys_and_sessions_only_with_a_key_made_for_that(here: Here) -> None:
    plain, made_for_it = here.key(Role.ADMIN), here.key(Role.ADMIN, scopes=frozenset({Right.MANAGE_ACCESS}))
    wanted = {"name": "CRM", "role": "auditor", "expires_at": "2100-01-01T00:00:00Z"}
    refused = here.http.post("/api/v1/keys", json=wanted, headers={"authorization": f"Bearer {plain}"})
    assert (refused.status_code, refused.json()["code"]) == (401, "sign_in_again")
    assert 'error="insufficient_user_authentication", max_age="600"' in refused.headers["www-authenticate"]
    told = {"authorization": f"Bearer {made_for_it}"}
    made = here.http.post("/api/v1/keys", json=wanted, headers=told)
    assert (made.status_code, made.json()["scopes"]) == (201, None)
    assert [one["name"] for one in here.get("/api/v1/keys", plain).json()["keys"]] == ["the tests", "the tests", "CRM"]
    assert "key" not in here.get("/api/v1/keys", plain).json()["keys"][0]
    wrongs: list[dict[str, object]] = [{"role": "customer"}, {"expires_at": "2020-01-01T00:00:00Z"}, {"departments": ["x"]}, {"scopes": []}]
    for wrong in wrongs:
        assert here.http.post("/api/v1/keys", json=wanted | wrong, headers=told).status_code == 422
    mine = here.with_key(made.json()["key"])
    (session,) = here.get("/api/v1/sessions", plain).json()["sessions"]
    assert (session["role"], session["way"]) == ("auditor", "key")
    assert here.http.delete(f"/api/v1/sessions/{session['id']}", headers=told).status_code == 204
    assert here.open("/console", mine).status_code == 303
    assert here.http.delete(f"/api/v1/keys/{made.json()['id']}", headers=told).status_code == 204
    assert here.http.delete(f"/api/v1/keys/{made.json()['id']}", headers=told).status_code == 404
    assert here.get("/api/v1/cases/nothing", made_for_it).json()["code"] == "not_allowed"


def test_making_a_key_at_the_console_needs_a_fresh_proof_and_leads_to_it_and_back(here: Here) -> None:
    key = here.key(Role.ADMIN)
    admin = here.with_key(key)
    here.change("update session set proved_at = now() - interval '11 minutes'")
    form = {"name": "CRM", "role": "social"}
    keys = str(here.http.base_url).rstrip("/") + "/console/api-keys"
    led = here.send("/console/api-keys", form, admin, referer=keys)
    assert (led.status_code, led.headers["location"]) == (303, "/sign-in?again=1&next=%2Fconsole%2Fapi-keys")
    assert "needs a fresh proof" in here.open(led.headers["location"], admin).text
    assert [one.name for one in here.store.keys.all()] == ["the tests"]
    again = here.send("/sign-in/key", {"key": key, "next": "/console/api-keys"}, admin)
    fresh = f"{COOKIE}={again.cookies[COOKIE]}"
    assert here.send("/console/api-keys", form, fresh, referer=keys).status_code == 200
    led = here.send("/console/api-keys", form, admin, referer="https://evil.example/console/api-keys")
    assert "evil" not in led.headers["location"]


def test_what_admins_do_is_on_record_in_the_journal_and_says_nothing_that_is_secret(here: Here) -> None:
    key = here.key(Role.DEPARTMENT, "billing", scopes=frozenset({Right.READ_CASES}))
    admin = here.with_key(here.key(Role.ADMIN))
    identity = key.split("_")[1]
    here.with_key(key)
    (session,) = (one.id for one in _sessions(here) if one.person == f"key:{identity}")
    here.send(f"/console/sessions/{session}/revoke", cookie=admin)
    here.send(f"/console/api-keys/{identity}/revoke", cookie=admin)
    entries = [entry for _, _, entry in here.store.journal.entries()]
    acted = [(entry.event.what, entry.event.about, entry.event.after) for entry in entries if isinstance(entry.event, AdminActed)]
    policy = here.store.book.active().id
    assert acted[0] == ("policy_activated", f"policy {policy}", policy)
    assert acted[1] == ("key_made", f"key {identity}", "department of billing; read_cases; no end")
    assert acted[3:] == [("session_revoked", f"session {session}", None), ("key_revoked", f"key {identity}", None)]
    assert entries[-1].by == Actor(_owner_of(here, admin), Role.ADMIN, Via.CONSOLE)
    told = "".join(entry.document for entry in entries)
    assert "the tests" not in told.replace('"person":"tests"', "")
    assert key not in told


def _owner_of(here: Here, cookie: str) -> str:
    with here.owner.connect() as connection:
        hashed = hashlib.sha256(cookie.split("=")[1].encode()).digest()
        return str(connection.execute(text("select person from session where token_hash = :hash"), {"hash": hashed}).scalar_one())


def test_nothing_is_done_that_the_journal_cannot_take(here: Here) -> None:
    kept, before = here.key(), here.store.book.active().id
    here.change("revoke execute on function journal_append(text[], text[]) from loopkeeper_app")
    for act in (
        lambda: here.key(),
        lambda: here.store.keys.revoke(kept.split("_")[1], SYSTEM),
        lambda: here.store.book.again(before, by="tests"),
    ):
        with pytest.raises(ProgrammingError, match="permission denied for function journal_append"):
            act()
    assert len(here.store.keys.all()) == 1
    assert here.get("/api/v1/cases/nothing", kept).status_code == 404
    with here.owner.connect() as connection:
        assert connection.execute(text("select count(*) from policy_activation")).scalar() == 1


# --- guessing ---------------------------------------------------------------------------------------------------------


def test_guesses_are_cut_short_and_lock_nobody_else_out(here: Here) -> None:
    known, unknown = here.key(), here.key()
    assert here.get("/api/v1/cases/nothing", known).status_code == 404
    answers = [here.get("/api/v1/cases/nothing", f"lk_00000000_{number}").status_code for number in range(25)]
    assert answers == [401] * 20 + [429] * 5
    cut = here.get("/api/v1/cases/nothing", unknown)
    assert (cut.status_code, 0 < int(cut.headers["retry-after"]) <= 600) == (429, True)
    assert here.send("/sign-in/key", {"key": "lk_00000000_x"}).status_code == 429
    assert here.http.get("/sign-in/callback").status_code == 429
    assert here.get("/api/v1/cases/nothing", known).status_code == 404, "it was good before the guesses"


# --- departments ------------------------------------------------------------------------------------------------------


@pytest.fixture
def technical(here: Here) -> str:
    """A case of the technical department."""
    placed = place(here.store, created("p1", text="my internet is broken"))
    assert placed is not None
    return placed.case_id


def test_another_departments_case_is_not_there_by_any_address(here: Here, technical: str) -> None:
    def answers(key: str) -> list[int]:
        told = {"authorization": f"Bearer {key}"}
        rest = [here.get(f"/api/v1/cases/{technical}{part}", key).status_code for part in ("", "/history")]
        command = {"do": "note", "text": "Only for us.", "dry_run": True}
        rest.append(here.http.post(f"/api/v1/cases/{technical}/commands", json=command, headers=told).status_code)
        mine = here.with_key(key)
        shown = here.open("/console?show=all", mine).text
        return [*rest, here.open(f"/console/cases/{technical}", mine).status_code, shown.count(f"/console/cases/{technical}")]

    assert answers(here.key(Role.DEPARTMENT, "billing")) == [404, 404, 404, 404, 0]
    assert answers(here.key(Role.DEPARTMENT, "technical")) == [200, 200, 200, 200, 1]
    assert answers(here.key(Role.DEPARTMENT, "billing", "technical")) == [200, 200, 200, 200, 1]
    assert answers(here.key(Role.SOCIAL)) == [200, 200, 200, 200, 1]
    assert answers(here.key(Role.AUDITOR)) == [200, 200, 403, 200, 1]


def test_another_departments_case_is_answered_as_one_that_does_not_exist(here: Here, technical: str) -> None:
    key = here.key(Role.DEPARTMENT, "billing")
    hidden, nothing = here.get(f"/api/v1/cases/{technical}", key), here.get("/api/v1/cases/meridian-x-p2", key)
    assert hidden.json() == {**nothing.json(), "detail": nothing.json()["detail"].replace("meridian-x-p2", technical)}


def test_a_department_does_to_its_cases_what_the_table_says(here: Here, technical: str) -> None:
    def refused(key: str, **command: object) -> tuple[int, str | None]:
        told = {"authorization": f"Bearer {key}"}
        answer = here.http.post(f"/api/v1/cases/{technical}/commands", json={**command, "dry_run": True}, headers=told)
        return answer.status_code, answer.json().get("code")

    key = here.key(Role.DEPARTMENT, "technical")
    assert refused(key, do="dismiss", reason="spam") == (403, "not_allowed")
    assert refused(key, do="move_policy", policy="x") == (403, "not_allowed")
    assert refused(key, do="read_private") == (403, None)
    assert refused(key, do="accept") == (200, None)
    narrowed = here.key(Role.SOCIAL, scopes=frozenset({Right.READ_CASES, Right.ACT}))
    assert refused(narrowed, do="read_private") == (403, None)


def test_a_department_is_not_shown_what_could_not_be_read(here: Here) -> None:
    here.store.inbox.store([Arrival("x", "d1", "d1", b"{}", quarantine="data.text: it is missing")])
    shown = {
        role: "data.text: it is missing" in here.open("/console/inbox", here.with_key(here.key(role, *departments))).text
        for role, departments in ((Role.DEPARTMENT, ("billing",)), (Role.SOCIAL, ()), (Role.AUDITOR, ()))
    }
    assert shown == {Role.DEPARTMENT: False, Role.SOCIAL: True, Role.AUDITOR: True}


# --- headers ----------------------------------------------------------------------------------------------------------


def test_every_answer_tells_browsers_what_they_may_do_with_it(here: Here) -> None:
    mine = here.with_key(here.key(Role.ADMIN))
    for path in (
        "/console",
        "/console/api-keys",
        "/console/sessions",
        "/sign-in",
        "/api/v1/cases/nothing",
        "/healthz",
        "/static/style.css",
        "/nowhere",
    ):
        told = here.open(path, mine).headers
        assert told["x-content-type-options"] == "nosniff", path
        assert told["referrer-policy"] == "same-origin", path
        assert told["x-frame-options"] == "DENY", path
        assert "default-src 'none'" in told["content-security-policy"], path
        assert "unsafe" not in told["content-security-policy"], path
        assert "frame-ancestors 'none'" in told["content-security-policy"], path
        assert told["cache-control"] == ("no-cache" if path.startswith("/static") else "no-store"), path
        assert "strict-transport-security" not in told, path


def test_behind_https_the_cookie_belongs_to_the_host_and_browsers_stay_with_https(store: Store, database: str) -> None:
    assert store.book.active()
    secret = store.keys.make(NewKey("the tests", Role.SOCIAL), SYSTEM)[1]
    with serving(database, console_open=False, public_url="https://loopkeeper.example.com") as http:
        answer = http.post("/sign-in/key", data={"key": secret}, headers=sent_from(http))
        assert re.fullmatch(r"__Host-loopkeeper=[\w-]{43}; HttpOnly; Path=/; SameSite=lax; Secure", answer.headers["set-cookie"])
        assert answer.headers["strict-transport-security"].startswith("max-age=")


def test_pages_have_no_script_and_no_style_of_their_own(here: Here) -> None:
    mine = here.with_key(here.key(Role.ADMIN))
    for path in ("/console", "/console/api-keys", "/console/sessions", "/sign-in"):
        page = here.open(path, mine).text
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", page), path
        assert not re.search(r'(?:src|href)="(?:https?:)?//', page), path


def test_hostile_input_at_the_sign_in_is_a_refusal_and_never_an_error(here: Here) -> None:
    hostile: list[Callable[[], httpx.Response]] = [
        lambda: here.http.get("/sign-in?next=%0d%0aset-cookie:x=y"),
        lambda: here.http.get("/sign-in/callback?state=%00&code=%ff"),
        lambda: here.http.get("/sign-in/oidc"),
        lambda: here.send("/sign-in/key", {"key": "\0"}),
        lambda: here.send("/sign-in/key", {"key": "x" * 5000}),
        lambda: here.send("/sign-in/key", cookie=f"{COOKIE}=\x7f"),
        lambda: here.http.get("/console", headers=[(b"authorization", b"Bearer \xff\xfe")]),
        lambda: here.http.get("/console", headers={"cookie": f"{COOKIE}={'x' * 4000}"}),
    ]
    for number, ask in enumerate(hostile):
        answer = ask()
        assert answer.status_code < 500, number
        assert f"{COOKIE}=" not in answer.headers.get("set-cookie", ""), number
        assert "x" not in answer.cookies, number
