"""The sandbox, put together."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.answers import ProblemError, answer_problem, problem
from sandbox.courier import Courier
from sandbox.faults import FaultMode, Party
from sandbox.faults.door import Door
from sandbox.faults.hands import FaultHands
from sandbox.mail.hands import MailHands
from sandbox.mail.mailbox import Mailbox
from sandbox.mail.sendgrid import SendGrid
from sandbox.page.web import Page
from sandbox.settings import Brand, Settings
from sandbox.signing import EventWebhookKey
from sandbox.slack.clock import Rate
from sandbox.slack.errors import SlackError
from sandbox.slack.hands import SlackHands, answer_slack_error
from sandbox.slack.messaging import Messaging
from sandbox.slack.methods import Desk
from sandbox.slack.outbound import Outbound
from sandbox.slack.people import People
from sandbox.slack.responses import Responses
from sandbox.slack.sockets import LINK, Sockets
from sandbox.slack.trouble import Trouble
from sandbox.slack.views import Views
from sandbox.slack.web_api import WebApi
from sandbox.slack.workspace import Workspace
from sandbox.square.bridge import Bridge
from sandbox.square.counting import counting_of
from sandbox.square.hands import SquareHands
from sandbox.square.square import Square
from sandbox.stream import Eyes
from sandbox.things import Store
from sandbox.world import World, read_world


class Sandbox:
    """The application. `close` lets go of whoever waits (streams, held and hanging requests), so that it can end at once."""

    def __init__(self, door: Door, eyes: Eyes) -> None:
        self._door = door
        self._eyes = eyes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self._door(scope, receive, send)

    def close(self) -> None:
        """Keep nobody waiting any more."""
        self._eyes.close()
        self._door.close()


def create_app(settings: Settings, public_url: str, state: Path | None = None, now: Callable[[], float] = time.time) -> Sandbox:
    """The application, on the state in `state` (None: in memory only). `public_url` is how people reach it.

    Raises ValueError for a world or a key that cannot be read, RuntimeError for a state file that cannot be used.
    """
    world = read_world(settings.world)
    webhook_key = None if settings.sendgrid_webhook_key is None else EventWebhookKey(settings.sendgrid_webhook_key)
    public_url = public_url.rstrip("/")
    store = Store(state)
    faults = FaultMode(store, now)
    courier = Courier(settings.loopkeeper, store, faults, now)
    brands = world.brands if settings.brands is None else settings.brands
    square = Square(settings.channels, brands, public_url, store, courier, now)
    workspace = Workspace(world, store, public_url, now)
    sockets = Sockets(world.app.id, now)
    outbound = Outbound(workspace, courier, sockets, settings.slack_signing_secret, now)
    messaging = Messaging(workspace, outbound, echo=settings.slack_echo)
    views = Views(workspace, store, now)
    responses = Responses(workspace, messaging, store, now)
    people = People(workspace, views, messaging, responses, outbound)
    mailbox = Mailbox(store, courier, webhook_key, now)
    eyes = Eyes(store, _as_told(world, brands, settings))
    store.settle()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await courier.start()
        try:
            yield
        finally:
            sockets.close()
            await courier.stop()
            store.close()

    app = Starlette(
        routes=[
            *SquareHands(square).routes(),
            *SlackHands(people, outbound, sockets).routes(),
            *Trouble(workspace, views).routes(),
            WebSocketRoute(LINK, sockets.serve),
            *MailHands(mailbox).routes(),
            *FaultHands(faults, courier).routes(),
            *eyes.routes(),
            *Page(settings.console, world.team.name).routes(),
        ],
        exception_handlers={ProblemError: answer_problem, SlackError: answer_slack_error},
        lifespan=lifespan,
    )
    desk = Desk(workspace, messaging, views, Rate(settings.slack_rate, now), settings.scopes)
    parties: dict[Party, ASGIApp] = {
        Party.SLACK: WebApi(desk, responses, sockets, settings.slack_bot_token, settings.slack_app_token),
        Party.SQUARE: Bridge(square, now),
        Party.MAIL: SendGrid(mailbox, settings.sendgrid_api_key),
    }
    house = _HandsAtHome(app, only_loopback=settings.hands_from == "loopback")
    return Sandbox(Door(parties, house, store, faults), eyes)


def _as_told(world: World, brands: list[Brand], settings: Settings) -> dict[str, object]:
    """What /hands/world tells: the world, the channels without their secrets, and where the product is."""
    channels = [
        {"name": name, "network": channel.network, "limit": channel.limit, "counting": counting_of(channel)}
        for name, channel in settings.channels.items()
    ]
    told = world.model_copy(update={"brands": brands}).model_dump(mode="json")
    return {**told, "networks": channels, "loopkeeper_url": settings.loopkeeper, "console_url": settings.console}


class _HandsAtHome:
    """Keeps the hands to those who sit here: they play everybody, and need no password.

    A page of another site cannot use them either: it would have to name itself in Origin, or this host by a name that is not its own.
    """

    def __init__(self, app: ASGIApp, *, only_loopback: bool) -> None:
        self._app = app
        self._only_loopback = only_loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/hands/"):
            refusal = self._refusal(scope)
            if refusal is not None:
                await problem(403, "Not from there", refusal)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin and origin.partition("://")[2] != host:
            return f"The hands belong to {host}; a page of {origin} cannot use them."
        if self._only_loopback:
            client = scope["client"][0] if scope.get("client") else ""
            if not (_is_loopback(client) and _is_loopback(urlsplit(f"//{host}").hostname or "")):
                return (
                    f"The hands work from this machine only, not from {client} by the name {host}; "
                    "SANDBOX_HANDS_FROM=anywhere lets others play."
                )
        return None


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
