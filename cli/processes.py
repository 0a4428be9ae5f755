"""Child processes of an embedded installation: started in order, watched, restarted when they die, stopped in reverse."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from domain.errors import LoopkeeperError

STOP_GRACE_SECONDS = 15.0
CRASHES_BEFORE_GIVING_UP = 6
CRASH_WINDOW_SECONDS = 60.0


class ServiceFailed(LoopkeeperError):
    """A service of the embedded installation would not start, or kept dying."""


@dataclass(slots=True)
class Service:
    """One child process. `ready` is asked until it says yes; `stop_signal` asks the process to end by itself."""

    name: str
    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    user: int | None = None
    group: int | None = None
    ready: Callable[[], bool] = lambda: True
    stop_signal: signal.Signals = signal.SIGTERM
    nice: int = 0
    process: subprocess.Popen[bytes] | None = None
    crashes: list[float] = field(default_factory=list)

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self.process.pid if self.process is not None and self.process.poll() is None else None

    def start(self) -> None:
        """Start the process; its output goes to the log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                list(self.argv),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**_kept_environment(), **self.env},
                user=self.user,
                group=self.group,
                extra_groups=[] if self.user is not None else None,
                start_new_session=True,  # Ctrl-C is for us; we stop the children in order
                preexec_fn=_die_with_parent(self.stop_signal) if sys.platform == "linux" else None,  # noqa: PLW1509 - no threads yet
            )
        if self.nice:
            with contextlib.suppress(psutil.Error, PermissionError):
                psutil.Process(self.process.pid).nice(self.nice)
            with contextlib.suppress(OSError):  # where Linux weighs sessions, a process's own niceness counts within its session only
                Path(f"/proc/{self.process.pid}/autogroup").write_text(str(self.nice))

    def wait_ready(self, seconds: float, tick: Callable[[float], None] | None = None) -> None:
        """Wait until `ready` says yes. Raises ServiceFailed with the end of the log when it does not in `seconds`, or dies."""
        started = time.monotonic()
        while True:
            if self.process is None or self.process.poll() is not None:
                raise ServiceFailed(f"{self.name} stopped while starting. The end of {self.log}:\n{self.tail()}")
            if self.ready():
                return
            waited = time.monotonic() - started
            if waited > seconds:
                raise ServiceFailed(f"{self.name} is not ready after {seconds:.0f} s. The end of {self.log}:\n{self.tail()}")
            if tick is not None:
                tick(waited)
            time.sleep(0.05)  # a poll of a foreign process, bounded by `seconds`

    def stop(self) -> None:
        """Ask the process to end, then make it."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def tail(self, lines: int = 15) -> str:
        """The last lines of the log."""
        try:
            return "\n".join("    " + line for line in self.log.read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return "    (no log)"


class Watch:
    """Keeps services running: one that dies is started again; one that keeps dying ends the whole with its log."""

    def __init__(
        self, services: Sequence[Service], pids: Path, say: Callable[[str], None], crashes: int = CRASHES_BEFORE_GIVING_UP
    ) -> None:
        self._services = list(services)
        self._crashes = crashes
        self._pids = pids
        self._say = say

    def note_pids(self) -> None:
        """Write down which processes are ours, so that the next start can end what a kill -9 of us left behind."""
        known = {s.name: [s.pid, psutil.Process(s.pid).create_time()] for s in self._services if s.pid is not None}
        self._pids.write_text(json.dumps(known))

    def check(self) -> None:
        """Start again what died. Raises ServiceFailed when that has happened too often."""
        for service in self._services:
            if service.process is None or service.process.poll() is None:
                continue
            now = time.monotonic()
            service.crashes = [t for t in service.crashes if now - t < CRASH_WINDOW_SECONDS] + [now]
            if len(service.crashes) >= self._crashes:
                raise ServiceFailed(f"{service.name} keeps stopping. The end of {service.log}:\n{service.tail()}")
            self._say(f"{service.name} stopped (exit code {service.process.returncode}); starting it again")
            service.start()
            self.note_pids()

    def stop(self) -> None:
        """Stop all, the last started first."""
        for service in reversed(self._services):
            service.stop()
        self._pids.unlink(missing_ok=True)


def end_leftovers(pids: Path) -> list[str]:
    """End processes that an earlier installation on the same state left running (it was killed). Returns their names."""
    try:
        known: dict[str, list[float]] = json.loads(pids.read_text())
    except (FileNotFoundError, ValueError):
        return []
    ended = []
    for name, (pid, created) in reversed(list(known.items())):
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(int(pid))
            if abs(process.create_time() - created) < 1:
                process.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
                try:
                    process.wait(STOP_GRACE_SECONDS)
                except psutil.TimeoutExpired:
                    process.kill()
                    process.wait(STOP_GRACE_SECONDS)
                ended.append(name)
    pids.unlink(missing_ok=True)
    return ended


def _die_with_parent(ending: signal.Signals) -> Callable[[], None]:
    """Linux ends the child with this signal when we are gone, even by kill -9. (Elsewhere `end_leftovers` does, at the next start.)"""
    import ctypes

    prctl, set_parent_death_signal = ctypes.CDLL(None).prctl, 1
    return lambda: prctl(set_parent_death_signal, ending.value)


def _kept_environment() -> dict[str, str]:
    """What children inherit: enough to run, no settings or secrets of ours that were not handed over on purpose."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("LOOPKEEPER_", "DATABASE_URL", "SANDBOX_", "TEMPORAL_", "PYTHONPATH"))}
