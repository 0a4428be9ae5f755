"""Reading off workflow histories what Temporal was asked to do for a case."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecutionDescription

_LOCAL_ACTIVITY = "core_local_activity"


@dataclass(frozen=True, slots=True)
class Work:
    """How often one loop uses each means of Temporal."""

    regular_activities: int = 0
    local_activities: int = 0
    timers: int = 0
    signals: int = 0
    updates: int = 0

    @staticmethod
    def of(events: Sequence[HistoryEvent]) -> Work:
        """What is in one history. Starting counts, whatever became of it."""
        kinds = [event.event_type for event in events]
        return Work(
            regular_activities=kinds.count(EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED),
            local_activities=sum(event.marker_recorded_event_attributes.marker_name == _LOCAL_ACTIVITY for event in events),
            timers=kinds.count(EventType.EVENT_TYPE_TIMER_STARTED),
            signals=kinds.count(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED),
            updates=kinds.count(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED),
        )

    @staticmethod
    def median(counted: Sequence[Work]) -> Work:
        """The usual number of each."""
        return Work(**{f.name: round(statistics.median(getattr(work, f.name) for work in counted)) for f in fields(Work)})

    def as_dict(self) -> dict[str, int]:
        """By name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class History:
    """One workflow's history: what was asked for, its events, and its size in bytes by the server's own count."""

    work: Work
    events: int
    size: int


def read_histories(address: str, workflow_ids: Sequence[str]) -> list[History]:
    """The histories of these workflows."""

    async def read() -> list[History]:
        client = await Client.connect(address)
        found = []
        for workflow_id in workflow_ids:
            handle = client.get_workflow_handle(workflow_id)
            events, described = (await handle.fetch_history()).events, await handle.describe()
            found.append(History(Work.of(events), len(events), size_of(described)))
        return found

    return asyncio.run(read())


def settled_size(address: str, workflow_id: str, *, patience: float = 30.0) -> int:
    """The size of a history when the workflow has nothing on its way: no activity and no task. Raises TimeoutError."""

    async def look() -> int:
        handle = (await Client.connect(address)).get_workflow_handle(workflow_id)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            described = await handle.describe()
            raw = described.raw_description
            if not raw.pending_activities and not raw.HasField("pending_workflow_task"):
                return size_of(described)
            await asyncio.sleep(0.02)  # a poll of the server, bounded above
        raise TimeoutError(f"workflow {workflow_id} does not come to rest within {patience:.0f} s")

    return asyncio.run(look())


def size_of(described: WorkflowExecutionDescription) -> int:
    """Bytes of history, as the server counts them."""
    return int(described.raw_description.workflow_execution_info.history_size_bytes)
