"""Customers over REST: found, read, linked and unlinked, by those who may, once, and with a reason for each refusal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from adapters.postgres.keys import NewKey
from adapters.postgres.store import Store
from cli.engines import Postgres
from domain.values import SYSTEM, Role
from tests.conftest import POLICY, WORDING, fresh_database, open_on
from tests.integration.conftest import serving
from tests.integration.linked import WHY, writes


class Desk:
    """An API, and keys of every role."""

    def __init__(self, http: httpx.Client, store: Store) -> None:
        self.http = http
        self.store = store
        departments = {Role.DEPARTMENT: frozenset({"billing"})}
        self.keys = {
            role: store.keys.make(NewKey(role, role, None, departments.get(role, frozenset())), SYSTEM)[1]
            for role in (Role.SOCIAL, Role.DEPARTMENT, Role.AUDITOR, Role.LEAD)
        }

    def call(self, method: str, path: str, role: Role = Role.SOCIAL, body: object = None, key: str = "") -> httpx.Response:
        told = {"authorization": f"Bearer {self.keys[role]}", "content-type": "application/json"}
        content = None if body is None else json.dumps(body)
        return self.http.request(
            method, f"/api/v1/customers{path}", content=content, headers={**told, "idempotency-key": key} if key else told
        )


@pytest.fixture(scope="module")
def desk(postgres: Postgres) -> Iterator[Desk]:
    with fresh_database(postgres) as address:
        store = open_on(address)
        store.book.activate(POLICY, WORDING, by="tests")
        with serving(address) as http:
            yield Desk(http, store)
        store.close()


def test_a_customer_is_found_read_linked_and_unlinked_again(desk: Desk) -> None:
    nia, nina = writes(desk.store, "nia"), writes(desk.store, "nina", "facebook")
    (found,) = desk.call("GET", "?handle=%40Nia&channel=x").json()["customers"]
    assert (found["id"], found["handle"], found["cases"], found["linked"]) == (nia, "nia", 1, None)
    made = desk.call("POST", f"/{nia}/links", body={"other": nina, "reason": WHY, "seen": [nia, nina]})
    assert made.status_code == 201
    customer = desk.call("GET", f"/{nina}").json()
    assert [one["id"] for one in customer["identities"]] == [nina, nia]
    assert {case["channel"] for case in customer["cases"]} == {"x", "facebook"}
    assert (customer["figures"]["cases"], customer["figures"]["open"]) == (2, 2)
    link = customer["identities"][1]["linked"]
    assert (link["how"], link["by"], link["role"], link["reason"]) == ("by_hand", "social", "social", WHY)
    assert "You charged me twice" not in json.dumps(customer), "nothing that anybody wrote"
    gone = desk.call("DELETE", f"/{nia}/links/{nina}", body={"reason": "two people"})
    assert (gone.status_code, gone.content) == (204, b"")
    assert [one["id"] for one in desk.call("GET", f"/{nina}").json()["identities"]] == [nina]
    again = desk.call("DELETE", f"/{nia}/links/{nina}", body={"reason": "two people"})
    assert (again.status_code, again.json()["code"]) == (404, "not_linked")


def test_a_link_under_the_same_key_is_made_once(desk: Desk) -> None:
    one, other = writes(desk.store, "olga"), writes(desk.store, "olya", "facebook")
    body = {"other": other, "reason": WHY}
    answers = [desk.call("POST", f"/{one}/links", body=body, key="crm-1") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    otherwise = desk.call("POST", f"/{one}/links", body={**body, "reason": "another"}, key="crm-1")
    assert (otherwise.status_code, otherwise.json()["code"]) == (422, "key_used_otherwise")
    doubled = desk.call("POST", f"/{one}/links", body=body, key="crm-2")
    assert (doubled.status_code, doubled.json()["code"]) == (409, "linked_already")
    assert "linked already, by social on" in doubled.json()["detail"]
    assert doubled.headers["content-type"] == "application/problem+json"


def test_each_refusal_says_why(desk: Desk) -> None:
    one, other = writes(desk.store, "paul"), writes(desk.store, "pavel", "facebook")
    nobody = "0198d7a4-6f5e-7c11-9d2a-3c1f0d5b7e90"

    def refused(subject: str, **body: object) -> tuple[int, str | None]:
        answer = desk.call("POST", f"/{subject}/links", body={"other": other, "reason": WHY, **body})
        return answer.status_code, answer.json().get("code")

    assert refused(one, other=one) == (409, "itself")
    assert refused(one, other=nobody) == (409, "no_such_customer")
    assert refused(nobody) == (404, "no_such_customer")
    assert refused(one, reason="Pavel said so") == (422, "reason_names_them")
    assert refused(one, reason="") == (422, "no_reason")
    assert refused(one, reason="a\0b") == (422, "unfit_reason")
    assert refused(one, seen=[one]) == (409, "changed_meanwhile")
    assert refused(one, more=1) == (422, None)
    assert desk.call("GET", f"/{nobody}").status_code == 404
    assert desk.call("GET", "/%00").status_code == 404
    assert desk.call("GET", "?handle=").status_code == 422
    assert desk.call("GET", "?handle=%00&channel=%00").json() == {"customers": []}


def test_only_the_social_team_and_leads_link(desk: Desk) -> None:
    one, other = writes(desk.store, "rosa"), writes(desk.store, "rose", "facebook")
    for role in (Role.DEPARTMENT, Role.AUDITOR):
        answer = desk.call("POST", f"/{one}/links", role, {"other": other, "reason": WHY})
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert desk.call("POST", f"/{one}/links", Role.LEAD, {"other": other, "reason": WHY}).status_code == 201


def test_a_department_finds_and_reads_those_alone_of_whom_it_has_a_case(desk: Desk) -> None:
    billing = writes(desk.store, "tina", text="You charged me twice and nobody answers.")
    technical = writes(desk.store, "tine", "facebook", text="My internet is broken, and nobody is there.")
    desk.call("POST", f"/{billing}/links", body={"other": technical, "reason": WHY})
    customer = desk.call("GET", f"/{billing}", Role.DEPARTMENT).json()
    assert [one["id"] for one in customer["identities"]] == [billing]
    assert [case["department"] for case in customer["cases"]] == ["billing"]
    assert desk.call("GET", f"/{technical}", Role.DEPARTMENT).status_code == 404
    assert desk.call("GET", "?handle=tine", Role.DEPARTMENT).json() == {"customers": []}
    assert len(desk.call("GET", f"/{billing}").json()["cases"]) == 2


def test_that_an_auditor_was_shown_who_somebody_is_is_on_record(desk: Desk) -> None:
    ursa = writes(desk.store, "ursa")

    def read() -> list[tuple[str, ...]]:
        return [e.event.customers for _, _, e in desk.store.journal.entries() if e.event.kind == "customer_read"]

    before = len(read())
    desk.call("GET", f"/{ursa}")
    desk.call("GET", "?handle=ursa")
    assert len(read()) == before, "who works on cases is not"
    desk.call("GET", f"/{ursa}", Role.AUDITOR)
    desk.call("GET", "?handle=ursa", Role.AUDITOR)
    desk.call("GET", "?handle=nobody", Role.AUDITOR)
    assert read()[before:] == [(ursa,), (ursa,)]


def test_every_operation_answers_as_it_is_described(desk: Desk) -> None:
    document: Any = schemathesis.openapi.from_url(f"{desk.http.base_url}/openapi.json")
    program = {"Authorization": f"Bearer {desk.keys[Role.SOCIAL]}"}
    found = [one for one in document.get_all_operations() if one.ok().path.startswith("/api/v1/customers")]
    assert len(found) == 4
    for operation in found:

        @settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.ok().as_strategy())
        def answers_as_described(case: schemathesis.Case[Any]) -> None:
            # There must be such customers, too. Our key goes in the place of a made-up one, and is taken for it.
            case.call_and_validate(headers=program, excluded_checks=[positive_data_acceptance, ignored_auth])

        answers_as_described()
