"""The verb that holds Temporal's cases against the record."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Annotated

import typer
from temporalio.service import RPCError

from activities.publish import Publisher
from adapters.postgres.standing import PostgresStanding
from adapters.postgres.store import Store
from adapters.temporal import connect
from cli.app import app, out
from cli.installed import installed, temporal_address
from cli.persons import OPERATOR
from domain.errors import LoopkeeperError
from domain.journal import Reconciled
from domain.reconciling import Difference, Finding
from settings import Settings
from workflows.gateway import CaseGateway
from workflows.reconciling import Reconciler, mend_all


@app.command()
def reconcile(apply: Annotated[bool, typer.Option("--apply", help="Mend it; without it, only say what differs.")] = False) -> None:
    """Say which cases Temporal and the database know differently, and mend them. After a restore: before any process is started."""
    with installed() as (store, settings), ThreadPoolExecutor(4, "reconcile") as threads:
        try:
            asyncio.run(_reconcile(store, settings, threads, apply=apply))
        except RPCError as error:
            raise LoopkeeperError(f"Temporal gave no answer ({error.message}); run it again, which is safe") from None


async def _reconcile(store: Store, settings: Settings, threads: ThreadPoolExecutor, *, apply: bool) -> None:
    try:
        client = await asyncio.wait_for(connect(store.vault.keyring, address=temporal_address()), 10)
    except (RuntimeError, OSError, TimeoutError) as error:
        raise LoopkeeperError(f"nothing was compared, because Temporal cannot be reached: {error}") from None
    publisher = Publisher(store.ledger, store.composer, {})
    reconciler = Reconciler(
        client, CaseGateway(client, settings.pace), PostgresStanding(store.engine), store.inbox, publisher, threads, settings.pace
    )
    findings = await reconciler.compare()
    if not findings:
        _say("Temporal and the database agree on every case.")
        return
    for finding in findings:
        _say(finding.told, f"  {'' if apply else 'with --apply: '}{finding.mending}", *(f"  lost: {event}" for event in finding.lost))
    if not apply:
        _say(f"{'One case differs' if len(findings) == 1 else f'{len(findings)} cases differ'}. Nothing was changed.")
        return
    mended: list[Finding] = []
    try:
        await mend_all(reconciler, findings, mended.append)
    finally:
        if mended:
            store.journal.note(_noted(mended), OPERATOR)
    _say(f"{len(mended)} cases mended.")


def _noted(mended: list[Finding]) -> Reconciled:
    started = tuple(one.case_id for one in mended if one.difference is not Difference.UNRECORDED)
    ended = tuple(one.case_id for one in mended if one.difference is not Difference.MISSING)
    return Reconciled(datetime.now(UTC), started, ended)


def _say(*lines: str) -> None:
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)
