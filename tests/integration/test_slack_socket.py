"""The connection that the API holds to Slack: it comes back whatever happens, and it goes when it is told to. Slack is the stand-in."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, Literal

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk import WebClient
from slack_sdk.web.async_client import AsyncWebClient

from api import slack_socket
from api.slack_socket import SlackSocket
from sandbox.app import create_app
from sandbox.hands import Hands
from sandbox.server import Server
from sandbox.settings import Settings
from tests.serving import served

ANA, BILLING = "U0ANA00001", "C0BILLING1"
BUTTON = {"type": "button", "action_id": "accept", "text": {"type": "plain_text", "text": "Accept"}, "value": "1"}


def until(met: Callable[[], Any], seconds: float = 60.0) -> None:
    """Wait until something has come about. A poll, bounded."""
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)  # a poll, bounded above


class Relay:
    """A network between the API and Slack that can be cut (a reset) or freeze (nothing comes through any more, and nobody says so)."""

    def __init__(self, to: str) -> None:
        self._to = int(to.rpartition(":")[2])
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._frozen: set[socket.socket] = set()
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._to))
            self._pairs.append((near, far))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65536):
                if one not in self._frozen:
                    other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def freeze(self) -> None:
        self._frozen |= {one for pair in self._pairs for one in pair}

    def cut(self) -> None:
        for pair in self._pairs:
            for one in pair:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                one.close()
        self._pairs.clear()

    def close(self) -> None:
        self._listening.close()
        self.cut()


class Held:
    """A connection that is held in a thread, and who pressed."""

    def __init__(self, url: str, token: str = "xapp-sandbox") -> None:
        client = AsyncWebClient(token="xoxb-sandbox", base_url=f"{url}/slack/api/", retry_handlers=[], timeout=5)
        app = AsyncApp(client=client, signing_secret="")
        app.action("accept")(self._accept)
        self.pressed: list[str] = []
        self.slow = 0.0
        self.socket = SlackSocket(app, token)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._keeping: Future[None] = asyncio.run_coroutine_threadsafe(self.socket.keep(), self._loop)

    async def _accept(self, ack: Any, body: dict[str, Any]) -> None:
        self.pressed.append(body["trigger_id"])
        await asyncio.sleep(self.slow)
        await ack()

    def close(self) -> None:
        self._keeping.cancel()
        until(lambda: self.socket.told == "closed")
        until(lambda: not asyncio.all_tasks(self._loop))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def slack() -> Iterator[str]:
    with served(lambda address: Server(create_app(Settings(slack_rate=0), address))) as url:
        yield url


@pytest.fixture
def hands(slack: str) -> Iterator[Hands]:
    with Hands(slack) as hands:
        yield hands


@pytest.fixture
def relay(slack: str) -> Iterator[Relay]:
    relay = Relay(slack)
    yield relay
    relay.close()


@pytest.fixture
def hold() -> Iterator[Callable[..., Held]]:
    """Holds connections; all end with the test."""
    held: list[Held] = []

    def one(url: str, token: str = "xapp-sandbox") -> Held:
        held.append(Held(url, token))
        return held[-1]

    yield one
    for each in held:
        each.close()


@pytest.fixture
def card(slack: str) -> str:
    client = WebClient(token="xoxb-sandbox", base_url=f"{slack}/slack/api/", retry_handlers=[])
    return str(client.chat_postMessage(channel=BILLING, text="card", blocks=[{"type": "actions", "elements": [BUTTON]}])["ts"])


def test_it_says_that_it_is_connected_and_serves_the_listeners(slack: str, hands: Hands, hold: Callable[..., Held], card: str) -> None:
    held = hold(slack)
    until(lambda: held.socket.told == "connected")
    assert hands.press(ANA, "accept", channel=BILLING, message_ts=card).acked
    assert len(held.pressed) == 1


@pytest.mark.parametrize("reason", ["refresh_requested", "warning", None])
def test_when_slack_closes_it_another_is_opened(
    slack: str, hands: Hands, hold: Callable[..., Held], card: str, reason: Literal["refresh_requested", "warning"] | None
) -> None:
    held = hold(slack)
    until(lambda: hands.sockets() == 1)
    assert hands.disconnect(reason) == 1
    until(lambda: hands.press(ANA, "accept", channel=BILLING, message_ts=card).acked)
    until(lambda: hands.sockets() == 1)
    assert held.socket.told == "connected"


def test_what_is_being_answered_when_slack_gives_warning_is_answered_on_the_old_connection(
    slack: str, hands: Hands, hold: Callable[..., Held], card: str
) -> None:
    held = hold(slack)
    until(lambda: hands.sockets() == 1)
    held.slow = 1.0
    acked: list[bool] = []

    def press() -> None:
        with Hands(slack) as others:
            acked.append(others.press(ANA, "accept", channel=BILLING, message_ts=card).acked)

    presser = threading.Thread(target=press)
    presser.start()
    until(lambda: held.pressed)
    hands.disconnect("warning")
    presser.join(10)
    assert acked == [True]


@pytest.mark.parametrize("trouble", ["cut", "freeze"])
def test_a_network_that_breaks_without_a_word_is_noticed(
    relay: Relay, hands: Hands, hold: Callable[..., Held], card: str, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr(slack_socket, "_PING_SECONDS", 0.5)
    held = hold(relay.url)
    until(lambda: held.socket.told == "connected")
    getattr(relay, trouble)()
    until(lambda: hands.press(ANA, "accept", channel=BILLING, message_ts=card).acked, 30)


def test_an_address_that_cannot_be_used_is_replaced_by_another(
    slack: str, hands: Hands, hold: Callable[..., Held], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack_socket, "_OPEN_SECONDS", 1.0)
    hands.fault("slack", "refuse", match="/slack/link", count=1)
    held = hold(slack)
    until(lambda: held.socket.told == "connected")


@pytest.mark.parametrize("fault", ["down", "fail_before"])
def test_while_slack_is_away_it_says_so_and_tries_again(slack: str, hands: Hands, hold: Callable[..., Held], fault: str) -> None:
    hands.fault("slack", fault)
    held = hold(slack)
    until(lambda: held.socket.told.startswith("not connected: "))
    hands.clear_faults()
    until(lambda: held.socket.told == "connected")


@pytest.mark.parametrize(("token", "said"), [("xapp-wrong", "invalid_auth"), ("xoxb-sandbox", "not_allowed_token_type")])
def test_a_token_that_opens_nothing_is_named(slack: str, hold: Callable[..., Held], token: str, said: str) -> None:
    held = hold(slack, token)
    until(lambda: held.socket.told == f"not connected: Slack says {said}, look at LOOPKEEPER_SLACK_APP_TOKEN")


def test_two_processes_share_what_slack_sends(slack: str, hands: Hands, hold: Callable[..., Held], card: str) -> None:
    both = [hold(slack), hold(slack)]
    until(lambda: hands.sockets() == 2)
    for _ in range(4):
        assert hands.press(ANA, "accept", channel=BILLING, message_ts=card).acked
    assert [len(held.pressed) for held in both] == [2, 2]


def test_it_goes_in_good_order(slack: str, hands: Hands) -> None:
    held = Held(slack)
    until(lambda: hands.sockets() == 1)
    held.close()
    until(lambda: hands.sockets() == 0)
