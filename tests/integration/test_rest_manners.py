"""What holds for the whole API: conditional requests, keys under which things are done once, pages, and how often one may ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from adapters.postgres.auditing import PostgresAudit
from adapters.postgres.keys import NewKey
from cli.engines import Postgres
from domain import commands as c
from domain.journal import CaseRead, WordsRead
from domain.rights import Right
from domain.values import SYSTEM, Role
from tests.integration.conftest import serving
from tests.integration.console import TOM, Served, console
from tests.integration.test_rest_work import Program, author


@pytest.fixture(scope="module")
def served(postgres: Postgres) -> Iterator[Served]:
    with console(postgres) as there:
        yield there


@pytest.fixture(scope="module")
def social(served: Served) -> Program:
    return Program(served, Role.SOCIAL)


@pytest.fixture(scope="module")
def admin(served: Served) -> Program:
    return Program(served, Role.ADMIN, scopes=frozenset({Right.MANAGE_ACCESS, Right.MANAGE_WEBHOOKS}))


@pytest.fixture(scope="module")
def everything(served: Served) -> Program:
    """An admin's key that was not narrowed."""
    return Program(served, Role.ADMIN)


# --- what auditors read ---------------------------------------------------------------------------------------------------


def looks(served: Served, case: str) -> list[tuple[type[Any], Role]]:
    """What the journal has of looks at that case, and by which role."""
    told = [entry for _, _, entry in served.store.journal.entries() if isinstance(entry.event, CaseRead | WordsRead)]
    return [(type(entry.event), entry.by.role) for entry in told if getattr(entry.event, "case", None) == case]


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.PRIVACY])
@pytest.mark.parametrize("part", ["", "/history"])
def test_that_somebody_reads_who_works_on_no_case_is_on_record_before_they_have_it(
    served: Served, monkeypatch: pytest.MonkeyPatch, part: str, role: Role
) -> None:
    case, reads = served.handed_off(f"r{part[1:]}{role}", author=author(20)), Program(served, role)
    path = f"/cases/{case.case_id}{part}"
    first = reads.get(path)
    assert "charged me twice" in first.text
    once = [(CaseRead, role), (WordsRead, role)]
    assert looks(served, case.case_id) == once
    again = reads.call("GET", path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert looks(served, case.case_id) == once, "it told them nothing"
    assert reads.get(path).status_code == 200
    assert looks(served, case.case_id) == once * 2, "one by one"

    def fails(*_given: object, **_named: object) -> None:
        raise RuntimeError("the journal cannot be written")

    monkeypatch.setattr(PostgresAudit, "note", fails)
    unrecorded = reads.get(path)
    assert (unrecorded.status_code, "charged me twice" in unrecorded.text) == (500, False)


@pytest.mark.parametrize("part", ["", "/history"])
def test_who_works_on_cases_is_not_on_record_for_reading_one_and_nobody_for_one_that_is_not_there(
    served: Served, social: Program, part: str
) -> None:
    case = served.handed_off(f"s{part[1:]}", author=author(20))
    for reads in (social, Program(served, Role.LEAD), Program(served, Role.DEPARTMENT, "billing")):
        assert reads.get(f"/cases/{case.case_id}{part}").status_code == 200
    assert looks(served, case.case_id) == []
    assert Program(served, Role.AUDITOR).get(f"/cases/meridian-x-none{part}").status_code == 404
    assert looks(served, "meridian-x-none") == []


# --- conditional requests ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["", "/history"])
def test_a_case_that_has_not_changed_is_not_told_again_and_one_that_has_is(served: Served, social: Program, part: str) -> None:
    case = served.handed_off(f"m1{part[1:]}", author=author(21))
    first = social.get(f"/cases/{case.case_id}{part}")
    tag = first.headers["etag"]
    assert tag.startswith("W/") == bool(part), "names in a history are as they are known now"
    for known in (tag, f'"other", {tag}', "*"):
        again = social.call("GET", f"/cases/{case.case_id}{part}", headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    case.command(c.Accept)
    anew = social.call("GET", f"/cases/{case.case_id}{part}", headers={"if-none-match": tag})
    assert (anew.status_code, anew.headers["etag"] != tag) == (200, True)


def test_a_case_of_others_is_not_there_whatever_tag_is_sent(served: Served) -> None:
    case, technical = served.handed_off("m2", author=author(22)), Program(served, Role.DEPARTMENT, "technical")
    for part in ("", "/history"):
        assert technical.call("GET", f"/cases/{case.case_id}{part}", headers={"if-none-match": "*"}).status_code == 404
        assert technical.call("GET", f"/cases/nothing{part}", headers={"if-none-match": "*"}).status_code == 404


@pytest.mark.parametrize("path", ["/me", "/departments", "/policies", "/reports", "/reports/overview", "/reports/volume?format=csv"])
def test_everything_else_has_a_tag_of_what_it_says(social: Program, path: str) -> None:
    first = social.get(path)
    tag = first.headers["etag"]
    assert tag.startswith('W/"')
    again = social.call("GET", path, headers={"if-none-match": tag})
    assert (again.status_code, again.content, "content-type" in again.headers) == (304, b"", False)
    assert again.headers["ratelimit"], "a request is a request"


def test_a_command_for_the_case_as_it_was_is_refused_with_what_has_happened_since(served: Served, social: Program) -> None:
    case = served.handed_off("m3", author=author(23))
    tag = social.get(f"/cases/{case.case_id}").headers["etag"]
    note = {"do": "note", "text": "Only for us.", "dry_run": True}

    def try_it(if_match: str) -> tuple[int, str]:
        answer = social.call("POST", f"/cases/{case.case_id}/commands", note, headers={"if-match": if_match})
        return answer.status_code, str(answer.json().get("detail", ""))

    assert try_it(tag)[0] == try_it("*")[0] == try_it(f"{tag}, {tag}")[0] == 200
    assert case.tell(c.Accept("m3-accept", TOM)) is None
    status, detail = try_it(tag)
    assert status == 412
    assert "Tom Baker has this case" in detail
    assert try_it("yesterday's")[0] == 422


# --- once -------------------------------------------------------------------------------------------------------------


def test_a_case_opened_twice_under_one_key_is_one_case_and_answered_alike(social: Program, served: Served) -> None:
    call = {"brand": "meridian", "channel": "phone", "text": "Nobody answers.", "customer": {"id": "+44 20 7946 0001"}}
    key = {"idempotency-key": "call-1"}
    first, again = (social.call("POST", "/cases", call, headers=key) for _ in range(2))
    assert first.json() == again.json()
    assert (first.status_code, first.json()["duplicate"]) == (202, False)
    other = social.call("POST", "/cases", {**call, "text": "Somebody answered."}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "key_used_otherwise")
    assert Program(served, Role.LEAD).call("POST", "/cases", call, headers=key).json()["case_id"] != first.json()["case_id"], "their own"


def test_a_key_is_made_once_and_its_secret_shown_once(admin: Program) -> None:
    wanted, key = {"name": "once", "role": "auditor"}, {"idempotency-key": "key-1"}
    assert admin.call("POST", "/keys", {**wanted, "role": "department"}, headers=key).status_code == 422
    made = admin.call("POST", "/keys", wanted, headers=key)
    assert made.status_code == 201, "what was refused has not used the key up"
    again = admin.call("POST", "/keys", wanted, headers=key)
    assert (again.status_code, again.json()["code"]) == (409, "done_already")
    assert made.json()["key"] not in again.text
    assert [one["name"] for one in admin.get("/keys").json()["keys"]].count("once") == 1


def test_what_was_asked_once_is_kept_without_words_and_for_a_day(served: Served, social: Program) -> None:
    case = {"brand": "meridian", "channel": "phone", "text": "Remember me.", "customer": {"id": "+44 20 7946 0002", "name": "Robin"}}
    social.call("POST", "/cases", case, headers={"idempotency-key": "call-2"})
    with served.store.engine.begin() as connection:
        rows = connection.exec_driver_sql("select person, state, answer::text, body_hash from request_once").all()
        assert all("Remember" not in str(row) and "Robin" not in str(row) for row in rows)
        assert any(row.state == "done" and "meridian-phone-hand." in (row.answer or "") for row in rows)
    with served.store.engine.begin() as connection:
        connection.exec_driver_sql("set local role loopkeeper_owner")
        connection.exec_driver_sql("update request_once set asked_at = asked_at - interval '25 hours'")
    social.call("POST", "/cases", case, headers={"idempotency-key": "call-3"})
    with served.store.engine.begin() as connection:
        assert connection.exec_driver_sql("select count(*) from request_once").scalar() == 1


# --- pages ------------------------------------------------------------------------------------------------------------


def test_lists_of_access_come_in_pages(served: Served, admin: Program) -> None:
    for number in range(5):
        served.store.keys.make(NewKey(f"page {number}", Role.AUDITOR), SYSTEM)
    whole = [one["id"] for one in admin.get("/keys", at_most=200).json()["keys"]]
    seen: list[str] = []
    after = None
    while True:
        page = admin.get("/keys", at_most=2, **({"after": after} if after else {})).json()
        seen += [one["id"] for one in page["keys"]]
        after = page["after"]
        if after is None:
            break
    assert seen == whole
    assert admin.get("/sessions", at_most=1).json() == {"sessions": [], "after": None}


def test_events_of_a_history_come_in_pages(served: Served, social: Program) -> None:
    case = served.accepted("m4", author=author(24)).case_id
    whole = social.get(f"/cases/{case}/history").json()
    page = social.get(f"/cases/{case}/history", at_most=2)
    assert [event["seq"] for event in page.json()["events"]] == [1, 2]
    rest = social.get(f"/cases/{case}/history", after=page.json()["after"]).json()
    assert page.json()["events"] + rest["events"] == whole["events"]
    assert (rest["after"], rest["conversation"]) == (None, whole["conversation"])


@pytest.mark.parametrize("after", ["nowhere", "WzFd", "bnVsbA", "WyJrZXlzIiwxXQ", "WyJjYXNlcyIsLTFd", "é", "W" * 400, "eyJ9"])
def test_a_bad_cursor_is_told_as_one(everything: Program, after: str) -> None:
    for path in ("/keys", "/sessions", "/cases", "/policies", "/drafts", "/reports/cases"):
        answer = everything.get(path, after=after)
        assert (answer.status_code, answer.json()["detail"][:40]) == (422, "after: is no place to go on from; take i"), path


# --- how often --------------------------------------------------------------------------------------------------------


def test_who_asks_too_often_is_told_when_to_come_again_and_others_are_not(served: Served) -> None:
    with serving(served.address, requests_per_minute=3) as http:
        keys = [served.store.keys.make(NewKey(f"hasty {n}", Role.SOCIAL), SYSTEM)[1] for n in range(2)]
        answers = [http.get("/api/v1/me", headers={"authorization": f"Bearer {keys[0]}"}) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert [answer.headers["ratelimit-policy"] for answer in answers] == ['"requests";q=3;w=60'] * 4
        assert [answer.headers["ratelimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]
        refused = answers[3]
        assert (refused.headers["content-type"], refused.json()["code"]) == ("application/problem+json", "too_many_requests")
        assert 0 < int(refused.headers["retry-after"]) <= 20
        assert http.get("/api/v1/me", headers={"authorization": f"Bearer {keys[1]}"}).status_code == 200
        assert "ratelimit" not in http.get("/healthz").headers


# --- what cannot be understood --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "sort", "told"),
    [
        (b'{"brand":', "application/json", ["the body is no JSON: ", "(at sign 9)"]),
        (b"x=1", "application/x-www-form-urlencoded", ["the body has to be a JSON object, sent with Content-Type: application/json"]),
        (b"", "application/json", ["the body has to be a JSON object"]),
        (b'{"brand": "meridian"}', "application/json", ["channel: ", "; text: ", "; customer: "]),
    ],
)
def test_every_fault_of_a_body_is_named_at_once(social: Program, body: bytes, sort: str, told: list[str]) -> None:
    headers = {"authorization": f"Bearer {social.secret}", "content-type": sort}
    answer = httpx.post(f"{social.url}/api/v1/cases", content=body, headers=headers, trust_env=False)
    assert answer.status_code == 422
    assert [part for part in told if part not in answer.json()["detail"]] == []


def test_a_fault_in_the_address_is_named_by_its_field(social: Program) -> None:
    assert social.get("/cases", at_most=999).json()["detail"].startswith("at_most: ")


def test_what_is_not_there_is_said_in_a_sentence(social: Program) -> None:
    assert "/docs" in social.get("/nothing").json()["detail"]
    assert social.call("PATCH", "/cases").json()["detail"].startswith("this address does not take PATCH, but ")
