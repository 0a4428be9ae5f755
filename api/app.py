"""The API process: wires everything that comes in over HTTP."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from temporalio.client import Client

from adapters.channels.signing import Signer
from adapters.keyring import Keyring
from adapters.links import Links
from adapters.postgres.people import ApiKey
from adapters.postgres.schema import check
from adapters.postgres.store import Store
from adapters.temporal import connect
from api import problems
from api.acting import Acting
from api.console import Console
from api.desk import DeskPages
from api.health import Health
from api.intake import GroupCommit, Intake
from api.looking import Looking
from api.numbers import Numbers
from api.rest import Rest
from api.rest_reports import RestReports
from api.sendgrid import mail_events
from api.shelf import Shelf
from api.slack.app import slack_app
from api.slack_socket import SlackSocket
from settings import Settings
from workflows.gateway import CaseGateway

log = logging.getLogger(__name__)
_T = TypeVar("_T")

DESCRIPTION = """
Loopkeeper acknowledges public complaints, hands each to its department, and stays on it until the loop is closed.

Read and act with an API key (`loopkeeper key new NAME`). Networks report through signed webhooks: see *The channel contract* in the docs.
Errors are problem details (RFC 9457): `detail` says what happened and what to do.
"""


@dataclass(frozen=True)
class _Parts:
    """What the routes are made of."""

    settings: Settings
    store: Store
    client: Client
    threads: Executor

    async def in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self.threads, call)


def create_app(settings: Settings) -> FastAPI:
    """The application. What it needs is opened when it starts and closed when it ends."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        keyring = Keyring.parse(settings.keys.get_secret_value())
        store = Store.open(
            settings.database_url,
            pool=settings.database_pool,
            keyring=keyring,
            index_key=base64.b64decode(settings.index_key.get_secret_value()),
            pace=settings.pace,
            name="loopkeeper api",
        )
        check(store.engine)
        client = await connect(keyring, lazy=True)  # posts are taken in while Temporal is away
        with ThreadPoolExecutor(settings.database_pool, "database") as threads:
            working = [asyncio.create_task(work) for work in _assemble(app, _Parts(settings, store, client, threads))]
            try:
                yield
            finally:
                for task in working:
                    task.cancel()
                await asyncio.gather(*working, return_exceptions=True)
        store.close()

    app = FastAPI(title="Loopkeeper", version="1", description=DESCRIPTION, lifespan=life, docs_url="/docs", redoc_url=None)
    problems.install(app)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    return app


def _assemble(app: FastAPI, parts: _Parts) -> list[Coroutine[Any, Any, None]]:
    """Add the routes; the work that has to go on behind them."""
    settings, store, keyring = parts.settings, parts.store, parts.store.vault.keyring
    gateway = CaseGateway(parts.client, settings.pace)
    acting = Acting(store, gateway, parts.threads, settings.pace)
    commits = GroupCommit(store.inbox, parts.threads)
    signers = {name: Signer.with_secret(a.secret.get_secret_value()) for name, a in settings.channels.items()}

    async def key_of(secret: str) -> ApiKey | None:
        return await parts.in_thread(lambda: store.people.key_of(secret))

    async def verify(case_id: str) -> str | None:
        return await parts.in_thread(lambda: store.records.verify(case_id))

    def loop_time() -> datetime:
        return settings.pace.loop_time(datetime.now(UTC))

    socket, working = _slack(app, settings, acting, Looking(store, commits, parts.threads, settings.pace))
    app.include_router(Health(parts.client, store.engine, parts.threads, lambda: socket.told if socket is not None else None).routes())
    app.include_router(Intake(signers, store.book, commits).routes())
    app.include_router(Rest(acting, commits, store.book, key_of, verify).routes())
    app.include_router(DeskPages(acting, Links(keyring, settings.public_url)).routes())
    app.include_router(
        Console(
            acting=acting,
            cases=lambda only_open, before: parts.in_thread(lambda: store.reader.cases(only_open=only_open, before=before)),
            quarantined=lambda: parts.in_thread(store.inbox.quarantined),
            verify=verify,
            key_of=key_of,
            is_open=settings.console_open,
            framed_by=settings.sandbox_url,
        ).routes()
    )
    shelf = Shelf(store.reports)
    app.include_router(
        Numbers(
            reports=store.reports,
            shelf=shelf,
            book=store.book,
            in_thread=parts.in_thread,
            key_of=key_of,
            now=loop_time,
            is_open=settings.console_open,
            framed_by=settings.sandbox_url,
        ).routes()
    )
    app.include_router(RestReports(shelf, store.book, parts.in_thread, key_of, loop_time).routes())
    if settings.sendgrid_webhook_key is not None:
        app.include_router(mail_events(settings.sendgrid_webhook_key, store.ledger, parts.threads))
    return [commits.run(), *working]


def _slack(
    app: FastAPI, settings: Settings, acting: Acting, looking: Looking
) -> tuple[SlackSocket | None, list[Coroutine[Any, Any, None]]]:
    """Let Slack in: at an address, when we can tell that it is Slack; and by a connection of ours, when we may open one.

    The connection, and the work that has to go on.
    """
    if settings.slack_bot_token is None or (settings.slack_signing_secret is None and settings.slack_app_token is None):
        return None, []
    secret = settings.slack_signing_secret.get_secret_value() if settings.slack_signing_secret is not None else None
    listening = slack_app(settings.slack_bot_token.get_secret_value(), secret, settings.slack_api_url, acting, looking)
    if secret is not None:
        handler = AsyncSlackRequestHandler(listening.app)

        @app.post("/slack/events", include_in_schema=False)
        async def from_slack(request: Request) -> Response:
            return await handler.handle(request)

    if settings.slack_app_token is None:
        return None, [listening.work()]
    socket = SlackSocket(listening.app, settings.slack_app_token.get_secret_value())
    return socket, [listening.work(), socket.keep()]
