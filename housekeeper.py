"""Wires what goes on besides the cases, and serves it: `python -m housekeeper`. The only process that has the log's key."""

from __future__ import annotations

import asyncio
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.digest import DigestSender
from activities.heartbeat import SignsOfLife
from activities.hooks import WebhookSender
from activities.housekeeping import LogFollowers, LogKeeper, WordsKeeper
from activities.messages import Messages
from activities.places import Admins
from adapters.checkpoint_places import CheckpointChannel, CheckpointFile, CheckpointMail
from adapters.digest_links import DigestLinks
from adapters.languages.telling import Tellers
from adapters.notary import Notary
from adapters.postgres.book import PostgresBook
from adapters.postgres.delivering import PostgresOutbox, Subscriptions
from adapters.postgres.digests import Digests
from adapters.postgres.engine import open_engine
from adapters.postgres.indexing import Indexer
from adapters.postgres.log import PostgresLog, Sealer
from adapters.postgres.retention import Retention
from adapters.postgres.rolling_up import RollUp
from adapters.postgres.store import Store
from adapters.receivers import Receivers
from adapters.slack.announcing import announcing
from adapters.slack.desk import SlackDesk
from adapters.slack.digests import SlackReaders
from adapters.unconnected import NoDirectMessages
from domain.digest_sending import DirectMessages
from domain.errors import LoopkeeperError
from domain.ports import Destination, Post
from settings import Settings
from worker import mail_service, opened, run
from workflows import contracts
from workflows.housekeeping import Chore, Housekeeping, begin

DIGESTS_EVERY = timedelta(seconds=20)
"""How often somebody looks whether a digest is owed, or an address is to be confirmed: whoever has just chosen waits for that mail."""
SLOTS = 11
"""Chores at the same time: each has one of its own, so that none waits for another."""


def places(settings: Settings, post: Post) -> dict[str, Destination]:
    """Where checkpoints go."""
    found: dict[str, Destination] = {}
    if settings.checkpoint_file is not None:
        found["file"] = CheckpointFile(settings.checkpoint_file)
    if settings.checkpoint_mail is not None:
        found["mail"] = CheckpointMail(post, settings.checkpoint_mail)
    if settings.checkpoint_slack is not None:
        token = settings.slack_bot_token.get_secret_value() if settings.slack_bot_token is not None else None
        found["slack"] = CheckpointChannel(announcing(token, settings.slack_api_url), settings.checkpoint_slack)
    return found


def digests(settings: Settings, store: Store, admins: Admins) -> DigestSender:
    """Who sends the weekly digests."""
    keyring = store.vault.keyring
    direct: DirectMessages = NoDirectMessages()
    if settings.slack_bot_token is not None:
        pace = settings.slack_messages_per_second
        direct = SlackReaders(SlackDesk(settings.slack_bot_token.get_secret_value(), settings.slack_api_url, messages_per_second=pace))
    readers = Digests(store.engine, keyring)
    return DigestSender(
        readers=readers,
        sums=store.reports,
        stalled=readers,
        book=store.book,
        post=mail_service(settings, keyring),
        direct=direct,
        messages=Messages(direct, store.ledger),
        addresses=DigestLinks(keyring, settings.public_url),
        tellers=Tellers(settings.language),
        admins=admins,
        base_url=settings.public_url,
        now=lambda: settings.pace.loop_time(datetime.now(UTC)),
    )


async def keep(settings: Settings) -> None:
    """Keep house until SIGINT or SIGTERM; what has begun is finished first. Raises LoopkeeperError when the log's key is not usable."""
    if settings.log_key is None:
        raise LoopkeeperError("the log's key is missing: set LOOPKEEPER_LOG_KEY (make one with: loopkeeper audit new-key NAME)")
    notary = Notary.parse(settings.log_key.get_secret_value())
    database = settings.housekeeping_database_url or settings.database_url
    async with opened(settings, "loopkeeper housekeeper") as (store, client, ended):
        sealing = open_engine(database, pool=2 + SLOTS, role="loopkeeper_sealer", name="loopkeeper sealer")
        post = mail_service(settings, store.vault.keyring)
        admins, destinations = Admins(store.notices, post), places(settings, post)
        keeping_words = open_engine(database, pool=2, role="loopkeeper_privacy", name="loopkeeper retention")
        retention = Retention(keeping_words, PostgresBook(keeping_words))
        words = WordsKeeper(lambda: sum(rule.words for rule in retention.apply(datetime.now(UTC), dry_run=False)))
        roll_up = RollUp(store.engine, store.vault, store.book).roll_up
        followers = LogFollowers(
            {"search": Indexer(store.engine, store.vault).index, "numbers": roll_up, "webhooks": Subscriptions(store.engine).follow}
        )
        webhooks = WebhookSender(PostgresOutbox(store.engine, store.vault.keyring), Receivers(embedded=settings.console_open).post)
        log = LogKeeper(Sealer(sealing, notary), PostgresLog(sealing), destinations, settings.checkpoints_every, store.book, admins)
        chores = [
            Chore("seal_log", "", contracts.HOUSE_QUEUE, timedelta(minutes=10)),
            Chore("apply_retention", "", contracts.HOUSE_QUEUE, timedelta(hours=2), timedelta(days=1)),
            Chore("send_webhooks", "", contracts.HOUSE_QUEUE, timedelta(minutes=10)),
            Chore("send_digests", "", contracts.HOUSE_QUEUE, timedelta(minutes=10), DIGESTS_EVERY),
            *(Chore("follow_log", name, contracts.HOUSE_QUEUE, timedelta(minutes=10)) for name in followers.followers),
            *(
                Chore("publish_checkpoint", name, contracts.HOUSE_QUEUE, timedelta(minutes=2), every)
                for name, every in settings.checkpoints_every.items()
            ),
        ]
        with ThreadPoolExecutor(SLOTS, "chores") as threads:
            worker = Worker(
                client,
                task_queue=contracts.HOUSE_QUEUE,
                workflows=[Housekeeping],
                activities=[log.seal, log.publish, followers.follow, webhooks.send, words.retention, digests(settings, store, admins).send],
                activity_executor=threads,
                max_concurrent_activities=SLOTS,
                interceptors=[SignsOfLife()],
                workflow_runner=UnsandboxedWorkflowRunner(),
                graceful_shutdown_timeout=timedelta(seconds=10),
            )
            for chore in chores:
                await begin(client, chore)
            await run([worker], ended)
        sealing.dispose()
        keeping_words.dispose()


def main() -> None:
    """Run with settings from the environment."""
    settings = Settings()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(keep(settings))
    except LoopkeeperError as error:
        sys.exit(f"loopkeeper: {error}")


if __name__ == "__main__":
    main()
