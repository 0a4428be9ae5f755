"""Traps: a process of ours that reaches a named step kills a process, itself or another, with SIGKILL, exactly there.

One trap is armed at a time, by the file `armed` in a folder that the test and the processes share. Whoever springs it creates
`sprung-N` first, so that each springs once, whichever process gets there first and however often it is started again.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

FOLDER = "TRAPS"
"""The environment variable that names the shared folder."""


@dataclass(frozen=True, slots=True)
class Trap:
    """When `process` comes to `step`, `victim` dies."""

    number: int
    process: str
    step: str
    victim: str

    def __str__(self) -> str:
        return f"{self.victim} killed when the {self.process} is at '{self.step}'"


class Armed:
    """The folder in which traps are armed and sprung; the test's side."""

    def __init__(self, folder: Path, pids: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pids").write_text(str(pids))

    def arm(self, trap: Trap) -> None:
        """From now on, this trap waits."""
        half = self._folder / "armed.new"
        half.write_text(json.dumps(asdict(trap)))
        half.replace(self._folder / "armed")

    def disarm(self) -> None:
        """No trap waits."""
        (self._folder / "armed").unlink(missing_ok=True)

    def sprung(self, trap: Trap) -> bool:
        """Whether it has killed."""
        return (self._folder / f"sprung-{trap.number}").exists()


class Steps:
    """The process's side: where it says which step it has come to."""

    def __init__(self, process: str) -> None:
        self._process = process
        self._folder = Path(os.environ[FOLDER])
        self._pids = Path((self._folder / "pids").read_text())
        self._here = threading.local()

    def waits_at(self, step: str) -> Trap | None:
        """The trap that waits at this step, if there is one."""
        try:
            trap = Trap(**json.loads((self._folder / "armed").read_text()))
        except (FileNotFoundError, ValueError):
            return None
        if (trap.process, trap.step) != (self._process, step) or (self._folder / f"sprung-{trap.number}").exists():
            return None
        return trap

    def come_to(self, step: str) -> None:
        """Spring the trap that waits here."""
        trap = self.waits_at(step)
        if trap is not None:
            self.spring(trap)

    @contextlib.contextmanager
    def through(self, before: str, inside: str, after: str) -> Iterator[None]:
        """What a thread does between two steps; `inside` is the one at which it commits (`under_way`)."""
        self.come_to(before)
        self._here.doing = [*self.under_way(), inside]
        try:
            yield
        finally:
            self._here.doing = self._here.doing[:-1]
        self.come_to(after)

    def under_way(self) -> list[str]:
        """The steps to which this thread comes when it commits."""
        return list(getattr(self._here, "doing", ()))

    def spring(self, trap: Trap) -> None:
        """Kill the victim and wait until it is dead. One who is our own does not return."""
        try:
            os.close(os.open(self._folder / f"sprung-{trap.number}", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        known: dict[str, list[float]] = json.loads(self._pids.read_text())
        victim = psutil.Process(int(known[trap.victim][0]))
        if victim.pid == os.getpid():
            os.kill(os.getpid(), signal.SIGKILL)
        family = [victim, *victim.children(recursive=True)]  # the parent first, so that it cannot tend to its children
        for one in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(family, timeout=10)
