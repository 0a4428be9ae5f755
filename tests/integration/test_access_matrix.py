"""Every route, called as every role, by key and by session: what comes in is what the table of rights says, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from adapters.postgres.keys import NewKey
from api.access.rules import Needs
from cli.engines import Postgres
from domain.rights import PEOPLE, RIGHTS, STEP_UP
from domain.values import SYSTEM, Role
from tests.conftest import POLICY, WORDING, fresh_database, open_on
from tests.integration.conftest import serving
from tests.routes import Address, addresses, whole_application
from tests.signing_in import sent_from

NOWHERE = {
    "{case_id}": "meridian-x-nothing",
    "{erasure}": "999999",
    "{hold_number}": "999999",
    "{export_id}": "3f9c5d0e-2b7a-4d16-9f0e-6a1c8e5b7d42",
    "{session_id}": "0198d7a4-6f5e-7c11-9d2a-3c1f0d5b7e90",
    "{key_id}": "00000000",
    "{customer_id}": "0198d7a4-6f5e-7c11-9d2a-3c1f0d5b7e90",
    "{other_id}": "0198d7a4-6f5e-7c11-9d2a-3c1f0d5b7e91",
    "{webhook_id}": "000000000000",
    "{event_id}": "evt_nothing",
    "{which}": "999999",
    "{number}": "999999",
    "{saying}": "update",
    "{policy_id}": "nothing@0000000000",
    "{name}.yaml": "policy.yaml",
    "{name}": "volume",
    "{table}": "by_week",
}

with whole_application() as _app:
    GUARDED = [one for one in addresses(_app.routes) if one.rules and isinstance(one.rules[0], Needs)]
    DOCUMENT = _app.openapi()
ROLES = sorted(PEOPLE)


@dataclass
class Roles:
    """An API, and somebody of each role: with a key, and signed in with it."""

    http: httpx.Client
    keys: dict[Role, str]
    cookies: dict[Role, str]

    def call(self, address: Address, **headers: str) -> httpx.Response:
        path = address.path
        for name, value in NOWHERE.items():
            path = path.replace(name, value)
        assert "{" not in path, f"{path}: say in NOWHERE what stands there"
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        with self.http.stream(address.method, path, headers=told, follow_redirects=False) as answer:
            if not answer.headers.get("content-type", "").startswith("text/event-stream"):  # which has no end
                answer.read()
        return answer


@pytest.fixture(scope="module")
def roles(postgres: Postgres) -> Iterator[Roles]:
    with fresh_database(postgres) as database:
        store = open_on(database)
        store.book.activate(POLICY, WORDING, by="tests")
        departments = {Role.DEPARTMENT: frozenset({"billing"})}
        keys = {role: store.keys.make(NewKey(role, role, None, departments.get(role, frozenset())), SYSTEM)[1] for role in PEOPLE}
        store.close()
        with serving(database, failed_sign_ins=1000) as http:
            cookies = {}
            for role, key in keys.items():
                answer = http.post("/sign-in/key", data={"key": key}, headers=sent_from(http))
                assert answer.status_code == 303
                cookies[role] = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
                http.cookies.clear()
            yield Roles(http, keys, cookies)


def rule(address: Address) -> Needs:
    needed = address.rules[0]
    assert isinstance(needed, Needs)
    return needed


def has_right(address: Address, role: Role) -> bool:
    right = rule(address).right
    return right is None or role in RIGHTS[right]


def title(address: Address) -> str:
    return f"{address.method} {address.path}"


@pytest.mark.parametrize("address", GUARDED, ids=title)
def test_a_stranger_is_let_in_nowhere(roles: Roles, address: Address) -> None:
    for headers in (
        {},
        {"authorization": "Bearer lk_00000000_made-up"},
        {"cookie": "loopkeeper-8000=made-up"},
        {"authorization": "Basic eDp5"},
    ):
        answer = roles.call(address, **headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
    if address.method == "GET":
        led = roles.call(address, accept="text/html,*/*", sec_fetch_mode="navigate", sec_fetch_site="cross-site")
        assert (led.status_code, led.headers["location"].split("?")[0]) == (303, "/sign-in")


@pytest.mark.parametrize("address", GUARDED, ids=title)
@pytest.mark.parametrize("role", ROLES)
def test_a_key_opens_what_its_role_may_and_no_more(roles: Roles, address: Address, role: Role) -> None:
    answer = roles.call(address, authorization=f"Bearer {roles.keys[role]}")
    needed = rule(address)
    if not has_right(address, role) or needed.right in STEP_UP:
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    elif needed.fresh:
        assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_again")
    else:
        assert answer.status_code not in (401, 403)
        assert answer.status_code < 500


@pytest.mark.parametrize("address", GUARDED, ids=title)
@pytest.mark.parametrize("role", ROLES)
def test_who_is_signed_in_gets_to_what_their_role_may_and_no_further(roles: Roles, address: Address, role: Role) -> None:
    answer = roles.call(address, cookie=roles.cookies[role], **{k.replace("-", "_"): v for k, v in sent_from(roles.http).items()})
    if has_right(address, role):
        assert answer.status_code not in (401, 403)
        assert answer.status_code < 500
    else:
        assert answer.status_code == 403


@pytest.mark.parametrize("address", [one for one in GUARDED if one.method != "GET"], ids=title)
def test_nothing_is_changed_for_another_site_however_much_its_visitor_may(roles: Roles, address: Address) -> None:
    mine = {"cookie": roles.cookies[Role.ADMIN], "accept": "text/html"}
    for told in ({"sec_fetch_site": "cross-site"}, {"origin": "https://evil.example"}, {"origin": "null"}, {}):
        answer = roles.call(address, **mine, **told)
        assert answer.status_code == 403
        assert "not sent from a page of Loopkeeper" in answer.json()["detail"]


def test_every_operation_of_the_openapi_document_is_a_route_with_a_rule_and_says_that_it_wants_a_key() -> None:
    with whole_application() as app:
        known = {title(one): one for one in addresses(app.routes)}
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            (needed,) = known[f"{method.upper()} {path}"].rules
            assert bool(operation.get("security")) == isinstance(needed, Needs), path
            if isinstance(needed, Needs):
                assert {"401", "403"} <= set(operation["responses"]), path
