"""`loopkeeper slack check`: whether the Slack app can do everything that it is needed for, and what to do if not."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated
from urllib.parse import urlsplit

import typer
from slack_sdk import WebClient

from adapters.slack.checking import Checkup, Found, app_token, request_url
from cli.app import app, out
from cli.doctor import conclude, show
from cli.installed import installed
from domain.policy import Policy
from settings import Settings

slack_app = typer.Typer(no_args_is_help=True, help="The Slack app.")
app.add_typer(slack_app, name="slack")
_SLACK_ITSELF = "https://slack.com/"


@slack_app.command("check")
def slack_check(as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False) -> None:
    """Try every scope, and each channel, group and person that the policy names. Posts nothing. Exit code 1 when something is wrong."""
    with installed() as (store, settings):
        policy = store.book.active()
    found = []
    for one in look(settings, policy):
        found.append(one)
        if not as_json:
            show(one.verdict, one.told)
    problems = sum(one.verdict == "problem" for one in found)
    if as_json:
        out.print_json(json.dumps({"ok": not problems, "found": [asdict(one) for one in found]}))
    else:
        conclude(problems)
    raise typer.Exit(1 if problems else 0)


def look(settings: Settings, policy: Policy) -> Iterator[Found]:
    """Everything, one after the other."""
    if settings.slack_bot_token is None:
        yield Found(
            "problem", "token", "Slack is not connected: LOOPKEEPER_SLACK_BOT_TOKEN is not set. docs/slack.md says where it comes from."
        )
        return
    client = WebClient(settings.slack_bot_token.get_secret_value(), base_url=settings.slack_api_url, timeout=10, retry_handlers=[])
    for one in Checkup(client, policy).run():
        yield one
        if one.about == "slack":
            return  # it is away, and would only be so again
    if settings.slack_app_token is not None:
        yield app_token(client, settings.slack_app_token.get_secret_value())
    elif settings.slack_signing_secret is None:
        told = "LOOPKEEPER_SLACK_SIGNING_SECRET is not set, so no button works. Copy it from Basic Information."
        yield Found("problem", "signing secret", told)
    else:
        yield Found("ok", "signing secret", "The signing secret is set")
        if settings.slack_api_url.startswith(_SLACK_ITSELF) and not _can_be_called_by_slack(settings.public_url):
            told = f"Slack cannot call {settings.public_url}: it needs https, and to be reached from the internet."
            yield Found("problem", "request url", f"{told} Set LOOPKEEPER_PUBLIC_URL, or use Socket Mode.")
        else:
            yield request_url(settings.public_url, settings.slack_signing_secret.get_secret_value())


def _can_be_called_by_slack(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        private = not ipaddress.ip_address(host).is_global
    except ValueError:
        private = host == "localhost"
    return parts.scheme == "https" and not private
