"""Exports: what is in them, that they are on record before they leave, and the one filter, one export, one verify of an auditor."""

from __future__ import annotations

import base64
import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from adapters.export.bundle import ahead, write_bundle
from adapters.postgres.exporting import NobodyFits, NothingSealed, PostgresExporter
from adapters.postgres.store import Store
from cli import audit  # noqa: F401 - adds its verbs
from cli.app import app
from domain import events as e
from domain.errors import LoopkeeperError
from domain.exporting import Form
from domain.history import Entry
from domain.journal import HistoryExported, SubjectErased, WordsRead
from domain.ports import Written
from domain.seeking import Outcome, Sought
from domain.values import SYSTEM, Actor, ClockName, Role, Via
from tests.conftest import INDEX_KEY
from tests.integration.exports import AUDITOR, NOTARY, Archive, archive_on
from tests.integration.opened import created, open_case, place
from tests.integration.test_history import add, entry

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
Run = Callable[..., Result]


@pytest.fixture
def archive(database: str, store: Store) -> Iterator[Archive]:
    with archive_on(database, store) as archive:
        yield archive


@pytest.fixture
def run(database: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command, on the database of the test."""
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("LOOPKEEPER_KEYS", "k1:" + "a2V5" * 10 + "a2U=")
    monkeypatch.setenv("LOOPKEEPER_INDEX_KEY", base64.b64encode(INDEX_KEY).decode())

    def run(*words: object) -> Result:
        return CliRunner().invoke(app, ["audit", *map(str, words)])

    return run


def happens(store: Store, case: str, *events: e.Event, by: Actor = SYSTEM) -> None:
    number = len(store.records.chain(case))
    add(store, case, *(Written.of(Entry(f"t{number + n}", event, by, "test", "default@1")) for n, event in enumerate(events)))


def broke(department: str, *then: str) -> list[e.Event]:
    """A case that is with a department, is passed on, and breaks a promise."""
    moves = [e.Reassigned(NOW, other, department) for other in then]
    return [e.HandedOff(NOW, department), *moves, e.PromiseBroken(NOW, NOW)]


def found(archive: Archive, sought: Sought) -> set[str]:
    """The cases of an export, by their posts."""
    try:
        bundle = archive.bundle(sought)
    except NobodyFits:
        return set()
    code, told = archive.verify(bundle)
    assert code == 0, told
    with zipfile.ZipFile(io.BytesIO(bundle)) as files:
        return {json.loads(line)["case"].removeprefix("meridian-x-") for line in files.read("events.jsonl").splitlines()}


def test_every_case_of_a_month_in_which_billing_broke_a_promise_with_proof(archive: Archive, run: Run, tmp_path: Path) -> None:
    store = archive.store
    told: dict[str, list[e.Event]] = {
        "p1": broke("billing"),
        "p2": broke("billing", "technical"),
        "p3": [e.HandedOff(NOW, "billing"), e.PromiseKept(NOW, NOW)],
        "p4": broke("billing"),
        "p5": [*broke("technical"), e.Reassigned(NOW, "billing", "technical")],
        "p6": broke("technical", "billing"),
    }
    for post, events in told.items():
        happens(store, open_case(store, post), *events)
    archive.tamper("update case_event set recorded_us = recorded_us - 86400000000 * 70 where case_id = 'meridian-x-p4'")
    archive.chain_anew("meridian-x-p4")
    archive.tamper("update unsealed u set hash = e.hash from case_event e where (e.case_id, e.seq) = (u.case_id, u.seq)")
    outside = archive.seal()
    (tmp_path / "keys").write_text(f"{NOTARY.verifiers[0]}\n")
    (tmp_path / "since").write_text(outside)

    out = tmp_path / "september.zip"
    month = f"{datetime.now(UTC):%Y-%m}"
    exported = run("export", "--kind", "promise_broken", "--department", "billing", "--month", month, "--out", out, "--wait", 0)
    assert exported.exit_code == 0, exported.output
    verified = run("verify", out, "--public-key", tmp_path / "keys", "--since", tmp_path / "since")
    assert verified.exit_code == 0, verified.output
    assert "filtered export of loopkeeper.example.com/log; sought: department billing; event promise_broken" in verified.output
    summary = run("export", "--kind", "promise_broken", "--department", "billing", "--out", tmp_path / "again.zip", "--wait", 0, "--json")
    assert {"form": "bundle", "cases": 3}.items() <= json.loads(summary.stdout).items()
    with zipfile.ZipFile(out) as files:
        cases = {json.loads(line)["case"] for line in files.read("heads.jsonl").splitlines()}
    assert cases == {"meridian-x-p1", "meridian-x-p6"}


def test_each_part_of_a_filter_means_what_it_says(archive: Archive) -> None:
    store = archive.store
    ana, bo = Actor("slack:UANA", Role.DEPARTMENT, Via.SLACK), Actor("slack:UBO", Role.DEPARTMENT, Via.SLACK)
    place(store, created("p1", author={"id": "1", "handle": "sam", "name": "Sam Okafor"}, text="My router burns."))
    place(store, created("p2", author={"id": "2", "handle": "kim", "name": "Kim"}, text="Charged twice."))
    happens(store, "meridian-x-p1", e.HandedOff(NOW, "technical"), e.Accepted(NOW, "slack:UANA"), by=ana)
    happens(store, "meridian-x-p1", e.PromiseBroken(NOW, NOW), e.ClockBreached(NOW, ClockName.RESOLVE, NOW, NOW))
    happens(store, "meridian-x-p2", e.HandedOff(NOW, "billing"), e.Accepted(NOW, "slack:UBO"), by=bo)
    archive.tamper("update cases set closed_at = now(), waived_by = 'slack:UBO' where case_id = 'meridian-x-p2'")
    archive.seal()
    now, day = datetime.now(UTC), timedelta(days=1)
    number = {row: n for n, row in enumerate(("p1", "p2"), 1)}
    for sought, cases in [
        (Sought(cases=("meridian-x-p2",)), "p2"),
        (Sought(number=number["p1"]), "p1"),
        (Sought(customer="@SAM"), "p1"),
        (Sought(customer="Kim"), "p2"),
        (Sought(customer="nobody"), ""),
        (Sought(person="slack:UBO"), "p2"),
        (Sought(person="slack:UANA", kind="promise_broken"), "p1"),
        (Sought(person="slack:UBO", kind="promise_broken"), ""),
        (Sought(department="technical"), "p1"),
        (Sought(channel="x", brand="meridian"), "p1 p2"),
        (Sought(channel="facebook"), ""),
        (Sought(words="ROUTER"), "p1"),
        (Sought(breached=ClockName.RESOLVE), "p1"),
        (Sought(breached=ClockName.RESOLVE, department="billing"), ""),
        (Sought(breached=ClockName.ACCEPT), ""),
        (Sought(kind="accepted", department="billing", recorded_from=now - day, recorded_until=now + day), "p2"),
        (Sought(kind="accepted", recorded_until=now - day), ""),
        (Sought(recorded_from=now - day), "p1 p2"),
        (Sought(opened_from=now + day), ""),
        (Sought(opened_until=now + day), "p1 p2"),
        (Sought(outcome=Outcome.OPEN), "p1"),
        (Sought(outcome=Outcome.WAIVED), "p2"),
        (Sought(outcome=Outcome.CLOSED), ""),
        (Sought(outcome=Outcome.MERGED), ""),
    ]:
        assert found(archive, sought) == set(cases.split()), sought


def test_an_export_is_on_record_before_its_first_byte(archive: Archive) -> None:
    open_case(archive.store, "p1")
    open_case(archive.store, "p2")
    archive.seal()

    def noted() -> list[object]:
        return [entry.event for _, _, entry in archive.store.journal.entries() if isinstance(entry.event, HistoryExported | WordsRead)]

    exporter = PostgresExporter(archive.store.engine, archive.store.vault)
    with exporter.export(Sought(channel="x"), Form.BUNDLE, AUDITOR, with_words=True) as export:
        told = noted()
        assert [type(one) for one in told] == [HistoryExported, WordsRead, WordsRead]
        (exported, *words) = told
        assert isinstance(exported, HistoryExported)
        assert (exported.form, exported.sought, exported.cases, exported.with_words) == ("bundle", "channel x", 2, True)
        assert exported.events == export.scope.events == 6
        assert {one.case for one in words if isinstance(one, WordsRead)} == {"meridian-x-p1", "meridian-x-p2"}
    archive.bundle()
    assert [type(one) for one in noted()[3:]] == [HistoryExported], "without words nobody read any"


def test_private_words_leave_only_when_asked_for_and_then_are_noted_as_such(archive: Archive) -> None:
    case = open_case(archive.store)
    reference = archive.store.reader.keep(case, "My account number is 12", private=True)
    happens(archive.store, case, e.NoteAdded(NOW, reference))
    archive.seal()
    sought = Sought(cases=(case,))
    code, told = archive.verify(archive.bundle(sought, with_words=True))
    assert code == 0
    assert "Words: 1 as recorded, 1 withheld, 0 gone" in told
    code, told = archive.verify(archive.bundle(sought, with_words=True, private=True))
    assert code == 0
    assert "2 as recorded, 0 withheld" in told
    privately = [entry.event.private for _, _, entry in archive.store.journal.entries() if isinstance(entry.event, WordsRead)]
    assert privately == [False, True]


def test_words_of_somebody_who_was_erased_are_gone_and_the_proof_of_it_is_in_the_bundle(archive: Archive) -> None:
    case, other = open_case(archive.store), open_case(archive.store, "p2")
    with archive.superuser.connect() as connection:
        subject = str(connection.execute(text("select subject_id from cases where case_id = :case"), {"case": case}).scalar_one())
    archive.tamper(f"update subject set wrapped_key = null, profile = null where id = '{subject}'")
    archive.store.journal.note(SubjectErased(NOW, "er1", subject, (case, other), 2), SYSTEM)
    archive.store.journal.note(SubjectErased(NOW, "er2", "somebody-else", ("x",), 1), SYSTEM)
    archive.seal()
    code, told = archive.verify(archive.bundle(Sought(cases=(case,)), with_words=True))
    assert code == 0, told
    assert "0 as recorded, 0 withheld, 1 gone; erasures: 1" in told
    code, told = archive.verify(archive.bundle(with_words=True))
    assert code == 0, told
    assert "2 gone; erasures: 2" in told


def test_what_is_not_sealed_yet_is_left_out_and_counted(archive: Archive) -> None:
    case = open_case(archive.store)
    archive.seal()
    add(archive.store, case, entry("later"))
    open_case(archive.store, "p2")
    for sought, left_out in ((Sought(cases=(case,)), 1), (Sought(), 5)):
        bundle = archive.bundle(sought)
        assert archive.verify(bundle)[0] == 0
        with zipfile.ZipFile(io.BytesIO(bundle)) as files:
            assert json.loads(files.read("manifest.json"))["not_sealed_yet"] >= left_out


def test_a_bundle_needs_a_checkpoint_and_other_forms_do_not(archive: Archive, run: Run, tmp_path: Path) -> None:
    open_case(archive.store)
    with pytest.raises(NothingSealed, match="LOOPKEEPER_LOG_KEY"):
        archive.bundle()
    ran = run("export", "--form", "jsonl", "--out", "-")
    assert ran.exit_code == 0
    assert {"admin_acted", "opened"} < {json.loads(line)["doc"]["kind"] for line in ran.stdout.splitlines()}


def test_nobody_who_fits_is_a_sentence_and_no_file(archive: Archive, run: Run, tmp_path: Path) -> None:
    archive.seal()
    ran = run("export", "--channel", "facebook", "--out", tmp_path / "nothing.zip")
    assert isinstance(ran.exception, NobodyFits)
    assert str(ran.exception) == "no case fits: channel facebook"
    assert list(tmp_path.iterdir()) == []


def test_a_page_is_of_one_case_and_what_is_refused_is_not_on_record_as_exported(archive: Archive, run: Run, tmp_path: Path) -> None:
    open_case(archive.store)
    open_case(archive.store, "p2")
    ran = run("export", "--form", "html", "--out", tmp_path / "page.html")
    assert isinstance(ran.exception, NobodyFits)
    assert "a page is of one case, and 2 fit" in str(ran.exception)
    assert [x for _, _, x in archive.store.journal.entries() if isinstance(x.event, HistoryExported)] == []


def test_an_export_that_fails_half_way_leaves_no_file_that_could_be_taken_for_one(
    archive: Archive, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_case(archive.store)
    archive.seal()
    (tmp_path / "kept.zip").write_bytes(b"an older export")

    def breaks(*_: object) -> None:
        raise LoopkeeperError("the database cannot be reached")

    monkeypatch.setattr("adapters.postgres.exporting.Export.events", breaks)
    assert run("export", "--out", tmp_path / "kept.zip").exit_code == 1
    assert [(f.name, f.read_bytes()) for f in tmp_path.iterdir()] == [("kept.zip", b"an older export")]


def test_a_bundle_can_be_written_into_a_pipe(archive: Archive) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.written = b""

        def writable(self) -> bool:
            return True

        def write(self, block: bytes) -> int:  # type: ignore[override]
            self.written += block
            return len(block)

    open_case(archive.store)
    archive.seal()
    pipe = Pipe()
    exporter = PostgresExporter(archive.store.engine, archive.store.vault)
    with exporter.export(Sought(), Form.BUNDLE, AUDITOR) as export:
        write_bundle(export, pipe, NOW)  # type: ignore[arg-type]
    assert archive.verify(pipe.written)[0] == 0


def test_what_fails_while_it_is_fetched_ahead_fails_where_it_is_read() -> None:
    def blocks() -> Iterator[tuple[bytes, int]]:
        yield b"a", 1
        raise LoopkeeperError("gone")

    read = ahead(blocks())
    assert next(read) == (b"a", 1)
    with pytest.raises(LoopkeeperError, match="gone"):
        next(read)


def test_tables_have_a_row_a_case_and_a_row_an_event_and_no_formulas(archive: Archive, run: Run, tmp_path: Path) -> None:
    case = open_case(archive.store)
    happens(archive.store, case, e.Dismissed(NOW, '=HYPERLINK("http://x")'))
    archive.tamper("update cases set closing_permalink = '=cmd|calc', owner = '@SUM(1)', waived_by = '-1+1', department = '+1'")
    out = tmp_path / "tables.zip"
    assert run("export", "--form", "jsonl", "--out", "-").exit_code == 0, "which is in the journal from then on"
    assert run("export", "--form", "csv", "--out", out).exit_code == 0
    with zipfile.ZipFile(out) as files:
        cases = list(csv.DictReader(io.StringIO(files.read("cases.csv").decode("utf-8-sig"))))
        events = list(csv.DictReader(io.StringIO(files.read("events.csv").decode("utf-8-sig"))))
    (row,) = cases
    assert (row["case_id"], row["closing_permalink"], row["owner"], row["waived_by"]) == (case, "'=cmd|calc", "'@SUM(1)", "'-1+1")
    of_case = [event for event in events if event["case"] == case]
    assert [event["seq"] for event in of_case] == [str(n) for n in range(1, len(archive.store.records.chain(case)) + 1)]
    assert of_case[0]["kind"] == "opened"
    assert any(event["case"].startswith("'@journal-") and event["kind"] == "history_exported" for event in events)


def test_a_case_to_read_shows_every_script_and_nothing_of_it_is_markup(archive: Archive, run: Run, tmp_path: Path) -> None:
    words = "مرحبا، لم يصل طلبي 🙏🏽 <script>alert(1)</script> 我的路由器坏了 👩‍👩‍👧‍👦 &amp; नमस्ते"
    place(archive.store, created(text=words, author={"id": "9", "handle": "layla", "name": "ليلى"}))
    happens(archive.store, "meridian-x-p1", e.HandedOff(NOW, "billing"), e.PromiseBroken(NOW, NOW))
    ran = run("export", "--form", "html", "--case", "meridian-x-p1", "--out", tmp_path / "case.html")
    assert ran.exit_code == 0, ran.exception
    page = (tmp_path / "case.html").read_text("utf-8")
    assert "مرحبا، لم يصل طلبي 🙏🏽 &lt;script&gt;alert(1)&lt;/script&gt; 我的路由器坏了 👩‍👩‍👧‍👦 &amp;amp; नमस्ते" in page
    assert "<script" not in page
    assert "ليلى \u200e(@layla)" in page
    assert "https://x.example/sam/p1" in page
    assert "The chain of its events holds." in page
    assert [type(x.event) for _, _, x in archive.store.journal.entries() if isinstance(x.event, WordsRead)] == [WordsRead]


def test_keys_checkpoint_and_journal_can_be_had_at_the_command_line(archive: Archive, run: Run) -> None:
    assert isinstance(run("key").exception, LoopkeeperError)
    assert "Nothing was ever sealed" in run("checkpoint").output
    made = run("new-key", "log.example.com/loopkeeper")
    assert made.stdout.startswith("PRIVATE+KEY+log.example.com/loopkeeper+")
    assert "Its public key, for auditors: log.example.com/loopkeeper+" in made.stderr
    note = archive.seal()
    assert run("key").stdout == f"{NOTARY.verifiers[0]}\n"
    assert run("checkpoint").stdout == note
    (line,) = run("journal", "--kind", "log_key_changed").stdout.splitlines()
    assert json.loads(line)["entry"]["data"]["verifier"] == str(NOTARY.verifiers[0])
    assert run("journal", "--kind", "hold_set").stdout == ""
    printed = run("verifier").stdout
    assert printed.startswith("#!/usr/bin/env python3")
    compile(printed, "verifier", "exec")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--month", "September"], "'September' is not a month"),
        (["--recorded-from", "yesterday"], "'yesterday' is not a date"),
        (["--kind", "promise_brocken"], "no event 'promise_brocken'"),
        (["--form", "csv", "--with-words"], "the form csv is without words"),
        (["--since", "/nowhere"], "/nowhere cannot be read"),
    ],
)
def test_what_cannot_be_exported_is_said(archive: Archive, run: Run, tmp_path: Path, words: list[str], told: str) -> None:
    ran = run("export", "--out", tmp_path / "x", *words)
    assert isinstance(ran.exception, LoopkeeperError)
    assert told in str(ran.exception)
