"""Shared causes where words are made and kept: for each case its own text, a second person where the policy says so, each customer once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar, cast

import pytest
import yaml
from sqlalchemy import text

from activities.announcing import AnnouncementTeller
from activities.messages import Messages
from activities.places import Admins, Places
from adapters.postgres.causes import Cause, Line
from adapters.postgres.store import Store
from adapters.postgres.waiting_announcements import PostgresWaitingAnnouncements
from adapters.slack import announcements
from api.acting import Acting
from api.causes.sharing import Sharing
from domain import commands as c
from domain.errors import LoopkeeperError
from domain.pace import REAL_TIME
from domain.values import Actor, Role, Via
from tests.blockkit import check_message, texts
from tests.conftest import WORDING
from tests.integration.console import posts
from tests.integration.onrecord import ANA, OnRecord
from tests.integration.test_approving import MAX, TESSA, Told
from tests.policies import SHIPPED, around_the_clock
from tests.standins import Postbox, Wall
from workflows.gateway import CaseGateway

HANNA = Actor("oidc:hanna", Role.SOCIAL, Via.CONSOLE)
BODY = "We have found the broken card and replace it today."
_T = TypeVar("_T")


def run(waited_for: Awaitable[_T]) -> _T:
    async def wait() -> _T:
        return await waited_for

    return asyncio.run(wait())


class World:
    """A team, its causes and its cases."""

    def __init__(self, store: Store, threads: ThreadPoolExecutor) -> None:
        self.store = store

        async def in_thread(call: Callable[[], Any]) -> Any:
            return await asyncio.get_running_loop().run_in_executor(threads, call)

        acting = Acting(store, cast("CaseGateway", Told(store)), threads, REAL_TIME)
        self.sharing = Sharing(store, acting, in_thread)
        number = store.causes.begin("Outage in Leeds", "Card 4 of cabinet 12.", "technical", "technical", HANNA.person)
        self.cause: Cause = store.causes.cause(number)

    def case(self, post: str, *, customer: str | None = None, joins: bool = True) -> OnRecord:
        who = customer or f"a-{post}"
        author = {"id": who, "handle": who, "name": "Sam Okafor" if who == "a-p1" else "Zoe Lind"}
        case = OnRecord.opened(self.store, post, text="No internet since this morning, the router is dead.", author=author)
        posts(case)
        assert case.tell(c.Accept(f"accept-{post}", ANA)) is None
        if joins:
            assert run(self.sharing.join(self.cause, [case.case_id], HANNA, f"join-{post}")) == []
        return case

    def made(self, what: Any = "update", key: str = "k1", body: str = BODY, root_cause: str | None = None) -> int:
        return run(self.sharing.make(self.cause, what, root_cause, body, HANNA, key))

    def lines(self, number: int) -> dict[str, Line]:
        return {line.case_id: line for line in self.store.causes.announcement(self.cause.number, number)[1]}

    def waiting(self) -> tuple[int, list[tuple[str, int]]]:
        """How many announcements the inbox counts, and those that it shows."""
        counted = self.store.board.waiting(None, (), unreadable=False, announcements=True)
        assert self.store.board.waiting(None, (), unreadable=False, announcements=False) == 0
        return counted, [(cause.title, told.number) for cause, told in self.store.causes.waiting()]

    def decide(self, number: int, do: str, by: Actor = HANNA) -> str | None:
        announcement, lines = self.store.causes.announcement(self.cause.number, number)
        decided: dict[str, Callable[[], Awaitable[c.Refusal | None]]] = {
            "send": lambda: self.sharing.send(announcement, lines, by),
            "approve": lambda: self.sharing.approve(announcement, by),
            "reject": lambda: self.sharing.reject(announcement, by, "Not like this."),
        }
        refusal = run(decided[do]())
        return refusal.code if refusal is not None else None

    def handed_over(self) -> list[c.Announce]:
        """What stands in the inbox for cases, in its order."""
        sql = text("select message from inbound where event_key like 'announcement:%' order by id")
        with self.store.engine.connect() as connection:
            return [cast("c.Announce", c.FROM_NETWORK.validate_json(one)) for one in connection.execute(sql).scalars()]

    def deliver(self) -> None:
        for message in self.handed_over():
            OnRecord(self.store, message.id.split(":", 2)[2]).tell(message)


@pytest.fixture
def world(store: Store) -> Iterator[World]:
    ours: dict[str, Any] = yaml.load(around_the_clock(SHIPPED), Loader=yaml.BaseLoader)
    ours["people"] = {"trainee": {"name": "Tessa Ruiz", "email": "tessa.ruiz@example.com"}}
    rules = {"phrases": {"money": ["refund*"]}, "customers_above": 2, "trainees": ["trainee"]}
    store.book.activate(yaml.safe_dump({**ours, "approvals": rules}, sort_keys=False, allow_unicode=True), WORDING, by="tests")
    for person, name in ((HANNA, "Hanna Weber"), (MAX, "Max Adler"), (TESSA, "Tessa Ruiz"), (ANA, "Ana Silva")):
        store.people.remember(person.person, name, name.split()[0])
    with ThreadPoolExecutor(4) as threads:
        yield World(store, threads)


def test_each_case_says_it_in_its_own_words_and_each_customer_hears_it_once(world: World) -> None:
    first, second = world.case("p1"), world.case("p22")
    again = world.case("p333", customer="a-p1")
    number = world.made()
    lines = world.lines(number)
    assert "merge this one into it" in str(lines[again.case_id].held)
    texts = {}
    for case in (first, second):
        line = lines[case.case_id]
        assert line.words is not None
        texts[case.case_id] = world.store.reader.text(case.case_id, line.words)
    assert texts[first.case_id].startswith("Hi Sam,")
    assert texts[second.case_id].startswith("Hi Zoe,")
    assert all(BODY in one and one.endswith("– Hanna") for one in texts.values())
    assert world.handed_over() == [], "nothing is sent by being shown"
    assert world.decide(number, "send") is None
    assert [message.words for message in world.handed_over()] == [lines[case.case_id].words for case in (first, second)]
    world.deliver()
    world.deliver()
    assert [case.kinds().count("announced") for case in (first, second, again)] == [1, 1, 0]
    assert world.store.causes.outcomes(number, [first.case_id, second.case_id])[second.case_id] is not None, "the second telling is refused"


def test_a_second_press_hands_it_over_once(world: World) -> None:
    world.case("p1")
    number = world.made()
    assert (world.decide(number, "send"), world.decide(number, "send")) == (None, "settled")
    assert len(world.handed_over()) == 1
    assert world.made() == number, "the same form is the same announcement"


def test_what_goes_to_many_waits_for_somebody_else(world: World) -> None:
    cases = [world.case("p" + "1" * length) for length in (1, 2, 3)]
    number = world.made()
    announcement, _ = world.store.causes.announcement(world.cause.number, number)
    assert announcement.why == ("customers",)
    assert world.waiting() == (0, [])
    assert world.decide(number, "send") is None
    assert world.waiting() == (1, [(world.cause.title, number)]), "the inbox has it, and counts it"
    assert world.handed_over() == []
    assert [world.decide(number, "approve", by) for by in (HANNA, TESSA)] == ["ones_own", "not_allowed"]
    assert world.decide(number, "approve", MAX) is None
    assert world.waiting() == (0, [])
    assert {message.approved_by for message in world.handed_over()} == {MAX.person}
    world.deliver()
    assert all("announced" in case.kinds() for case in cases)


def test_words_of_money_wait_whoever_hears_them(world: World) -> None:
    world.case("p1")
    number = world.made(body="Each of you gets a refund for the three days.")
    assert world.store.causes.announcement(world.cause.number, number)[0].why == ("money:refund*",)
    assert world.decide(number, "send") is None
    assert world.decide(number, "reject", MAX) is None
    assert world.decide(number, "approve", MAX) == "settled"
    assert world.handed_over() == []


def test_a_resolution_resolves_those_that_somebody_has_and_lists_the_others(world: World) -> None:
    ready, nobodys = (
        world.case("p1"),
        OnRecord.opened(world.store, "p22", text="The router is dead.", author={"id": "z", "handle": "z", "name": "Zoe"}),
    )
    posts(nobodys)
    assert run(world.sharing.join(world.cause, [nobodys.case_id], HANNA, "join-z")) == []
    number = world.made("resolve", root_cause="outage", body="The card is replaced and all of you are online again.")
    assert "Nobody has accepted" in str(world.lines(number)[nobodys.case_id].held)
    assert world.decide(number, "send") is None
    world.deliver()
    posts(ready)
    assert ready.case.closing_permalink is not None
    assert nobodys.case.resolved_at is None
    found = world.store.causes.cause(world.cause.number)
    assert found.resolved_at is not None
    assert (found.cases, found.open, found.closed) == (2, 1, 1)


def test_what_happens_between_the_look_and_the_sending_holds_it_back(world: World) -> None:
    case = world.case("p1")
    number = world.made()
    case.tell(c.Reassign("move", ANA, "billing"))
    assert world.decide(number, "send") is None
    world.deliver()
    assert "held_back" in case.kinds()
    assert "Something has happened" in str(world.store.causes.outcomes(number, [case.case_id])[case.case_id])


def test_cases_of_the_category_are_suggested_until_they_share_a_cause(world: World) -> None:
    case = world.case("p1", joins=False)
    assert case.case_id in [row.case_id for row in world.store.causes.suggested(world.cause, 10)]
    run(world.sharing.join(world.cause, [case.case_id], HANNA, "join"))
    assert case.case_id not in [row.case_id for row in world.store.causes.suggested(world.cause, 10)]
    (refused,) = run(world.sharing.join(world.cause, [case.case_id], HANNA, "join-again"))
    assert "already" in refused.reason


def test_a_cause_that_is_not_there_and_one_without_cases_say_so(world: World) -> None:
    with pytest.raises(LoopkeeperError, match="No open case"):
        world.made()
    case = world.case("p1", joins=False)
    command = c.JoinSharedCause("j", HANNA, 999)
    refusal = run(world.sharing.acting.act(case.case_id, command, wait=timedelta(seconds=1))).refusal
    assert refusal is not None
    assert refusal.code == "no_such_cause"


def test_what_the_team_knows_is_not_in_clear_in_the_database(world: World) -> None:
    world.case("p1")
    number = world.made()
    with world.store.engine.connect() as connection:
        about = connection.execute(text("select about from cause where number = :n"), {"n": world.cause.number}).scalar_one()
        body = connection.execute(text("select body from announcement where number = :n"), {"n": number}).scalar_one()
    assert b"cabinet" not in bytes(about)
    assert b"broken card" not in bytes(body)


# --- the social team hears of what waits ------------------------------------------------------------------------------


def teller(world: World, wall: Wall, post: Postbox) -> AnnouncementTeller:
    store, admins = world.store, Admins(world.store.notices, post)
    waiting = PostgresWaitingAnnouncements(store.engine)
    return AnnouncementTeller(
        waiting, store.book, wall, Messages(wall, store.ledger), Places(wall, store.places), admins, "https://lk.example"
    )


def waits(world: World, key: str = "k1") -> int:
    """A text of money, which its author wants sent."""
    number = world.made(body=f"{BODY} You get a refund ({key}).", key=key)
    assert world.decide(number, "send") is None
    return number


def test_the_social_team_is_told_once_of_what_waits_and_where_it_is_decided(world: World) -> None:
    world.case("p1")
    wall = Wall()
    tells = teller(world, wall, Postbox())
    world.made(body=BODY, key="a draft")
    assert tells.tell("") == 0, "its author has not wanted it sent"
    number = waits(world)
    assert [tells.tell("") for _ in range(3)] == [1, 0, 0]
    assert teller(world, wall, Postbox()).tell("") == 0, "nor does another worker tell it"
    ((place, told, link),) = wall.announcements
    assert place == world.store.book.active().social.slack_channel
    assert link == f"https://lk.example/console/causes/{world.cause.number}/announcements/{number}"
    blocks = announcements.waiting(told, "S0SOCIAL", link)
    check_message(blocks, announcements.waiting_text(told))
    shown = "\n".join(texts(blocks))
    assert (
        f"Hanna Weber's update to one customer of the shared cause C{world.cause.number} waits for a second person: words of money" in shown
    )
    for word in ("broken card", "You get", "Sam", "Okafor", "router", "cabinet", "Leeds"):
        assert word not in shown + announcements.waiting_text(told), "nobody's words and no customer's name are in it"


@pytest.mark.parametrize("do", ["approve", "reject"])
def test_of_what_is_decided_already_nobody_is_told(world: World, do: str) -> None:
    world.case("p1")
    assert world.decide(waits(world), do, MAX) is None
    wall = Wall()
    assert teller(world, wall, Postbox()).tell("") == 0
    assert wall.announcements == []


def test_an_answer_that_was_lost_is_looked_for_and_not_told_again(world: World) -> None:
    world.case("p1")
    waits(world)
    wall, post = Wall(), Postbox()
    wall.loses_answers = True
    assert teller(world, wall, post).tell("") == 0
    wall.loses_answers = False
    assert teller(world, wall, post).tell("") == 1  # it finds its own message; Wall refuses a second one
    assert len(wall.announcements) == 1


def test_while_slack_is_away_it_waits_and_without_the_channel_it_goes_among_the_escalations(world: World) -> None:
    world.case("p1")
    waits(world)
    world.store.book.activate(SHIPPED, WORDING, by="tests")  # has a channel for escalations
    wall, post, policy = Wall(), Postbox(), world.store.book.active()
    wall.away = True
    assert teller(world, wall, post).tell("") == 0
    wall.away = False
    wall.gone = {policy.social.slack_channel}
    assert teller(world, wall, post).tell("") == 1
    assert [place for place, _, _ in wall.announcements] == [policy.escalation.slack_channel]
    assert world.store.notices.all()[0].key == f"slack:{policy.social.slack_channel}"


def test_one_that_nobody_takes_does_not_keep_the_others_and_is_told_when_it_is_mended(world: World) -> None:
    world.case("p1")
    waits(world)
    wall, post = Wall(), Postbox()
    wall.refuses = "Slack says not_in_channel"
    assert teller(world, wall, post).tell("") == 0
    wall.refuses = ""
    waits(world, "k2")
    assert teller(world, wall, post).tell("") == 2
    assert [told.number for _, told, _ in wall.announcements] == sorted(told.number for _, told, _ in wall.announcements)
