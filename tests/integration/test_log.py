"""The log on a real database: what is recorded is sealed once, in order, and what was changed behind its back is noticed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, create_engine, text

from adapters.notary import Notary, signed_by
from adapters.postgres.engine import open_engine
from adapters.postgres.log import FAN, LogFault, LogHashes, Sealer
from adapters.postgres.store import Store
from domain.checkpoints import Checkpoint, Note, Verifier
from domain.merkle import InMemory, consistency_proof, inclusion_proof, leaf_hash, root_of
from tests.integration.test_history import add, entry

NOTARY = Notary.parse(Notary.new_key("loopkeeper.example.com/log"))


@pytest.fixture
def sealing(database: str) -> Iterator[Engine]:
    engine = open_engine(database, pool=2, role="loopkeeper_sealer")
    yield engine
    engine.dispose()


@pytest.fixture
def superuser(database: str) -> Iterator[Engine]:
    engine = create_engine(database)
    yield engine
    engine.dispose()


def leaves(store: Store) -> list[bytes]:
    with store.engine.connect() as connection:
        return [leaf_hash(bytes(h)) for h in connection.execute(text("select hash from log_leaf order by leaf")).scalars()]


def test_nothing_to_seal_makes_no_checkpoint(store: Store, sealing: Engine) -> None:
    sealer = Sealer(sealing, NOTARY)
    assert sealer.seal() is not None, "the first time, the key itself goes on record"
    assert sealer.seal() is None


def test_what_is_recorded_is_in_the_next_checkpoint_and_signed(store: Store, sealing: Engine) -> None:
    sealer = Sealer(sealing, NOTARY)
    add(store, "a", entry("w1"), entry("w2"))
    add(store, "b", entry("w1"))
    assert store.log.unsealed_for() > timedelta(0)
    checkpoint = sealer.seal()
    assert checkpoint is not None
    assert store.log.unsealed_for() == timedelta(0)
    sealed = leaves(store)
    assert checkpoint.size == len(sealed) == 5, "besides, the log's key and that the policy came into force"
    assert checkpoint.root == root_of(InMemory(sealed), 0, 5)
    latest = store.log.latest()
    assert latest is not None
    note = Note.parse(latest.note)
    assert Checkpoint.parse(note.text) == checkpoint
    assert signed_by(note, [Verifier.parse(v) for v in store.log.verifiers()]) == NOTARY.verifiers[0]


def test_a_sealer_goes_on_where_another_stopped_across_full_nodes(store: Store, sealing: Engine) -> None:
    for case in range(9):
        add(store, f"c{case}", *(entry(f"w{n}") for n in range(FAN // 2)))
        Sealer(sealing, NOTARY, at_once=100).seal()
    while Sealer(sealing, NOTARY).seal():
        pass
    sealed = leaves(store)
    assert len(sealed) == 9 * FAN // 2 + 2, "the log's key and that the policy came into force among them"
    latest = store.log.latest()
    assert latest is not None
    assert latest.root == root_of(InMemory(sealed), 0, len(sealed))
    with store.engine.connect() as connection:
        kept = LogHashes(connection)
        for leaf in (0, 1, FAN - 1, FAN, 3 * FAN + 7, len(sealed) - 1):
            assert inclusion_proof(kept, leaf, len(sealed)) == inclusion_proof(InMemory(sealed), leaf, len(sealed))
        for older in (1, FAN, FAN + 1, 4 * FAN, len(sealed)):
            assert consistency_proof(kept, older, len(sealed)) == consistency_proof(InMemory(sealed), older, len(sealed))


def test_a_sealer_that_lags_takes_the_oldest_first_wherever_they_lie(store: Store, sealing: Engine, superuser: Engine) -> None:
    add(store, "a", *(entry(f"w{n}") for n in range(7)))
    with superuser.begin() as connection:  # as it lies when room in the table was freed and is used again
        connection.execute(text("create temp table lying as select * from unsealed order by seq desc"))
        connection.execute(text("delete from unsealed"))
        connection.execute(text("insert into unsealed select * from lying order by seq desc"))
    sealer = Sealer(sealing, NOTARY, at_once=2)
    while sealer.seal():
        pass
    with store.engine.connect() as connection:
        order = connection.execute(text("select seq from log_leaf where case_id = 'a' order by leaf")).scalars().all()
    assert order == list(range(1, 8))


def test_full_nodes_of_the_second_level_are_kept(store: Store, sealing: Engine, superuser: Engine) -> None:
    with superuser.begin() as connection:  # more events than a test can record one by one
        connection.execute(
            text("insert into unsealed select 'c' || n, 1, n, sha256(n::text::bytea) from generate_series(1, :many) n"),
            {"many": FAN * FAN + 300},
        )
    sealer = Sealer(sealing, NOTARY, at_once=50_000)
    while sealer.seal():
        pass
    sealed = leaves(store)
    with store.engine.connect() as connection:
        levels = connection.execute(text("select level, count(*) from log_node group by level order by level")).all()
        assert LogHashes(connection).full(0, FAN * FAN) == root_of(InMemory(sealed), 0, FAN * FAN)
    assert [tuple(row) for row in levels] == [(1, FAN + 1), (2, 1)]


def test_many_sealers_and_writers_at_once_seal_every_event_once(open_store: Callable[[], Store], sealing: Engine) -> None:
    store = open_store()
    failures: list[Exception] = []
    done = threading.Event()

    def write(writer: int) -> None:
        for n in range(30):
            add(store, f"c{writer}", entry(f"w{n}"))

    def seal() -> None:
        sealer = Sealer(sealing, NOTARY, at_once=20)
        try:
            while not done.is_set():
                sealer.seal()
        except Exception as error:  # noqa: BLE001 - shown below
            failures.append(error)

    sealers = [threading.Thread(target=seal) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(w,)) for w in range(4)]
    for thread in (*sealers, *writers):
        thread.start()
    for thread in writers:
        thread.join(60)
    done.set()
    for thread in sealers:
        thread.join(60)
    while Sealer(sealing, NOTARY).seal():
        pass
    assert not failures
    with store.engine.connect() as connection:
        wrong = connection.execute(
            text("select count(*) from case_event e full join log_leaf l using (case_id, seq) where e.hash is distinct from l.hash")
        ).scalar_one()
        order = connection.execute(text("select case_id, array_agg(seq order by leaf) from log_leaf group by case_id")).all()
    assert wrong == 0
    assert all(seqs == list(range(1, len(seqs) + 1)) for _, seqs in order)


@pytest.mark.parametrize(
    "change",
    [
        "update log_leaf set hash = sha256('x') where leaf = 1",
        "delete from log_leaf where leaf = 2",
        "insert into log_leaf select max(leaf) + 1, 'z', 1, sha256('z') from log_leaf",
        "update checkpoint set root = sha256('x')",
    ],
)
def test_a_log_that_was_changed_is_not_sealed_over(store: Store, sealing: Engine, superuser: Engine, change: str) -> None:
    add(store, "a", *(entry(f"w{n}") for n in range(5)))
    Sealer(sealing, NOTARY).seal()
    with superuser.begin() as connection:
        connection.execute(text("set session_replication_role = replica"))
        connection.execute(text(change))
    add(store, "a", entry("more"))
    with pytest.raises(LogFault):
        Sealer(sealing, NOTARY).seal()


def test_while_a_key_is_replaced_both_sign_and_the_change_is_on_record(store: Store, sealing: Engine) -> None:
    old, new = Notary.new_key("log.example/log"), Notary.new_key("log.example/log")
    Sealer(sealing, Notary.parse(old)).seal()
    add(store, "a", entry("w1"))
    Sealer(sealing, Notary.parse(f"{new},{old}")).seal()
    latest = store.log.latest()
    assert latest is not None
    for key in (old, new):
        (verifier,) = Notary.parse(key).verifiers
        assert signed_by(Note.parse(latest.note), [verifier]) == verifier
    kinds = [(entry.event.kind, getattr(entry.event, "before", None)) for _, _, entry in store.journal.entries()]
    assert kinds[0] == ("admin_acted", None), "the policy came into force"
    assert kinds[1:] == [("log_key_changed", None), ("log_key_changed", str(Notary.parse(old).verifiers[0]))]
