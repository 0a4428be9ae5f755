"""What the database's superuser does to histories is found by exporting and verifying, and named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from adapters.notary import Notary
from adapters.postgres.log import LogFault
from adapters.postgres.store import Store
from domain.history import chain_hash
from domain.seeking import Sought
from tests.integration.exports import Archive, archive_on
from tests.integration.opened import open_case
from tests.integration.test_history import add, entry

CASES = ("meridian-x-p1", "meridian-x-p2", "meridian-x-p3")
SECOND = Sought(cases=(CASES[1],))


@pytest.fixture
def archive(database: str, store: Store) -> Iterator[Archive]:
    """Three cases, sealed."""
    for number in (1, 2, 3):
        case = open_case(store, f"p{number}")
        add(store, case, *(entry(f"t{n}") for n in range(3)))
    with archive_on(database, store) as archive:
        archive.seal()
        yield archive


def test_what_was_not_touched_verifies(archive: Archive) -> None:
    for sought in (None, SECOND):
        code, told = archive.verify(archive.bundle(sought, with_words=True))
        assert code == 0, told
        assert "VERIFIED" in told


IN_SECOND = "where case_id = 'meridian-x-p2'"
EXCHANGE = (
    "update case_event e set doc = o.doc from case_event o "
    "where e.case_id = 'meridian-x-p2' and o.case_id = e.case_id and o.seq + e.seq = 5 and e.seq in (2, 3)"
)
EDITS = {
    "edited": (f"update case_event set doc = replace(doc, 'billing', 'kitchen') {IN_SECOND} and seq = 3", "event 3 was changed after"),
    "back-dated": (f"update case_event set recorded_us = recorded_us - 86400000000 {IN_SECOND} and seq = 2", "event 2 was changed after"),
    "deleted": (f"delete from case_event {IN_SECOND} and seq = 3", "event 3 is in the log and not in the history: it was deleted"),
    "the last one deleted": (
        f"delete from case_event {IN_SECOND} and seq = (select max(seq) from case_event {IN_SECOND})",
        "is in the log and not in the history: it was deleted",
    ),
    "two exchanged": (
        EXCHANGE,
        "event 2 was changed after",
    ),
    "another event of the same words": (
        f"update case_event set event_id = uuidv7() {IN_SECOND} and seq = 4",
        "event 4 was changed after",
    ),
}


@pytest.mark.parametrize("sought", [None, SECOND], ids=["full", "filtered"])
@pytest.mark.parametrize(("statement", "told"), EDITS.values(), ids=EDITS)
def test_a_change_is_found_and_named(archive: Archive, sought: Sought | None, statement: str, told: str) -> None:
    archive.tamper(statement)
    code, said = archive.verify(archive.bundle(sought))
    assert code == 1
    assert "case meridian-x-p2: " in said
    assert told in said


@pytest.mark.parametrize("sought", [None, SECOND], ids=["full", "filtered"])
def test_an_event_that_was_put_in_is_found_although_its_chain_holds(archive: Archive, sought: Sought | None) -> None:
    last = archive.store.records.chain(CASES[1])[-1]
    with archive.superuser.begin() as connection:
        connection.execute(text("set session_replication_role = replica"))
        identity = str(connection.execute(text("select uuidv7()")).scalar_one())
        hashed = chain_hash(CASES[1], last.seq + 1, identity, last.recorded_us, None, last.hash, last.doc)
        values = {"seq": last.seq + 1, "id": identity, "us": last.recorded_us, "doc": last.doc, "prev": last.hash, "hash": hashed}
        connection.execute(
            text("insert into case_event values ('meridian-x-p2', :seq, :id, :us, 'in', :doc, null, null, :prev, :hash)"), values
        )
    assert archive.store.records.verify(CASES[1]) is None
    code, told = archive.verify(archive.bundle(sought))
    assert code == 1
    assert f"case meridian-x-p2: event {last.seq + 1} was put into the history beside the log" in told


@pytest.mark.parametrize("sought", [None, SECOND], ids=["full", "filtered"])
def test_events_that_were_renumbered_are_found(archive: Archive, sought: Sought | None) -> None:
    archive.tamper(
        f"update case_event set seq = 30 {IN_SECOND} and seq = 3",
        f"update case_event set seq = 3 {IN_SECOND} and seq = 4",
        f"update case_event set seq = 4 {IN_SECOND} and seq = 30",
    )
    code, told = archive.verify(archive.bundle(sought))
    assert code == 1
    assert "case meridian-x-p2: event 3 is another one than was sealed into the log" in told


def test_a_case_that_was_dropped_is_found(archive: Archive) -> None:
    archive.tamper(f"delete from case_event {IN_SECOND}", f"delete from case_head {IN_SECOND}", f"delete from cases {IN_SECOND}")
    code, told = archive.verify(archive.bundle())
    assert code == 1
    assert "case meridian-x-p2: event 1 is in the log and not in the history: it was deleted" in told


def test_a_case_that_was_dropped_with_its_leaves_is_found(archive: Archive) -> None:
    archive.tamper(f"delete from case_event {IN_SECOND}", f"delete from log_leaf {IN_SECOND}", f"delete from cases {IN_SECOND}")
    code, told = archive.verify(archive.bundle())
    assert code == 1
    assert "of the log, and stands where leaf" in told
    with pytest.raises(LogFault, match="gap between leaves"):
        archive.bundle(Sought(cases=(CASES[0],)))


def test_a_case_that_was_dropped_with_its_leaves_and_the_others_moved_up_is_found(archive: Archive) -> None:
    archive.tamper(
        f"delete from case_event {IN_SECOND}",
        f"delete from log_leaf {IN_SECOND}",
        "update log_leaf l set leaf = m.n - 1 + 1000 from (select leaf, row_number() over (order by leaf) as n from log_leaf) m "
        "where m.leaf = l.leaf",
        "update log_leaf set leaf = leaf - 1000",
    )
    code, told = archive.verify(archive.bundle())
    assert code == 1
    assert "some were cut off or added" in told
    with pytest.raises(LogFault, match="lacks leaves"):
        archive.bundle(Sought(cases=(CASES[2],)))


@pytest.mark.parametrize("sought", [None, SECOND], ids=["full", "filtered"])
def test_ciphertext_that_was_altered_is_found(archive: Archive, sought: Sought | None) -> None:
    archive.tamper(f"update words set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1) {IN_SECOND}")
    code, told = archive.verify(archive.bundle(sought, with_words=True))
    assert code == 1
    assert "case meridian-x-p2: event 1: the sealed words are not those that were recorded" in told


@pytest.mark.parametrize("sought", [None, SECOND], ids=["full", "filtered"])
def test_ciphertext_that_was_replaced_by_another_that_opens_is_found(archive: Archive, sought: Sought | None) -> None:
    with archive.store.engine.begin() as connection:
        subject = str(connection.execute(text("select subject_id from words where case_id = 'meridian-x-p2' limit 1")).scalar_one())
        archive.store.vault.write(connection, subject, "other", {"text": "I am very happy."})
    archive.tamper(f"update words set sealed = (select sealed from words where case_id = 'other') {IN_SECOND}")
    code, told = archive.verify(archive.bundle(sought, with_words=True))
    assert code == 1
    assert "case meridian-x-p2: event 1: the sealed words are not those that were recorded" in told


def rewrite(archive: Archive) -> None:
    """A case as its superuser would like it to have been, with a chain that holds."""
    archive.tamper(f"update case_event set doc = replace(doc, 'billing', 'kitchen') {IN_SECOND}")
    archive.chain_anew(CASES[1])
    assert archive.store.records.verify(CASES[1]) is None, "by itself it says nothing"


@pytest.mark.parametrize("sought", [None, SECOND], ids=["full", "filtered"])
def test_a_case_whose_chain_was_computed_anew_is_found(archive: Archive, sought: Sought | None) -> None:
    rewrite(archive)
    code, told = archive.verify(archive.bundle(sought))
    assert code == 1
    assert "case meridian-x-p2: event" in told
    assert "is another one than was sealed into the log: it was changed, and its hash with it" in told


def test_a_chain_and_leaves_that_were_computed_anew_do_not_fit_the_checkpoint(archive: Archive) -> None:
    rewrite(archive)
    archive.tamper(
        "update log_leaf l set hash = e.hash from case_event e where (e.case_id, e.seq) = (l.case_id, l.seq)",
    )
    code, told = archive.verify(archive.bundle())
    assert code == 1
    assert "the root over all events is not that of the checkpoint" in told
    code, told = archive.verify(archive.bundle(SECOND))
    assert code == 1
    assert "case meridian-x-p2: event" in told
    assert "is not in this log" in told


def test_a_root_that_was_computed_anew_lacks_the_signature(archive: Archive) -> None:
    """Without the log's key the checkpoint can be replaced, and not signed."""
    rewrite(archive)
    archive.log_anew()
    forged = Notary.parse(Notary.new_key(archive.notary.origin))
    archive.seal(forged)
    for sought in (None, SECOND):
        bundle = archive.bundle(sought)
        code, told = archive.verify(bundle)
        assert code == 1
        assert f"signed by {archive.notary.origin}+{forged.verifiers[0].key_hash.hex()}, not by a key that is trusted here" in told
        code, told = archive.verify(bundle, keys=None)
        assert code == 0
        assert "A KEY FROM INSIDE THE BUNDLE" in told, "which is why auditors bring their own"


def test_a_signature_under_another_root_does_not_fit(archive: Archive) -> None:
    archive.tamper("update checkpoint set note = regexp_replace(note, E'^([^\\n]*\\n[^\\n]*\\n)[^\\n]{10}', E'\\\\1AAAAAAAAAA')")
    code, told = archive.verify(archive.bundle())
    assert code == 1
    assert "the signature of" in told
    assert "does not fit" in told


def test_everything_computed_anew_with_the_logs_key_is_found_by_an_older_checkpoint_that_lay_outside(archive: Archive) -> None:
    outside = archive.seal()
    size = int(outside.split("\n")[1])
    add(archive.store, CASES[0], entry("later"))
    archive.seal()
    assert archive.verify(archive.bundle(), since=outside)[0] == 0
    assert archive.verify(archive.bundle(SECOND, older=(size,)), since=outside)[0] == 0
    rewrite(archive)
    archive.log_anew()
    archive.seal()
    add(archive.store, CASES[0], entry("later still"))
    archive.seal()
    for bundle in (archive.bundle(), archive.bundle(SECOND, older=(size,))):
        assert archive.verify(bundle)[0] == 0, "whoever has the key can make a log that holds by itself"
        code, told = archive.verify(bundle, since=outside)
        assert code == 1
        assert f"the log does not continue your checkpoint of size {size}" in told
