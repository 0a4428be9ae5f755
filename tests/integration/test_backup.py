"""A backup is made by a login that only reads, brought back by one that may migrate, and held against what is outside."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from typer.testing import CliRunner, Result

import cli.backups
import cli.privacy
from adapters.checkpoint_places import CheckpointFile
from adapters.notary import Notary
from adapters.postgres.engine import open_engine
from adapters.postgres.keys import NewKey
from adapters.postgres.log import LogHashes, PostgresLog, Sealer
from adapters.postgres.schema import check, migrate
from adapters.postgres.store import Store
from cli.app import app
from cli.engines import Postgres
from domain import commands as c
from domain.checkpoints import Note
from domain.errors import LoopkeeperError
from domain.merkle import consistency_proof, continues
from domain.values import SYSTEM, Role
from tests.conftest import INDEX_KEY, KEYS, POLICY, WORDING, open_on
from tests.integration.conftest import url_of
from tests.integration.onrecord import OnRecord

NOTARY = Notary.parse(Notary.new_key("log.example/log"))
Run = Callable[..., Result]


def recreated(server: Postgres, name: str) -> None:
    admin = create_engine(server.url("postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"drop database if exists {name} with (force)"))
        connection.execute(text(f"create database {name} owner loopkeeper_migrator"))
    admin.dispose()


@pytest.fixture
def store(deployed: Postgres) -> Iterator[Store]:
    """An installation's database, with a policy in force."""
    recreated(deployed, "loopkeeper")
    migrator = open_engine(url_of(deployed, "loopkeeper_migrator"), pool=1, role=None)
    migrate(migrator)
    migrator.dispose()
    store = open_on(url_of(deployed, "loopkeeper_service"))
    store.book.activate(POLICY, WORDING, by="tests")
    yield store
    store.close()


@pytest.fixture
def run(deployed: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    assert cli.backups.backup is not None
    monkeypatch.setenv("LOOPKEEPER_KEYS", ",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in KEYS.keys))
    monkeypatch.setenv("LOOPKEEPER_INDEX_KEY", base64.b64encode(INDEX_KEY).decode())
    monkeypatch.setenv("LOOPKEEPER_ERASURE_LIST", str(tmp_path / "erasures.jsonl"))
    monkeypatch.setenv("LOOPKEEPER_CHECKPOINT_FILE", str(tmp_path / "checkpoints.txt"))

    def run(*words: str, database: str = "loopkeeper", **environment: str) -> Result:
        logins = {
            "DATABASE_URL": "loopkeeper_service",
            "LOOPKEEPER_BACKUP_DATABASE_URL": "loopkeeper_archivist",
            "LOOPKEEPER_MIGRATION_DATABASE_URL": "loopkeeper_migrator",
            "LOOPKEEPER_PRIVACY_DATABASE_URL": "loopkeeper_housekeeper",
        }
        set_up = {name: url_of(deployed, login, database) for name, login in logins.items()}
        return CliRunner().invoke(app, words, env={**set_up, **environment})

    return run


def sentence(result: Result) -> str:
    assert isinstance(result.exception, LoopkeeperError), result.output
    return str(result.exception)


def seal(server: Postgres, file: Path, database: str = "loopkeeper") -> None:
    """Seal, and publish the checkpoint outside."""
    engine = open_engine(url_of(server, "loopkeeper_housekeeper", database), pool=1, role="loopkeeper_sealer")
    assert Sealer(engine, NOTARY).seal() is not None
    latest = PostgresLog(engine).latest()
    assert latest is not None
    CheckpointFile(file).publish(Note.parse(latest.note), latest.size)
    engine.dispose()


def test_what_was_backed_up_comes_back_is_held_against_the_checkpoint_outside_and_the_erased_stay_erased(
    deployed: Postgres, store: Store, run: Run, tmp_path: Path
) -> None:
    kept = OnRecord.opened(store, "p1", text="No internet for five days.")
    gone = OnRecord.opened(store, "q1", text="Forget me.", author={"id": "88", "handle": "kim", "name": "Kim Lee"})
    gone.command(c.Dismiss, "spam")
    seal(deployed, tmp_path / "checkpoints.txt")
    sealed = store.log.latest()
    chains = {case.case_id: store.records.chain(case.case_id) for case in (kept, gone)}
    to = tmp_path / "backup"
    assert f"{to}: the database at step" in run("backup", str(to)).output
    assert json.loads((to / "backup.json").read_text())["log_size"] == (sealed.size if sealed else 0)

    # After the backup: a customer is erased, and the log goes on.
    keys = [store.keys.make(NewKey(name, Role.PRIVACY), SYSTEM)[1] for name in ("Bo", "Chi")]
    subject = run("privacy", "find", "x", "kim").output.split()[0]
    assert run("privacy", "erase", subject, "--reason", "letter", LOOPKEEPER_PERSON_KEY=keys[0]).exit_code == 0
    assert run("privacy", "confirm", "1", "--yes", LOOPKEEPER_PERSON_KEY=keys[1]).exit_code == 0
    seal(deployed, tmp_path / "checkpoints.txt")
    store.engine.dispose()

    recreated(deployed, "restored")
    told = run("restore", str(to), database="restored")
    assert told.exit_code == 0, told.exception
    assert "It continues the checkpoint of" in told.output
    assert "Lost: the" in told.output
    assert "loopkeeper privacy again" in told.output
    restored = open_on(url_of(deployed, "loopkeeper_service", "restored"))
    check(restored.engine)
    assert {case: restored.records.chain(case) for case in chains} == chains
    assert restored.reader.file(gone.case_id).first_words == "Forget me.", "the backup has them still"
    assert "Erased again: 1 customer, 1 text in 1 case." in run("privacy", "again", database="restored").output
    assert restored.reader.file(gone.case_id).first_words == "(erased)"
    assert restored.reader.file(kept.case_id).first_words == "No internet for five days."

    # It goes on from there: sealed, and still a continuation of what was outside when the backup was made.
    OnRecord.opened(restored, "p2")
    seal(deployed, tmp_path / "new-checkpoints.txt", "restored")
    latest = restored.log.latest()
    assert latest is not None
    assert sealed is not None
    with restored.engine.connect() as connection:
        proof = consistency_proof(LogHashes(connection), sealed.size, latest.size)
    assert continues(sealed.size, sealed.root, latest.size, latest.root, proof)
    kinds = [entry.event.kind for _, _, entry in restored.journal.entries()]
    assert kinds[-2:] == ["restored", "subject.erased"]
    restored.close()


def test_a_restored_log_that_is_not_what_is_outside_is_named(deployed: Postgres, store: Store, run: Run, tmp_path: Path) -> None:
    OnRecord.opened(store, "p1")
    seal(deployed, tmp_path / "checkpoints.txt")
    superuser = create_engine(deployed.url("loopkeeper"))
    with superuser.begin() as connection:
        connection.execute(text("set session_replication_role = replica"))
        connection.execute(text("update log_leaf set hash = sha256('x') where leaf = 1"))
    superuser.dispose()
    run("backup", str(tmp_path / "backup"))
    recreated(deployed, "restored")
    assert "its past was changed" in sentence(run("restore", str(tmp_path / "backup"), database="restored"))


def test_a_restore_refuses_what_is_no_backup_and_what_is_no_empty_database(
    deployed: Postgres, store: Store, run: Run, tmp_path: Path
) -> None:
    to = tmp_path / "backup"
    assert run("backup", str(to)).exit_code == 0
    assert "is there already" in sentence(run("backup", str(to)))
    assert "is not empty" in sentence(run("restore", str(to)))
    assert "is not a backup of Loopkeeper" in sentence(run("restore", str(tmp_path)))
    recreated(deployed, "restored")
    dumped = to / "database.dump"
    whole = dumped.read_bytes()
    dumped.write_bytes(whole[:-100])
    assert "it was cut off or changed" in sentence(run("restore", str(to), database="restored"))
    dumped.write_bytes(whole)
    note = json.loads((to / "backup.json").read_text())
    (to / "backup.json").write_text(json.dumps({**note, "revision": "9999"}))
    assert "does not know the step 9999" in sentence(run("restore", str(to), database="restored"))
    (to / "backup.json").write_text(json.dumps(note))
    assert run("restore", str(to), database="restored").exit_code == 0


def test_a_login_that_may_not_read_everything_makes_no_backup(deployed: Postgres, store: Store, run: Run, tmp_path: Path) -> None:
    as_service = {"LOOPKEEPER_BACKUP_DATABASE_URL": url_of(deployed, "loopkeeper_service")}
    refused = sentence(run("backup", str(tmp_path / "backup"), **as_service))
    assert "may not act as loopkeeper_backup; LOOPKEEPER_BACKUP_DATABASE_URL names one that may" in refused
    assert not (tmp_path / "backup").exists()
