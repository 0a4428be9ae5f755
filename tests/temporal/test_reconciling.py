"""Reconciling for real: a database that was restored from an older backup, and a Temporal that has gone on meanwhile, or has lost cases."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from temporalio.client import WorkflowExecutionStatus

from activities.publish import Publisher
from adapters.erasure_list import ErasureFile
from adapters.postgres.engine import open_engine
from adapters.postgres.erasing import Erasing
from adapters.postgres.schema import migrate
from adapters.postgres.standing import PostgresStanding
from adapters.postgres.store import Store
from cli.dumps import dump, load
from cli.engines import Postgres
from domain import commands as c
from domain.pace import REAL_TIME
from domain.ports import Absent, OutgoingReply, PostedReply
from domain.reconciling import Difference, Finding
from domain.values import Actor, Permalink, Role, Via
from tests.conftest import open_on
from tests.standins import Square
from tests.temporal.conftest import Town, run, serving
from workflows.contracts import workflow_id
from workflows.reconciling import Reconciler, mend_all

Loop = asyncio.AbstractEventLoop
BO = Actor("key:bo", Role.PRIVACY, Via.CLI)
CHI = Actor("key:chi", Role.PRIVACY, Via.CLI)


@contextmanager
def reconciling(town: Town) -> Iterator[Reconciler]:
    store = town.store
    publisher = Publisher(store.ledger, store.composer, {})
    with ThreadPoolExecutor(2) as threads:
        yield Reconciler(town.client, town.gateway, PostgresStanding(store.engine), store.inbox, publisher, threads, REAL_TIME)


async def differences(town: Town) -> dict[str, Finding]:
    """What differs about the cases of this town. Other towns on the same server have cases of their own."""
    with reconciling(town) as reconciler:
        return {one.case_id: one for one in await reconciler.compare() if one.case_id in town.begun}


async def mended(town: Town) -> dict[str, Finding]:
    found = await differences(town)
    with reconciling(town) as reconciler:
        await mend_all(reconciler, list(found.values()), lambda _: None)
    return found


async def listed(town: Town, case: str) -> None:
    """Wait (really) until Temporal's list shows that the case runs; the list lags behind a little."""
    while True:
        async for one in town.client.list_workflows("ExecutionStatus = 'Running'"):
            if one.id == workflow_id(case):
                return
        await asyncio.sleep(0.05)


async def unlisted(town: Town, case: str) -> None:
    """Wait (really) until Temporal's list shows no more that the case runs."""
    running = f"ExecutionStatus = 'Running' and WorkflowId = '{workflow_id(case)}'"
    while True:
        if not [one async for one in town.client.list_workflows(running)]:
            return
        await asyncio.sleep(0.05)


async def handed_off(town: Town, case: str) -> None:
    with town.store.engine.begin() as connection:  # as the dispatcher notes it
        connection.execute(text("update inbound set state = 'done', message = null"))
    await town.until(lambda: {"reply_posted", "handoff_delivered"} <= set(town.kinds(case)))
    await town.at_rest(case)
    await listed(town, case)


class Searchable(Square):
    """A network that shows the replies that it has."""

    def find(self, reply: OutgoingReply) -> PostedReply | Absent:
        if reply.key in self.posts:
            return PostedReply(Permalink(f"r.{reply.key}", f"https://x.example/r/{reply.key}"), datetime.now(UTC))
        return Absent(surely=True)


class Backup:
    """A dump of the town's database, and a town that was moved to what is restored from it."""

    def __init__(self, postgres: Postgres, folder: Path, town: Town) -> None:
        self._postgres, self._file = postgres, folder / "dump"
        engine = open_engine(str(town.store.engine.url.render_as_string(hide_password=False)), pool=1, role=None)
        dump(engine, self._file)
        engine.dispose()

    @contextmanager
    def restored(self, name: str) -> Iterator[Store]:
        admin = create_engine(self._postgres.url("postgres"), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"create database {name}"))
        engine = open_engine(self._postgres.url(name), pool=1, role=None)
        migrate(engine)
        load(engine, self._file)
        engine.dispose()
        store = open_on(self._postgres.url(name))
        yield store
        store.close()
        with admin.connect() as connection:
            connection.execute(text(f"drop database {name} with (force)"))
        admin.dispose()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_healthy_cases_do_not_differ_open_watched_or_over(loop: Loop, town: Town) -> None:
    async def story() -> None:
        async with serving(town):
            case = await town.post()
            await handed_off(town, case)
            assert await differences(town) == {}
            over = await town.post(text="You charged me twice and nobody answers!")
            await town.command(over, c.Dismiss, "spam")
            await town.ended(over)
            assert await differences(town) == {}

    run(loop, story())


def test_a_case_that_nothing_runs_is_started_from_its_record_and_goes_on(loop: Loop, town: Town) -> None:
    async def story() -> None:
        async with serving(town):
            case = await town.post()
            await handed_off(town, case)
            await town.client.get_workflow_handle(workflow_id(case)).terminate()
            await unlisted(town, case)
            (found,) = (await mended(town)).values()
            assert (found.difference, found.lost) == (Difference.MISSING, ())
            await listed(town, case)
            assert await differences(town) == {}
            assert (await town.command(case, c.Accept)).refusal is None
            assert town.square.texts(case) == list(dict.fromkeys(town.square.texts(case)))

    run(loop, story())


def test_after_a_restore_cases_that_are_ahead_lost_or_unknown_are_named_mended_and_nothing_is_said_twice(
    loop: Loop, town: Town, postgres: Postgres, folder: Path
) -> None:
    town.square = Searchable()

    async def story() -> None:
        async with serving(town):
            ahead, gone = await town.post(), await town.post()
            for case in (ahead, gone):
                await handed_off(town, case)
            await town.command(ahead, c.Accept)
            town.square.away = True
            await town.command(ahead, c.Update, town.words(ahead, "The part is in the post to you."))
            backup = Backup(postgres, folder, town)  # the update is planned, and not sent yet
            town.square.away = False
            await town.until(lambda: "The part is in the post to you." in town.square.texts(ahead))
            await town.at_rest(ahead)
            await town.command(ahead, c.Note, town.words(ahead, "Sent with the blue van."))
            await town.command(gone, c.Dismiss, "spam")
            await town.ended(gone)
            unknown = await town.post()
            await handed_off(town, unknown)
        told = list(town.square.texts(ahead))
        with backup.restored("restored_a") as store:
            before, town.store = town.store, store
            found = await differences(town)
            assert {case: one.difference for case, one in found.items()} == {
                ahead: Difference.AHEAD,
                gone: Difference.MISSING,
                unknown: Difference.UNRECORDED,
            }
            lost = [event.split(" UTC ")[1] for event in found[ahead].lost]
            assert lost == ["reply_posted, by system", "promise_kept, by system", "note_added, by slack:UANA"]
            assert "dismissed" in " ".join(found[gone].lost)
            assert "is not on record" in found[unknown].told
            await mended(town)
            ended = await town.client.get_workflow_handle(workflow_id(unknown)).describe()
            assert ended.status is WorkflowExecutionStatus.TERMINATED
            async with serving(town):
                for case in (ahead, gone):
                    await listed(town, case)
                await town.until(lambda: town.kinds(ahead).count("reply_posted") == 2)
                await town.at_rest(ahead)
                assert town.square.texts(ahead) == told, "what the network has already is found there, and not said again"
                assert (await town.command(gone, c.Accept)).refusal is None
                for case in (ahead, gone):
                    await town.at_rest(case)
                    assert store.records.verify(case) is None
                assert await differences(town) == {}
            town.store = before

    run(loop, story())


def test_a_case_in_its_watch_goes_on_after_its_customer_was_erased_and_again_after_a_restore(
    loop: Loop, town: Town, postgres: Postgres, folder: Path
) -> None:
    async def story() -> None:
        async with serving(town):
            case = await town.post()
            await handed_off(town, case)
            await town.command(case, c.Accept)
            backup = Backup(postgres, folder, town)
            await town.command(case, c.Resolve, "billing_error", town.words(case, "It is solved. Thank you for telling us!"))
            await town.until(lambda: "closed" in town.kinds(case))
            await town.at_rest(case)
            _erase(town, folder)
            post = town.now(case).first_post
            back = await town.tell(town.writes(case, f"{post}-again", "And again!"))
            assert back != case, "whoever was erased comes back as a stranger"
            await town.wait(case, timedelta(hours=73))
            assert await town.ended(case) == "watch_ended"
            assert town.store.records.verify(case) is None
            assert town.store.reader.file(case).first_words == "(erased)"
        with backup.restored("restored_b") as store:
            before, town.store = town.store, store
            acting = open_engine(store.engine.url.render_as_string(hide_password=False), pool=1, role="loopkeeper_privacy")
            erased, still_open = Erasing(acting, store.vault, ErasureFile(folder / "list")).again()
            acting.dispose()
            assert (erased.cases, still_open) == ((case,), [case])
            assert store.reader.file(case).first_words == "(erased)"
            found = await mended(town)
            assert found[case].difference is Difference.MISSING
            async with serving(town):
                assert (await town.command(case, c.Dismiss, "nothing_to_answer")).refusal is None
                assert await town.ended(case) == "dismissed"
            assert store.records.verify(case) is None
            town.store = before

    run(loop, story())


def _erase(town: Town, folder: Path) -> None:
    url: Any = town.store.engine.url
    acting = open_engine(url.render_as_string(hide_password=False), pool=1, role="loopkeeper_privacy")
    erasing = Erasing(acting, town.store.vault, ErasureFile(folder / "list"))
    with acting.connect() as connection:
        subjects = [str(one) for one in connection.execute(text("select id from subject")).scalars()]
    proposal, _ = erasing.propose(subjects, f"letter of {datetime.now(UTC):%d %B}", BO)
    erasing.confirm(proposal.number, CHI)
    acting.dispose()
