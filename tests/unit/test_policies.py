"""What the command says of a policy beyond right and wrong: hints, and public holidays."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import cli.policies  # noqa: F401 - it adds its verbs
from adapters.public_holidays import holidays_of
from api.policy.seeing import clocks
from cli.app import app
from cli.doctor import _holidays
from domain.checking import Changed, changed, lines_of
from domain.errors import PolicyError
from domain.files import read_policy
from domain.hours import Hours
from settings import HERE

SHIPPED = (HERE / "policies" / "default.yaml").read_text()
Check = Callable[[str, str], tuple[int, list[str]]]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """`loopkeeper policy check` of the shipped policy with a text of it replaced: the exit code, and what it says."""
    monkeypatch.chdir(tmp_path)

    def check(before: str, after: str) -> tuple[int, list[str]]:
        assert before in SHIPPED
        (tmp_path / "mine.yaml").write_text(SHIPPED.replace(before, after), "utf-8")
        ran = CliRunner().invoke(app, ["policy", "check", "mine.yaml"])
        return ran.exit_code, ran.output.splitlines()

    return check


@pytest.mark.parametrize(
    ("before", "after", "hint"),
    [
        ("name: default", "name: mine", "hint: calendars.office is closed on the public holidays of GB-ENG."),
        (
            ", email: grace.mbeki@example.com",
            ", slack: U0GRACE001",
            "hint: people.duty_manager has no email, so nobody can call Grace Mbeki",
        ),
        ("calendar: network, ", "", "hint: departments.technical has no calendar, so its clocks run around the clock"),
        ("lead: billing_lead, ", "", "hint: departments.billing has no lead; in their place the next one up is called"),
        (
            "mastodon: {network: Mastodon, ",
            "mastodon: {network: Mastodon, status_link: [private], ",
            "hint: channels.mastodon.status_link names private, and there are no private messages there",
        ),
        ("\nadmins:", "\napprovals: {}\nadmins:", "hint: approvals names no rule, so nobody's words wait for a second person"),
        (
            "\nadmins:",
            "\napprovals: {priorities: [urgent, high, normal, low]}\nadmins:",
            "hint: approvals.priorities names every priority, so everything that people say waits",
        ),
        (
            "\nadmins:",
            "\napprovals: {trainees: [billing_lead]}\nadmins:",
            "hint: people.billing_lead is in training and has no slack id, so they are known by their name alone: Ana Silva",
        ),
        (
            "  lead: social_lead\n",
            "approvals: {reach_above: 9}\n",
            "hint: social has no lead; about a draft that waits for long, the social team's channel is told once more",
        ),
    ],
)
def test_what_may_be_meant_otherwise_is_a_hint_and_no_problem(check: Check, before: str, after: str, hint: str) -> None:
    code, said = check(before, after)
    assert code == 0
    assert said[0].startswith("mine.yaml: fine")
    assert any(line.startswith(hint) for line in said[1:])


def test_what_the_shipped_policy_shows_in_comments_can_be_taken_as_it_stands() -> None:
    at = SHIPPED.index("# approvals:")
    end = SHIPPED.index("\n\n", at)
    policy = read_policy(SHIPPED[:at] + re.sub("^# ", "", SHIPPED[at:end], flags=re.MULTILINE) + SHIPPED[end:], "default.yaml")
    assert policy.approvals is not None
    assert set(policy.approvals.phrases) == {"money", "law", "safety"}
    assert read_policy(SHIPPED, "default.yaml").approvals is None


def test_a_country_that_nobody_knows_is_a_problem_on_its_line(check: Check) -> None:
    line = SHIPPED[: SHIPPED.index("GB-ENG")].count("\n") + 1
    told = f"mine.yaml:{line}: calendars.office.public_holidays: GB has no subdivision 'ENGLAN'; there are: ENG, NIR, SCT, WLS."
    assert check("GB-ENG", "GB-ENGLAN") == (1, [told, "1 problem. Nothing was changed."])


def test_public_holidays_are_found_from_last_year_to_three_years_on() -> None:
    office = read_policy(SHIPPED, "shipped").calendars["office"]
    this_year = datetime.now(ZoneInfo(office.zone)).year
    found = holidays_of(office)
    assert {day.year for day in found} == set(range(this_year - 1, this_year + 4))
    assert date(this_year, 12, 25) in found
    assert holidays_of(office.model_copy(update={"public_holidays": None})) == []


def office(*holidays: date) -> Hours:
    return Hours.model_validate({"zone": "Europe/London", "week": {"mon": "09:00-17:00"}, "public_holidays": "GB", "holidays": holidays})


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        (office(date(2026, 12, 28)), "The public holidays of the calendar 'office' are known until 28 December 2026 only; put the policy"),
        (
            office(),
            "The public holidays of the calendar 'office' are not known; put the policy in force again: loopkeeper policy activate FILE",
        ),
    ],
)
def test_the_doctor_warns_before_the_public_holidays_end(hours: Hours, told: str) -> None:
    policy = read_policy(SHIPPED, "shipped").model_copy(update={"calendars": {"office": hours}})
    (finding,) = _holidays(policy, date(2026, 10, 1))
    assert finding.verdict == "warning"
    assert finding.told.startswith(told)


def test_the_doctor_says_nothing_while_there_is_time_or_no_holidays_are_kept() -> None:
    policy = read_policy(SHIPPED, "shipped")
    known, none = office(date(2026, 12, 28)), office().model_copy(update={"public_holidays": None})
    assert list(_holidays(policy.model_copy(update={"calendars": {"office": known, "other": none}}), date(2026, 9, 1))) == []


def test_what_a_policy_changes_is_told_by_its_meaning_and_not_by_how_it_is_written() -> None:
    before = read_policy(SHIPPED, "a")
    assert changed(before, read_policy(SHIPPED.replace("accept:  ", "accept:").replace("watch: 72 h", "watch: 3 d"), "b")) == []
    stricter = SHIPPED.replace("{urgent: 15 min, high: 30 min", "{urgent: 10 min, high: 30 min")
    after = read_policy(stricter.replace("warn_at: [75, 90]", "warn_at: [50, 90]"), "c")
    assert changed(before, after) == [Changed("clocks.accept.urgent", "15 min", "10 min"), Changed("warn_at", "75", "50")]


def test_working_time_is_told_in_hours_because_three_working_days_are_not_one_day() -> None:
    before = read_policy(SHIPPED, "a")
    after = read_policy(SHIPPED.replace("normal: 3 wd", "normal: 4 wd"), "b")
    assert changed(before, after) == [Changed("clocks.resolve.normal", "24 h", "32 h")]
    (resolve,) = (row for row in clocks(before) if row.clock == "resolve")
    assert resolve.durations == ("8 h", "16 h", "24 h", "40 h")


def test_lines_are_held_against_each_other_and_those_far_from_any_difference_are_left_out() -> None:
    before = "\n".join(f"line {n}" for n in range(1, 21))
    after = before.replace("line 10\n", "line ten\n")
    told = [(line.kind, line.before, line.after, line.left_out) for line in lines_of(before, after)]
    assert told == [
        ("left_out", None, None, 6),
        ("same", 7, 7, 0),
        ("same", 8, 8, 0),
        ("same", 9, 9, 0),
        ("gone", 10, None, 0),
        ("new", None, 10, 0),
        ("same", 11, 11, 0),
        ("same", 12, 12, 0),
        ("same", 13, 13, 0),
        ("left_out", None, None, 7),
    ]
    assert lines_of(before, before) == []


def test_a_short_file_that_stands_for_very_much_is_refused_at_once() -> None:
    laughs = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    laughs += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    for text, why in (("\n".join(laughs), "more than 50,000 things"), ("name: " + "[" * 5000 + "]" * 5000, "nested too deeply")):
        with pytest.raises(PolicyError, match=why):
            read_policy(text, "much.yaml")


@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abc"), max_size=12))
def test_two_texts_held_against_each_other_can_be_read_off_the_lines(old: list[str], new: list[str]) -> None:
    lines = lines_of("\n".join(old), "\n".join(new))
    if old == new:
        assert lines == []
        return
    told = [line for line in lines if line.kind != "left_out"]
    for line in told:
        assert line.before is None or old[line.before - 1] == line.text
        assert line.after is None or new[line.after - 1] == line.text
    left_out = sum(line.left_out for line in lines)
    assert left_out + sum(line.before is not None for line in told) == len(old)
    assert left_out + sum(line.after is not None for line in told) == len(new)


def test_texts_that_differ_in_very_many_lines_are_told_in_whole() -> None:
    lines = lines_of("\n".join(["a", "b"] * 2000), "\n".join(["b", "a", "a"] * 1333))
    assert [line.kind for line in lines] == ["gone"] * 4000 + ["new"] * 3999
