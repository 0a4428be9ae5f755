"""Versions of the policy: the same name is always the same policy and the same words."""

from __future__ import annotations

from adapters.postgres.store import Store
from tests.conftest import POLICY, WORDING


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
