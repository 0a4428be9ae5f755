"""Benchmarks: what the loop costs, and how fast it is. One module each; see bench/README.md."""

from __future__ import annotations

from collections.abc import Callable

from bench.figures import Benchmark


def _loops() -> Benchmark:
    from bench.loops import LOOPS_BENCHMARK

    return LOOPS_BENCHMARK


def _intake() -> Benchmark:
    from bench.intake import INTAKE_BENCHMARK

    return INTAKE_BENCHMARK


def _open_cases() -> Benchmark:
    from bench.open_cases import OPEN_CASES_BENCHMARK

    return OPEN_CASES_BENCHMARK


def _console() -> Benchmark:
    from bench.console import CONSOLE_BENCHMARK

    return CONSOLE_BENCHMARK


def _history() -> Benchmark:
    from bench.history import HISTORY_BENCHMARK

    return HISTORY_BENCHMARK


def _search() -> Benchmark:
    from bench.history_search import SEARCH_BENCHMARK

    return SEARCH_BENCHMARK


def _reports() -> Benchmark:
    from bench.reports import REPORTS_BENCHMARK

    return REPORTS_BENCHMARK


BENCHMARKS: dict[str, Callable[[], Benchmark]] = {
    "loops": _loops,
    "intake": _intake,
    "open-cases": _open_cases,
    "history": _history,
    "search": _search,
    "console": _console,
    "reports": _reports,
}
"""What can be measured, by name. Loaded when asked for, so that the child processes of one do not load the others."""
