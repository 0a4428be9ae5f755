"""The programs that set-up runs: heard while they work, kept in a log, and never left behind when we are interrupted."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Protocol

from devkit.progress import LIVE_SECONDS, Step

INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """The process was asked to end. Not an Exception, so that nothing on the way mistakes it for a failure."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.exit_code = 128 + signum


def end_cleanly_when_asked() -> None:
    """Let SIGTERM and SIGHUP raise `Stopped` and Ctrl-C KeyboardInterrupt, unless whoever started us wants them ignored (nohup)."""

    def stop(signum: int, _frame: FrameType | None) -> None:
        raise Stopped(signum)

    for signum in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, stop)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Watcher(Protocol):
    """Reads what a child says and knows, at any moment, how far it is."""

    def hear(self, line: str) -> None:
        """Take in one line of the child's output."""

    def progress(self) -> str:
        """How far the child is, in a few words; empty when there is nothing to say."""


class Silent:
    """Watches a child whose steps are not worth telling."""

    def hear(self, line: str) -> None:
        """Nothing to learn."""

    def progress(self) -> str:
        """Nothing to say."""
        return ""


@dataclass(frozen=True)
class Finished:
    """How a child ended, and all that it said (both its outputs, in order)."""

    exit_code: int
    output: str


@dataclass(frozen=True)
class Child:
    """A program to run as part of a step."""

    command: Sequence[str]
    log: Path
    folder: Path | None = None
    environ: Mapping[str, str] | None = None
    watcher: Watcher = field(default_factory=Silent)
    keeps_open: tuple[int, ...] = ()  # a lock that must outlive us as long as the child works
    patience: float | None = 10.0  # seconds to tidy up after an interrupt before it is killed; None: as long as it takes


def run(child: Child, step: Step) -> Finished:
    """Run `child` to its end, showing its progress in `step` and keeping what it says in its log.

    When we are interrupted or stopped, the child is interrupted too, given time to tidy up, and only then are we gone.
    """
    # A session of its own: Ctrl-C then reaches the child through us alone, once, and it cannot ask at the terminal.
    with (
        _interruptions_held() as let_interruptions_through,
        child.log.open("ab", buffering=0) as log,
        subprocess.Popen(
            child.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=child.folder,
            env=child.environ,
            pass_fds=child.keeps_open,
            start_new_session=True,
        ) as process,
    ):

        def meanwhile(progress: Callable[[], str]) -> None:
            let_interruptions_through()
            step.show(progress())

        said, unfinished_line = bytearray(), b""
        try:
            for chunk in _chunks(process, lambda: meanwhile(child.watcher.progress)):
                log.write(chunk)
                said += chunk
                *lines, unfinished_line = (unfinished_line + chunk).split(b"\n")
                for line in lines:
                    child.watcher.hear(line.decode(errors="replace"))
            return Finished(process.wait(), said.decode(errors="replace"))
        except BaseException:
            _interrupt(process, child.patience, lambda: meanwhile(lambda: "interrupted, letting it put down what it has in hand"))
            raise


@contextmanager
def _interruptions_held() -> Iterator[Callable[[], None]]:
    """Hold back the signals that would interrupt us, and yield what lets them through: between starting a child and
    knowing of it there must be no way out, or it would be left behind.
    """
    handlers = {signum: handler for signum in INTERRUPTIONS if callable(handler := signal.getsignal(signum))}
    held: list[int] = []

    def hold(signum: int, _frame: FrameType | None) -> None:
        held.append(signum)

    def let_through() -> None:
        if held:
            signum = held.pop(0)
            handlers[signal.Signals(signum)](signum, None)

    for signum in handlers:
        signal.signal(signum, hold)
    try:
        yield let_through
    finally:
        for signum, handler in handlers.items():
            signal.signal(signum, handler)
    let_through()


def _chunks(process: subprocess.Popen[bytes], meanwhile: Callable[[], None]) -> Iterator[bytes]:
    """What the child says, until it ends; a grandchild that stays behind with the pipe open is not waited for."""
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    while True:
        meanwhile()
        ended = process.poll() is not None
        ready, _, _ = select.select([pipe], [], [], 0 if ended else LIVE_SECONDS)
        chunk = os.read(pipe, 65536) if ready else b""
        if chunk:
            yield chunk
        elif ready or ended:
            return


def _interrupt(process: subprocess.Popen[bytes], patience: float | None, meanwhile: Callable[[], None]) -> None:
    """Ask the child to end and go on reading, so that it never waits for us; out of patience (in seconds), kill it and all that it started.

    Without end of patience only the child itself is asked: it knows best what of its own must not be cut off.
    """
    if patience is None:
        process.send_signal(signal.SIGINT)
    else:
        _signal_group(process, signal.SIGINT)
    asked_at = time.monotonic()

    def wait() -> None:
        meanwhile()
        if patience is not None and time.monotonic() - asked_at > patience:
            _signal_group(process, signal.SIGKILL)

    for _ in _chunks(process, wait):
        pass
    if patience is not None:
        _signal_group(process, signal.SIGKILL)  # nothing that the child left behind may go on writing


def _signal_group(process: subprocess.Popen[bytes], signum: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group that has just ended
        os.killpg(process.pid, signum)
