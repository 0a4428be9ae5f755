"""`bench console`: how long the console's pages take with a million cases on record, 2,000 of them open, and how many look at once.

A few dozen cases come in as all cases do; the others are written straight into the table of views, by which lists are read, and belong to
2,000 customers with words of their own. 16 people look at one kind of page after the other, each at the next some seconds after the last;
then 16 clients that wait for nothing ask for the same. Then 500 event streams are opened, and a change is made: the last one to hear of it
counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection
from itertools import cycle
from urllib.parse import urlsplit

from sqlalchemy import text

from bench.figures import Aim, Benchmark, Json, Say, percentile
from bench.stack import QUIET, Neighbours, Stack, bench_folder, fresh_stack
from sandbox.hands import Author, Hands

ON_RECORD, OPEN = 1_000_000, 2_000
REAL = 24
CLIENTS, SECONDS = 16, 10.0
PACED_SECONDS, LOOKS_FOR_SECONDS = 30.0, 2.0
"""How long people are watched, and how long each looks at a page, on average, before opening the next: never longer
than the server keeps an idle connection."""
CUSTOMERS = 2_000
STREAMS, CHANGES = 500, 20
_AT_ONCE = 20_000
_PATIENCE_SECONDS = 60.0

_MULTIPLY = text(
    "insert into cases (case_id, brand, channel, first_post, subject_id, words, policy_id, opened_at, status, intent, category, priority, "
    "department, closed_at, due_at, due_clock, events) "
    "select brand || '-' || channel || '-n' || n, brand, channel, 'n' || n, (cast(:customers as uuid[]))[1 + (n / :every + n) % :many], "
    "(cast(:words as uuid[]))[1 + (n / :every + n) % :many], policy_id, "
    "clock_timestamp() - n * interval '1 second', "
    "case when n % :every = 0 then (array['new', 'handed_off', 'in_progress', 'waiting_on_customer', 'resolved'])[1 + n / :every % 5] "
    "else 'closed' end, intent, category, priority, (array['billing', 'technical', 'product', 'website'])[1 + n / :every % 4], "
    "case when n % :every = 0 then null else clock_timestamp() end, "
    "case when n % :every = 0 then clock_timestamp() + n % 7000 * interval '1 second' end, "
    "case when n % :every = 0 then 'resolve' end, 5 "
    "from cases, generate_series(cast(:first as int), cast(:last as int)) as n where case_id = :like"
)


@dataclass(frozen=True)
class Measured:
    """What was measured: seconds by page, seconds from each change to the last stream that heard of it, the neighbours' share.

    `pages`: by clients that wait for nothing, `paced`: by people. `cpu`: CPU seconds a page of API and PostgreSQL, while clients waited for
    nothing.
    """

    on_record: int
    pages: Mapping[str, Sequence[float]]
    paced: Mapping[str, Sequence[float]]
    cpu: Mapping[str, float]
    heard: Sequence[float]
    streams: int
    others: float = 0.0


def run(say: Say, sizes: Sequence[int] = (ON_RECORD,)) -> Mapping[str, Json]:
    """Measure at the largest of the sizes."""
    with bench_folder() as folder, fresh_stack(folder / "console", yielding=False) as stack:
        cases = _real_cases(stack)
        say(f"{len(cases)} cases came in; writing {max(sizes):,} beside them")
        _multiply(stack, cases[0], max(sizes), *_customers(stack))
        others = Neighbours()
        pages, paced, cpu = {}, {}, {}
        for name, paths in _pages(cases).items():
            say(f"{CLIENTS} people look at {name} for {PACED_SECONDS:.0f} s")
            paced[name] = _asked(stack, paths, PACED_SECONDS, looks_for=LOOKS_FOR_SECONDS)
            say(f"{CLIENTS} clients ask for {name} for {SECONDS:.0f} s")
            before = stack.cpu()
            pages[name] = _asked(stack, paths, SECONDS)
            cpu[name] = sum(stack.cpu()[who] - before[who] for who in ("api", "postgres")) / len(pages[name])
        say(f"{STREAMS} streams are opened")
        heard = asyncio.run(_heard(stack, cases[0]))
        return report(Measured(max(sizes), pages, paced, cpu, heard, STREAMS, others.share))


def report(measured: Measured) -> dict[str, Json]:
    """The figures."""
    figures: dict[str, Json] = {"cases": measured.on_record}
    for name, seconds in measured.pages.items():
        figures[f"{name}_p50_ms"] = round(percentile(seconds, 0.5) * 1000, 1)
        figures[f"{name}_p99_ms"] = round(percentile(seconds, 0.99) * 1000, 1)
        figures[f"{name}_pages"] = len(seconds)
        figures[f"{name}_paced_p50_ms"] = round(percentile(measured.paced[name], 0.5) * 1000, 1)
        figures[f"{name}_paced_p99_ms"] = round(percentile(measured.paced[name], 0.99) * 1000, 1)
        figures[f"{name}_cpu_ms"] = round(measured.cpu[name] * 1000, 1)
    figures["live_streams"] = measured.streams
    figures["live_p50_ms"] = round(percentile(measured.heard, 0.5) * 1000, 1)
    figures["live_p99_ms"] = round(percentile(measured.heard, 0.99) * 1000, 1)
    figures["others_cpu_share"] = measured.others
    return figures


def _pages(cases: Sequence[str]) -> dict[str, list[str]]:
    board = ["/console", "/console?by=department", "/console?by=department&only=soon", "/console?status=in_progress&channel=x"]
    return {"board": board, "case": [f"/console/cases/{case}" for case in cases], "inbox": ["/console/inbox"]}


def _real_cases(stack: Stack) -> list[str]:
    with Hands(stack.sandbox) as hands:
        posted = [
            hands.post("x", f"My bill of month {n} is wrong.", Author(f"9{n:05}", f"c{n}", f"Customer {n}"))["id"] for n in range(REAL)
        ]
    cases = [f"meridian-x-{post}" for post in posted]
    deadline = time.monotonic() + _PATIENCE_SECONDS
    sql = text("select count(*) from cases where case_id = any(:cases) and acknowledged_at is not null")
    while True:
        with stack.store.engine.connect() as connection:
            there = connection.execute(sql, {"cases": cases}).scalar_one()
        if there == len(cases):
            return cases
        if time.monotonic() > deadline:
            raise TimeoutError(f"{there} of {len(cases)} cases were acknowledged within {_PATIENCE_SECONDS:.0f} s")
        time.sleep(0.2)  # a poll, bounded above


def _customers(stack: Stack) -> tuple[list[str], list[str]]:
    """Customers, and what each wrote first."""
    vault, customers, words = stack.store.vault, [], []
    with stack.store.engine.begin() as connection:
        for n in range(CUSTOMERS):
            customers.append(vault.subject_of(connection, "x", f"bench-{n}", {"handle": f"bench{n}", "name": f"Customer {n}"}))
            said = f"This is the {n}th time that my bill is wrong, and nobody of yours has told me why. " * (1 + n % 3)
            words.append(vault.write(connection, customers[-1], None, {"text": said}))
    return customers, words


def _multiply(stack: Stack, like: str, how_many: int, customers: Sequence[str], words: Sequence[str]) -> None:
    every = max(1, how_many // OPEN)
    for first in range(1, how_many + 1, _AT_ONCE):
        with stack.store.engine.begin() as connection:
            last = min(how_many, first + _AT_ONCE - 1)
            numbers = {"every": every, "first": first, "last": last, "many": len(customers)}
            connection.execute(_MULTIPLY, {**numbers, "like": like, "customers": list(customers), "words": list(words)})
    with stack.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in ("reset role", "vacuum (analyze) cases", "checkpoint"):  # as in a database that did not come about a minute ago
            connection.execute(text(statement))


def _asked(stack: Stack, paths: Sequence[str], seconds: float, *, looks_for: float = 0.0) -> list[float]:
    """How long each page took. `looks_for`: how long each looks at a page, on average (between none and twice as long)."""
    until, headers = time.monotonic() + seconds, {"authorization": f"Bearer {stack.key}", "accept-encoding": "gzip"}

    def client(number: int) -> list[float]:
        took: list[float] = []
        draw = random.Random(number)
        # The plainest client that there is: it takes its share of the same processors, and is not what is measured.
        with contextlib.closing(HTTPConnection(urlsplit(stack.api).netloc, timeout=30)) as http:
            mine = cycle([*paths[number % len(paths) :], *paths[: number % len(paths)]])
            while True:
                time.sleep(draw.uniform(0.0, 2 * looks_for))  # a person reads
                if time.monotonic() >= until:
                    return took
                began = time.perf_counter()
                http.request("GET", next(mine), headers=headers)
                answer = http.getresponse()
                answer.read()
                took.append(time.perf_counter() - began)
                if answer.status != HTTPStatus.OK:
                    raise OSError(f"the console answered {answer.status}")

    with ThreadPoolExecutor(CLIENTS) as clients:
        return [one for took in clients.map(client, range(CLIENTS)) for one in took]


async def _heard(stack: Stack, case: str) -> list[float]:
    """Seconds from each change until the last stream has heard of it."""
    address = urlsplit(stack.api)
    assert address.hostname is not None
    assert address.port is not None
    streams = [await asyncio.open_connection(address.hostname, address.port) for _ in range(STREAMS)]
    asking = f"GET /console/stream HTTP/1.1\r\nhost: {address.netloc}\r\nauthorization: Bearer {stack.key}\r\n\r\n".encode()
    for _, out in streams:
        out.write(asking)
    await asyncio.gather(*(reader.readuntil(b"retry: 2000\n\n") for reader, _ in streams))
    loop, took = asyncio.get_running_loop(), []
    for _ in range(CHANGES):
        told = asyncio.gather(*(reader.readuntil(f"data: {case}\n\n".encode()) for reader, _ in streams))
        began = time.perf_counter()
        await loop.run_in_executor(None, stack.store.drafts.begin, case, "bench", "update")
        await asyncio.wait_for(told, _PATIENCE_SECONDS)
        took.append(time.perf_counter() - began)
        gone = asyncio.gather(*(reader.readuntil(f"data: {case}\n\n".encode()) for reader, _ in streams))
        await loop.run_in_executor(None, stack.store.drafts.end, case, "bench")
        await asyncio.wait_for(gone, _PATIENCE_SECONDS)
    for _, out in streams:
        out.close()
    return took


CONSOLE_BENCHMARK = Benchmark(
    summary="how long pages of the console take with a million cases, 2,000 of them open, and how soon 500 who look hear of a change",
    keys=(
        "board_p99_ms",
        "board_paced_p99_ms",
        "case_p99_ms",
        "case_paced_p99_ms",
        "inbox_p99_ms",
        "live_streams",
        "live_p99_ms",
        "others_cpu_share",
    ),
    aims={
        "board_p99_ms": Aim(at_most=50),
        "case_p99_ms": Aim(at_most=30),
        "live_streams": Aim(at_least=STREAMS),
        "others_cpu_share": QUIET,
    },
    run=run,
    at_sizes=lambda sizes: partial(run, sizes=sizes),
)
