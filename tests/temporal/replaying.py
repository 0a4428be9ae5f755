"""Replaying histories of the case workflow: the same decisions must come out again."""

from __future__ import annotations

from collections.abc import Iterable

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from adapters.keyring import Keyring
from adapters.temporal import data_converter
from worker import OUR_PACKAGES
from workflows.case_loop import CaseLoop


async def replay(histories: Iterable[WorkflowHistory], keyring: Keyring, workflow: type = CaseLoop) -> None:
    """Replay them in Temporal's sandbox, as a worker would. Raises what the first one that does not replay fails with."""
    replayer = Replayer(
        workflows=[workflow],
        data_converter=data_converter(keyring),
        workflow_runner=SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*OUR_PACKAGES)),
    )
    for history in histories:
        await replayer.replay_workflow(history)
