"""Calls up the chain as effects of a real workflow: to the right person, once, by the way that is open."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from adapters.postgres.store import Store
from domain import commands as c
from domain.story import story
from domain.values import Audience
from tests.conftest import WORDING
from tests.policies import called_around_the_clock
from tests.temporal.conftest import Town, run, serving

Loop = asyncio.AbstractEventLoop
HOUR = timedelta(hours=1)


@pytest.fixture
def town(town: Town, store: Store) -> Town:
    """A town in which the shipped chains are in force, at every hour."""
    store.book.activate(called_around_the_clock(), WORDING, by="tests")
    return town


def called(town: Town, case: str) -> list[tuple[str, str]]:
    return [(place, event.to.value) for of, place, event, _ in town.wall.escalations if of == case]


def test_a_case_that_nobody_takes_climbs_the_chain_and_each_is_called_once(loop: Loop, town: Town) -> None:
    async def run_it() -> None:
        async with serving(town):
            case = await town.post(text="You charged me twice for my invoice, this is unacceptable.")
            await town.until(lambda: "handoff_delivered" in town.kinds(case))
            await town.wait(case, timedelta(hours=8))
            await town.until(lambda: "stalled" in town.kinds(case))
            assert town.now(case).priority == "urgent", "raised by one"
            people = called(town, case)
            await town.at_rest(case)
        chain = [who for who in people if who[1] != "social"]
        assert chain[:4] == [
            ("Ana Silva", "lead"),
            ("Helen Park", "head"),
            ("#escalations", "escalations"),
            ("Grace Mbeki", "duty_manager"),
        ]
        assert chain.count(("Grace Mbeki", "duty_manager")) == 1 + 5
        assert [event.repeat for _, place, event, _ in town.wall.escalations if place == "Grace Mbeki"] == [0, 1, 2, 3, 4, 5]
        told = [line.text for line in town.wall.told[f"#lk-billing {case}"]]
        assert sum(text.startswith("Reminder: 50 % of the time is used up") for text in told) == 1
        assert sum("Grace Mbeki (manager on duty) is called" in text for text in told) == 1, "repeats are counted on the card"
        assert town.store.records.verify(case) is None

    run(loop, run_it())


def test_accepting_ends_the_chain_and_calls_off_what_is_not_delivered(loop: Loop, town: Town) -> None:
    async def run_it() -> None:
        async with serving(town):
            case = await town.post(text="You charged me twice for my invoice, this is unacceptable.")
            await town.until(lambda: "handoff_delivered" in town.kinds(case))
            town.wall.away = True
            await town.wait(case, timedelta(minutes=31))
            await town.until(lambda: town.kinds(case).count("escalated") == 2)
            assert (await town.command(case, c.Accept)).refusal is None
            town.wall.away = False
            await town.wait(case, HOUR)
            await town.at_rest(case)
        kinds = town.kinds(case)
        assert "escalation_called_off" in kinds
        assert not [who for who in called(town, case) if who[1] == "lead"], "what it is about has happened"
        assert town.now(case).calls == ()

    run(loop, run_it())


def test_whom_slack_does_not_reach_gets_an_email_and_only_that(loop: Loop, town: Town) -> None:
    town.wall.strangers = {"Ana Silva"}

    async def run_it() -> None:
        async with serving(town):
            case = await town.post(text="You charged me twice for my invoice, this is unacceptable.")
            await town.until(lambda: "handoff_delivered" in town.kinds(case))
            await town.wait(case, timedelta(minutes=16))
            town.wall.away = True
            await town.wait(case, timedelta(minutes=40))
            await town.until(lambda: len(town.postbox.mails) >= 3)
            town.wall.away = False
            await town.wait(case, timedelta(minutes=3))
            await town.at_rest(case)
        mailed = [(mail.to, mail.event.to if mail.event else None) for mail in town.postbox.mails]
        assert mailed.count(("ana.silva@example.com", Audience.LEAD)) == 1, "Slack does not know her"
        assert mailed.count(("helen.park@example.com", Audience.HEAD)) == 1, "Slack was away"
        assert mailed.count(("escalations@example.com", Audience.ESCALATIONS)) == 1
        by = {e.event.to: e.event.by for _, e in town.store.records.history(case) if e.event.kind == "escalation_delivered"}
        assert by[Audience.LEAD] == by[Audience.HEAD] == by[Audience.ESCALATIONS] == "email"
        assert not [who for who in called(town, case) if who[0] in ("Ana Silva", "Helen Park", "#escalations")]

    run(loop, run_it())


def test_the_social_team_gets_the_holding_message_before_it_goes_out(loop: Loop, town: Town) -> None:
    async def run_it() -> None:
        async with serving(town):
            case = await town.post(text="You charged me twice for my invoice.")
            await town.command(case, c.Accept)
            await town.wait(case, timedelta(hours=23))
            await town.until(lambda: any(to == "social" for _, to in called(town, case)))
            (draft,) = [draft for of, _, event, draft in town.wall.escalations if of == case and event.to is Audience.SOCIAL]
            await town.wait(case, HOUR)
            await town.until(lambda: len(town.square.posts) == 2)
        assert draft is not None
        assert draft.startswith("Hi Sam,")
        *_, said = town.square.posts.values()
        until = said.text.partition(" GMT")[0]  # the day is named as the machine's own clock sees it, which has not gone on
        assert draft.partition(" GMT")[0] == until, "they were shown the words that went out, and the promise"

    run(loop, run_it())


def test_a_channel_that_is_gone_is_told_to_an_admin_once_and_the_case_goes_on_by_mail(loop: Loop, town: Town) -> None:
    town.wall.refuses = "Slack says is_archived"

    async def run_it() -> None:
        async with serving(town):
            cases = [await town.post(text="You charged me twice for my invoice.") for _ in range(3)]
            await town.until(lambda: len([m for m in town.postbox.mails if m.event is None]) == 3)
            assert [to for to, _, _ in town.postbox.notices] == ["loopkeeper-admin@example.com"]
            town.wall.refuses = ""
            assert (await town.command(cases[0], c.Accept)).refusal is None
            await town.until(lambda: f"#lk-billing {cases[0]}" in town.wall.cards)
            town.wall.refuses = "Slack says is_archived"
            case = await town.post(text="You charged me twice for my invoice.")
            await town.until(lambda: "handoff_mailed" in town.kinds(case))
            await town.until(lambda: len(town.postbox.notices) == 2)
        assert "is_archived" in town.postbox.notices[0][1]
        assert "/invite @Loopkeeper" in town.postbox.notices[0][2]

    run(loop, run_it())


def test_whoever_has_left_slack_is_told_of_to_an_admin_once_whatever_the_number_of_calls(loop: Loop, town: Town) -> None:
    town.wall.strangers = {"Ana Silva"}

    async def run_it() -> None:
        async with serving(town):
            cases = [await town.post(text="You charged me twice for my invoice, this is unacceptable.") for _ in range(2)]
            for case in cases:
                await town.until(lambda: "handoff_delivered" in town.kinds(case))  # noqa: B023 - waited for in this turn
                await town.wait(case, timedelta(minutes=31))
            await town.until(lambda: [mail.to for mail in town.postbox.mails].count("ana.silva@example.com") == 2)
            ((_, subject, text),) = town.postbox.notices
            assert subject == "Loopkeeper: Slack does not reach Ana Silva: Slack does not know Ana Silva."
            assert "They are called by e-mail meanwhile." in text
            town.wall.strangers = set()
            for again in (1, 2):  # she is back, and leaves again
                case = await town.post(text="You charged me twice for my invoice, this is unacceptable.")
                await town.until(lambda: "handoff_delivered" in town.kinds(case))  # noqa: B023
                await town.wait(case, timedelta(minutes=31))
                await town.until(lambda: "escalation_delivered" in town.kinds(case))  # noqa: B023
                await town.until(lambda: len(town.postbox.notices) == again)  # noqa: B023
                town.wall.strangers = {"Ana Silva"}

    run(loop, run_it())


def test_where_the_social_teams_channel_is_gone_it_is_called_among_the_escalations_and_the_department_sees_the_case(
    loop: Loop, town: Town
) -> None:
    town.wall.gone = {"#social-team"}

    async def run_it() -> None:
        async with serving(town):
            case = await town.post(text="You charged me twice for my invoice.")
            await town.until(lambda: "handoff_delivered" in town.kinds(case))
            assert (await town.command(case, c.Accept)).refusal is None
            town.square.refuses = "too rude"
            assert (await town.command(case, c.Update, town.words(case, "We are at it."))).refusal is None
            await town.until(lambda: "human_needed" in town.kinds(case))
            await town.until(lambda: bool(town.wall.social_called_in))
            await town.at_rest(case)
            await town.until(lambda: any("could not be posted" in line.text for line in town.wall.told[f"#lk-billing {case}"]))
        assert town.wall.social_called_in == ["#escalations"]
        assert [subject for _, subject, _ in town.postbox.notices] == [
            "Loopkeeper: Slack takes nothing in #social-team: Slack says is_archived."
        ]

    run(loop, run_it())


def test_a_case_that_was_moved_away_from_a_channel_that_is_gone_is_shown_where_it_is(loop: Loop, town: Town) -> None:
    async def run_it() -> None:
        async with serving(town):
            case = await town.post(text="You charged me twice for my invoice.")
            await town.until(lambda: "handoff_delivered" in town.kinds(case))
            town.wall.gone = {"#lk-billing"}
            assert (await town.command(case, c.Reassign, "technical")).refusal is None
            await town.until(lambda: f"#lk-technical {case}" in town.wall.cards)
            assert (await town.command(case, c.Accept)).refusal is None
            await town.until(lambda: town.wall.cards[f"#lk-technical {case}"].case.owner is not None)
            await town.at_rest(case)
        assert "handoff_mailed" not in town.kinds(case)
        assert ["#lk-billing" in subject for _, subject, _ in town.postbox.notices] == [True]

    run(loop, run_it())


def told_as_it_happened(town: Town, case: str) -> None:
    """The thread has told every line of the story once, in order, and the card shows the case as it is."""
    file = town.store.reader.file(case)
    told = [line.seq for line in town.wall.told[f"#lk-billing {case}"]]
    opening = {
        seq for seq, entry in file.history if entry.cause == file.history[0][1].cause and entry.event.at == file.history[0][1].event.at
    }
    assert told == [line.seq for line in story(file) if line.seq not in opening]
    assert town.wall.cards[f"#lk-billing {case}"].case.status == file.case.status


def test_slack_is_gone_for_two_hours_and_nobody_misses_anything(loop: Loop, town: Town) -> None:
    town.wall.away = True

    async def run_it() -> None:
        async with serving(town):
            case = await town.post(text="You charged me twice for my invoice, this is unacceptable.")
            await town.until(lambda: "reply_posted" in town.kinds(case))
            for _ in range(12):
                await town.wait(case, timedelta(minutes=10))
                await asyncio.sleep(0)
            mailed = [mail.event.to.value for mail in town.postbox.mails if mail.event is not None]
            assert mailed[:5] == ["department", "lead", "head", "escalations", "duty_manager"]
            assert [mail.to for mail in town.postbox.mails if mail.event is None] == ["billing@example.com"], "the handoff"
            assert called(town, case) == []
            assert (await town.command(case, c.Accept)).refusal is None
            town.wall.away = False
            await town.wait(case, timedelta(minutes=5))
            await town.until(lambda: f"#lk-billing {case}" in town.wall.cards)
            await town.at_rest(case)
            await town.until(lambda: len(town.wall.told.get(f"#lk-billing {case}", [])) > 5)
            await town.wait(case, timedelta(minutes=2))
        told_as_it_happened(town, case)
        assert [who for who in called(town, case) if who[1] != "social"] == [], "what was mailed is not posted as well"

    run(loop, run_it())


def test_every_answer_of_slack_is_lost_and_nothing_is_said_twice(loop: Loop, town: Town) -> None:
    town.wall.loses_answers = True

    async def run_it() -> None:
        async with serving(town):
            case = await town.post(text="You charged me twice for my invoice, this is unacceptable.")
            await town.until(lambda: "handoff_delivered" in town.kinds(case), 40)
            for _ in range(8):
                await town.wait(case, timedelta(minutes=8))
            await town.until(lambda: len([who for who in called(town, case) if who[1] == "duty_manager"]) >= 1, 40)
            town.wall.loses_answers = False
            assert (await town.command(case, c.Accept)).refusal is None
            await town.wait(case, timedelta(minutes=3))
            await town.at_rest(case)
        people = [who for who in called(town, case) if who[1] != "social"]
        assert people[:3] == [("Ana Silva", "lead"), ("Helen Park", "head"), ("#escalations", "escalations")]
        assert len(set(people)) == len(people)
        told_as_it_happened(town, case)

    run(loop, run_it())
