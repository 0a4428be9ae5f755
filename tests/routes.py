"""The application with every route that settings can bring, and what each route asks of whoever calls it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from starlette.routing import BaseRoute

from adapters.keyring import Keyring
from adapters.postgres.store import Store
from api.access.rules import Anyone, Needs, Proven, Rule
from api.app import _assemble, _Parts, create_app
from cli.state import Secrets
from settings import Settings


@contextmanager
def whole_application() -> Iterator[FastAPI]:
    """Nothing is opened: routes alone need neither database nor Temporal."""
    secrets = Secrets.make()
    settings = Settings.model_validate(
        {
            "database_url": "postgresql://nobody@127.0.0.1:1/nothing",
            "keys": secrets.keys,
            "index_key": secrets.index_key,
            "slack_bot_token": secrets.slack_bot_token,
            "slack_signing_secret": secrets.slack_signing_secret,
            "sendgrid_webhook_key": secrets.sendgrid_webhook_public,
        }
    )
    store = Store.open(settings.database_url, pool=2, keyring=Keyring.parse(secrets.keys), index_key=b"", pace=settings.pace, name="tests")
    app = create_app(settings)
    client: Any = None
    with ThreadPoolExecutor(1) as threads:
        for work in _assemble(app, _Parts(settings, store, client, threads)):
            work.close()
        yield app
    store.close()


@dataclass(frozen=True)
class Address:
    """One method at one path, and the rules that it carries. `bare`: it is no route of FastAPI's, so that it can carry none."""

    method: str
    path: str
    rules: tuple[Rule, ...]
    bare: bool


def addresses(routes: list[BaseRoute]) -> Iterator[Address]:
    """All addresses, those of included routers too."""
    for route in routes:
        inside = getattr(route, "original_router", None)
        if inside is not None:
            yield from addresses(inside.routes)
            continue
        path, dependant = getattr(route, "path", ""), getattr(route, "dependant", None)
        assert path, f"{route} has no path: a kind of route that this does not know"
        for method in (getattr(route, "methods", None) or {"GET"}) - {"HEAD"}:
            yield Address(method, path, tuple(_rules(dependant)) if dependant is not None else (), dependant is None)


def _rules(dependant: Dependant) -> Iterator[Rule]:
    for one in dependant.dependencies:
        if isinstance(one.call, Needs | Anyone | Proven):
            yield one.call
        yield from _rules(one)
