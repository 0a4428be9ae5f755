"""The logins that deploy/postgres-roles.sh makes are enough for what they are for, and for nothing more."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError

from adapters.notary import Notary
from adapters.postgres.engine import open_engine
from adapters.postgres.log import Sealer
from adapters.postgres.schema import DatabaseNotReady, check, migrate
from cli.engines import Postgres, _pg_bin

SCRIPT = Path(__file__).parents[2] / "deploy" / "postgres-roles.sh"


@pytest.fixture(scope="module")
def server(own_folder: Path) -> Iterator[Postgres]:
    """A PostgreSQL as new as the one in a container, with the script run on it."""
    folder = own_folder / "deploy"
    folder.mkdir()
    server = Postgres(folder / "s")
    service = server.service(folder / "log", fsync=False)
    service.start()
    service.wait_ready(30)
    passwords = {f"{who}_PASSWORD": "it's $1" for who in ("MIGRATOR", "SERVICE", "HOUSEKEEPER", "TEMPORAL")}
    path = f"{_pg_bin('psql').parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "PGHOST": str(server.sockets), "POSTGRES_USER": "postgres", **passwords}
    subprocess.run(["sh", str(SCRIPT)], env=environment, check=True, capture_output=True)
    yield server
    service.stop()


def url(server: Postgres, login: str, database: str = "loopkeeper") -> str:
    return make_url(server.url(database)).set(username=login).render_as_string(hide_password=False)


def test_the_migrator_migrates_and_the_service_serves_without_rights_over_history(server: Postgres) -> None:
    unfit = open_engine(url(server, "loopkeeper_service"), pool=1, role=None)
    with pytest.raises(DatabaseNotReady, match=r"permission denied.*LOOPKEEPER_MIGRATION_DATABASE_URL"):
        migrate(unfit)
    unfit.dispose()
    migrator = open_engine(url(server, "loopkeeper_migrator"), pool=1, role=None)
    assert migrate(migrator) != []
    assert migrate(migrator) == []
    migrator.dispose()

    service = open_engine(url(server, "loopkeeper_service"), pool=1)
    check(service)
    with service.begin() as connection:
        assert connection.execute(text("select case_append('c', array['w1'], array['{}'], array[null::uuid])")).scalar_one() == 1
    for forbidden in ("delete from case_event", "update subject set wrapped_key = null", "create table t ()", "set role loopkeeper_owner"):
        with pytest.raises(ProgrammingError, match="permission denied"), service.begin() as connection:
            connection.execute(text(forbidden))
    service.dispose()


def test_the_housekeeper_seals_and_the_service_may_not(server: Postgres) -> None:
    sealing = open_engine(url(server, "loopkeeper_housekeeper"), pool=1, role="loopkeeper_sealer")
    assert Sealer(sealing, Notary.parse(Notary.new_key("log.example/log"))).seal() is not None
    sealing.dispose()
    unfit = open_engine(url(server, "loopkeeper_service"), pool=1, role="loopkeeper_sealer")
    with pytest.raises(ProgrammingError, match="permission denied to set role"):
        unfit.connect()


@pytest.mark.parametrize(("login", "database"), [("temporal", "loopkeeper"), ("loopkeeper_service", "temporal")])
def test_neither_gets_into_the_others_database(server: Postgres, login: str, database: str) -> None:
    engine = create_engine(url(server, login, database))
    with pytest.raises(Exception, match="permission denied for database"):
        engine.connect()


def test_temporal_can_make_its_tables(server: Postgres) -> None:
    for database in ("temporal", "temporal_visibility"):
        engine = create_engine(url(server, "temporal", database))
        with engine.begin() as connection:
            connection.execute(text("create table t ()"))
        engine.dispose()
