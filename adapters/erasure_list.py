"""The erasure list: a file of one JSON object a line, only ever added to, outside the database and its backups."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from domain.erasure import Listed
from domain.errors import LoopkeeperError


class BadErasureList(LoopkeeperError):
    """The file cannot be written, or a line of it cannot be read."""


class ErasureFile:
    """See `domain.erasure.ErasureList`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, lines: Sequence[Listed]) -> None:
        """Add lines; when it returns they are on the disk, and so is the file's name. Raises BadErasureList."""
        text = "".join(
            json.dumps({"at": one.at.isoformat(), "author": one.author, "erasure": one.erasure, "subject": one.subject, "v": 1}) + "\n"
            for one in lines
        )
        try:
            self._write(text.encode())
        except OSError as error:
            raise BadErasureList(
                f"nothing was erased, because the erasure list {self.path} cannot be written ({error.strerror}); "
                "LOOPKEEPER_ERASURE_LIST names it"
            ) from None

    def lines(self) -> list[Listed]:
        """All of it. A line that was cut off while it was written belongs to an erasure that did not happen then. Raises BadErasureList."""
        try:
            whole = self.path.read_text("utf-8")
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            raise BadErasureList(f"the erasure list {self.path} cannot be read: {error}") from None
        return [self._read(number, line) for number, line in enumerate(whole.split("\n"), 1) if line.endswith("}")]

    def _write(self, text: bytes) -> None:
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(file).st_size
            if size and os.pread(file, 1, size - 1) != b"\n":  # an earlier write was cut off; its half line must not swallow ours
                text = b"\n" + text
            written = os.write(file, text)
            if written != len(text):
                raise OSError(0, "the disk is full")
            os.fsync(file)
        finally:
            os.close(file)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _read(self, number: int, line: str) -> Listed:
        try:
            raw = json.loads(line)
            if raw["v"] == 1:
                return Listed(datetime.fromisoformat(raw["at"]), raw["erasure"], raw["subject"], raw["author"])
        except (ValueError, KeyError, TypeError):
            pass
        raise BadErasureList(f"{self.path}:{number}: this is not a line of an erasure list; put the file back as it was, from a copy")
