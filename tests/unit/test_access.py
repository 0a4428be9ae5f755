"""Who may do what is one table, every route says what it needs, and what browsers tell decides what is let in."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI, Request
from pydantic import ValidationError
from starlette.types import Scope

from adapters.postgres.keys import NewKey, UnfitKey
from api.access.door import SPOKEN, Cookie
from api.access.failures import ADDRESSES, Failures, address_of
from api.access.origins import from_this_machine, local_path, own_page_only
from api.access.pages import browser
from api.access.rules import Anyone, Needs, Proven
from api.access.standing import Standing, person_of, standing
from api.problems import Problem
from domain.rights import PEOPLE, RIGHTS, STEP_UP, Colleague, Right, may_see
from domain.values import Actor, Role, Via
from settings import HERE, Settings
from tests.routes import addresses, whole_application

UNRULED = {"GET /openapi.json", "GET /static"}
"""What FastAPI and Starlette serve themselves: public, the same for everybody, and nothing of ours in it."""


@pytest.fixture(scope="module")
def application() -> Iterator[FastAPI]:
    with whole_application() as app:
        yield app


def request(method: str = "POST", client: str | None = "127.0.0.1", **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: Scope = {
        "type": "http",
        "method": method,
        "path": "/console",
        "query_string": b"",
        "headers": raw,
        "client": client and (client, 1),
    }
    return Request(scope)


# --- rules and rights -------------------------------------------------------------------------------------------------


def test_every_route_says_what_it_needs(application: FastAPI) -> None:
    found = list(addresses(application.routes))
    assert {f"{one.method} {one.path}" for one in found if one.bare} == UNRULED
    assert {f"{one.method} {one.path}": len(one.rules) for one in found if not one.bare and len(one.rules) != 1} == {}
    assert len(found) > 30


def test_what_changes_something_is_for_anybody_only_where_people_come_and_go_and_choose_their_language(
    application: FastAPI,
) -> None:
    changing = [one for one in addresses(application.routes) if one.method != "GET"]
    anyone = {one.path for one in changing if isinstance(one.rules[0], Anyone)}
    assert anyone == {"/sign-in/key", "/sign-in/local", "/sign-out", "/language"}
    proven = {one.path.split("/")[1] for one in changing if isinstance(one.rules[0], Proven)}
    assert proven == {"webhooks", "slack", "desk", "digest"}


def test_the_console_and_rest_are_for_whoever_is_signed_in_or_has_a_key(application: FastAPI) -> None:
    inside = [one for one in addresses(application.routes) if one.path.startswith(("/console", "/api/"))]
    assert len(inside) > 10
    assert all(isinstance(one.rules[0], Needs) for one in inside)


def test_the_table_of_roles_and_rights_is_the_one_in_the_docs() -> None:
    page = (HERE / "docs" / "access.md").read_text("utf-8")
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]
    head, shown = lines[0][1:-1], {line[0].strip("`"): line[1:-1] for line in lines[2:]}
    assert set(head) == {role.value for role in PEOPLE}
    own = {Right.READ_CASES, Right.ACT, Right.READ_REPORTS}

    def cell(right: Right, role: Role) -> str:
        has = role in RIGHTS[right]
        return "own" if has and role is Role.DEPARTMENT and right in own else "yes" if has else "–"

    assert shown == {right.value: [cell(right, Role(role)) for role in head] for right in Right}
    for right in STEP_UP:
        assert re.search(rf"\| `{right.value}` .* Needs a fresh proof\. \|", page)
    assert set(SPOKEN) == set(Right)


def test_no_right_is_anybodys_who_cannot_sign_in() -> None:
    assert all(roles and roles <= PEOPLE for roles in RIGHTS.values())
    assert {Role.SYSTEM, Role.CUSTOMER}.isdisjoint(PEOPLE)


@pytest.mark.parametrize(
    ("role", "departments", "had_by", "sees"),
    [
        (Role.DEPARTMENT, {"billing"}, set(), True),
        (Role.DEPARTMENT, {"technical"}, set(), False),
        (Role.DEPARTMENT, {"technical"}, {"technical", "billing"}, True),
        (Role.DEPARTMENT, set(), {"billing"}, False),
        (Role.SOCIAL, set(), set(), True),
        (Role.AUDITOR, set(), set(), True),
        (Role.CUSTOMER, {"billing"}, {"billing"}, False),
        (Role.SYSTEM, set(), set(), False),
    ],
)
def test_a_department_sees_its_own_cases_and_those_that_it_had(role: Role, departments: set[str], had_by: set[str], sees: bool) -> None:
    colleague = Colleague(Actor("somebody", role, Via.CONSOLE), frozenset(departments))
    assert may_see(colleague, "billing", had_by) is sees


@pytest.mark.parametrize(
    "wanted",
    [
        {"name": " ", "role": Role.SOCIAL},
        {"name": "line\nbreak", "role": Role.SOCIAL},
        {"name": "n" * 121, "role": Role.SOCIAL},
        {"name": "a key", "role": Role.SYSTEM},
        {"name": "a key", "role": Role.CUSTOMER},
        {"name": "a key", "role": Role.DEPARTMENT},
        {"name": "a key", "role": Role.SOCIAL, "departments": frozenset({"billing"})},
        {"name": "a key", "role": Role.SOCIAL, "scopes": frozenset({Right.ERASE})},
        {"name": "a key", "role": Role.SOCIAL, "scopes": frozenset()},
    ],
)
def test_a_key_that_could_do_nothing_or_too_much_is_not_made(wanted: dict[str, object]) -> None:
    with pytest.raises(UnfitKey, match=r"^(name|role|departments|scopes): "):
        NewKey(**wanted)  # type: ignore[arg-type]


# --- groups -----------------------------------------------------------------------------------------------------------


def test_the_first_group_decides_the_role_and_all_of_them_the_departments() -> None:
    mapping = {
        "admins": Standing(Role.ADMIN, frozenset()),
        "billing": Standing(Role.DEPARTMENT, frozenset({"billing"})),
        "tech": Standing(Role.DEPARTMENT, frozenset({"technical"})),
    }
    assert standing(["tech", "billing", "other"], mapping) == Standing(Role.DEPARTMENT, frozenset({"billing", "technical"}))
    assert standing(["tech", "admins"], mapping) == Standing(Role.ADMIN, frozenset())
    assert standing(["other"], mapping) is None
    assert standing([], mapping) is None


def test_a_person_is_the_same_every_time_and_their_id_at_the_provider_cannot_be_read() -> None:
    person = person_of("https://login.example.com", "sam@example.com")
    assert person == person_of("https://login.example.com", "sam@example.com")
    assert person != person_of("https://other.example.com", "sam@example.com")
    assert "sam" not in person


# --- what browsers tell -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": "cross-site", "origin": "http://lk.example"},
        {"origin": "https://evil.example"},
        {"origin": "http://lk.example.evil.example"},
        {"origin": "http://lk.example:81"},
        {"origin": "null"},
        {},
    ],
)
def test_a_form_that_another_site_sent_or_might_have_sent_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Problem) as refused:
        own_page_only(request(host="lk.example", **headers))
    assert refused.value.status == 403


def test_a_form_of_our_own_page_is_taken_and_reading_is_never_asked() -> None:
    own_page_only(request(host="lk.example", sec_fetch_site="same-origin"))
    own_page_only(request(host="lk.example", origin="http://lk.example"))
    own_page_only(request(host="lk.example", origin="null", sec_fetch_site="same-origin"))
    own_page_only(request("GET", host="lk.example", sec_fetch_site="cross-site"))


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/console\\..\\..",
        "/\t/evil.example",
        "/console\r\nset-cookie: a=b",
        "javascript:alert(1)",
        "console",
        "",
        None,
        "/sign-in?next=/sign-in",
        "/" + "a" * 3000,
        " /console",
    ],
)
def test_after_signing_in_nobody_is_led_elsewhere(wanted: str | None) -> None:
    assert local_path(wanted) == "/console"


def test_after_signing_in_people_are_where_they_wanted_to_be() -> None:
    assert local_path("/console/cases/meridian-x-1?show=all&b=https://a.b") == "/console/cases/meridian-x-1?show=all&b=https://a.b"


def test_this_machine_is_only_a_browser_on_it_that_calls_it_by_its_name() -> None:
    assert from_this_machine(request(host="127.0.0.1:8000"))
    assert from_this_machine(request(client="::1", host="[::1]:8000"))
    assert not from_this_machine(request(host="rebound.example:8000"))
    assert not from_this_machine(request(host=""))
    assert not from_this_machine(request(client="192.0.2.1", host="localhost"))
    assert not from_this_machine(request(client=None, host="localhost"))
    assert not from_this_machine(request(host="localhost", x_forwarded_for="192.0.2.1"))
    assert not from_this_machine(request(host="localhost", forwarded="for=192.0.2.1"))


def test_an_installation_where_anybody_picks_a_role_does_not_start_where_others_reach_it() -> None:
    needed = {"database_url": "postgresql://a@b/c", "keys": "k", "index_key": "k", "console_open": True}
    assert Settings.model_validate(needed).console_open
    for reachable in ({"host": "0.0.0.0"}, {"public_url": "https://loopkeeper.example.com"}, {"host": "192.0.2.1"}):
        with pytest.raises(ValidationError, match="lets anybody pick a role"):
            Settings.model_validate(needed | reachable)


@pytest.mark.parametrize(
    "wrong",
    [
        {"oidc_issuer": "http://login.example.com", "oidc_client_id": "c", "oidc_groups": {"a": {"role": "admin"}}},
        {"oidc_issuer": "https://login.example.com"},
        {"oidc_issuer": "https://login.example.com", "oidc_client_id": "c"},
        {"oidc_groups": {"a": {"role": "system"}}},
        {"oidc_groups": {"a": {"role": "department"}}},
        {"oidc_groups": {"a": {"role": "admin", "departments": ["billing"]}}},
    ],
)
def test_a_provider_that_could_let_nobody_in_or_be_overheard_is_no_setting(wrong: dict[str, object]) -> None:
    needed = {"database_url": "postgresql://a@b/c", "keys": "k", "index_key": "k"}
    with pytest.raises(ValidationError):
        Settings.model_validate(needed | wrong)


def test_the_cookie_is_bound_to_the_host_where_that_is_possible() -> None:
    assert Cookie.at("https://lk.example") == Cookie("__Host-loopkeeper", secure=True)
    assert Cookie.at("http://127.0.0.1:8000") == Cookie("loopkeeper-8000", secure=False)


@pytest.mark.parametrize(
    ("agent", "spoken"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 20_0 like Mac OS X) Version/20.0 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
        ("curl/8.14", "curl/8.14"),
        ("", "it does not say"),
        ("x" * 200, "x" * 60),
    ],
)
def test_a_session_is_known_by_its_browser_as_people_call_it(agent: str, spoken: str) -> None:
    assert browser(agent) == spoken


# --- guessing ---------------------------------------------------------------------------------------------------------


def test_an_address_that_fails_too_often_waits_until_the_time_is_over() -> None:
    now = [0.0]
    failures = Failures(at_most=3, within_seconds=60, clock=lambda: now[0])
    for _ in range(2):
        failures.note("a")
    assert failures.wait("a") == 0
    failures.note("a")
    now[0] = 15.5
    assert failures.wait("a") == 45
    assert failures.wait("b") == 0
    now[0] = 60.0
    assert failures.wait("a") == 0
    failures.note("a")
    assert failures.wait("a") == 0, "it counts anew"


def test_what_is_remembered_of_failures_is_bounded() -> None:
    failures = Failures(at_most=1, within_seconds=60, clock=lambda: 0.0)
    for number in range(ADDRESSES + 1):
        failures.note(str(number))
    assert (failures.wait("0"), failures.wait("1")) == (0, 60)


def test_an_address_is_a_host_or_a_network_of_the_new_kind() -> None:
    assert address_of(request(client="192.0.2.7")) == "192.0.2.7"
    assert address_of(request(client="2001:db8:1:2:3::4")) == address_of(request(client="2001:db8:1:2::9")) == "2001:db8:1:2::/64"
    assert address_of(request(client="::ffff:192.0.2.7")) == "192.0.2.7"
    assert address_of(request(client=None)) == ""
