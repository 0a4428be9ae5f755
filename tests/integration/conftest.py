"""The API for real, on a database of its own. Temporal is not there: what a network tells must be safe without it."""

from __future__ import annotations

import base64
import itertools
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from adapters.channels.signing import Signer
from adapters.postgres.store import Store
from api.app import create_app
from cli.engines import Postgres, _pg_bin
from settings import Settings
from tests.conftest import INDEX_KEY, POLICY, WORDING, fresh_database, open_on
from tests.serving import served

SECRET = "whsec_" + base64.b64encode(b"the secret of the tests' bridge").decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"another bridge's secret, not ours").decode()
_numbers = itertools.count(1)


@dataclass
class Bridge:
    """A network's bridge, which signs as it should unless told otherwise, and what became of what it sent."""

    http: httpx.Client
    owner: Engine
    store: Store
    signer: Signer = field(default_factory=lambda: Signer.with_secret(SECRET))

    def headers(self, body: bytes, at: float | None = None) -> dict[str, str]:
        return self.signer.headers(f"evt_{next(_numbers)}", time.time() if at is None else at, body)

    def send(self, body: bytes, headers: dict[str, str] | None = None, channel: str = "x") -> httpx.Response:
        told = self.headers(body) if headers is None else headers
        return self.http.post(f"/webhooks/channels/{channel}", content=body, headers=told)

    def tell(self, event: dict[str, Any]) -> httpx.Response:
        return self.send(json.dumps(event).encode())

    def rows(self) -> list[dict[str, Any]]:
        """What is stored, in the order in which it came."""
        with self.owner.connect() as connection:
            found = connection.execute(text("select id, channel, event_key, state, reason from inbound order by id"))
            return [dict(row) for row in found.mappings()]

    def forget(self) -> None:
        with self.owner.begin() as connection:
            connection.execute(text("truncate inbound"))


@contextmanager
def serving(database: str, **further: Any) -> Iterator[httpx.Client]:
    """The API on a database, with a Temporal that nobody can reach, and with further settings."""
    access = {"bridge_url": "http://127.0.0.1:9/bridge/x", "secret": SECRET}
    told = {"DATABASE_URL": database, "keys": "k1:" + "a2V5" * 10 + "a2U=", "index_key": base64.b64encode(INDEX_KEY).decode()}
    settings = Settings.model_validate({**told, "channels": {"x": access}, "console_open": True, "database_pool": 4, **further})
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TEMPORAL_ADDRESS", "127.0.0.1:9")
        config = uvicorn.Config(create_app(settings), log_level="critical", log_config=None)
        with served(lambda _: uvicorn.Server(config)) as url, httpx.Client(base_url=url, timeout=20, trust_env=False) as http:
            yield http


@pytest.fixture(scope="module")
def module_bridge(postgres: Postgres) -> Iterator[Bridge]:
    with fresh_database(postgres) as address:
        store, owner = open_on(address), create_engine(address)
        store.book.activate(POLICY, WORDING, by="tests")
        with serving(address) as http:
            yield Bridge(http, owner, store)
        store.close()
        owner.dispose()


@pytest.fixture
def bridge(module_bridge: Bridge) -> Bridge:
    """A bridge to one API for all tests of a module, before it has sent anything."""
    module_bridge.forget()
    return module_bridge


PASSWORDS = ("MIGRATOR", "SERVICE", "HOUSEKEEPER", "ARCHIVIST", "INSPECTOR", "TEMPORAL")
ROLES = Path(__file__).parents[2] / "deploy" / "postgres-roles.sh"


@pytest.fixture(scope="module")
def deployed(own_folder: Path, request: pytest.FixtureRequest) -> Iterator[Postgres]:
    """A PostgreSQL as new as the one in a container, with deploy/postgres-roles.sh run on it."""
    folder = own_folder / request.module.__name__.rpartition(".")[2]
    folder.mkdir()
    server = Postgres(folder / "s")
    service = server.service(folder / "log", fsync=False)
    service.start()
    service.wait_ready(30)
    passwords = {f"{who}_PASSWORD": "it's $1" for who in PASSWORDS}
    path = f"{_pg_bin('psql').parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "PGHOST": str(server.sockets), "POSTGRES_USER": "postgres", **passwords}
    subprocess.run(["sh", str(ROLES)], env=environment, check=True, capture_output=True)
    yield server
    service.stop()


def url_of(server: Postgres, login: str, database: str = "loopkeeper") -> str:
    """The address for a login."""
    return make_url(server.url(database)).set(username=login).render_as_string(hide_password=False)
