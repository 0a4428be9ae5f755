"""Socket Mode: WebSockets on which Slack tells the app what otherwise goes to its request URL (docs.slack.dev, "Using Socket Mode")."""

from __future__ import annotations

import asyncio
import secrets
import time
import uuid
from collections.abc import Callable
from typing import Literal
from urllib.parse import parse_qsl

from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.answers import dumps, loads
from sandbox.courier import Attempt, Outcome, Parcel, Wire
from sandbox.slack.blockkit import Json

LINK = "/slack/link/"
MOST_SOCKETS = 10
"""How many sockets an app may hold at once."""
TICKET_SECONDS = 30.0
"""How long an address is good for; it is good once."""
WARNED_SECONDS = 10.0
"""How long a socket stays open after a warning."""

Reason = Literal["refresh_requested", "warning"]


class Socket:
    """One connection of the app, and the envelopes on it that wait for their acknowledgement."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._waiting: dict[str, asyncio.Future[bytes | None]] = {}
        self.is_leaving = False
        """Slack has warned that it will close; what can go elsewhere does."""

    async def send(self, message: Json) -> None:
        """Send a message. Raises WebSocketDisconnect or RuntimeError when the other side is gone."""
        await self._websocket.send_text(dumps(message).decode())

    async def say_disconnect(self, reason: str) -> None:
        """Tell the app that this socket ends."""
        await self.send({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})

    async def deliver(self, parcel: Parcel, attempt: Attempt) -> Outcome:
        """Send a parcel in an envelope and wait until it is acknowledged, without end."""
        envelope = envelope_of(parcel, attempt)
        acknowledged = self._waiting[envelope["envelope_id"]] = asyncio.get_running_loop().create_future()
        try:
            await self.send(envelope)
            body = await acknowledged
        except (WebSocketDisconnect, RuntimeError):
            body = None
        finally:
            del self._waiting[envelope["envelope_id"]]
        if body is None:
            return Outcome(None, error="the socket closed before the acknowledgement", via="socket")
        return Outcome(200, body if envelope["accepts_response_payload"] else b"", via="socket")

    async def listen(self) -> None:
        """Take acknowledgements until the socket closes."""
        try:
            while True:
                self._acknowledge(await self._websocket.receive_text())
        except (WebSocketDisconnect, KeyError):  # a message of bytes is none that Slack knows
            return
        finally:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_result(None)

    def _acknowledge(self, text: str) -> None:
        try:
            said = loads(text)
        except ValueError:
            return
        if isinstance(said, dict):
            waiting = self._waiting.get(str(said.get("envelope_id")))
            if waiting is not None and not waiting.done():
                waiting.set_result(b"" if said.get("payload") is None else dumps(said["payload"]))

    async def close(self) -> None:
        """End it in good order."""
        try:
            await self._websocket.close()
        except (WebSocketDisconnect, RuntimeError):
            return  # it is gone already


def envelope_of(parcel: Parcel, attempt: Attempt) -> Json:
    """What would be posted to the request URL, as Socket Mode wraps it."""
    envelope: Json = {"envelope_id": str(uuid.uuid4())}
    if parcel.content_type == "application/json":
        retry = {"retry_attempt": attempt.number - 1, "retry_reason": (attempt.previous_failure or "").removeprefix("http_")}
        return {**envelope, "type": "events_api", "payload": loads(parcel.body), "accepts_response_payload": False, **retry}
    form = dict(parse_qsl(parcel.body.decode(), keep_blank_values=True))
    if "payload" in form:
        return {**envelope, "type": "interactive", "payload": loads(form["payload"]), "accepts_response_payload": True}
    return {**envelope, "type": "slash_commands", "payload": form, "accepts_response_payload": True}


class Sockets:
    """All sockets of the app. Each parcel goes to one of them, in turn."""

    def __init__(self, app_id: str, now: Callable[[], float] = time.time) -> None:
        self._app_id = app_id
        self._now = now
        self._tickets: dict[str, float] = {}
        self._open: list[Socket] = []
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def count(self) -> int:
        """How many are connected."""
        return len(self._open)

    def address(self, origin: str) -> str:
        """A fresh address for one socket. `origin`: how whoever asks reaches us, such as `ws://127.0.0.1:8088`."""
        now = self._now()
        self._tickets = {ticket: born for ticket, born in self._tickets.items() if now - born <= TICKET_SECONDS}
        ticket = str(uuid.uuid4())
        self._tickets[ticket] = now
        return f"{origin}{LINK}?ticket={ticket}&app_id={self._app_id}"

    def wire(self) -> Wire | None:
        """The socket whose turn it is; None when there is none."""
        staying = [socket for socket in self._open if not socket.is_leaving] or self._open
        if not staying:
            return None
        chosen = staying[0]
        self._open.remove(chosen)
        self._open.append(chosen)
        return chosen.deliver

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection to the end. One without a good ticket is refused with 403."""
        born = self._tickets.pop(websocket.query_params.get("ticket", ""), None)
        if born is None or self._now() - born > TICKET_SECONDS:
            await websocket.close()
            return
        await websocket.accept()
        socket = Socket(websocket)
        if self.count >= MOST_SOCKETS:
            await socket.say_disconnect("too_many_websockets")
            await socket.close()
            return
        await socket.send(self._hello())
        self._open.append(socket)
        try:
            await socket.listen()
        finally:
            self._open.remove(socket)

    def _hello(self) -> Json:
        debug = {"host": f"sandbox-{secrets.token_hex(4)}", "build_number": 1, "approximate_connection_time": 18060}
        return {"type": "hello", "num_connections": self.count + 1, "debug_info": debug, "connection_info": {"app_id": self._app_id}}

    async def disconnect(self, reason: Reason | None) -> int:
        """Close all sockets: after a warning, with a word, or without one. Answers how many."""
        leaving = list(self._open)
        for socket in leaving:
            socket.is_leaving = True
            try:
                if reason is not None:
                    await socket.say_disconnect(reason)
            except (WebSocketDisconnect, RuntimeError):
                continue  # it has gone meanwhile
            task = asyncio.create_task(_close(socket, WARNED_SECONDS if reason == "warning" else 0))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        return len(leaving)

    def close(self) -> None:
        """Forget what was still to be closed: the server ends."""
        for task in self._closing:
            task.cancel()


async def _close(socket: Socket, after: float) -> None:
    await asyncio.sleep(after)
    await socket.close()
