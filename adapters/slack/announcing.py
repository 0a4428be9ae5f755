"""A plain message in a channel that is not about a case."""

from __future__ import annotations

from collections.abc import Callable

from slack_sdk import WebClient

from adapters.slack.desk import call_slack
from domain.ports import Refused


def announcing(token: str | None, base_url: str) -> Callable[[str, str], str]:
    """What posts a text to a channel, and answers with the message's place. It raises NotSent, Refused or Unclear."""

    def say(channel: str, text: str) -> str:
        if token is None:
            raise Refused("Slack is not connected; set LOOPKEEPER_SLACK_BOT_TOKEN")
        client = WebClient(token=token, base_url=base_url, timeout=10, retry_handlers=[])
        posted = call_slack(client.chat_postMessage, channel=channel, text=text, unfurl_links=False)
        return f"{posted['channel']}/{posted['ts']}"

    return say
