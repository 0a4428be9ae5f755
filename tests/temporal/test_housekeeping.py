"""Chores as real workflows: the log is sealed and its checkpoints published, whatever fails meanwhile; and admins hear of what does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.housekeeping import LogKeeper
from activities.places import Admins
from adapters.checkpoint_places import CheckpointFile, checkpoints_in
from adapters.notary import Notary
from adapters.postgres.engine import open_engine
from adapters.postgres.log import PostgresLog, Sealer
from adapters.postgres.store import Store
from domain.checkpoints import Checkpoint, Note
from domain.ports import Destination, NotSent
from tests.conftest import POLICY, WORDING
from tests.integration.test_history import add, entry
from tests.standins import Postbox
from workflows import contracts
from workflows.housekeeping import Chore, Housekeeping, begin

NOTARY = Notary.parse(Notary.new_key("log.example/log"))
EVERY = timedelta(seconds=0.3)
AT = datetime(2026, 3, 2, 10, tzinfo=UTC)


@dataclass
class Shelf:
    """A destination that is away for a while."""

    away: int = 0
    notes: list[Note] = field(default_factory=list)

    def last(self) -> Checkpoint | None:
        return None

    def publish(self, note: Note, size: int) -> str:
        if self.away:
            self.away -= 1
            raise NotSent("connection refused", timedelta(milliseconds=50))
        self.notes.append(note)
        return f"shelf {size}"


@dataclass
class House:
    store: Store
    virtual: WorkflowEnvironment
    sealing: Engine
    owner: Engine
    post: Postbox
    destinations: dict[str, Destination]

    def keeper(self) -> LogKeeper:
        admins = Admins(self.store.notices, self.post)
        every = dict.fromkeys(self.destinations, EVERY)
        return LogKeeper(Sealer(self.sealing, NOTARY), PostgresLog(self.sealing), self.destinations, every, self.store.book, admins)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[LogKeeper]:
        keeper = self.keeper()
        with ThreadPoolExecutor(4) as threads:
            worker = Worker(
                self.virtual.client,
                task_queue=contracts.HOUSE_QUEUE,
                workflows=[Housekeeping],
                activities=[keeper.seal, keeper.publish, keeper.mind],
                activity_executor=threads,
                workflow_runner=UnsandboxedWorkflowRunner(),
                graceful_shutdown_timeout=timedelta(seconds=5),
            )
            chores = [Chore("seal_log", "", contracts.HOUSE_QUEUE, timedelta(minutes=1))]
            chores += [Chore("publish_checkpoint", name, contracts.HOUSE_QUEUE, timedelta(minutes=1), EVERY) for name in self.destinations]
            async with worker:
                for chore in chores:
                    await begin(self.virtual.client, chore)
                yield keeper
                for chore in chores:
                    with suppress(Exception):
                        await self.virtual.client.get_workflow_handle(chore.workflow_id).terminate("the test is over")

    async def until(self, met: Any, seconds: float = 20) -> None:
        for _ in range(int(seconds / 0.05)):
            if met():
                return
            await asyncio.sleep(0.05)
        raise AssertionError("it did not come about in time")


@pytest.fixture
def house(store: Store, database: str, virtual: WorkflowEnvironment, tmp_path: Path) -> Iterator[House]:
    store.book.activate(POLICY, WORDING, by="tests")
    sealing, owner = open_engine(database, pool=6, role="loopkeeper_sealer"), create_engine(database)
    with owner.begin() as connection:  # that a policy came into force is on record, and not what is counted here
        connection.execute(text("delete from unsealed"))
    file = CheckpointFile(tmp_path / "outside" / "checkpoints.txt")
    yield House(store, virtual, sealing, owner, Postbox(), {"file": file})
    sealing.dispose()
    owner.dispose()


def run(loop: asyncio.AbstractEventLoop, what: Coroutine[Any, Any, None]) -> None:
    loop.run_until_complete(what)


def published(house: House) -> list[Checkpoint]:
    path = house.destinations["file"]._path  # type: ignore[attr-defined]
    return [Checkpoint.parse(note.text) for note in checkpoints_in(path.read_text())] if path.exists() else []


def test_what_is_recorded_is_sealed_and_published_by_itself(house: House, loop: asyncio.AbstractEventLoop) -> None:
    shelf = Shelf(away=3)
    house.destinations["shelf"] = shelf

    async def play() -> None:
        async with house.kept():
            add(house.store, "a", entry("w1"), entry("w2"))
            await house.until(lambda: any(c.size == 3 for c in published(house)))
            add(house.store, "a", entry("w3"))
            await house.until(lambda: any(c.size == 4 for c in published(house)))
            await house.until(lambda: shelf.notes and Checkpoint.parse(shelf.notes[-1].text).size == 4)

    run(loop, play())
    sizes = [c.size for c in published(house)]
    assert sizes == sorted(set(sizes)), "each once, in order"
    assert shelf.away == 0
    assert house.post.notices == []


def test_a_database_that_does_not_continue_what_was_published_publishes_nothing_and_admins_hear_of_it_once(
    house: House, loop: asyncio.AbstractEventLoop
) -> None:
    add(house.store, "a", *(entry(f"w{n}") for n in range(5)))
    keeper = house.keeper()
    assert keeper.sealer is not None
    keeper.sealer.seal()
    latest = house.store.log.latest()
    assert latest is not None
    ahead = replace(Checkpoint.parse(Note.parse(latest.note).text), size=99)
    house.destinations["file"].publish(NOTARY.sign(ahead), 99)

    async def play() -> None:
        async with house.kept():
            await house.until(lambda: house.post.notices)

    run(loop, play())
    assert [c.size for c in published(house)] == [99]
    ((_, subject, words),) = house.post.notices
    assert "cannot be published" in subject
    assert "has 99 events, and the database's log only 6" in words


def test_a_log_that_was_changed_is_not_sealed_and_admins_hear_of_it_once(house: House, loop: asyncio.AbstractEventLoop) -> None:
    add(house.store, "a", entry("w1"))
    Sealer(house.sealing, NOTARY).seal()
    with house.owner.begin() as connection:
        connection.execute(text("set session_replication_role = replica"))
        connection.execute(text("update log_leaf set hash = sha256('x') where leaf = 0"))
    add(house.store, "a", entry("w2"))

    async def play() -> None:
        async with house.kept():
            await house.until(lambda: house.post.notices)

    run(loop, play())
    ((_, _, words),) = house.post.notices
    assert "something in it was changed" in words
    assert "Do not repair it by hand" in words


def test_admins_hear_when_sealing_or_publishing_lags_and_again_only_after_it_was_well(house: House) -> None:
    house.store.log.latest()
    add(house.store, "a", entry("w1"))
    with house.owner.begin() as connection:
        connection.execute(text("alter table unsealed disable trigger all"))
        connection.execute(text("update unsealed set recorded_us = recorded_us - 3600 * 1000000::bigint"))
    keeper = house.keeper()
    for _ in range(2):
        (told,) = keeper.mind("")
        assert told == "Events of the history have been waiting to be sealed for 60 minutes."
    assert len(house.post.notices) == 1
    assert keeper.sealer is not None
    keeper.sealer.seal()
    with house.owner.begin() as connection:
        connection.execute(text("alter table checkpoint disable trigger all"))
        connection.execute(text("update checkpoint set signed_at = signed_at - interval '5 hours'"))
    assert keeper.mind("") == ["No checkpoint of the history has been published (file) for 5 hours."]
    assert len(house.post.notices) == 2
    keeper.publish("file")
    assert keeper.mind("") == []
    assert [c.size for c in published(house)] == [2]


def test_a_line_that_was_cut_off_in_the_file_is_passed_over(house: House, tmp_path: Path) -> None:
    path = tmp_path / "cut.txt"
    file = CheckpointFile(path)
    first, second = (Checkpoint("log.example/log", n, bytes(32), AT) for n in (1, 2))
    file.publish(NOTARY.sign(first), 1)
    whole = path.read_bytes()
    for cut in range(1, len(str(NOTARY.sign(second)).encode())):
        path.write_bytes(whole + str(NOTARY.sign(second)).encode()[:cut])
        assert file.last() in (first, second)
        file.publish(NOTARY.sign(second), 2)
        assert file.last() == second
        assert [Checkpoint.parse(n.text) for n in checkpoints_in(path.read_text(errors="replace"))][:1] == [first]
