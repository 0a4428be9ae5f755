"""Those who follow the log, when they do not keep up: admins are told once of each, and `/readyz` says so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, create_engine, text

from activities.housekeeping import FOLLOWERS, LogKeeper
from activities.places import Admins
from adapters.postgres.delivering import Subscriptions
from adapters.postgres.hooks import Hooks
from adapters.postgres.indexing import Indexer
from adapters.postgres.lagging import Lags
from adapters.postgres.log import Sealer
from adapters.postgres.rolling_up import RollUp
from adapters.postgres.store import Store
from domain.hooks import Wanted
from domain.values import SYSTEM
from tests.conftest import KEYS
from tests.integration.conftest import serving
from tests.integration.onrecord import OnRecord
from tests.integration.searching import sealer_of
from tests.standins import Postbox

NONE = dict.fromkeys(FOLLOWERS, timedelta(0))


@pytest.fixture
def owner(database: str) -> Iterator[Engine]:
    engine = create_engine(database)
    yield engine
    engine.dispose()


@pytest.fixture
def sealer(database: str) -> Iterator[Sealer]:
    with sealer_of(database) as one:
        yield one


def followed(store: Store) -> None:
    """Let all who follow the log catch up."""
    for take in (
        Indexer(store.engine, store.vault).index,
        RollUp(store.engine, store.vault, store.book).roll_up,
        Subscriptions(store.engine).follow,
    ):
        while take():
            pass


def an_hour_passes(owner: Engine) -> None:
    """Everything on record was recorded, and everything due fell due, an hour earlier."""
    with owner.begin() as connection:
        connection.execute(text("set session_replication_role = replica"))
        connection.execute(text("update case_event set recorded_us = recorded_us - 3600 * 1000000::bigint"))
        connection.execute(text("update webhook set created_at = created_at - interval '1 hour'"))
        connection.execute(text("update webhook_delivery set due_at = due_at - interval '1 hour'"))


def keeper(store: Store, post: Postbox) -> LogKeeper:
    return LogKeeper(None, store.log, {}, {}, store.book, Admins(store.notices, post), behind=Lags(store.engine).behind)


def test_admins_hear_once_of_each_that_does_not_keep_up_and_again_only_after_it_was_well(
    store: Store, sealer: Sealer, owner: Engine, database: str
) -> None:
    hooks, post = Hooks(store.engine, KEYS), Postbox()
    hooks.make(Wanted("http://127.0.0.1:9/hook"), SYSTEM)
    sealer.seal()
    followed(store)
    assert Lags(store.engine).behind() == NONE
    OnRecord.opened(store, "p1")
    sealer.seal()
    minding = keeper(store, post)
    assert minding.mind("") == [], "what has just happened is nobody's concern"
    an_hour_passes(owner)
    for _ in range(2):
        assert minding.mind("") == [f"{FOLLOWERS[name][0]} for 60 minutes." for name in ("search", "numbers", "webhooks")]
    assert [subject.split(": ")[1] for _, subject, _ in post.notices] == [
        f"{FOLLOWERS[n][0]} for 60 minutes." for n in ("search", "numbers", "webhooks")
    ]
    assert all("Nothing is lost" in words for _, _, words in post.notices)
    with serving(database) as http:
        answer = http.get("/readyz")
        assert (answer.status_code, answer.json()["temporal"]) == (503, "cannot be reached (no connection)")
        told = answer.json()["behind"]
        assert told["search"] >= 3600
        assert told["deliveries"] == 0
    followed(store)
    an_hour_passes(owner)
    assert minding.mind("") == [f"{FOLLOWERS['deliveries'][0]} for 60 minutes."], "made, and nobody sends them"
    assert len(post.notices) == 4
    with owner.begin() as connection:
        connection.execute(text("update webhook set active = false"))
    assert minding.mind("") == [], "one that is paused is not late"
    OnRecord.opened(store, "p2")
    sealer.seal()
    an_hour_passes(owner)
    minding.mind("")
    assert len(post.notices) == 7, "it was well in between"


def test_a_delivery_that_waits_for_an_earlier_one_of_its_case_is_not_late(store: Store, owner: Engine) -> None:
    hooks = Hooks(store.engine, KEYS)
    hook, _ = hooks.make(Wanted("http://127.0.0.1:9/hook"), SYSTEM)
    with owner.begin() as connection:
        add = text(
            "insert into webhook_delivery (webhook_id, event_id, case_id, kind, body, due_at, attempts) values "
            "(:id, 'e1', 'c', 'opened', '{}', now() + interval '1 hour', 1), "
            "(:id, 'e2', 'c', 'accepted', '{}', now() - interval '1 hour', 0)"
        )
        connection.execute(add, {"id": hook.id})
    assert Lags(store.engine).behind()["deliveries"] == timedelta(0)
    with owner.begin() as connection:
        connection.execute(text("update webhook_delivery set attempts = 3 where event_id = 'e1'"))
    assert Lags(store.engine).behind()["deliveries"] > timedelta(minutes=59)
