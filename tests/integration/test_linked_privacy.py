"""Erasing and giving access when identities are linked: all of them are proposed, and an erasure leaves no trace of a link."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from typer.testing import Result

from adapters.erasure_list import ErasureFile
from adapters.postgres.book import PostgresBook
from adapters.postgres.engine import open_engine
from adapters.postgres.erasing import Erasing
from adapters.postgres.retention import Retention
from adapters.postgres.store import Store
from domain import commands as c
from domain.identities import NoSuchCustomer
from tests.conftest import POLICY, WORDING
from tests.integration.linked import MAYA, WHY, linked, writes
from tests.integration.onrecord import OnRecord
from tests.integration.test_erasing import BO, CHI
from tests.integration.test_privacy_command import keys, run

__all__ = ["keys", "run"]
Run = Callable[..., Result]


@pytest.fixture
def three(store: Store) -> tuple[str, str, str]:
    """Three linked identities, each with a case that is over."""
    sam, samo, sms = writes(store, "sam", account="C-1"), writes(store, "samo", "facebook"), writes(store, "sms", "phone")
    for case in ("meridian-x-sam.x", "meridian-facebook-samo.facebook", "meridian-phone-sms.phone"):
        OnRecord(store, case).command(c.Dismiss, "spam")
    store.linking.link(sam, samo, WHY, MAYA)
    store.linking.link(sam, sms, WHY, MAYA)
    return sam, samo, sms


def links(store: Store) -> int:
    with store.engine.connect() as connection:
        return int(
            connection.execute(text("select (select count(*) from identity_link) + (select count(*) from identity_account)")).scalar_one()
        )


def test_whoever_is_linked_is_proposed_too_and_can_be_left_out(
    run: Run, keys: dict[str, str], store: Store, three: tuple[str, ...]
) -> None:
    sam, samo, sms = three
    found = run("find", "x", "sam").output
    told, _, others = found.partition("Linked with them as the same person:")
    assert (sam in told, samo in others, sms in others) == (True, True, True)
    proposed = run("erase", sam, "--without", sms, "--reason", "letter 7", key=keys["Bo"]).output
    assert (sam in proposed, samo in proposed, sms in proposed) == (True, True, False)
    confirmed = run("confirm", "1", "--yes", key=keys["Chi"]).output
    assert "Erased: 2 customers" in confirmed
    assert linked(store, sms) == {sms}
    assert links(store) == 0, "and nobody can tell that they were linked, or signed in"


def test_after_a_restore_all_of_them_are_erased_again_with_their_links(
    store: Store, database: str, tmp_path: Path, three: tuple[str, ...]
) -> None:
    sam, samo, sms = three
    acting = open_engine(database, pool=2, role="loopkeeper_privacy")
    erasing = Erasing(acting, store.vault, ErasureFile(tmp_path / "erasures.jsonl"))
    proposal, _ = erasing.propose([sam, samo], "letter of 3 March", BO)
    snapshot = open_engine(database, pool=1, role=None)
    tables = ("subject", "words", "identity_link", "identity_account")
    with snapshot.begin() as connection:
        for table in tables:
            connection.execute(text(f"create table kept_{table} as select * from {table}"))
    erasing.confirm(proposal.number, CHI)
    assert linked(store, sms) == {sms}
    with snapshot.begin() as connection:  # as a restored backup has it
        connection.execute(text("set session_replication_role = replica"))
        for table in ("identity_link", "identity_account"):
            connection.execute(text(f"delete from {table}"))
            connection.execute(text(f"insert into {table} select * from kept_{table}"))
        connection.execute(
            text(
                "update subject s set wrapped_key = k.wrapped_key, profile = k.profile, author_hash = k.author_hash, erased_at = null "
                "from kept_subject k where k.id = s.id"
            )
        )
        connection.execute(text("set session_replication_role = default"))
    snapshot.dispose()
    assert linked(store, sam) == {sam, samo, sms}
    erasing.again()
    assert linked(store, sms) == {sms}
    assert links(store) == 0
    for gone in (sam, samo):
        with pytest.raises(NoSuchCustomer):
            store.identities.shown(gone, None)
    acting.dispose()


def test_nobody_is_linked_with_whoever_was_erased_and_the_database_holds_it(store: Store, database: str, tmp_path: Path) -> None:
    sam, samo = writes(store, "sam"), writes(store, "samo", "facebook")
    OnRecord(store, "meridian-x-sam.x").command(c.Dismiss, "spam")
    acting = open_engine(database, pool=2, role="loopkeeper_privacy")
    erasing = Erasing(acting, store.vault, ErasureFile(tmp_path / "erasures.jsonl"))
    proposal, _ = erasing.propose([sam], "letter of 3 March", BO)
    erasing.confirm(proposal.number, CHI)
    acting.dispose()
    for pair in ((samo, sam), (sam, samo)):
        with pytest.raises(NoSuchCustomer):
            store.linking.link(*pair, WHY, MAYA)
    insert = text(
        "insert into identity_link (subject_id, customer, how, reason, linked_by, role) "
        "values (:id, uuidv7(), 'by_hand', 'x', 'p', 'social')"
    )
    with pytest.raises(DBAPIError, match="was erased"), store.engine.begin() as connection:
        connection.execute(insert, {"id": sam})


def test_who_asks_what_is_held_gets_it_from_all_linked_channels_and_how_we_know(
    run: Run, keys: dict[str, str], store: Store, three: tuple[str, ...], tmp_path: Path
) -> None:
    _, _, sms = three
    assert "3 cases, 3 texts" in run("export", "x", "sam", "--out", str(tmp_path / "all.json"), key=keys["Bo"]).output
    people = json.loads((tmp_path / "all.json").read_text())["people"]
    assert [one["channel"] for one in people] == ["x", "facebook", "phone"]
    (link,) = people[0]["linked"]
    assert (link["how"], link["by"], link["why"]) == ("by_hand", "a colleague (social)", WHY)
    assert people[0]["signed_in"][0]["brand"] == "meridian"
    told = run("export", "x", "sam", "--without", sms, "--out", str(tmp_path / "two.html"), key=keys["Bo"]).output
    assert "2 cases, 2 texts" in told
    page = (tmp_path / "two.html").read_text()
    assert "linked with others of these by a colleague (social)" in page
    assert MAYA.person not in page


def test_whose_words_are_past_their_time_is_linked_with_nobody_any_more(store: Store, database: str) -> None:
    store.book.activate(POLICY + "\nretention: {default: 3 y, spam: 30 d}\n", WORDING, by="tests")
    sam, samo = writes(store, "sam", account="C-1"), writes(store, "samo", "facebook", account="C-1")
    OnRecord(store, "meridian-x-sam.x").command(c.Dismiss, "spam")
    acting = open_engine(database, pool=2, role="loopkeeper_privacy")
    Retention(acting, PostgresBook(acting)).apply(datetime.now(UTC) + timedelta(days=31), dry_run=False)
    acting.dispose()
    assert linked(store, samo) == {samo}
    with pytest.raises(NoSuchCustomer):
        store.identities.shown(sam, None)
    with store.engine.connect() as connection:
        assert connection.execute(text("select subject_id from identity_account")).scalars().all() == [UUID(samo)]
