"""Connections: one pool a process, short transactions, and a role that can do no more than it must."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from domain.ports import Unavailable

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


_held: ContextVar[tuple[Engine, Connection] | None] = ContextVar("held", default=None)


@contextmanager
def connected(engine: Engine) -> Iterator[Connection]:
    """A connection for reading: the one that is held (`together`), or else one of its own."""
    held = _held.get()
    if held is not None and held[0] is engine:
        yield held[1]
        return
    with engine.connect() as connection:
        yield connection


@contextmanager
def together(engine: Engine) -> Iterator[None]:
    """What is read within this goes over one connection: taking one, trying it and giving it back takes longer than most reads.

    Nothing in it may take another connection (`transaction`, `begin`): with all of them held, everybody would wait for one more.
    """
    with connected(engine) as connection:
        token = _held.set((engine, connection))
        try:
            yield
        finally:
            _held.reset(token)


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction, committed at the end. Raises Unavailable when the database cannot be reached or gives up waiting."""
    try:
        with engine.begin() as connection:
            yield connection
    except (OperationalError, InterfaceError, PoolExhausted) as error:
        raise Unavailable(f"the database cannot be reached ({type(error).__name__})") from error
