"""Policy files: what is wrong with one is said with its line and what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clocks import due_moment
from domain.durations import parse_duration, write_duration
from domain.errors import PolicyError, UnknownBrand, UnknownChannel
from domain.files import read_policy, read_wording
from domain.history import GENESIS, Link, chain_hash, first_fault
from domain.pace import Pace
from domain.policy import CasePolicy
from domain.values import Pause, case_id

POLICIES = Path(__file__).parents[3] / "policies"
TEXT = (POLICIES / "default.yaml").read_text()
WORDS = (POLICIES / "wording.en.yaml").read_text()


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize(
    ("old", "new", "at", "says"),
    [
        ("thank_you: 60 min", "thank_you: soon", "thank_you: soon", "must be a duration such as '15 min'"),
        ("thank_you: 60 min", "thank_yuo: 60 min", "thank_yuo", "is not known here (misspelt?)"),
        ("watch: 72 h", "", "name: default", "watch: is missing"),
        ('"#lk-billing"', '"lk billing"', "lk billing", "slack_channel: must be a channel such as #billing"),
        ("ana.silva@example.com", "Ana Silva", "email: Ana Silva", "email: must be an address such as billing@example.com"),
        ("billing: billing, technical", "billing: bills, technical", "billing: bills", "names 'bills', which is not among departments"),
        ("zone: Europe/London", "zone: Mars/Olympus", "Mars/Olympus", "'Mars/Olympus' is not an IANA time zone"),
        ("nudge_after: [24 h, 72 h]", "nudge_after: [72 h, 24 h]", "nudge_after: [72", "nudge_after must rise"),
        ("watch: 72 h", "watch: 72 h\nwatch: 73 h", "watch: 73", "this key is given twice"),
        ("limit: 280", "limit: many", "limit: many", "should be a valid integer"),
        ("accept:         {", "accept:         {dire: 1 min, ", "accept:  ", "dire: is not known here"),
        ("thank_you: 60 min", "thank_you: 0 min", "thank_you: 0", "greater than"),
        ("MM-\\d{6,10}", "MM-\\d{6", "MM-\\d{6", "order_numbers[0]: '\\bMM-\\d{6\\b' cannot be read from '{6"),
        ("MM-\\d{6,10}", "(\\d+)+", "(\\d+)+", "order_numbers[0]: '\\b(\\d+)+\\b' can be matched in too many ways"),
    ],
)
def test_a_mistake_is_named_with_its_line(old: str, new: str, at: str, says: str) -> None:
    text = TEXT.replace(old, new, 1)
    with pytest.raises(PolicyError) as caught:
        read_policy(text, "mine.yaml")
    told = str(caught.value)
    assert says in told
    line = line_of(text, at)
    assert f"mine.yaml:{line}:" in told, told


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty"),
        ("name: [", "not readable as YAML"),
        ("just words", "should be a valid dictionary"),
        ("a: &a [*a]", "this anchor contains itself"),
    ],
)
def test_what_is_no_policy_at_all_is_said_so(text: str, says: str) -> None:
    with pytest.raises(PolicyError, match=r"mine\.yaml:1:") as caught:
        read_policy(text, "mine.yaml")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{hello} we're sorry about this. Our", "{helo} we're sorry about this. Our", "uses {helo}, which is not to be had here"),
        ("{hello} we're sorry about this. Our", "{hello} too bad. Our", "does not apologise in its first sentence"),
        ("by {until} at the latest. {status} {sign}", "at some time. {sign}", "lacks {until}"),
        ("{hello} you're welcome! {sign}", "{hello} you're { welcome! {sign}", "has a stray brace"),
    ],
)
def test_a_mistake_in_the_wording_is_named_with_its_line(old: str, new: str, says: str) -> None:
    text = WORDS.replace(old, new, 1)
    with pytest.raises(PolicyError) as caught:
        read_wording(text, "words.yaml")
    assert says in str(caught.value)
    assert f"words.yaml:{line_of(text, new)}:" in str(caught.value)


def test_two_forms_are_too_few() -> None:
    text = WORDS.replace('      - "{hello} glad we could help. {sign}"\n', "")
    with pytest.raises(PolicyError, match=r"welcome\.closed\.default.*at least 3"):
        read_wording(text, "words.yaml")


def test_the_same_content_is_the_same_version_and_any_change_is_another() -> None:
    policy = read_policy(TEXT, "a")
    assert policy.id == read_policy("# a remark\n" + TEXT, "b").id
    assert policy.id != read_policy(TEXT.replace("watch: 72 h", "watch: 73 h"), "c").id


def test_a_cases_slice_survives_the_journey_and_is_shared() -> None:
    slice_ = read_policy(TEXT, "a").for_case("meridian", "x")
    text = slice_.to_json()
    assert CasePolicy.from_json(text) == slice_
    assert CasePolicy.from_json(text) is CasePolicy.from_json(text)
    assert len(text) < 3000


def test_what_the_policy_does_not_know_is_said() -> None:
    policy = read_policy(TEXT, "a")
    with pytest.raises(UnknownBrand, match="add it under brands"):
        policy.brand("nobody")
    with pytest.raises(UnknownChannel, match="add it under channels"):
        policy.channel("smoke_signals")


@given(st.integers(1, 10_000_000))
def test_durations_are_written_as_they_are_read(seconds: int) -> None:
    span = timedelta(seconds=seconds)
    assert parse_duration(write_duration(span)) == span


def test_pauses_push_a_due_moment_and_an_open_one_stops_it() -> None:
    t = datetime(2026, 3, 2, 10, tzinfo=UTC)
    h = timedelta(hours=1)
    assert due_moment(t, 4 * h, ()) == t + 4 * h
    assert due_moment(t, 4 * h, (Pause(t + h, t + 3 * h),)) == t + 6 * h
    assert (
        due_moment(
            t,
            4 * h,
            (
                Pause(t + h, t + 3 * h),
                Pause(t + 4 * h),
            ),
        )
        is None
    )
    assert due_moment(t, 4 * h, (Pause(t + 5 * h),)) == t + 4 * h
    assert due_moment(t, 4 * h, (Pause(t - 3 * h, t - h),)) == t + 4 * h
    assert due_moment(t, 4 * h, (Pause(t - h, t + h),)) == t + 5 * h


def test_an_hour_a_second() -> None:
    origin = datetime(2026, 3, 2, 10, tzinfo=UTC)
    pace = Pace(3600, origin)
    assert pace.loop_time(origin + timedelta(seconds=2)) == origin + timedelta(hours=2)
    assert pace.loop_time(origin - timedelta(seconds=2)) == origin - timedelta(seconds=2)
    assert pace.wall_time(pace.loop_time(pace.origin + timedelta(seconds=90))) == pace.origin + timedelta(seconds=90)
    assert Pace().is_real_time
    with pytest.raises(ValueError, match="pace of 0"):
        Pace(0)


def test_a_cases_id_is_bounded_and_tells_cases_apart() -> None:
    assert case_id("meridian", "x", "184") == "meridian-x-184"
    odd = case_id("meridian", "x", "at://did:plc:abc/app.bsky.feed.post/3k")
    assert odd == case_id("meridian", "x", "at://did:plc:abc/app.bsky.feed.post/3k")
    assert odd != case_id("meridian", "x", "at://did:plc:abc/app.bsky.feed.post/3l")
    assert len(case_id("b" * 40, "c" * 40, "i" * 200)) < 130


def chain() -> list[Link]:
    links: list[Link] = []
    previous = GENESIS
    for seq in range(1, 5):
        words = bytes([seq]) * 32 if seq % 2 else None
        doc = f'{{"n":{seq}}}'
        hash_ = chain_hash("c", seq, f"id{seq}", 1000 + seq, words, previous, doc)
        links.append(Link("c", seq, f"id{seq}", 1000 + seq, doc, words, previous, hash_))
        previous = hash_
    return links


def test_a_chain_that_nobody_touched_holds_and_each_kind_of_touch_is_named() -> None:
    from dataclasses import replace

    links = chain()
    assert first_fault(links) is None
    assert first_fault([]) is None
    assert first_fault([links[0], links[2], links[3]]) == "case c: event 2 is missing (the next one found is 3)"
    changed = [*links[:1], replace(links[1], doc='{"n":9}'), *links[2:]]
    assert first_fault(changed) == "case c: event 2 was changed after it was recorded"
    rehashed = replace(links[1], doc='{"n":9}', hash=chain_hash("c", 2, "id2", 1002, None, links[0].hash, '{"n":9}'))
    assert first_fault([links[0], rehashed, *links[2:]]) == "case c: event 3 does not follow from the event before it"
    other_words = replace(links[2], words_hash=bytes(32))
    assert first_fault([*links[:2], other_words, links[3]]) == "case c: event 3 was changed after it was recorded"
