"""What an installation has done so far, by the servers' own counters: PostgreSQL's statistics, Temporal's metrics, CPU by process."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

import regex
from sqlalchemy import text

from adapters.postgres.engine import open_engine
from bench.stack import Stack
from domain.errors import LoopkeeperError

QUIET_SECONDS = 11.0
"""A session of PostgreSQL that has become idle tells what it did up to 10 s later; before that, its statistics are not to be trusted."""
_PATIENCE_SECONDS, _LOOK_EVERY_SECONDS = 120.0, 0.5
_TABLES = text("select relname as name, coalesce(seq_scan, 0) as scans, coalesce(seq_tup_read, 0) as rows from pg_stat_user_tables")
_INDEXES = text("select coalesce(sum(idx_tup_read), 0) from pg_stat_user_indexes")
_EVENTS = text("select count(*), pg_stat_force_next_flush() from case_event")
_METRIC = regex.compile(rb"^(persistence_requests|service_requests)\{([^}]*)\} (\S+)$", regex.MULTILINE)
_OPERATION = regex.compile(rb'operation="([^"]*)",service_name="([^"]*)"')


@dataclass(frozen=True)
class Count:
    """Counters at a moment. `rows_read`: by PostgreSQL, from tables and indexes; `scans`: whole reads of a table, by table.

    `requests`: of Temporal to its database, by operation.
    """

    at: float
    cpu: Mapping[str, float]
    rows_read: int
    scans: Mapping[str, int]
    requests: Mapping[str, int]


@dataclass(frozen=True)
class Spent:
    """What was done between two moments, `seconds` apart."""

    seconds: float
    cpu: Mapping[str, float]
    rows_read: int
    scans: Mapping[str, int]
    requests: Mapping[str, int]

    @staticmethod
    def between(first: Count, last: Count) -> Spent:
        """The difference."""
        return Spent(
            last.at - first.at,
            {name: seconds - first.cpu[name] for name, seconds in last.cpu.items()},
            last.rows_read - first.rows_read,
            {name: count - first.scans.get(name, 0) for name, count in last.scans.items()},
            {name: count - first.requests.get(name, 0) for name, count in last.requests.items()},
        )


class Counters:
    """Reads the counters of one installation."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._metrics = _metrics_address(stack)
        self._engine = open_engine(stack.installation.postgres.url(), pool=1, role=None, name="loopkeeper bench counters")

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def read(self) -> Count:
        """As they stand now."""
        with self._engine.connect() as connection:
            tables = connection.execute(_TABLES).all()
            from_indexes = int(connection.execute(_INDEXES).scalar_one())
        requests = {operation: count for (metric, operation), count in self._temporal().items() if metric == "persistence_requests"}
        rows = from_indexes + sum(int(table.rows) for table in tables)
        return Count(time.monotonic(), self._stack.cpu(), rows, {str(t.name): int(t.scans) for t in tables}, requests)

    def big_tables(self, at_least: int) -> set[str]:
        """The tables with so many rows, by the planner's own estimate."""
        with self._engine.connect() as connection:
            rows = connection.execute(text("select relname from pg_stat_user_tables where n_live_tup >= :n"), {"n": at_least})
            return {str(row.relname) for row in rows}

    def entries(self) -> int:
        """How many entries all histories have together."""
        with self._engine.begin() as connection:
            return int(connection.execute(_EVENTS).one()[0])

    def tidy_up(self) -> None:
        """What the database does by itself within a minute of so many inserts is done now, so that it does not happen while we look."""
        tidying = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        with tidying.connect() as connection:
            for statement in ("set statement_timeout = 0", "vacuum (analyze)", "checkpoint", "reset statement_timeout"):
                connection.execute(text(statement))

    def wait_until_quiet(self) -> None:
        """Until no case has moved on for some seconds. Raises TimeoutError."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        steps, since = self._steps(), time.monotonic()
        while time.monotonic() - since < QUIET_SECONDS:
            if time.monotonic() > deadline:
                raise TimeoutError(f"cases still move on after {_PATIENCE_SECONDS:.0f} s in which nothing was to happen")
            time.sleep(_LOOK_EVERY_SECONDS)  # a poll of Temporal's counters, bounded above
            if (now := self._steps()) != steps:
                steps, since = now, time.monotonic()

    def _steps(self) -> int:
        """How many steps all workflows have taken."""
        return self._temporal().get(("service_requests", "history RespondWorkflowTaskCompleted"), 0)

    def _temporal(self) -> dict[tuple[str, str], int]:
        """Temporal's counters, by metric and operation (with the part of the server that counts it)."""
        counted: dict[tuple[str, str], int] = {}
        with urllib.request.urlopen(self._metrics, timeout=30) as answer:
            for metric, labels, value in _METRIC.findall(answer.read()):
                if found := _OPERATION.search(labels):
                    name = (metric.decode(), f"{found[2].decode()} {found[1].decode()}")
                    counted[name] = counted.get(name, 0) + int(float(value))
        return counted


def _metrics_address(stack: Stack) -> str:
    """Where the embedded Temporal tells its metrics: on a port that it picks itself and writes into its log."""
    log = stack.installation.state.logs / "temporal.log"
    found = regex.search(r"^Temporal Metrics:\s+(http://\S+)$", log.read_text(), regex.MULTILINE)
    if found is None:
        raise LoopkeeperError(f"{log} does not say where Temporal tells its metrics")
    return found[1]
