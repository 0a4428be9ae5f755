"""kill -9 of PostgreSQL under six writers and a sealer: nothing that was acknowledged is lost, no chain is broken, the log is whole."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from adapters.postgres.engine import open_engine, transaction
from adapters.postgres.log import Sealer
from adapters.postgres.records import append
from adapters.postgres.schema import migrate
from cli.engines import Postgres
from cli.processes import Service, ServiceFailed
from domain.ports import Unavailable
from tests.conftest import open_on
from tests.integration.exports import NOTARY, Archive
from tests.integration.test_history import entry

WRITERS, KILLS, BETWEEN = 6, 10, 120
"""So many writers, so many kills, and so many events acknowledged from one kill to the next."""


class Crowd:
    """Writers that write on whatever happens, and remember what they were told is recorded; and a sealer, and what it signed."""

    def __init__(self, database: str) -> None:
        self.acknowledged: list[tuple[str, str]] = []
        self.notes: list[str] = []
        self.gone_wrong: list[BaseException] = []
        self._database = database
        self._ended = threading.Event()
        self._more = threading.Condition()
        self._threads = [threading.Thread(target=self._kept_up, args=(self._write, n)) for n in range(WRITERS)]
        self._threads.append(threading.Thread(target=self._kept_up, args=(self._seal, 0)))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(60)

    def wait_for(self, events: int) -> None:
        """Wait until so many events were acknowledged in all."""
        with self._more:
            enough = self._more.wait_for(lambda: len(self.acknowledged) >= events or self.gone_wrong, timeout=60)
        assert enough, f"only {len(self.acknowledged)} of {events} events were acknowledged in a minute"
        assert self.gone_wrong == []

    def _kept_up(self, work: object, number: int) -> None:
        assert callable(work)
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - shown by the test, which runs in another thread
            with self._more:
                self.gone_wrong.append(error)
                self._more.notify_all()

    def _write(self, writer: int) -> None:
        engine = open_engine(self._database, pool=1)
        done = 0
        while not self._ended.is_set():
            # Two writers share a case; the same event is tried again until it is acknowledged, as the product does.
            case, keys = f"case-{writer // 2}", [f"{writer}-{done}", f"{writer}-{done}b"]
            try:
                with transaction(engine) as connection:
                    append(connection, case, [entry(key) for key in keys])
            except (Unavailable, DBAPIError):
                self._ended.wait(0.02)
                continue
            done += 1
            with self._more:
                self.acknowledged += [(case, key) for key in keys]
                self._more.notify_all()
        engine.dispose()

    def _seal(self, _: int) -> None:
        engine = open_engine(self._database, pool=1, role="loopkeeper_sealer")
        sealer = Sealer(engine, NOTARY, at_once=50)
        while not self._ended.is_set():
            try:
                sealed = sealer.seal()
            except (Unavailable, DBAPIError):
                self._ended.wait(0.02)
                continue
            if sealed is not None:
                self.notes.append(str(NOTARY.sign(sealed)))
        engine.dispose()


@pytest.fixture
def server(own_folder: Path) -> Iterator[tuple[Service, Postgres]]:
    """A PostgreSQL that keeps its promises, for killing."""
    folder = own_folder / "killed-pg"
    folder.mkdir()
    postgres = Postgres(folder / "s")
    service = postgres.service(folder / "log")
    service.start()
    service.wait_ready(30)
    postgres.ensure_database()
    owner = open_engine(postgres.url(), pool=1, role=None)
    migrate(owner)
    owner.dispose()
    yield service, postgres
    service.stop()


def up_again(service: Service, attempts: int = 50) -> None:
    """Start the server; it refuses as long as one of its processes that was left behind has not noticed yet."""
    for _ in range(attempts):
        try:
            service.start()
            return service.wait_ready(60)
        except ServiceFailed:
            continue
    raise AssertionError(f"the server did not come up in {attempts} attempts: {service.tail()}")


def test_what_was_acknowledged_outlives_ten_kills_and_the_log_is_whole(server: tuple[Service, Postgres], tmp_path: Path) -> None:
    service, postgres = server
    with Crowd(postgres.url()) as crowd:
        for kill in range(KILLS):
            crowd.wait_for(len(crowd.acknowledged) + BETWEEN)
            assert service.process is not None
            service.process.kill()
            service.process.wait(10)
            up_again(service)
            assert crowd.gone_wrong == [], f"after kill {kill + 1}"
        crowd.wait_for(len(crowd.acknowledged) + BETWEEN)
    assert crowd.gone_wrong == []
    store = open_on(postgres.url())
    sealing, superuser = open_engine(postgres.url(), pool=1, role="loopkeeper_sealer"), create_engine(postgres.url())
    try:
        with superuser.connect() as connection:
            there = {tuple(row) for row in connection.execute(text("select case_id, key from case_event"))}
        assert set(crowd.acknowledged) <= there
        for case in {case for case, _ in crowd.acknowledged}:
            assert store.records.verify(case) is None
        archive = Archive(store, sealing, superuser, tmp_path)
        archive.seal()
        bundle = archive.bundle()
        assert len(crowd.notes) > KILLS
        for outside in crowd.notes[:: max(1, len(crowd.notes) // 20)]:
            code, told = archive.verify(bundle, since=outside)
            assert code == 0, told
    finally:
        store.close()
        sealing.dispose()
        superuser.dispose()
