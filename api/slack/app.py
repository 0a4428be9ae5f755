"""What listens to everything that Slack sends, put together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from api.causes.sharing import Sharing
from api.looking import Looking
from api.slack.announcing import Announcing
from api.slack.approving import Approving
from api.slack.deskwork import Deskwork
from api.slack.floor import Ears, Floor, heard
from api.slack.home import Home
from api.slack.speaking import Speaking
from api.slack.words import Words
from settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listening:
    """What listens to everything that Slack sends, and the work that has to go on behind it."""

    app: AsyncApp
    work: Callable[[], Coroutine[Any, Any, None]]


def slack_app(token: str, signing_secret: str | None, settings: Settings, looking: Looking, sharing: Sharing) -> Listening:
    """The listeners, put together. Without a signing secret they can be served by socket alone."""
    client = AsyncWebClient(token=token, base_url=settings.slack_api_url, timeout=10, retry_handlers=[])
    app = AsyncApp(client=client, signing_secret=signing_secret or "", logger=log, raise_error_for_unhandled_request=False)
    floor = Floor(sharing.acting, looking, client)
    ears = Ears(app, floor)
    for listeners in listeners_on(floor, sharing, settings.public_url):
        listeners.listen(ears)
    ears.event("message", heard)
    return Listening(app, floor.know_everybody)


def listeners_on(floor: Floor, sharing: Sharing, base_url: str) -> tuple[Announcing | Approving | Deskwork | Home | Speaking | Words, ...]:
    """Everything that listens to what people press, send and write. `base_url`: how people reach the console."""
    speaking, home = Speaking(floor), Home(floor)
    deskwork = Deskwork(floor, speaking)
    return speaking, deskwork, Approving(floor), Announcing(floor, sharing, base_url), home, Words(floor, speaking, deskwork, home)
