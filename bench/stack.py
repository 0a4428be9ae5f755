"""The whole product on fresh servers, and what it costs them in CPU."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from adapters.postgres.store import Store
from cli.embedded import Installation, default_state
from cli.processes import Service
from cli.state import State
from domain.values import Role

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
        self.key = store.people.make_key("bench", Role.LEAD)[1]
        """An API key of somebody who may do everything to a case."""

    def cpu(self) -> dict[str, float]:
        """CPU seconds of each process so far, their children included."""
        return {name: cpu_of(service) for name, service in self.installation.services.items()}


@contextmanager
def fresh_stack(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """A whole installation with nothing in it; gone afterwards."""
    shutil.rmtree(folder, ignore_errors=True)
    with State(folder) as state:
        installation = Installation(state, slack_rate=SLACK_AS_FAST_AS_YOU_LIKE, settings=settings or {})
        try:
            installation.start()
            with contextlib.closing(installation.store("loopkeeper bench")) as store:
                yield Stack(installation, store)
        finally:
            installation.stop()
    shutil.rmtree(folder, ignore_errors=True)  # kept, with its logs, when something went wrong


def cpu_of(service: Service) -> float:
    """CPU seconds of a service so far: its own, its children's, and those of children that have ended."""
    if service.pid is None:
        return 0.0
    process = psutil.Process(service.pid)
    own = process.cpu_times()
    seconds = own.user + own.system + own.children_user + own.children_system
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = child.cpu_times()
            seconds += times.user + times.system
    return float(seconds)
