"""By which terms a case is found: the words of any script, and the facts of its history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import commands as c
from domain.case import Case
from domain.history import Entry
from domain.index_terms import (
    LONGEST_WORD,
    WORDS_AT_MOST,
    anywhere,
    facts_of,
    fits,
    personal_terms,
    recorded,
    wanted,
    wanted_words,
    words_of,
)
from domain.seeking import KINDS, Outcome, Sought
from domain.values import ClockName, Intent
from tests.unit.domain.story import ANA, START, Story

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("You charged me TWICE, twice!", ["you", "charged", "me", "twice"]),
        ("don’t Donʼt don't", ["don't"]),
        ("#refund @sam_o 12,50 €", ["refund", "sam", "o", "12", "50"]),
        ("Straße STRASSE", ["strasse"]),
        ("ﬁne ①", ["fine", "1"]),
        ("Δεν λειτουργεί", ["δεν", "λειτουργεί"]),
        ("الإنترنت لا يعمل", ["الإنترنت", "لا", "يعمل"]),
        ("返金して", ["返", "金", "し", "て", "返金", "金し", "して"]),
        ("wifi返金ok", ["wifi", "返", "金", "返金", "ok"]),
        ("ﾃｽﾄ", ["テ", "ス", "ト", "テス", "スト"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("👍🏽 … !", []),
        ("", []),
        ("w" * 100, ["w" * LONGEST_WORD]),
    ],
)
def test_a_text_has_the_words_that_people_would_look_for(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_a_run_of_signs_is_looked_for_by_its_pairs_and_a_single_one_by_itself() -> None:
    assert wanted_words("返金し") == ["返金", "金し"]
    assert wanted_words("返") == ["返"]
    assert wanted_words("wifi 返金") == ["wifi", "返金"]


@given(st.text(), st.text(), st.text())
def test_whatever_stands_in_a_text_is_found_in_it(before: str, text: str, after: str) -> None:
    whole = set(words_of(f"{before} {text} {after}"))
    assert set(wanted_words(text)) <= set(words_of(text)) <= whole


@given(st.text(alphabet="返金して届", min_size=1), st.integers(0, 20), st.integers(1, 5))
def test_any_part_of_a_text_without_spaces_is_found_in_it(text: str, start: int, length: int) -> None:
    part = text[start : start + length]
    assert set(wanted_words(part)) <= set(words_of(text))


def test_words_and_names_are_kept_apart_and_there_is_an_end_to_them() -> None:
    shown = {"handle": "@Sam_O", "name": "Sam Okafor", "followers": None}
    words = {"word:refund", "word:me", "customer:sam", "customer:o", "customer:okafor"}
    assert personal_terms(["Refund me"], shown) == words | {"handle:sam_o"}
    assert len(personal_terms([" ".join(f"w{n}" for n in range(3 * WORDS_AT_MOST))], {})) == WORDS_AT_MOST


def entries(story: Story, late: timedelta = timedelta(0)) -> list[tuple[Entry, int]]:
    return [(entry, ((entry.event.at + late) - EPOCH) // timedelta(microseconds=1)) for entry in story.entries]


def outcome_of(case: Case) -> Outcome:
    if case.ended in ("dismissed", "walked_away", "merged"):
        return Outcome(case.ended)
    if case.closed_at is None:
        return Outcome.OPEN
    return Outcome.WAIVED if case.waived_by is not None else Outcome.CLOSED


def test_a_case_is_found_by_what_happened_whose_it_was_and_how_it_ended() -> None:
    story = Story().opened()
    story.wait(timedelta(days=1))
    story.tell(c.Accept("a", ANA))
    facts = facts_of(entries(story))
    assert {
        "brand:meridian",
        "channel:x",
        "outcome:open",
        "now:billing",
        "kind:accepted",
        "kind:accepted|person:slack:UANA",
        "kind:accepted|department:billing",
        "breached:accept",
        "breached:accept|department:billing",
        "kind:clock_breached",
        "department:billing",
        "person:slack:UANA",
        "day:2026-03-02",
        "day:2026-03-03",
        "month:2026-03",
    } <= facts
    assert "breached:accept|person:slack:UANA" not in facts, "nobody had it then"
    assert not any("system" in fact or "customer" in fact.split("|")[-1].split(":")[0] for fact in facts)
    story.tell(c.Dismiss("d", ANA, "spam"))
    assert "outcome:dismissed" in facts_of(entries(story))


def test_how_a_case_stands_is_told_by_its_last_events() -> None:
    story = Story().accepted()
    story.posts = False
    story.tell(c.Resolve("r", ANA, "billing_error", "w-thanks"))
    thanks = story.case.planned()
    assert thanks is not None
    story.done(c.PostFailed("f", thanks.step, "the post is gone"))
    story.done(c.WaiveThankYou("w", ANA, "w-reason"))
    assert "outcome:waived" in facts_of(entries(story))
    story.posts = True
    story.arrives(Intent.COMPLAINT)
    assert "outcome:open" in facts_of(entries(story))


def test_the_event_that_is_meant_has_its_kind_its_department_its_person_and_its_time() -> None:
    story = Story().accepted()
    events = recorded(entries(story))
    assert fits(Sought(kind="accepted", department="billing", person=ANA.person), events)
    assert not fits(Sought(kind="accepted", department="technical"), events)
    assert not fits(Sought(kind="opened", person=ANA.person), events)
    assert fits(Sought(kind="opened", recorded_from=START, recorded_until=START + timedelta(seconds=1)), events)
    assert not fits(Sought(kind="opened", recorded_from=START + timedelta(seconds=1)), events)
    assert fits(Sought(department="technical"), events), "that is of the whole case, and not looked at here"
    assert not fits(Sought(breached=ClockName.ACCEPT), events)
    assert not fits(Sought(kind="accepted", breached=ClockName.ACCEPT), events)


@pytest.mark.parametrize(
    ("sought", "look"),
    [
        (Sought(kind="accepted", department="billing"), False),
        (Sought(kind="accepted", department="billing", person="p"), True),
        (Sought(department="billing", person="p"), False),
        (Sought(kind="clock_breached", breached=ClockName.ACCEPT), True),
        (Sought(recorded_from=datetime(2026, 9, 1, tzinfo=UTC), recorded_until=datetime(2026, 10, 1, tzinfo=UTC)), False),
        (Sought(recorded_from=datetime(2026, 9, 1, 12, tzinfo=UTC), recorded_until=datetime(2026, 10, 1, tzinfo=UTC)), True),
        (Sought(recorded_from=datetime(2020, 9, 1, tzinfo=UTC), recorded_until=datetime(2026, 10, 1, tzinfo=UTC)), True),
        (Sought(recorded_from=datetime(2020, 9, 1, tzinfo=UTC)), True),
    ],
)
def test_the_history_is_looked_at_only_where_terms_do_not_decide(sought: Sought, look: bool) -> None:
    assert wanted(sought).look is look


def test_a_range_is_looked_for_by_its_days_or_by_its_months() -> None:
    september = wanted(Sought(recorded_from=datetime(2026, 9, 1, tzinfo=UTC), recorded_until=datetime(2026, 10, 1, tzinfo=UTC)))
    assert september.either == (frozenset(f"day:2026-09-{n:02}" for n in range(1, 31)),)
    year = wanted(Sought(recorded_from=datetime(2025, 11, 30, tzinfo=UTC), recorded_until=datetime(2026, 3, 1, 0, 0, 1, tzinfo=UTC)))
    assert year.either == (frozenset({"month:2025-11", "month:2025-12", "month:2026-01", "month:2026-02", "month:2026-03"}),)


@given(
    st.sampled_from([None, *sorted(KINDS)]),
    st.sampled_from([None, *ClockName]),
    st.sampled_from([None, "billing", "technical"]),
    st.sampled_from([None, ANA.person, "slack:UBEN"]),
    st.sampled_from([None, *Outcome]),
    st.integers(-3, 3),
    st.integers(1, 3),
)
def test_terms_never_rule_out_a_case_that_fits(
    kind: str | None, breached: ClockName | None, department: str | None, person: str | None, outcome: Outcome | None, since: int, days: int
) -> None:
    story = Story().accepted()
    story.done(c.Reassign("m", ANA, "technical"))
    story.wait(timedelta(days=2))
    begin = START.replace(hour=0, minute=0) + timedelta(days=since)
    sought = Sought(
        kind=kind,
        breached=breached,
        department=department,
        person=person,
        outcome=outcome,
        recorded_from=begin,
        recorded_until=begin + timedelta(days=days),
    )
    facts, asked = facts_of(entries(story)), wanted(sought)
    by_terms = asked.facts <= facts and all(group & facts for group in asked.either)
    events = recorded(entries(story))
    assert f"outcome:{outcome_of(story.case).value}" in facts
    if not by_terms:
        as_a_whole = {fact for fact in asked.facts if fact.split(":")[0] in ("outcome", "department", "person")}
        assert not fits(sought, events) or not as_a_whole <= facts
    elif not asked.look:
        assert fits(sought, events)


def test_of_words_that_somebody_typed_each_may_be_written_or_be_the_name() -> None:
    assert anywhere("refund Okafor") == (
        frozenset({"word:refund", "customer:refund"}),
        frozenset({"word:okafor", "customer:okafor"}),
    )
    assert anywhere("…") == ()


@given(st.lists(st.integers(0, 8), max_size=12))
def test_the_terms_say_whose_a_case_is_and_how_it_stands_as_the_case_itself_does(acts: list[int]) -> None:
    story = Story().opened()
    for number, act in enumerate(acts):
        key = f"k{number}"
        match act:
            case 0:
                story.tell(c.Accept(key, ANA))
            case 1:
                story.tell(c.Reassign(key, ANA, "technical"))
            case 2:
                story.tell(c.Resolve(key, ANA, "billing_error", f"w-{key}"))
            case 3:
                story.tell(c.WaiveThankYou(key, ANA, f"w-{key}"))
            case 4:
                story.arrives(Intent.COMPLAINT)
            case 5:
                story.tell(c.Reopen(key, ANA))
            case 6:
                story.posts = not story.posts
            case 7:
                story.wait(timedelta(days=1))
            case 8:
                story.tell(c.Dismiss(key, ANA, "spam"))
        facts = facts_of(entries(story))
        assert f"outcome:{outcome_of(story.case).value}" in facts
        assert f"now:{story.case.department}" in facts
        assert story.case.owner is None or f"person:{story.case.owner}" in facts
        last = recorded(entries(story))[-1]
        assert story.case.department in last.departments
        assert story.case.owner is None or story.case.owner in last.people
