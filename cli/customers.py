"""Verbs for customers across channels: who they are, all their cases, and linking identities that are the same person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from adapters.postgres.store import Store
from cli import remote
from cli.admin import AsJson
from cli.app import app, out
from cli.installed import installed
from cli.persons import OPERATOR, whoever
from domain.rights import Right
from domain.values import Actor
from loopkeeper_client import models as m

customer_app = typer.Typer(no_args_is_help=True, help="Customers across channels: find, show, link, unlink.")
app.add_typer(customer_app, name="customer")

Customer = Annotated[str, typer.Argument(metavar="CUSTOMER", help="An identity of theirs, by the id that `customer find` shows.")]
Other = Annotated[str, typer.Argument(metavar="OTHER", help="The other identity, by its id.")]
Reason = Annotated[str, typer.Option("--reason", help="How you know, or why not; it stays on record for ever, so name nobody.")]
Key = Annotated[
    str | None,
    typer.Option("--key", envvar="LOOPKEEPER_PERSON_KEY", help="Your API key, so that your name is on record and not the operator's."),
]


@customer_app.command("find")
def customer_find(
    who: Annotated[str, typer.Argument(metavar="HANDLE-OR-ID", help="The whole handle, or the network's id of them.")],
    channel: Annotated[str | None, typer.Option(help="Only on this channel.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find customers by their handle."""
    if remote.named():
        with remote.api() as lk:
            found = lk.customers(who, channel=channel)
    else:
        from api.rest_customers import customers_out

        with installed() as (store, _):
            found = remote.as_told(m.Customers, customers_out(store.identities.find(who, channel, None))).customers
    if as_json:
        print(m.Customers(customers=found).model_dump_json(indent=2))
    else:
        _say([_told(one) for one in found] or [f"Nobody is called exactly {who}. Whoever was erased is not found any more."])


@customer_app.command("show")
def customer_show(customer: Customer, as_json: AsJson = False) -> None:
    """Show a customer: the identities that are linked, and all cases."""
    if remote.named():
        with remote.api() as lk:
            shown = lk.customer(customer)
    else:
        with installed() as (store, _):
            shown = _shown(store, customer)
    _show(shown, as_json=as_json)


@customer_app.command("link")
def customer_link(customer: Customer, other: Other, reason: Reason, key: Key = None, as_json: AsJson = False) -> None:
    """Say that two identities are the same person."""
    if remote.named():
        with remote.api() as lk:
            shown = lk.link(customer, other, reason)
    else:
        with installed() as (store, _):
            store.linking.link(customer, other, reason, _by(store, key))
            shown = _shown(store, customer)
    _show(shown, as_json=as_json)


@customer_app.command("unlink")
def customer_unlink(customer: Customer, other: Other, reason: Reason, key: Key = None, as_json: AsJson = False) -> None:
    """Take the other identity out: it is a customer of its own again, and the others stay linked."""
    if remote.named():
        with remote.api() as lk:
            lk.unlink(customer, other, reason)
            shown = lk.customer(customer)
    else:
        with installed() as (store, _):
            store.linking.unlink(customer, other, reason, _by(store, key))
            shown = _shown(store, customer)
    _show(shown, as_json=as_json)


def _by(store: Store, key: str | None) -> Actor:
    return whoever(store, key, Right.LINK_CUSTOMERS) if key else OPERATOR


def _shown(store: Store, customer: str) -> m.Customer:
    from api.rest_customers import customer_out

    return remote.as_told(m.Customer, customer_out(store.identities.shown(customer, None)))


def _show(shown: m.Customer, *, as_json: bool) -> None:
    if as_json:
        print(shown.model_dump_json(indent=2))
        return
    lines = [_told(one) for one in shown.identities]
    for row in shown.cases:
        due = (
            f", {row.due_clock.replace('_', ' ')} due {row.due_at:%Y-%m-%d %H:%M} UTC"
            if row.is_open and row.due_at and row.due_clock
            else ""
        )
        late = f", late: {', '.join(row.breached)}" if row.is_open and row.breached else ""
        lines.append(f"  #{row.number} {row.case_id}: {row.status.replace('_', ' ')}, opened {row.opened_at:%Y-%m-%d}{due}{late}")
    figures = shown.figures
    resolved = f"{figures.resolved_in_time} of {figures.resolved_in_time + figures.resolved_late} resolved in time"
    _say([*lines, f"{figures.cases} cases, {figures.open} open; {resolved}; thanked us {figures.thanks} times"])


def _told(one: m.Identity) -> str:
    shown = " ".join(filter(None, (one.name, f"(@{one.handle})" if one.handle else None))) or "no name"
    link = one.linked
    why = f": {link.reason}" if link is not None and link.reason else ""
    linked = f", linked ({link.how.replace('_', ' ')}) by {link.by} on {link.at:%Y-%m-%d}{why}" if link is not None else ""
    return f"{one.id}  {shown} on {one.channel}, since {one.since:%Y-%m-%d}{linked}"


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)
