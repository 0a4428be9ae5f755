"""Bundles: a zip file with histories, the proofs that go with them, and instructions. Written in one go, also into a pipe."""

from __future__ import annotations

import hashlib
import json
import queue
import threading
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import IO

from domain.exporting import BUNDLE, Parcel, instructions

_FAST = 1
"""The compression level: histories become a fifth by it, and twice as slow by the next that is worth it."""


def write_bundle(parcel: Parcel, file: IO[bytes], at: datetime) -> None:
    """Write the bundle in one go."""
    for _ in bundle_in_steps(parcel, file, at):
        pass


def bundle_in_steps(parcel: Parcel, file: IO[bytes], at: datetime) -> Iterator[int]:
    """Write the bundle, some at a time: at each step, how many further events are written.

    Its manifest comes last, so that one that was cut off is known by it.
    """
    scope = parcel.scope
    assert scope.note is not None, "a bundle is made of what is sealed"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_FAST) as archive:
        writer = _Writer(archive, at)
        yield from nothing(writer.add("README.txt", [(instructions(scope).encode(), 1)]))
        yield from nothing(writer.add("checkpoint.txt", [(scope.note.encode(), 1)]))
        yield from nothing(writer.add("keys.txt", [("".join(f"{key}\n" for key in scope.keys).encode(), len(scope.keys))]))
        yield from writer.add("events.jsonl", ahead(parcel.events()))
        if not scope.whole:
            yield from nothing(writer.add("heads.jsonl", ahead(parcel.heads())))
            yield from nothing(writer.add("consistency.jsonl", parcel.consistency()))
        if scope.with_words:
            yield from nothing(writer.add("words.jsonl", ahead(parcel.words())))
            if not scope.whole:
                yield from nothing(writer.add("erasures.jsonl", parcel.erasures()))
        manifest = {
            "form": BUNDLE,
            "kind": "full" if scope.whole else "filtered",
            "origin": scope.note.split("\n", 1)[0],
            "size": scope.size,
            "created": at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "by": scope.by,
            "sought": scope.sought,
            "cases": scope.cases,
            "events": writer.files["events.jsonl"]["lines"],
            "not_sealed_yet": scope.unsealed,
            "files": writer.files,
        }
        yield from nothing(writer.add("manifest.json", [(json.dumps(manifest, indent=2, ensure_ascii=False).encode() + b"\n", 1)]))
    yield 0


def nothing(steps: Iterable[int]) -> Iterator[int]:
    """The same steps, of which none writes an event."""
    return (0 for _ in steps)


class _Writer:
    def __init__(self, archive: zipfile.ZipFile, at: datetime) -> None:
        self._archive = archive
        self._at = at.astimezone(UTC).timetuple()[:6]
        self.files: dict[str, dict[str, object]] = {}

    def add(self, name: str, blocks: Iterable[tuple[bytes, int]]) -> Iterator[int]:
        """Write a file of the bundle, some lines at a time: how many each time."""
        entry = zipfile.ZipInfo(name, self._at)
        entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
        entry._compresslevel = _FAST  # type: ignore[attr-defined] # noqa: SLF001 - has no public name before Python 3.13
        hashed, size, lines = hashlib.sha256(), 0, 0
        with self._archive.open(entry, "w", force_zip64=True) as out:
            for block, count in blocks:
                hashed.update(block)
                out.write(block)
                size, lines = size + len(block), lines + count
                yield count
        self.files[name] = {"bytes": size, "lines": lines, "sha256": hashed.hexdigest()}


def ahead(blocks: Iterator[tuple[bytes, int]], most: int = 3) -> Iterator[tuple[bytes, int]]:
    """The same blocks, fetched by a thread while those before are being written: the database and the compression work at once.

    Whatever the fetching raises, is raised here. When nobody goes on reading, the thread ends after the block that it is at.
    """
    ready: queue.Queue[tuple[bytes, int] | BaseException | None] = queue.Queue(most)
    given_up = threading.Event()

    def put(what: tuple[bytes, int] | BaseException | None) -> None:
        while not given_up.is_set():
            try:
                return ready.put(what, timeout=0.2)
            except queue.Full:
                continue
        return None

    def fetch() -> None:
        try:
            for block in blocks:
                put(block)
                if given_up.is_set():
                    return
            put(None)
        except BaseException as error:  # noqa: BLE001 - raised by whoever reads
            put(error)

    thread = threading.Thread(target=fetch, name="export", daemon=True)
    thread.start()
    try:
        while (block := ready.get()) is not None:
            if isinstance(block, BaseException):
                raise block
            yield block
    finally:
        given_up.set()
        thread.join()
