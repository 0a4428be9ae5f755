"""What attackers try over HTTP, on every address of the route table: OWASP's list, on an installation with something to steal."""

from __future__ import annotations

import csv
import itertools
import re
import socket
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser
from sqlalchemy import create_engine, text

from api.access.rules import Needs
from cli.engines import Postgres
from domain.rights import PEOPLE, RIGHTS
from domain.values import Role
from tests.browsing import NEEDS_CHROMIUM
from tests.integration.whole_console import Whole, whole_console
from tests.routes import Address, addresses, whole_application
from tests.signing_in import signed_in

EVIL = "https://evil.example"
SPLIT = "x\r\nset-cookie: pwned=1\r\npwned: 1"
"""What would begin a header of its own where a value is put into one as it is."""
FIELDS = {
    "saying": "update", "body": "We look into it.", "do": "note", "seen": "1", "step": "1", "posted": "no", "ticket": "x",
    "department": "billing", "key": "lk_00000000_x", "role": "admin", "name": "x", "next": "/console", "language": "de", "form": "csv",
    "url": "http://127.0.0.1:9/hook", "kinds": "resolved", "way": "mail", "address": "eve@evil.example", "policy": "x", "wording": "x",
}  # fmt: skip
TAKEN_BY_OTHERS = ("/webhooks/", "/slack/", "/api/")
"""Programs send to these, with a signature or a key that no browser adds by itself."""
ONE_CLICK = {"/digest/stop/{token}", "/digest/confirm/{token}"}
"""Behind links that nobody can guess; mail programs send the first one without a page (RFC 8058)."""

with whole_application() as _app:
    ALL = list(addresses(_app.routes))
FORMS = [one for one in ALL if one.method != "GET" and not one.path.startswith(TAKEN_BY_OTHERS) and one.path not in ONE_CLICK]
OF_CASES = [one for one in ALL if "{case_id}" in one.path]
PAGES = [one for one in ALL if one.method == "GET" and one.path.startswith(("/console", "/sign-in", "/desk", "/s/", "/digest", "/api/"))]


def title(address: Address) -> str:
    return f"{address.method} {address.path}"


@pytest.fixture(scope="module")
def whole(postgres: Postgres) -> Iterator[Whole]:
    with whole_console(postgres) as one:
        yield one


def somebody(address: Address) -> Role:
    """Somebody who has the right to it."""
    (rule,) = address.rules
    right = rule.right if isinstance(rule, Needs) else None
    return min(PEOPLE if right is None else RIGHTS[right])


def path_of(whole: Whole, address: Address, **values: str) -> str:
    """Where it is, with things that exist in their places."""
    there = {
        "case_id": whole.ids["case"], "token": urlsplit(whole.ids["desk" if "/desk/" in address.path else "status"]).path.split("/")[-1],
        "webhook_id": whole.ids["webhook"], "export_id": whole.ids["export"], "policy_id": whole.ids["policy"], "number": "1",
        "session_id": "0198d7a4-6f5e-7c11-9d2a-3c1f0d5b7e90", "key_id": "00000000", "event_id": "evt_x", "customer_id": "1",
        "other_id": "2", "which": "1", "saying": "update", "operation": "1", "erasure": "1",
        "hold_number": "1", "department": "billing", "table": "by_week",
        "name": "volume" if "numbers" in address.path or "reports" in address.path else "policy",
    }  # fmt: skip
    return re.sub(r"\{(\w+)\}", lambda found: {**there, **values}[found[1]], address.path)


def call(whole: Whole, address: Address, role: Role | None, path: str | None = None, **headers: str) -> httpx.Response:
    told = {name.replace("_", "-"): value for name, value in headers.items()} | {"accept": "text/html"}
    if role is not None:
        told["cookie"] = whole.cookies[role]
    with (
        httpx.Client(trust_env=False, timeout=30) as http,
        http.stream(
            address.method,
            whole.url + (path or path_of(whole, address)),
            headers=told,
            data=FIELDS if address.method != "GET" else None,
        ) as answer,
    ):
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            answer.read()
    return answer


def from_our_page(whole: Whole) -> dict[str, str]:
    return {"origin": whole.url, "sec_fetch_site": "same-origin"}


def everything(whole: Whole) -> list[Any]:
    """What a forged form could change."""
    owner = create_engine(whole.served.address)
    tables = ("case_event", "api_key where revoked_at is null", "session where ended_at is null", "webhook", "export")
    with owner.connect() as connection:
        counted = [connection.execute(text(f"select count(*) from {table}")).scalar_one() for table in tables]
    owner.dispose()
    return counted


# --- forms of other sites ---------------------------------------------------------------------------------------------

CROSS = (
    {"origin": EVIL, "sec_fetch_site": "cross-site"},
    {"origin": "https://other.loopkeeper.example", "sec_fetch_site": "same-site"},
    {"sec_fetch_site": "cross-site"},
    {"origin": EVIL},
)
UNSAID: tuple[dict[str, str], ...] = ({}, {"origin": "null"}, {"sec_fetch_site": "none"}, {"referer": f"{EVIL}/x"})


@pytest.mark.parametrize("address", FORMS, ids=title)
def test_no_form_is_taken_from_another_site(whole: Whole, address: Address) -> None:
    (rule,) = address.rules
    before = everything(whole)
    for headers in (*CROSS, *(UNSAID if isinstance(rule, Needs) else ())):
        answer = call(whole, address, somebody(address), **headers)
        assert answer.status_code == 403, (headers, answer.status_code, answer.text[:200])
        assert "set-cookie" not in answer.headers, headers
    assert everything(whole) == before


# --- cases of others --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", OF_CASES, ids=title)
def test_another_departments_case_is_answered_as_one_that_does_not_exist(whole: Whole, address: Address) -> None:
    other = Role.DEPARTMENT
    with httpx.Client(base_url=whole.url, trust_env=False) as http:
        cookie = signed_in(http, "department", "billing")["cookie"]
    answers = []
    for case in (whole.ids["case"], "meridian-x-nothing-of-that-name"):
        theirs = Whole(whole.served, {other: cookie}, whole.cases, whole.ids)
        answer = call(theirs, address, other, path_of(whole, address, case_id=case), **from_our_page(whole))
        said = answer.text.replace(case, "CASE")
        answers.append((answer.status_code, said if answer.status_code == 404 else ""))
    assert answers[0] == answers[1]
    assert answers[0][0] in (404, 422)
    if address.method == "GET":
        assert answers[0][0] == 404


def test_an_export_belongs_to_whoever_asked_for_it(whole: Whole) -> None:
    with httpx.Client(base_url=whole.url, trust_env=False) as http:
        form = {"role": "auditor", "name": "Eve Else", "next": "/console"}
        answer = http.post(
            "/sign-in/local", data=form, headers={"origin": whole.url, "sec-fetch-site": "same-origin", "accept": "text/html"}
        )
        assert answer.status_code == 303
        for path in ("", "/content"):
            assert http.get(f"/console/audit/exports/{whole.ids['export']}{path}").status_code == 404
        assert http.get("/console/audit/exports").text.count(whole.ids["export"]) == 0


# --- headers ----------------------------------------------------------------------------------------------------------


def raw(whole: Whole, request: str) -> str:
    """What is answered to exactly these bytes, up to the end of the headers."""
    place = urlsplit(whole.url)
    with socket.create_connection((str(place.hostname), place.port or 80), timeout=30) as connection:
        connection.sendall(request.encode("latin-1"))
        told = b""
        while b"\r\n\r\n" not in told and (more := connection.recv(65536)):
            told += more
    return told.split(b"\r\n\r\n")[0].decode("latin-1").lower()


@pytest.mark.parametrize("address", PAGES, ids=title)
def test_no_value_begins_a_header_of_its_own(whole: Whole, address: Address) -> None:
    (rule,) = address.rules
    role = somebody(address) if isinstance(rule, Needs) else None
    encoded = "x%0d%0aset-cookie:%20pwned=1%0d%0apwned:%201"
    names = re.findall(r"\{(\w+)\}", address.path)
    paths = [path_of(whole, address, **{name: encoded}) for name in names]
    asked = ("next", "do", "did", "show", "by", "only", "more", "after", "before", "as_of", "days", "from", "to", "brand", "name", "kind")
    paths.append(f"{path_of(whole, address)}?{'&'.join(f'{name}={encoded}' for name in asked)}")
    cookie = f"cookie: {whole.cookies[role]}\r\n" if role is not None else ""
    for path in paths:
        head = raw(
            whole, f"GET {path} HTTP/1.1\r\nhost: {urlsplit(whole.url).netloc}\r\naccept: text/html\r\n{cookie}connection: close\r\n\r\n"
        )
        assert head.startswith("http/1.1 "), path
        assert "\nset-cookie: pwned" not in head, path
        assert "\npwned:" not in head, path
        assert int(head.split()[1]) < 500, (path, head)


def test_no_field_of_a_form_begins_a_header_of_its_own(whole: Whole) -> None:
    for address in FORMS:
        (rule,) = address.rules
        role = somebody(address) if isinstance(rule, Needs) else None
        if address.path in ("/sign-out", "/console/sessions/{session_id}/revoke"):
            continue  # they take nothing
        told = dict.fromkeys(FIELDS, SPLIT) | {"query": f"only=late&status={SPLIT}"}
        cookies = {"cookie": whole.cookies[role]} if role is not None else {}
        headers = {"origin": whole.url, "sec-fetch-site": "same-origin", "accept": "text/html", **cookies}
        answer = httpx.request(address.method, whole.url + path_of(whole, address), data=told, headers=headers, trust_env=False, timeout=60)
        assert "pwned" not in answer.headers, title(address)
        assert "pwned" not in answer.cookies, title(address)
        assert answer.status_code != 500, title(address)


@pytest.mark.parametrize("path", ["/console", "/sign-in", "/console/inbox", "/console/numbers", "/nowhere", "/", "/console/"])
def test_another_hosts_name_is_believed_nowhere(whole: Whole, path: str) -> None:
    for headers in ({"host": "evil.example"}, {"x-forwarded-host": "evil.example"}, {"forwarded": "host=evil.example;proto=https"}):
        for cookie in ({}, {"cookie": whole.cookies[Role.SOCIAL]}):
            answer = httpx.get(whole.url + path, headers={**headers, **cookie, "accept": "text/html"}, trust_env=False)
            assert "evil.example" not in answer.text
            assert "evil.example" not in answer.headers.get("location", "")


def test_nobody_picks_a_role_under_another_hosts_name(whole: Whole) -> None:
    form = {"role": "admin", "next": "/console"}
    for headers in ({"host": "evil.example", "origin": "http://evil.example"}, {"x-forwarded-for": "127.0.0.1", "origin": whole.url}):
        answer = httpx.post(whole.url + "/sign-in/local", data=form, headers={**headers, "accept": "text/html"}, trust_env=False)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("address", [one for one in PAGES if "csv" not in one.path and "stream" not in one.path], ids=title)
def test_no_answer_can_be_put_into_a_frame_or_taken_for_something_else(whole: Whole, address: Address) -> None:
    (rule,) = address.rules
    answer = call(whole, address, somebody(address) if isinstance(rule, Needs) else None)
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "unsafe" not in policy
    for cookie in answer.headers.get_list("set-cookie"):
        assert "samesite=lax" in cookie.lower()
        assert "httponly" in cookie.lower()


# --- methods, paths, bodies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [one for one in FORMS if one.method == "POST"], ids=title)
def test_no_header_or_field_makes_another_method_of_a_request(whole: Whole, address: Address) -> None:
    before = everything(whole)
    for override in ("x-http-method-override", "x-http-method", "x-method-override"):
        for method, path in (("GET", f"{path_of(whole, address)}?_method={address.method}"), ("HEAD", path_of(whole, address))):
            cookie = whole.cookies[somebody(address)]
            answer = httpx.request(method, whole.url + path, headers={override: address.method, "cookie": cookie}, trust_env=False)
            assert answer.status_code in (200, 404, 405, 410, 422), (override, method)
    assert everything(whole)[0] == before[0]
    assert everything(whole)[2:5] == before[2:5]


TRAVERSALS = (
    "../settings.py", "..%2fsettings.py", "%2e%2e/settings.py", "..%5csettings.py", "%2e%2e%2f%2e%2e%2fetc/passwd", "....//settings.py",
    "%00", "/etc/passwd", "..%252fsettings.py", "style.css%00.html",
)  # fmt: skip


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_leads_out_of_its_folder(whole: Whole, path: str) -> None:
    version = whole.ids["policy"]
    for place in ("/static/", f"/console/policy/versions/{version}/", "/console/numbers/volume/", "/console/audit/exports/"):
        asked = f"GET {place}{path} HTTP/1.1\r\nhost: x\r\ncookie: {whole.cookies[Role.AUDITOR]}\r\nconnection: close\r\n\r\n"
        head = raw(whole, asked)
        assert int(head.split()[1]) in (400, 404, 405, 422), (place, head)


NO_ID = ("%00", "a%00b", "9" * 20)
"""What an address can name, and the database cannot even be asked for."""
NULS = dict.fromkeys((*FIELDS, "choice", "category", "handle", "channel", "case", "cases", "customer", "reason", "query"), "x\0y")


@pytest.mark.parametrize("address", [one for one in ALL if "{" in one.path and one.rules and isinstance(one.rules[0], Needs)], ids=title)
def test_what_can_be_no_id_is_a_refusal_and_never_an_error(whole: Whole, address: Address) -> None:
    places = re.findall(r"\{(\w+)\}", address.path)
    for junk in NO_ID:
        path = path_of(whole, address, **dict.fromkeys(places, junk))
        assert call(whole, address, somebody(address), path, **from_our_page(whole)).status_code != 500, path


@pytest.mark.parametrize(
    "address", [one for one in FORMS if one.method == "POST" and one.rules and isinstance(one.rules[0], Needs)], ids=title
)
def test_a_nul_in_a_form_is_a_refusal_and_never_an_error(whole: Whole, address: Address) -> None:
    headers = {"cookie": whole.cookies[somebody(address)], "origin": whole.url, "sec-fetch-site": "same-origin", "accept": "text/html"}
    for fields in (NULS, {**NULS, "department": "billing", "category": ""}):
        answer = httpx.post(whole.url + path_of(whole, address), data=fields, headers=headers, trust_env=False, timeout=60)
        assert answer.status_code != 500, fields


def test_bodies_that_are_too_large_or_too_deep_are_refused_and_not_read(whole: Whole) -> None:
    key = {"cookie": whole.cookies[Role.ADMIN], "origin": whole.url, "sec-fetch-site": "same-origin", "accept": "text/html"}
    deep = "[" * 200_000 + "]" * 200_000
    for body in (
        deep,
        '{"do": ' + deep + "}",
        '{"do": "note", "text": "' + "x" * 9_000 + '"}',
        '{"step": ' + "9" * 5_000 + "}",
        "{" * 50_000,
    ):
        path = f"/api/v1/cases/{whole.ids['case']}/commands"
        answer = httpx.post(
            whole.url + path, content=body, headers={**key, "content-type": "application/json"}, trust_env=False, timeout=60
        )
        assert answer.status_code in (400, 413, 422), body[:30]

    def endless() -> Iterator[bytes]:
        for _ in range(2_000):
            yield b"x" * 65536

    for path, kind in (
        ("/console/policy/check", "application/x-www-form-urlencoded"),
        (f"/api/v1/cases/{whole.ids['case']}/commands", "application/json"),
        ("/sign-in/key", "application/x-www-form-urlencoded"),
        ("/webhooks/channels/x", "application/json"),
    ):
        try:
            answer = httpx.post(whole.url + path, content=endless(), headers={**key, "content-type": kind}, trust_env=False, timeout=60)
        except httpx.TransportError:
            continue  # it hung up while we went on
        assert answer.status_code in (400, 401, 413, 422), path


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n" for old, new in itertools.pairwise("abcdefghij")
)


@pytest.mark.parametrize("yaml", [BOMB, "[" * 20_000, "&a [*a]", "!!python/object/apply:os.system ['true']", "a: " + "9" * 100_000, "\0"])
def test_a_policy_that_blows_up_is_a_mistake_on_the_page(whole: Whole, yaml: str) -> None:
    headers = {"cookie": whole.cookies[Role.ADMIN], "origin": whole.url, "sec-fetch-site": "same-origin", "accept": "text/html"}
    answer = httpx.post(whole.url + "/console/policy/check", data={"policy": yaml}, headers=headers, trust_env=False, timeout=60)
    assert answer.status_code == 422, answer.text[:300]


# --- what leaves --------------------------------------------------------------------------------------------------------


@NEEDS_CHROMIUM
def test_an_export_that_somebody_opens_in_a_browser_runs_nothing_of_what_customers_wrote(
    whole: Whole, browser: Browser, tmp_path: Path
) -> None:
    headers = {"cookie": whole.cookies[Role.AUDITOR], "origin": whole.url, "sec-fetch-site": "same-origin", "accept": "text/html"}
    context = browser.new_context()
    with httpx.Client(base_url=whole.url, headers=headers, trust_env=False, timeout=60) as http:
        for form, suffix in (("html", "html"), ("csv", "csv")):
            asked = http.post("/console/audit/exports", data={"form": form, "query": f"case={whole.ids['case']}"})
            content = http.get(f"{asked.headers['location']}/content")
            assert content.status_code == 200
            assert content.headers["content-disposition"].startswith("attachment;")
            assert content.headers["x-content-type-options"] == "nosniff"
            kept = tmp_path / f"export.{suffix}"
            kept.write_bytes(content.content)
            if form == "csv":
                with zipfile.ZipFile(kept) as tables:
                    rows = [row for name in tables.namelist() for row in csv.reader(tables.read(name).decode("utf-8-sig").splitlines())]
                assert len(rows) > 2
                assert [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))] == []
            page = context.new_page()
            if form == "html":
                page.goto(kept.as_uri())
                assert page.evaluate("window.pwned") is None
                assert page.locator("img[src=x]").count() == 0
                assert page.locator("script").count() == 0
    context.close()
