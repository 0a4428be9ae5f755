"""Connections: one pool a process, short transactions, and a role that can do no more than it must."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection

LOCK_TIMEOUT_MS = 5_000
STATEMENT_TIMEOUT_MS = 15_000
IDLE_IN_TRANSACTION_MS = 20_000
APP_ROLE = "loopkeeper_app"


def open_engine(url: str, *, pool: int, role: str | None = APP_ROLE, name: str = "loopkeeper") -> Engine:
    """An engine for `url` (`postgresql+psycopg2://…`) with exactly `pool` connections, acting as `role`.

    A connection that broke is replaced when it is next taken from the pool. Nobody waits for a lock longer than 5 s.
    """
    options = (
        f"-c lock_timeout={LOCK_TIMEOUT_MS} -c statement_timeout={STATEMENT_TIMEOUT_MS} "
        f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS} -c timezone=UTC"
    )
    engine = create_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        pool_pre_ping=True,
        pool_timeout=30,
        connect_args={"options": options, "application_name": name, "connect_timeout": 5},
    )
    if role is not None:

        @event.listens_for(engine, "connect")
        def act_as(connection: DBAPIConnection, _record: Any) -> None:
            cursor = connection.cursor()
            cursor.execute(f"set role {role}")
            cursor.close()
            connection.commit()

    return engine
