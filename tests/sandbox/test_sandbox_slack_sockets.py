"""Socket Mode, with the genuine clients."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest
import urllib3
from aiohttp import WSMessage
from sandbox_support import APP_TOKEN, BOT_TOKEN, Clock, Loopkeeper, Outside, StartSandbox
from slack_app import ANA, BEN, BILLING, Bolt, Json, ask_modal
from slack_bolt.adapter.socket_mode import SocketModeHandler as OnThreads
from slack_bolt.adapter.socket_mode.aiohttp import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.hands import Hands

T = TypeVar("T")


def until(met: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something has come about. A poll, bounded."""
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)  # a poll, bounded above


class Loop:
    """An event loop in a thread of its own, for clients of asyncio."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


class Socket:
    """A client that holds a socket, and every message that came on it. Without a bolt app it listens and never acknowledges."""

    def __init__(self, loop: Loop, outside: Outside, bolt: Bolt | None) -> None:
        self._loop = loop
        self.messages: list[Json] = []
        self.client = loop.run(self._make(outside, bolt))

    async def _make(self, outside: Outside, bolt: Bolt | None) -> SocketModeClient:
        web = AsyncWebClient(token=BOT_TOKEN, base_url=outside.slack_api, retry_handlers=[])
        client = SocketModeHandler(bolt.app, APP_TOKEN, web_client=web).client if bolt else SocketModeClient(APP_TOKEN, web_client=web)
        client.on_message_listeners.append(self._note)
        return client

    async def _note(self, message: WSMessage) -> None:
        self.messages.append(json.loads(message.data))

    def connect(self) -> None:
        self._loop.run(self.client.connect())  # type: ignore[no-untyped-call]

    def stay_away(self) -> None:
        """Do not come back when the socket closes."""
        self.client.auto_reconnect_enabled = self.client.default_auto_reconnect_enabled = False

    def close(self) -> None:
        self._loop.run(self.client.close())  # type: ignore[no-untyped-call]

    def came(self, kind: str, count: int = 1) -> list[Json]:
        """The messages of a kind, once there are so many."""
        until(lambda: len([one for one in self.messages if one["type"] == kind]) >= count)
        return [one for one in self.messages if one["type"] == kind]


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def make(loop: Loop, outside: Outside) -> Iterator[Callable[..., Socket]]:
    """Makes clients; all end with the test."""
    made: list[Socket] = []

    def one(bolt: Bolt | None = None) -> Socket:
        made.append(Socket(loop, outside, bolt))
        return made[-1]

    yield one
    for socket in made:
        socket.close()


@pytest.fixture
def connect(make: Callable[..., Socket], outside: Outside) -> Callable[..., Socket]:
    """Makes clients that are connected."""

    def one(bolt: Bolt | None = None) -> Socket:
        socket, before = make(bolt), outside.hands.sockets()
        socket.connect()
        until(lambda: outside.hands.sockets() == before + 1)
        return socket

    return one


def knock(url: str) -> int:
    """The status with which a socket's address answers, without a client."""
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "a" * 22 + "=="}
    with urllib3.PoolManager(retries=False) as network:
        answer = network.request("GET", url.replace("ws", "http", 1), headers=upgrade, preload_content=False)
        answer.close()
        return answer.status


def address(outside: Outside) -> str:
    url: str = WebClient(base_url=outside.slack_api, retry_handlers=[]).apps_connections_open(app_token=APP_TOKEN)["url"]
    return url


@pytest.fixture
def plugged(outside: Outside, bolt: Bolt, connect: Callable[..., Socket]) -> Socket:
    """A bolt app behind a socket, which takes the case and shows a modal."""

    @bolt.app.action("accept")
    def accept(ack: Any, body: Json, client: WebClient) -> None:
        ack()
        bolt.got.append(body)
        client.views_open(trigger_id=body["trigger_id"], view=ask_modal())

    @bolt.app.view("ask")
    def said(ack: Any, body: Json) -> None:
        bolt.got.append(body)
        ack(response_action="errors", errors={"words": "Say it more kindly."})

    @bolt.app.command("/case")
    def typed(ack: Any, body: Json) -> None:
        bolt.got.append(body)
        ack("Three cases are yours.")

    @bolt.app.event("message")
    def heard(body: Json) -> None:
        bolt.got.append(body)

    return connect(bolt)


class TestOpening:
    @pytest.mark.parametrize(
        ("token", "error"),
        [("", "not_authed"), ("xapp-another", "invalid_auth"), (BOT_TOKEN, "not_allowed_token_type")],
    )
    def test_only_the_app_level_token_opens_a_socket(self, outside: Outside, token: str, error: str) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = urllib3.request("POST", f"{outside.slack_api}apps.connections.open", headers=headers).json()
        assert answer == {"ok": False, "error": error}

    def test_the_app_level_token_opens_nothing_else_and_only_in_the_header(self, outside: Outside) -> None:
        with pytest.raises(SlackApiError, match="not_allowed_token_type"):
            WebClient(token=APP_TOKEN, base_url=outside.slack_api).auth_test()
        answer = urllib3.request("POST", f"{outside.slack_api}apps.connections.open?token={APP_TOKEN}")
        assert answer.json()["error"] == "invalid_auth"

    def test_the_address_is_on_the_sandbox_itself_and_good_once(self, outside: Outside) -> None:
        url = address(outside)
        assert url.startswith(outside.url.replace("http", "ws") + "/slack/link/?ticket=")
        assert [knock(url), knock(url)] == [101, 403]

    def test_an_address_that_was_not_used_in_time_is_refused(self, start_sandbox: StartSandbox, clock: Clock) -> None:
        url = address(start_sandbox(now=clock))
        clock.now += 31
        assert knock(url) == 403

    def test_slack_says_hello_and_how_many_there_are(self, connect: Callable[..., Socket]) -> None:
        first, second = connect(), connect()
        for number, socket in enumerate((first, second), 1):
            (hello,) = socket.came("hello")
            assert (hello["num_connections"], hello["connection_info"]) == (number, {"app_id": "A0LOOPKEEP"})
            assert hello["debug_info"]["approximate_connection_time"] > 0

    def test_the_eleventh_is_sent_away(self, outside: Outside, make: Callable[..., Socket], connect: Callable[..., Socket]) -> None:
        for _ in range(10):
            connect()
        eleventh = make()
        eleventh.connect()
        assert eleventh.came("disconnect")[0]["reason"] == "too_many_websockets"
        assert outside.hands.sockets() == 10


class TestTelling:
    def test_a_press_a_submission_and_a_command_come_by_socket_and_their_answers_go_back_on_it(
        self, outside: Outside, loopkeeper: Loopkeeper, bolt: Bolt, plugged: Socket
    ) -> None:
        pressed = outside.hands.press(ANA, "accept", channel=BILLING, message_ts=bolt.card())
        assert (pressed.acked, pressed.error) == (True, None)
        view = outside.hands.wait_for(lambda c: c.kind == "view" and c.object["trigger_id"] == pressed.trigger_id).object
        seen = outside.hands.submit(ANA, view["id"], {"words": {"text": "hm"}})
        assert (seen.response_action, seen.errors) == ("errors", {"words": "Say it more kindly."})
        typed = outside.hands.command(ANA, BILLING, "/case", "mine & yours").message
        assert typed is not None
        assert (typed["text"], typed["ephemeral_to"]) == ("Three cases are yours.", ANA)
        press, submission = plugged.came("interactive", 2)
        (command,) = plugged.came("slash_commands")
        assert [body["type"] for body in (press["payload"], submission["payload"])] == ["block_actions", "view_submission"]
        assert (command["payload"]["text"], command["payload"]["user_id"]) == ("mine & yours", ANA)
        assert {one["accepts_response_payload"] for one in (press, submission, command)} == {True}
        assert len({one["envelope_id"] for one in (press, submission, command)}) == 3
        assert loopkeeper.received == [], "the request URL hears nothing of it"

    def test_an_event_comes_by_socket_in_the_same_words_as_over_http(
        self, outside: Outside, loopkeeper: Loopkeeper, connect: Callable[..., Socket]
    ) -> None:
        outside.hands.say(ANA, BILLING, "over http")
        socket = connect()
        said = outside.hands.say(ANA, BILLING, "by socket")
        (envelope,) = socket.came("events_api")
        assert (envelope["retry_attempt"], envelope["retry_reason"], envelope["accepts_response_payload"]) == (0, "", False)
        payload = envelope["payload"]
        assert (payload["type"], payload["event"]["ts"], payload["event"]["text"]) == ("event_callback", said["ts"], "by socket")
        (over_http,) = loopkeeper.wait_for(lambda one: b"over http" in one.body)
        assert set(payload) == set(json.loads(over_http.body))

    def test_without_a_socket_the_request_url_is_used_again(
        self, outside: Outside, loopkeeper: Loopkeeper, connect: Callable[..., Socket]
    ) -> None:
        socket = connect()
        socket.close()
        until(lambda: outside.hands.sockets() == 0)
        outside.hands.say(ANA, BILLING, "hello")
        loopkeeper.wait_for(lambda one: b"hello" in one.body)

    def test_each_payload_goes_to_one_of_several_sockets(
        self, outside: Outside, bolt: Bolt, plugged: Socket, connect: Callable[..., Socket]
    ) -> None:
        other = connect(bolt)
        ts = bolt.card()
        for _ in range(6):
            assert outside.hands.press(ANA, "accept", channel=BILLING, message_ts=ts).acked
        assert (len(plugged.came("interactive", 3)), len(other.came("interactive", 3))) == (3, 3)
        assert len(bolt.got) == 6

    def test_what_is_not_acknowledged_in_time_has_failed_as_over_http(
        self, outside: Outside, bolt: Bolt, connect: Callable[..., Socket]
    ) -> None:
        ts = bolt.card()
        deaf = connect()
        outside.hands.say(ANA, BILLING, "hello")
        pressed = outside.hands.press(ANA, "accept", channel=BILLING, message_ts=ts)
        assert (pressed.acked, pressed.error) == (False, "Operation timed out. Apps need to respond within 3 seconds.")
        first, again = deaf.came("events_api", 2)
        assert (again["retry_attempt"], again["retry_reason"]) == (1, "timeout")
        assert again["payload"]["event_id"] == first["payload"]["event_id"]
        assert again["envelope_id"] != first["envelope_id"]

    def test_the_deliveries_say_which_way_they_took(self, outside: Outside, bolt: Bolt, plugged: Socket) -> None:
        outside.hands.press(ANA, "accept", channel=BILLING, message_ts=bolt.card())
        logs = [c.object for c in outside.hands.state() if c.kind == "delivery" and c.object["what"] == "block_actions"]
        assert [(log["state"], log["last"]["status"], log["last"]["via"]) for log in logs] == [("delivered", 200, "socket")]

    def test_the_request_url_is_challenged_over_http_all_the_same(self, outside: Outside, loopkeeper: Loopkeeper, plugged: Socket) -> None:
        assert urllib3.request("POST", f"{outside.url}/hands/slack/verify", json={}).json()["verified"] is True
        assert len(loopkeeper.received) == 1


class TestFailing:
    @pytest.mark.parametrize(
        ("kind", "acked", "acts"),
        [("lose_answer", False, 1), ("deliver_twice", True, 2), ("drop_once", False, 0), ("down", False, 0)],
    )
    def test_an_interaction_fails_on_the_socket_as_over_http(
        self, outside: Outside, bolt: Bolt, plugged: Socket, kind: str, acked: bool, acts: int
    ) -> None:
        ts = bolt.card()
        outside.hands.fault("interactions", kind, count=1)
        assert outside.hands.press(ANA, "accept", channel=BILLING, message_ts=ts).acked is acked
        assert outside.hands.press(BEN, "accept", channel=BILLING, message_ts=ts).acked
        until(lambda: len(bolt.got) == acts + 1)
        assert [body["user"]["id"] for body in bolt.got] == [ANA] * acts + [BEN]

    def test_an_event_that_was_lost_on_the_socket_comes_again(self, outside: Outside, bolt: Bolt, plugged: Socket) -> None:
        outside.hands.fault("webhooks", "drop_once", count=1)
        outside.hands.say(ANA, BILLING, "hello")
        assert plugged.came("events_api")[0]["retry_attempt"] == 1
        until(lambda: len(bolt.got) == 1)

    def test_while_slack_is_down_no_socket_is_opened(self, outside: Outside) -> None:
        url = address(outside)
        outside.hands.fault("slack", "down")
        assert knock(url) == 403


class TestDisconnecting:
    @pytest.mark.parametrize("reason", ["refresh_requested", "warning"])
    def test_the_client_hears_why_and_comes_back(self, outside: Outside, bolt: Bolt, plugged: Socket, reason: Any) -> None:
        assert outside.hands.disconnect(reason) == 1
        plugged.came("hello", 2)
        assert [one["reason"] for one in plugged.came("disconnect")] == [reason]
        until(lambda: outside.hands.sockets() == 1)
        assert outside.hands.press(ANA, "accept", channel=BILLING, message_ts=bolt.card()).acked

    def test_a_socket_can_close_without_a_word(self, outside: Outside, connect: Callable[..., Socket]) -> None:
        socket = connect()
        socket.stay_away()
        assert outside.hands.disconnect(None) == 1
        until(lambda: outside.hands.sockets() == 0)
        assert [one["type"] for one in socket.messages] == ["hello"]

    def test_what_waits_on_a_socket_that_closes_has_failed_at_once(
        self, outside: Outside, bolt: Bolt, connect: Callable[..., Socket]
    ) -> None:
        ts, seen = bolt.card(), list[str | None]()
        deaf = connect()
        deaf.stay_away()

        def press() -> None:
            with Hands(outside.url) as hands:
                seen.append(hands.press(ANA, "accept", channel=BILLING, message_ts=ts).error)

        presser = threading.Thread(target=press)
        presser.start()
        deaf.came("interactive")
        outside.hands.disconnect(None)
        presser.join(10)
        assert seen == ["We had some trouble connecting. Try again?"]


def test_the_client_that_works_with_threads_connects_answers_and_comes_back_too(outside: Outside, bolt: Bolt) -> None:
    bolt.app.action("accept")(lambda ack: ack())
    ts = bolt.card()
    handler = OnThreads(bolt.app, APP_TOKEN)
    handler.connect()  # type: ignore[no-untyped-call]
    try:
        until(lambda: outside.hands.sockets() == 1)
        assert outside.hands.press(ANA, "accept", channel=BILLING, message_ts=ts).acked
        outside.hands.disconnect()
        until(lambda: outside.hands.sockets() == 1 and outside.hands.press(ANA, "accept", channel=BILLING, message_ts=ts).acked)
    finally:
        handler.close()  # type: ignore[no-untyped-call]
