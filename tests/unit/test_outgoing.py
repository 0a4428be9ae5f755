"""Which modules can make a request of their own, and to whose addresses: nothing that came from outside is ever fetched.

A post can carry a link, an author an avatar, a bridge a permalink. Whoever could have our servers fetch such an address would be inside
our network (server-side request forgery). So every module that has a way out stands here, with whose address it calls.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2]
NOT_INSTALLED = frozenset({".venv", "tests", "sandbox", "bench", "devkit", "build", "dist"})
"""Tests, what stands in for networks and Slack, what measures and what sets up a checkout: none of it runs where there are customers."""
WAYS_OUT = (
    *("httpx", "requests", "aiohttp", "urllib.request", "urllib3", "http.client", "socket", "smtplib", "ftplib", "websockets", "websocket"),
    *("slack_sdk.WebClient", "slack_sdk.web", "slack_sdk.webhook", "slack_sdk.socket_mode", "slack_bolt.async_app.AsyncApp"),
    *("adapters.http.HttpClient", "asyncio.open_connection", "asyncio.streams", "telnetlib", "xmlrpc", "imaplib", "poplib", "nntplib"),
)
SLACKS = "Slack, at the address that is set"
MAY: dict[str, str] = {
    "adapters/http.py": "is the way out of the modules that import it, and keeps no address",
    "adapters/channels/connect.py": "a bridge, at the address that is set",
    "adapters/channels/webhook.py": "a bridge, at the address that is set",
    "adapters/oidc.py": "the identity provider, at the address that is set, and where its own description says",
    "adapters/receivers.py": "a receiver of webhooks, which an admin named; its address was checked to be no machine inside a network",
    "adapters/sendgrid.py": "SendGrid, at the address that is set; of http.client it knows what goes wrong",
    "adapters/slack/announcing.py": SLACKS,
    "adapters/slack/checking.py": f"{SLACKS}, and our own public address, from outside",
    "adapters/slack/desk.py": SLACKS,
    "adapters/slack/members.py": SLACKS,
    "api/__main__.py": "nobody: it makes the socket on which the API listens",
    "api/slack/app.py": SLACKS,
    "api/slack/floor.py": f"{SLACKS}; and where to answer a press stands in the press, which Slack signed",
    "api/slack_socket.py": f"{SLACKS}; it hears there where to connect to",
    "cli/doctor.py": "what is set, to tell whether it answers",
    "cli/engines.py": "PostgreSQL, Temporal and our own API, on this machine",
    "cli/players.py": "the stand-ins of the sandbox, on this machine",
    "cli/slack.py": SLACKS,
    "loopkeeper_client/sending.py": "our own API, where whoever uses the client says that it is",
}


def modules() -> Iterator[Path]:
    for path in sorted(HERE.rglob("*.py")):
        if not NOT_INSTALLED & set(path.relative_to(HERE).parts):
            yield path


def imported(tree: ast.AST) -> Iterator[str]:
    """Everything that is imported, at whatever place: modules, and names in them."""
    known: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
            known.update(names)
            yield from names
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
            yield f"{node.value.id}.{node.attr}"  # asyncio.open_connection


def ways_out_of(source: str) -> set[str]:
    return {way for name in imported(ast.parse(source)) for way in WAYS_OUT if name == way or name.startswith(f"{way}.")}


def test_only_these_modules_can_make_a_request() -> None:
    found = {str(path.relative_to(HERE)): ways for path in modules() if (ways := ways_out_of(path.read_text("utf-8")))}
    assert {name: ways for name, ways in found.items() if name not in MAY} == {}
    assert set(MAY) - set(found) == set(), "these have no way out any more: take them off the list"


def test_what_decides_and_what_reads_has_no_way_out() -> None:
    """The rules, the workflows, what is kept and what is exported never ask anybody anything."""
    inside = ("domain/", "workflows/", "activities/", "adapters/postgres/", "adapters/export/", "api/console/", "migrations/", "verifier/")
    assert [name for name in MAY if name.startswith(inside)] == []


@pytest.mark.parametrize(
    "source",
    [
        "import urllib.request",
        "from urllib import request",
        "from urllib.request import urlopen",
        "def later():\n    import httpx as h",
        "from slack_sdk import WebClient",
        "import asyncio\nasync def go():\n    await asyncio.open_connection('a', 1)",
        "from adapters.http import Answer, HttpClient",
    ],
)
def test_a_way_out_is_seen_however_it_is_imported(source: str) -> None:
    assert ways_out_of(source)
