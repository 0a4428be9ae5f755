"""kill -9 of each process at each named step, while real threads are played: nothing lost, nothing twice, every loop closed."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from cli.replay import Play, policy_for, replay
from cli.threads import read_threads
from tests.crash.traps import Trap
from tests.crash.world import World, trapped_world

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


@pytest.fixture
def world(own_folder: Path, tmp_path: Path) -> Iterator[World]:
    script = read_threads(STORIES, longest_gap=GAP)
    policy = policy_for(script.threads, speed=SPEED, pace=SPEED)
    with trapped_world(own_folder / "killed", tmp_path / "traps", len(TRAPS), speed=SPEED, policy=policy) as world:
        yield world


@contextmanager
def sprung_one_after_the_other(world: World) -> Iterator[tuple[list[Trap], list[BaseException]]]:
    """Each trap is armed when everything is up again; those that have sprung, and what went wrong."""
    sprung: list[Trap] = []
    wrong: list[BaseException] = []
    ended = threading.Event()

    def work() -> None:
        try:
            for trap in TRAPS:
                world.armed.arm(trap)
                if not world.spring(trap, ended):
                    return
                sprung.append(trap)
            while not ended.wait(0.1):
                world.installation.check()
        except BaseException as error:  # noqa: BLE001 - told by the test, which runs in another thread
            wrong.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield sprung, wrong
    finally:
        ended.set()
        thread.join(30)


STORIES = Path(__file__).parents[2] / "sandbox" / "stories.csv"


def test_every_process_is_killed_at_every_step_and_every_loop_closes(world: World) -> None:
    store = world.installation.store()
    try:
        with sprung_one_after_the_other(world) as (sprung, wrong):
            for round_ in itertools.count():
                play = Play(
                    read_threads(STORIES, longest_gap=GAP),
                    world.installation.addresses["Sandbox"],
                    store,
                    SPEED,
                    rate=1.0,
                    at_most_seconds=900,
                    run=f"k{round_}_",
                )
                report = replay(play)
                assert report.faults == []
                if len(sprung) == len(TRAPS) or wrong or round_ == 8:
                    break
        assert wrong == []
        assert [str(t) for t in sprung] == [str(t) for t in TRAPS]
    finally:
        store.close()
