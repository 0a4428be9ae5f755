"""`bench reports`: how long each report takes at a million cases of a year, asked for over the whole year, and over four weeks.

The figures of the cases are made by SQL, as the roll-up would have left them; the reports are made as pages and the API make them, by one
client and by several at once. What it takes to draw a page or to write JSON is not in it.
"""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import create_engine, text

from adapters.postgres.engine import open_engine
from adapters.postgres.reporting import WHICH, Reports
from adapters.postgres.schema import migrate
from api.shelf import Shelf
from bench.figures import Aim, Benchmark, Json, Say, percentile
from bench.measures import make_measures
from bench.stack import QUIET, Neighbours, bench_folder
from cli.engines import Postgres
from domain.files import read_policy
from domain.policy import Policy
from domain.report import Wanted
from domain.reports import KINDS, make

HERE = Path(__file__).resolve().parent.parent
CASES = 1_000_000
LAST, DAYS = date(2026, 6, 30), 365
ROUNDS, CLIENTS, ROUNDS_TOGETHER = 15, 16, 6
_START_SECONDS = 60.0


@dataclass(frozen=True)
class Timed:
    """Seconds that each report took, by its name."""

    year: Mapping[str, Sequence[float]]
    weeks: Mapping[str, Sequence[float]]
    together: Mapping[str, Sequence[float]]
    """Over the year, while as many others ask, each for one of the departments, or all: as pages do, through the shelf."""
    cases: Sequence[float]
    """The list of cases behind a figure, of each kind."""


def run(say: Say, sizes: Sequence[int] = (CASES,)) -> Mapping[str, Json]:
    """Measure at the first of the sizes."""
    with bench_folder() as above:
        folder = above / "reports"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        server = Postgres(folder / "postgres", database="numbers")
        service = server.service(folder / "log")
        service.start()
        try:
            service.wait_ready(_START_SECONDS)
            server.ensure_database()
            say(f"making the figures of {sizes[0]:,} cases …")
            made = _fill(server.url(), sizes[0])
            say(f"{made:,} cases on {DAYS} days; asking …")
            figures = _measured(server.url(), made)
        finally:
            service.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return figures


def _fill(url: str, cases: int) -> int:
    engine = open_engine(url, pool=1, role=None)
    migrate(engine)
    engine.dispose()
    owner = create_engine(url)
    with owner.begin() as connection:
        make_measures(connection, cases, LAST, DAYS)
    with owner.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("vacuum analyze"))
        made: int = connection.execute(text("select count(*) from case_measure")).scalar_one()
    owner.dispose()
    return made


def _measured(url: str, made: int) -> dict[str, Json]:
    engine = open_engine(url, pool=CLIENTS)
    reports, policy = Reports(engine), read_policy((HERE / "policies" / "default.yaml").read_text(), "default.yaml")
    year, weeks = Wanted(LAST - timedelta(days=DAYS - 1), LAST), Wanted(LAST - timedelta(days=27), LAST)
    names = [kind.name for kind in KINDS]
    for name in names:
        _timed(reports, policy, name, year)  # what is read first comes from the disk
    neighbours = Neighbours()
    alone = {name: [_timed(reports, policy, name, year) for _ in range(ROUNDS)] for name in names}
    short = {name: [_timed(reports, policy, name, weeks) for _ in range(ROUNDS)] for name in names}
    with ThreadPoolExecutor(CLIENTS) as clients:
        shelf = Shelf(reports)
        chosen = [replace(year, department=department) for department in (None, *policy.departments)]
        asked = [(name, during) for _ in range(ROUNDS_TOGETHER) for during in chosen for name in names for _ in range(2)]
        took = list(clients.map(lambda one: (one[0], _asked(shelf, policy, *one)), asked))
    together = {name: [seconds for which, seconds in took if which == name] for name in names}
    behind = [_looked(reports, year, which) for which in WHICH for _ in range(3)]
    engine.dispose()
    return report(Timed(alone, short, together, behind), made, neighbours.share)


def _timed(reports: Reports, policy: Policy, name: str, wanted: Wanted) -> float:
    began = time.perf_counter()
    make(name, reports, wanted, policy)
    return time.perf_counter() - began


def _asked(shelf: Shelf, policy: Policy, name: str, wanted: Wanted) -> float:
    began = time.perf_counter()
    shelf.report(name, wanted, policy)
    return time.perf_counter() - began


def _looked(reports: Reports, wanted: Wanted, which: str) -> float:
    began = time.perf_counter()
    reports.behind(wanted, {"which": which})
    return time.perf_counter() - began


def report(timed: Timed, cases: int, others: float) -> dict[str, Json]:
    """The figures. `report_p99_ms` is that of the slowest report over a year, asked for by one client."""
    return {
        "cases": cases,
        "report_p99_ms": max(_ms(percentile(times, 0.99)) for times in timed.year.values()),
        "report_p50_ms": {name: _ms(statistics.median(times)) for name, times in timed.year.items()},
        "four_weeks_p50_ms": {name: _ms(statistics.median(times)) for name, times in timed.weeks.items()},
        "four_weeks_p99_ms": max(_ms(percentile(times, 0.99)) for times in timed.weeks.values()),
        "clients": CLIENTS,
        "together_p50_ms": {name: _ms(statistics.median(times)) for name, times in timed.together.items()},
        "together_p99_ms": max(_ms(percentile(times, 0.99)) for times in timed.together.values()),
        "cases_behind_p99_ms": _ms(percentile(timed.cases, 0.99)),
        "others_cpu_share": others,
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


REPORTS_BENCHMARK = Benchmark(
    summary="how long each report takes at a million cases of a year (five minutes)",
    keys=("report_p99_ms", "report_p50_ms", "together_p99_ms", "cases_behind_p99_ms"),
    aims={"report_p99_ms": Aim(at_most=200), "four_weeks_p99_ms": Aim(at_most=200), "others_cpu_share": QUIET},
    run=run,
    at_sizes=lambda sizes: partial(run, sizes=sizes),
)
