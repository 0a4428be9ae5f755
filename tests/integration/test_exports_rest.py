"""Exports over REST: on record before they leave, one's own alone, cancelled, broken off and downloaded again from another instance."""

from __future__ import annotations

import base64
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from adapters.postgres import exporting
from adapters.postgres.erasing import _EXPORTS
from adapters.postgres.keys import NewKey
from adapters.postgres.store import Store
from api.exports import conveying
from domain import events as e
from domain.journal import CaseRead, HistoryExported, WordsRead
from domain.rights import Right
from domain.values import SYSTEM, Role
from settings import HERE
from tests.conftest import INDEX_KEY
from tests.integration.conftest import serving
from tests.integration.exports import Archive, archive_on
from tests.integration.opened import open_case
from tests.integration.test_export import NOW, broke, happens

KEYS = "k1:" + "a2V5" * 10 + "a2U="
PROMISES = {"kind": "promise_broken", "department": "billing"}


@dataclass
class Office:
    """An API with an archive behind it, and auditors' programs."""

    http: httpx.Client
    archive: Archive
    database: str

    @property
    def store(self) -> Store:
        return self.archive.store

    def auditor(self, name: str = "An auditor", role: Role = Role.AUDITOR) -> dict[str, str]:
        secret = self.store.keys.make(NewKey(name, role, frozenset({Right.EXPORT})), SYSTEM)[1]
        return {"authorization": f"Bearer {secret}"}

    def ask(self, who: dict[str, str], key: str | None = None, **wanted: Any) -> httpx.Response:
        headers = who if key is None else {**who, "idempotency-key": key}
        return self.http.post("/api/v1/exports", json=wanted, headers=headers)

    def state(self, who: dict[str, str], export: str) -> dict[str, Any]:
        answer = self.http.get(f"/api/v1/exports/{export}", headers=who)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def left(self) -> list[HistoryExported]:
        """What has left, by the journal."""
        return [entry.event for _, _, entry in self.store.journal.entries() if isinstance(entry.event, HistoryExported)]


@pytest.fixture
def office(store: Store, database: str) -> Iterator[Office]:
    with archive_on(database, store) as archive, serving(database) as http:
        yield Office(http, archive, database)


def filled(office: Office, cases: int = 8, signs: int = 3_000_000) -> None:
    """Histories that are more than what lies between two processes, and that nothing makes smaller."""
    for n in range(cases):
        happens(office.store, open_case(office.store, f"p{n}"), e.Dismissed(NOW, secrets.token_urlsafe(signs * 3 // 4)))
    office.archive.seal()


def test_an_export_is_asked_for_followed_downloaded_and_verified_and_on_record(office: Office) -> None:
    happens(office.store, open_case(office.store, "p1"), *broke("billing"))
    happens(office.store, open_case(office.store, "p2"), *broke("technical"))
    checkpoint = office.archive.seal()
    auditor = office.auditor()
    asked = office.ask(auditor, form="bundle", sought=PROMISES)
    assert asked.status_code == 201, asked.text
    export = asked.json()
    assert (export["state"], export["cases"], export["sought"]) == ("asked", None, "department billing; event promise_broken")
    assert office.left() == [], "nothing has left"
    content = office.http.get(f"/api/v1/exports/{export['id']}/content", headers=auditor)
    assert content.headers["content-type"] == "application/zip"
    assert f"-{export['id'][:8]}.zip" in content.headers["content-disposition"]
    code, told = office.archive.verify(content.content, since=checkpoint)
    assert code == 0, told
    now = office.state(auditor, export["id"])
    assert (now["state"], now["cases"], now["written"], now["bytes"]) == ("done", 1, now["events"], len(content.content))
    (left,) = office.left()
    assert (left.form, left.cases, left.sought, left.with_words) == ("bundle", 1, export["sought"], False)
    assert office.http.get("/api/v1/exports", headers=auditor).json()["exports"] == [now]


@pytest.mark.parametrize("form", ["jsonl", "csv", "html"])
def test_the_other_forms_can_be_had_as_well(office: Office, form: str) -> None:
    case = open_case(office.store, "p1")
    office.archive.seal()
    auditor = office.auditor()
    export = office.ask(auditor, form=form, sought={"case": [case]}).json()["id"]
    content = office.http.get(f"/api/v1/exports/{export}/content", headers=auditor)
    inside = {"jsonl": b'"kind":"opened"', "csv": b"events.csv", "html": b"You charged me twice"}[form]
    assert inside in content.content
    assert content.headers["content-disposition"].startswith("attachment; ")
    assert office.state(auditor, export)["state"] == "done"
    read = [entry.event for _, _, entry in office.store.journal.entries() if isinstance(entry.event, WordsRead)]
    assert [one.case for one in read] == ([case] if form == "html" else [])


def test_under_one_key_an_export_is_asked_for_once_and_another_is_refused(office: Office) -> None:
    auditor = office.auditor()
    first = office.ask(auditor, "k1", sought=PROMISES)
    again = office.ask(auditor, "k1", sought=PROMISES)
    assert (first.status_code, again.json()) == (201, first.json())
    other = office.ask(auditor, "k1", sought={"department": "billing"})
    assert (other.status_code, other.json()["code"]) == (422, "key_used_otherwise")
    assert office.ask(office.auditor("Another"), "k1", sought=PROMISES).json()["id"] != first.json()["id"]


def test_what_cannot_be_meant_or_has_no_cases_is_said(office: Office) -> None:
    auditor = office.auditor()
    for wanted, told in (
        ({"form": "csv", "with_words": True}, "without words"),
        ({"form": "jsonl", "since": 4}, "only a bundle"),
        ({"sought": {"kind": "nonsense"}}, "there is no 'nonsense'"),
        ({"sought": {"recorded_from": "yesterday"}}, "is no moment"),
    ):
        answer = office.ask(auditor, **wanted)
        assert (answer.status_code, told in answer.json()["detail"]) == (422, True), answer.text
    open_case(office.store, "p1")
    office.archive.seal()
    export = office.ask(auditor, sought=PROMISES).json()["id"]
    answer = office.http.get(f"/api/v1/exports/{export}/content", headers=auditor)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert "no case fits: department billing" in answer.json()["detail"]
    now = office.state(auditor, export)
    assert (now["state"], "no case fits" in now["problem"]) == ("failed", True)
    assert office.left() == []


def test_an_export_is_there_for_whoever_asked_for_it_alone(office: Office) -> None:
    open_case(office.store, "p1")
    office.archive.seal()
    mine, other = office.auditor(), office.auditor("Another", Role.PRIVACY)
    export = office.ask(mine).json()["id"]
    for method, path in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
        for which in (export, "nothing", "00000000-0000-4000-8000-000000000000"):
            answer = office.http.request(method, f"/api/v1/exports/{which}{path}", headers=other)
            assert answer.status_code == 404, (method, path)
    assert office.http.get("/api/v1/exports", headers=other).json() == {"exports": []}
    assert office.state(mine, export)["state"] == "asked"
    assert office.left() == []


def test_what_proves_a_case_is_there_for_whoever_may_read_it_and_the_journal_is_no_case(office: Office) -> None:
    case = open_case(office.store, "p1")  # which is Billing's
    office.archive.seal()
    journal = office.store.journal.entries()[0][0]
    for department, expected in (("billing", 200), ("technical", 404)):
        made = office.store.keys.make(NewKey(department, Role.DEPARTMENT, None, frozenset({department})), SYSTEM)[1]
        answer = office.http.get(f"/api/v1/cases/{case}/proof", headers={"authorization": f"Bearer {made}"})
        assert answer.status_code == expected
    auditor = {"authorization": f"Bearer {office.store.keys.make(NewKey('An auditor', Role.AUDITOR), SYSTEM)[1]}"}
    for nothing in (journal, "no-such-case", "a%00b"):
        assert office.http.get(f"/api/v1/cases/{nothing}/proof", headers=auditor).status_code == 404
    read = [entry.event.case for _, _, entry in office.store.journal.entries() if isinstance(entry.event, CaseRead)]
    assert read == [case]


def test_what_a_filter_says_of_a_customer_is_kept_sealed(office: Office) -> None:
    sought = {"customer": "SamOkafor1846", "words": "charged"}
    export = office.ask(office.auditor(), sought=sought).json()
    assert export["sought"] == "one customer; certain words"
    with office.archive.superuser.connect() as connection:
        row = str(connection.execute(text("select * from export")).all())
    assert "SamOkafor1846" not in row
    assert "charged" not in row


def test_a_download_ends_when_it_is_cancelled_and_what_is_there_is_known_as_not_whole(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "CASES_AT_ONCE", 1)
    monkeypatch.setattr(conveying, "_TOLD_EVERY_SECONDS", 0.0)
    filled(office)
    auditor = office.auditor()
    export = office.ask(auditor, sought={"kind": "dismissed"}).json()["id"]

    def cancel() -> None:
        assert office.state(auditor, export)["state"] == "running"
        assert office.http.delete(f"/api/v1/exports/{export}", headers=auditor).status_code == 204

    with office.http.stream("GET", f"/api/v1/exports/{export}/content", headers=auditor) as content:
        had = broken_off(content, cancel)
    code, told = office.archive.verify(had)
    assert code == 2, told
    assert office.state(auditor, export)["state"] == "cancelled"
    again = office.http.get(f"/api/v1/exports/{export}/content", headers=auditor)
    assert (again.status_code, again.json()["code"]) == (409, "cancelled")


def test_an_export_of_a_customers_words_does_not_outlive_their_erasure(office: Office) -> None:
    auditor = office.auditor()
    exports = [office.ask(auditor, **wanted).json()["id"] for wanted in ({"with_words": True}, {"sought": {"customer": "sam"}}, {})]
    with office.archive.superuser.begin() as connection:
        connection.execute(text("set local role loopkeeper_privacy"))
        connection.execute(_EXPORTS)
    assert [one["id"] for one in office.http.get("/api/v1/exports", headers=auditor).json()["exports"]] == exports[2:]


def test_when_an_instance_is_killed_in_the_middle_another_one_sends_it_again_whole(office: Office) -> None:
    filled(office)
    auditor = office.auditor()
    export = office.ask(auditor, sought={"kind": "dismissed"}).json()["id"]
    with (
        another_instance(office.database) as process,
        httpx.stream("GET", f"{process.url}/api/v1/exports/{export}/content", headers=auditor, timeout=20, trust_env=False) as content,
    ):
        had = broken_off(content, process.kill)
    code, told = office.archive.verify(had)
    assert code == 2, told
    with office.archive.superuser.begin() as connection:  # instead of waiting
        connection.execute(text("update export set heard_at = heard_at - interval '1 minute'"))
    now = office.state(auditor, export)
    assert now["state"] == "broken_off"
    assert now["problem"].endswith("Download it again")
    whole = office.http.get(f"/api/v1/exports/{export}/content", headers=auditor)
    code, told = office.archive.verify(whole.content)
    assert code == 0, told
    assert office.state(auditor, export)["state"] == "done"
    assert len(office.left()) == 2, "each time is on record"


def broken_off(content: httpx.Response, then: Callable[[], None]) -> bytes:
    """What is had of an answer that is broken off after its beginning, when `then` has happened."""
    blocks, had = content.iter_raw(65536), b""
    try:
        had += next(blocks)
        then()
        for block in blocks:
            had += block
    except httpx.RemoteProtocolError:
        return had
    raise pytest.fail.Exception("the answer came to its end")


@contextmanager
def another_instance(database: str) -> Iterator[Instance]:
    """The API in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    told = {"DATABASE_URL": database, "LOOPKEEPER_KEYS": KEYS, "LOOPKEEPER_INDEX_KEY": base64.b64encode(INDEX_KEY).decode()}
    told |= {"LOOPKEEPER_PORT": str(port), "TEMPORAL_ADDRESS": "127.0.0.1:9", "LOOPKEEPER_PUBLIC_URL": url}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LOOPKEEPER_")}
    instance = Instance(url, subprocess.Popen([sys.executable, "-m", "api"], cwd=HERE, env={**environment, **told}))
    try:
        instance.wait_ready()
        yield instance
    finally:
        instance.kill()


@dataclass
class Instance:
    """Where it is, and its process."""

    url: str
    process: subprocess.Popen[bytes]

    def wait_ready(self) -> None:
        end = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"{self.url}/healthz", trust_env=False).raise_for_status()
            except httpx.TransportError:
                assert self.process.poll() is None, "the API died while starting"
                assert time.monotonic() < end, "the API did not start"
                time.sleep(0.1)  # a poll, bounded above
            else:
                return

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)
