"""Verbs for the operator: database, keys, sessions, channels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from adapters.channels.connect import Access, networks
from adapters.channels.webhook import WebhookNetwork
from adapters.postgres.engine import open_engine
from adapters.postgres.keys import LONGEST_DAYS, ApiKey, NewKey
from adapters.postgres.schema import migrate as bring_up_to_date
from adapters.postgres.sessions import Session, Sessions
from adapters.postgres.store import Store
from cli import over_api, remote
from cli.app import app, out
from cli.installed import find_settings, installed
from cli.persons import OPERATOR
from domain.errors import LoopkeeperError
from domain.rights import Right
from domain.values import Role
from loopkeeper_client import models
from settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]

key_app = typer.Typer(no_args_is_help=True, help="API keys: make, list, revoke.")
session_app = typer.Typer(no_args_is_help=True, help="Who is signed in at the console: list, end.")
channel_app = typer.Typer(no_args_is_help=True, help="Connected networks.")
app.add_typer(key_app, name="key")
app.add_typer(session_app, name="session")
app.add_typer(channel_app, name="channel")


@app.command()
def migrate() -> None:
    """Bring an outside database up to date (embedded ones are, at each start)."""
    settings = find_settings()
    engine = open_engine(settings.migration_database_url or settings.database_url, pool=2, role=None)
    taken = bring_up_to_date(engine)
    out.print(f"Up to date{': took ' + ', '.join(taken) if taken else ', nothing to do'}.")


@key_app.command("new")
def key_new(
    name: Annotated[str, typer.Argument(help="What it is for; shown wherever it acts.")],
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.SOCIAL,
    department: Annotated[list[str] | None, typer.Option(help="For the role department: whose cases. Several: give it again.")] = None,
    scope: Annotated[list[Right] | None, typer.Option(help="Narrow it to this right of its role. Several: give it again.")] = None,
    days: Annotated[int | None, typer.Option(min=1, max=LONGEST_DAYS, help="How long it is good. Default: it does not end.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key. It is shown once."""
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    if remote.named():
        given = {"name": name, "role": role.value, "departments": department or [], "scopes": scope, "expires_at": expires_at}
        there = over_api.make_key({key: value for key, value in given.items() if value is not None})
        _show_made(there.model_dump(mode="json", exclude={"key"}), there.key, as_json=as_json)
        return
    wanted = NewKey(name, role, frozenset(scope) if scope else None, frozenset(department or ()), expires_at)
    with installed() as (store, _):
        unknown = sorted(wanted.departments - set(store.book.active().departments)) if wanted.departments else []
        if unknown:
            raise LoopkeeperError(f"there is no department {', '.join(unknown)}; the policy in force names them")
        made, secret = store.keys.make(wanted, OPERATOR)
    _show_made(_told(made), secret, as_json=as_json)


def _show_made(made: dict[str, Any], secret: str, *, as_json: bool) -> None:
    if as_json:
        out.print_json(data=made | {"key": secret})
        return
    out.print(f"Key {made['id']} ({made['role']}) for {made['name']}. Keep it now, it is not shown again:", markup=False)
    out.print(secret, soft_wrap=True)


@key_app.command("list")
def key_list(as_json: AsJson = False) -> None:
    """The keys there are."""
    if remote.named():
        keys = over_api.keys()
    else:
        with installed() as (store, _):
            keys = [_told(key) for key in store.keys.all()]
    if as_json:
        out.print_json(data=keys)
        return
    table = Table(box=None)
    for column in ("id", "name", "role", "departments", "scopes", "made", "last used", "good until"):
        table.add_column(column, overflow="fold", no_wrap=column in ("id", "made", "last used"))
    for key in keys:
        over = key["expires_at"] is not None and datetime.fromisoformat(key["expires_at"]) <= datetime.now(UTC)
        until = f"revoked {_day(key['revoked_at'])}" if key["revoked_at"] else f"{_day(key['expires_at'])}{' (over)' if over else ''}"
        scopes, departments = ", ".join(key["scopes"] or ()), ", ".join(key["departments"])
        cells = (key["id"], key["name"], key["role"], departments, scopes, _day(key["made_at"]), _day(key["used_at"]), until)
        table.add_row(*(escape(cell) for cell in cells))
    out.print(table if keys else "There are no keys yet: loopkeeper key new NAME")


@key_app.command("revoke")
def key_revoke(identity: Annotated[str, typer.Argument(help="The key's id, from `loopkeeper key list`.")]) -> None:
    """Take a key's right away, at once; sessions that began with it end."""
    if remote.named():
        over_api.revoke_key(identity)
    else:
        with installed() as (store, _):
            if not store.keys.revoke(identity, OPERATOR):
                raise LoopkeeperError(f"there is no key {identity} that could be revoked; see: loopkeeper key list")
    out.print(f"Key {identity} is revoked.")


@session_app.command("list")
def session_list(as_json: AsJson = False) -> None:
    """Who is signed in at the console."""
    found: Sequence[Session | models.Session]
    if remote.named():
        found = over_api.sessions()
    else:
        with installed() as (store, settings):
            found = _sessions(store, settings).open()
    if as_json:
        kept = ("id", "person", "name", "role", "way", "signed_in_at", "seen_at", "expires_at", "address", "browser")
        out.print_json(data=[{name: str(getattr(one, name)) for name in kept} for one in found])
        return
    table = Table(box=None)
    for column in ("id", "name", "role", "way", "signed in", "last seen", "from"):
        table.add_column(column, overflow="fold", no_wrap=column == "id")
    for one in found:
        cells = (one.id, one.name, str(one.role), one.way, f"{one.signed_in_at:%F %H:%M}", f"{one.seen_at:%F %H:%M}", one.address)
        table.add_row(*(escape(cell) for cell in cells))
    out.print(table if found else "Nobody is signed in.")


@session_app.command("revoke")
def session_revoke(identity: Annotated[str, typer.Argument(help="The session's id, from `loopkeeper session list`.")]) -> None:
    """End a session, at once."""
    if remote.named():
        over_api.end_session(identity)
    else:
        with installed() as (store, settings):
            if not _sessions(store, settings).revoke(identity, OPERATOR):
                raise LoopkeeperError(f"there is no session {identity} that could be ended; see: loopkeeper session list")
    out.print(f"Session {identity} is ended.")


def _sessions(store: Store, settings: Settings) -> Sessions:
    idle, longest = timedelta(minutes=settings.session_idle_minutes), timedelta(hours=settings.session_hours)
    return Sessions(store.engine, idle=idle, longest=longest)


def _day(at: str | None) -> str:
    return "" if at is None else at[:10]


def _told(key: ApiKey) -> dict[str, Any]:
    """A key for programs; never the key itself."""
    moments = {name: getattr(key, name) for name in ("made_at", "expires_at", "used_at", "revoked_at")}
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role.value,
        "departments": sorted(key.departments),
        "scopes": None if key.scopes is None else sorted(right.value for right in key.scopes),
        **{name: None if at is None else at.isoformat() for name, at in moments.items()},
    }


@channel_app.command("check")
def channel_check(name: Annotated[str, typer.Argument(help="The channel, as the policy calls it.")]) -> None:
    """Ask a bridge something harmless, and say what is wrong with the address, the secret or the answer."""
    with installed() as (store, settings):
        access = {n: Access(a.bridge_url, a.secret.get_secret_value()) for n, a in settings.channels.items()}
        network = networks(access, store.book.active(), timeout=settings.channel_timeout).get(name)
    if network is None:
        known = ", ".join(access) or "none"
        raise LoopkeeperError(
            f"the channel '{name}' is not connected; it must be in the policy and in LOOPKEEPER_CHANNELS (there: {known})"
        )
    wrong = network.check() if isinstance(network, WebhookNetwork) else None
    if wrong is not None:
        raise LoopkeeperError(f"the channel '{name}': {wrong}")
    out.print(f"The channel '{name}' answers as it should.")
