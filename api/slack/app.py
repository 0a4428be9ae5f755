"""What listens to everything that Slack sends, put together."""

from __future__ import annotations

import logging

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from api.acting import Acting
from api.looking import Looking
from api.slack.deskwork import Deskwork
from api.slack.floor import Body, Floor, Refused, escaped
from api.slack.home import Home
from api.slack.speaking import Speaking
from api.slack.words import Words
from domain.errors import LoopkeeperError

log = logging.getLogger(__name__)


def slack_app(token: str, signing_secret: str | None, api_url: str, acting: Acting, looking: Looking) -> AsyncApp:
    """What listens to everything that Slack sends. Without a signing secret it can be served by socket alone."""
    client = AsyncWebClient(token=token, base_url=api_url, timeout=10, retry_handlers=[])
    app = AsyncApp(client=client, signing_secret=signing_secret or "", logger=log, raise_error_for_unhandled_request=False)
    floor = Floor(acting, looking, client)
    speaking, home = Speaking(floor), Home(floor)
    deskwork = Deskwork(floor, speaking)
    for listeners in (speaking, deskwork, home, Words(floor, speaking, deskwork, home)):
        listeners.listen(app)
    app.event("message")(_noted)

    async def failed(error: Exception, body: Body) -> None:
        """A listener failed after Slack had its answer: the log has it, and so does the person when it concerns them."""
        if isinstance(error, Refused | LoopkeeperError):
            await _told(floor, body, str(error))
            return
        log.error("Slack %s was not carried out: %s: %s", body.get("type", "request"), type(error).__name__, error)
        await _told(floor, body, "Something went wrong on our side, and nothing was done. Please try again in a minute.")

    app.error(failed)
    return app


async def _told(floor: Floor, body: Body, message: str) -> None:
    """Tell the person, by the way that is open."""
    try:
        if "command" in body and "response_url" in body:
            await AsyncWebhookClient(body["response_url"]).send(text=escaped(message), response_type="ephemeral")
        elif "user" in body and isinstance(body["user"], dict):
            await floor.tell(body, message)
    except SlackApiError as error:
        log.info("the person could not be told (%s)", error.response.get("error"))


async def _noted(ack: AsyncAck) -> None:
    """Heard, and nothing to do: what people write in a thread is internal."""
    await ack()
