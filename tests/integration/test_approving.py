"""What needs a second person, where words are read: in the database, by the policy that the case is held to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

import pytest
import yaml

from adapters.postgres.store import Store
from api.acting import Acting, Saying
from api.approving import NotWaiting, OnlyItsAuthors
from domain import commands as c
from domain.errors import SaidAlready, ShowsPersonalData, WaitsAlready
from domain.pace import REAL_TIME
from domain.values import Actor, Priority, Role, Via
from tests.conftest import WORDING
from tests.integration.onrecord import ANA, OnRecord
from tests.policies import SHIPPED, around_the_clock
from workflows.contracts import Answer
from workflows.gateway import CaseGateway

MAX = Actor("slack:UMAX", Role.SOCIAL, Via.SLACK)
TESSA = Actor("slack:UTESSA", Role.SOCIAL, Via.SLACK)
_T = TypeVar("_T")


def run(waited_for: Awaitable[_T]) -> _T:
    async def wait() -> _T:
        return await waited_for

    return asyncio.run(wait())


@dataclass
class Told:
    """In the gateway's place: the case decides as its workflow would."""

    store: Store

    async def command(self, case_id: str, command: c.Command, *, wait: timedelta) -> Answer:
        del wait
        case = OnRecord(self.store, case_id)
        refusal = case.tell(command)
        return Answer(refusal, case.case.status.value, case.case.events)


@pytest.fixture
def policy(store: Store) -> str:
    """In force: a policy by which money, urgent cases, a large reach and Tessa Ruiz need a second person."""
    ours: dict[str, Any] = yaml.load(around_the_clock(SHIPPED), Loader=yaml.BaseLoader)
    ours["people"] = {"trainee": {"name": "Tessa Ruiz", "email": "tessa.ruiz@example.com"}}
    rules = {"priorities": ["urgent"], "phrases": {"money": ["refund*"]}, "reach_above": 1000, "trainees": ["trainee"]}
    text = yaml.safe_dump({**ours, "approvals": rules}, sort_keys=False, allow_unicode=True)
    for person, name in ((ANA, "Ana Silva"), (MAX, "Max Adler"), (TESSA, "Tessa  RUIZ")):
        store.people.remember(person.person, name, name.split()[0])
    return store.book.activate(text, WORDING, by="tests")[0].id


@pytest.fixture
def acting(store: Store, policy: str) -> Iterator[Acting]:
    del policy
    with ThreadPoolExecutor(2) as threads:
        yield Acting(store, cast("CaseGateway", Told(store)), threads, REAL_TIME)


@pytest.fixture
def case(store: Store, acting: Acting) -> OnRecord:
    """Sam's case, which Ana has."""
    del acting
    case = OnRecord.opened(store, author={"id": "77", "handle": "refund", "name": "Refund Okafor", "followers": 999})
    assert case.command(c.Accept) is None
    return case


def says(acting: Acting, case: OnRecord, body: str, by: Actor = ANA, saying: Saying = "update") -> tuple[str, ...]:
    """Somebody says that, as they saw it; why it waits."""
    before = [draft.step for draft in case.case.held]
    draft = run(acting.draft(case.case_id, saying, body, by))
    words = run(acting.keep_draft(case.case_id, draft)).words
    more = {"root_cause": "other"} if saying == "resolve" else {"promise": draft.promise} if saying == "update" else {}
    made = {"ask": c.Ask, "update": c.Update, "resolve": c.Resolve}[saying](f"say-{words}", by, words=words, **more)
    answer = run(acting.act(case.case_id, made))
    assert answer.refusal is None, answer.refusal
    why = [draft.why for draft in case.case.held if draft.step not in before]
    noted = draft.note is not None and "when a second person has approved it" in draft.note
    assert noted == bool(why), "what the preview tells is what happens"
    return why[0] if why else ()


@pytest.mark.parametrize("saying", ["ask", "update", "resolve"])
def test_what_a_person_wrote_is_read_and_not_the_greeting_around_it(acting: Acting, case: OnRecord, saying: Saying) -> None:
    assert "Refund" in run(acting.draft(case.case_id, saying, "We look into it.", ANA)).text
    assert says(acting, case, "You will be refunded.", saying=saying) == ("money:refund*",)
    assert says(acting, case, "We look into it.", saying=saying) == ()


def test_the_priority_the_reach_and_the_training_of_the_author_count_too(store: Store, acting: Acting, case: OnRecord) -> None:
    assert says(acting, case, "We look into it at once.", TESSA) == ("trainee",)
    assert case.command(c.SetPriority, Priority.URGENT) is None
    assert says(acting, case, "We are still looking into it.") == ("priority:urgent",)
    many = OnRecord.opened(store, "p2", author={"id": "78", "handle": "mira", "name": "Mira", "followers": 1001})
    assert says(acting, many, "We look into it.") == ("reach",)
    unknown = OnRecord.opened(store, "p3", author={"id": "79", "handle": "ola", "name": "Ola"})
    assert says(acting, unknown, "We look into it.") == ()


def test_a_private_message_is_read_for_it_and_its_public_line_is_not(store: Store, acting: Acting, case: OnRecord) -> None:
    whispering = yaml.load(SHIPPED, Loader=yaml.BaseLoader)
    assert whispering["channels"]["x"].get("private_messages") == "true", "else nobody could write in private there"

    def whispers(body: str, by: Actor) -> tuple[str, ...]:
        draft = run(acting.draft_of_private(case.case_id, body, by))
        kept = run(acting.keep_draft(case.case_id, draft))
        answer = run(acting.act(case.case_id, c.TakePrivate(f"t-{kept.private}", by, kept.words, kept.private)))
        assert answer.refusal is None, answer.refusal
        assert (draft.note is not None) == bool(case.case.held)
        return case.case.held[-1].why if case.case.held else ()

    assert whispers("Which account is it?", ANA) == ()
    assert whispers("You will be refunded 20 pounds, to which account?", ANA) == ("money:refund*",)
    read = [(words, who) for who, _, words in store.reader.private_words(case.case_id)]
    assert "refunded 20 pounds" in read[-1][0]
    assert read[-1][1] == "Ana Silva (waits for a second person)"
    with pytest.raises(OnlyItsAuthors):
        run(acting.draft_of_edit(case.case_id, case.case.held[0].step, "You get 10 pounds."))
    file = run(acting.file(case.case_id))
    assert file.text_of(case.case.held[0].private) == "(private)"


def test_a_case_is_held_to_the_rules_of_its_own_policy(store: Store, case: OnRecord, acting: Acting, policy: str) -> None:
    without, _ = store.book.activate(around_the_clock(SHIPPED), WORDING, by="tests")
    other = OnRecord.opened(store, "p9", author={"id": "80", "handle": "kim", "name": "Kim"})
    assert (case.case.policy, other.case.policy) == (policy, without.id)
    assert says(acting, case, "You will be refunded.") == ("money:refund*",)
    assert says(acting, other, "You will be refunded.") == ()


def decides(acting: Acting, case: OnRecord, by: Actor, kind: type[c.Approve | c.Reject] = c.Approve) -> str | None:
    step = case.case.held[0].step
    command = c.Approve(f"ok-{by.person}", by, step) if kind is c.Approve else c.Reject(f"no-{by.person}", by, step, case.keep("No."))
    answer = run(acting.act(case.case_id, command))
    assert (run(acting.refusal(run(acting.file(case.case_id)), command)) is not None) or answer.refusal is None
    return answer.refusal.code if answer.refusal is not None else None


@pytest.mark.parametrize("kind", [c.Approve, c.Reject])
def test_whoever_is_in_training_decides_on_nothing(acting: Acting, case: OnRecord, kind: type[c.Approve | c.Reject]) -> None:
    says(acting, case, "You will be refunded.")
    assert decides(acting, case, TESSA, kind) == "not_allowed"
    assert decides(acting, case, MAX, kind) is None
    assert case.case.held == ()


def test_nobody_approves_their_own_draft_by_another_way_in(store: Store, acting: Acting, case: OnRecord) -> None:
    says(acting, case, "You will be refunded.")
    key = Actor("key:77", Role.LEAD, Via.API)
    store.people.remember(key.person, "ana silva", None)
    assert decides(acting, case, key) == "ones_own"
    store.people.remember(key.person, "Ana Souza", None)
    assert decides(acting, case, key) is None


def test_a_draft_in_other_words_keeps_its_author_and_form_and_is_held_against_every_check(
    store: Store, acting: Acting, case: OnRecord
) -> None:
    says(acting, case, "You will be refunded.")
    (draft,) = case.case.held
    edited = run(acting.draft_of_edit(case.case_id, draft.step, "You will be refunded 20 pounds."))
    assert "refunded 20 pounds" in edited.text
    assert edited.text.endswith("– Ana")
    assert edited.promise is not None
    assert draft.promise is not None
    assert edited.promise >= draft.promise
    same = run(acting.draft_of_edit(case.case_id, draft.step, "You will be refunded."))
    assert same.body == "You will be refunded."
    before = store.reader.text(case.case_id, draft.words)
    assert [text.splitlines()[2].split(" by ")[0] for text in (edited.text, same.text)] == [before.splitlines()[2].split(" by ")[0]] * 2
    with pytest.raises(ShowsPersonalData):
        run(acting.draft_of_edit(case.case_id, draft.step, "Ring +44 7700 900123."))
    says(acting, case, "We look into it for you, and write again.")
    with pytest.raises(SaidAlready):
        run(acting.draft_of_edit(case.case_id, draft.step, "We look into it for you, and write again."))
    with pytest.raises(NotWaiting):
        run(acting.draft_of_edit(case.case_id, 99, "Something."))


def test_the_same_words_are_not_written_while_they_wait(acting: Acting, case: OnRecord) -> None:
    says(acting, case, "You will be refunded this week.")
    with pytest.raises(WaitsAlready, match="wait for a second person already"):
        run(acting.draft(case.case_id, "update", "You will be refunded this week.", MAX))
