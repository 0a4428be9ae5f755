"""Every released shape of the workflow is still understood: recorded cases replay. See tests/histories/README.md."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.workflow import NondeterminismError

from adapters.postgres.store import Store
from tests.histories.record import FOLDER, KEYRING, RECORDER, SHAPE, of_story, record, recordings
from tests.histories.stories import STORIES
from tests.temporal.changed import TellsNobody, WaitsFirst
from tests.temporal.replaying import everything_in, replay

Loop = asyncio.AbstractEventLoop
FILES = recordings()
PERSONS = (r"\bsam\b", "okafor", "twice again", "refunded", "still broken")
MACHINES = (r"\d+@\w", "/home/", "/tmp/", "/work", r"\.py\b")
NAMES = [str(path.relative_to(FOLDER)) for path in FILES]


def _history(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.name, gzip.decompress(path.read_bytes()).decode())


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_recorded_case_replays(loop: Loop, path: Path) -> None:
    loop.run_until_complete(replay([_history(path)], KEYRING))


def test_every_story_is_recorded() -> None:
    assert [name for name in STORIES if not of_story(name)] == [], "run: python -m tests.histories.record"


def test_the_case_that_goes_on_as_new_is_recorded_with_all_its_runs() -> None:
    runs = [_history(path).events for path in of_story("continued-as-new", "0.1")]
    assert len(runs) >= 3
    started = [run[0].workflow_execution_started_event_attributes for run in runs]
    ended = [run[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id for run in runs[:-1]]
    assert [s.original_execution_run_id for s in started[1:]] == ended


@pytest.mark.parametrize("changed", [WaitsFirst, TellsNobody])
def test_a_changed_workflow_does_not_replay(loop: Loop, changed: type) -> None:
    (path,) = of_story("main-path", "0.1")
    with pytest.raises(NondeterminismError):
        loop.run_until_complete(replay([_history(path)], KEYRING, changed))


def test_a_recording_is_never_replaced(loop: Loop, store: Store) -> None:
    name = next(name for name in STORIES if of_story(name, SHAPE))
    before = [path.read_bytes() for path in of_story(name, SHAPE)]
    with pytest.raises(FileExistsError, match="never replaced"):
        loop.run_until_complete(record(name, store))
    assert [path.read_bytes() for path in of_story(name, SHAPE)] == before


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_recording_names_no_machine_and_no_person(loop: Loop, path: Path) -> None:
    history = _history(path)
    who = set(_identities(json.loads(history.to_json())))
    assert {name for name in who if not name.startswith("temporal-") and name != "history-service"} == {RECORDER}
    clear = "\n".join(loop.run_until_complete(everything_in(history, KEYRING)))
    assert "opened_at" in clear, "the payloads are read"
    for pattern in (*PERSONS, *MACHINES):
        assert not re.search(pattern, clear, re.IGNORECASE), f"{path.name} has {pattern}"


def _identities(told: Any) -> Iterator[str]:
    """Whoever is named as the one who did something, and the queues that are named after them."""
    if isinstance(told, dict):
        for key, value in told.items():
            if key == "identity":
                yield value
            yield from _identities(value)
    elif isinstance(told, list):
        for value in told:
            yield from _identities(value)
