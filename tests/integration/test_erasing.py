"""Erasing a customer: two people, one transaction, and nothing of theirs can be read afterwards, while every proof holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, text

from activities.publish import Publisher
from adapters.erasure_list import BadErasureList, ErasureFile
from adapters.postgres.customers import Customers
from adapters.postgres.engine import open_engine
from adapters.postgres.erasing import Erasing
from adapters.postgres.exporting import PostgresExporter
from adapters.postgres.holds import Holds, NoHold
from adapters.postgres.store import Store
from adapters.postgres.subject_access import SubjectAccess
from adapters.postgres.vault import Erased as CannotRead
from domain import commands as c
from domain import events as e
from domain.erasure import CannotErase, Listed
from domain.exporting import Form
from domain.journal import WordsRead
from domain.seeking import Sought
from domain.values import Actor, Role, Via
from tests.integration.onrecord import OnRecord
from tests.integration.opened import arrive, created, place
from tests.standins import Square

BO = Actor("key:bo", Role.PRIVACY, Via.CLI)
CHI = Actor("key:chi", Role.PRIVACY, Via.CLI)
SECRET = "My number is 4711 and nobody answers"


@pytest.fixture
def acting(database: str) -> Iterator[Engine]:
    engine = open_engine(database, pool=3, role="loopkeeper_privacy")
    yield engine
    engine.dispose()


@pytest.fixture
def erasing(store: Store, acting: Engine, tmp_path: Path) -> Erasing:
    return Erasing(acting, store.vault, ErasureFile(tmp_path / "erasures.jsonl"))


def sam(store: Store, acting: Engine) -> str:
    (found,), _ = Customers(acting, store.vault).find("x", "@Sam")
    return found.id


def ended(store: Store, post: str = "p1", **data: object) -> OnRecord:
    """A case that was answered, and dismissed."""
    case = OnRecord.opened(store, post, text=SECRET, **data)
    case.publish(Publisher(store.ledger, store.composer, {"x": Square()}))
    case.command(c.Note, case.keep("Sam is angry"))
    case.command(c.Dismiss, "spam")
    return case


def erase(erasing: Erasing, *subjects: str) -> int:
    proposal, _ = erasing.propose(subjects, "letter of 3 March", BO)
    erasing.confirm(proposal.number, CHI)
    return proposal.number


def everything(database: str) -> str:
    """Every value of every table, as text."""
    engine = create_engine(database)
    with engine.connect() as connection:
        tables = connection.execute(text("select tablename from pg_tables where schemaname = 'public'")).scalars().all()
        whole = [str(connection.execute(text(f"select * from {table}")).all()) for table in tables]
    engine.dispose()
    return "\n".join(whole)


def test_a_customer_is_found_by_handle_and_by_id_and_with_them_who_is_called_the_same_elsewhere(store: Store, acting: Engine) -> None:
    place(store, created("p1"))
    place(store, created("f1"), channel="facebook")
    customers = Customers(acting, store.vault)
    for who in ("sam", "@SAM", "77"):
        there, others = customers.find("x", who)
        assert [(one.handle, one.channel, len(one.cases)) for one in there] == [("sam", "x", 1)]
        assert [one.channel for one in others] == (["facebook"] if who != "77" else [])
    assert customers.find("x", "sa") == ([], [])


def test_of_all_exports_those_with_words_of_theirs_are_named(store: Store, acting: Engine) -> None:
    case, other = ended(store), OnRecord.opened(store, "p7", author={"id": "79", "handle": "lee", "name": "Lee"})
    exporter = PostgresExporter(store.engine, store.vault)
    for of, form in ((case, Form.HTML), (other, Form.HTML), (case, Form.CSV)):
        with exporter.export(Sought(cases=(of.case_id,)), form, BO, with_words=form is Form.HTML):
            pass
    (left,) = Customers(acting, store.vault).scope([sam(store, acting)]).outside.exports
    assert left.endswith(f"words of {case.case_id} left in an export by key:bo")


def test_a_file_with_all_that_was_held_about_them_is_among_what_lies_outside(store: Store, acting: Engine) -> None:
    ended(store)
    ended(store, "p7", author={"id": "79", "handle": "lee", "name": "Lee"})
    customers = Customers(acting, store.vault)
    (lee,), _ = customers.find("x", "lee")
    given = SubjectAccess(acting, store.vault)
    given.export([sam(store, acting)], CHI)
    given.export([lee.id], BO)
    (left,) = customers.scope([sam(store, acting)]).outside.exports
    assert left.endswith("everything that was held about them, written to a file by key:chi")


def test_after_an_erasure_nothing_of_theirs_can_be_read_and_every_chain_holds(
    store: Store, acting: Engine, erasing: Erasing, database: str, tmp_path: Path
) -> None:
    case = ended(store)
    chain = store.records.chain(case.case_id)
    store.journal.note(WordsRead(datetime.now(UTC), case.case_id), BO)
    subject = sam(store, acting)
    with store.engine.connect() as connection:
        sealed = [bytes(one) for one in connection.execute(text("select sealed from words")).scalars()]
        said = bytes(connection.execute(text("select text_hash from effect where text_hash is not null limit 1")).scalar_one())
        author = store.vault.author_hash("x", "77")
    proposal, scope = erasing.propose([subject], "letter of 3 March", BO)
    assert scope.words == len(sealed)
    assert [case_id for case_id, _ in scope.outside.replies] == [case.case_id]
    assert scope.outside.posts == ((case.case_id, "x post p1"),)
    assert "shown to key:bo" in scope.outside.exports[0]
    assert store.reader.file(case.case_id).first_words == SECRET, "nothing is destroyed before it is confirmed"

    erased, _ = erasing.confirm(proposal.number, CHI)

    assert (erased.cases, erased.words) == ((case.case_id,), len(sealed))
    file = store.reader.file(case.case_id)
    assert (file.first_words, file.customer, dict(file.words)) == ("(erased)", "a customer", {})
    (row,) = store.reader.cases(only_open=False, before=None)
    assert (row.words, row.customer) == ("(erased)", "a customer")
    assert store.records.chain(case.case_id) == chain, "the history is as it was, hash by hash"
    assert store.records.verify(case.case_id) is None
    whole = everything(database)
    for gone in (*sealed, said, author):
        assert repr(gone)[2:-1] not in whole
    kept = (tmp_path / "erasures.jsonl").read_text()
    assert json.loads(kept)["subject"] == subject
    assert author.hex() not in kept
    assert "77" not in json.loads(kept)["author"] or len(json.loads(kept)["author"]) == 64
    kinds = [(entry.event.kind, entry.by.person) for _, _, entry in store.journal.entries()]
    assert kinds[-2:] == [("erasure_proposed", "key:bo"), ("subject.erased", "key:chi")]


def test_a_running_process_that_has_the_key_in_memory_cannot_read_them_either(store: Store, acting: Engine, erasing: Erasing) -> None:
    case = ended(store)
    reference = store.reader.file(case.case_id).history[0][1].words
    assert reference is not None
    with store.engine.connect() as connection:
        assert store.vault.read(connection, reference)["text"] == SECRET  # its key is remembered from here on
    erase(erasing, sam(store, acting))
    with store.engine.connect() as connection, pytest.raises(CannotRead):
        store.vault.read(connection, reference)
    with pytest.raises(CannotRead, match="this customer was erased"):
        store.reader.keep(case.case_id, "another note")


def test_whoever_proposed_it_cannot_confirm_it_and_a_decision_is_made_once(store: Store, acting: Engine, erasing: Erasing) -> None:
    ended(store)
    proposal, _ = erasing.propose([sam(store, acting)], "letter of 3 March", BO)
    with pytest.raises(CannotErase, match="was proposed by you; a second person has to confirm it"):
        erasing.confirm(proposal.number, BO)
    erasing.reject(proposal.number, "the letter was forged", CHI)
    with pytest.raises(CannotErase, match=r"was rejected already, on \d{4}-\d\d-\d\d by key:chi"):
        erasing.confirm(proposal.number, CHI)
    with pytest.raises(CannotErase, match="there is no erasure 99"):
        erasing.confirm(99, CHI)
    assert erasing.proposals() == []


def test_an_open_case_a_hold_and_a_reason_with_their_name_refuse_it(store: Store, acting: Engine, erasing: Erasing) -> None:
    case = OnRecord.opened(store)
    subject = sam(store, acting)
    with pytest.raises(CannotErase, match=r"still open: #\d+ meridian-x-p1 \(new\). Bring them to an end first"):
        erasing.propose([subject], "letter", BO)
    case.command(c.Dismiss, "spam")
    for reason in ("Sam asked for it", "from @sam", "SAM OKAFOR"):
        with pytest.raises(CannotErase, match="must not name them"):
            erasing.propose([subject], reason, BO)
    proposal, _ = erasing.propose([subject], "letter; the same as before", BO)
    holds = Holds(acting)
    with pytest.raises(NoHold, match="there is no case #99, meridian-x-nobody; nothing is held"):
        holds.set(["#99", "meridian-x-nobody"], "court case 12/26", BO)
    number = holds.set(["#1"], "court case 12/26", BO)  # as pages and the command call it
    with pytest.raises(CannotErase, match=rf"a legal hold keeps meridian-x-p1 \(hold {number}\)"):
        erasing.confirm(proposal.number, CHI)
    holds.lift(number, "it is over", CHI)
    erasing.confirm(proposal.number, CHI)
    with pytest.raises(NoHold, match="destroyed already"):
        holds.set([case.case_id], "too late", BO)


def test_what_they_wrote_in_a_held_case_of_somebody_else_is_held_too(store: Store, acting: Engine, erasing: Erasing) -> None:
    other = OnRecord.opened(store, "q1", author={"id": "88", "handle": "kim", "name": "Kim Lee"})
    place(store, created("q2", in_reply_to="q1", text="me too"))
    Holds(acting).set([other.case_id], "court", BO)
    with pytest.raises(CannotErase, match="a legal hold keeps meridian-x-q1"):
        erasing.propose([sam(store, acting)], "letter", BO)


def test_what_was_confirmed_is_what_was_shown(store: Store, acting: Engine, erasing: Erasing) -> None:
    ended(store)
    proposal, _ = erasing.propose([sam(store, acting)], "letter", BO)
    ended(store, "p2")
    with pytest.raises(CannotErase, match="propose anew"):
        erasing.confirm(proposal.number, CHI)


def test_without_a_list_outside_nothing_is_confirmed_and_one_that_cannot_be_written_leaves_everything(
    store: Store, acting: Engine, erasing: Erasing, tmp_path: Path
) -> None:
    case = ended(store)
    proposal, _ = erasing.propose([sam(store, acting)], "letter", BO)
    with pytest.raises(CannotErase, match="LOOPKEEPER_ERASURE_LIST"):
        Erasing(acting, store.vault, None).confirm(proposal.number, CHI)
    with pytest.raises(BadErasureList, match="nothing was erased"):
        Erasing(acting, store.vault, ErasureFile(tmp_path / "nowhere" / "list")).confirm(proposal.number, CHI)
    assert store.reader.file(case.case_id).first_words == SECRET


def test_a_new_post_of_the_same_person_is_of_a_new_customer_and_leads_back_to_nothing(
    store: Store, acting: Engine, erasing: Erasing
) -> None:
    case = ended(store)
    before = sam(store, acting)
    erase(erasing, before)
    placed = place(store, created("p9", in_reply_to="p1", text="It is broken again!"))
    assert placed is not None
    assert placed.case_id != case.case_id
    first = store.records.history(placed.case_id)[0][1].event
    assert isinstance(first, e.Opened)
    assert first.earlier_case is None
    after = sam(store, acting)
    assert after != before
    assert store.reader.file(placed.case_id).first_words == "It is broken again!"
    edit: dict[str, object] = {
        "type": "post.edited",
        "data": {"id": "p1", "text": SECRET, "edited_at": datetime.now(UTC).isoformat()},
        "brand": "meridian",
    }
    assert place(store, edit) is None, "a change of an erased post is not kept"


def test_what_lies_in_the_inbox_without_a_case_goes_too_and_what_is_others_stays(store: Store, acting: Engine, erasing: Erasing) -> None:
    ended(store)
    theirs = arrive(store, created("p5", in_reply_to="unknown", text=SECRET))
    other = arrive(store, created("p6", in_reply_to="unknown", author={"id": "88", "handle": "kim", "name": "Kim"}))
    assert theirs is not None
    assert other is not None
    assert [store.inbox.place(n) for n in (theirs, other)] == [None, None], "both wait for their parent"
    erase(erasing, sam(store, acting))
    with store.engine.connect() as connection:
        left = {
            r.id: (r.state, r.sealed is not None)
            for r in connection.execute(text("select id, state, sealed from inbound where id = any(:i)"), {"i": [theirs, other]})
        }
    assert left == {theirs: ("done", False), other: ("parked", True)}


def test_what_else_is_kept_of_their_cases_is_cleared_in_the_same_transaction(store: Store, acting: Engine, tmp_path: Path) -> None:
    forgotten: list[Sequence[str]] = []

    def forget(connection: Connection, cases: Sequence[str]) -> None:
        assert connection.in_transaction()
        forgotten.append(list(cases))

    case = ended(store)
    erase(Erasing(acting, store.vault, ErasureFile(tmp_path / "list"), [forget]), sam(store, acting))
    assert forgotten == [[case.case_id]]


def test_whoever_is_in_the_list_and_in_a_restored_database_is_erased_again_open_or_not(
    store: Store, acting: Engine, erasing: Erasing, open_store: Callable[[], Store], tmp_path: Path
) -> None:
    case = OnRecord.opened(store)  # as in a backup from before it was closed
    subject = sam(store, acting)
    with store.engine.connect() as connection:
        keyed = erasing._keyed(bytes(connection.execute(text("select author_hash from subject")).scalar_one()))
    now = datetime.now(UTC)
    outside = ErasureFile(tmp_path / "erasures.jsonl")
    outside.add([Listed(now, "e-1", "01980000-0000-7000-8000-000000000000", "0"), Listed(now, "e-2", subject, keyed)])
    erased, still_open = erasing.again()
    assert (erased.subjects, erased.cases, still_open) == (1, (case.case_id,), [case.case_id])
    assert store.reader.file(case.case_id).first_words == "(erased)"
    assert erasing.again()[0].subjects == 0, "and nothing is left to do"
    last = store.journal.entries()[-1][2].event
    assert (last.kind, getattr(last, "again", None)) == ("subject.erased", True)


def test_a_list_of_another_installation_erases_nobody(store: Store, acting: Engine, erasing: Erasing, tmp_path: Path) -> None:
    OnRecord.opened(store)
    ErasureFile(tmp_path / "erasures.jsonl").add([Listed(datetime.now(UTC), "e", sam(store, acting), "00" * 32)])
    with pytest.raises(CannotErase, match="another installation's"):
        erasing.again()


def test_a_line_that_was_cut_off_counts_for_nothing_and_swallows_none_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "list"
    line = Listed(datetime(2026, 3, 4, tzinfo=UTC), "e", "s", "a")
    ErasureFile(path).add([line])
    with path.open("a") as file:
        file.write('{"at": "2026-03')
    ErasureFile(path).add([line])
    assert ErasureFile(path).lines() == [line, line]
    path.write_text(path.read_text() + '{"v": 7}\n')
    with pytest.raises(BadErasureList, match=r"list:4: this is not a line of an erasure list"):
        ErasureFile(path).lines()
    assert ErasureFile(tmp_path / "none").lines() == []


def test_what_was_to_be_said_to_somebody_who_was_erased_is_not_said(store: Store, acting: Engine, erasing: Erasing) -> None:
    case = OnRecord.opened(store)
    case.publish(Publisher(store.ledger, store.composer, {"x": Square()}))
    case.command(c.Accept)
    assert case.command(c.Update, case.keep("We are on it again.")) is None
    superuser = create_engine(acting.url)
    with superuser.begin() as connection:  # an open case of somebody who was erased: that comes of a restore alone
        connection.execute(text("update cases set closed_at = now()"))
    superuser.dispose()
    erase(erasing, sam(store, acting))
    square = Square()
    case.publish(Publisher(store.ledger, store.composer, {"x": square}))
    assert square.texts(case.case_id) == []
    assert case.kinds()[-2:] == ["reply_failed", "human_needed"]
    assert store.records.verify(case.case_id) is None
