"""Real parts for all tests: one PostgreSQL for the session, a database of its own for each test that asks for one."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from playwright.sync_api import Browser
from sqlalchemy import create_engine, text
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from adapters.keyring import Keyring
from adapters.postgres.engine import open_engine
from adapters.postgres.schema import migrate
from adapters.postgres.store import Store
from cli.engines import Postgres
from domain.pace import REAL_TIME
from tests.browsing import chromium
from tests.policies import SHIPPED, around_the_clock

settings.register_profile("suite", deadline=None, print_blob=True)
settings.load_profile("suite")

KEYS = Keyring.parse("k1:" + "a2V5" * 10 + "a2U=")
INDEX_KEY = b"index key of the tests, 32 bytes"
POLICY = around_the_clock(SHIPPED)
WORDING = (Path(__file__).parents[1] / "policies" / "wording.en.yaml").read_text()
_numbers = itertools.count(1)
APART = ("unit", "integration")
"""Folders whose files need nothing of each other. All others share an installation, or load the machine, and go one after another."""


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Which tests go to the same of two processes, in their order (`python3 dev.py test`)."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return file if file.split("/")[1] in APART else "one after another"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """See `Together`."""
    return Together(config, log)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser. It is closed with its module: while it is open, nothing else can run an event loop in this thread."""
    with chromium() as one:
        yield one


@pytest.fixture(scope="session")
def own_folder() -> Iterator[Path]:
    """A temporary folder of our own. pytest's are closed to others anew by every run of pytest, and PostgreSQL may be another user."""
    with tempfile.TemporaryDirectory(prefix="loopkeeper-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres(own_folder: Path) -> Iterator[Postgres]:
    """A PostgreSQL that does not wait for the disk, with a migrated database `template_lk` to copy."""
    folder = own_folder / "pg"
    folder.mkdir()
    server = Postgres(folder / "s", database="template_lk")
    service = server.service(folder / "log", fsync=False)
    service.start()
    service.wait_ready(30)
    server.ensure_database()
    engine = open_engine(server.url(), pool=1, role=None)
    migrate(engine)
    engine.dispose()
    yield server
    service.stop()


def open_on(database: str) -> Store:
    """The store in a database."""
    return Store.open(database, pool=8, keyring=KEYS, index_key=INDEX_KEY, pace=REAL_TIME, name="tests")


@contextmanager
def fresh_database(postgres: Postgres) -> Iterator[str]:
    """The address of a fresh, migrated database, as the superuser."""
    name = f"t{next(_numbers)}"
    admin = create_engine(postgres.url("postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        # By its files: the other strategy writes all of it to the log first, which costs ten times the CPU.
        connection.execute(text(f"create database {name} template template_lk strategy file_copy"))
    yield postgres.url(name)
    with admin.connect() as connection:
        connection.execute(text(f"drop database {name} with (force)"))
    admin.dispose()


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    """The address of a fresh, migrated database, as the superuser."""
    with fresh_database(postgres) as address:
        yield address


@pytest.fixture
def open_store(database: str) -> Iterator[Callable[[], Store]]:
    """Opens stores on one fresh database in which the default policy is in force."""
    opened: list[Store] = []

    def open_one() -> Store:
        store = open_on(database)
        if not opened:
            store.book.activate(POLICY, WORDING, by="tests")
        opened.append(store)
        return store

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[[], Store]) -> Store:
    """One store."""
    return open_store()
