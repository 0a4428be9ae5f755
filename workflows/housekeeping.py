"""What has to go on besides the cases: a chore is one activity, carried out again and again, for ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy, WorkflowIDConflictPolicy
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.heartbeat import SILENCE
    from workflows import contracts

_TIMES_A_RUN = 200
_TRYING = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))


@dataclass(frozen=True, slots=True)
class Chore:
    """An activity, what it is about, who serves it, how long one attempt may take, and how long to rest before it is due again."""

    activity: str
    about: str
    queue: str
    takes: timedelta
    every: timedelta = timedelta(0)

    @property
    def workflow_id(self) -> str:
        """One workflow a chore."""
        return f"housekeeping-{self.activity}{'-' + self.about if self.about else ''}"


@workflow.defn(name="Housekeeping")
class Housekeeping:
    """See the module's text."""

    @workflow.run
    async def run(self, chore: Chore) -> None:
        """Carry it out until somebody ends the workflow. What fails is tried again, and never ends it."""
        workflow.set_current_details(f"{chore.activity} {chore.about}, every {chore.every or 'time that it ends'}")
        for _ in range(_TIMES_A_RUN):
            try:
                await workflow.execute_activity(
                    chore.activity,
                    chore.about,
                    task_queue=chore.queue,
                    start_to_close_timeout=chore.takes,
                    heartbeat_timeout=SILENCE,
                    retry_policy=_TRYING,
                    summary=chore.about or None,
                    priority=contracts.LATER,
                )
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                await workflow.sleep(_TRYING.maximum_interval or timedelta(minutes=1))
            if chore.every:
                await workflow.sleep(chore.every)
        workflow.continue_as_new(chore)


async def begin(client: Client, chore: Chore) -> None:
    """See to it that a chore is carried out, in the form that it has now. One that runs in another form is replaced."""
    await client.start_workflow(
        Housekeeping.run,
        chore,
        id=chore.workflow_id,
        task_queue=chore.queue,
        id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
        static_summary=chore.activity,
    )
