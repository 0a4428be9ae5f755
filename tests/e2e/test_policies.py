"""Running cases move to another version of the policy by the command, and each says what changes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from domain.values import ClockName
from settings import HERE
from tests.e2e.conftest import Stage

Run = Callable[..., "Ran"]


@dataclass(frozen=True)
class Ran:
    """What a command said, and its exit code."""

    code: int
    said: str


@pytest.fixture
def run(stage: Stage) -> Run:
    """`loopkeeper policy migrate` beside the installation."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("LOOPKEEPER_", "DATABASE_URL", "TEMPORAL_"))}
    environment = clean | {"PYTHONPATH": str(HERE), "LOOPKEEPER_STATE": str(stage.installation.state.folder)}

    def run(*words: str, **more: str) -> Ran:
        argv = [sys.executable, "-c", "from cli.app import main; main()", "policy", "migrate", *words]
        done = subprocess.run(argv, env=environment | more, capture_output=True, text=True, timeout=60, check=False)
        return Ran(done.returncode, done.stdout + done.stderr)

    return run


@pytest.fixture
def case(stage: Stage) -> str:
    case = stage.complain()
    stage.until(lambda: {"reply_posted", "handoff_delivered"} <= set(stage.events(case)))
    return case


def policy_of(stage: Stage, case: str) -> str:
    return stage.store.reader.file(case).case.policy


def test_a_dry_run_says_what_would_change_and_the_move_changes_it(stage: Stage, run: Run, case: str) -> None:
    other, before = stage.version("high: 30 min", "high: 95 min"), policy_of(stage, case)
    (due,) = (clock.due_at for clock in stage.store.reader.file(case).clocks if clock.name is ClockName.ACCEPT)
    assert due is not None
    dry = run(case, "--from", before, "--to", other, "--dry-run")
    assert dry.code == 0, dry.said
    assert re.search(rf"^#\d+ {case}: handed off, Billing, high$", dry.said, re.MULTILINE)
    assert f"  accept: {due:%Y-%m-%d %H:%M} UTC → " in dry.said
    assert "resolve" not in dry.said
    assert dry.said.endswith(f"1 case would be held to {other}.\n")
    assert policy_of(stage, case) == before
    moved = run(case, "--to", other)
    assert (moved.code, moved.said) == (0, dry.said.replace("would be", "now"))
    assert policy_of(stage, case) == other
    (later,) = (clock.due_at for clock in stage.store.reader.file(case).clocks if clock.name is ClockName.ACCEPT)
    assert later is not None
    assert f"→ {later:%Y-%m-%d %H:%M} UTC" in dry.said
    told = [entry for _, entry in stage.store.records.history(case) if entry.event.kind == "policy_moved"]
    assert [(entry.by.person, entry.by.via.value) for entry in told] == [("operator", "cli")]


def test_all_open_cases_of_a_version_move_together_to_the_one_in_force(stage: Stage, run: Run, case: str) -> None:
    other, active = stage.version("watch: 72 h", "watch: 71 h"), stage.store.book.active().id
    second = stage.complain("The wifi is down again.")
    stage.until(lambda: "handed_off" in stage.events(second))
    assert run(case, second, "--to", other).code == 0
    moved = run("--from", other)
    assert moved.said.count("every clock is due when it was") == 2
    assert moved.said.endswith(f"2 cases now held to {active}.\n")
    assert {policy_of(stage, one) for one in (case, second)} == {active}
    assert run("--from", other).said == f"0 cases now held to {active}.\n"


def test_a_case_that_does_not_fit_stays_and_the_reason_is_told(stage: Stage, run: Run, case: str) -> None:
    before, other = policy_of(stage, case), stage.version("billing: billing", "billing: care")
    gone = stage.version("  x:        {network: X", "  y:        {network: X")
    refused = run(case, "--to", gone)
    assert (refused.code, policy_of(stage, case)) == (1, before)
    assert f"  not moved: The policy {gone} has no channel 'x', which this case has: y, facebook, mastodon, phone.\n" in refused.said
    assert refused.said.endswith(f"0 cases now held to {gone}; 1 case could not be moved.\n")
    mixed = run(case, "meridian-x-0", "--from", other, "--to", other)
    assert mixed.code == 1
    assert f"  not moved: it is held to {before}\n" in mixed.said
    assert "  not moved: there is no case 'meridian-x-0'\n" in mixed.said
    assert "  not moved: it is held to that version already\n" in run(case, "--to", before).said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "say which cases: --from VERSION"),
        (("--from", "nothing@0000000000"), "the policy version 'nothing@0000000000' is not in this database"),
        (("meridian-x-0", "--to", "nothing@0000000000"), "the policy version 'nothing@0000000000' is not in this database"),
    ],
)
def test_a_slip_is_told_and_nothing_moves(run: Run, words: tuple[str, ...], told: str) -> None:
    ran = run(*words)
    assert ran.code == 1
    assert told in ran.said


def test_without_temporal_nothing_moves_and_that_is_said(stage: Stage, run: Run, case: str) -> None:
    before, other = policy_of(stage, case), stage.version("watch: 72 h", "watch: 70 h")
    refused = run(case, "--to", other, TEMPORAL_ADDRESS="127.0.0.1:9")
    assert refused.code == 1
    assert "nothing was moved, because Temporal cannot be reached" in refused.said
    assert "Traceback" not in refused.said
    assert policy_of(stage, case) == before
