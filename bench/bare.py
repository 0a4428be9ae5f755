"""The least that Temporal itself costs: a plain workflow that asks as much of the server as a case does, with nothing behind it.

    python -m bench.bare '{"address": …, "at_once": …, "seconds": …, "work": {…}, …}'

`work` counts regular activities, local activities, timers, signals and updates, as `bench.histories` reads them off the product's cases.
A loop takes its steps one after the other, as a case does: an activity, a message, an activity … Under each step runs a timer, which
the step's end cancels; after each comes a local activity, until there were as many as wanted. Who sends an update has the answer when
the local activity after it is done. The last timer stays, as the watch over a closed case does. A loop is closed when its last
activity has run.

Activities return at once; there is no database and no outside call; payloads are a few plain bytes; nothing is encrypted, summarised or
made searchable. Client and worker share this process; the worker has the slots, the cache and the event loop of ours.
Regular activities are served from a queue of their own, as ours are (one for each outside party). In one queue with the workflows they
would be handed over a little more cheaply; the difference is within the noise of a machine.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
import sys
import time
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import zip_longest
from typing import Literal

import psutil
import uvloop
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from bench.histories import Work

Step = Literal["activity", "update", "signal"]

LOOPS_QUEUE, ACTIVITIES_QUEUE = "bare", "bare-activities"
NICE = 5
"""As Temporal and worker of an embedded installation have it."""
_SOON = timedelta(seconds=60)
_FAR = timedelta(hours=1)
_WORKFLOW_SLOTS, _ACTIVITY_SLOTS, _CACHED = 100, 64, 2000


@dataclass(frozen=True)
class Order:
    """What is to be run. `server`: process id of the Temporal server. What is closed in the `seconds` after the `warm_up` counts."""

    address: str
    server: int
    at_once: int
    warm_up: float
    seconds: float
    work: Work

    @staticmethod
    def read(written: str) -> Order:
        """From JSON."""
        fields = json.loads(written)
        return Order(**{**fields, "work": Work(**fields["work"])})

    def write(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Outcome:
    """How many loops were closed in that time, and the CPU seconds of the server, and of client and worker."""

    loops: int
    server_cpu: float
    own_cpu: float


def steps_of(work: Work) -> list[Step]:
    """Activities and messages in turn, as long as there are both."""
    activities: list[Step] = ["activity" for _ in range(work.regular_activities)]
    updates: list[Step] = ["update" for _ in range(work.updates)]
    signals: list[Step] = ["signal" for _ in range(work.signals)]
    return [step for pair in zip_longest(activities, updates + signals) for step in pair if step is not None]


@dataclass(frozen=True)
class Script:
    """What one loop is told: its number, and what to do."""

    number: int
    work: Work


@workflow.defn
class BareLoop:
    """See the module's text."""

    @workflow.init
    def __init__(self, script: Script) -> None:
        self._script = script
        self._came: deque[int] = deque()
        self._messages = 0
        self._taken = 0

    @workflow.run
    async def run(self, script: Script) -> None:
        """Take every step; then stay."""
        timers, records = script.work.timers, script.work.local_activities
        for step in steps_of(script.work):
            timed, timers = (_FAR, timers - 1) if timers > 0 else (None, 0)
            if step == "activity":
                outside = workflow.start_activity("outside", script.number, task_queue=ACTIVITIES_QUEUE, start_to_close_timeout=_SOON)
                await workflow.wait_condition(outside.done, timeout=timed)
            else:
                await workflow.wait_condition(lambda: bool(self._came), timeout=timed)
            if records > 0:
                records -= 1
                await self._record()
            if step != "activity":
                self._taken = self._came.popleft()
        for _ in range(records):
            await self._record()
        await asyncio.gather(*(workflow.sleep(_FAR) for _ in range(timers)))

    async def _record(self) -> None:
        await workflow.execute_local_activity("record", "x", start_to_close_timeout=_SOON)

    @workflow.signal
    def happened(self) -> None:
        """A message that nobody waits for."""
        self._messages += 1
        self._came.append(self._messages)

    @workflow.update
    async def command(self) -> int:
        """A message that is answered when it was taken up and recorded."""
        self._messages += 1
        mine = self._messages
        self._came.append(mine)
        await workflow.wait_condition(lambda: self._taken >= mine)
        return mine


class Activities:
    """They do nothing, but let the client see how far a loop is."""

    def __init__(self) -> None:
        self._event_loop = asyncio.get_running_loop()
        self.ran: dict[int, asyncio.Queue[None]] = {}

    @activity.defn
    def outside(self, number: int) -> str:
        """Stands for an effect on the outside world; has none."""
        self._event_loop.call_soon_threadsafe(self.ran[number].put_nowait, None)
        return "done"

    @activity.defn
    def record(self, what: str) -> int:
        """Stands for recording; records nothing."""
        return len(what)


async def run_loops(order: Order) -> Outcome:
    """Close loops, always `at_once` of them on their way."""
    client = await Client.connect(order.address)
    activities = Activities()
    numbers = itertools.count()
    closed: list[float] = []
    counts_from = time.monotonic() + order.warm_up
    ends = counts_from + order.seconds

    async def play() -> None:
        while time.monotonic() < ends:
            number = next(numbers)
            ran = activities.ran[number] = asyncio.Queue()
            script = Script(number, order.work)
            handle = await client.start_workflow(BareLoop.run, script, id=f"bare-{number}", task_queue=LOOPS_QUEUE)
            for step in steps_of(order.work):
                await _see_to(handle, step, ran)
            closed.append(time.monotonic())

    async with _serving(client, activities), asyncio.TaskGroup() as group:
        for _ in range(order.at_once):
            group.create_task(play())
        await asyncio.sleep(order.warm_up)
        server, own = _cpu(order.server), time.process_time()
        await asyncio.sleep(ends - time.monotonic())
        server, own = _cpu(order.server) - server, time.process_time() - own
    return Outcome(sum(counts_from <= at < ends for at in closed), server, own)


def _cpu(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


async def _see_to(handle: WorkflowHandle[BareLoop, None], step: Step, ran: asyncio.Queue[None]) -> None:
    match step:
        case "activity":
            await ran.get()
        case "update":
            await handle.execute_update(BareLoop.command)
        case "signal":
            await handle.signal(BareLoop.happened)


@asynccontextmanager
async def _serving(client: Client, activities: Activities) -> AsyncIterator[None]:
    with ThreadPoolExecutor(_ACTIVITY_SLOTS) as threads:
        loops = Worker(
            client,
            task_queue=LOOPS_QUEUE,
            workflows=[BareLoop],
            activities=[activities.record],
            activity_executor=threads,
            max_concurrent_workflow_tasks=_WORKFLOW_SLOTS,
            max_concurrent_local_activities=_ACTIVITY_SLOTS,
            max_cached_workflows=_CACHED,
            workflow_runner=UnsandboxedWorkflowRunner(),
        )
        effects = Worker(
            client,
            task_queue=ACTIVITIES_QUEUE,
            activities=[activities.outside],
            activity_executor=threads,
            max_concurrent_activities=_ACTIVITY_SLOTS,
        )
        async with loops, effects:
            yield


def main() -> None:
    """Run what the command line orders; the outcome as JSON on standard output."""
    os.nice(NICE)
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    print(json.dumps(asdict(uvloop.run(run_loops(Order.read(sys.argv[1]))))))


if __name__ == "__main__":
    main()
