"""Retention: the words of cases whose time is over are destroyed, by how they ended and by category, and a hold keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from adapters.postgres.book import PostgresBook
from adapters.postgres.engine import open_engine
from adapters.postgres.holds import Holds
from adapters.postgres.retention import Applied, Retention
from adapters.postgres.store import Store
from domain import commands as c
from domain.journal import AdminActed, JournalEvent, RetentionApplied
from domain.values import Actor, Role, Via
from tests.conftest import POLICY, WORDING
from tests.integration.onrecord import OnRecord
from tests.integration.opened import arrive, created, place

BO = Actor("key:bo", Role.PRIVACY, Via.CLI)
RULES = "\nretention: {default: 3 y, spam: 30 d, dismissed: 90 d, technical: 10 y}\n"
TODAY = datetime.now(UTC)


def after(days: int) -> datetime:
    return TODAY + timedelta(days=days)


@pytest.fixture
def acting(database: str) -> Iterator[Engine]:
    engine = open_engine(database, pool=2, role="loopkeeper_privacy")
    yield engine
    engine.dispose()


@pytest.fixture
def retention(store: Store, acting: Engine) -> Retention:
    store.book.activate(POLICY + RULES, WORDING, by="tests")
    return Retention(acting, PostgresBook(acting))


def dismissed(store: Store, post: str, why: str = "spam", **data: Any) -> OnRecord:
    case = OnRecord.opened(store, post, **data)
    assert case.command(c.Dismiss, why) is None
    return case


def ended(store: Store, database: str, post: str, category: str, **data: Any) -> OnRecord:
    """A case whose loop was closed and whose watch is over, as its view has it."""
    case = OnRecord.opened(store, post, **data)
    superuser = create_engine(database)
    with superuser.begin() as connection:
        over = "update cases set ended = 'watch_ended', closed_at = now(), category = :category where case_id = :case"
        connection.execute(text(over), {"case": case.case_id, "category": category})
    superuser.dispose()
    return case


def told(applied: list[Applied]) -> dict[str, tuple[int, int]]:
    return {one.rule: (one.cases, one.held) for one in applied if one.cases or one.held}


def noted(store: Store) -> list[JournalEvent]:
    """What the journal has beside the policies that came into force."""
    return [entry.event for _, _, entry in store.journal.entries() if not isinstance(entry.event, AdminActed)]


def first_words(case: OnRecord) -> str:
    return case.store.reader.file(case.case_id).first_words


def kim(number: int) -> dict[str, Any]:
    return {"author": {"id": f"k{number}", "handle": f"kim{number}", "name": "Kim"}}


def test_each_rule_counts_from_the_end_and_nothing_goes_before_its_time(store: Store, retention: Retention, database: str) -> None:
    dismissed(store, "p1", **kim(1))
    dismissed(store, "p2", "nothing_to_answer", **kim(2))
    ended(store, database, "p3", "billing", **kim(3))
    ended(store, database, "p4", "technical", **kim(4))
    OnRecord.opened(store, "p5", **kim(5))
    spans = {29: {}, 31: {"spam": (1, 0)}, 91: {"spam": (1, 0), "dismissed": (1, 0)}}
    spans |= {3 * 365 + 1: spans[91] | {"default": (1, 0)}, 10 * 365 + 1: spans[91] | {"default": (1, 0), "technical": (1, 0)}}
    assert {days: told(retention.apply(after(days), dry_run=True)) for days in spans} == spans
    assert first_words(OnRecord(store, "meridian-x-p1")) != "(erased)", "a dry run destroys nothing"
    assert noted(store) == []


def test_what_is_over_goes_once_with_the_customer_of_whom_nothing_is_left_and_the_chain_holds(store: Store, retention: Retention) -> None:
    case = dismissed(store, "p1")
    case.keep("nothing but spam")
    (applied,) = [one for one in retention.apply(after(31), dry_run=False) if one.cases]
    assert (applied.rule, applied.cases, applied.words, applied.customers) == ("spam", 1, 2, 1)
    assert (first_words(case), store.reader.file(case.case_id).customer) == ("(erased)", "a customer")
    assert store.records.verify(case.case_id) is None
    assert told(retention.apply(after(32), dry_run=False)) == {}
    (event,) = noted(store)
    assert isinstance(event, RetentionApplied)
    assert (event.category, event.words) == ("spam", 2)


def test_a_customer_with_a_newer_case_keeps_their_key_and_its_words(store: Store, retention: Retention, database: str) -> None:
    old = dismissed(store, "p1")
    new = OnRecord.opened(store, "p2", text="Another thing altogether.")
    (applied,) = [one for one in retention.apply(after(31), dry_run=False) if one.cases]
    assert applied.customers == 0
    assert (first_words(old), first_words(new)) == ("(erased)", "Another thing altogether.")
    again = place(store, created("p3", text="And a third."))
    assert again is not None
    with store.engine.connect() as connection:
        assert connection.execute(text("select count(*) from subject")).scalar_one() == 1


def test_a_hold_keeps_words_until_it_is_lifted(store: Store, retention: Retention, acting: Engine) -> None:
    case = dismissed(store, "p1")
    number = Holds(acting).set([case.case_id], "court", BO)
    assert told(retention.apply(after(99), dry_run=False)) == {"spam": (0, 1)}
    assert first_words(case) != "(erased)"
    Holds(acting).lift(number, "over", BO)
    assert told(retention.apply(after(99), dry_run=False)) == {"spam": (1, 0)}
    kinds = [event.kind for event in noted(store)]
    assert kinds == ["hold_set", "hold_lifted", "retention_applied"]


def test_what_never_found_a_case_goes_by_the_default(store: Store, retention: Retention) -> None:
    number = arrive(store, created("w1", visibility="private", in_reply_to="unknown"))
    assert number is not None
    with store.engine.begin() as connection:
        connection.execute(text("update inbound set state = 'quarantined'"))
    assert [one.words for one in retention.apply(after(3 * 365 + 1), dry_run=False) if one.rule == "default"] == [1]
    with store.engine.connect() as connection:
        assert connection.execute(text("select state, sealed from inbound")).one() == ("done", None)


def test_a_policy_without_retention_keeps_everything(store: Store, acting: Engine) -> None:
    dismissed(store, "p1")
    assert Retention(acting, PostgresBook(acting)).apply(after(99_999), dry_run=False) == []
