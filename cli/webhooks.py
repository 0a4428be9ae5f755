"""The verbs for webhooks: who else is told what happens to cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from adapters.postgres.hooks import Delivery, Hooks, Webhook
from adapters.postgres.store import Store
from adapters.receivers import Receivers
from cli.admin import AsJson
from cli.app import app, out
from cli.installed import installed
from cli.persons import OPERATOR
from domain.errors import LoopkeeperError
from domain.hooks import Wanted
from settings import Settings

webhook_app = typer.Typer(no_args_is_help=True, help="Other systems that are told what happens to cases.")
app.add_typer(webhook_app, name="webhook")
Id = Annotated[str, typer.Argument(help="The webhook's id, from `loopkeeper webhook list`.")]


@webhook_app.command("list")
def webhook_list(as_json: AsJson = False) -> None:
    """The webhooks there are."""
    with installed() as (store, _):
        hooks = _hooks(store).all()
    if as_json:
        out.print_json(data=[_told(one) for one in hooks])
        return
    table = Table(box=None)
    for column in ("id", "address", "events", "brands", "for", "state"):
        table.add_column(column, overflow="fold")
    for one in hooks:
        wanted = one.wanted
        state = "goes on" if wanted.active else "paused"
        cells = (one.id, wanted.url, _some(wanted.events), _some(wanted.brands), wanted.description, state)
        table.add_row(*(escape(cell) for cell in cells))
    out.print(table if hooks else "No other system is told anything: loopkeeper webhook add URL")


@webhook_app.command("add")
def webhook_add(
    url: Annotated[str, typer.Argument(help="Where events are posted to.")],
    event: Annotated[list[str] | None, typer.Option(help="Only this kind of event. Several: give it again.")] = None,
    brand: Annotated[list[str] | None, typer.Option(help="Only this brand. Several: give it again.")] = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    as_json: AsJson = False,
) -> None:
    """Have another system told. Its secret is shown once."""
    with installed() as (store, settings):
        wanted = _fit(store, settings, Wanted(url, _set(event), _set(brand), description))
        made, secret = _hooks(store).make(wanted, OPERATOR)
    if as_json:
        out.print_json(data=_told(made) | {"secret": secret})
        return
    out.print(f"Webhook {made.id}. Keep its secret now, it is not shown again:", markup=False)
    out.print(secret, soft_wrap=True)


@webhook_app.command("change")
def webhook_change(
    identity: Id,
    url: Annotated[str | None, typer.Option(help="Another address.")] = None,
    event: Annotated[list[str] | None, typer.Option(help="Only this kind of event; `all` for all. Several: give it again.")] = None,
    brand: Annotated[list[str] | None, typer.Option(help="Only this brand; `all` for all. Several: give it again.")] = None,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change a webhook. What is not named stays."""
    with installed() as (store, settings):
        hooks = _hooks(store)
        before = hooks.one(identity).wanted
        wanted = Wanted(
            before.url if url is None else url,
            before.events if event is None else _set(event),
            before.brands if brand is None else _set(brand),
            before.description if description is None else description,
            before.active,
        )
        changed = hooks.change(identity, _fit(store, settings, wanted), OPERATOR)
    _say(changed, f"Webhook {identity} is changed.", as_json=as_json)


@webhook_app.command("pause")
def webhook_pause(identity: Id, as_json: AsJson = False) -> None:
    """Let its deliveries wait."""
    _say(_active(identity, on=False), f"Webhook {identity} is paused; what happens is kept for it.", as_json=as_json)


@webhook_app.command("resume")
def webhook_resume(identity: Id, as_json: AsJson = False) -> None:
    """Deliver again, also what waited."""
    _say(_active(identity, on=True), f"Webhook {identity} goes on.", as_json=as_json)


@webhook_app.command("secret")
def webhook_secret(identity: Id, as_json: AsJson = False) -> None:
    """Give it another secret, which is shown once. For 24 hours the one before signs as well."""
    with installed() as (store, _):
        secret, until = _hooks(store).change_secret(identity, OPERATOR, datetime.now(UTC))
    if as_json:
        out.print_json(data={"secret": secret, "both_secrets_sign_until": until.isoformat()})
        return
    out.print(f"The new secret of webhook {identity}; the one before signs as well until {until:%F %H:%M} UTC:", markup=False)
    out.print(secret, soft_wrap=True)


@webhook_app.command("revoke")
def webhook_revoke(identity: Id) -> None:
    """End it, at once: its secret is destroyed, and what waits for it is dropped."""
    with installed() as (store, _):
        _hooks(store).revoke(identity, OPERATOR)
    out.print(f"Webhook {identity} is revoked.", markup=False)


@webhook_app.command("deliveries")
def webhook_deliveries(
    identity: Id,
    state: Annotated[str | None, typer.Option(metavar="STATE", help="Only these: pending, delivered, dead or dropped.")] = None,
    at_most: Annotated[int, typer.Option(min=1, max=200, help="So many, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """What became of each delivery. `--state dead` is the list of dead letters."""
    with installed() as (store, _):
        if state not in (None, "pending", "delivered", "dead", "dropped"):
            raise LoopkeeperError(f"--state {state}: pending, delivered, dead or dropped")
        found = _hooks(store).deliveries(identity, before=None, state=state, at_most=at_most)
    if as_json:
        out.print_json(data=[_delivered(one) for one in found])
        return
    table = Table(box=None)
    for column in ("event", "type", "case", "state", "tries", "problem", "when"):
        table.add_column(column, overflow="fold")
    for one in found:
        when = f"{one.settled_at or one.created_at:%F %H:%M}"
        cells = (one.event_id, one.kind, one.case_id or "", one.state, str(one.attempts), one.problem or "", when)
        table.add_row(*(escape(cell) for cell in cells))
    out.print(table if found else "There are none.")


@webhook_app.command("replay")
def webhook_replay(
    identity: Id,
    event_id: Annotated[str, typer.Argument(help="The event's id, from `loopkeeper webhook deliveries`.")],
    as_json: AsJson = False,
) -> None:
    """Deliver an event again: under the same id, with the same body and all its tries."""
    with installed() as (store, _):
        again = _hooks(store).replay(identity, event_id, OPERATOR, datetime.now(UTC))
    _say_delivery(again, f"{event_id} is delivered again.", as_json=as_json)


@webhook_app.command("test")
def webhook_test(identity: Id, as_json: AsJson = False) -> None:
    """Deliver an event of the type `test`."""
    with installed() as (store, _):
        sent = _hooks(store).send_test(identity, OPERATOR, datetime.now(UTC))
    told = f"{sent.event_id} is on its way; see: loopkeeper webhook deliveries {identity}"
    _say_delivery(sent, told, as_json=as_json)


def _hooks(store: Store) -> Hooks:
    return Hooks(store.engine, store.vault.keyring)


def _fit(store: Store, settings: Settings, wanted: Wanted) -> Wanted:
    return Receivers(embedded=settings.console_open).fit(wanted, store.book.active())


def _active(identity: str, *, on: bool) -> Webhook:
    with installed() as (store, _):
        hooks = _hooks(store)
        return hooks.change(identity, replace(hooks.one(identity).wanted, active=on), OPERATOR)


def _set(given: list[str] | None) -> frozenset[str] | None:
    return None if not given or given == ["all"] else frozenset(given)


def _some(names: frozenset[str] | None) -> str:
    return "all" if names is None else ", ".join(sorted(names))


def _say(hook: Webhook, told: str, *, as_json: bool) -> None:
    if as_json:
        out.print_json(data=_told(hook))
    else:
        out.print(told, markup=False)


def _say_delivery(one: Delivery, told: str, *, as_json: bool) -> None:
    if as_json:
        out.print_json(data=_delivered(one))
    else:
        out.print(told, markup=False)


def _told(hook: Webhook) -> dict[str, Any]:
    """As the API tells it: never the secret."""
    from api.rest_webhooks import webhook_out

    return webhook_out(hook).model_dump(mode="json")


def _delivered(one: Delivery) -> dict[str, Any]:
    from api.rest_webhooks import delivery_out

    return delivery_out(one).model_dump(mode="json")
