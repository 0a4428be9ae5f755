"""Versions of the policy: the same name is always the same policy and the same words."""

from __future__ import annotations

from datetime import date

import pytest

from adapters.postgres.book import ChangedMeanwhile, PostgresBook
from adapters.postgres.store import Store
from domain.journal import AdminActed
from domain.values import Via
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


def test_it_tells_when_which_version_was_in_force_and_who_saw_to_it(store: Store) -> None:
    store.people.remember("ana", "Ana Sousa", "Ana")
    first = store.book.active().id
    second, _ = store.book.activate(POLICY.replace("name: ", "name: my ", 1), WORDING, by="ana", via=Via.CONSOLE, instead_of=first)
    store.book.again(first, by="ana", via=Via.API, instead_of=second.id)
    now, before, before_that = store.book.times()[:3]
    assert [one.policy_id for one in (now, before, before_that)] == [first, second.id, first]
    assert (now.until, before.until, before_that.until) == (None, now.since, before.since)
    assert (now.by, now.name) == ("ana", "Ana Sousa")
    acts = [(entry.by, entry.event) for _, _, entry in store.journal.entries() if isinstance(entry.event, AdminActed)][-2:]
    assert [(by.person, by.via, act.before, act.after) for by, act in acts if isinstance(act, AdminActed)] == [
        ("ana", Via.CONSOLE, first, second.id),
        ("ana", Via.API, second.id, first),
    ]
    assert store.book.files(second.id).wording == WORDING


def test_a_policy_that_was_held_against_another_one_than_is_in_force_is_not_put_in_force(store: Store) -> None:
    first = store.book.active().id
    other = POLICY.replace("name: ", "name: my ", 1)
    second, _ = store.book.activate(other, WORDING, by="tests")
    with pytest.raises(ChangedMeanwhile, match="was put in force meanwhile"):
        store.book.activate(other.replace("my ", "your "), WORDING, by="tests", instead_of=first)
    with pytest.raises(ChangedMeanwhile):
        store.book.again(first, by="tests", instead_of=first)
    assert store.book.active().id == second.id
