"""Slack by Socket Mode: this process opens a WebSocket to Slack, so that Slack need not reach it."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_slack_response import AsyncSlackResponse

log = logging.getLogger(__name__)
_library = logging.getLogger(f"{__name__}.library")
_library.setLevel(logging.CRITICAL)  # what it has to say is said here, once and without its stack

_OPEN_SECONDS = 10.0
"""How long Slack may take to give an address, to answer at it, and to say hello."""
_PING_SECONDS = 10.0
"""How often the connection is tried; without an answer within half of that it counts as lost."""
_LOOK_SECONDS = 0.5
"""How often is looked whether the connection was lost without a word."""
_LAST_ANSWERS_SECONDS = 3.0
"""How long an old connection stays for answers that are being made: so long Slack waits for them."""
_CLOSE_SECONDS = 2.0
_LONGEST_WAIT = 30.0
_SHORT_LIFE = 2.0
"""A connection that lasted less than these seconds counts as a failure to connect: Slack must not be asked more often than it allows."""
_WRONG_TOKEN = ("invalid_auth", "not_authed", "not_allowed_token_type", "token_revoked", "account_inactive")


class SlackSocket:
    """One connection to Slack at a time, on which the app's listeners are served; opened anew whenever it ends.

    Several processes may each hold one: Slack sends each payload to one of them.
    """

    def __init__(self, app: AsyncApp, app_token: str) -> None:
        self._app = app
        self._app_token = app_token
        self._told = "connecting"
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def told(self) -> str:
        """`connected`, `connecting`, or why it is not connected."""
        return self._told

    async def keep(self) -> None:
        """Hold the connection until this is cancelled. Never raises for what Slack does."""
        failures = 0
        line: _Line | None = None
        try:
            while True:
                line = _Line(self._app, self._app_token)
                try:
                    async with asyncio.timeout(_OPEN_SECONDS):
                        await line.open()
                except Exception as error:  # noqa: BLE001 - whatever the library makes of what Slack answers, there must be a next attempt
                    failures += 1
                    self._told = f"not connected: {_reason(error)}"
                    log.warning("Slack by Socket Mode is %s; trying again in %.0f s", self._told, _wait(failures))
                    await line.end()
                    await asyncio.sleep(_wait(failures))
                    continue
                self._told = "connected"
                log.info("connected to Slack by Socket Mode")
                since = time.monotonic()
                await line.ended()
                self._told = "connecting"
                self._leave(line)
                failures = failures + 1 if time.monotonic() - since < _SHORT_LIFE else 0
                log.info("the connection to Slack has ended, opening another")
                await asyncio.sleep(_wait(failures - 1) if failures > 1 else 0)
        finally:
            self._told = "closed"
            for task in self._leaving:
                task.cancel()
            if line is not None:
                await line.end()
            await asyncio.gather(*self._leaving, return_exceptions=True)

    def _leave(self, line: _Line) -> None:
        """Let what is being answered on the old connection be answered there, while the new one is opened."""
        task = asyncio.create_task(_end_soon(line))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


class _Line(SocketModeClient):
    """A single connection. Where the library would reconnect in the same client, this only says that it has ended.

    (The library tries one address until it works, and an address of Slack's is good once and soon: slack_sdk 3.47 can stay away for ever.
    A fresh client for each connection also sends every acknowledgement on the connection on which its envelope came.)
    """

    def __init__(self, app: AsyncApp, app_token: str) -> None:
        super().__init__(app_token=app_token, web_client=app.client, logger=_library, ping_interval=_PING_SECONDS)
        self._app = app
        self._greeted = asyncio.Event()
        self._ended = asyncio.Event()
        self.message_listeners.append(self._greet)
        self.socket_mode_request_listeners.append(self._answer)

    async def open(self) -> None:
        """Connect and wait for Slack's hello, without end. Raises what the library does, and _EndedAtOnce."""
        self.wss_uri = await self.issue_new_wss_url()
        await self.connect()  # type: ignore[no-untyped-call]
        waits = [asyncio.create_task(event.wait()) for event in (self._greeted, self._ended)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if not self._greeted.is_set():
            raise _EndedAtOnce

    async def ended(self) -> None:
        """Wait until Slack has ended it, announced that it will, or cannot be heard any more."""
        while not self._ended.is_set() and await self.is_connected():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), _LOOK_SECONDS)

    async def end(self) -> None:
        """Let go of it and of everything that belongs to it, also when the other side does not say goodbye."""
        self.closed, self.auto_reconnect_enabled = True, False
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.disconnect()  # type: ignore[no-untyped-call]
        works = [work for work in (self.message_processor, self.current_session_monitor, self.message_receiver) if work is not None]
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)
        await self.aiohttp_client_session.close()

    async def connect_to_new_endpoint(self, force: bool = False) -> None:  # noqa: ARG002 - the library's signature
        """What the library calls when the connection has ended, or shall end because Slack says so."""
        self._ended.set()

    async def _greet(self, _client: AsyncBaseSocketModeClient, message: dict[str, object], _raw: str | None) -> None:
        if message.get("type") == "hello":
            self._greeted.set()

    async def _answer(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        began = time.time()
        try:
            await send_async_response(client, request, await run_async_bolt_app(self._app, request), began)
        except ConnectionError:
            log.warning("the connection to Slack ended before the answer to a request (%s) could be sent", request.type)
        except Exception:
            log.exception("a request of Slack's (%s) was not answered", request.type)


class _EndedAtOnce(Exception):
    """Slack closed the connection instead of saying hello."""


async def _end_soon(line: _Line) -> None:
    try:
        await asyncio.sleep(_LAST_ANSWERS_SECONDS)
    finally:
        await line.end()


def _wait(failures: int) -> float:
    """Seconds until the next attempt."""
    return float(min(2 ** (failures - 1), _LONGEST_WAIT))


def _reason(error: Exception) -> str:
    match error:
        case SlackApiError(response=AsyncSlackResponse() as answer):
            wrong = answer.get("error") in _WRONG_TOKEN
            return f"Slack says {answer.get('error')}" + (", look at LOOPKEEPER_SLACK_APP_TOKEN" if wrong else "")
        case TimeoutError():
            return f"Slack did not let us in within {_OPEN_SECONDS:.0f} seconds"
        case _EndedAtOnce():
            return "Slack closed the connection at once"
        case _:
            return f"Slack cannot be reached ({error or type(error).__name__})"
