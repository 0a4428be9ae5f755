"""How long it takes to find cases, and to read one, among a million with ten million events.

Every query is drawn anew each time, so that nobody measures one answer that is at hand. Among them are those that a search goes wrong
by: a word in half of all cases, two that are in half of them each and never together, one that only the oldest cases have.
"""

from __future__ import annotations

import random
import shutil
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import Engine, create_engine, make_url, text

from adapters.keyring import Keyring
from adapters.notary import Notary
from adapters.postgres.indexing import Indexer
from adapters.postgres.schema import migrate
from adapters.postgres.store import Store
from bench.figures import Aim, Benchmark, Json, Say, percentile
from bench.many_cases import DEPARTMENTS, FIRST_DAY, PEOPLE, SPAN, VOCABULARY, ManyCases, person_, word
from bench.stack import Neighbours, bench_folder
from cli.engines import Postgres
from domain.errors import LoopkeeperError
from domain.pace import REAL_TIME
from domain.seeking import Outcome, Sought
from domain.values import ClockName

CASES = 1_000_000
ROUNDS = 40
_DATABASE = "many_cases"
MADE_AT_MOST = 20_000
"""So many cases are made one by one; more are copies of them."""
HERE = Path(__file__).resolve().parent.parent
_INDEX = "create index case_search_terms on case_search using gin (facets, words) with (fastupdate = off)"


@dataclass(frozen=True)
class Readings:
    """What was measured. `took`: milliseconds of each query, by kind; `hits`: how many cases its first page had; `reads`: of a case."""

    cases: int
    events: int
    indexed_per_second: float
    bytes_per_case: int
    took: Mapping[str, Sequence[float]]
    hits: Mapping[str, Sequence[int]]
    reads: Sequence[float]

    def figures(self) -> dict[str, Json]:
        """By name."""
        every = [ms for times in self.took.values() for ms in times]
        return {
            "search_cases": self.cases,
            "search_events": self.events,
            "search_p50_ms": round(percentile(every, 0.5), 1),
            "search_p99_ms": round(percentile(every, 0.99), 1),
            "search_max_ms": round(max(every), 1),
            "read_p50_ms": round(percentile(self.reads, 0.5), 1),
            "read_p99_ms": round(percentile(self.reads, 0.99), 1),
            "index_events_per_second": round(self.indexed_per_second),
            "index_bytes_per_case": self.bytes_per_case,
            "searches": {
                name: {
                    "median_ms": round(statistics.median(times), 1),
                    "worst_ms": round(max(times), 1),
                    "median_hits": statistics.median(self.hits[name]),
                }
                for name, times in self.took.items()
            },
        }


def measure(url: str, say: Say, cases: int = CASES) -> Mapping[str, Json]:
    """Make that many cases in a database of their own on the server at `url` (as its superuser), index them, and look for them."""
    server = make_url(url)
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(f"drop database if exists {_DATABASE} with (force)"))
            connection.execute(text(f"create database {_DATABASE} encoding utf8 template template0"))
        try:
            return _measured(server.set(database=_DATABASE).render_as_string(hide_password=False), say, cases)
        finally:
            with admin.connect() as connection:
                connection.execute(text(f"drop database {_DATABASE} with (force)"))
    finally:
        admin.dispose()


def run(say: Say, cases: int = CASES) -> Mapping[str, Json]:
    """Measure, on a PostgreSQL of our own."""
    neighbours = Neighbours()
    with bench_folder() as folder:
        place = folder / "search"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        server = Postgres(place / "pg")
        service = server.service(place / "postgres.log")
        service.start()
        try:
            service.wait_ready(60)
            figures = measure(server.url("postgres"), say, cases)
        finally:
            service.stop()
            server.tidy()
        shutil.rmtree(place)
    return {**figures, "others_cpu_share": neighbours.share}


def _measured(url: str, say: Say, cases: int) -> Mapping[str, Json]:
    owner = create_engine(url)
    migrate(owner)
    keyring = Keyring.parse("k1:" + "a2V5" * 10 + "a2U=")
    store = Store.open(url, pool=4, keyring=keyring, index_key=b"index key of the benchmark, 32 b", pace=REAL_TIME, name="bench")
    try:
        policy, wording = ((HERE / "policies" / name).read_text("utf-8") for name in ("default.yaml", "wording.en.yaml"))
        store.book.activate(policy, wording, by="bench")
        notary, copies = Notary.parse(Notary.new_key("loopkeeper.example.com/bench")), max(1, cases // MADE_AT_MOST)
        many = ManyCases(owner, keyring, notary, store.book.active().id, cases // copies, copies)
        speed = fill(store, owner, many, say)
        say("searching …")
        took, hits = searches(store, many)
        return Readings(many.cases, many.events, speed, index_size(store) // many.cases, took, hits, reads(store, many)).figures()
    finally:
        store.close()
        owner.dispose()


def fill(store: Store, owner: Engine, many: ManyCases, say: Say) -> float:
    """Make the cases, and index those that are not copies; the indexer's events a second. The terms' own index is made of all at once."""
    say(f"making {many.cases:,} cases …")
    many.fill(say)
    with owner.begin() as connection:
        connection.execute(text("analyze"))
    say("indexing …")
    began, indexer = time.perf_counter(), Indexer(store.engine, store.vault)
    while indexer.index(5_000):
        pass
    speed = many.events / (time.perf_counter() - began)
    with owner.begin() as connection:
        connection.execute(text("drop index case_search_terms"))
    many.multiply(say)
    say("the terms' own index …")
    with owner.begin() as connection:
        connection.execute(text("set local maintenance_work_mem = '512MB'"))
        connection.execute(text(_INDEX))
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze"))
    return speed


def index_size(store: Store) -> int:
    """Bytes of what cases are found by."""
    with store.engine.connect() as connection:
        return int(connection.execute(text("select pg_total_relation_size('case_search')")).scalar_one())


@dataclass(frozen=True)
class Queries:
    """Kinds of queries, each drawn anew when it is asked."""

    many: ManyCases
    draw: random.Random

    def kinds(self) -> dict[str, Callable[[], tuple[Sought, int | None]]]:
        """By name: the filter, and where to go on from."""
        return {
            "rare word": lambda: (Sought(words=self._word(VOCABULARY // 2, VOCABULARY)), None),
            "common word": lambda: (Sought(words=self._word(0, 5)), None),
            "common and common": lambda: (Sought(words=f"{self._word(0, 10)} {self._word(0, 10)}"), None),
            "common and rare": lambda: (Sought(words=f"{self._word(0, 10)} {self._word(20_000, 40_000)}"), None),
            "common and common, never together": lambda: (Sought(words="odd even"), None),
            "no such word": lambda: (Sought(words=f"nobody{self.draw.random()} wrote this"), None),
            "only the oldest": lambda: (Sought(words="bygone"), None),
            "only the oldest, and common": lambda: (Sought(words=f"bygone {self._word(0, 5)}"), None),
            "customer": lambda: (Sought(customer=f"@handle{self.draw.randrange(self.many.made)}"), None),
            "number": lambda: (Sought(number=self.draw.randrange(self.many.cases) + 1), None),
            "person": lambda: (Sought(person=self._person()), None),
            "person in a month": lambda: (self._in_a_month(person=self._person()), None),
            "accepted by a person in a month": lambda: (self._in_a_month(person=self._person(), kind="accepted"), None),
            "promise broken by a department in a month": lambda: (
                self._in_a_month(kind="promise_broken", department=self._department()),
                None,
            ),
            "clock breached, by department": lambda: (Sought(breached=ClockName.ACCEPT, department=self._department()), None),
            "dismissed, by person, on a day": lambda: (self._on_a_day(kind="dismissed", person=self._person()), None),
            "something in an hour": lambda: (self._in_an_hour(), None),
            "opened in a week": lambda: (self._opened_in_a_week(), None),
            "walked away (none)": lambda: (Sought(outcome=Outcome.WALKED_AWAY), None),
            "everything": lambda: (Sought(), None),
            "everything, deep": lambda: (Sought(), self.draw.randrange(self.many.cases)),
            "common word, deep": lambda: (Sought(words=self._word(0, 5)), self.draw.randrange(self.many.cases)),
        }

    def _word(self, first: int, end: int) -> str:
        return word(self.draw.randrange(first, end))

    def _person(self) -> str:
        return person_(self.draw.randrange(PEOPLE))

    def _department(self) -> str:
        return self.draw.choice(DEPARTMENTS)

    def _in_a_month(self, **sought: str) -> Sought:
        since = (FIRST_DAY + timedelta(days=self.draw.randrange(SPAN.days - 60))).replace(day=1)
        until = (since + timedelta(days=32)).replace(day=1)
        return Sought(recorded_from=since, recorded_until=until, **sought)  # type: ignore[arg-type]

    def _on_a_day(self, **sought: str) -> Sought:
        since = FIRST_DAY + timedelta(days=self.draw.randrange(SPAN.days))
        return Sought(recorded_from=since, recorded_until=since + timedelta(days=1), **sought)  # type: ignore[arg-type]

    def _in_an_hour(self) -> Sought:
        since = FIRST_DAY + timedelta(hours=self.draw.randrange(SPAN.days * 24))
        return Sought(recorded_from=since, recorded_until=since + timedelta(hours=1))

    def _opened_in_a_week(self) -> Sought:
        since = FIRST_DAY + timedelta(days=self.draw.randrange(SPAN.days))
        return Sought(opened_from=since, opened_until=since + timedelta(days=7), department=self._department())


def searches(store: Store, many: ManyCases) -> tuple[dict[str, list[float]], dict[str, list[int]]]:
    """Every kind of query so often, in a mixed order: milliseconds and hits of each, by kind."""
    draw = random.Random(1)
    kinds = Queries(many, draw).kinds()
    order = [name for name in kinds for _ in range(ROUNDS)]
    draw.shuffle(order)
    took: dict[str, list[float]] = {name: [] for name in kinds}
    hits: dict[str, list[int]] = {name: [] for name in kinds}
    for query in kinds.values():  # once each to warm up
        store.search.find(*query())
    for name in order:
        sought, after = kinds[name]()
        began = time.perf_counter()
        page = store.search.find(sought, after)
        took[name].append((time.perf_counter() - began) * 1000)
        hits[name].append(len(page.cases))
    return took, hits


def reads(store: Store, many: ManyCases) -> list[float]:
    """A case as an auditor reads it: its words opened, its chain checked, each of its events proven to be in the log. Milliseconds."""
    draw, took = random.Random(2), []
    for _ in range(5 * ROUNDS):
        case = f"meridian-x-{draw.randrange(many.made):09}"
        began = time.perf_counter()
        read = store.audit.read(case)
        took.append((time.perf_counter() - began) * 1000)
        if (read.fault, read.proven.fault, read.proven.sealed) != (None, None, read.events):
            raise LoopkeeperError(f"what was made does not hold: {read.fault or read.proven.fault}")
    return took


SEARCH_BENCHMARK = Benchmark(
    summary="Finding and reading cases among a million with ten million events (about five minutes)",
    keys=("search_p99_ms", "search_p50_ms", "read_p99_ms", "index_events_per_second", "index_bytes_per_case"),
    aims={"search_p99_ms": Aim(at_most=100)},
    run=run,
    at_sizes=lambda sizes: partial(run, cases=max(sizes)),
)
