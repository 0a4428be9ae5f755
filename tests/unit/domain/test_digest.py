"""The weekly digest: when it falls due, in every zone and over every change of the clocks; and that nothing in it can act."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.languages.telling import Tellers
from adapters.sendgrid import letter_body
from adapters.slack.digests import digest as blocks
from adapters.slack.digests import digest_text, question
from domain.digest import Choice, Digest, Linked, UnfitChoice, Way, last_due, owed, week_before
from domain.digest_letter import Letter, confirming, html_of, plain, subject
from domain.report import Figure, Unit
from tests.blockkit import check_message

ZONES = ("UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "America/Santiago")
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
EN, DE, HE = (Tellers("en").of(tag) for tag in (None, "de", "he"))
HOSTILE = "<script>alert(1)</script>&\"'<!here>*_~`[a](javascript:x)"


def mail(weekday: int = 1, hour: int = 8, zone: str = "Europe/London") -> Choice:
    return Choice(Way.MAIL, "ana@example.com", weekday, hour, zone)


@given(
    st.integers(1, 7),
    st.integers(0, 23),
    st.sampled_from(ZONES),
    st.integers(0, 4 * 366 * 24).map(lambda hours: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hours)),
)
def test_somebody_who_looks_every_hour_of_three_weeks_sends_three_whatever_the_clocks_do(
    weekday: int, hour: int, zone: str, begin: datetime
) -> None:
    choice = mail(weekday, hour, zone)
    mondays = [owed(choice, LONG_AGO, begin + timedelta(hours=n)) for n in range(22 * 24)]
    seen = list(dict.fromkeys(mondays))
    assert seen == sorted(set(seen), key=str), "a week that is over does not come back"
    assert len(seen) in (4, 5), "the one that is owed already, and one a week"
    assert all(later - earlier == timedelta(days=7) for earlier, later in pairwise(seen) if earlier and later)


@pytest.mark.parametrize(
    ("zone", "hour", "day", "at"),
    [
        ("Europe/London", 1, date(2026, 3, 29), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),  # 01:00 is skipped: it is 02:00 there
        ("Europe/London", 1, date(2026, 10, 25), datetime(2026, 10, 25, 0, 0, tzinfo=UTC)),  # it comes twice: the first one
        ("Europe/London", 8, date(2026, 3, 29), datetime(2026, 3, 29, 7, 0, tzinfo=UTC)),
        ("America/New_York", 2, date(2026, 3, 8), datetime(2026, 3, 8, 7, 0, tzinfo=UTC)),
    ],
)
def test_an_hour_that_is_skipped_or_comes_twice_is_one_moment(zone: str, hour: int, day: date, at: datetime) -> None:
    assert last_due(7, hour, zone, at) == at
    assert last_due(7, hour, zone, at + timedelta(days=3)) == at
    assert last_due(7, hour, zone, at - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).date() == day - timedelta(days=7)


def test_after_a_month_without_anybody_to_send_it_only_the_newest_is_owed() -> None:
    now = datetime(2026, 6, 10, 12, tzinfo=UTC)
    assert owed(mail(), LONG_AGO, now) == date(2026, 6, 8)
    assert week_before(date(2026, 6, 8)) == (date(2026, 6, 1), date(2026, 6, 7))


def test_whoever_chooses_it_hears_from_the_next_time_on() -> None:
    chosen = datetime(2026, 6, 8, 9, tzinfo=UTC)
    assert owed(mail(), chosen, chosen + timedelta(days=6)) is None
    assert owed(mail(), chosen, datetime(2026, 6, 15, 7, tzinfo=UTC)) == date(2026, 6, 15)


def test_whoever_moves_it_within_a_week_is_owed_the_same_one() -> None:
    monday, friday = datetime(2026, 6, 8, 12, tzinfo=UTC), datetime(2026, 6, 12, 12, tzinfo=UTC)
    assert owed(mail(1), LONG_AGO, monday) == owed(mail(5), monday, friday) == date(2026, 6, 8)


@pytest.mark.parametrize(
    "given",
    [
        (Way.MAIL, "U0ANA00001", 1, 8, "UTC"),
        (Way.MAIL, "ana@example.com\nbcc: x@example.com", 1, 8, "UTC"),
        (Way.MAIL, "ana@example.com,x@example.com", 1, 8, "UTC"),
        (Way.SLACK, "#general", 1, 8, "UTC"),
        (Way.SLACK, "C0GENERAL", 1, 8, "UTC"),
        (Way.MAIL, "ana@example.com", 0, 8, "UTC"),
        (Way.MAIL, "ana@example.com", 1, 24, "UTC"),
        (Way.MAIL, "ana@example.com", 1, 8, "../etc/passwd"),
        (Way.MAIL, "ana@example.com", 1, 8, "Mars/Olympus"),
    ],
)
def test_what_cannot_be_sent_is_not_chosen(given: tuple[Way, str, int, int, str]) -> None:
    with pytest.raises(UnfitChoice):
        Choice(*given)


def made(words: str, cases: int = 2) -> Digest:
    url = "https://lk.example/console/numbers?from=2026-06-01&to=2026-06-07"
    figures = (Figure("opened", "Cases", 12, before=9), Figure("acknowledge", "Acknowledged in time", 0.93, Unit.SHARE, None))
    lines = tuple(Linked(f"{words} {n}", url) for n in range(cases))
    links = {"opened": url, "acknowledge": url}
    return Digest(date(2026, 6, 1), date(2026, 6, 7), words, figures, links, lines, cases + 3, lines, url, url, url, None)


def test_whatever_a_department_or_a_topic_is_called_acts_nowhere() -> None:
    page = html_of(made(HOSTILE), 'https://lk.example/digest/stop/"><script>', EN)
    assert "<script" not in page
    assert 'stop/"' not in page
    assert HOSTILE in plain(made(HOSTILE), None, EN)
    check_message(blocks(made(HOSTILE), EN), digest_text(made(HOSTILE), EN))
    check_message(question("https://lk.example/digest/confirm/x", EN), "x")


def test_the_longest_digest_is_taken_by_slack_and_the_shortest_too() -> None:
    check_message(blocks(made("x" * 4000, 5), EN), digest_text(made("x" * 4000, 5), EN))
    check_message(blocks(made("", 0), EN), digest_text(made("", 0), EN))


def test_it_says_what_changed_and_what_there_was_nothing_to_compare_with() -> None:
    said = plain(made("Billing"), "https://lk.example/stop", EN)
    assert "Cases                      12   (9 the week before, 33 % more)" in said
    assert "Acknowledged in time     93 %   (– the week before)" in said
    assert "5 stalled now; 3 more are on the board:" in said
    assert said.endswith("Stop these mails: https://lk.example/stop\n")
    assert subject(made("Billing"), EN) == "Loopkeeper, 1 to 7 June 2026: Billing"


def test_a_mail_can_be_ended_with_one_click_and_is_not_watched() -> None:
    body = letter_body(Letter("k", "a@example.com", "S", "T", "<p>T</p>", "https://lk.example/digest/stop/x"), "lk@example.com")
    assert body["headers"] == {
        "List-Unsubscribe": "<https://lk.example/digest/stop/x>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert body["tracking_settings"]["click_tracking"] == {"enable": False, "enable_text": False}


def test_the_question_whether_it_is_theirs_tells_a_stranger_of_no_case_and_shows_no_address_in_logs() -> None:
    letter = confirming("k", "stranger@example.com", "https://lk.example/digest/confirm/x", EN)
    assert "headers" not in letter_body(letter, "lk@example.com")
    assert letter.text.count("https://") == 1
    assert "stranger" not in repr(letter)
