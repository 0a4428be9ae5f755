"""The weekly digest in other languages: nothing English is left in a German one, and a Hebrew one runs from right to left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

import pytest

from adapters.languages.telling import Tellers, Telling
from adapters.slack.digests import digest as blocks
from adapters.slack.digests import digest_text, question
from domain.digest import Digest, Stalled, StalledCase, digest
from domain.digest_letter import confirming, html_of, plain, subject
from domain.report import Wanted
from domain.sentences import Days
from tests.blockkit import check_message
from tests.unit.domain.story import DEFAULT

EN, DE, HE = (Tellers("en").of(tag) for tag in ("en", "de", "he"))
WEEK = Wanted(date(2026, 6, 29), date(2026, 7, 5))
URL = "https://lk.example"
STOP = f"{URL}/digest/stop/x"


class LastWeek:
    """Sums of a week with cases, against one with fewer; and cases that are stalled."""

    def __init__(self, *, eventful: bool = True, stalled: int = 7, word: str = "outage") -> None:
        self.eventful = eventful
        self.total = stalled
        self.word = word

    def days(self, wanted: Wanted, *by: str) -> dict[tuple[str, ...], dict[str, int]]:
        last = wanted.first == WEEK.first
        counts = dict.fromkeys(("opened", "closed", "thanks", "closed_in_public", "promises_kept", "promises_broken"), 0)
        counts |= {"acknowledge_kept": 0, "acknowledge_late": 0, "resolve_kept": 0, "resolve_late": 0, "still_open": 0, "reopened": 0}
        counts |= {f"{clock}_{how}": 0 for clock in ("accept", "holding_update", "next_reply", "thank_you") for how in ("kept", "late")}
        counts |= {"ever_closed": 0, "thanked": 0, "without_loop": 0}
        if self.eventful:
            counts |= {"opened": 1234 if last else 600, "acknowledge_kept": 930 if last else 950, "acknowledge_late": 70 if last else 50}
            counts |= {"closed": 200, "closed_in_public": 199, "thanks": 12 if last else 0}
        return {("billing",) if by else (): counts}

    def terms(self, _wanted: Wanted, day: date) -> dict[str, int]:
        return {self.word: 30} if self.eventful and day == WEEK.last else {}

    def as_of(self) -> datetime:
        return datetime(2026, 7, 6, tzinfo=UTC)

    def stalled(self, _wanted: Wanted, at_most: int) -> Stalled:
        since = datetime(2026, 3, 3, 12, tzinfo=UTC)
        return Stalled(self.total, [StalledCase(f"case-{n}", n, "billing", since) for n in range(1, min(self.total, at_most) + 1)])


def made(sums: LastWeek, **narrowed: Any) -> Digest:
    given: Any = sums
    return digest(given, given, Wanted(WEEK.first, WEEK.last, **narrowed), DEFAULT, URL)


def test_a_german_digest_has_nothing_english_left() -> None:
    said = plain(made(LastWeek(stalled=2)), STOP, DE).replace("\N{THIN SPACE}", " ")
    assert (
        re.sub(r"https://\S+", "…", said)
        == """\
Alle Fälle, 29. Juni – 5. Juli 2026

  Fälle                       1.234   (600 in der Woche davor, 106 % mehr)
  Rechtzeitig bestätigt        93 %   (95 % in der Woche davor, 2,0 Punkte weniger)
  Rechtzeitig gelöst              –   (– in der Woche davor)
  Zusagen eingehalten             –   (– in der Woche davor)
  Öffentlich abgeschlossen   99,5 %   (99,5 % in der Woche davor)
  Dank erhalten                  12   (0 in der Woche davor, 12 mehr)

Alle Zahlen: …

Nimmt zu
  - outage: 30 Kunden, sonst weniger als 5
    …

Feststeckende Fälle
  2 stecken jetzt fest:
  - #1, Billing, seit 3. März
    …
  - #2, Billing, seit 3. März
    …
  Die Übersicht der Fälle, die feststecken: …

--
Einen anderen Tag oder Weg wählen: …
Diese E-Mails abbestellen: …
"""
    )


def test_a_german_digest_counts_as_german_does_and_says_of_a_quiet_week_that_it_was() -> None:
    quiet = plain(made(LastWeek(eventful=False, stalled=0)), None, DE)
    assert "\nNimmt zu\n  Nichts geht über das Übliche hinaus.\n" in quiet
    assert "\nFeststeckende Fälle\n  Nichts steckt fest.\n" in quiet
    assert "1 steckt jetzt fest:" in plain(made(LastWeek(stalled=1)), None, DE)
    assert "6 stecken jetzt fest; 1 weiterer steht" in plain(made(LastWeek(stalled=6)), None, DE)
    billing = made(LastWeek(), department="billing")
    assert "- Abrechnung: 1.234 Fälle, sonst 600\n" in plain(billing, None, DE)
    assert subject(billing, DE).replace("\N{THIN SPACE}", " ") == "Loopkeeper, 29. Juni – 5. Juli 2026: Billing"


def test_a_word_that_runs_the_other_way_stays_apart_from_its_figures() -> None:
    assert "\u2068תקלה\u2069: 30 customers, usually fewer than 5" in plain(made(LastWeek(word="תקלה")), None, EN)


class Texts(HTMLParser):
    """What a page says, and the attributes of its outermost element."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.root: dict[str, str | None] = {}
        self._within = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within = tag
        if tag == "html":
            self.root = dict(attrs)

    def handle_data(self, data: str) -> None:
        if data.strip() and self._within != "style":
            self.said.append(data.strip())


def texts(block: Any) -> Iterator[str]:
    """Every text of a message in Slack."""
    if isinstance(block, dict):
        yield from (value for key, value in block.items() if key == "text" and isinstance(value, str))
        yield from (one for value in block.values() for one in texts(value))
    elif isinstance(block, list):
        yield from (one for value in block for one in texts(value))


def of_words(said: list[str]) -> set[str]:
    """Those that say something besides figures."""
    return {one for one in said if re.search(r"[^\W\d_]", one)}


@pytest.mark.parametrize("teller", [DE, HE], ids=lambda teller: teller.tag)
def test_all_that_a_mail_and_a_message_say_is_told_otherwise_than_in_english(teller: Telling) -> None:
    for sums in (LastWeek(), LastWeek(eventful=False, stalled=0)):
        week = made(sums)
        theirs, english = Texts(html_of(week, STOP, teller)), Texts(html_of(week, STOP, EN))
        assert theirs.root == {"lang": teller.tag, "dir": teller.direction}
        assert len(theirs.said) == len(english.said)
        assert of_words(theirs.said) & of_words(english.said) == set()
        assert of_words(list(texts(blocks(week, teller)))) & of_words(list(texts(blocks(week, EN)))) == set()
        check_message(blocks(week, teller), digest_text(week, teller))


def test_somebody_is_asked_in_their_language_whether_the_address_is_theirs() -> None:
    link = f"{URL}/digest/confirm/x"
    letter = confirming("k", "ana@example.com", link, DE)
    assert letter.subject == "Loopkeeper: Möchten Sie den Wochenbericht hier erhalten?"
    assert letter.text.startswith("Jemand, der bei Loopkeeper (lk.example) angemeldet ist, ")
    assert letter.text.count(link) == 1
    assert of_words(list(texts(question(link, DE)))) & of_words(list(texts(question(link, EN)))) == set()


def test_a_hebrew_digest_runs_from_right_to_left_and_names_its_days_in_hebrew() -> None:
    page = html_of(made(LastWeek()), STOP, HE)
    assert Texts(page).root == {"lang": "he", "dir": "rtl"}
    assert "29 יוני – 5 יולי 2026" in page
    assert not re.search(r"(?<!-)\b(left|right)\b", page), "styles name no sides"


def test_days_are_told_in_full_where_they_lie_in_two_months_or_years() -> None:
    assert EN.tell(Days(date(2026, 6, 1), date(2026, 6, 7))) == "1 to 7 June 2026"
    assert EN.tell(Days(date(2026, 12, 28), date(2027, 1, 3))) == "28 December to 3 January 2027"
    assert DE.tell(Days(date(2026, 6, 1), date(2026, 6, 7))) == "1.–7. Juni 2026"


def test_whoever_keeps_no_language_or_one_that_is_gone_is_told_it_in_the_installations() -> None:
    assert Tellers("de").of(None).tag == "de"
    assert Tellers("de").of("xx").tag == "de"
    assert Tellers("de").of("en").tag == "en"
    assert Tellers("xx").of(None).tag == "en"
