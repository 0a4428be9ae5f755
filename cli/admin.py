"""Verbs for the operator: database, keys, channels."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from adapters.channels.connect import Access, networks
from adapters.channels.webhook import WebhookNetwork
from adapters.postgres.engine import open_engine
from adapters.postgres.schema import migrate as bring_up_to_date
from cli.app import app, out
from cli.installed import find_settings, installed
from domain.errors import LoopkeeperError
from domain.values import Role

key_app = typer.Typer(no_args_is_help=True, help="API keys: make, list, revoke.")
channel_app = typer.Typer(no_args_is_help=True, help="Connected networks.")
app.add_typer(key_app, name="key")
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
) -> None:
    """Make an API key. It is shown once."""
    if role in (Role.SYSTEM, Role.CUSTOMER):
        raise LoopkeeperError(f"a key cannot act as {role.value}; choose social, lead, department, auditor, privacy or admin")
    with installed() as (store, _):
        made, secret = store.people.make_key(name, role)
    out.print(f"Key {made.id} ({made.role.value}) for {name}. Keep it now, it is not shown again:", markup=False)
    out.print(secret, soft_wrap=True)


@key_app.command("list")
def key_list() -> None:
    """The keys there are."""
    with installed() as (store, _):
        keys = store.people.keys()
    table = Table(box=None)
    for column in ("id", "name", "role", "made", "last used", "revoked"):
        table.add_column(column)
    for key in keys:
        table.add_row(*(str(value or "") for value in key))
    out.print(table if keys else "There are no keys yet: loopkeeper key new NAME")


@key_app.command("revoke")
def key_revoke(identity: Annotated[str, typer.Argument(help="The key's id, from `loopkeeper key list`.")]) -> None:
    """Take a key's right away, at once."""
    with installed() as (store, _):
        if not store.people.revoke_key(identity):
            raise LoopkeeperError(f"there is no key {identity} that could be revoked; see: loopkeeper key list")
    out.print(f"Key {identity} is revoked.")


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
