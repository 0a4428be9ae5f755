"""Cases as real workflows on a real Temporal server with virtual time, and a real database; the outside parties are in memory."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHistory
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkippingConfig, WorkflowEnvironment

from activities.announcing import AnnouncementTeller
from activities.calling import Caller
from activities.desk import DeskKeeper
from activities.housekeeping import LogKeeper
from activities.mail import Mailer
from activities.messages import Messages
from activities.places import Admins, Places
from activities.publish import Publisher
from activities.record import Recorder
from adapters.keyring import Keyring
from adapters.postgres.store import Store
from adapters.postgres.waiting_announcements import PostgresWaitingAnnouncements
from adapters.temporal import data_converter
from cli.engines import SEARCH_ATTRIBUTES, temporal_program
from domain import commands as c
from domain.case import Case
from domain.evolve import fold
from domain.pace import REAL_TIME
from domain.ports import Placed
from domain.values import Actor, Role, Via
from settings import Settings
from tests.conftest import KEYS
from tests.integration.opened import created, place
from tests.standins import Postbox, Square, Wall
from worker import Hands, workers
from workflows import contracts
from workflows.contracts import Answer, workflow_id
from workflows.gateway import CaseGateway

ANA = Actor("slack:UANA", Role.DEPARTMENT, Via.SLACK)
_numbers = itertools.count(1)
_KINDS = {"Keyword": SearchAttributeKey.for_keyword, "Datetime": SearchAttributeKey.for_datetime}


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One event loop for all tests here, so that one server serves them."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


async def virtual_server(*dynamic_config: str, keyring: Keyring = KEYS, identity: str | None = None) -> WorkflowEnvironment:
    """A server, on which a test lets a case's time pass, with these settings (`key=value`) besides."""
    extra = []
    for setting in ("frontend.WorkflowTimeSkippingEnabled=true", 'history.timerProcessorMaxTimeShift="10ms"', *dynamic_config):
        extra += ["--dynamic-config-value", setting]
    return await WorkflowEnvironment.start_time_skipping_v2(
        ts_config=TimeSkippingConfig(enabled=False),
        data_converter=data_converter(keyring),
        identity=identity,
        dev_server_existing_path=str(temporal_program()),
        dev_server_extra_args=extra,
        search_attributes=[_KINDS[kind](name) for name, kind in SEARCH_ATTRIBUTES.items()],
    )


@pytest.fixture(scope="session")
def virtual(loop: asyncio.AbstractEventLoop) -> Iterator[WorkflowEnvironment]:
    """The server for most tests."""
    environment = loop.run_until_complete(virtual_server())
    yield environment
    loop.run_until_complete(environment.shutdown())


LONGEST_RUN = 40
"""Events after which the server of `brief_town` suggests to continue as new. A real one does after 4,000, which takes months."""


@pytest.fixture(scope="session")
def virtual_brief(loop: asyncio.AbstractEventLoop) -> Iterator[WorkflowEnvironment]:
    """The server on which runs are brief."""
    environment = loop.run_until_complete(virtual_server(f"limit.historyCount.suggestContinueAsNew={LONGEST_RUN}"))
    yield environment
    loop.run_until_complete(environment.shutdown())


@dataclass
class Town:
    """Everything that a case needs, and ways to make things happen to one."""

    store: Store
    virtual: WorkflowEnvironment
    square: Square = field(default_factory=Square)
    wall: Wall = field(default_factory=Wall)
    postbox: Postbox = field(default_factory=Postbox)

    def __post_init__(self) -> None:
        self.client: Client = self.virtual.client
        self.gateway = CaseGateway(self.client, REAL_TIME)
        self.begun: set[str] = set()

    async def post(self, **data: Any) -> str:
        """A customer posts; the case's id."""
        number = next(_numbers)
        return await self.tell(created(f"t{number}", **{"author": {"id": f"a{number}", "handle": "sam", "name": "Sam Okafor"}, **data}))

    def writes(self, case: str, post: str, text: str, to: str | None = None) -> dict[str, object]:
        """What the network tells when the customer of `case` writes again, in answer to the first post unless `to` another."""
        first = self.now(case).first_post
        return created(post, in_reply_to=to or first, text=text, author={"id": f"a{first[1:]}", "handle": "sam", "name": "Sam Okafor"})

    async def tell(self, body: dict[str, object]) -> str:
        """A network tells something; the id of the case that hears of it."""
        placed = place(self.store, body)
        assert placed is not None
        await self.tell_placed(placed)
        self.begun.add(placed.case_id)
        return placed.case_id

    async def tell_placed(self, placed: Placed) -> None:
        """As the dispatcher does."""
        if placed.opened is None:
            await self.gateway.signal(placed.case_id, placed.message)
        elif not placed.opened.is_over:
            await self.gateway.start(placed.opened, placed.policy_json, (placed.message.id,))

    async def wait(self, case: str, span: timedelta) -> None:
        """Let so much of the case's time pass."""
        await self.virtual.fast_forward(self.client.get_workflow_handle(workflow_id(case)), span)

    async def end_all(self) -> None:
        """End what is still open, so that the next test's worker does not find it."""
        for case in self.begun:
            with suppress(RPCError):  # it is over
                await self.client.get_workflow_handle(workflow_id(case)).terminate()

    async def command(self, case: str, kind: type[Any], *values: Any, **named: Any) -> Answer:
        """Somebody wants something."""
        command: c.Command = kind(f"k{next(_numbers)}", ANA, *values, **named)
        return await self.gateway.command(case, command)

    def words(self, case: str, text: str = "It is solved.") -> str:
        """Somebody's words."""
        return self.store.reader.keep(case, text)

    async def ended(self, case: str) -> str:
        """How the case's workflow ends; waits for it."""
        handle = self.client.get_workflow_handle(workflow_id(case))
        with suppress(RPCError):  # it has ended before time could be let pass; anything else the result tells
            await self.virtual.fast_forward(handle, None)
        result: str = await handle.result()
        return result

    async def held(self, case: str) -> Case:
        """The case as its workflow holds it."""
        while True:
            try:
                held: Case = await self.client.get_workflow_handle(workflow_id(case)).query(contracts.CASE, result_type=Case)
            except RPCError as error:
                if error.status is not RPCStatusCode.FAILED_PRECONDITION:  # a new run has just begun
                    raise
                await asyncio.sleep(0.02)
            else:
                return held

    async def runs(self, case: str) -> list[WorkflowHistory]:
        """What Temporal keeps of the case: the history of each run, the first one first."""
        found = [await self.client.get_workflow_handle(workflow_id(case)).fetch_history()]
        while before := found[0].events[0].workflow_execution_started_event_attributes.continued_execution_run_id:
            found.insert(0, await self.client.get_workflow_handle(workflow_id(case), run_id=before).fetch_history())
        return found

    def now(self, case: str) -> Case:
        """The case as its history has it."""
        return fold(case, [entry.event for _, entry in self.store.records.history(case)])

    async def at_rest(self, case: str, seconds: float = 60.0) -> Case:
        """Wait (really) until the record adds up to exactly what the workflow holds, and no reply is on its way; the case."""
        deadline = datetime.now(UTC).timestamp() + seconds
        while True:
            held, now = await self.held(case), self.now(case)
            if held == now and held.planned() is None:
                return now
            if datetime.now(UTC).timestamp() >= deadline:
                differing = {
                    f.name: (getattr(held, f.name), getattr(now, f.name))
                    for f in fields(Case)
                    if getattr(held, f.name) != getattr(now, f.name)
                }
                entries = [f"{e.key} {e.event.kind} {e.cause}" for _, e in self.store.records.history(case)]
                raise AssertionError("\n".join(["the workflow holds, and the record adds up to:", str(differing), *entries]))
            await asyncio.sleep(0.02)

    async def nothing_under_way(self, case: str) -> None:
        """Wait (really) until Temporal has no task of the case in hand. A worker that ends with one is waited for by the minute."""
        while True:
            found = (await self.client.get_workflow_handle(workflow_id(case)).describe()).raw_description
            if not found.pending_activities and not found.HasField("pending_workflow_task"):
                return
            await asyncio.sleep(0.02)

    def kinds(self, case: str) -> list[str]:
        """What has happened, in order."""
        return [entry.event.kind for _, entry in self.store.records.history(case)]

    async def until(self, met: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait (really) for something to be so."""
        deadline = datetime.now(UTC).timestamp() + seconds
        while not met():
            assert datetime.now(UTC).timestamp() < deadline, "it did not come about in time"
            await asyncio.sleep(0.02)


@asynccontextmanager
async def serving(town: Town, *, sandboxed: bool = True, cached: int = 100) -> AsyncIterator[None]:
    """Workers for all queues. In tests the workflow runs in Temporal's sandbox, which refuses what is not deterministic."""
    store = town.store
    messages = Messages(town.wall, store.ledger)
    places, admins = Places(town.wall, store.places), Admins(store.notices, town.postbox)
    waiting = PostgresWaitingAnnouncements(store.engine)
    keeper = DeskKeeper(store.reader, store.cards, town.wall, messages, places, admins)
    hands = Hands(
        Recorder(store.records, store.book),
        Publisher(store.ledger, store.composer, {"x": town.square}),
        keeper,
        Mailer(store.reader, town.postbox, store.ledger),
        Caller(store.reader, town.wall, messages, keeper, places, store.composer),
        LogKeeper(None, store.log, {}, {}, store.book, admins),
        AnnouncementTeller(waiting, store.book, town.wall, messages, places, admins, "https://lk.example"),
    )
    settings = Settings.model_validate(
        {
            "database_url": "postgresql://unused/unused",
            "keys": "unused",
            "index_key": "unused",
            "workflow_sandbox": sandboxed,
            "effect_slots": 4,
        }
    ).model_copy(update={"cached_cases": cached})  # fewer than an installation may set, so that every decision is replayed
    with ThreadPoolExecutor(16) as threads:
        running = workers(town.client, settings, hands, threads)
        tasks = [asyncio.create_task(worker.run()) for worker in running]
        try:
            yield
        finally:
            await asyncio.gather(*(worker.shutdown() for worker in running))
            await asyncio.gather(*tasks)


def run(loop: asyncio.AbstractEventLoop, story: Coroutine[Any, Any, None]) -> None:
    """Run a story to its end, within reason."""
    loop.run_until_complete(asyncio.wait_for(story, 240))


@pytest.fixture
def town(virtual: WorkflowEnvironment, store: Store, loop: asyncio.AbstractEventLoop) -> Iterator[Town]:
    """A town on virtual time."""
    town = Town(store, virtual)
    yield town
    loop.run_until_complete(town.end_all())


@pytest.fixture
def brief_town(virtual_brief: WorkflowEnvironment, store: Store, loop: asyncio.AbstractEventLoop) -> Iterator[Town]:
    """A town on virtual time, in which a case goes on as a new run every so often."""
    town = Town(store, virtual_brief)
    yield town
    loop.run_until_complete(town.end_all())
