"""A sandbox and a Loopkeeper for it to talk to, each on a port of its own and served for real."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from browser import ARGUMENTS, CHROMIUM, Visitor
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from playwright.sync_api import sync_playwright
from sandbox_support import API_KEY, APP_TOKEN, BOT_TOKEN, SECRET, SIGNING_SECRET, Clock, Loopkeeper, Outside, StartSandbox
from slack_app import Bolt
from slack_bolt.adapter.fastapi import SlackRequestHandler

from sandbox.app import create_app
from sandbox.hands import Hands
from sandbox.server import Server
from sandbox.settings import Channel, Settings
from sandbox.slack.scopes import EVERYTHING
from tests.serving import served


@pytest.fixture(scope="session")
def loopkeeper_server() -> Iterator[Loopkeeper]:
    keeper = Loopkeeper()
    with served(lambda _: uvicorn.Server(uvicorn.Config(keeper, log_level="error", lifespan="off", timeout_graceful_shutdown=1))) as url:
        keeper.url = url
        yield keeper


@pytest.fixture
def loopkeeper(loopkeeper_server: Loopkeeper) -> Iterator[Loopkeeper]:
    """What the sandbox takes for Loopkeeper, as if nothing had happened yet."""
    loopkeeper_server.reset()
    yield loopkeeper_server
    loopkeeper_server.reset()


@pytest.fixture(scope="session")
def webhook_keys() -> tuple[str, str]:
    """SendGrid's signing key: PEM of the private one, and the public one as SendGrid shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return private, "".join(public.splitlines()[1:-1])


def _settings(loopkeeper: Loopkeeper, webhook_key: str, **changes: Any) -> Settings:
    told: dict[str, Any] = {
        "loopkeeper_url": loopkeeper.url,
        "channels": {
            "x": Channel(network="X", secret=SECRET, limit=280),
            "forum": Channel(network="Our forum", secret=SECRET, limit=1000),
        },
        "slack_signing_secret": SIGNING_SECRET,
        "slack_bot_token": BOT_TOKEN,
        "slack_app_token": APP_TOKEN,
        "slack_scopes": ",".join(EVERYTHING),
        "slack_rate": 0,
        "slack_echo": False,
        "sendgrid_api_key": API_KEY,
        "sendgrid_webhook_key": webhook_key,
    }
    return Settings(**{**told, **changes})


@pytest.fixture
def start_sandbox(loopkeeper: Loopkeeper, webhook_keys: tuple[str, str]) -> Iterator[StartSandbox]:
    """Starts sandboxes; all end with the test."""
    with ExitStack() as running:

        def start(state: Path | None = None, now: Callable[[], float] = time.time, **changes: Any) -> Outside:
            settings = _settings(loopkeeper, webhook_keys[0], **changes)
            mine = running.enter_context(ExitStack())
            url = mine.enter_context(served(lambda address: Server(create_app(settings, address, state, now))))
            return Outside(url, mine.enter_context(Hands(url)), settings, mine.close)

        yield start


@pytest.fixture(scope="session")
def shared(loopkeeper_server: Loopkeeper, webhook_keys: tuple[str, str]) -> Iterator[Outside]:
    """One sandbox for all tests that only look at what they made themselves."""
    settings = _settings(loopkeeper_server, webhook_keys[0])
    with served(lambda address: Server(create_app(settings, address))) as url, Hands(url) as hands:
        yield Outside(url, hands, settings, lambda: None)


@pytest.fixture
def outside(start_sandbox: StartSandbox) -> Outside:
    return start_sandbox()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bolt(outside: Outside, loopkeeper: Loopkeeper) -> Bolt:
    bolt = Bolt(outside)
    loopkeeper.slack = SlackRequestHandler(bolt.app).handle
    return bolt


@pytest.fixture(scope="module")
def window() -> Iterator[Visitor]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield Visitor(browser.new_page(viewport={"width": 1600, "height": 1000}, reduced_motion="reduce"))
        browser.close()


@pytest.fixture
def visitor(window: Visitor) -> Iterator[Visitor]:
    yield window
    window.visit_nothing()
    complaints, window.complaints = window.complaints, []
    assert complaints == []
