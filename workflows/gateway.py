"""How the API and the command line reach cases: start or tell them, and command them."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from temporalio.client import Client, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from domain.case import Case
from domain.commands import Command, FromNetwork, Refusal
from domain.pace import Pace
from workflows import contracts
from workflows.contracts import Answer, CaseStart, workflow_id

_RPC = timedelta(seconds=10)
_SOON = 0.05
"""Seconds."""


class CaseIsOver(Exception):
    """The case has no running workflow: it has ended, or (if it is still open on record) it never came to be started."""


class CaseGateway:
    """Cases, by their ids."""

    def __init__(self, client: Client, pace: Pace) -> None:
        self._client = client
        self._pace = pace

    async def start(self, case: Case, policy_json: str, seen: tuple[str, ...] = (), *, again: bool = False) -> None:
        """Start the workflow of a case that is on record; nothing happens if it runs. Raises CaseIsOver when it has ended, RPCError.

        `again`: also when it has ended, because the record, which counts, says that it has not.
        """
        owed = case.events if case.handoff is not None else 0
        start = CaseStart(case, policy_json, self._pace, seen, desk_owed=owed)
        attributes = [
            SearchAttributePair(contracts.CHANNEL, case.channel),
            SearchAttributePair(contracts.STATUS, case.status.value),
            SearchAttributePair(contracts.DEPARTMENT, case.department),
            SearchAttributePair(contracts.PRIORITY, case.priority.value),
        ]
        try:
            await self._client.start_workflow(
                contracts.CASE_WORKFLOW,
                start,
                id=workflow_id(case.id),
                task_queue=contracts.CASES_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE if again else WorkflowIDReusePolicy.REJECT_DUPLICATE,
                search_attributes=TypedSearchAttributes(attributes),
                static_summary=f"{case.intent.value} on {case.channel}",
                priority=contracts.FIRST,
                rpc_timeout=_RPC,
            )
        except WorkflowAlreadyStartedError as error:
            raise CaseIsOver(case.id) from error

    async def signal(self, case_id: str, message: FromNetwork) -> None:
        """Tell a case what happened on the network. Raises CaseIsOver when it has no running workflow, RPCError."""
        handle = self._client.get_workflow_handle(workflow_id(case_id))
        try:
            await handle.signal(contracts.HAPPENED, message, rpc_timeout=_RPC)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise CaseIsOver(case_id) from error
            raise

    async def command(self, case_id: str, command: Command, *, wait: timedelta = _RPC) -> Answer:
        """Have a command carried out; the answer when it is on record. A refusal is an answer too.

        Raises RPCError when Temporal cannot be reached or the case does not answer within `wait`; the command may then still be
        carried out, and sending it again under the same id is safe.
        """
        until = time.monotonic() + wait.total_seconds()
        while True:
            try:
                return await self._asked(case_id, command, wait)
            except RPCError as error:
                # The case is just going on in a new run, or a worker has ended. The same command under the same id counts once.
                if error.status is not RPCStatusCode.FAILED_PRECONDITION or time.monotonic() + _SOON > until:
                    raise
                await asyncio.sleep(_SOON)

    async def _asked(self, case_id: str, command: Command, wait: timedelta) -> Answer:
        handle = self._client.get_workflow_handle(workflow_id(case_id))
        try:
            answer: Answer = await handle.execute_update(contracts.COMMAND, command, id=command.id, result_type=Answer, rpc_timeout=wait)
        except WorkflowUpdateFailedError as error:
            return Answer(_refusal(error), "", 0)
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise error.__cause__ or error from None  # not an RPCError itself: callers would take it for a mistake of ours
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return Answer(
                    Refusal("over", "This case is over, or there never was one. A new post by the customer opens a new case."), "", 0
                )
            raise
        except RuntimeError as error:  # so the client says it that has not reached Temporal once since it was made
            raise RPCError(str(error), RPCStatusCode.UNAVAILABLE, b"") from error
        return answer


def _refusal(error: WorkflowUpdateFailedError) -> Refusal:
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.type == "Refused" and cause.details:
        details = cause.details[0]
        return details if isinstance(details, Refusal) else Refusal(details["code"], details["reason"], details.get("person"))
    raise error
