"""An installation whose processes have traps."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.embedded import Installation, pace_from_now
from cli.state import State
from tests.crash.traps import FOLDER, Armed, Trap


@dataclass(frozen=True)
class World:
    """The installation, and its traps."""

    installation: Installation
    armed: Armed

    def spring(self, trap: Trap, ended: threading.Event) -> bool:
        """Wait until a trap that is armed has sprung, and start again what was killed; whether it sprang before it `ended`."""
        while not self.armed.sprung(trap):
            if ended.wait(0.02):
                return False
        self.armed.disarm()
        service = self.installation.services[trap.victim]
        assert service.process is not None
        service.process.wait(10)
        self.installation.check()
        for each in self.installation.services.values():
            each.wait_ready(30)
        return True


@contextmanager
def trapped_world(folder: Path, traps: Path, many: int, *, speed: float, policy: str | None = None) -> Iterator[World]:
    """One for so many traps; gone afterwards. Its processes know by their environment where the traps lie."""
    with State(folder) as state:
        armed = Armed(traps, state.pids)
        installation = Installation(
            state,
            pace=pace_from_now(speed),
            policy=policy,
            slack_rate=5000,
            crashes_allowed=many * 2,
            programs={name: ("-m", "tests.crash.trapped", name) for name in ("worker", "dispatcher", "api")},
            settings={"LOOPKEEPER_CHANNEL_TIMEOUT": "2", FOLDER: str(traps)},
        )
        installation.start()
        try:
            yield World(installation, armed)
        finally:
            installation.stop()
