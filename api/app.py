"""The API process: wires everything that comes in over HTTP."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from fastapi import FastAPI

from adapters.channels.signing import Signer
from adapters.keyring import Keyring
from adapters.postgres.schema import check
from adapters.postgres.store import Store
from adapters.temporal import connect
from api import problems
from api.dispatch import Dispatcher
from api.intake import GroupCommit, Intake
from settings import Settings
from workflows.gateway import CaseGateway

log = logging.getLogger(__name__)


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
        gateway = CaseGateway(await connect(keyring), settings.pace)
        with ThreadPoolExecutor(settings.database_pool, "database") as threads:
            dispatcher = Dispatcher(store.inbox, gateway, threads)
            commits = GroupCommit(store.inbox, threads)
            signers = {name: Signer.with_secret(a.secret.get_secret_value()) for name, a in settings.channels.items()}
            app.include_router(Intake(signers, store.book, commits, dispatcher).routes())
            working = [asyncio.create_task(dispatcher.run()), asyncio.create_task(commits.run())]
            try:
                yield
            finally:
                for task in working:
                    task.cancel()
                await asyncio.gather(*working, return_exceptions=True)
        store.close()

    app = FastAPI(title="Loopkeeper", version="1", lifespan=life, docs_url="/docs", redoc_url=None)
    problems.install(app)
    return app
