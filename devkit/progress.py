"""Long steps, seen: a live line on a terminal, plain lines anywhere else; and the child processes that do the steps."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Protocol, TextIO

LIVE_SECONDS = 0.1  # between two pictures of the live line
PLAIN_SECONDS = 10.0  # between two plain lines about the same step


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


class Console:
    """Where progress is told: standard error, so that a command's own output stays clean in a pipe."""

    def __init__(self, stream: TextIO | None = None, *, live: bool | None = None) -> None:
        self.stream = stream if stream is not None else sys.stderr
        self.live = self.stream.isatty() and os.environ.get("TERM", "dumb") != "dumb" if live is None else live
        fancy = (self.stream.encoding or "").lower().replace("-", "") == "utf8"
        self.spinner, self.tick, self.cross, self.dots = ("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "✓", "✗", "…") if fancy else ("-\\|/", "+", "x", "...")

    def say(self, text: str) -> None:
        """One whole line."""
        self.stream.write(f"{text}\n")
        self.stream.flush()

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """A step that takes a while: `title` says what is being done, and the end says how it went and how long it took."""
        step = Step(self, title)
        step.begin()
        try:
            yield step
        except BaseException:
            step.end(self.cross)
            raise
        step.end(self.tick)


class Step:
    """One step on the console."""

    def __init__(self, console: Console, title: str) -> None:
        self.console = console
        self.title = title
        self.started = self.shown_at = time.monotonic()
        self.pictures = 0

    @property
    def seconds(self) -> float:
        """How long it has been going, in seconds."""
        return time.monotonic() - self.started

    def begin(self) -> None:
        """Announce it."""
        if self.console.live:
            self._picture("")
        else:
            self.console.say(f"  {self.title} {self.console.dots}")

    def show(self, progress: str) -> None:
        """Tell how far it is, as often as the place bears: many times a second on a terminal, seldom in a log."""
        now = time.monotonic()
        if now - self.shown_at < (LIVE_SECONDS if self.console.live else PLAIN_SECONDS):
            return
        self.shown_at = now
        if self.console.live:
            self._picture(progress)
        else:
            self.console.say(f"    {progress + ', ' if progress else ''}{in_words(self.seconds)} so far")

    def end(self, mark: str) -> None:
        """Say that it is over."""
        erase = "\r\x1b[K" if self.console.live else ""
        self.console.say(f"{erase}  {mark} {self.title} ({in_words(self.seconds)})")

    def _picture(self, progress: str) -> None:
        self.pictures += 1
        turning = self.console.spinner[self.pictures % len(self.console.spinner)]
        text = f"  {turning} {self.title}{': ' + progress if progress else ''} ({in_words(self.seconds)})"
        self.console.stream.write(f"\r\x1b[K{text[: _columns(self.console.stream) - 1]}")
        self.console.stream.flush()


def in_words(seconds: float) -> str:
    """A duration as people say it: `0.4 s`, `12 s`, `2 min 5 s`."""
    if seconds < 1:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return " ".join(part for part in (f"{minutes} min" if minutes else "", f"{rest} s" if rest else "") if part)


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except OSError:
        return 80


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
        said, unfinished_line = bytearray(), b""
        try:
            for chunk in _chunks(process, lambda: step.show(child.watcher.progress())):
                log.write(chunk)
                said += chunk
                *lines, unfinished_line = (unfinished_line + chunk).split(b"\n")
                for line in lines:
                    child.watcher.hear(line.decode(errors="replace"))
            return Finished(process.wait(), said.decode(errors="replace"))
        except BaseException:
            _interrupt(process, child.patience, lambda: step.show("interrupted, letting it put down what it has in hand"))
            raise


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
