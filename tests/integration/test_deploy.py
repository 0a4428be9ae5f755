"""The logins that deploy/postgres-roles.sh makes are enough for what they are for, and for nothing more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import ProgrammingError

from adapters.notary import Notary
from adapters.postgres.engine import open_engine
from adapters.postgres.log import Sealer
from adapters.postgres.schema import DatabaseNotReady, check, migrate
from cli.engines import Postgres
from tests.integration.conftest import PASSWORDS, url_of

ROOT = Path(__file__).parents[2]


def test_the_migrator_migrates_and_the_service_serves_without_rights_over_history(deployed: Postgres) -> None:
    unfit = open_engine(url_of(deployed, "loopkeeper_service"), pool=1, role=None)
    with pytest.raises(DatabaseNotReady, match=r"permission denied.*LOOPKEEPER_MIGRATION_DATABASE_URL"):
        migrate(unfit)
    unfit.dispose()
    migrator = open_engine(url_of(deployed, "loopkeeper_migrator"), pool=1, role=None)
    limits: set[tuple[str, str]] = set()

    def look(_connection: object, cursor: Any, statement: str, *_: object) -> None:
        if "set role loopkeeper_owner" in statement:  # a step begins
            cursor.execute("select current_setting('statement_timeout'), current_setting('lock_timeout')")
            limits.add(cursor.fetchone())

    event.listen(migrator, "before_cursor_execute", look)
    assert migrate(migrator) != []
    assert limits == {("0", "5s")}  # a step takes as long as a large database needs, and yet keeps nobody waiting for a lock
    assert migrate(migrator) == []
    with migrator.connect() as connection:
        assert connection.execute(text("show statement_timeout")).scalar_one() == "15s"
    migrator.dispose()

    service = open_engine(url_of(deployed, "loopkeeper_service"), pool=1)
    check(service)
    with service.begin() as connection:
        assert connection.execute(text("select case_append('c', array['w1'], array['{}'], array[null::uuid])")).scalar_one() == 1
    for forbidden in ("delete from case_event", "update subject set wrapped_key = null", "create table t ()", "set role loopkeeper_owner"):
        with pytest.raises(ProgrammingError, match="permission denied"), service.begin() as connection:
            connection.execute(text(forbidden))
    service.dispose()


def test_the_housekeeper_seals_and_the_service_may_not(deployed: Postgres) -> None:
    sealing = open_engine(url_of(deployed, "loopkeeper_housekeeper"), pool=1, role="loopkeeper_sealer")
    assert Sealer(sealing, Notary.parse(Notary.new_key("log.example/log"))).seal() is not None
    sealing.dispose()
    unfit = open_engine(url_of(deployed, "loopkeeper_service"), pool=1, role="loopkeeper_sealer")
    with pytest.raises(ProgrammingError, match="permission denied to set role"):
        unfit.connect()


@pytest.mark.parametrize(
    ("login", "role", "may", "may_not"),
    [
        ("loopkeeper_housekeeper", "loopkeeper_sealer", "delete from unsealed", "select * from words"),
        (
            "loopkeeper_housekeeper",
            "loopkeeper_privacy",
            "update words set sealed = null, erased_hash = sealed_hash",
            "select * from person",
        ),
        ("loopkeeper_housekeeper", None, "select 1", "select * from cases"),
        ("loopkeeper_housekeeper", None, "set role loopkeeper_app", "set role loopkeeper_owner"),
        ("loopkeeper_archivist", "loopkeeper_backup", "select * from words", "delete from draft"),
        ("loopkeeper_archivist", None, "select 1", "set role loopkeeper_privacy"),
        ("loopkeeper_inspector", None, "select * from case_event", "select * from words"),
        ("loopkeeper_inspector", None, "select * from checkpoint", "set role loopkeeper_app"),
        ("loopkeeper_service", None, "set role loopkeeper_app", "set role loopkeeper_privacy"),
    ],
)
def test_the_other_logins_have_the_roles_that_they_are_for(
    deployed: Postgres, login: str, role: str | None, may: str, may_not: str
) -> None:
    migrator = open_engine(url_of(deployed, "loopkeeper_migrator"), pool=1, role=None)
    migrate(migrator)
    migrator.dispose()
    engine = open_engine(url_of(deployed, login), pool=1, role=role)
    with engine.connect() as connection:
        connection.execute(text(may))
        connection.rollback()
        with pytest.raises(ProgrammingError, match="permission denied"):
            connection.execute(text(may_not))
    engine.dispose()


def test_every_password_that_the_logins_need_is_asked_for_by_the_compose_file_and_the_example() -> None:
    compose, example = (ROOT / "docker-compose.yml").read_text(), (ROOT / ".env.example").read_text()
    for who in PASSWORDS:
        assert f"{who}_PASSWORD: ${{{who}_PASSWORD:?set it in .env}}" in compose
        assert f"\n{who}_PASSWORD=\n" in example


@pytest.mark.parametrize(
    ("login", "database"), [("temporal", "loopkeeper"), ("loopkeeper_service", "temporal"), ("loopkeeper_archivist", "temporal")]
)
def test_neither_gets_into_the_others_database(deployed: Postgres, login: str, database: str) -> None:
    engine = create_engine(url_of(deployed, login, database))
    with pytest.raises(Exception, match="permission denied for database"):
        engine.connect()


def test_temporal_can_make_its_tables(deployed: Postgres) -> None:
    for database in ("temporal", "temporal_visibility"):
        engine = create_engine(url_of(deployed, "temporal", database))
        with engine.begin() as connection:
            connection.execute(text("create table t ()"))
        engine.dispose()
