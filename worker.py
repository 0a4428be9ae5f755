"""Wires adapters into activities and serves the task queues (`python -m worker`), or takes what comes in to its cases (`… dispatch`)."""

from __future__ import annotations

import asyncio
import base64
import gc
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import uvloop
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkerDeploymentConfig
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.announcing import AnnouncementTeller
from activities.calling import Caller
from activities.desk import DeskKeeper
from activities.heartbeat import SignsOfLife
from activities.housekeeping import LogKeeper
from activities.mail import Mailer
from activities.messages import Messages
from activities.places import Admins, Places
from activities.publish import Patience, Publisher
from activities.record import Recorder
from adapters.channels.connect import Access, networks
from adapters.keyring import Keyring
from adapters.links import Links, StatusLinks
from adapters.postgres.intake import TOPIC, numbers_of
from adapters.postgres.lagging import Lags
from adapters.postgres.listening import Listener
from adapters.postgres.schema import check
from adapters.postgres.store import Store
from adapters.postgres.waiting_announcements import PostgresWaitingAnnouncements
from adapters.sendgrid import SendGridPost
from adapters.slack.desk import SlackDesk
from adapters.temporal import connect
from adapters.unconnected import NoDesk, NoPost
from domain.ports import Desk, Network
from settings import Settings
from workflows import contracts
from workflows.case_loop import CaseLoop
from workflows.dispatch import Dispatcher
from workflows.gateway import CaseGateway
from workflows.housekeeping import Chore, Housekeeping, begin

log = logging.getLogger(__name__)

OUR_PACKAGES = ("domain", "activities", "workflows", "pydantic", "pydantic_core", "annotated_types", "regex", "yaml", "zoneinfo")
"""Passed through the workflow sandbox: they are deterministic, and importing them anew for each workflow costs more than it guards."""


MIND_EVERY = timedelta(minutes=1)
"""How often somebody looks whether the log keeps up, and whether an announcement waits of which nobody has heard."""


@dataclass(frozen=True)
class Hands:
    """The activities, with real hands."""

    recorder: Recorder
    publisher: Publisher
    desk: DeskKeeper
    mailer: Mailer
    caller: Caller
    log: LogKeeper
    teller: AnnouncementTeller


def wire(settings: Settings, store: Store, *, patience: Patience | None = None) -> Hands:
    """The activities for an installation. Parties that it is not connected to say so when they are needed."""
    keyring = store.vault.keyring
    access = {name: Access(a.bridge_url, a.secret.get_secret_value()) for name, a in settings.channels.items()}
    reached: dict[str, Network] = networks(access, store.book.active(), timeout=settings.channel_timeout, connections=settings.effect_slots)
    desk: Desk = NoDesk()
    if settings.slack_bot_token is not None:
        token, pace = settings.slack_bot_token.get_secret_value(), settings.slack_messages_per_second
        desk = SlackDesk(token, settings.slack_api_url, messages_per_second=pace)
    post = mail_service(settings, keyring)
    messages = Messages(desk, store.ledger)
    places, admins = Places(desk, store.places), Admins(store.notices, post)
    keeper = DeskKeeper(store.reader, store.cards, desk, messages, places, admins)
    return Hands(
        Recorder(store.records, store.book),
        Publisher(store.ledger, store.composer, reached, patience or Patience(give_up=timedelta(seconds=settings.channel_look_for))),
        keeper,
        Mailer(store.reader, post, store.ledger),
        Caller(store.reader, desk, messages, keeper, places, store.composer),
        LogKeeper(None, store.log, {}, settings.checkpoints_every, store.book, admins, behind=Lags(store.engine).behind),
        AnnouncementTeller(PostgresWaitingAnnouncements(store.engine), store.book, desk, messages, places, admins, settings.public_url),
    )


def mail_service(settings: Settings, keyring: Keyring) -> SendGridPost | NoPost:
    """The mail service, if one is connected."""
    if settings.sendgrid_api_key is None:
        return NoPost()
    links = Links(keyring, settings.public_url)
    return SendGridPost(settings.sendgrid_api_key.get_secret_value(), settings.sendgrid_url, settings.mail_from, links.make)


def workers(client: Client, settings: Settings, hands: Hands, threads: ThreadPoolExecutor) -> list[Worker]:
    """A worker for each task queue: one for the cases, one for each outside party, so that none holds up another."""
    passed = SandboxRestrictions.default.with_passthrough_modules(*OUR_PACKAGES)
    versioned = settings.worker_version
    deployment = WorkerDeploymentConfig(
        WorkerDeploymentVersion("loopkeeper", versioned or "unversioned"),
        use_worker_versioning=versioned is not None,
        default_versioning_behavior=VersioningBehavior.PINNED if versioned else VersioningBehavior.UNSPECIFIED,
    )
    grace = timedelta(seconds=10)
    serving = [
        Worker(
            client,
            task_queue=contracts.CASES_QUEUE,
            workflows=[CaseLoop, Housekeeping],
            activities=[hands.recorder.record, hands.recorder.policy_slice, hands.desk.show_at_once, hands.log.mind, hands.teller.tell],
            activity_executor=threads,
            max_concurrent_workflow_tasks=settings.case_slots,
            max_concurrent_local_activities=settings.effect_slots,
            max_cached_workflows=settings.cached_cases,
            workflow_runner=SandboxedWorkflowRunner(restrictions=passed) if settings.workflow_sandbox else UnsandboxedWorkflowRunner(),
            graceful_shutdown_timeout=grace,
            deployment_config=deployment,
        )
    ]

    def outside(queue: str, *activities: Callable[..., object], per_second: float | None = None) -> Worker:
        return Worker(
            client,
            task_queue=queue,
            activities=activities,
            activity_executor=threads,
            max_concurrent_activities=settings.effect_slots,
            max_task_queue_activities_per_second=per_second,
            interceptors=[SignsOfLife()],
            graceful_shutdown_timeout=grace,
        )

    serving += [outside(contracts.publish_queue(channel), hands.publisher.publish) for channel in hands.publisher.networks]
    serving.append(outside(contracts.DESK_QUEUE, hands.desk.show, hands.caller.call, per_second=settings.desk_rate))
    serving.append(outside(contracts.MAIL_QUEUE, hands.mailer.hand_off, hands.mailer.call))
    return serving


@asynccontextmanager
async def opened(settings: Settings, name: str) -> AsyncIterator[tuple[Store, Client, asyncio.Event]]:
    """The database and Temporal, and the event that a signal asks us to end."""
    keyring = Keyring.parse(settings.keys.get_secret_value())
    index_key = base64.b64decode(settings.index_key.get_secret_value())
    pool, pace = settings.database_pool, settings.pace
    address = StatusLinks(keyring, settings.public_url).make
    store = Store.open(settings.database_url, pool=pool, keyring=keyring, index_key=index_key, pace=pace, name=name, status_address=address)
    check(store.engine)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    try:
        yield store, await connect(keyring), ended
    finally:
        store.close()


async def serve(settings: Settings) -> None:
    """Serve the task queues until SIGINT or SIGTERM; what has begun is finished first."""
    async with opened(settings, "loopkeeper worker") as (store, client, ended):
        hands = wire(settings, store)
        with ThreadPoolExecutor(settings.effect_slots * (len(hands.publisher.networks) + 3), "activity") as threads:
            for chore in ("mind_log", "tell_of_announcements"):
                await begin(client, Chore(chore, "", contracts.CASES_QUEUE, timedelta(seconds=30), MIND_EVERY))
            await run(workers(client, settings, hands, threads), ended)


async def dispatch(settings: Settings) -> None:
    """Take what comes in to its cases, until SIGINT or SIGTERM."""
    async with opened(settings, "loopkeeper dispatcher") as (store, client, ended):
        with ThreadPoolExecutor(settings.database_pool, "dispatch") as threads:
            gateway, publisher = CaseGateway(client, settings.pace), wire(settings, store).publisher
            dispatcher = Dispatcher(store.inbox, gateway, publisher, threads, settings.pace, at_once=settings.dispatch_slots)
            loop = asyncio.get_running_loop()
            listener = Listener(store.engine, TOPIC, lambda told: loop.call_soon_threadsafe(dispatcher.take, numbers_of(told)))
            listener.start()
            working = asyncio.create_task(dispatcher.run())
            log.info("serving the inbox")
            await asyncio.wait([working, loop.create_task(ended.wait())], return_when=asyncio.FIRST_COMPLETED)
            listener.stop()
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)


async def run(serving: Sequence[Worker], ended: asyncio.Event) -> None:
    """Serve until told to end; what has begun is finished first."""
    running = [asyncio.create_task(worker.run()) for worker in serving]
    waiting = asyncio.create_task(ended.wait())
    log.info("serving %s", ", ".join(worker.task_queue for worker in serving))
    await asyncio.wait([waiting, *running], return_when=asyncio.FIRST_COMPLETED)
    await asyncio.gather(*(worker.shutdown() for worker in serving))
    await asyncio.gather(*running)
    waiting.cancel()


def main() -> None:
    """Run in the role that the command line names, with settings from the environment."""
    settings = Settings()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)  # thousands of cached cases are long-lived: scanning them often costs and finds nothing
    uvloop.run(dispatch(settings) if sys.argv[1:] == ["dispatch"] else serve(settings))


if __name__ == "__main__":
    main()
