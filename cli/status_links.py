"""The verbs for the link to a case's status page."""

from __future__ import annotations

from typing import Annotated

import typer

from adapters.links import StatusLinks
from adapters.postgres.followed import PostgresFollowed
from adapters.postgres.store import Store
from cli.admin import AsJson
from cli.app import app, out
from cli.installed import installed
from cli.persons import OPERATOR
from settings import Settings

link_app = typer.Typer(no_args_is_help=True, help="The link by which a customer follows their case.")
app.add_typer(link_app, name="status-link")
CaseId = Annotated[str, typer.Argument(metavar="CASE", help="The case's id.")]


@link_app.command("show")
def link_show(case: CaseId, as_json: AsJson = False) -> None:
    """The link that holds."""
    with installed() as (store, settings):
        told = _told(store, settings, case)
    _say(told, as_json=as_json)


@link_app.command("withdraw")
def link_withdraw(case: CaseId, as_json: AsJson = False) -> None:
    """Withdraw the link that holds; the next one is told, to be handed over. On record."""
    with installed() as (store, settings):
        _told(store, settings, case)
        followed = PostgresFollowed(store.engine, store.book)
        followed.withdraw(case, followed.withdrawn(case), OPERATOR)
        told = _told(store, settings, case)
    _say(told, as_json=as_json)


def _told(store: Store, settings: Settings, case: str) -> dict[str, object]:
    """Raises NoSuchCase."""
    number, withdrawn = store.reader.file(case).number, PostgresFollowed(store.engine, store.book).withdrawn(case)
    return {"url": StatusLinks(store.vault.keyring, settings.public_url).make(number, case, withdrawn), "withdrawn": withdrawn}


def _say(told: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        out.print_json(data=told)
        return
    out.print(str(told["url"]), markup=False, soft_wrap=True)
    if told["withdrawn"]:
        out.print(f"Withdrawn before it: {told['withdrawn']}.", markup=False)
