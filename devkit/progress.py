"""Long steps, told while they last: a live line on a terminal, plain lines anywhere else."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

LIVE_SECONDS = 0.1  # between two pictures of the live line
PLAIN_SECONDS = 10.0  # between two plain lines about the same step


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
