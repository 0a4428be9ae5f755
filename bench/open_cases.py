"""`bench open-cases`: what thousands of open cases with running clocks cost, and how that grows with their number.

One installation, which grows from size to size. Its cases come the way all cases come: a post on the square, taken in by the API, placed
and acknowledged by the dispatcher, handed off to the desk in Slack by the worker; then nobody takes them up. At each size there are
two windows: one in which nothing is due, and one in which holding messages fall due, a known number at an even rate. At the
largest size both come once more with a worker that has too little memory for its cases.

"Nothing scans" is read off the counters of the servers: rows that PostgreSQL reads, whole reads of big tables, requests of Temporal to
its own database. Neither may grow with the number of open cases, and no more may the CPU of a case that falls due.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from bench.counters import Counters, Spent
from bench.crowd import Crowd, Due, Replies, patient
from bench.figures import Aim, Benchmark, Json, Say, percentile
from bench.stack import QUIET, Neighbours, Stack, bench_folder, fresh_stack
from domain.errors import LoopkeeperError
from sandbox.hands import Hands
from settings import HERE

SIZES = (1_000, 5_000, 20_000)
IDLE_SECONDS = 60.0
DUE, DUE_A_SECOND = 300, 5.0
ATTEMPTS = 3
"""How often a reading that others disturbed is taken, at most."""
TOO_FEW_CACHED = 200
"""Fewer than those that come before a case falls due, so that not one of them is still in memory then."""
OUTSIDERS = ("sandbox",)
"""Processes that stand for the world outside."""
_ALL_OUT_SECONDS, _LOOK_EVERY_SECONDS = 120.0, 1.0


@dataclass(frozen=True)
class AtSize:
    """What one size gave. `lags`: seconds from each due moment to its effect. `big`: the tables that have a row for most cases.

    `memory`: resident bytes by process. `others`: the neighbours' share.
    """

    open_cases: int
    cached_cases: int
    idle: Spent
    due: Spent
    lags: Sequence[float]
    big: frozenset[str]
    memory: Mapping[str, int]
    others: float = 0.0

    @property
    def idle_cpu(self) -> dict[str, float]:
        """CPU seconds a second while nothing is due, by process."""
        return {name: seconds / self.idle.seconds for name, seconds in _ours(self.idle.cpu).items()}

    @property
    def cpu_ms_per_due(self) -> dict[str, float]:
        """CPU-milliseconds for each case that fell due, by process, beyond what idling takes."""
        idle = self.idle_cpu
        return {name: (cpu - idle[name] * self.due.seconds) * 1000 / len(self.lags) for name, cpu in _ours(self.due.cpu).items()}

    @property
    def rows_a_second(self) -> float:
        """Rows that PostgreSQL reads a second while nothing is due."""
        return self.idle.rows_read / self.idle.seconds

    @property
    def rows_per_due(self) -> float:
        """Rows that PostgreSQL reads for each case that fell due."""
        return (self.due.rows_read - self.rows_a_second * self.due.seconds) / len(self.lags)

    @property
    def requests_a_second(self) -> float:
        """Requests of Temporal to its database a second while nothing is due."""
        return sum(self.idle.requests.values()) / self.idle.seconds

    @property
    def requests_per_due(self) -> float:
        """Requests of Temporal to its database for each case that fell due."""
        return (sum(self.due.requests.values()) - self.requests_a_second * self.due.seconds) / len(self.lags)

    @property
    def scans(self) -> dict[str, int]:
        """How often a big table was read as a whole in both windows, by table."""
        counted = {table: self.idle.scans.get(table, 0) + self.due.scans.get(table, 0) for table in sorted(self.big)}
        return {table: times for table, times in counted.items() if times}

    def figures(self) -> dict[str, Json]:
        """By name."""
        return {
            "open_cases": self.open_cases,
            "cached_cases": self.cached_cases,
            "idle_cpu_cores": round(sum(self.idle_cpu.values()), 4),
            "idle_cpu_cores_by_process": {name: round(cores, 4) for name, cores in self.idle_cpu.items()},
            "due_to_effect_p50_seconds": round(percentile(self.lags, 0.5), 3),
            "due_to_effect_p99_seconds": round(percentile(self.lags, 0.99), 3),
            "due_to_effect_max_seconds": round(max(self.lags), 3),
            "fell_due": len(self.lags),
            "cpu_ms_per_due": round(sum(self.cpu_ms_per_due.values()), 1),
            "cpu_ms_per_due_by_process": {name: round(ms, 1) for name, ms in self.cpu_ms_per_due.items()},
            "idle_rows_read_per_second": round(self.rows_a_second, 2),
            "rows_read_per_due": round(self.rows_per_due, 1),
            "scans_of_big_tables": sum(self.scans.values()),
            "scanned": self.scans,
            "idle_temporal_requests_per_second": round(self.requests_a_second, 2),
            "temporal_requests_per_due": round(self.requests_per_due, 1),
            "memory_mb": {name: round(size / 1e6) for name, size in self.memory.items() if name not in OUTSIDERS},
            "others_cpu_share": self.others,
        }


_GROWING = (
    "open_cases",
    "idle_cpu_cores",
    "due_to_effect_p50_seconds",
    "due_to_effect_p99_seconds",
    "cpu_ms_per_due",
    "idle_rows_read_per_second",
    "rows_read_per_due",
    "idle_temporal_requests_per_second",
    "temporal_requests_per_due",
)


def run(say: Say, sizes: Sequence[int] = SIZES) -> Mapping[str, Json]:
    """Measure. Raises LoopkeeperError when the sizes are not to be had."""
    sizes = sorted(sizes)
    if any(size < known + DUE for known, size in zip([0, *sizes], sizes, strict=False)):
        raise LoopkeeperError(f"each size must be at least {DUE} cases larger than the one before: so many fall due at each")
    cached = sizes[-1] * 5 // 4
    policy = patient((HERE / "policies" / "default.yaml").read_text())
    with (
        bench_folder() as folder,
        fresh_stack(folder / "product", {"LOOPKEEPER_CACHED_CASES": str(cached)}, policy=policy, yielding=False) as stack,
        contextlib.closing(Counters(stack)) as counters,
    ):
        crowd = Crowd(stack)
        readings = []
        for size in sizes:
            crowd.open(size - DUE - crowd.opened, say)
            readings.append(_read(stack, counters, crowd, cached, say))
        stack.restart_worker(LOOPKEEPER_CACHED_CASES=str(TOO_FEW_CACHED))
        return report(readings, _read(stack, counters, crowd, TOO_FEW_CACHED, say))


def report(readings: Sequence[AtSize], too_few_cached: AtSize) -> dict[str, Json]:
    """The figures of what was measured, the smallest size first. Those at the top are of the largest."""
    figures = [reading.figures() for reading in readings]
    first, last = readings[0], readings[-1]
    memory = {
        name: round((last.memory[name] - first.memory[name]) / 1024 / max(1, last.open_cases - first.open_cases), 1)
        for name in ("worker", "temporal")
    }
    return figures[-1] | {
        "others_cpu_share": max(reading.others for reading in (*readings, too_few_cached)),
        "scans_of_big_tables": sum(sum(reading.scans.values()) for reading in (*readings, too_few_cached)),
        "memory_kib_per_open_case": memory,
        "growth": [{name: _ratio(figures[0][name], larger[name]) for name in _GROWING} for larger in figures[1:]],
        "cpu_growth_per_due": _ratio(figures[0]["cpu_ms_per_due"], figures[-1]["cpu_ms_per_due"]),
        "too_few_cached": too_few_cached.figures(),
        "sizes": figures,
    }


def _read(stack: Stack, counters: Counters, crowd: Crowd, cached: int, say: Say) -> AtSize:
    """Both windows at the size that the installation will have with the impatient, who come first. The least disturbed reading counts."""
    posts = crowd.come_impatiently(DUE, DUE_A_SECOND)
    counters.tidy_up()
    readings: list[AtSize] = []
    while len(readings) < ATTEMPTS and all(not QUIET.holds(reading.others) for reading in readings):
        neighbours = Neighbours()
        due = [crowd.due(post) for post in posts]
        counters.wait_until_quiet()
        say(f"{crowd.opened:,} cases are open; nothing is due for {IDLE_SECONDS:g} s …")
        idle = _idle(counters, due)
        say(f"{DUE} holding messages fall due, {DUE_A_SECOND:g} a second …")
        spent, lags = _let_fall_due(stack, counters, due)
        big = frozenset(counters.big_tables(crowd.opened // 2))
        readings.append(AtSize(crowd.opened, cached, idle, spent, lags, big, stack.memory(), neighbours.share))
        say(_told(readings[-1]))
    crowd.calm_down(posts)
    return min(readings, key=lambda reading: reading.others)


def _idle(counters: Counters, due: Sequence[Due]) -> Spent:
    entries, first = counters.entries(), counters.read()
    time.sleep(IDLE_SECONDS)  # the window that is measured
    last = counters.read()
    if counters.entries() != entries or min(one.at for one in due).timestamp() < time.time():
        raise LoopkeeperError("something fell due while nothing was to; this measurement is worth nothing")
    return Spent.between(first, last)


def _let_fall_due(stack: Stack, counters: Counters, due: Sequence[Due]) -> tuple[Spent, list[float]]:
    entries, first = counters.entries(), counters.read()
    with Hands(stack.sandbox) as hands:
        replies = Replies(hands, due)
        deadline = max(one.at.timestamp() for one in due) + _ALL_OUT_SECONDS
        while replies.look() < len(due):
            if time.time() > deadline:
                raise TimeoutError(
                    f"{len(due) - len(replies.taken)} holding messages are not out {_ALL_OUT_SECONDS:.0f} s after the last was due"
                )
            time.sleep(_LOOK_EVERY_SECONDS)  # a poll of the square, bounded above
        counters.wait_until_quiet()
        replies.look()
    last = counters.read()
    grown = (counters.entries() - entries) / len(due)
    if grown != round(grown):
        raise LoopkeeperError(f"each case that fell due has {grown:.2f} more entries on average; something else happened, too")
    return Spent.between(first, last), [(replies.taken[one.case] - one.at).total_seconds() for one in due]


def _ours(cpu: Mapping[str, float]) -> dict[str, float]:
    return {name: seconds for name, seconds in cpu.items() if name not in OUTSIDERS}


def _ratio(first: Json, last: Json) -> float | None:
    """How many times the first the last is; None when the first is nothing."""
    assert isinstance(first, int | float)
    assert isinstance(last, int | float)
    return round(last / first, 2) if first > 0 else None


def _told(reading: AtSize) -> str:
    return (
        f"{reading.open_cases:,} open, {reading.cached_cases:,} cached: idle {sum(reading.idle_cpu.values()):.3f} cores; "
        f"due → effect p50 {percentile(reading.lags, 0.5) * 1000:.0f} ms, p99 {percentile(reading.lags, 0.99) * 1000:.0f} ms; "
        f"{sum(reading.cpu_ms_per_due.values()):.0f} CPU-ms and {reading.rows_per_due:.0f} rows a case that falls due; "
        f"scanned: {reading.scans or 'nothing'}; others took {reading.others:.0%} of the machine"
    )


OPEN_CASES_BENCHMARK = Benchmark(
    summary="CPU, memory and reads of 1,000 to 20,000 open cases, how they grow, and the time from a due moment to its effect (an hour)",
    keys=("open_cases", "idle_cpu_cores", "due_to_effect_p50_seconds", "due_to_effect_p99_seconds", "growth"),
    aims={
        "due_to_effect_p99_seconds": Aim(at_most=1.0),
        "scans_of_big_tables": Aim(at_most=0),
        "cpu_growth_per_due": Aim(at_most=1.25),
        "others_cpu_share": QUIET,
    },
    run=run,
    at_sizes=lambda sizes: partial(run, sizes=sizes),
)
