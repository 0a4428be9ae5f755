"""The verb for the numbers: a report in the terminal, as JSON or as CSV."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.table import Table as Drawn

from adapters.languages.telling import Tellers
from adapters.postgres.digests import Digests
from cli import over_api, remote
from cli.app import app, out
from cli.installed import installed
from domain.digest import digest, last_due, week_before
from domain.digest_letter import html_of, plain
from domain.errors import LoopkeeperError
from domain.figures_told import change, told
from domain.report import Report, Table, Unit, Wanted, as_csv, as_json
from domain.reports import KINDS, make, unknown

_NAMES = ", ".join(kind.name for kind in KINDS)


@app.command("report")
def report(
    name: Annotated[str, typer.Argument(help=f"One of: {_NAMES}; or digest, with --preview.")] = "overview",
    days: Annotated[int, typer.Option(min=1, max=366 * 5, help="So many days up to the last one.")] = 28,
    first: Annotated[str | None, typer.Option("--from", metavar="DAY", help="The first day, such as 2026-03-01.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="The last day. Default: today.")] = None,
    brand: Annotated[str | None, typer.Option(help="Only this brand.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only this channel.")] = None,
    department: Annotated[str | None, typer.Option(help="Only this department.")] = None,
    category: Annotated[str | None, typer.Option(help="Only this category.")] = None,
    as_json_: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    as_csv_: Annotated[bool, typer.Option("--csv", help="One table, for a spreadsheet.")] = False,
    table: Annotated[str | None, typer.Option(metavar="TABLE", help="Which table, with --csv. Default: the first.")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="With `digest`: what the weekly digest says of last week.")] = False,
    as_html: Annotated[bool, typer.Option("--html", help="With `digest --preview`: as the e-mail has it.")] = False,
) -> None:
    """Show one of the reports: whether loops close, and where they stick."""
    if name == "digest":
        if not preview or as_json_ or as_csv_:
            raise LoopkeeperError("digests are sent by themselves; see what the next one would say: loopkeeper report digest --preview")
        print(_digest(department, as_html=as_html), end="")
        return
    if preview or as_html:
        raise LoopkeeperError("--preview and --html are for the weekly digest: loopkeeper report digest --preview")
    if as_json_ and as_csv_:
        raise LoopkeeperError("choose one form: --json or --csv")
    if remote.named():
        narrowed = {"brand": brand, "channel": channel, "department": department, "category": category}
        made, told_there = over_api.report(name, days, _day(first, "--from"), _day(last, "--to"), narrowed)
        _put_out(made, told_there if as_json_ else None, table, as_csv_=as_csv_)
        return
    with installed() as (store, settings):
        policy = store.book.active()
        zone = policy.brands[brand].zone if brand in policy.brands else next(iter(policy.brands.values())).zone
        today = settings.pace.loop_time(datetime.now(UTC)).astimezone(ZoneInfo(zone)).date()
        until = _day(last, "--to") or today
        since = _day(first, "--from") or until - timedelta(days=days - 1)
        if since > until:
            raise LoopkeeperError(f"--from {since} is after the last day, {until}")
        wanted = Wanted(since, until, brand, channel, category, department)
        if (wrong := unknown(wanted, store.reports, policy)) is not None:
            raise LoopkeeperError(f"--{wrong}")
        made = make(name, store.reports, wanted, policy)
    _put_out(made, as_json(made) if as_json_ else None, table, as_csv_=as_csv_)


def _put_out(made: Report, whole: dict[str, Any] | None, table: str | None, *, as_csv_: bool) -> None:
    if whole is not None:
        print(json.dumps(whole, indent=2, ensure_ascii=False))
    elif as_csv_:
        print(as_csv(_chosen(made, table)), end="")
    else:
        _show(made)


def _digest(department: str | None, *, as_html: bool) -> str:
    with installed() as (store, settings):
        policy = store.book.active()
        if department is not None and department not in policy.departments:
            raise LoopkeeperError(f"there is no department {department}; the policy in force names them")
        zone = next(iter(policy.brands.values())).zone
        monday = last_due(1, 0, zone, settings.pace.loop_time(datetime.now(UTC))).astimezone(ZoneInfo(zone)).date()
        first, last = week_before(monday)
        stalled = Digests(store.engine, store.vault.keyring)
        made = digest(store.reports, stalled, Wanted(first, last, department=department), policy, settings.public_url)
        teller = Tellers(settings.language).of(None)
    return html_of(made, None, teller) + "\n" if as_html else plain(made, None, teller)


def _chosen(made: Report, name: str | None) -> Table:
    found = made.table(name) if name else next(iter(made.tables), None)
    if found is None:
        there = ", ".join(table.name for table in made.tables) or "none"
        raise LoopkeeperError(f"the report '{made.name}' has no table '{name or ''}'; there are: {there}")
    return found


def _show(made: Report) -> None:
    wanted = made.wanted
    out.print(f"{made.title}, {wanted.first} to {wanted.last}", style="bold", markup=False)
    if made.says:
        out.print(made.says, markup=False, soft_wrap=True)
    for figure in made.figures:
        changed = change(figure.value, figure.before, figure.unit)
        out.print(f"  {figure.title:<26} {told(figure.value, figure.unit):>9}{'  ' + changed if changed else ''}", markup=False)
    for table in made.tables:
        out.print(f"\n{table.title}", style="bold", markup=False)
        drawn = Drawn(box=None, pad_edge=False)
        for column in table.columns:
            drawn.add_column(column.title, justify="left" if column.unit is Unit.TEXT else "right")
        for row in table.rows:
            drawn.add_row(*(told(cell, column.unit).replace("[", "\\[") for cell, column in zip(row.cells, table.columns, strict=True)))
        out.print(drawn)


def _day(written: str | None, option: str) -> date | None:
    try:
        return date.fromisoformat(written) if written else None
    except ValueError:
        raise LoopkeeperError(f"{option} {written}: write the day as 2026-03-31") from None
