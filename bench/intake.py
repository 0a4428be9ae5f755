"""`bench intake`: how many signed posts a second the API takes in (verified, stored durably, answered 202), and how long each takes.

Eight connections of a bridge in a process of its own post complaints of ever new customers to a fresh installation with everything on.
Behind the API, dispatcher and worker do their work on the same cores, and how far they have come at the end is told. Two readings, one
after the other: at full tilt, where each connection sends its next post once the last is answered; and at a steady 300 posts a second,
where the time counts from when a post was due. The second comes with the loop far behind already, as on the day that it matters.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import text

from bench.bridge import Orders, Posted, Turn
from bench.figures import Aim, Benchmark, Json, Say, percentile
from bench.stack import QUIET, Neighbours, Stack, bench_folder, fresh_stack
from cli.engines import free_port
from domain.errors import LoopkeeperError

CONNECTIONS = 8
FULL_TILT = Turn(seconds=15, warm_up=3, a_second=None)
OFFERED = Turn(seconds=15, warm_up=2, a_second=300)
HERE = Path(__file__).resolve().parent.parent
SECRET = "whsec_YmVuY2htYXJrIG9ubHksIG5vdCBhIHNlY3JldCBhdCBhbGw="

_BEHIND = text(
    "select (select count(*) from inbound) as stored, (select count(*) from inbound where state = 'waiting') as waiting, "
    "(select count(*) from inbound where state = 'done') as told"
)


@dataclass(frozen=True)
class Behind:
    """How far the loop has come: posts stored; those not looked at yet, those that Temporal was told, those answered on the network."""

    stored: int
    waiting: int
    told: int
    acknowledged: int


@dataclass(frozen=True)
class Reading:
    """What one turn gave: posts, how far the loop was at its end, CPU seconds by process, and the neighbours' share."""

    posted: Posted
    behind: Behind
    cpu: Mapping[str, float]
    others: float = 0.0


class Client:
    """The bridge's process."""

    def __init__(self, process: subprocess.Popen[str], told: IO[str], says: IO[str]) -> None:
        self._process = process
        self._told = told
        self._says = says
        self.hear()

    def hear(self) -> str:
        """Its next line. Raises LoopkeeperError when it has ended."""
        line = self._says.readline()
        if not line:
            raise LoopkeeperError(f"the posting process ended ({self._process.wait()}); what it said is above")
        return line

    def post(self, turn: Turn) -> Posted:
        """Have it post."""
        self._told.write(json.dumps(asdict(turn)) + "\n")
        self._told.flush()
        return Posted(**json.loads(self.hear()))


def run(say: Say) -> Mapping[str, Json]:
    """Measure."""
    port = free_port()
    channels = {"x": {"bridge_url": f"http://127.0.0.1:{port}", "secret": SECRET}}
    with (
        bench_folder() as folder,
        fresh_stack(folder / "product", {"LOOPKEEPER_CHANNELS": json.dumps(channels)}) as stack,
        _client(Orders(stack.api, SECRET, CONNECTIONS, port)) as client,
    ):
        say(f"{CONNECTIONS} connections at full tilt for {FULL_TILT.seconds:g} s …")
        full_tilt = _read(stack, client, FULL_TILT)
        say(f"{OFFERED.a_second:g} posts a second offered for {OFFERED.seconds:g} s …")
        offered = _read(stack, client, OFFERED)
    return report(full_tilt, offered)


def report(full_tilt: Reading, offered: Reading) -> dict[str, Json]:
    """The figures of what was measured."""
    waits, at_300 = full_tilt.posted.waits, offered.posted.waits
    return {
        "posts_per_second": round(full_tilt.posted.in_time / full_tilt.posted.seconds, 1),
        "accept_p50_ms": round(percentile(waits, 0.5) * 1000, 2),
        "accept_p99_ms": round(percentile(waits, 0.99) * 1000, 2),
        "accept_max_ms": round(max(waits) * 1000, 2),
        "others_cpu_share": max(full_tilt.others, offered.others),
        "not_accepted": full_tilt.posted.other,
        "loop_at_the_end": asdict(full_tilt.behind),
        "api_cpu_ms_per_post": round(full_tilt.cpu["api"] * 1000 / len(waits), 2),
        "cpu_share": {name: round(seconds / full_tilt.posted.seconds, 2) for name, seconds in full_tilt.cpu.items()},
        "at_300_posts_per_second": round(offered.posted.in_time / offered.posted.seconds, 1),
        "at_300_accept_p50_ms": round(percentile(at_300, 0.5) * 1000, 2),
        "at_300_accept_p99_ms": round(percentile(at_300, 0.99) * 1000, 2),
        "at_300_accept_max_ms": round(max(at_300) * 1000, 2),
        "at_300_not_accepted": offered.posted.other,
        "at_300_loop_at_the_end": asdict(offered.behind),
    }


def _read(stack: Stack, client: Client, turn: Turn) -> Reading:
    neighbours, before = Neighbours(), stack.cpu()
    posted = client.post(turn)
    cpu = {name: (seconds - before[name]) * turn.seconds / (turn.seconds + turn.warm_up) for name, seconds in stack.cpu().items()}
    others = neighbours.share
    with stack.store.engine.connect() as connection:
        behind = Behind(**connection.execute(_BEHIND).mappings().one(), acknowledged=posted.replied)
    if behind.stored != posted.told:
        raise LoopkeeperError(f"{posted.told} posts were answered 202, and {behind.stored} are stored; this measurement is worth nothing")
    return Reading(posted, behind, cpu, others)


@contextmanager
def _client(orders: Orders) -> Iterator[Client]:
    command = [sys.executable, "-m", "bench.bridge", json.dumps(asdict(orders))]
    with subprocess.Popen(command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Client(process, process.stdin, process.stdout)
        finally:
            process.terminate()


INTAKE_BENCHMARK = Benchmark(
    summary="signed posts a second that the API stores and accepts with 8 clients, and how long each takes, while the loop runs behind",
    keys=("posts_per_second", "accept_p50_ms", "accept_p99_ms"),
    aims={
        "posts_per_second": Aim(at_least=300),
        "accept_p99_ms": Aim(at_most=50),
        "at_300_accept_p99_ms": Aim(at_most=50),
        "others_cpu_share": QUIET,
    },
    run=run,
)
