"""The roll-up on a real database: its sums are those of all histories, whatever happened in whichever order, and words stay nobody's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from activities.housekeeping import LogFollowers
from adapters.notary import Notary
from adapters.postgres import rolling_up
from adapters.postgres.engine import open_engine
from adapters.postgres.log import Sealer
from adapters.postgres.rolling_up import EVERY_CASE, SUMS, RollUp, row_of
from adapters.postgres.store import Store
from domain import commands as c
from domain.events import ReplyPosted
from domain.histograms import bucket
from domain.journal import AdminActed
from domain.measures import measure
from domain.values import SYSTEM, Permalink
from tests.integration.onrecord import ANA, OnRecord
from tests.integration.opened import created, place

NOTARY = Notary.parse(Notary.new_key("loopkeeper.example.com/log"))


@pytest.fixture
def seal(database: str) -> Iterator[Callable[[], None]]:
    engine = open_engine(database, pool=2, role="loopkeeper_sealer")
    sealer = Sealer(engine, NOTARY)

    def all_of_it() -> None:
        while sealer.seal() is not None:
            pass

    yield all_of_it
    engine.dispose()


def rolled(store: Store, at_most: int = 2_000) -> int:
    roll_up, taken = RollUp(store.engine, store.vault, store.book), 0
    while (more := roll_up.roll_up(at_most)) > 0:
        taken += more
    return taken


def rows(engine: Engine, sql: str, **values: Any) -> list[Any]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql), values)]


def posted(case: OnRecord) -> None:
    """The network has what is planned."""
    while (reply := case.case.planned()) is not None:
        parts = (Permalink(f"r{reply.step}", f"https://x.example/r{reply.step}"),)
        case.tell(c.Posted(f"posted-{reply.step}", reply.step, reply.purpose, case.now(), parts, reply.words, reply.promise))


def resolved(case: OnRecord) -> None:
    case.command(c.Accept)
    case.command(c.Resolve, "other", case.keep("Done."))
    posted(case)


def test_the_sums_are_those_of_all_cases_after_every_batch(store: Store, seal: Callable[[], None]) -> None:
    cases = [OnRecord.opened(store, f"p{n}", author={"id": str(n), "handle": f"h{n}", "name": "A"}) for n in range(4)]
    for case in cases[:3]:
        posted(case)
    seal()
    assert rolled(store, at_most=3) > 0
    add_up_anew(store)
    resolved(cases[0])
    cases[1].command(c.Accept)
    cases[1].command(c.Reassign, "technical")
    cases[2].command(c.Dismiss, "spam")
    seal()
    rolled(store, at_most=5)
    add_up_anew(store)
    assert rows(store.engine, "select sum(opened), sum(closed_in_public), sum(without_loop) from report_day") == [(4, 1, 1)]
    assert rows(store.engine, "select department, sum(opened) from report_day group by 1 having sum(opened) > 0 order by 1") == [
        ("billing", 3),
        ("technical", 1),
    ]
    assert rows(store.engine, "select owner, sum(resolved) from report_owner group by 1 having sum(resolved) > 0") == [(ANA.person, 1)]


def add_up_anew(store: Store) -> None:
    """What is kept is what adding up everything gives, and the figures of each case are those of its history."""
    with store.engine.connect() as connection:
        for each in SUMS:
            names = ", ".join((*each.keys, *each.counts))
            some = " or ".join(f"{name} <> 0" for name in each.counts)
            kept = connection.execute(text(f"select {names} from {each.table} where {some}")).all()
            connection.execute(text(f"create temporary table anew (like {each.table} including all)"))
            connection.execute(text(each.sql(EVERY_CASE).replace(each.table, "anew")))
            anew = connection.execute(text(f"select {names} from anew where {some}")).all()
            assert Counter(map(tuple, kept)) == Counter(map(tuple, anew))
            connection.execute(text("drop table anew"))
        known = {row["case_id"]: dict(row) for row in connection.execute(text("select * from case_measure")).mappings()}
    for case_id, row in known.items():
        history = [entry.event for _, entry in store.records.history(case_id)]
        found = measure(case_id, history, lambda version: store.book.policy(version).for_case("meridian", "x"))
        assert found is not None
        assert row == row_of(case_id, found, "Europe/London")


def test_a_cursor_misses_nothing_and_takes_nothing_twice(store: Store, seal: Callable[[], None]) -> None:
    store.journal.note(AdminActed(OnRecord.opened(store, "p1").now(), "tried", "the journal"), SYSTEM)
    OnRecord.opened(store, "p2")
    seal()
    events = rows(store.engine, "select count(*) from log_leaf")[0][0]
    assert rolled(store, at_most=2) == events
    assert rolled(store) == 0
    assert rows(store.engine, "select count(*) from case_measure") == [(2,)]
    assert rows(store.engine, "select leaf from report_progress where name = 'history'") == [(events,)]


def test_nothing_is_read_before_it_is_sealed_and_everything_after(store: Store, seal: Callable[[], None]) -> None:
    case = OnRecord.opened(store, "p1")
    assert rolled(store) == 0
    seal()
    assert rolled(store) > 0
    posted(case)
    assert any(isinstance(entry.event, ReplyPosted) for _, entry in store.records.history(case.case_id))
    seal()
    rolled(store)
    assert rows(store.engine, "select acknowledged, within_15_min from report_day") == [(1, 1)]


def test_another_version_of_the_figures_reads_everything_anew_and_an_older_one_leaves_them_alone(
    store: Store, seal: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    posted(OnRecord.opened(store, "p1"))
    seal()
    events = rolled(store)
    with store.engine.begin() as connection:
        connection.execute(text("update case_measure set thanks = 7"))  # what an older version made of it
    monkeypatch.setattr(rolling_up, "VERSION", 2)
    assert rolled(store) == events
    assert rows(store.engine, "select thanks from case_measure") == [(0,)]
    add_up_anew(store)
    monkeypatch.setattr(rolling_up, "VERSION", 1)
    OnRecord.opened(store, "p2")
    seal()
    assert rolled(store) == 0


def test_they_are_as_of_the_moment_when_everything_was_taken_up(store: Store, seal: Callable[[], None]) -> None:
    OnRecord.opened(store, "p1")
    seal()
    roll_up = RollUp(store.engine, store.vault, store.book)
    assert store.reports.as_of() is None
    assert roll_up.roll_up(at_most=2) == 2
    assert store.reports.as_of() is None, "there is more to take up"
    while roll_up.roll_up(at_most=2) == 2:
        pass
    first = store.reports.as_of()
    assert first is not None
    roll_up.roll_up()
    second = store.reports.as_of()
    assert second is not None
    assert second > first


def test_the_housekeeper_follows_the_log_with_it(store: Store, seal: Callable[[], None]) -> None:
    OnRecord.opened(store, "p1")
    seal()
    events = rows(store.engine, "select count(*) from log_leaf")[0][0]
    followers = LogFollowers({"numbers": RollUp(store.engine, store.vault, store.book).roll_up}, ended=lambda rest: rest > 0)
    assert followers.follow("numbers") == events
    assert rows(store.engine, "select opened from report_day") == [(1,)]


def test_only_one_rolls_up_at_a_time(store: Store, seal: Callable[[], None]) -> None:
    OnRecord.opened(store, "p1")
    seal()
    with store.engine.begin() as other:
        other.execute(text("select pg_advisory_xact_lock(:key)"), {"key": 0x6E756D73})
        assert RollUp(store.engine, store.vault, store.book).roll_up() == 0
    assert rolled(store) > 0


def test_a_thank_you_after_the_end_counts_and_so_does_a_complaint_that_reopens(store: Store, seal: Callable[[], None]) -> None:
    case = OnRecord.opened(store, "p1")
    posted(case)
    resolved(case)
    case.comes(created("p2", text="Thank you so much!", in_reply_to="p1"))
    posted(case)
    seal()
    rolled(store)
    assert rows(store.engine, "select thanked, thanks_answered, closed_in_public, reopened from report_day") == [(1, 1, 1, 0)]
    assert rows(store.engine, "select sum(posts), sum(opened) from report_hour where level = 'all'") == [(2, 1)]
    case.comes(created("p3", text="It is broken again, this is ridiculous!", in_reply_to="p1"))
    seal()
    rolled(store)
    assert rows(store.engine, "select thanked, closed_in_public, still_open, reopened from report_day") == [(0, 0, 1, 1)]
    add_up_anew(store)


def test_the_database_puts_times_into_the_same_buckets(store: Store) -> None:
    seconds = [*range(2_000), *(round(1.1**n) + d for n in range(1, 190) for d in (-1, 0, 1)), 2_000_000_000]
    seconds = [s for s in seconds if 0 <= s < 2**31]
    found = rows(store.engine, "select s, report_bucket(s) from unnest(cast(:all as int[])) as s", all=seconds)
    assert [row for row in found if row[1] != bucket(row[0])] == []


def test_words_are_kept_only_when_several_customers_used_them(store: Store, seal: Callable[[], None]) -> None:
    def complain(post: str, customer: str, words: str) -> None:
        placed = place(store, created(post, text=words, author={"id": customer, "handle": f"h{customer}", "name": "Somebody"}))
        assert placed is not None

    for n in range(5):
        complain(f"a{n}", f"{n}", "My parcel was not delivered and nobody answers")
    for n in range(7):
        complain(f"b{n}", "same customer", f"My unmistakable surname is {'x' * n}anderson and the invoice is wrong")
    seal()
    rolled(store)
    kept = dict(rows(store.engine, "select term, customers from report_term"))
    assert kept == {"parcel": 5, "delivered": 5, "answers": 5}
    complain("c1", "9", "another parcel")
    seal()
    rolled(store)
    assert rows(store.engine, "select customers from report_term where term = 'parcel'") == [(5,)], "counted every 15 minutes"
    with store.engine.begin() as connection:
        connection.execute(text("update report_progress set at = at - cast(:ago as interval)"), {"ago": timedelta(minutes=16)})
    rolled(store)
    assert rows(store.engine, "select customers from report_term where term = 'parcel'") == [(6,)]
