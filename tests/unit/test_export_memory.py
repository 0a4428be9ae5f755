"""Exporting and verifying take memory that does not grow with what is exported."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.export.bundle import write_bundle
from adapters.notary import Notary
from domain.checkpoints import Checkpoint
from domain.exporting import Scope
from domain.history import GENESIS, chain_hash
from domain.merkle import Frontier, leaf_hash
from verifier import loopkeeper_verify

NOTARY = Notary.parse(Notary.new_key("log.example/log"))
NOW = datetime(2026, 3, 2, tzinfo=UTC)
DOC = '{"at":"2026-03-02T00:00:00Z","by":{"person":"system","role":"system","via":"system"},"data":{"text":"' + "x" * 400 + '"}}'


def history(events: int) -> Iterator[bytes]:
    """One case of so many events, as it stands in a bundle."""
    before = GENESIS
    for n in range(events):
        identity = f"00000000-0000-7000-8000-{n:012x}"
        now = chain_hash("case", n + 1, identity, n, None, before, DOC)
        head = (
            f'{{"case":"case","seq":{n + 1},"id":"{identity}","us":{n},"leaf":{n},"words":null,"prev":"{before.hex()}","hash":"{now.hex()}"'
        )
        yield f'{head},"doc":{DOC}}}\n'.encode()
        before = now


class Made:
    """A parcel that is made up as it is read."""

    def __init__(self, events: int) -> None:
        frontier, before = Frontier(), GENESIS
        for n in range(events):
            before = chain_hash("case", n + 1, f"00000000-0000-7000-8000-{n:012x}", n, None, before, DOC)
            frontier.add(leaf_hash(before))
        note = str(NOTARY.sign(Checkpoint(NOTARY.origin, events, frontier.root(), NOW)))
        keys = [str(key) for key in NOTARY.verifiers]
        self.scope = Scope("everything", True, "auditor, through cli", 1, events, 0, False, False, note, events, keys)

    def events(self) -> Iterator[tuple[bytes, int]]:
        block: list[bytes] = []
        for line in history(self.scope.events):
            block.append(line)
            if len(block) == 500:
                yield b"".join(block), len(block)
                block = []
        yield b"".join(block), len(block)

    def none(self) -> Iterator[tuple[bytes, int]]:
        yield from ()

    heads = consistency = words = erasures = none


def peak(of: Callable[[], object]) -> int:
    """The most bytes that were held at once."""
    tracemalloc.start()
    try:
        of()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_ten_times_the_events_take_no_more_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    peaks = []
    for events in (3_000, 30_000):
        parcel, path = Made(events), tmp_path / f"{events}.zip"
        with path.open("wb") as file:
            written = peak(lambda: write_bundle(parcel, file, NOW))  # noqa: B023 - called at once
        verified = peak(lambda: loopkeeper_verify.main([str(path)]))  # noqa: B023 - called at once
        assert "VERIFIED" in capsys.readouterr().out
        peaks.append((written, verified))
    (few_written, few_verified), (many_written, many_verified) = peaks
    assert many_written < few_written + 2_000_000
    assert many_verified < few_verified + 2_000_000
