"""Where checkpoints are published: a file, a mailbox, a channel in Slack. Each is beyond whoever runs the database alone."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from domain.checkpoints import Checkpoint, NoCheckpoint, Note
from domain.ports import Post, Refused

_APART = b"\n\n"


class CheckpointFile:
    """A file that is only added to, best where the database's administrator cannot write: on another machine, or written once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def last(self) -> Checkpoint | None:
        """See `domain.ports.Destination.last`."""
        try:
            written = self._path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Refused(f"{self._path} cannot be read ({type(error).__name__})") from error
        notes = checkpoints_in(written)
        return Checkpoint.parse(notes[-1].text) if notes else None

    def publish(self, note: Note, size: int) -> str:
        """See `domain.ports.Destination.publish`. On the disk when this returns."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.seek(max(0, file.seek(0, os.SEEK_END) - len(_APART)))
                before = file.read()
                file.write((b"" if before in (b"", _APART) else _APART) + f"{note}\n".encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise Refused(f"{self._path} cannot be written to ({error.strerror})") from error
        return f"{self._path} ({size} events)"


def checkpoints_in(written: str) -> list[Note]:
    """The notes in a text in which each ends with an empty line, in their order. One that was cut off (a full disk) is passed over."""
    notes = []
    blocks = re.split(r"\n\n+", written)
    for text, signatures in pairwise(blocks):
        with suppress(NoCheckpoint):
            note = Note.parse(f"{text}\n\n{signatures.rstrip()}\n")
            Checkpoint.parse(note.text)
            notes.append(note)
    return notes


class CheckpointMail:
    """A mailbox."""

    def __init__(self, post: Post, to: str) -> None:
        self._post = post
        self._to = to

    def last(self) -> Checkpoint | None:
        """A mailbox cannot be read from here."""
        return None

    def publish(self, note: Note, size: int) -> str:
        """See `domain.ports.Destination.publish`."""
        self._post.notify(self._to, f"Loopkeeper: checkpoint of {size:,} events", told(note, size))
        return self._to


class CheckpointChannel:
    """A channel in Slack. `say`: posts a text there, and answers with its place."""

    def __init__(self, say: Callable[[str, str], str], channel: str) -> None:
        self._say = say
        self._channel = channel

    def last(self) -> Checkpoint | None:
        """Reading channels takes a scope that the app does not ask for."""
        return None

    def publish(self, note: Note, size: int) -> str:
        """See `domain.ports.Destination.publish`."""
        return self._say(
            self._channel, f"Checkpoint of {size:,} events. Keep it: it proves that none of them is changed later.\n```\n{note}```"
        )


def told(note: Note, size: int) -> str:
    """A checkpoint with a word on what it is for."""
    return (
        f"This is the signed state of Loopkeeper's histories: {size:,} events. Keep this e-mail where nobody can change it.\n"
        "With it an auditor proves that none of these events was changed, removed or added since:\n"
        "loopkeeper audit verify BUNDLE --since FILE, where FILE has the lines below.\n\n"
        f"{note}"
    )
