"""Finding cases on a real database: by everything that an auditor can say of them, and by nothing that was forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, text
from temporalio.exceptions import ApplicationError

from activities.housekeeping import FOLLOW_EVERY, LogFollowers
from adapters.postgres import searching
from adapters.postgres.indexing import Indexer, forget
from adapters.postgres.log import Sealer
from adapters.postgres.store import Store
from domain import commands as c
from domain.ports import Unavailable
from domain.seeking import Outcome, Sought
from domain.values import SYSTEM, Actor, Role, Via
from tests.integration.onrecord import ANA, OnRecord
from tests.integration.searching import catch_up, sealer_of

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def sealer(database: str) -> Iterator[Sealer]:
    with sealer_of(database) as one:
        yield one


def author(number: int, handle: str, name: str) -> dict[str, str]:
    return {"id": str(number), "handle": handle, "name": name}


def found(store: Store, **sought: object) -> list[str]:
    page = store.search.find(Sought(**sought))  # type: ignore[arg-type]
    assert page.after is None
    return [case.case_id for case in page.cases]


@pytest.fixture
def three(store: Store, sealer: Sealer) -> dict[str, OnRecord]:
    """Three cases: one that Ana has, one that was dismissed, one of another customer with Japanese words."""
    ana = OnRecord.opened(store, "p1", text="You charged me twice for one REFUND!", author=author(1, "sam_o", "Sam Okafor"))
    ana.command(c.Accept)
    ana.command(c.Note, ana.keep("The duplicate is from March."))
    spam = OnRecord.opened(store, "p2", text="My internet is broken", author=author(2, "bot", "Bot"))
    spam.tell(c.Dismiss("d", Actor("slack:UMAX", Role.SOCIAL, Via.SLACK), "spam"))
    tokyo = OnRecord.opened(store, "p3", text="返金がまだ届きません。You charged me twice", author=author(3, "yuki", "佐藤ゆき"))
    catch_up(store, sealer)
    return {"ana": ana, "spam": spam, "tokyo": tokyo}


def test_nothing_is_found_before_it_is_indexed_and_then_the_newest_first(store: Store, sealer: Sealer) -> None:
    first, second = OnRecord.opened(store, "p1"), OnRecord.opened(store, "p2", author=author(2, "b", "B"))
    assert found(store) == []
    sealed = catch_up(store, sealer)
    assert sealed > 2
    assert store.search.behind() == 0
    assert found(store) == [second.case_id, first.case_id]


def test_cases_are_found_by_each_thing_that_can_be_said_of_them(store: Store, three: dict[str, OnRecord]) -> None:
    ana, spam, tokyo = (three[name].case_id for name in ("ana", "spam", "tokyo"))
    assert found(store, words="refund") == [ana]
    assert found(store, words="twice CHARGED") == [tokyo, ana]
    assert found(store, words="duplicate march") == [ana], "internal notes are words, too"
    assert found(store, words="返金") == [tokyo]
    assert found(store, words="届") == [tokyo]
    assert found(store, words="金届") == []
    assert found(store, words="charge") == [], "whole words"
    assert found(store, words="!?") == []
    assert found(store, customer="@SAM_O") == [ana]
    assert found(store, customer="okafor") == [ana]
    assert found(store, customer="佐藤") == [tokyo]
    assert found(store, customer="refund") == []
    assert found(store, person=ANA.person) == [ana]
    assert found(store, department="technical") == [spam]
    assert found(store, department="billing") == [tokyo, ana]
    assert found(store, channel="x", brand="meridian") == [tokyo, spam, ana]
    assert found(store, channel="facebook") == []
    assert found(store, kind="accepted") == [ana]
    assert found(store, kind="accepted", person=ANA.person, department="billing") == [ana]
    assert found(store, kind="accepted", department="technical") == []
    assert found(store, kind="dismissed", person="slack:UMAX") == [spam]
    assert found(store, kind="opened", person="slack:UMAX") == []
    assert found(store, outcome=Outcome.DISMISSED) == [spam]
    assert found(store, outcome=Outcome.OPEN, words="twice") == [tokyo, ana]
    assert found(store, cases=(spam, ana, "none")) == [spam, ana]
    assert found(store, cases=(spam, ana), words="refund") == [ana]
    number = store.reader.file(ana).number
    assert found(store, number=number) == [ana]
    assert found(store, number=number, outcome=Outcome.CLOSED) == []


def test_ranges_count_their_first_moment_and_not_their_last(store: Store, three: dict[str, OnRecord]) -> None:
    ana, spam, tokyo = (three[name].case_id for name in ("ana", "spam", "tokyo"))
    opened = store.reader.file(spam).case.opened_at
    assert opened is not None
    assert found(store, opened_from=opened) == [tokyo, spam]
    assert found(store, opened_until=opened) == [ana]
    assert found(store, opened_from=LONG_AGO, opened_until=LONG_AGO + timedelta(days=1)) == []
    first = store.records.chain(tokyo)[0].recorded_us
    then = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=first)
    assert found(store, kind="opened", recorded_from=then) == [tokyo]
    assert found(store, kind="opened", recorded_until=then) == [spam, ana]
    assert found(store, recorded_from=then - timedelta(days=1), recorded_until=then) == [spam, ana]
    assert found(store, kind="accepted", person=ANA.person, recorded_from=then) == []
    midnight = then.replace(hour=0, minute=0, second=0, microsecond=0)
    assert found(store, recorded_from=midnight, recorded_until=midnight + timedelta(days=2)) == [tokyo, spam, ana]
    assert found(store, recorded_from=midnight - timedelta(days=400), recorded_until=midnight - timedelta(days=300)) == []
    assert found(store, recorded_from=midnight - timedelta(days=400), recorded_until=midnight + timedelta(days=2)) == [tokyo, spam, ana]


def test_what_is_said_of_an_event_must_be_true_of_one_event(store: Store, sealer: Sealer) -> None:
    case = OnRecord.opened(store, "p1")
    case.command(c.Accept)
    case.command(c.Reassign, "technical")
    case.tell(c.Note("n", Actor("slack:UTOM", Role.DEPARTMENT, Via.SLACK), case.keep("Now it is ours.")))
    catch_up(store, sealer)
    assert found(store, kind="note_added", department="technical", person="slack:UTOM") == [case.case_id]
    assert found(store, kind="note_added", department="billing") == []
    assert found(store, department="billing", person="slack:UTOM") == [case.case_id], "each of the case as a whole"
    assert found(store, kind="reassigned", department="billing", person=ANA.person) == [case.case_id], "whose it was until then"
    assert found(store, kind="handed_off", department="technical", person=ANA.person) == [case.case_id]
    assert found(store, kind="accepted", department="technical", person=ANA.person) == []


def test_a_department_finds_its_own(store: Store, three: dict[str, OnRecord]) -> None:
    mine = store.search.find(Sought(), seen_by=frozenset({"technical"}))
    assert [case.case_id for case in mine.cases] == [three["spam"].case_id]
    assert store.search.find(Sought(), seen_by=frozenset()).cases == ()


def test_pages_follow_each_other_without_a_gap_across_slices(store: Store, sealer: Sealer, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("indexing", "searching"):
        monkeypatch.setattr(f"adapters.postgres.{module}.SLICE", 4)
    cases = [OnRecord.opened(store, f"p{n}", author=author(n, f"h{n}", f"N{n}")).case_id for n in range(11)]
    catch_up(store, sealer)
    for sought in (Sought(), Sought(kind="opened", recorded_from=LONG_AGO), Sought(words="twice", outcome=Outcome.OPEN)):
        seen, after, pages = [], None, 0
        while pages == 0 or after is not None:
            page = store.search.find(sought, after, at_most=3)
            seen += [case.case_id for case in page.cases]
            after, pages = page.after, pages + 1
        assert seen == cases[::-1]
        assert pages == 4


def test_a_search_that_looks_into_too_many_cases_ends_its_page_and_goes_on(
    store: Store, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "AT_ONCE", 2)
    monkeypatch.setattr(searching, "LOOKED_AT_MOST", 4)
    first = OnRecord.opened(store, "p0")
    then = datetime.now(UTC)
    for n in range(1, 6):
        OnRecord.opened(store, f"p{n}", author=author(n, f"h{n}", f"N{n}"))
    catch_up(store, sealer)
    sought = Sought(kind="opened", recorded_until=then)
    page = store.search.find(sought, None, at_most=1)
    assert page.cases == ()
    assert page.after is not None
    rest = store.search.find(sought, page.after, at_most=1)
    assert [case.case_id for case in rest.cases] == [first.case_id]


def test_a_search_that_takes_its_time_gives_what_it_has_and_goes_on(store: Store, sealer: Sealer, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("indexing", "searching"):
        monkeypatch.setattr(f"adapters.postgres.{module}.SLICE", 2)
    monkeypatch.setattr(searching, "FEW", -1)
    monkeypatch.setattr(searching, "SLICES_AT_ONCE", 1)
    monkeypatch.setattr(searching, "BUDGET_SECONDS", -1.0)
    cases = [OnRecord.opened(store, f"p{n}", author=author(n, f"h{n}", f"N{n}")).case_id for n in range(5)]
    catch_up(store, sealer)
    seen, after, pages = [], None, 0
    while pages == 0 or after is not None:
        page = store.search.find(Sought(words="twice"), after, at_most=4)
        seen += [case.case_id for case in page.cases]
        after, pages = page.after, pages + 1
    assert seen == cases[::-1]
    assert pages == 3
    numbers = [store.reader.file(case).number for case in cases]
    assert store.search.found_by_words("twice okafor", 4) == []
    assert store.search.found_by_words("twice N3", 4) == [numbers[3]]
    assert store.search.found_by_words("charged TWICE", 4) == numbers[:0:-1]
    assert store.search.found_by_words(f"#{numbers[1]} twice", 4) == [numbers[1]]
    assert store.search.found_by_words(f"#{numbers[1]} nothing", 4) == []
    assert store.search.found_by_words("…", 4) == []


def test_a_case_is_found_as_it_is_after_it_went_on(store: Store, three: dict[str, OnRecord], sealer: Sealer) -> None:
    tokyo = three["tokyo"]
    tokyo.command(c.Reassign, "technical")
    tokyo.command(c.Accept)
    catch_up(store, sealer)
    assert found(store, department="technical", person=ANA.person) == [tokyo.case_id]
    assert store.search.find(Sought(), seen_by=frozenset({"billing"})).cases[0].case_id == three["ana"].case_id


def test_private_words_are_not_in_the_index(store: Store, sealer: Sealer) -> None:
    case = OnRecord.opened(store, "p1")
    case.command(c.Accept)
    words = case.keep("Your customer number is Xylophone", private=True)
    case.command(c.TakePrivate, case.keep("We have written to you in private."), words)
    catch_up(store, sealer)
    assert found(store, words="xylophone") == []
    assert found(store, words="written private") == [case.case_id]


def test_who_is_erased_is_found_by_no_word_any_more_now_or_later(
    store: Store, three: dict[str, OnRecord], sealer: Sealer, database: str
) -> None:
    ana, tokyo = three["ana"], three["tokyo"]
    owner = create_engine(database)
    with owner.begin() as connection:
        connection.execute(
            text(
                "update subject set wrapped_key = null, profile = null, author_hash = uuid_send(uuidv7()), erased_at = clock_timestamp() "
                "where id = (select subject_id from cases where case_id = :case)"
            ),
            {"case": ana.case_id},
        )
        forget(connection, [ana.case_id])
    owner.dispose()
    assert found(store, words="refund") == found(store, customer="okafor") == []
    assert found(store, words="twice") == [tokyo.case_id]
    assert found(store, person=ANA.person) == [ana.case_id], "what happened is still found"
    Indexer(store.engine, store.vault).begin_anew()
    catch_up(store, sealer)
    assert found(store, words="refund") == found(store, customer="okafor") == []
    assert found(store, words="twice") == [tokyo.case_id]


def test_the_index_tells_nobody_which_words_were_written(store: Store, three: dict[str, OnRecord]) -> None:
    from adapters.postgres.indexing import BlindIndex

    with store.engine.connect() as connection:
        kept = {number for row in connection.execute(text("select words from case_search")).scalars() for number in row}
    assert BlindIndex(store.vault.index_key).hash("word:refund") in kept
    assert BlindIndex(b"another key").hash("word:refund") not in kept


def test_one_indexer_at_a_time_and_the_journal_is_not_searched(store: Store, sealer: Sealer) -> None:
    from domain.journal import CaseRead

    store.journal.note(CaseRead(datetime.now(UTC), "x"), SYSTEM)
    OnRecord.opened(store)
    while sealer.seal():
        pass
    with store.engine.connect() as other:
        other.execute(text("select pg_advisory_xact_lock(:key)"), {"key": 0x66696E64})
        assert Indexer(store.engine, store.vault).index() == 0
    assert Indexer(store.engine, store.vault).index() > 0
    assert len(found(store)) == 1
    assert Indexer(store.engine, store.vault).index() == 0


def test_the_chore_follows_the_log_until_the_worker_ends(store: Store, sealer: Sealer) -> None:
    cases = [OnRecord.opened(store, f"p{n}", author=author(n, f"h{n}", f"N{n}")).case_id for n in range(4)]
    while sealed := sealer.seal():
        size = sealed.size
    rests: list[float] = []

    def ended(seconds: float) -> bool:
        rests.append(seconds)
        return seconds > 0

    indexer = Indexer(store.engine, store.vault)
    assert LogFollowers({"search": lambda: indexer.index(4)}, ended).follow("search") == size
    assert rests == [0.0] * -(-size // 4) + [FOLLOW_EVERY], "it only rests when there is nothing more"
    assert found(store) == cases[::-1]


def test_the_chore_is_tried_again_when_the_database_is_away(store: Store) -> None:
    def away() -> int:
        raise Unavailable("the database cannot be reached")

    with pytest.raises(ApplicationError, match="cannot be reached") as told:
        LogFollowers({"search": away}).follow("search")
    assert not told.value.non_retryable
