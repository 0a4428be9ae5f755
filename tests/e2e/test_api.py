"""The REST API against the whole installation: what programs read and do, and what they are told when they may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from domain.values import Role
from tests.e2e.conftest import COMPLAINT, Stage

Call = Callable[..., httpx.Response]
PHONE = {
    "brand": "meridian",
    "channel": "phone",
    "text": "Called: third day without internet, nobody answers the hotline.",
    "customer": {"id": "+44 20 7946 0000", "name": "Sam Okafor"},
}


@pytest.fixture(scope="session")
def secrets() -> dict[str, str]:
    return {}


@pytest.fixture
def key(stage: Stage, secrets: dict[str, str]) -> str:
    """The key of a program that acts for the social team."""
    if "social" not in secrets:
        secrets["social"] = stage.store.people.make_key("the tests", Role.SOCIAL)[1]
    return secrets["social"]


@pytest.fixture
def call(stage: Stage, key: str) -> Call:
    """A request by that program."""

    def call(method: str, path: str, json: Any = None, **headers: str) -> httpx.Response:
        told = {"authorization": f"Bearer {key}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return stage.http.request(method, f"/api/v1{path}", json=json, headers=told)

    return call


@pytest.fixture
def case(stage: Stage) -> str:
    """A case that is acknowledged and on its department's desk."""
    case = stage.complain()
    stage.until(lambda: {"reply_posted", "handoff_delivered"} <= set(stage.events(case)))
    return case


def problem(answer: httpx.Response) -> tuple[int, str]:
    """A refusal: always problem details, with a sentence."""
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == answer.status_code
    assert (told["type"], bool(told["title"])) == ("about:blank", True)
    return answer.status_code, str(told["detail"])


def test_a_phone_call_becomes_a_case_whose_acknowledgement_a_person_is_asked_to_say(stage: Stage, call: Call) -> None:
    opened = call("POST", "/cases", PHONE)
    assert (opened.status_code, opened.json()["duplicate"]) == (202, False)
    case = opened.json()["case_id"]
    stage.until(lambda: call("GET", f"/cases/{case}").status_code == 200)
    read = call("GET", f"/cases/{case}").json()
    assert (read["text"], read["channel"], read["customer"], read["intent"]) == (PHONE["text"], "phone", "Sam Okafor", "complaint")
    stage.until(lambda: "human_needed" in stage.events(case))
    assert any("tell the customer yourself" in str(line["told"]) for line in call("GET", f"/cases/{case}/history").json()["events"])


def test_a_post_that_no_bridge_told_of_is_one_case_however_often_it_is_sent(stage: Stage, call: Call) -> None:
    post = {**PHONE, "channel": "x", "post_id": "by.hand.1", "url": "https://x.example/sam/1"}
    answers = [call("POST", "/cases", post).json() for _ in range(3)]
    assert [answer["duplicate"] for answer in answers] == [False, True, True]
    assert {answer["case_id"] for answer in answers} == {"meridian-x-by.hand.1"}


def test_a_case_and_its_history_are_read_whole_and_verified(call: Call, case: str) -> None:
    read = call("GET", f"/cases/{case}").json()
    assert (read["case_id"], read["status"], read["department"], read["owner"]) == (case, "handed_off", "billing", None)
    assert [clock["name"] for clock in read["clocks"]] == sorted(
        (clock["name"] for clock in read["clocks"]), key=lambda name: next(c["due_at"] for c in read["clocks"] if c["name"] == name)
    )
    history = call("GET", f"/cases/{case}/history").json()
    assert history["verified"]
    assert [event["seq"] for event in history["events"]] == list(range(1, len(history["events"]) + 1))
    assert (history["events"][0]["kind"], history["events"][0]["words"]) == ("opened", COMPLAINT)


def test_a_dry_run_shows_the_exact_words_and_does_nothing(stage: Stage, call: Call, case: str) -> None:
    before = stage.events(case)
    shown = call("POST", f"/cases/{case}/commands", {"do": "update", "text": "The bank has been told.", "dry_run": True}).json()
    assert (shown["done"], shown["public"]["limit"], shown["public"]["parts"]) == (False, 280, [shown["public"]["text"]])
    assert shown["public"]["length"] == len(shown["public"]["text"])
    assert stage.events(case) == before
    done = call("POST", f"/cases/{case}/commands", {"do": "update", "text": "The bank has been told."}).json()
    assert stage.replies(case, 2)[1]["text"] == done["public"]["text"] == shown["public"]["text"]


def test_the_same_command_under_the_same_key_is_carried_out_once_and_answered_alike(stage: Stage, call: Call, case: str) -> None:
    command = {"do": "update", "text": "The bank has been told."}
    first, again = (call("POST", f"/cases/{case}/commands", command, idempotency_key="k-1") for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json()["public"] == first.json()["public"]
    other = call("POST", f"/cases/{case}/commands", {**command, "text": "The bank has answered."}, idempotency_key="k-2")
    assert other.status_code == 200
    replies = [reply["text"] for reply in stage.replies(case, 3)]
    assert len(replies) == 3
    assert replies[1:] == [first.json()["public"]["text"], other.json()["public"]["text"]]
    repeated = call("POST", f"/cases/{case}/commands", command, idempotency_key="k-3")
    assert (repeated.status_code, repeated.json()["code"]) == (409, "said_already")
    late = call("POST", f"/cases/{case}/commands", command, idempotency_key="k-1")
    assert (late.status_code, late.json()["public"]) == (200, first.json()["public"])


def test_every_command_is_done_or_refused_with_a_reason_and_a_word_for_programs(stage: Stage, call: Call, case: str) -> None:
    def do(**command: object) -> tuple[int, str | None]:
        answer = call("POST", f"/cases/{case}/commands", command)
        if answer.status_code != 200:
            assert len(problem(answer)[1]) > 10
        return answer.status_code, answer.json().get("code")

    assert do(do="resolve", text="Paid back.", root_cause="billing_error") == (409, "nobody_has_it")
    assert do(do="accept") == (200, None)
    assert do(do="accept") == (409, "yours_already")
    assert do(do="note", text="Only for us.") == (200, None)
    assert do(do="set_priority", priority="urgent") == (200, None)
    assert do(do="set_priority", priority="urgent") == (409, "no_change")
    assert do(do="set_category", category="gardening") == (409, "unknown_category")
    assert do(do="reassign", department="gardening") == (409, "unknown_department")
    assert do(do="waive_thank_you", text="No need.") == (409, "nothing_to_waive")
    assert do(do="settle_reply", step=10**30, posted=True) == (409, "nothing_to_settle")
    assert do(do="reopen") == (409, "open_already")
    assert do(do="resolve", text="Paid back.", root_cause="gardening") == (409, "unknown_root_cause")
    assert do(do="resolve", text="Paid back.", root_cause="billing_error") == (200, None)
    stage.until(lambda: stage.events(case)[-1] == "closed")
    assert do(do="update", text="One more thing.") == (409, "already_closed")
    assert do(do="reopen") == (200, None)
    assert do(do="dismiss", reason="duplicate") == (200, None)
    assert do(do="note", text="Too late.") == (409, "over")


MISTAKES: dict[str, tuple[dict[str, object], str]] = {
    "nothing to do": ({}, "do"),
    "an unknown deed": ({"do": "shout"}, "do"),
    "a field that is not there": ({"do": "accept", "colour": "red"}, "colour"),
    "no words": ({"do": "update"}, "text"),
    "blank words": ({"do": "ask", "text": " \n"}, "text"),
    "a NUL": ({"do": "note", "text": "a\0b"}, "text"),
    "too many words": ({"do": "update", "text": "x" * 8001}, "text"),
    "more than the network takes": ({"do": "update", "text": "x" * 2000}, "280"),
    "no cause": ({"do": "resolve", "text": "Done."}, "root_cause"),
    "an unknown priority": ({"do": "set_priority", "priority": "yesterday"}, "priority"),
    "no department": ({"do": "reassign"}, "department"),
    "no reason": ({"do": "dismiss"}, "reason"),
    "no step": ({"do": "settle_reply"}, "step"),
    "a link that is none": ({"do": "settle_reply", "step": 1, "posted": True, "permalink": "javascript:alert(1)"}, "permalink"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_command_is_answered_by_its_field(call: Call, stage: Stage, known: str, name: str) -> None:
    command, field = MISTAKES[name]
    before = stage.events(known)
    status, detail = problem(call("POST", f"/cases/{known}/commands", command))
    assert status == 422
    assert field in detail
    assert stage.events(known) == before


@pytest.fixture
def known(stage: Stage, secrets: dict[str, str]) -> str:
    """One case for the tests that change nothing."""
    if "case" not in secrets:
        secrets["case"] = case = stage.complain()
        stage.until(lambda: {"reply_posted", "handoff_delivered"} <= set(stage.events(case)))
    return secrets["case"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"brand": "nobody"}, "nobody"),
        ({"brand": "a-b"}, "brand"),
        ({"channel": "myspace"}, "myspace"),
        ({"channel": "x"}, "post_id"),
        ({"text": ""}, "text"),
        ({"text": "a\0b"}, "text"),
        ({"customer": {"id": "a\0b"}}, "customer.id"),
        ({"customer": None}, "customer"),
        ({"url": "ftp://x"}, "url"),
        ({"post_id": "<b>"}, "post_id"),
    ],
)
def test_a_case_that_cannot_be_opened_is_refused_by_its_field(call: Call, change: dict[str, object], field: str) -> None:
    status, detail = problem(call("POST", "/cases", {**PHONE, **change}))
    assert status == 422
    assert field in detail


@pytest.mark.parametrize("case", ["meridian-x-0", "a\0b", "..", "x" * 5000, "%", "ü"])
def test_a_case_that_is_not_there_is_not_found(call: Call, case: str) -> None:
    for path in (f"/cases/{quote(case, safe='')}", f"/cases/{quote(case, safe='')}/history"):
        assert problem(call("GET", path))[0] == 404
    assert problem(call("POST", f"/cases/{quote(case, safe='')}/commands", {"do": "accept"}))[0] == 404


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer lk_0_wrong", "Basic bGtfOng=", "Bearer \xff", "Token x"])
def test_without_a_valid_key_nothing_is_read_or_done(stage: Stage, known: str, given: str | None) -> None:
    headers = [] if given is None else [(b"authorization", given.encode("latin-1"))]
    for method, path in (
        ("GET", f"/cases/{known}"),
        ("GET", f"/cases/{known}/history"),
        ("POST", "/cases"),
        ("POST", f"/cases/{known}/commands"),
    ):
        answer = stage.http.request(method, f"/api/v1{path}", headers=headers, json=PHONE if method == "POST" else None)
        assert problem(answer)[0] == 401
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_acts_by_its_role_until_it_is_revoked(stage: Stage, known: str) -> None:
    made, secret = stage.store.people.make_key("an auditor", Role.AUDITOR)
    headers = {"authorization": f"Bearer {secret}"}
    assert stage.http.get(f"/api/v1/cases/{known}", headers=headers).status_code == 200
    status, detail = problem(stage.http.post(f"/api/v1/cases/{known}/commands", json={"do": "accept"}, headers=headers))
    assert (status, "may read, but not act" in detail) == (403, True)
    assert stage.store.people.revoke_key(made.id)
    assert problem(stage.http.get(f"/api/v1/cases/{known}", headers=headers))[0] == 401


def test_what_is_no_json_is_a_problem_too(stage: Stage, known: str, key: str) -> None:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    for body in (b"", b"{", b"\xff", b"[" * 10_000, b'{"do":"note","text":"\\ud800"}', b"NaN"):
        answer = stage.http.post(f"/api/v1/cases/{known}/commands", content=body, headers=headers)
        assert 400 <= problem(answer)[0] < 500


def test_health_and_readiness(stage: Stage) -> None:
    assert stage.http.get("/healthz").json() == {"status": "ok"}
    assert stage.http.get("/readyz").json() == {"ready": True, "database": "ok", "temporal": "ok", "slack": None}
    assert problem(stage.http.get("/nowhere"))[0] == 404
    assert problem(stage.http.delete("/healthz"))[0] == 405


def test_the_console_takes_any_query(stage: Stage) -> None:
    assert stage.http.get("/console?show=all&before=9223372036854775807").status_code in (200, 422)
    assert stage.http.get("/console?show=%00&before=1").status_code == 200
    for before in ("x", "-1", "9" * 40):
        assert problem(stage.http.get(f"/console?before={before}"))[0] == 422
    assert problem(stage.http.get("/console/cases/a%00b"))[0] == 404
