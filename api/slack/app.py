"""What listens to everything that Slack sends, put together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from api.acting import Acting
from api.looking import Looking
from api.slack.approving import Approving
from api.slack.deskwork import Deskwork
from api.slack.floor import Body, Ears, Floor
from api.slack.home import Home
from api.slack.speaking import Speaking
from api.slack.words import Words

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listening:
    """What listens to everything that Slack sends, and the work that has to go on behind it."""

    app: AsyncApp
    work: Callable[[], Coroutine[Any, Any, None]]


def slack_app(token: str, signing_secret: str | None, api_url: str, acting: Acting, looking: Looking) -> Listening:
    """The listeners, put together. Without a signing secret they can be served by socket alone."""
    client = AsyncWebClient(token=token, base_url=api_url, timeout=10, retry_handlers=[])
    app = AsyncApp(client=client, signing_secret=signing_secret or "", logger=log, raise_error_for_unhandled_request=False)
    floor = Floor(acting, looking, client)
    ears = Ears(app, floor)
    for listeners in listeners_on(floor):
        listeners.listen(ears)
    ears.event("message", _noted)
    return Listening(app, floor.know_everybody)


def listeners_on(floor: Floor) -> tuple[Approving | Deskwork | Home | Speaking | Words, ...]:
    """Everything that listens to what people press, send and write."""
    speaking, home = Speaking(floor), Home(floor)
    deskwork = Deskwork(floor, speaking)
    return speaking, deskwork, Approving(floor), home, Words(floor, speaking, deskwork, home)


async def _noted(ack: AsyncAck, body: Body) -> None:
    """Heard, and nothing to do: what people write in a thread is internal."""
    del body
    await ack()
