"""Finding and reading cases as an auditor does: over REST and on the pages, with everything on record that was looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, text

from adapters.postgres.keys import NewKey
from adapters.postgres.log import Sealer
from adapters.postgres.store import Store
from domain import commands as c
from domain.values import CUSTOMER, SYSTEM, Permalink, Purpose, Role
from tests.integration.conftest import serving
from tests.integration.onrecord import OnRecord
from tests.integration.searching import catch_up, sealer_of
from tests.signing_in import signed_in

SECRET_WORDS = "You charged me twice & <b>nobody</b> answers 👍"


@dataclass
class Desk:
    """The API on a fresh database, and what is on record there."""

    http: httpx.Client
    store: Store
    sealer: Sealer
    database: str

    def key(self, role: Role) -> dict[str, str]:
        """What a program with a key of that role sends."""
        departments = frozenset({"billing"}) if role is Role.DEPARTMENT else frozenset[str]()
        return {"Authorization": f"Bearer {self.store.keys.make(NewKey('Ada', role, None, departments), SYSTEM)[1]}"}

    def get(self, path: str, role: Role = Role.SOCIAL, **query: Any) -> httpx.Response:
        return self.http.get(f"/api/v1{path}", params=query, headers=self.key(role))

    def page(self, path: str, **query: Any) -> str:
        answer = self.http.get(path, params=query or None, headers=signed_in(self.http, "auditor"))
        assert answer.status_code == 200, answer.text
        return answer.text

    def journal(self) -> list[tuple[str, str, str]]:
        """What was read: kind, case, by whom."""
        entries = [entry for _, _, entry in self.store.journal.entries()]
        return [
            (e.event.kind, str(getattr(e.event, "case", "")), e.by.role.value)
            for e in entries
            if e.event.kind not in ("log_key_changed", "admin_acted")
        ]

    def catch_up(self) -> None:
        catch_up(self.store, self.sealer)


@pytest.fixture
def desk(store: Store, database: str) -> Iterator[Desk]:
    with sealer_of(database) as sealer, serving(database) as http:
        yield Desk(http, store, sealer, database)


def author(number: int) -> dict[str, str]:
    return {"id": str(number), "handle": f"sam{number}", "name": "Sam Okafor"}


def answered(case: OnRecord, words: str = "We have it, Sam.") -> None:
    """The acknowledgement is on the network."""
    planned = case.case.planned()
    assert planned is not None
    part = Permalink("r1", "https://x.example/meridian/r1")
    case.tell(c.Posted("posted", planned.step, planned.purpose, case.now(), (part,), case.keep(words), planned.promise))


@pytest.fixture
def case(desk: Desk) -> OnRecord:
    opened = OnRecord.opened(desk.store, "p1", text=SECRET_WORDS, author=author(1))
    answered(opened)
    opened.command(c.Accept)
    desk.catch_up()
    return opened


def test_cases_are_found_over_rest_and_the_answer_holds_nothing_that_anybody_wrote(desk: Desk, case: OnRecord) -> None:
    found = desk.get("/cases", words="charged", department="billing", kind="accepted", opened_from="2026-01-01")
    assert found.status_code == 200, found.text
    (one,) = found.json()["cases"]
    assert (one["case_id"], one["status"], one["owner"]) == (case.case_id, "in_progress", "slack:UANA")
    assert "charged" not in found.text
    assert "Okafor" not in found.text
    assert found.json()["after"] is None
    assert found.json()["not_searched_yet"] == 0
    assert desk.get("/cases", words="refund").json()["cases"] == []
    case.command(c.Note, case.keep("refund"))
    while desk.sealer.seal():
        pass
    assert desk.get("/cases").json()["not_searched_yet"] > 0
    assert desk.journal() == [], "to look for cases is not to read them"


def test_a_colleague_is_sought_by_name(desk: Desk, case: OnRecord) -> None:
    desk.store.people.remember("slack:UANA", "Ana Silva", None)
    assert len(desk.get("/cases", person="ana silva").json()["cases"]) == 1
    desk.store.people.remember("slack:UOTHER", "Ana Silva", None)
    told = desk.get("/cases", person="Ana Silva")
    assert told.status_code == 422
    assert "slack:UANA, slack:UOTHER" in told.json()["detail"]


def test_pages_of_rest_follow_each_other(desk: Desk) -> None:
    cases = [OnRecord.opened(desk.store, f"p{n}", author=author(n)).case_id for n in range(5)]
    desk.catch_up()
    first = desk.get("/cases", at_most=3, brand="meridian").json()
    second = desk.get("/cases", at_most=3, brand="meridian", after=first["after"]).json()
    assert [one["case_id"] for one in first["cases"] + second["cases"]] == cases[::-1]
    assert second["after"] is None


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"kind": "exploded"}, "kind: there is no 'exploded'; there are accepted, "),
    ({"breached": "tea"}, "breached: there is no 'tea'; there are accept, acknowledge, "),
    ({"outcome": "great"}, "outcome: there is no 'great'; there are closed, dismissed, "),
    ({"opened_from": "yesterday"}, "opened_from: 'yesterday' is no moment; write a day (2026-09-01) or "),
    ({"opened_from": "2026-09-01T08:00:00"}, "needs a time zone, like 2026-09-01T08:00:00Z"),
    ({"opened_from": "2026-02-30"}, "opened_from: '2026-02-30' is no moment"),
    ({"opened_from": "2026-02-02", "opened_until": "2026-01-01"}, "the range of 'opened' ends"),
    ({"after": "tomorrow"}, "after: is no place to go on from"),
    ({"after": "-1"}, "after: is no place to go on from"),
    ({"number": "4e2"}, "number: '4e2' is no case's number"),
    ({"words": "?!"}, "words: there is no word in '?!'"),
    ({"person": "Nobody"}, "person: nobody called 'Nobody' has been seen here"),
    ({"colour": "red"}, "colour: there is no such filter; there are case, number, customer, "),
    ({"words": "a" * 201}, "words: at most 200 signs"),
    ({"words": "a\0b"}, "words: at most 200 signs, and no NUL"),
    ({"channel": ["x", "y"]}, "channel: is given twice"),
    ({"at_most": "1000"}, "at_most: "),
]


def test_what_cannot_be_meant_is_refused_with_what_can_be_written(desk: Desk) -> None:
    for query, detail in WRONG:
        told = desk.get("/cases", **query)
        assert told.status_code == 422, query
        assert told.headers["content-type"] == "application/problem+json"
        assert detail in told.json()["detail"], query
        if "at_most" not in query:
            page = desk.http.get("/console/audit", params=query, headers=signed_in(desk.http, "auditor"))
            assert page.status_code == 422, query
            assert 'role="alert"' in page.text


def test_a_history_is_read_as_it_was_on_record_at_any_moment(desk: Desk, case: OnRecord) -> None:
    chain = desk.store.records.chain(case.case_id)
    now = desk.get(f"/cases/{case.case_id}/history").json()
    assert [event["seq"] for event in now["events"]] == list(range(1, len(chain) + 1))
    assert now["verified"]
    assert now["proven"]
    assert now["sealed"] == len(chain)
    for link in chain:
        then = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=link.recorded_us)
        read = desk.get(f"/cases/{case.case_id}/history", as_of=then.isoformat()).json()
        assert [event["seq"] for event in read["events"]] == list(range(1, link.seq + 1))
        assert datetime.fromisoformat(read["as_of"]) == then
    assert read["status"] == "in_progress"
    first = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=chain[0].recorded_us)
    opened = desk.get(f"/cases/{case.case_id}/history", as_of=first.isoformat()).json()
    assert opened["status"] == "new"
    assert [clock["clock"] for clock in opened["clocks"]] == ["acknowledge"]
    before = desk.get(f"/cases/{case.case_id}/history", as_of=(first - timedelta(microseconds=1)).isoformat())
    assert before.status_code == 404
    assert "it was opened at" in before.json()["detail"]
    assert desk.get(f"/cases/{case.case_id}/history", as_of="soon").status_code == 422


def test_a_history_says_what_was_said_which_clocks_were_kept_and_who_did_what_and_why(desk: Desk, case: OnRecord) -> None:
    case.tell(c.PostChanged("changed", "p1", case.keep("I was charged three times."), CUSTOMER))
    case.tell(c.PostRemoved("removed", "p1", CUSTOMER))
    read = desk.get(f"/cases/{case.case_id}/history").json()
    post, reply = read["conversation"]
    assert [version["text"] for version in post["versions"]] == [SECRET_WORDS, "I was charged three times."]
    assert post["deleted_at"] is not None
    assert (reply["voice"], reply["purpose"], reply["links"]) == (
        "us",
        Purpose.ACKNOWLEDGEMENT.value,
        ["https://x.example/meridian/r1"],
    )
    assert reply["versions"][0]["text"] == "We have it, Sam."
    assert {(clock["clock"], clock["became"]) for clock in read["clocks"]} >= {("acknowledge", "met"), ("accept", "met")}
    accepted = next(event for event in read["events"] if event["kind"] == "accepted")
    assert (accepted["person"], accepted["role"], accepted["via"], accepted["rule"]) == ("slack:UANA", "department", "slack", None)
    assert {"what": "owner", "before": "nobody", "after": "UANA"} in accepted["changes"]
    posted = next(event for event in read["events"] if event["kind"] == "reply_posted")
    planned = next(event for event in read["events"] if event["kind"] == "reply_planned")
    assert posted["because_of"] == planned["seq"]
    assert planned["rule"].startswith("wording: ")
    assert read["sealed"] < len(read["events"]), "the last two are not in the log yet"


def test_whoever_audits_leaves_a_trace_and_whoever_works_does_not(desk: Desk, case: OnRecord) -> None:
    assert desk.get(f"/cases/{case.case_id}/history", Role.SOCIAL).status_code == 200
    assert desk.journal() == []
    assert desk.get(f"/cases/{case.case_id}/history", Role.AUDITOR).status_code == 200
    assert desk.journal() == [("case_read", case.case_id, "auditor"), ("words_read", case.case_id, "auditor")]
    assert desk.get("/cases/none/history", Role.AUDITOR).status_code == 404
    assert len(desk.journal()) == 2


def test_the_pages_show_words_only_when_asked_and_then_it_is_on_record(desk: Desk, case: OnRecord) -> None:
    found = desk.page("/console/audit", words="charged")
    assert f'href="/console/audit/cases/{case.case_id}"' in found
    assert "Okafor" not in found
    assert desk.journal() == []
    page = desk.page(f"/console/audit/cases/{case.case_id}")
    assert "Okafor" not in page
    assert "sam1" not in page
    assert "nobody&lt;/b&gt;" not in page
    assert "https://x.example/meridian/r1" in page, "the permalink of our own reply"
    assert desk.journal() == [("case_read", case.case_id, "auditor")]
    page = desk.page(f"/console/audit/cases/{case.case_id}", words="yes")
    assert "You charged me twice &amp; &lt;b&gt;nobody&lt;/b&gt; answers 👍" in page
    assert "Sam Okafor" in page
    assert desk.journal()[1:] == [("case_read", case.case_id, "auditor"), ("words_read", case.case_id, "auditor")]


def test_whoever_works_on_cases_finds_them_by_what_they_know_of_them_and_opens_them_where_they_work(desk: Desk, case: OnRecord) -> None:
    for role, department in (("social", ""), ("department", "billing")):
        answer = desk.http.get("/console/audit", params={"words": "charged"}, headers=signed_in(desk.http, role, department))
        assert f'href="/console/cases/{case.case_id}"' in answer.text
        assert "Sam Okafor" in answer.text
        assert "You charged me twice &amp; &lt;b&gt;nobody&lt;/b&gt; answers 👍" in answer.text
    other = desk.http.get("/console/audit", params={"words": "charged"}, headers=signed_in(desk.http, "department", "technical"))
    assert (case.case_id in other.text, "Okafor" in other.text) == (False, False)
    assert desk.journal() == []


def test_what_cannot_be_put_on_record_is_not_shown(desk: Desk, case: OnRecord) -> None:
    owner = create_engine(desk.database)
    with owner.begin() as connection:
        connection.execute(text("revoke execute on function journal_append(text[], text[]) from loopkeeper_app"))
    owner.dispose()
    answer = desk.http.get(f"/console/audit/cases/{case.case_id}", params={"words": "yes"}, headers=signed_in(desk.http, "auditor"))
    assert answer.status_code >= 500
    assert "charged" not in answer.text


def test_the_page_of_a_case_as_of_then_says_so(desk: Desk, case: OnRecord) -> None:
    first = desk.store.records.chain(case.case_id)[0].recorded_us
    then = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=first)).isoformat()
    page = desk.page(f"/console/audit/cases/{case.case_id}", as_of=then)
    total = len(desk.store.records.chain(case.case_id))
    assert f"1 of {total} events" in page
    assert "<code>accepted</code>" not in page
    (kept,) = [entry.event for _, _, entry in desk.store.journal.entries() if entry.event.kind == "case_read"]
    assert kept.as_of == datetime.fromisoformat(then)


def test_what_cannot_be_read_is_a_page_with_a_sentence(desk: Desk, case: OnRecord) -> None:
    for query, status, told in (
        ({"as_of": "soon"}, 422, "as_of: &#39;soon&#39; is no moment"),
        ({"as_of": "2020-01-01"}, 404, "it was opened at"),
    ):
        answer = desk.http.get(f"/console/audit/cases/{case.case_id}", params=query, headers=signed_in(desk.http, "auditor"))
        assert (answer.status_code, told in answer.text) == (status, True), answer.text
        assert f'href="/console/audit/cases/{case.case_id}"' in answer.text
    answer = desk.http.get("/console/audit/cases/nobody's <b>", headers=signed_in(desk.http, "auditor"))
    assert answer.status_code == 404
    assert "there is no case &#39;nobody&#39;s &lt;b&gt;&#39;" in answer.text
    assert desk.journal() == []


def test_the_pages_go_on_where_the_page_before_ended(desk: Desk) -> None:
    cases = [OnRecord.opened(desk.store, f"p{n}", author=author(n)).case_id for n in range(52)]
    desk.catch_up()
    first = desk.page("/console/audit", department="technical", words="") + desk.page("/console/audit", brand="meridian")
    assert "No case" in first
    older = re.search(r'href="(/console/audit\?[^"]*after=[^"]*)"', first)
    assert older is not None
    second = desk.page(older[1].replace("&amp;", "&"))
    shown = re.findall(r"/console/audit/cases/([^\"]+)\"", first + second)
    assert shown == cases[::-1]


BROKEN: list[tuple[str, str]] = [
    ("update case_event set doc = replace(doc, 'UANA', 'UBEN') where case_id = :case", "was changed after it was recorded"),
    ("update log_leaf set hash = sha256('x') where case_id = :case and seq = 2", "is not the one that was sealed in the log"),
    ("update checkpoint set note = replace(note, E'\\n\\n', E'\\nmore\\n\\n')", "cannot be trusted"),
    ("delete from log_key", "signed by nobody"),
]


@pytest.mark.parametrize(("change", "told"), BROKEN)
def test_what_was_changed_behind_the_history_is_named_on_the_page(desk: Desk, case: OnRecord, change: str, told: str) -> None:
    whole = desk.page(f"/console/audit/cases/{case.case_id}")
    assert "none was changed" in whole
    assert "are in the log of" in whole
    owner = create_engine(desk.database)
    with owner.begin() as connection:
        connection.execute(text("set local session_replication_role = replica"))
        connection.execute(text(change), {"case": case.case_id} if ":case" in change else {})
    owner.dispose()
    assert told in desk.page(f"/console/audit/cases/{case.case_id}")
