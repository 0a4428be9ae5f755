"""`bench history`: how fast events are appended beside plain inserts, sealed, exported, verified and searched.

One PostgreSQL of its own, on the disk (fsync on). An append is one event of an open case in a transaction of its own, through the only
function that may; beside it, turn and turn about in the same run, a plain insert of a row of the same bytes into a table with the same
keys. Then the log is grown to its size, exported as a whole (to a file) and verified, three times each; the median counts.
"""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from io import StringIO
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from adapters.export.bundle import write_bundle
from adapters.keyring import Keyring
from adapters.notary import Notary
from adapters.postgres.engine import open_engine
from adapters.postgres.exporting import PostgresExporter
from adapters.postgres.log import Sealer
from adapters.postgres.schema import migrate
from adapters.postgres.vault import Vault
from bench.figures import Aim, Benchmark, Json, Say
from bench.stack import QUIET, Neighbours, bench_folder
from cli.engines import Postgres
from domain.errors import LoopkeeperError
from domain.exporting import Form
from domain.seeking import Sought
from domain.values import Actor, Role, Via
from verifier import loopkeeper_verify

SIZE = 500_000
CASES = 1_000_000
"""So many cases are searched; with a smaller log, as many as it has events."""
WRITERS = (1, 8)
ROUNDS, SECONDS = 5, 3.0
PER_CASE = 10
_BY = '"by":{"person":"slack:U0ANA00001","role":"department","via":"slack"}'
_DOC = (
    f'{{"at":"2026-03-04T09:38:00Z",{_BY},"cause":"slack:1337.42.abc","data":{{"parts":[{{"remote_id":"1846","url":"https://x.example/1846"}}],'
    '"purpose":"holding_update","step":3,"words":"0195f3a0-7b1c-7e52-8f6e-2f1f0c7d9a11"},"kind":"reply_posted","policy":"default@e860d0d996","v":1}'
)
_PLAIN = """
create table plain (case_id text not null, seq int not null, event_id uuid not null, recorded_us bigint not null, key text not null,
  doc text not null, words uuid, words_hash bytea, prev_hash bytea not null, hash bytea not null,
  primary key (case_id, seq), unique (case_id, key));
grant insert on plain to loopkeeper_app
"""
_INSERT = text("insert into plain values (:case, :seq, cast(:id as uuid), :us, :key, :doc, null, null, :hash, :hash)")
_APPEND = text("select case_append(:case, array[:key], array[:doc], array[cast(null as uuid)])")
_FILL = text(
    "select count(case_append('meridian-x-' || n, (select array_agg('w' || k) from generate_series(1, :per_case) k), "
    "array_fill(cast(:doc as text), array[:per_case]), array_fill(cast(null as uuid), array[:per_case]))) "
    "from generate_series(:first, :last) n"
)
Write = Callable[[Connection, str, int], None]


@dataclass(frozen=True)
class Turn:
    """What so many writers did in a second: plain inserts, and appends right after."""

    writers: int
    plain: float
    appends: float

    @property
    def ratio(self) -> float:
        """Appends for each plain insert."""
        return self.appends / self.plain


@dataclass(frozen=True)
class Readings:
    """Everything that was measured. `sealed`, `exported`, `verified`: events a second, each time."""

    events: int
    turns: Sequence[Turn]
    sealed: Sequence[float]
    exported: Sequence[float]
    verified: Sequence[float]
    verified_cpu: Sequence[float]
    search: Mapping[str, Json]
    others: float

    def figures(self) -> dict[str, Json]:
        """By name."""
        by_writers = {writers: [turn for turn in self.turns if turn.writers == writers] for writers in WRITERS}
        return {
            "append_ratio_to_plain_insert": round(min(median(t.ratio for t in turns) for turns in by_writers.values()), 2),
            "append_ratio_by_writers": {str(w): round(median(t.ratio for t in turns), 2) for w, turns in by_writers.items()},
            "appends_per_second": round(median(t.appends for t in by_writers[WRITERS[-1]])),
            "appends_per_second_by_writers": {str(w): round(median(t.appends for t in turns)) for w, turns in by_writers.items()},
            "plain_inserts_per_second_by_writers": {str(w): round(median(t.plain for t in turns)) for w, turns in by_writers.items()},
            "events": self.events,
            "sealed_events_per_second": round(median(self.sealed)),
            "export_events_per_second": round(median(self.exported)),
            "verify_events_per_second": round(median(self.verified)),
            "verify_events_per_cpu_second": round(median(self.verified_cpu)),
            "search_p99_ms": None,
            **self.search,
            "others_cpu_share": self.others,
        }


def median(values: Iterator[float] | Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def run(say: Say, size: int = SIZE) -> Mapping[str, Json]:
    """Measure."""
    neighbours = Neighbours()
    with bench_folder() as folder, _database(folder) as url:
        engine, owner = open_engine(url, pool=max(WRITERS)), open_engine(url, pool=1, role=None)
        try:
            with owner.begin() as connection:
                connection.execute(text(_PLAIN))
            turns = []
            for number, writers in itertools.product(range(ROUNDS), WRITERS):
                turn = Turn(writers, _written(engine, _insert, writers), _written(engine, _append, writers))
                turns.append(turn)
                say(f"round {number + 1}, writers {writers}: {turn.plain:.0f} plain inserts, {turn.appends:.0f} appends a second")
            _fill(owner, size, say)
            sealed = _sealed(owner, say)
            events, exported, verified, cpu = _exported(engine, folder / "bundle.zip", say)
            search = _searched(url, say, CASES if size >= SIZE else size)
        finally:
            engine.dispose()
            owner.dispose()
    return Readings(events, turns, sealed, exported, verified, cpu, search, neighbours.share).figures()


@contextmanager
def _database(folder: Path) -> Iterator[str]:
    """A fresh PostgreSQL with nothing in it but its tables."""
    import shutil

    place = folder / "history"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    server = Postgres(place / "s")
    service = server.service(place / "log")
    service.start()
    try:
        service.wait_ready(60)
        server.ensure_database()
        owner = open_engine(server.url(), pool=1, role=None)
        migrate(owner)
        owner.dispose()
        yield server.url()
    finally:
        service.stop()
        server.tidy()
    shutil.rmtree(place, ignore_errors=True)


def _written(engine: Engine, write: Write, writers: int) -> float:
    """How many writes a second so many writers commit, each one by one."""
    counts, failures = [0] * writers, list[BaseException]()
    begin, run_id = threading.Barrier(writers + 1), os.urandom(4).hex()
    deadline = [0.0]

    def work(writer: int) -> None:
        try:
            begin.wait()
            with engine.connect() as connection:
                for number in itertools.count():
                    if time.monotonic() > deadline[0]:
                        return
                    write(connection, f"meridian-x-{run_id}.{writer}.{number // PER_CASE}", number)
                    connection.commit()
                    counts[writer] += 1
        except BaseException as error:  # noqa: BLE001 - raised below, in the thread that waits
            failures.append(error)

    threads = [threading.Thread(target=work, args=(writer,)) for writer in range(writers)]
    for thread in threads:
        thread.start()
    started = time.monotonic()
    deadline[0] = started + SECONDS
    begin.wait()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sum(counts) / (time.monotonic() - started)


def _insert(connection: Connection, case: str, number: int) -> None:
    hashed = os.urandom(32)
    identity = f"0195f3a0-7b1c-7e52-8f6e-{os.urandom(6).hex()}"
    values = {"case": case, "seq": number % PER_CASE + 1, "id": identity, "us": time.time_ns() // 1000, "key": f"w{number}", "doc": _DOC}
    connection.execute(_INSERT, {**values, "hash": hashed})


def _append(connection: Connection, case: str, number: int) -> None:
    connection.execute(_APPEND, {"case": case, "key": f"w{number}", "doc": _DOC})


def _fill(owner: Engine, size: int, say: Say) -> None:
    say(f"recording {size:,} events …")
    at_once = 2_000
    for first in range(1, size // PER_CASE + 1, at_once):
        last = min(first + at_once - 1, size // PER_CASE)
        with owner.begin() as connection:
            connection.execute(text("set local statement_timeout = 0"))
            connection.execute(_FILL, {"doc": _DOC, "per_case": PER_CASE, "first": first, "last": last})


def _sealed(owner: Engine, say: Say) -> list[float]:
    """Events sealed a second, in batches as large as they come when sealing lags."""
    sealer = Sealer(owner, Notary.parse(Notary.new_key("bench.example/log")))
    rates, before, began = [], 0, time.monotonic()
    while (checkpoint := sealer.seal()) is not None:
        now = time.monotonic()
        rates.append((checkpoint.size - before) / (now - began))
        before, began = checkpoint.size, now
    say(f"sealed {before:,} events, {median(rates):,.0f} a second")
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("set statement_timeout = 0"))
        connection.execute(text("vacuum analyze"))
    return rates


def _exported(engine: Engine, file: Path, say: Say) -> tuple[int, list[float], list[float], list[float]]:
    """Events in the bundle; exported and verified a second, three times; and verified a second of CPU."""
    exporter = PostgresExporter(engine, Vault(Keyring(()), b""))
    exported, verified, cpu = [], [], []
    for _ in range(3):
        began = time.monotonic()
        with exporter.export(Sought(), Form.BUNDLE, Actor("bench", Role.AUDITOR, Via.CLI)) as export, file.open("wb") as raw:
            write_bundle(export, raw, datetime.now(UTC))
        events = export.scope.events
        exported.append(events / (time.monotonic() - began))
        began, spent = time.monotonic(), time.process_time()
        with redirect_stdout(StringIO()):
            code = loopkeeper_verify.main([str(file)])
        if code != 0:
            raise LoopkeeperError("the bundle that was exported does not verify")
        verified.append(events / (time.monotonic() - began))
        cpu.append(events / (time.process_time() - spent))
        say(f"exported {exported[-1]:,.0f} and verified {verified[-1]:,.0f} events a second")
    file.unlink()
    return events, exported, verified, cpu


def _searched(url: str, say: Say, cases: int) -> Mapping[str, Json]:
    """What searching takes: measured by a module of its own, which builds what it searches."""
    if importlib.util.find_spec("bench.history_search") is None:
        return {}
    figures: Mapping[str, Json] = importlib.import_module("bench.history_search").measure(url, say, cases)
    return figures


def at_sizes(sizes: Sequence[int]) -> Callable[[Say], Mapping[str, Json]]:
    """With a log of so many events; of several sizes, the largest counts."""
    return partial(run, size=max(sizes))


HISTORY_BENCHMARK = Benchmark(
    summary="Appending, sealing, exporting, verifying and searching histories",
    keys=(
        *("append_ratio_to_plain_insert", "appends_per_second", "verify_events_per_second", "export_events_per_second"),
        "search_p99_ms",
    ),
    aims={
        "append_ratio_to_plain_insert": Aim(at_least=0.75),
        "verify_events_per_second": Aim(at_least=150_000),
        "export_events_per_second": Aim(at_least=80_000),
        "search_p99_ms": Aim(at_most=100),
        "others_cpu_share": QUIET,
    },
    run=run,
    at_sizes=at_sizes,
)
