"""The outside world at its worst, while stories are played: nothing lost, nothing twice, and what nobody can know is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from cli.embedded import Installation, pace_from_now
from cli.replay import Play, Report, policy_for, replay
from cli.state import State
from cli.threads import read_threads
from sandbox.hands import Hands

SPEED = 900.0
GAP = timedelta(hours=2)
"""Eight seconds: longer than anything here takes to be mended."""
STORIES = Path(__file__).parents[2] / "sandbox" / "stories.csv"
FAULTS = [
    ("square", "lose_answer", {"probability": 0.1}),
    ("square", "fail_after", {"probability": 0.1}),
    ("square", "fail_before", {"probability": 0.05}),
    ("square", "hang", {"probability": 0.05, "acts": True}),
    ("square", "rate_limit", {"probability": 0.05, "seconds": 1}),
    ("slack", "lose_answer", {"probability": 0.05}),
    ("slack", "fail_after", {"probability": 0.05}),
    ("slack", "rate_limit", {"probability": 0.05, "seconds": 1}),
    ("webhooks", "lose_answer", {"probability": 0.1}),
    ("webhooks", "deliver_twice", {"probability": 0.3}),
    ("webhooks", "reorder", {"probability": 0.2}),
    ("webhooks", "drop_once", {"probability": 0.1}),
    ("interactions", "deliver_twice", {"probability": 0.2}),
    ("interactions", "lose_answer", {"probability": 0.05}),
]


@pytest.fixture
def play(own_folder: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Report]]:
    """Plays the stories in a world with faults; x honours idempotency keys or not."""
    started: list[Installation] = []
    with State(own_folder / request.node.name) as state:

        def with_faults(faults: list[tuple[str, str, dict[str, object]]], *, honours_key: bool) -> Report:
            script = read_threads(STORIES, longest_gap=GAP)
            policy = yaml.safe_load(policy_for(script.threads, speed=SPEED, pace=SPEED))
            policy["channels"]["x"]["honours_idempotency_key"] = honours_key
            settings = {"LOOPKEEPER_CHANNEL_TIMEOUT": "2", "LOOPKEEPER_CHANNEL_LOOK_FOR": "4"}
            installation = Installation(
                state, pace=pace_from_now(SPEED), policy=yaml.safe_dump(policy), slack_rate=5000, durable=False, settings=settings
            )
            started.append(installation)
            installation.start()
            store = installation.store()
            try:
                with Hands(installation.addresses["Sandbox"]) as hands:
                    for party, kind, how in faults:
                        hands.fault(party, kind, seed=7, **how)
                    report = replay(Play(script, installation.addresses["Sandbox"], store, SPEED, rate=2.0, at_most_seconds=900))
                    struck = {str(fault): fault["struck"] for fault in hands.faults()["faults"]}
            finally:
                store.close()
            assert all(struck.values()), f"a fault never struck, so nothing was tried: {struck}"
            return report

        yield with_faults
        for installation in started:
            installation.stop()


def test_lost_answers_errors_repeats_and_disorder_leave_no_trace(play: Callable[..., Report]) -> None:
    report = play(FAULTS, honours_key=True)
    assert report.faults == []
    assert report.unconfirmed == 0, "this network takes a repeat for what it is, so everything can be decided"


def test_what_cannot_be_decided_is_asked_in_slack_and_settled_by_a_person(play: Callable[..., Report]) -> None:
    blind: list[tuple[str, str, dict[str, object]]] = [
        ("square", "blind", {"probability": 1.0}),
        ("square", "lose_answer", {"probability": 0.06}),
    ]
    report = play(blind, honours_key=False)
    assert report.unconfirmed > 0
    assert report.unconfirmed_asked == report.unconfirmed
    assert report.faults == []
