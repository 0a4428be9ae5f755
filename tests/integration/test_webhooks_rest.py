"""Webhooks over REST: what admins can do with them, and what they are told when it cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from adapters.postgres.keys import NewKey
from cli.engines import Postgres
from domain.rights import Right
from domain.values import SYSTEM, Role
from tests.conftest import POLICY, WORDING, fresh_database, open_on
from tests.integration.conftest import serving

INSIDE = "http://127.0.0.1:9/hook"


@dataclass
class Admin:
    """An API, called with a key that was made for webhooks."""

    http: httpx.Client
    key: str

    def call(self, method: str, path: str = "", body: object = None, **query: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.key}"}
        return self.http.request(method, f"/api/v1/webhooks{path}", headers=headers, json=body, params=query)

    def make(self, **wanted: Any) -> dict[str, Any]:
        answer = self.call("POST", body={"url": INSIDE, **wanted})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


@pytest.fixture(scope="module")
def addresses(postgres: Postgres) -> Iterator[tuple[Admin, Admin]]:
    """An embedded installation, and one in production, on one database."""
    with fresh_database(postgres) as database:
        store = open_on(database)
        store.book.activate(POLICY, WORDING, by="tests")
        key = store.keys.make(NewKey("hooks", Role.ADMIN, frozenset({Right.MANAGE_WEBHOOKS})), SYSTEM)[1]
        store.close()
        with serving(database) as embedded, serving(database, console_open=False) as production:
            yield Admin(embedded, key), Admin(production, key)


@pytest.fixture
def admin(addresses: tuple[Admin, Admin]) -> Iterator[Admin]:
    yield addresses[0]
    for one in addresses[0].call("GET").json()["webhooks"]:
        addresses[0].call("DELETE", f"/{one['id']}")


@pytest.fixture
def production(addresses: tuple[Admin, Admin]) -> Admin:
    return addresses[1]


def test_a_webhook_is_made_shown_changed_and_revoked_and_its_secret_shown_once(admin: Admin) -> None:
    made = admin.make(events=["opened", "closed"], brands=["meridian"], description="CRM")
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert admin.call("GET").json() == {"webhooks": [made]}
    assert admin.call("GET", f"/{made['id']}").json() == made
    assert (made["events"], made["brands"], made["active"]) == (["closed", "opened"], ["meridian"], True)
    changed = admin.call("PUT", f"/{made['id']}", {"url": INSIDE, "active": False}).json()
    assert (changed["events"], changed["brands"], changed["active"]) == (None, None, False)
    renewed = admin.call("POST", f"/{made['id']}/secret").json()
    assert renewed["secret"] not in ("", secret)
    assert admin.call("GET", f"/{made['id']}").json()["both_secrets_sign_until"] == renewed["both_secrets_sign_until"]
    assert admin.call("DELETE", f"/{made['id']}").status_code == 204
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/deliveries"), ("POST", "/test"), ("POST", "/secret")):
        answer = admin.call(method, f"/{made['id']}{path}")
        assert (answer.status_code, "no webhook" in answer.json()["detail"]) == (404, True)


def test_deliveries_are_paged_filtered_and_replayed(admin: Admin) -> None:
    made = admin.make()
    tried = [admin.call("POST", f"/{made['id']}/test").json() for _ in range(5)]
    assert {(one["type"], one["state"], one["case_id"]) for one in tried} == {("test", "pending", None)}
    seen, after = [], None
    while True:
        page = admin.call("GET", f"/{made['id']}/deliveries", at_most=2, **({} if after is None else {"after": after})).json()
        seen += [one["id"] for one in page["deliveries"]]
        after = page["after"]
        if after is None:
            break
    assert seen == [one["id"] for one in reversed(tried)]
    assert admin.call("GET", f"/{made['id']}/deliveries", state="dead").json() == {"deliveries": [], "after": None}
    replayed = admin.call("POST", f"/{made['id']}/deliveries/{seen[0]}/replay")
    assert (replayed.status_code, replayed.json()["id"]) == (202, seen[0])
    assert admin.call("POST", f"/{made['id']}/deliveries/evt_none/replay").status_code == 404
    assert admin.call("POST", f"/{admin.make()['id']}/deliveries/{seen[0]}/replay").status_code == 404


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"url": "http://crm.example.com/"}, "url: must begin with https://"),
        ({"url": "https://localhost/"}, "url: localhost is at "),
        ({"url": "https://10.0.0.1/"}, "url: 10.0.0.1 is at 10.0.0.1, which is not on the public internet"),
        ({"url": "https://169.254.169.254/latest/meta-data"}, "which is not on the public internet"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "which is not on the public internet"),
        ({"url": "https://nowhere.invalid/"}, "url: the host nowhere.invalid cannot be found"),
        ({"url": "http://127.0.0.1:9/"}, "url: must begin with https://"),
        ({"url": "https://1.1.1.1:6379/"}, "url: the port must be one of 443, 8443"),
        ({"url": "https://1.1.1.1/", "events": ["explodes"]}, "events: nothing is called explodes"),
        ({"url": "https://1.1.1.1/", "brands": ["nobodys"]}, "brands: there is no brand nobodys"),
        ({"url": "https://1.1.1.1/", "events": []}, "events: "),
        ({"url": "https://1.1.1.1/", "secret": "mine"}, "secret: "),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(production: Admin, wanted: dict[str, Any], told: str) -> None:
    answer = production.call("POST", body=wanted)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert told in answer.json()["detail"]


def test_an_address_of_the_public_internet_is_taken_in_production_without_being_called(production: Admin, admin: Admin) -> None:
    assert production.make(url="https://1.1.1.1/hook")["url"] == "https://1.1.1.1/hook"


def test_a_webhook_cannot_be_moved_to_an_inside_address(production: Admin, admin: Admin) -> None:
    made = production.make(url="https://1.1.1.1/hook")
    answer = production.call("PUT", f"/{made['id']}", {"url": "https://127.0.0.1/"})
    assert answer.status_code == 422
    assert production.call("GET", f"/{made['id']}").json()["url"] == "https://1.1.1.1/hook"


def test_every_operation_answers_an_admin_as_it_is_described(admin: Admin) -> None:
    document: Any = schemathesis.openapi.from_url(f"{admin.http.base_url}/openapi.json")
    program = {"Authorization": f"Bearer {admin.key}"}
    found = [one for one in document.get_all_operations() if one.ok().path.startswith("/api/v1/webhooks")]
    assert len(found) == 9
    for operation in found:

        @settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.ok().as_strategy())
        def answers_as_described(case: schemathesis.Case[Any]) -> None:
            # An address must lead to a machine that may be called, too. Our key goes in the place of a made-up one, and is taken for it.
            case.call_and_validate(headers=program, excluded_checks=[positive_data_acceptance, ignored_auth])

        answers_as_described()
