"""How long it takes to find cases, and to read one, among a million with ten million events.

Every query is drawn anew each time, so that nobody measures one answer that is at hand. Among them are those that a search goes wrong
by: a word in half of all cases, two that are in half of them each and never together, one that only the oldest cases have.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine, text

from adapters.keyring import Keyring
from adapters.notary import Notary
from adapters.postgres.indexing import Indexer
from adapters.postgres.schema import migrate
from adapters.postgres.store import Store
from bench.figures import Json, Say, percentile
from bench.many_cases import DEPARTMENTS, FIRST_DAY, PEOPLE, SPAN, VOCABULARY, ManyCases, person_, word
from cli.engines import Postgres
from domain.pace import REAL_TIME
from domain.seeking import Outcome, Sought
from domain.values import ClockName

ROUNDS = 40
MADE_AT_MOST = 20_000
"""So many cases are made one by one; more are copies of them."""
HERE = Path(__file__).resolve().parent.parent
_INDEX = "create index case_search_terms on case_search using gin (facets, words) with (fastupdate = off)"


@contextmanager
def filled(folder: Path, cases: int, say: Say) -> Iterator[tuple[Store, ManyCases, float]]:
    """A PostgreSQL in `folder` with so many cases, a part of them made one by one, all of them indexed; the indexer's events a second."""
    server = Postgres(folder, database="many")
    service = server.service(folder.parent / f"{folder.name}.log", fsync=False)
    service.start()
    try:
        service.wait_ready(60)
        server.ensure_database()
        owner = create_engine(server.url())
        migrate(owner)
        keyring = Keyring.parse("k1:" + "a2V5" * 10 + "a2U=")
        store = Store.open(
            server.url(), pool=4, keyring=keyring, index_key=b"index key of the benchmark, 32 b", pace=REAL_TIME, name="bench"
        )
        policy, wording = ((HERE / "policies" / name).read_text("utf-8") for name in ("default.yaml", "wording.en.yaml"))
        store.book.activate(policy, wording, by="bench")
        notary = Notary.parse(Notary.new_key("loopkeeper.example.com/bench"))
        copies = max(1, cases // MADE_AT_MOST)
        many = ManyCases(owner, keyring, notary, store.book.active().id, cases // copies, copies)
        many.fill(say)
        with owner.begin() as connection:
            connection.execute(text("analyze"))
        say("indexing …")
        began = time.perf_counter()
        index(store)
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
        yield store, many, speed
        store.close()
        owner.dispose()
    finally:
        service.stop()
        server.tidy()


def measure_search(folder: Path, cases: int, say: Say) -> Mapping[str, Json]:
    """Make that many cases in `folder`, index them, and look for them. The figures."""
    say(f"making {cases:,} cases …")
    with filled(folder, cases, say) as (store, many, speed):
        say("searching …")
        figures: dict[str, Json] = {
            "search_cases": many.cases,
            "search_events": many.events,
            "index_events_per_second": round(speed),
            "index_bytes_per_case": index_size(store) // many.cases,
        }
        return {**figures, **searches(store, many), **reads(store, many)}


def index(store: Store) -> None:
    """Index everything that is in the log."""
    indexer = Indexer(store.engine, store.vault)
    while indexer.index(5_000):
        pass


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


def searches(store: Store, many: ManyCases) -> dict[str, Json]:
    """Every kind of query so often, in a mixed order."""
    draw = random.Random(1)
    kinds = Queries(many, draw).kinds()
    order = [name for name in kinds for _ in range(ROUNDS)]
    draw.shuffle(order)
    took: dict[str, list[float]] = {name: [] for name in kinds}
    hits: dict[str, list[int]] = {name: [] for name in kinds}
    for name in [*kinds, *order]:  # once each to warm up
        sought, after = kinds[name]()
        began = time.perf_counter()
        page = store.search.find(sought, after)
        took[name].append((time.perf_counter() - began) * 1000)
        hits[name].append(len(page.cases))
    every = [ms for times in took.values() for ms in times[1:]]
    return {
        "search_p50_ms": round(percentile(every, 0.5), 1),
        "search_p99_ms": round(percentile(every, 0.99), 1),
        "search_max_ms": round(max(every), 1),
        "searches": {
            name: {
                "median_ms": round(statistics.median(times[1:]), 1),
                "worst_ms": round(max(times[1:]), 1),
                "median_hits": statistics.median(hits[name][1:]),
            }
            for name, times in took.items()
        },
    }


def reads(store: Store, many: ManyCases) -> dict[str, Json]:
    """A case as an auditor reads it: its words opened, its chain checked, each of its events proven to be in the log."""
    draw, took = random.Random(2), []
    as_of = datetime.now(UTC)
    for _ in range(5 * ROUNDS):
        case = f"meridian-x-{draw.randrange(many.made):09}"
        began = time.perf_counter()
        read = store.audit.read(case, as_of)
        took.append((time.perf_counter() - began) * 1000)
        assert (read.fault, read.proven.fault, read.proven.sealed) == (None, None, read.events), "what was made does not hold"
    return {"read_p50_ms": round(percentile(took, 0.5), 1), "read_p99_ms": round(percentile(took, 0.99), 1)}
