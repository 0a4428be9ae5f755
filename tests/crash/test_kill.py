"""kill -9 of each process at each named step, while real threads are played: nothing lost, nothing twice, every loop closed."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Self

import pytest

from cli.embedded import Installation, pace_from_now
from cli.replay import Play, policy_for, replay
from cli.state import State
from cli.threads import read_threads
from tests.crash.traps import FOLDER, Armed, Trap

SPEED = 900.0
GAP = timedelta(hours=2)
"""Eight seconds: longer than anything here takes to be mended."""
EFFECT_STEPS = ("before the claim", "after the claim", "request in flight", "answer received", "inside the commit", "after the commit")
INTAKE_STEPS = ("before storing", "inside the storing", "stored, not answered")
COMMAND_STEPS = ("before the command", "command carried out, not answered")

TRAPS = [
    Trap(number, *what)
    for number, what in enumerate(
        [
            *itertools.product(["dispatcher"], EFFECT_STEPS, ["dispatcher"]),
            *itertools.product(["api"], COMMAND_STEPS, ["api", "worker", "temporal"]),
            *itertools.product(["api"], INTAKE_STEPS, ["api", "postgres"]),
            *itertools.product(["worker"], EFFECT_STEPS, ["worker", "postgres", "temporal", "api"]),
        ]
    )
]


class Trapper:
    """Arms one trap after the other, each when everything is up again, and starts again what was killed."""

    def __init__(self, installation: Installation, armed: Armed) -> None:
        self._installation = installation
        self._armed = armed
        self.sprung: list[Trap] = []
        self.gone_wrong: list[BaseException] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(30)

    def _work(self) -> None:
        try:
            for trap in TRAPS:
                self._armed.arm(trap)
                while not self._armed.sprung(trap):
                    if self._ended.wait(0.02):
                        return
                self._armed.disarm()
                self.sprung.append(trap)
                self._mend(trap)
            while not self._ended.wait(0.1):
                self._installation.check()
        except BaseException as error:  # noqa: BLE001 - told by the test, which runs in another thread
            self.gone_wrong.append(error)

    def _mend(self, trap: Trap) -> None:
        service = self._installation.services[trap.victim]
        assert service.process is not None
        service.process.wait(10)
        self._installation.check()
        for each in self._installation.services.values():
            each.wait_ready(30)


@pytest.fixture
def world(own_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Installation, Armed, Path]]:
    """An installation whose processes have traps."""
    with State(own_folder / "killed") as state:
        armed = Armed(tmp_path / "traps", state.pids)
        monkeypatch.setenv(FOLDER, str(tmp_path / "traps"))
        script = read_threads(STORIES, longest_gap=GAP)
        installation = Installation(
            state,
            pace=pace_from_now(SPEED),
            policy=policy_for(script.threads, speed=SPEED, pace=SPEED),
            slack_rate=5000,
            crashes_allowed=len(TRAPS) * 2,
            programs={name: ("-m", "tests.crash.trapped", name) for name in ("worker", "dispatcher", "api")},
            settings={"LOOPKEEPER_CHANNEL_TIMEOUT": "2", FOLDER: str(tmp_path / "traps")},
        )
        installation.start()
        try:
            yield installation, armed, STORIES
        finally:
            installation.stop()


STORIES = Path(__file__).parents[2] / "sandbox" / "stories.csv"


def test_every_process_is_killed_at_every_step_and_every_loop_closes(world: tuple[Installation, Armed, Path]) -> None:
    installation, armed, stories = world
    store = installation.store()
    try:
        with Trapper(installation, armed) as trapper:
            for round_ in itertools.count():
                play = Play(
                    read_threads(stories, longest_gap=GAP),
                    installation.addresses["Sandbox"],
                    store,
                    SPEED,
                    rate=1.0,
                    at_most_seconds=420,
                    run=f"k{round_}_",
                )
                report = replay(play)
                assert report.faults == []
                if len(trapper.sprung) == len(TRAPS) or trapper.gone_wrong or round_ == 8:
                    break
        assert trapper.gone_wrong == []
        assert [str(t) for t in trapper.sprung] == [str(t) for t in TRAPS]
    finally:
        store.close()
