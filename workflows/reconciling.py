"""Holding Temporal's running cases against the record, and mending what differs. No worker need run, and after a restore none should.

How a case stands in Temporal is found by replaying its history here, without carrying out anything. A history is read before the record
is, and a case records before its history goes on, so that a healthy case is never found ahead.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    Replayer,
    StartLocalActivityInput,
    UnsandboxedWorkflowRunner,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from activities.orders import Recording
from activities.publish import Publisher
from domain.errors import LoopkeeperError
from domain.history import read
from domain.pace import Pace
from domain.ports import Inbox
from domain.reconciling import CasesOnRecord, Difference, Finding
from workflows import contracts
from workflows.case_loop import CaseLoop
from workflows.contracts import workflow_id
from workflows.effects import reply_order
from workflows.gateway import CaseGateway

_T = TypeVar("_T")
_RUNNING = f"WorkflowType = '{contracts.CASE_WORKFLOW}' AND ExecutionStatus = 'Running'"
_PREFIX = workflow_id("")
REASON = "loopkeeper reconcile: {}"


class CannotReconcile(LoopkeeperError):
    """A case's workflow cannot be read; nothing is mended before that is understood."""


@dataclass
class _Seen:
    """What a replay has shown: the workflow as it stands, and what it has put on record in this run."""

    loop: CaseLoop | None = None
    entries: dict[str, str] = field(default_factory=dict)


class _Watching(Interceptor):
    """Looks on while a history is replayed."""

    def __init__(self, seen: _Seen) -> None:
        self.seen = seen

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:  # noqa: A002, ARG002 - as it is called
        seen = self.seen

        class Outbound(WorkflowOutboundInterceptor):
            def start_local_activity(self, input: StartLocalActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002 - as it is called
                for argument in input.args:
                    if isinstance(argument, Recording):
                        seen.entries |= {key: doc for key, doc, _ in argument.entries}
                return super().start_local_activity(input)

        class Inbound(WorkflowInboundInterceptor):
            def init(self, outbound: WorkflowOutboundInterceptor) -> None:
                super().init(Outbound(outbound))

            async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002 - as it is called
                loop = workflow.instance()
                assert isinstance(loop, CaseLoop)
                seen.loop = loop
                return await super().execute_workflow(input)

        return Inbound


class Reconciler:
    """Compares and mends."""

    def __init__(
        self, client: Client, gateway: CaseGateway, record: CasesOnRecord, inbox: Inbox, publisher: Publisher, threads: Executor, pace: Pace
    ) -> None:
        self._client = client
        self._gateway = gateway
        self._record = record
        self._inbox = inbox
        self._publisher = publisher
        self._threads = threads
        self._pace = pace

    async def compare(self) -> list[Finding]:
        """What differs now. Raises CannotReconcile, Unavailable, RPCError."""
        running = {case: run async for case, run in self._running()}
        held = {case: await self._held(case, run) for case, run in running.items()}
        recorded = await self._in_thread(partial(self._record.events_of, list(running)))
        findings = []
        for case, run in running.items():
            events, entries = held[case]
            if case not in recorded:
                findings.append(Finding(case, Difference.UNRECORDED, 0, events, run, await self._lost(case, entries)))
            elif events > recorded[case]:
                findings.append(Finding(case, Difference.AHEAD, recorded[case], events, run, await self._lost(case, entries)))
        for case, events in (await self._in_thread(self._record.going_on)).items():
            if case not in running:
                missing = await self._missing(case, events)
                if missing is not None:
                    findings.append(missing)
        return findings

    async def mend(self, finding: Finding) -> None:
        """Mend one. Safe to repeat. Raises Unavailable, RPCError."""
        if finding.difference is not Difference.MISSING:
            await self._end(finding)
        if finding.difference is not Difference.UNRECORDED:
            await self._start(finding.case_id)

    async def _end(self, finding: Finding) -> None:
        handle = self._client.get_workflow_handle(workflow_id(finding.case_id), run_id=finding.run_id)
        try:
            await handle.terminate(reason=REASON.format(finding.told))
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:  # it has ended by itself
                raise

    async def _start(self, case_id: str) -> None:
        found = await self._in_thread(partial(self._inbox.on_record, case_id))
        if found is None:
            return  # over since
        case, policy_json = found
        reply = case.planned()
        if reply is not None:  # a record that was restored does not know whether it has been sent: look before it is
            await self._in_thread(partial(self._publisher.doubt, reply_order(case, reply, case.policy, self._pace)))
        await self._gateway.start(case, policy_json, again=True)

    # --- how things stand ---------------------------------------------------------------------------------------------

    async def _running(self) -> AsyncIterator[tuple[str, str]]:
        async for one in self._client.list_workflows(_RUNNING):
            yield one.id.removeprefix(_PREFIX), one.run_id

    async def _missing(self, case: str, events: int) -> Finding | None:
        """What nothing runs, by Temporal's own word: the list of what runs lags behind a little."""
        there = await self._described(case)
        if there is None:
            return Finding(case, Difference.MISSING, events)
        if there.status is WorkflowExecutionStatus.RUNNING:
            return None
        held, entries = await self._held(case, there.run_id)
        return Finding(case, Difference.MISSING, events, held, there.run_id, await self._lost(case, entries) if held > events else ())

    async def _described(self, case: str) -> WorkflowExecutionDescription | None:
        try:
            return await self._client.get_workflow_handle(workflow_id(case)).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise

    async def _held(self, case: str, run: str) -> tuple[int, dict[str, str]]:
        """How many events the workflow knows of, and the entries (by key) that it has put on record in this run."""
        seen = _Seen()
        history = await self._client.get_workflow_handle(workflow_id(case), run_id=run).fetch_history()
        replayer = Replayer(
            workflows=[CaseLoop],
            data_converter=self._client.data_converter,
            workflow_runner=UnsandboxedWorkflowRunner(),
            interceptors=[_Watching(seen)],
        )
        result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        if seen.loop is None:
            if not any(event.HasField("workflow_task_completed_event_attributes") for event in history.events):
                return 0, {}  # no worker has seen it yet
            raise CannotReconcile(f"the workflow of {case} cannot be read ({result.replay_failure}); nothing was changed") from None
        return seen.loop.case().events, dict(seen.entries)

    async def _lost(self, case: str, entries: dict[str, str]) -> tuple[str, ...]:
        """What is not on record, in the order in which it happened."""
        known = await self._in_thread(partial(self._record.keys_of, case))
        missing = [read(doc, key) for key, doc in entries.items() if key not in known]
        return tuple(f"{entry.event.at:%Y-%m-%d %H:%M:%S} UTC {entry.event.kind}, by {entry.by.person}" for entry in missing)

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


async def mend_all(reconciler: Reconciler, findings: Sequence[Finding], tell: Callable[[Finding], None]) -> None:
    """Mend them one after the other, telling of each that is mended."""
    for finding in findings:
        await reconciler.mend(finding)
        tell(finding)
