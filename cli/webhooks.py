"""The verbs for webhooks: who else is told what happens to cases."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from cli.app import app, out
from cli.remote import AsJson, show_json
from cli.webhooks_here import State, webhooks
from loopkeeper_client import models as m

webhook_app = typer.Typer(no_args_is_help=True, help="Other systems that are told what happens to cases.")
app.add_typer(webhook_app, name="webhook")
Id = Annotated[str, typer.Argument(help="The webhook's id, from `loopkeeper webhook list`.")]


@webhook_app.command("list")
def webhook_list(as_json: AsJson = False) -> None:
    """The webhooks there are."""
    with webhooks() as hooks:
        found = hooks.webhooks()
    if as_json:
        show_json(found)
        return
    table = Table(box=None)
    for column in ("id", "address", "events", "brands", "for", "state"):
        table.add_column(column, overflow="fold")
    for one in found:
        state = "goes on" if one.active else "paused"
        cells = (one.id, one.url, _some(one.events), _some(one.brands), one.description, state)
        table.add_row(*(escape(cell) for cell in cells))
    out.print(table if found else "No other system is told anything: loopkeeper webhook add URL")


@webhook_app.command("add")
def webhook_add(
    url: Annotated[str, typer.Argument(help="Where events are posted to.")],
    event: Annotated[list[str] | None, typer.Option(help="Only this kind of event. Several: give it again.")] = None,
    brand: Annotated[list[str] | None, typer.Option(help="Only this brand. Several: give it again.")] = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    as_json: AsJson = False,
) -> None:
    """Have another system told. Its secret is shown once."""
    with webhooks() as hooks:
        made = hooks.make_webhook(m.WebhookIn(url=url, events=_several(event), brands=_several(brand), description=description))
    if as_json:
        show_json(made)
        return
    out.print(f"Webhook {made.id}. Keep its secret now, it is not shown again:", markup=False)
    out.print(made.secret, soft_wrap=True)


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
    named = {"url": url, "description": description}
    changes: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    changes |= {name: _several(value) for name, value in (("events", event), ("brands", brand)) if value}
    with webhooks() as hooks:
        changed = hooks.change_webhook(identity, _as_it_is(hooks.webhook(identity)).model_copy(update=changes))
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
    with webhooks() as hooks:
        made = hooks.renew_webhook_secret(identity)
    if as_json:
        show_json(made)
        return
    until = made.both_secrets_sign_until
    out.print(f"The new secret of webhook {identity}; the one before signs as well until {until:%F %H:%M} UTC:", markup=False)
    out.print(made.secret, soft_wrap=True)


@webhook_app.command("revoke")
def webhook_revoke(identity: Id) -> None:
    """End it, at once: its secret is destroyed, and what waits for it is dropped."""
    with webhooks() as hooks:
        hooks.revoke_webhook(identity)
    out.print(f"Webhook {identity} is revoked.", markup=False)


@webhook_app.command("deliveries")
def webhook_deliveries(
    identity: Id,
    state: Annotated[State | None, typer.Option(help="Only these.")] = None,
    at_most: Annotated[int, typer.Option(min=1, max=200, help="So many, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """What became of each delivery. `--state dead` is the list of dead letters."""
    with webhooks() as hooks:
        found = list(islice(hooks.deliveries(identity, state=state, at_most=at_most), at_most))
    if as_json:
        show_json(found)
        return
    table = Table(box=None)
    for column in ("event", "type", "case", "state", "tries", "problem", "when"):
        table.add_column(column, overflow="fold")
    for one in found:
        when = f"{one.settled_at or one.created_at:%F %H:%M}"
        cells = (one.id, one.type, one.case_id or "", one.state, str(one.tries), one.problem or "", when)
        table.add_row(*(escape(cell) for cell in cells))
    out.print(table if found else "There are none.")


@webhook_app.command("replay")
def webhook_replay(
    identity: Id,
    event_id: Annotated[str, typer.Argument(help="The event's id, from `loopkeeper webhook deliveries`.")],
    as_json: AsJson = False,
) -> None:
    """Deliver an event again: under the same id, with the same body and all its tries."""
    with webhooks() as hooks:
        again = hooks.replay(identity, event_id)
    _say(again, f"{event_id} is delivered again.", as_json=as_json)


@webhook_app.command("test")
def webhook_test(identity: Id, as_json: AsJson = False) -> None:
    """Deliver an event of the type `test`."""
    with webhooks() as hooks:
        sent = hooks.test_webhook(identity)
    told = f"{sent.id} is on its way; see: loopkeeper webhook deliveries {identity}"
    _say(sent, told, as_json=as_json)


def _active(identity: str, *, on: bool) -> m.Webhook:
    with webhooks() as hooks:
        wanted = _as_it_is(hooks.webhook(identity)).model_copy(update={"active": on})
        return hooks.change_webhook(identity, wanted)


def _as_it_is(hook: m.Webhook) -> m.WebhookIn:
    return m.WebhookIn(url=hook.url, events=hook.events, brands=hook.brands, description=hook.description, active=hook.active)


def _several(given: list[str] | None) -> list[str] | None:
    return None if not given or given == ["all"] else given


def _some(names: list[str] | None) -> str:
    return "all" if names is None else ", ".join(sorted(names))


def _say(told: m.Webhook | m.Delivery, words: str, *, as_json: bool) -> None:
    if as_json:
        show_json(told)
    else:
        out.print(words, markup=False)
