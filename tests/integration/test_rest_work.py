"""What the console shows and does, over REST: lists of open work, drafts, departments, me; on a database, without Temporal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from adapters.postgres.keys import NewKey
from adapters.postgres.rolling_up import RollUp
from cli.engines import Postgres
from domain import commands as c
from domain.rights import Right
from domain.values import SYSTEM, Role
from tests.integration.console import TOM, Served, console
from tests.integration.opened import arrive, created
from tests.integration.searching import sealer_of
from tests.signing_in import signed_in


@pytest.fixture(scope="module")
def served(postgres: Postgres) -> Iterator[Served]:
    with console(postgres) as there:
        yield there


class Program:
    """A program with a key."""

    def __init__(self, served: Served, role: Role, *departments: str, scopes: frozenset[Right] | None = None) -> None:
        self.secret = served.store.keys.make(NewKey(f"the {role}", role, scopes, frozenset(departments)), SYSTEM)[1]
        self.url = served.url

    def call(self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, **query: Any) -> httpx.Response:
        told = {"authorization": f"Bearer {self.secret}", **(headers or {})}
        return httpx.request(method, f"{self.url}/api/v1{path}", headers=told, json=body, params=query, trust_env=False, timeout=20)

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.call("GET", path, **query)


@pytest.fixture(scope="module")
def social(served: Served) -> Program:
    return Program(served, Role.SOCIAL)


@pytest.fixture(scope="module")
def technical(served: Served) -> Program:
    return Program(served, Role.DEPARTMENT, "technical")


def author(number: int) -> dict[str, str]:
    return {"id": f"rest{number}", "handle": f"rest{number}", "name": f"Robin No. {number}"}


def test_the_board_has_each_open_case_with_what_is_due_and_counts(served: Served, social: Program, technical: Program) -> None:
    mine = served.handed_off("w1", author=author(1)).case_id
    board = social.get("/board", by="department", department="billing", only="nobody", at_most=200).json()
    (column,) = board["columns"]
    (row,) = [row for row in column["cases"] if row["case_id"] == mine]
    assert (row["customer"], row["due_clock"], row["owner"], row["text"]) == (
        "Robin No. 1",
        "accept",
        None,
        "You charged me twice and nobody answers.",
    )
    assert column["key"] == "billing"
    assert board["counts"]["all"] >= board["counts"]["nobody"] >= column["total"]
    assert technical.get("/board").json()["columns"] == [], "a department sees its own"
    assert social.get("/board", by="customer").status_code == 422
    assert social.get("/board", only="urgent-looking").status_code == 422


def test_the_inbox_has_what_needs_the_team_and_what_could_not_be_read(served: Served, social: Program) -> None:
    number = arrive(served.store, {**created("w2"), "brand": "nobodys"})
    assert number is not None
    served.store.inbox.place(number)
    inbox = social.get("/inbox").json()
    (unreadable,) = [one for one in inbox["unreadable"] if one["number"] == number]
    assert "the brand 'nobodys' is not in the policy" in unreadable["reason"]
    assert all(group["total"] >= len(group["cases"]) for group in inbox["groups"])
    assert social.call("POST", f"/inbox/{number}/again").status_code == 204
    assert [one for one in social.get("/inbox").json()["unreadable"] if one["number"] == number] == []
    for nothing in (number, 0, 2**70):
        again = social.call("POST", f"/inbox/{nothing}/again")
        assert (again.status_code, "could be read again" in again.json()["detail"]) == (404, True)
    assert Program(served, Role.AUDITOR).call("POST", f"/inbox/{number}/again").status_code == 403


def test_drafts_that_wait_are_listed_in_pages_with_their_case(served: Served, social: Program, technical: Program) -> None:
    held = []
    for number in (3, 4, 5):
        case = served.accepted(f"w{number}", author=author(number))
        words = case.keep(f"We refund everything, No. {number}.")
        assert case.tell(c.Update(f"held-{number}", TOM, words, reasons=("money:refund*",))) is None
        held.append(case.case_id)
    first = social.get("/drafts", at_most=2)
    assert [draft["case_id"] for draft in first.json()["drafts"]] == held[:2]
    assert first.json()["drafts"][0]["text"] == "We refund everything, No. 3."
    assert first.headers["link"] == f'</api/v1/drafts?at_most=2&after={first.json()["after"]}>; rel="next"'
    rest = social.get("/drafts", at_most=2, after=first.json()["after"])
    assert [draft["case_id"] for draft in rest.json()["drafts"]] == held[2:]
    assert (rest.json()["after"], "link" in rest.headers) == (None, False)
    assert technical.get("/drafts").json()["drafts"] == []


WHAT_SHE_WROTE = "You charged me twice and nobody answers."


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.PRIVACY])
def test_lists_leave_out_what_customers_wrote_for_whose_every_reading_is_on_record(served: Served, role: Role) -> None:
    case, reader = served.handed_off(f"w-{role.value}", author=author(40)), Program(served, role)
    number = served.store.reader.file(case.case_id).number
    rows = [row for column in reader.get("/board", at_most=200).json()["columns"] for row in column["cases"]]
    assert case.case_id in {row["case_id"] for row in rows}
    assert {row["text"] for row in rows} == {""}
    with httpx.Client(base_url=served.url, trust_env=False) as http:
        theirs, social = signed_in(http, role.value), signed_in(http)
        for page in ("/console?more=handed_off.200", "/console?show=all", "/console/inbox"):
            told = http.get(page, headers=theirs).text
            assert WHAT_SHE_WROTE not in told
            assert "each reading of yours goes on record" in told
        assert f"#{number}" in http.get("/console?show=all", headers=theirs).text
        for page in ("/console?more=handed_off.200", "/console?show=all"):
            told = http.get(page, headers=social).text
            assert WHAT_SHE_WROTE in told
            assert "each reading of yours" not in told


def test_an_auditor_who_lists_drafts_reads_each_on_record(served: Served) -> None:
    case = served.accepted("w-drafts", author=author(41))
    assert case.tell(c.Update("held-drafts", TOM, case.keep("We refund it, No. 41."), reasons=("money:refund*",))) is None
    before = len(served.store.journal.entries(at_most=10_000))
    drafts = Program(served, Role.AUDITOR).get("/drafts", at_most=200).json()["drafts"]
    entries = [entry.event for _, _, entry in served.store.journal.entries(at_most=10_000)[before:]]
    assert case.case_id in {draft["case_id"] for draft in drafts}
    assert [event.case for event in entries if event.kind == "words_read"] == list(dict.fromkeys(draft["case_id"] for draft in drafts))


def test_what_can_be_done_to_a_case_is_told_before_it_is_tried(served: Served, social: Program, technical: Program) -> None:
    case = served.handed_off("w6", author=author(6)).case_id
    offered = {one["do"]: one for one in social.get(f"/cases/{case}/commands").json()["commands"]}
    assert {"accept", "ask", "update", "note", "dismiss", "set_priority"} <= set(offered)
    assert "resume" not in offered, "it waits on nobody"
    assert (offered["update"]["speaks"], offered["note"]["speaks"]) == (True, False)
    assert Program(served, Role.AUDITOR).get(f"/cases/{case}/commands").json() == {"commands": []}
    assert technical.get(f"/cases/{case}/commands").status_code == 404


def test_who_writes_to_the_customer_is_known_to_others(served: Served, social: Program) -> None:
    case, lead = served.handed_off("w7", author=author(7)).case_id, Program(served, Role.LEAD)
    assert social.call("PUT", f"/cases/{case}/writing/take_private").json() == {"others": []}
    assert lead.get(f"/cases/{case}/writing").json() == {"others": [{"name": "the social", "saying": "take_private"}]}
    assert lead.call("PUT", f"/cases/{case}/writing/update").json()["others"][0]["name"] == "the social"
    assert social.call("DELETE", f"/cases/{case}/writing").status_code == 204
    assert lead.get(f"/cases/{case}/writing").json() == {"others": []}
    assert social.call("PUT", f"/cases/{case}/writing/poem").status_code == 422


def test_departments_are_told_with_their_hours_and_nobodys_name(served: Served, social: Program) -> None:
    told = social.get("/departments")
    policy = served.store.book.active()
    assert [one["id"] for one in told.json()["departments"]] == list(policy.departments)
    assert told.json()["social_team"]["name"] == policy.social.name
    for person in policy.people.values():
        assert person.name not in told.text
        assert person.email is None or person.email not in told.text
    one = told.json()["departments"][0]
    assert social.get(f"/departments/{one['id']}").json()["name"] == one["name"]
    assert social.get("/departments/gardening").status_code == 404
    calendars = social.get("/calendars").json()["calendars"]
    assert [calendar["name"] for calendar in calendars] == list(policy.calendars)
    assert all(list(calendar["week"]) == ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] for calendar in calendars)
    assert all((calendar["opens_at"] is None) == calendar["open_now"] for calendar in calendars)


def test_me_is_whoever_asks_with_what_they_may(served: Served) -> None:
    narrow = Program(served, Role.DEPARTMENT, "billing", scopes=frozenset({Right.READ_CASES}))
    me = narrow.get("/me").json()
    assert (me["name"], me["role"], me["departments"], me["way"]) == ("the department", "department", ["billing"], "key")
    assert me["rights"] == me["scopes"] == ["read_cases"]
    assert me["person"].startswith("key:")
    assert "export" not in Program(served, Role.PRIVACY).get("/me").json()["rights"], "only a key that was made for it"


def test_every_page_of_the_cases_of_a_report_is_reached(served: Served, social: Program, technical: Program) -> None:
    made = [served.handed_off(f"w{number}", author=author(number)).case_id for number in (8, 9, 10)]
    with sealer_of(served.address) as sealer:
        sealer.seal()
    figures = RollUp(served.store.engine, served.store.vault, served.store.book)
    while figures.roll_up():
        pass
    whole = social.get("/reports/cases", at_most=200).json()["cases"]
    seen: list[dict[str, Any]] = []
    query: dict[str, Any] | None = {}
    while query is not None:
        answer = social.get("/reports/cases", at_most=2, **query)
        seen += answer.json()["cases"]
        after = answer.json()["after"]
        assert (after is not None) == ("link" in answer.headers)
        query = {"after": after} if after is not None else None
    assert seen == whole
    assert set(made) <= {case["case_id"] for case in whole}
    assert whole == sorted(whole, key=lambda case: (case["since"], case["case_id"]), reverse=True), "the newest first"
    assert technical.get("/reports/cases").json() == {"cases": [], "after": None}, "a department sees its own"
    assert social.get("/reports/cases", brand="nobodys").status_code == 422
    late = social.get("/reports/cases", which="late", weekday=3)
    assert late.status_code == 200
    assert all(case["late"] for case in late.json()["cases"])
    assert social.get("/reports/cases", which="lost").status_code == 422
    assert social.get("/reports/cases", after="somewhere").status_code == 422


def test_versions_are_held_against_each_other(served: Served, social: Program) -> None:
    (version,) = (one["id"] for one in social.get("/policies").json()["policies"])
    assert social.get("/policies/compare", before=version).json() == {"before": version, "after": version, "changes": []}
    assert social.get("/policies/compare", before="nothing@0").status_code == 404
    assert social.get("/policies", after="nowhere").status_code == 422
