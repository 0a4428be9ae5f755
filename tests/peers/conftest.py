"""The peers, each one process for all tests that ask for it, on a loopback port of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from slack_sdk import WebClient

from cli.engines import free_port
from cli.processes import Service, ServiceFailed
from tests.peers.npm import NotHere, Package, installed, node

EMULATE = Package("emulate", "0.12.2", "sha512-cHz1ITT3xm3HJM6qSks7+ME5Bw/W7zp7ky2Ve4M4ANls46EfeAy0m/nWOjTLJEgLEQcA9gW+L3cWjuUcklJxtQ==")
HERE = Path(__file__).parent
MANIFEST = HERE.parents[1] / "docs" / "slack-app-manifest.yaml"
OURS, MUTE, PERSON = "xoxb-peer-loopkeeper", "xoxb-peer-may-not-write", "xoxp-peer-ana"
_PERSON_MAY = ["channels:manage", "channels:read", "channels:history", "chat:write", "users:read", "team:read"]


@dataclass(frozen=True)
class SlackPeer:
    """A Slack made by others. It holds every token to its scopes: `OURS` has those of our manifest, and `PERSON` is somebody else."""

    url: str

    def client(self, token: str = PERSON) -> WebClient:
        """Slack's own client, with nothing of ours."""
        return WebClient(token=token, base_url=self.url, retry_handlers=[])

    def channel(self, name: str) -> str:
        """A new public channel; its id."""
        return str(self.client().conversations_create(name=name)["channel"]["id"])


def _seed() -> dict[str, Any]:
    scopes = yaml.safe_load(MANIFEST.read_text("utf-8"))["oauth_config"]["scopes"]["bot"]
    app = {"client_id": "1.1", "client_secret": "s", "app_id": "A0LOOPKEEP", "name": "Loopkeeper", "redirect_uris": [], "scopes": scopes}
    bot = {"type": "bot", "user_id": "U0LOOPKEEP", "bot_id": "B0LOOPKEEP", "app_id": "A0LOOPKEEP"}
    return {
        "slack": {
            "strict_scopes": True,
            "users": [{"name": "ana", "real_name": "Ana Silva", "email": "ana@example.com"}],
            "oauth_apps": [{**app, "bot_id": "B0LOOPKEEP", "bot_user_id": "U0LOOPKEEP", "bot_name": "loopkeeper"}],
            "tokens": [
                {**bot, "token": OURS, "scopes": scopes},
                {**bot, "token": MUTE, "scopes": [scope for scope in scopes if scope != "chat:write"]},
                {"token": PERSON, "type": "user", "user": "ana", "scopes": _PERSON_MAY},
            ],
        }
    }


@pytest.fixture(scope="session")
def slack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlackPeer]:
    """The Slack of npm's `emulate`. Its log stays in pytest's folder, for when a test fails."""
    try:
        folder = installed(EMULATE)
    except NotHere as why:
        raise pytest.fail.Exception(str(why), pytrace=False) from None
    port, log = free_port(), tmp_path_factory.mktemp("slack-peer") / "log"
    argv = [str(node()), str(HERE / "slack_peer.mjs"), str(folder), str(port), json.dumps(_seed())]
    service = Service("the Slack of emulate", argv, log, ready=lambda: "listening" in log.read_text("utf-8"))
    service.start()
    try:
        service.wait_ready(15)
    except ServiceFailed as why:
        service.stop()
        raise pytest.fail.Exception(str(why), pytrace=False) from None
    yield SlackPeer(f"http://127.0.0.1:{port}/api/")
    service.stop()
