"""`loopkeeper doctor`: what is missing or misconfigured, in plain words."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import typer
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from sqlalchemy.exc import SQLAlchemyError

from adapters.channels.connect import Access, networks
from adapters.channels.webhook import WebhookNetwork
from adapters.http import HttpClient
from adapters.keyring import Keyring
from adapters.postgres.engine import open_engine
from adapters.postgres.schema import DatabaseNotReady, check
from adapters.temporal import connect
from cli.app import app, out
from cli.embedded import default_state
from cli.engines import SEARCH_ATTRIBUTES, temporal_program
from cli.installed import find_settings
from domain.errors import LoopkeeperError
from domain.policy import Policy
from domain.ports import NotSent, Unclear
from settings import Settings

Verdict = Literal["ok", "warning", "problem"]
_SIGNS: dict[Verdict, str] = {"ok": "[green]✓[/green]", "warning": "[yellow]![/yellow]", "problem": "[red]✗[/red]"}
_LEAST_FREE_BYTES = 1_000_000_000
_HOLIDAYS_AHEAD = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at, and what to do if it is not well."""

    verdict: Verdict
    told: str


@app.command()
def doctor() -> None:
    """Look over the installation and say what is missing or misconfigured. Exit code 1 when something is."""
    findings = []
    for finding in examine():
        findings.append(finding)
        show(finding.verdict, finding.told)
    problems = sum(f.verdict == "problem" for f in findings)
    conclude(problems)
    raise typer.Exit(1 if problems else 0)


def show(verdict: Verdict, told: str) -> None:
    """One line: a sign, and what was found."""
    out.print(f"{_SIGNS[verdict]} ", end="")
    out.print(told, markup=False, soft_wrap=True)


def conclude(problems: int) -> None:
    """The last line."""
    out.print("All is well." if not problems else f"{problems} problem{'s' if problems != 1 else ''} to mend.")


def examine() -> Iterator[Finding]:
    """Look at one thing after the other; what depends on something broken is left out."""
    outside = bool(os.environ.get("DATABASE_URL") or os.environ.get("LOOPKEEPER_DATABASE_URL"))
    yield from _machine(embedded=not outside)
    if not outside and not (default_state() / "secrets.json").exists():
        yield Finding("ok", "No installation here yet: `loopkeeper up` makes one, with everything embedded.")
        return
    try:
        settings = find_settings()
    except LoopkeeperError as error:
        yield Finding("problem" if outside else "warning", str(error))
        return
    try:
        Keyring.parse(settings.keys.get_secret_value())
    except LoopkeeperError as error:
        yield Finding("problem", f"LOOPKEEPER_KEYS: {error}")
        return
    yield Finding("ok", "The settings can be read")
    database = _database(settings)
    yield database
    if database.verdict == "ok":
        yield from _channels(settings)
    if outside:
        yield _temporal(settings)
        yield from _slack(settings)
        yield _sendgrid(settings)


def _machine(*, embedded: bool) -> Iterator[Finding]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Finding("ok" if sys.version_info >= (3, 11) else "problem", f"Python {version} (3.11 or later is needed)")
    if embedded:
        here = temporal_program().exists()
        told = "The embedded Temporal is installed" if here else "The embedded Temporal is missing: set up again"
        yield Finding("ok" if here else "problem", told)
    free = shutil.disk_usage(default_state().absolute().parent).free
    enough = free > _LEAST_FREE_BYTES
    yield Finding("ok" if enough else "problem", f"{free / 1e9:.1f} GB of disk are free" + ("" if enough else "; make room, at least 1 GB"))


def _database(settings: Settings) -> Finding:
    def look() -> str | None:
        engine = open_engine(settings.database_url, pool=1)
        try:
            check(engine)
        except DatabaseNotReady as error:
            return str(error)
        except SQLAlchemyError as error:
            return f"cannot be reached: {str(getattr(error, 'orig', error)).strip().splitlines()[0]}"
        finally:
            engine.dispose()
        return None

    return _looked("The database answers and is up to date", look, "The database")


def _channels(settings: Settings) -> Iterator[Finding]:
    from adapters.postgres.book import PostgresBook

    engine = open_engine(settings.database_url, pool=1)
    try:
        policy = PostgresBook(engine).active()
    except LoopkeeperError as error:
        yield Finding("problem", str(error))
        return
    finally:
        engine.dispose()
    yield Finding("ok", f"The policy {policy.id} is in force")
    yield from _holidays(policy, datetime.now(UTC).date())
    access = {n: Access(a.bridge_url, a.secret.get_secret_value()) for n, a in settings.channels.items()}
    for name in access:
        if name not in policy.channels:
            yield Finding("problem", f"LOOPKEEPER_CHANNELS names '{name}', which the policy does not have: add it under channels:")
    try:
        reached = networks(access, policy, timeout=5)
    except ValueError as error:
        yield Finding("problem", f"LOOPKEEPER_CHANNELS: {error}")
        return
    for name, channel in policy.channels.items():
        network = reached.get(name)
        if network is None:
            yield Finding("warning", f"The channel '{name}' ({channel.network}) is in the policy and not connected: LOOPKEEPER_CHANNELS")
        elif isinstance(network, WebhookNetwork):
            yield _looked(f"The bridge of '{name}' answers", network.check, f"The bridge of '{name}'")


def _holidays(policy: Policy, today: date) -> Iterator[Finding]:
    """Calendars whose public holidays are known for a little while only: the years were looked up when the policy was put in force."""
    for name, hours in policy.calendars.items():
        if hours.public_holidays is None:
            continue
        last = max(hours.holidays, default=None)
        if last is None or last < today + _HOLIDAYS_AHEAD:
            known = f"are known until {last.day} {last:%B %Y} only" if last is not None else "are not known"
            told = f"The public holidays of the calendar '{name}' {known}; put the policy in force again: loopkeeper policy activate FILE"
            yield Finding("warning", told)


def _temporal(settings: Settings) -> Finding:
    async def look() -> str | None:
        try:
            client = await asyncio.wait_for(connect(Keyring.parse(settings.keys.get_secret_value())), 5)
            if not await client.service_client.check_health(timeout=timedelta(seconds=3)):
                return "does not serve"
            from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest

            listed = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace=client.namespace))
        except (RuntimeError, OSError, TimeoutError) as error:
            return f"cannot be reached: {error}"
        missing = [name for name in SEARCH_ATTRIBUTES if name not in listed.custom_attributes]
        made = " ".join(f"--name {name} --type {SEARCH_ATTRIBUTES[name]}" for name in missing)
        return f"lacks search attributes; run: temporal operator search-attribute create {made}" if missing else None

    return _looked("Temporal serves and knows our search attributes", lambda: asyncio.run(look()), "Temporal")


def _slack(settings: Settings) -> Iterator[Finding]:
    token = settings.slack_bot_token
    if token is None or (settings.slack_signing_secret is None and settings.slack_app_token is None):
        wanted = "LOOPKEEPER_SLACK_BOT_TOKEN, and LOOPKEEPER_SLACK_SIGNING_SECRET or LOOPKEEPER_SLACK_APP_TOKEN"
        yield Finding("warning", f"Slack is not connected; departments are told by e-mail only. Set {wanted}")
        return

    def look() -> str | None:
        client = WebClient(token.get_secret_value(), base_url=settings.slack_api_url, timeout=5, retry_handlers=[])
        try:
            client.auth_test()
        except SlackApiError as error:
            return f"refuses the token: {error.response.get('error')}"
        except OSError as error:
            return f"cannot be reached: {error}"
        return None

    known = _looked("Slack knows our token", look, "Slack")
    yield known
    if settings.slack_app_token is not None and known.verdict == "ok":
        yield _socket_mode(settings)


def _socket_mode(settings: Settings) -> Finding:
    """The API holds the connection, so it is asked."""
    where = settings.public_url
    try:
        told = HttpClient(timeout=5).get(f"{where}/readyz", {}).json()
    except (NotSent, Unclear) as error:
        return Finding("warning", f"Socket Mode: the API cannot be asked from here whether it is connected: {error}")
    if told.get("slack") == "connected":
        return Finding("ok", f"The API at {where} is connected to Slack by Socket Mode")
    if told.get("slack") is None:
        return Finding("problem", f"Socket Mode: the API at {where} runs without LOOPKEEPER_SLACK_APP_TOKEN; restart it with this setting")
    if told["slack"] == "connecting":
        return Finding("warning", f"Socket Mode: the API at {where} is just connecting; look again in a moment")
    return Finding("problem", f"Socket Mode: the API at {where} is {told['slack']}")


def _sendgrid(settings: Settings) -> Finding:
    if settings.sendgrid_api_key is None:
        return Finding(
            "warning", "No mail service is connected: when Slack is away, handoffs reach nobody. Set LOOPKEEPER_SENDGRID_API_KEY"
        )

    def look() -> str | None:
        assert settings.sendgrid_api_key is not None
        headers = {"authorization": f"Bearer {settings.sendgrid_api_key.get_secret_value()}"}
        answer = HttpClient(timeout=5).get(f"{settings.sendgrid_url}/v3/scopes", headers)
        if answer.status != 200:
            return f"refuses the key ({answer.status})"
        return None if "mail.send" in answer.json().get("scopes", []) else "the key lacks the scope mail.send"

    return _looked("SendGrid knows our key, and it may send", look, "SendGrid")


def _looked(well: str, look: Callable[[], str | None], what: str = "") -> Finding:
    try:
        wrong = look()
    except LoopkeeperError as error:
        wrong = str(error)
    return Finding("ok", well) if wrong is None else Finding("problem", f"{what or well}: {wrong}")
