"""`bench loops`: what a closed loop costs, against the least that Temporal would cost for it.

Product and bare loop take turns, each time on fresh servers: a PostgreSQL, a Temporal and the rest of the product for the one, a
Temporal alone for the other (`bench.bare`), the same program with the same flags. What the bare loop does is counted from the
histories of the product's cases of the very same run, so that each of both has the same regular activities, local activities, timers,
signals and updates.

A case goes: post on the square → acknowledged there → on the department's desk → accepted and resolved through the REST API →
thank-you on the square → closed, and its card and thread in Slack brought up to date. The stand-in outside world and the players run on the
same machine, and their CPU is part of what the product's loops a second have to share.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import text

from bench.bare import NICE, Order, Outcome
from bench.cases import Board, People, acknowledgements
from bench.figures import Aim, Benchmark, Json, Say, percentile
from bench.histories import History, Work, read_histories, settled_size
from bench.stack import QUIET, Neighbours, Stack, bench_folder, fresh_stack
from cli.engines import Temporal, free_port
from domain.errors import LoopkeeperError
from workflows.contracts import workflow_id

ROUNDS = 3
AT_ONCE = 24
WARM_UP_SECONDS, SECONDS = 4.0, 12.0
HISTORIES_READ = 9
UPDATES = 8
POSTS_A_SECOND, POSTING_SECONDS = 5.0, 20.0
OUTSIDERS = ("sandbox", "players")
"""Processes that stand for the world outside."""
HERE = Path(__file__).resolve().parent.parent
_BARE_AT_MOST_SECONDS = 120.0


@dataclass(frozen=True)
class Side:
    """One round of one of the two: closed loops, the seconds that they took, CPU seconds by process, and the neighbours' share."""

    loops: int
    seconds: float
    cpu: Mapping[str, float]
    others: float = 0.0

    @property
    def a_second(self) -> float:
        """Closed loops a second."""
        return self.loops / self.seconds

    @property
    def cpu_ms(self) -> float:
        """CPU-milliseconds a loop, all processes together."""
        return sum(self.cpu.values()) * 1000 / self.loops


@dataclass(frozen=True)
class Round:
    """One turn of each."""

    product: Side
    bare: Side

    @property
    def ratio(self) -> float:
        """The product's loops a second to the bare ones."""
        return self.product.a_second / self.bare.a_second

    @property
    def cpu_ratio(self) -> float:
        """The bare loop's CPU to that of a case in our own processes: what the ratio would be if the outside world ran elsewhere."""
        ours = sum(seconds for name, seconds in self.product.cpu.items() if name not in OUTSIDERS) * 1000 / self.product.loops
        return self.bare.cpu_ms / ours


def run(say: Say) -> Mapping[str, Json]:
    """Measure."""
    rounds: list[Round] = []
    histories: list[History] = []
    acks: list[float] = []
    update_bytes = 0.0
    with bench_folder() as folder:
        for number in range(1, ROUNDS + 1):
            with fresh_stack(folder / "product") as stack:
                people = People(stack, AT_ONCE)
                product = _close_cases(stack, people)
                if not histories:
                    histories = _histories(stack)
                    say(f"a case asks of Temporal: {_listed(Work.median([h.work for h in histories]))}")
                if number == ROUNDS:
                    update_bytes = _bytes_per_update(stack, people)
                    say(f"posting {POSTS_A_SECOND:g} a second for {POSTING_SECONDS:g} s to an otherwise idle loop …")
                    acks = acknowledgements(people, stack, a_second=POSTS_A_SECOND, seconds=POSTING_SECONDS)
            work = Work.median([h.work for h in histories])
            rounds.append(Round(product, _bare(folder / "bare", work)))
            say(f"round {number}: {_told(rounds[-1])}")
    return report(rounds, histories, update_bytes, acks)


def report(rounds: Sequence[Round], histories: Sequence[History], update_bytes: float, acks: Sequence[float]) -> dict[str, Json]:
    """The figures of what was measured. `update_bytes`: of history, per further public update. `acks`: seconds."""
    cases = sum(r.product.loops for r in rounds)
    by_process = {name: sum(r.product.cpu[name] for r in rounds) * 1000 / cases for name in rounds[0].product.cpu}
    players = by_process.pop("players")
    return {
        "ratio_to_bare": round(statistics.median(r.ratio for r in rounds), 3),
        "cpu_ms_per_case": {name: round(ms, 1) for name, ms in (by_process | {"total": sum(by_process.values())}).items()},
        "history_bytes_per_update": round(update_bytes),
        "ack_p50_seconds": round(percentile(acks, 0.5), 3),
        "ack_p99_seconds": round(percentile(acks, 0.99), 3),
        "others_cpu_share": max(max(r.product.others, r.bare.others) for r in rounds),
        "ack_max_seconds": round(max(acks), 3),
        "acknowledged": len(acks),
        "cpu_ratio_to_bare": round(statistics.median(r.cpu_ratio for r in rounds), 3),
        "closed_cases_per_second": round(statistics.median(r.product.a_second for r in rounds), 2),
        "bare_loops_per_second": round(statistics.median(r.bare.a_second for r in rounds), 2),
        "bare_cpu_ms_per_loop": {
            name: round(statistics.median(r.bare.cpu[name] * 1000 / r.bare.loops for r in rounds), 1) for name in rounds[0].bare.cpu
        },
        "players_cpu_ms_per_case": round(players, 1),
        "work_per_case": Work.median([h.work for h in histories]).as_dict(),
        "events_per_case": round(statistics.median(h.events for h in histories)),
        "bytes_per_case": round(statistics.median(h.size for h in histories)),
        "rounds": [
            {
                "closed_cases_per_second": round(r.product.a_second, 2),
                "bare_loops_per_second": round(r.bare.a_second, 2),
                "ratio": round(r.ratio, 3),
                "others_cpu_share": max(r.product.others, r.bare.others),
            }
            for r in rounds
        ],
    }


def _close_cases(stack: Stack, people: People) -> Side:
    neighbours = Neighbours()
    closed, before, after = people.keep_closing(WARM_UP_SECONDS, SECONDS, lambda: stack.cpu() | {"players": _own_cpu()})
    return Side(closed, SECONDS, {name: seconds - before[name] for name, seconds in after.items()}, neighbours.share)


def _histories(stack: Stack) -> list[History]:
    """Of the cases that were closed last, under load."""
    with stack.store.engine.connect() as connection:
        rows = connection.execute(
            text("select case_id from cases where status = 'closed' order by number desc limit :n"), {"n": HISTORIES_READ}
        )
        cases = [workflow_id(row.case_id) for row in rows]
    return read_histories(stack.installation.temporal.address, cases)


def _bytes_per_update(stack: Stack, people: People) -> float:
    """What each further public update adds to a case's history, when each is posted and shown before the next is given."""
    address = stack.installation.temporal.address
    with Board(stack) as board:
        case = people.open_case(board)
        before = settled_size(address, workflow_id(case))
        for number in range(UPDATES):
            people.command(case, "update", text=f"We have taken step {number + 1} of {UPDATES}.")
            after = settled_size(address, workflow_id(case))
    return (after - before) / UPDATES


def _bare(folder: Path, work: Work) -> Side:
    """A round of the bare loop on a server of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    temporal = Temporal(free_port(), free_port(), folder / "temporal.db")
    service = temporal.service(folder / "temporal.log")
    service.nice = NICE
    service.start()
    try:
        service.wait_ready(60)
        assert service.pid is not None, "it is ready, so it runs"
        neighbours = Neighbours()
        outcome = _run_bare(Order(temporal.address, service.pid, AT_ONCE, WARM_UP_SECONDS, SECONDS, work))
        others = neighbours.share
    finally:
        service.stop()
    shutil.rmtree(folder, ignore_errors=True)
    return Side(outcome.loops, SECONDS, {"temporal": outcome.server_cpu, "client and worker": outcome.own_cpu}, others)


def _run_bare(order: Order) -> Outcome:
    command = [sys.executable, "-m", "bench.bare", order.write()]
    finished = subprocess.run(command, cwd=HERE, check=False, capture_output=True, text=True, timeout=_BARE_AT_MOST_SECONDS)
    if finished.returncode != 0:
        raise LoopkeeperError(f"the bare loop did not run: {finished.stderr[-2000:]}")
    return Outcome(**json.loads(finished.stdout))


def _own_cpu() -> float:
    times = psutil.Process().cpu_times()
    return float(times.user + times.system)


def _listed(work: Work) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in work.as_dict().items())


def _told(this: Round) -> str:
    product, bare = this.product, this.bare
    return (
        f"{product.a_second:.1f} cases a second at {product.cpu_ms:.0f} CPU-ms each; "
        f"bare {bare.a_second:.1f} loops at {bare.cpu_ms:.0f}; ratio {this.ratio:.2f}; "
        f"others took {max(product.others, bare.others):.0%} of the machine"
    )


LOOPS_BENCHMARK = Benchmark(
    summary="closed loops a second and CPU a case against a bare Temporal loop; bytes an update; time to the acknowledgement",
    keys=("ratio_to_bare", "cpu_ms_per_case", "history_bytes_per_update", "ack_p50_seconds", "ack_p99_seconds"),
    aims={
        "ratio_to_bare": Aim(at_least=0.6),
        "history_bytes_per_update": Aim(at_most=1536),
        "ack_p99_seconds": Aim(at_most=1.0),
        "others_cpu_share": QUIET,
    },
    run=run,
)
