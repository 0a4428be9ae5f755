"""Once, and only once: every way in which an effect can be cut off, against the real ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities.orders import PublishOutcome, ReplyOrder
from activities.publish import Patience, Publisher
from adapters.postgres.store import Store
from domain.ports import Absent, NeedsPerson, NotSent, OutgoingReply, PostedReply, Refused, Standing, Unclear
from domain.values import Permalink, Purpose
from tests.integration.opened import open_case

HASTE = Patience(timedelta(seconds=30), timedelta(0), timedelta(0), timedelta(seconds=0.2))
"""Looks again at once, and gives up soon."""


class Square:
    """A network that keeps what is posted, and fails as it is told: a list of faults, one for each request to post."""

    honours_key = True

    def __init__(self, *faults: str) -> None:
        self.faults = list(faults)
        self.posts: list[OutgoingReply] = []
        self.asked = 0
        self.blind = False

    def post(self, reply: OutgoingReply) -> PostedReply:
        fault = self.faults.pop(0) if self.faults else ""
        match fault:
            case "refused":
                raise NotSent("connection refused")
            case "wait":
                raise NotSent("asks us to wait", timedelta(seconds=7))
            case "rejected":
                raise Refused("too many links")
            case "lost before":
                raise Unclear("reset")
            case "by hand":
                raise NeedsPerson("no address", "Phone")
        known = next((p for p in self.posts if p.key == reply.key), None)
        if known is None or not self.honours_key:
            self.posts.append(reply)
        if fault == "lost after":
            raise Unclear("time-out")
        return self._posted(reply)

    def find(self, reply: OutgoingReply) -> PostedReply | Absent:
        self.asked += 1
        if self.blind:
            return Absent(surely=False)
        found = any(p.key == reply.key for p in self.posts)
        return self._posted(reply) if found else Absent(surely=True)

    def _posted(self, reply: OutgoingReply) -> PostedReply:
        return PostedReply(Permalink(f"r-{reply.key}", f"https://x.example/{reply.key}"), datetime.now(UTC))


def order(case: str, step: int = 1, **more: Any) -> ReplyOrder:
    values: dict[str, object] = {
        "case_id": case,
        "channel": "x",
        "brand": "meridian",
        "policy": "",
        "step": step,
        "purpose": Purpose.ACKNOWLEDGEMENT,
        "to_post": "p1",
        "department": "billing",
        "planned_at": datetime.now(UTC),
        "template": "acknowledgement.complaint",
        "promise": datetime.now(UTC) + timedelta(hours=4),
    }
    return ReplyOrder(**{**values, **more})


@pytest.fixture
def publish(store: Store) -> Callable[..., PublishOutcome]:
    case = open_case(store)
    policy = store.book.active().id

    def attempt_until_settled(square: Square, *, attempts: int = 50, patience: Patience = HASTE, **more: Any) -> PublishOutcome:
        publisher = Publisher(store.ledger, store.composer, {"x": square}, patience)
        for _ in range(attempts):
            try:
                return publisher.publish(order(case, policy=policy, **more))
            except ApplicationError as error:
                if error.type != "TryAgain" or error.non_retryable:
                    raise
        raise AssertionError(f"not settled in {attempts} attempts")

    return attempt_until_settled


def effect(store: Store, step: int = 1) -> str:
    with store.engine.connect() as connection:
        return str(connection.exec_driver_sql(f"select state from effect where key like '%%:{step}:1'").scalar_one())


def test_a_reply_is_posted_and_on_record_in_one_go(store: Store, publish: Callable[..., PublishOutcome]) -> None:
    square = Square()
    outcome = publish(square)
    assert outcome.kind == "posted"
    assert len(square.posts) == 1
    assert square.posts[0].text.startswith("Hi Sam,")
    assert square.asked == 0
    (_, recorded), *_ = [(s, e) for s, e in store.records.history("meridian-x-p1") if e.key == "posted:1"]
    assert recorded.words == outcome.words
    assert effect(store) == "done"


def test_a_repeated_activity_answers_as_the_first_time_and_posts_nothing(publish: Callable[..., PublishOutcome]) -> None:
    square = Square()
    first = publish(square)
    again = publish(square)
    assert (again.kind, again.parts, again.words) == (first.kind, first.parts, first.words)
    assert len(square.posts) == 1


@pytest.mark.parametrize("fault", ["refused", "wait", "lost before", "lost after"])
@pytest.mark.parametrize("times", [1, 3])
def test_whatever_is_lost_on_the_way_the_customer_reads_it_once(fault: str, times: int, publish: Callable[..., PublishOutcome]) -> None:
    square = Square(*[fault] * times)
    assert publish(square).kind == "posted"
    assert len(square.posts) == 1


def test_a_network_that_forgets_keys_is_looked_at_and_given_time_before_anything_is_sent_again(
    publish: Callable[..., PublishOutcome],
) -> None:
    square = Square("lost before")
    square.honours_key = False
    patience = Patience(timedelta(seconds=30), timedelta(0), timedelta(seconds=0.3), timedelta(seconds=60))
    assert publish(square, attempts=5000, patience=patience).kind == "posted"
    assert len(square.posts) == 1
    assert square.asked > 1


def test_what_cannot_be_looked_up_is_unconfirmed_and_never_sent_again(store: Store, publish: Callable[..., PublishOutcome]) -> None:
    square = Square("lost after")
    square.blind, square.honours_key = True, False
    outcome = publish(square, attempts=5000)
    assert outcome.kind == "unconfirmed"
    assert outcome.words is not None
    assert len(square.posts) == 1
    assert effect(store) == "unconfirmed"
    square.blind = False
    assert publish(square).kind == "unconfirmed", "only a person settles it now"
    assert len(square.posts) == 1


def test_where_keys_are_known_a_repeat_decides_what_cannot_be_looked_up(store: Store, publish: Callable[..., PublishOutcome]) -> None:
    square = Square("lost after", "lost after")
    square.blind = True
    assert publish(square, attempts=5000).kind == "posted"
    assert len(square.posts) == 1
    assert effect(store) == "done"


def test_a_refusal_is_final_and_stays_so(publish: Callable[..., PublishOutcome]) -> None:
    square = Square("rejected")
    assert publish(square).reason == "too many links"
    assert publish(square).kind == "failed"
    assert square.posts == []


def test_where_no_machine_answers_a_person_is_asked(publish: Callable[..., PublishOutcome]) -> None:
    square = Square("by hand")
    first = publish(square)
    assert (first.kind, first.reason) == ("by_hand", "Phone")
    assert publish(square) == first


def test_a_rate_limit_is_waited_for_as_told(store: Store) -> None:
    case = open_case(store)
    publisher = Publisher(store.ledger, store.composer, {"x": Square("wait")}, HASTE)
    with pytest.raises(ApplicationError) as caught:
        publisher.publish(order(case, policy=store.book.active().id))
    assert caught.value.next_retry_delay == timedelta(seconds=7)


def test_a_long_reply_goes_out_as_a_thread_and_goes_on_where_it_was_cut_off(store: Store, publish: Callable[..., PublishOutcome]) -> None:
    words = store.reader.keep("meridian-x-p1", "One sentence that is neither long nor short. " * 14)
    square = Square("", "lost after", "refused")
    outcome = publish(square, words=words, template=None, purpose=Purpose.UPDATE)
    assert outcome.kind == "posted"
    assert [p.text[-5:] for p in square.posts] == ["(1/3)", "(2/3)", "(3/3)"]
    assert [p.in_reply_to for p in square.posts] == ["p1", "r-meridian-x-p1:1:1", "r-meridian-x-p1:1:2"]
    assert len(outcome.parts) == 3


def test_too_long_for_the_network_is_a_failure_with_the_reason(store: Store, publish: Callable[..., PublishOutcome]) -> None:
    words = store.reader.keep("meridian-x-p1", "word " * 400)
    outcome = publish(Square(), words=words, template=None)
    assert outcome.kind == "failed"
    assert "takes 3 posts of 280" in outcome.reason


def test_words_whose_promise_is_over_are_not_sent(publish: Callable[..., PublishOutcome]) -> None:
    square = Square()
    outcome = publish(square, promise=datetime.now(UTC) - timedelta(minutes=1))
    assert outcome.kind == "expired"
    assert publish(square, promise=datetime.now(UTC) - timedelta(minutes=1)).kind == "expired"
    assert square.posts == []


def test_two_attempts_at_the_same_moment_post_once(store: Store) -> None:
    case = open_case(store)
    policy = store.book.active().id
    square = Square()
    publisher = Publisher(store.ledger, store.composer, {"x": square}, HASTE)
    outcomes: list[object] = []

    def attempt() -> None:
        try:
            outcomes.append(publisher.publish(order(case, policy=policy)).kind)
        except ApplicationError as error:
            outcomes.append(error.type)

    racers = [threading.Thread(target=attempt) for _ in range(6)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(30)
    assert len(square.posts) == 1
    assert set(outcomes) <= {"posted", "TryAgain"}
    assert "posted" in outcomes


def test_an_attempt_whose_lease_ran_out_cannot_settle_any_more(store: Store) -> None:
    from domain.ports import Effect

    case = open_case(store)
    late = Effect(f"{case}:9:1", case, "publish-x", "update")
    first = store.ledger.claim(late, timedelta(0), None)
    second = store.ledger.claim(late, timedelta(seconds=30), None)
    assert (first.standing, second.standing) == (Standing.NEW, Standing.UNCLEAR)
    done = PostedReply(Permalink("r", "https://x.example/r"), datetime.now(UTC))
    assert store.ledger.settle(late, first.attempt, done) is False
    assert store.ledger.settle(late, second.attempt, done) is True
    assert store.ledger.claim(late, timedelta(0), None).standing is Standing.DONE


def test_a_reply_that_was_called_off_before_it_was_sent_stays_unsent(store: Store, publish: Callable[..., PublishOutcome]) -> None:
    from domain.events import ReplyWithdrawn
    from domain.history import Entry
    from domain.ports import Written
    from domain.values import SYSTEM
    from tests.integration.test_history import add

    square = Square("refused")
    publisher = Publisher(store.ledger, store.composer, {"x": square}, HASTE)
    with pytest.raises(ApplicationError):
        publisher.publish(order("meridian-x-p1", policy=store.book.active().id))
    event = ReplyWithdrawn(datetime.now(UTC), 1, Purpose.ACKNOWLEDGEMENT, "dismissed")
    add(store, "meridian-x-p1", Written.of(Entry("withdrawn:1", event, SYSTEM, "t", "p")))
    assert publish(square).kind == "withdrawn"
    assert square.posts == []
