"""Versions of the policy: the same name is always the same policy and the same words."""

from __future__ import annotations

from datetime import date

from adapters.postgres.book import PostgresBook
from adapters.postgres.store import Store
from settings import HERE
from tests.conftest import POLICY, WORDING

SHIPPED = (HERE / "policies" / "default.yaml").read_text()


def test_new_words_are_a_new_version_and_the_old_one_keeps_its_own(store: Store) -> None:
    before = store.book.active()
    reworded = WORDING.replace("glad we could help", "we are glad that we could help")
    after, changed = store.book.activate(POLICY, reworded, by="tests")
    assert changed
    assert after.id != before.id
    assert store.book.active().id == after.id
    assert "we are glad that we could help" in str(store.book.wording(after.id).forms["welcome.closed"])
    assert "we are glad that we could help" not in str(store.book.wording(before.id).forms["welcome.closed"])


def test_the_same_policy_and_wording_again_change_nothing(store: Store) -> None:
    again, changed = store.book.activate(POLICY, WORDING + "# a remark\n", by="tests")
    assert (again.id, changed) == (store.book.active().id, False)


def test_the_public_holidays_that_were_found_belong_to_the_version(store: Store) -> None:
    before = store.book.active().id
    christmas, boxing_day = date(2026, 12, 25), date(2026, 12, 26)
    found, _ = store.book.activate(SHIPPED, WORDING, by="tests", holidays=lambda _: [boxing_day, christmas])
    other, changed = store.book.activate(SHIPPED, WORDING, by="tests", holidays=lambda _: [christmas])
    store.book.again(before, by="tests")
    assert (found.id != other.id, changed) == (True, True), "another day is another version"
    read = PostgresBook(store.engine).policy(found.id)
    assert read.id == found.id
    assert read.calendars["office"].holidays == (christmas, boxing_day)
    assert read.calendars["network"].holidays == (), "it names no country"
