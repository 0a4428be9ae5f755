"""The whole product on fresh servers, and what it costs them in CPU."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from adapters.postgres.keys import NewKey
from adapters.postgres.store import Store
from bench.figures import Aim
from cli.embedded import START_SECONDS, Installation, default_state
from cli.processes import Service
from cli.state import State
from domain.values import SYSTEM, Role

QUIET = Aim(at_most=0.05)
"""What others may take of the processors during a measurement; above it, the figures are worth little."""
SLACK_AS_FAST_AS_YOU_LIKE = 5000.0
"""The stand-in's message rate. The real one's (1 a second and channel) would be measured instead of us."""


@contextmanager
def bench_folder() -> Iterator[Path]:
    """The folder of benchmarks, on the disk on which an installation would be; held by one run at a time."""
    with State(default_state().absolute() / "bench") as held:
        held.tell("measuring")
        yield held.folder


class Stack:
    """A running installation, for a measurement."""

    def __init__(self, installation: Installation, store: Store) -> None:
        self.installation = installation
        self.store = store
        self.sandbox = installation.addresses["Sandbox"]
        self.api = installation.addresses["Console"].removesuffix("/console")
        self.key = store.keys.make(NewKey("bench", Role.LEAD), SYSTEM)[1]
        """An API key of somebody who may do everything to a case."""

    def cpu(self) -> dict[str, float]:
        """CPU seconds of each process so far, their children included."""
        return {name: cpu_of(service) for name, service in self.installation.services.items()}

    def memory(self) -> dict[str, int]:
        """Resident bytes of each process now, those of PostgreSQL's connections (which share their memory) left out."""
        running = {name: service.pid for name, service in self.installation.services.items()}
        return {name: int(psutil.Process(pid).memory_info().rss) for name, pid in running.items() if pid is not None}

    def restart_worker(self, **settings: str) -> None:
        """Stop the worker, and start it with these settings changed."""
        worker = self.installation.services["worker"]
        worker.stop()
        worker.log.replace(worker.log.with_suffix(".log.before"))  # whether it serves is read off the log
        worker.env = {**worker.env, **settings}
        worker.start()
        worker.wait_ready(START_SECONDS)


@contextmanager
def fresh_stack(
    folder: Path, settings: Mapping[str, str] | None = None, *, policy: str | None = None, yielding: bool = True
) -> Iterator[Stack]:
    """A whole installation with nothing in it; gone afterwards. `policy`: YAML, when it is not the shipped one."""
    shutil.rmtree(folder, ignore_errors=True)
    with State(folder) as state:
        installation = Installation(state, slack_rate=SLACK_AS_FAST_AS_YOU_LIKE, settings=settings or {}, policy=policy, yielding=yielding)
        try:
            installation.start()
            with contextlib.closing(installation.store("loopkeeper bench")) as store:
                yield Stack(installation, store)
        finally:
            installation.stop()
    shutil.rmtree(folder, ignore_errors=True)  # kept, with its logs, when something went wrong


class Neighbours:
    """Everything else on this machine, since this was made: what it took of the processors was not there to be measured."""

    def __init__(self) -> None:
        self._since, self._busy, self._ours = time.monotonic(), _busy_seconds(), _our_seconds()

    @property
    def share(self) -> float:
        """The share of all processors that others took, 0 to 1."""
        passed = (time.monotonic() - self._since) * (psutil.cpu_count() or 1)
        others = (_busy_seconds() - self._busy) - (_our_seconds() - self._ours)
        return round(min(1.0, max(0.0, others / passed)), 2)


def _busy_seconds() -> float:
    times = psutil.cpu_times()._asdict()
    return float(sum(times[kind] for kind in ("user", "nice", "system", "irq", "softirq", "steal") if kind in times))


def _our_seconds() -> float:
    """Of this process and all that it has started."""
    return _with_children(psutil.Process())


def cpu_of(service: Service) -> float:
    """CPU seconds of a service and its children so far."""
    return 0.0 if service.pid is None else _with_children(psutil.Process(service.pid))


def _with_children(process: psutil.Process) -> float:
    """CPU seconds of a process and of all below it, those that have ended and were waited for included."""
    seconds = 0.0
    for one in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            seconds += times.user + times.system + times.children_user + times.children_system
    return seconds
