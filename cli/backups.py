"""Verbs for backups: make one, and bring one back into an empty database."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from adapters.checkpoint_places import checkpoints_in
from adapters.erasure_list import ErasureFile
from adapters.postgres.engine import open_engine
from adapters.postgres.journal import PostgresJournal
from adapters.postgres.log import PostgresLog
from adapters.postgres.schema import migrate, version
from cli.app import app, out
from cli.dumps import BACKUP_ROLE, OWNER_ROLE, BackupFailed, dump, load
from cli.installed import find_settings
from cli.persons import OPERATOR
from domain.checkpoints import Checkpoint
from domain.journal import Restored

_DUMP, _NOTE = "database.dump", "backup.json"
_FILLED = text("select exists (select 1 from case_event) or exists (select 1 from subject) or exists (select 1 from policy_version)")
_TABLES = text("select exists (select 1 from pg_tables where schemaname = 'public')")


@dataclass(frozen=True, slots=True)
class Note:
    """What stands beside a dump: which version it needs, how far the log went, and what belongs to it and is not in it."""

    made_at: str
    revision: str
    sha256: str
    log_size: int
    checkpoint: str | None
    erasure_list: str | None
    erased: int
    checkpoint_file: str | None
    v: int = 1

    @staticmethod
    def read(folder: Path) -> Note:
        """Raises BackupFailed."""
        try:
            return Note(**json.loads((folder / _NOTE).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            raise BackupFailed(f"{folder} is not a backup of Loopkeeper, or was not finished: it needs {_DUMP} and {_NOTE}") from None


@app.command()
def backup(to: Annotated[Path, typer.Argument(help="A folder that is not there yet.")]) -> None:
    """Make a backup of the database: one consistent state of everything, while everything goes on."""
    settings = find_settings()
    if to.exists():
        raise BackupFailed(f"{to} is there already; name a folder that is not")
    half = to.with_name(to.name + ".part")
    with _acting(settings.backup_database_url or settings.database_url, BACKUP_ROLE, "LOOPKEEPER_BACKUP_DATABASE_URL") as engine:
        with engine.connect() as connection:
            revision = version(connection)
            latest = connection.execute(text("select size, note from checkpoint order by size desc limit 1")).one_or_none()
        if revision is None:
            raise BackupFailed("there is nothing to back up: the database was never migrated")
        try:
            half.mkdir(parents=True, mode=0o700)
        except FileExistsError:
            raise BackupFailed(f"{half} is there: another backup is being made, or one was cut off; throw it away in that case") from None
        dump(engine, half / _DUMP)
    listed = ErasureFile(settings.erasure_list).lines() if settings.erasure_list is not None else []
    note = Note(
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        revision=revision,
        sha256=_hash(half / _DUMP),
        log_size=latest.size if latest is not None else 0,
        checkpoint=latest.note if latest is not None else None,
        erasure_list=str(settings.erasure_list) if settings.erasure_list is not None else None,
        erased=len(listed),
        checkpoint_file=str(settings.checkpoint_file) if settings.checkpoint_file is not None else None,
    )
    (half / _NOTE).write_text(json.dumps(asdict(note), indent=2) + "\n", "utf-8")
    for name in (_DUMP, _NOTE, "."):
        _sync(half / name)
    half.rename(to)
    _sync(to.parent)
    _say(f"{to}: the database at step {revision}, {note.log_size} events in the log's last checkpoint.")
    _say("Not in it, to be kept apart from it: LOOPKEEPER_KEYS, LOOPKEEPER_INDEX_KEY, the log's key,")
    _say(f"  the erasure list ({note.erasure_list or 'LOOPKEEPER_ERASURE_LIST is not set'}) and the checkpoints")


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="The folder of a backup.")],
    checkpoints: Annotated[
        Path | None, typer.Option("--checkpoints", help="Checkpoints from outside to hold it against. Default: LOOPKEEPER_CHECKPOINT_FILE.")
    ] = None,
) -> None:
    """Bring a backup into an empty database, and say what to do before anybody works with it. Stop all processes first."""
    settings = find_settings()
    note = Note.read(source)
    if _hash(source / _DUMP) != note.sha256:
        raise BackupFailed(
            f"{source / _DUMP} is not what was backed up: it was cut off or changed. Take another backup; nothing was restored"
        )
    engine = open_engine(settings.migration_database_url or settings.database_url, pool=2, role=None, name="loopkeeper restore")
    try:
        _check_empty(engine, note.revision)
        migrate(engine, note.revision)
        load(engine, source / _DUMP)
        taken = migrate(engine)
    finally:
        engine.dispose()
    with _acting(settings.migration_database_url or settings.database_url, "loopkeeper_app", "LOOPKEEPER_MIGRATION_DATABASE_URL") as engine:
        latest = PostgresLog(engine).latest()
        size = latest.size if latest is not None else 0
        outside = _outside(checkpoints or settings.checkpoint_file)
        PostgresJournal(engine).note(Restored(datetime.now(UTC), size, outside[-1].size if outside else None), OPERATOR)
        made = f"{datetime.fromisoformat(note.made_at).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        _say(f"Restored: the backup of {made}, {size} events in the log{', then took ' + ', '.join(taken) if taken else ''}.")
        fault = _held_against(PostgresLog(engine), size, outside)
    _say("Now, before any process is started:")
    _say("  loopkeeper privacy again       erases again whoever was erased since the backup")
    _say("  loopkeeper reconcile           shows which cases Temporal and the database know differently; --apply mends them")
    _say("  loopkeeper audit verify        on a fresh export, with the newest checkpoint from outside that is no larger")
    if fault is not None:
        raise BackupFailed(fault)


def _held_against(log: PostgresLog, size: int, outside: list[Checkpoint]) -> str | None:
    """Say how the restored log stands to the checkpoints outside; what is wrong with it, if so."""
    if not outside:
        _say("No checkpoint from outside is at hand, so nobody can tell whether its past was changed; give one with --checkpoints.")
        return None
    newest = outside[-1]
    if newest.size > size:
        _say(
            f"Lost: the {newest.size - size} events between the backup and the newest checkpoint outside ({newest.size} events, "
            f"{newest.at:%Y-%m-%d %H:%M} UTC). Keep that file under another name, as their proof, and begin a new one: docs/backup.md."
        )
    for checkpoint in reversed(outside):
        if checkpoint.size <= size:
            if log.root_at(checkpoint.size) == checkpoint.root:
                _say(f"It continues the checkpoint of {checkpoint.size} events from outside: its past was not changed.")
                return None
            return (
                f"the restored log is not what the checkpoint of {checkpoint.size} events from outside says: its past was changed, or it "
                "is another installation's. Keep it as it is, and do not start anything: docs/backup.md"
            )
    return None


def _outside(file: Path | None) -> list[Checkpoint]:
    if file is None or not file.exists():
        return []
    try:
        return sorted((Checkpoint.parse(one.text) for one in checkpoints_in(file.read_text("utf-8", "replace"))), key=lambda one: one.size)
    except OSError as error:
        raise BackupFailed(f"the checkpoints in {file} cannot be read ({error.strerror})") from None


def _check_empty(engine: Engine, revision: str) -> None:
    """Raises BackupFailed when there is anything in the database. One that a restore has migrated and not filled is empty."""
    with engine.connect() as connection:
        there = version(connection)
        if there == revision:
            connection.execute(text(f"set role {OWNER_ROLE}"))
            used = connection.execute(_FILLED).scalar_one()
        else:
            used = there is not None or connection.execute(_TABLES).scalar_one()
        connection.rollback()
    if used:
        raise BackupFailed(f"the database '{engine.url.database}' is not empty; a backup is restored into a new one: docs/backup.md")


@contextmanager
def _acting(url: str, role: str, variable: str) -> Iterator[Engine]:
    engine = open_engine(url, pool=1, role=role, name="loopkeeper backup")
    try:
        with engine.connect():
            pass
        yield engine
    except ProgrammingError as error:
        if "permission denied to set role" in str(error):
            raise BackupFailed(
                f"this database login may not act as {role}; {variable} names one that may (deploy/postgres-roles.sh)"
            ) from None
        raise
    finally:
        engine.dispose()


def _hash(file: Path) -> str:
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise BackupFailed(f"{file} cannot be read ({error.strerror})") from None


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _say(line: str) -> None:
    out.print(line, markup=False, soft_wrap=True)
