"""Bringing the database to the shape that this version needs."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from domain.errors import LoopkeeperError

_MIGRATIONS = Path(__file__).parents[2] / "migrations"
_ONE_AT_A_TIME = 0x6C6F6F70  # an advisory lock of our own, so that two starting instances do not migrate at once
OLDEST_SERVER = 180000


class DatabaseNotReady(LoopkeeperError):
    """The database is not in the shape that this version needs."""


def migrate(engine: Engine, to: str = "head") -> list[str]:
    """Bring the database up to date, or to the step `to`; the names of the steps taken. `engine` must act as one who may create roles.

    Raises DatabaseNotReady.
    """
    with engine.connect() as connection:
        connection.execute(text("select pg_advisory_lock(:key)"), {"key": _ONE_AT_A_TIME})
        connection.execute(text("set statement_timeout = 0"))  # an index of a million cases takes its time; waiting for a lock does not
        connection.commit()
        try:
            _check_server(connection)
            before = version(connection)
            config = _config(connection)
            command.upgrade(config, to)
            script = ScriptDirectory.from_config(config)
            taken = [step.revision for step in script.iterate_revisions(to, before) if step.revision != before]
            connection.commit()
        except CommandError as error:
            raise DatabaseNotReady(
                f"this version of Loopkeeper does not know the step {to} ({error}); use the version that made it"
            ) from None
        except DBAPIError as error:
            said = str(error.orig).strip().splitlines()[0]
            login = "LOOPKEEPER_MIGRATION_DATABASE_URL names the login that may change its shape"
            raise DatabaseNotReady(f"the database could not be brought up to date: {said} ({login})") from error
        finally:
            connection.rollback()
            connection.execute(text("reset statement_timeout"))
            connection.execute(text("select pg_advisory_unlock(:key)"), {"key": _ONE_AT_A_TIME})
            connection.commit()
    return list(reversed(taken))


def check(engine: Engine) -> None:
    """Raises DatabaseNotReady when the database lacks a step, or has one that this version does not know."""
    with engine.connect() as connection:
        _check_server(connection)
        there = version(connection)
    needed = ScriptDirectory.from_config(_config(None)).get_current_head()
    if there != needed:
        raise DatabaseNotReady(f"the database is at step {there or 'none'} and this version needs {needed}; run: loopkeeper migrate")


def _check_server(connection: Connection) -> None:
    number = int(connection.execute(text("show server_version_num")).scalar_one())
    if number < OLDEST_SERVER:
        raise DatabaseNotReady(f"PostgreSQL {number // 10000} is too old; Loopkeeper needs version 18 or later")


def version(connection: Connection) -> str | None:
    """The step that the database is at; None when it was never migrated."""
    there = MigrationContext.configure(connection).get_current_revision()
    connection.commit()
    return there


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
