"""From the inbox to the cases, in whatever order the network tells things. The cases are told by a gateway that remembers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import create_engine, text

from adapters.postgres.store import Store
from domain import commands as c
from domain.case import Case
from domain.pace import REAL_TIME
from tests.conftest import POLICY, WORDING, open_on
from tests.integration.opened import arrive, created
from workflows.dispatch import Dispatcher
from workflows.gateway import CaseGateway, CaseIsOver


@dataclass
class Cases:
    """The running cases, and what each was told. Like Temporal and the workflow, it takes nothing twice."""

    told: dict[str, list[str]] = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)

    async def start(self, case: Case, policy_json: str, seen: tuple[str, ...] = (), *, again: bool = False) -> None:
        del policy_json, seen, again
        self.told.setdefault(case.id, ["started"])

    async def signal(self, case_id: str, message: c.FromNetwork) -> None:
        if case_id not in self.told:
            raise CaseIsOver(case_id)
        if (case_id, message.id) not in self.seen:
            self.seen.add((case_id, message.id))
            self.told[case_id].append(message.kind)


@dataclass
class Post:
    """An office in which what came in is dispatched."""

    store: Store
    database: str
    cases: Cases = field(default_factory=Cases)

    def comes(self, event: dict[str, Any]) -> int:
        number = arrive(self.store, event)
        assert number is not None, "it was stored before"
        return number

    def dispatch(self, *until: tuple[int, str]) -> None:
        """Dispatch until each of these messages is in that state."""

        async def work() -> None:
            with ThreadPoolExecutor(4) as threads:
                dispatcher = Dispatcher(self.store.inbox, cast("CaseGateway", self.cases), None, threads, REAL_TIME)
                working = asyncio.create_task(dispatcher.run(sweep_every=0.05))
                async with asyncio.timeout(20):
                    while any(self.state(number) != state for number, state in until):
                        assert not working.done(), working.exception()
                        await asyncio.sleep(0.02)  # a poll of the database, bounded above
                working.cancel()
                with suppress(asyncio.CancelledError):
                    await working

        asyncio.run(work())

    def state(self, number: int) -> str:
        return str(self._one("select state from inbound where id = :id", id=number))

    def later(self, number: int, span: str) -> None:
        """So much time passes for a stored message."""
        self.do(
            "update inbound set received_at = received_at - cast(:s as interval), look_again_at = now() where id = :id", id=number, s=span
        )

    def shown(self) -> list[str]:
        """The reasons on the page of what could not be read or placed."""
        return [str(row["reason"]) for row in self.store.inbox.quarantined()]

    def _one(self, sql: str, **values: object) -> object:
        engine = create_engine(self.database)
        with engine.connect() as connection:
            found = connection.execute(text(sql), values).scalar_one()
        engine.dispose()
        return found

    def do(self, sql: str, **values: object) -> None:
        engine = create_engine(self.database)
        with engine.begin() as connection:
            connection.execute(text(sql), values)
        engine.dispose()


@pytest.fixture
def post(store: Store, database: str, monkeypatch: pytest.MonkeyPatch) -> Post:
    monkeypatch.setattr("workflows.dispatch.STALE", timedelta(0))  # the sweep sees at once what it would see in five seconds
    return Post(store, database)


def reply(to: str = "p1", post: str = "p2") -> dict[str, Any]:
    return created(post, in_reply_to=to, text="It happened again today.")


def edit(post: str = "p1", text: str = "You charged me three times.", at: str = "2026-01-01T09:00:00Z") -> dict[str, Any]:
    return {"type": "post.edited", "brand": "meridian", "data": {"id": post, "text": text, "edited_at": at}}


def deletion(post: str = "p1") -> dict[str, Any]:
    return {"type": "post.deleted", "brand": "meridian", "data": {"id": post, "deleted_at": "2026-01-01T09:00:00Z"}}


EARLY: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "a reply": (reply, "post_arrived"),
    "an edit": (edit, "post_changed"),
    "a deletion": (deletion, "post_removed"),
}


@pytest.mark.parametrize("what", EARLY)
def test_what_comes_before_its_post_waits_for_it_and_is_then_applied_once(post: Post, what: str) -> None:
    event, heard = EARLY[what]
    early = post.comes(event())
    post.dispatch((early, "parked"))
    assert arrive(post.store, event()) is None, "the same told twice"
    assert post.cases.told == {}
    first = post.comes(created("p1"))
    post.dispatch((first, "done"), (early, "done"))
    assert post.cases.told == {"meridian-x-p1": ["started", heard]}
    assert post.shown() == []


def test_all_of_them_early_and_in_the_worst_order_find_their_case(post: Post) -> None:
    numbers = [post.comes(one) for one in (deletion("p3"), edit("p3"), reply("p2", "p3"), reply("p1", "p2"), deletion("p1"))]
    post.dispatch(*((number, "parked") for number in numbers))
    numbers.append(post.comes(created("p1")))
    post.dispatch(*((number, "done") for number in numbers))
    told = post.cases.told.pop("meridian-x-p1")
    assert (told[0], sorted(told[1:])) == ("started", ["post_arrived", "post_arrived", "post_changed", "post_removed", "post_removed"])
    assert post.cases.told == {}


def test_an_answer_to_a_reply_that_nobody_is_sure_of_finds_the_case(post: Post) -> None:
    first = post.comes(created("p1"))
    post.dispatch((first, "done"))
    post.do("insert into effect (key, case_id, party, purpose, state) values ('e', 'meridian-x-p1', 'publish-x', 'update', 'unconfirmed')")
    answer = post.comes(reply(to="ours-that-we-never-heard-of"))
    post.dispatch((answer, "done"))
    assert post.cases.told == {"meridian-x-p1": ["started", "post_arrived"]}


def test_a_private_message_is_shown_to_people_and_never_answered_in_public(post: Post) -> None:
    private = post.comes(created("p1", visibility="private"))
    post.dispatch((private, "quarantined"))
    assert post.cases.told == {}
    assert "private message" in post.shown()[0]


def test_a_reply_whose_post_never_comes_is_a_case_of_its_own(post: Post) -> None:
    lonely = post.comes(reply("never"))
    post.dispatch((lonely, "parked"))
    post.later(lonely, "3 minutes")
    post.dispatch((lonely, "done"))
    assert post.cases.told == {"meridian-x-p2": ["started"]}


@pytest.mark.parametrize("event", [edit, deletion])
def test_a_change_whose_post_never_comes_is_shown_and_taken_up_when_it_is_sent_again(post: Post, event: Callable[[], Any]) -> None:
    lonely = post.comes(event())
    post.dispatch((lonely, "parked"))
    assert post.shown() == []
    post.later(lonely, "25 hours")
    post.dispatch((lonely, "quarantined"))
    assert post.shown() == [f"{event()['type']}: the post p1 never came"]
    first = post.comes(created("p1"))
    assert post.comes(event()) == lonely, "the bridge sends it again"
    post.dispatch((first, "done"), (lonely, "done"))
    assert post.shown() == []
    assert len(post.cases.told["meridian-x-p1"]) == 2


def test_the_brands_own_posts_open_no_case(post: Post) -> None:
    own = post.comes(created(author={"id": "1", "handle": "meridian", "is_brand": True}))
    post.dispatch((own, "done"))
    assert post.cases.told == {}


def test_a_brand_that_came_into_force_a_moment_ago_is_known(post: Post) -> None:
    assert "newcomer" not in post.store.book.active().brands, "and that is remembered for some seconds"
    elsewhere = open_on(post.database)
    elsewhere.book.activate(POLICY.replace("\n  meridian:", "\n  newcomer:"), WORDING, by="tests")
    elsewhere.close()
    number = post.comes({**created(), "brand": "newcomer"})
    post.dispatch((number, "done"))


def test_what_we_stumble_over_is_shown_tried_again_and_in_nobodys_way(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    place = post.store.inbox._place_post

    def stumble(connection: Any, row: Any, event: Any) -> Any:
        if event.data.id == "p1":
            raise KeyError("a mistake of ours")
        return place(connection, row, event)

    monkeypatch.setattr(post.store.inbox, "_place_post", stumble)
    first, second = post.comes(created("p1")), post.comes(created("p2"))
    post.dispatch((first, "parked"), (second, "done"))
    assert post.shown() == ["could not be placed: KeyError"]
    monkeypatch.undo()
    post.later(first, "1 minute")
    post.dispatch((first, "done"))
    assert sorted(post.cases.told) == ["meridian-x-p1", "meridian-x-p2"]
    assert post.shown() == []


def test_a_case_on_record_that_has_no_workflow_is_started_before_it_is_told(post: Post) -> None:
    first = post.comes(created("p1"))
    post.store.inbox.place(first)
    second = post.comes(reply())
    post.dispatch((second, "done"))
    assert post.cases.told == {"meridian-x-p1": ["started", "post_arrived"]}
