"""The weekly digest from a real database: chosen, confirmed, sent once, ended with one click; and what rights say of it meanwhile."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect
from sqlalchemy import create_engine, text

from activities.digest import DigestSender
from activities.messages import Messages
from activities.places import Admins
from adapters.digest_links import DigestLinks
from adapters.keyring import Keyring
from adapters.languages.telling import Tellers
from adapters.postgres.digests import Digests
from adapters.postgres.keys import NewKey
from adapters.postgres.readers import Readers
from adapters.postgres.store import Store
from bench.measures import make_measures
from domain.digest import ASKS_A_DAY, Choice, Digest, UnfitChoice, Way
from domain.digest_letter import Letter
from domain.ports import Mark, Message, NotSent, Refused, Unclear
from domain.sentences import Teller
from domain.values import SYSTEM, Role
from tests.browsing import DESK, NEEDS_CHROMIUM, PHONE, axe_faults, chromium, come_in, window
from tests.conftest import KEYS
from tests.integration.conftest import serving
from tests.signing_in import sent_from, signed_in
from tests.standins import Postbox

MONDAY = datetime(2026, 6, 8, 9, tzinfo=UTC)
"""A little after the hour that readers choose here."""
LINKS = DigestLinks(KEYS, "https://lk.example")
ANA = "local:lead:ana"


@dataclass
class Outside:
    """A mail service and a Slack that keep what they are given, or fail as told."""

    letters: list[Letter] = field(default_factory=list)
    posted: dict[str, Digest | str] = field(default_factory=dict)
    told_in: list[str] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)
    loses_answers: bool = False

    def letter(self, letter: Letter) -> str:
        if self.fails:
            raise self.fails.pop(0)
        self.letters.append(letter)
        if self.loses_answers:
            raise Unclear("the mail service gave no answer")
        return letter.key

    def find(self, place: str, thread: str | None, key: str) -> Message | None:
        return Message(f"ts-{key}", 1) if key in self.posted else None

    def digest(self, address: str, made: Digest, mark: Mark, teller: Teller) -> str:
        self.told_in.append(teller.tag)
        return self._took(mark, made)

    def ask(self, address: str, link: str, mark: Mark, teller: Teller) -> str:
        return self._took(mark, link)

    def _took(self, mark: Mark, said: Digest | str) -> str:
        if self.fails:
            raise self.fails.pop(0)
        assert mark.key not in self.posted, f"{mark.key} was posted twice"
        self.posted[mark.key] = said
        if self.loses_answers:
            raise Unclear("Slack gave no answer")
        return f"ts-{mark.key}"


@dataclass
class Week:
    """An installation with a sender of digests, at a moment."""

    store: Store
    digests: Digests
    outside: Outside
    admins: Postbox
    now: datetime = MONDAY

    def send(self) -> int:
        out = self.outside
        return DigestSender(
            self.digests, self.store.reports, self.digests, self.store.book, out, out, Messages(out, self.store.ledger), LINKS,
            Tellers("en"), Admins(self.store.notices, self.admins), "https://lk.example", lambda: self.now,
        ).send("")  # fmt: skip

    def chosen(self, person: str = ANA, way: Way = Way.MAIL, address: str = "ana@example.com", **more: Any) -> str:
        """Somebody chose it a week ago and confirmed it; their id."""
        long_ago = self.now - timedelta(days=7)
        self.digests.choose(person, Choice(way, address, 1, 8, "Europe/London", **more), long_ago)
        reader = self.digests.of(person)
        assert reader is not None
        assert self.digests.confirm(reader.id, reader.asked, long_ago)
        return reader.id


@pytest.fixture
def week(store: Store) -> Week:
    return Week(store, Digests(store.engine, KEYS), Outside(), Postbox())


@pytest.fixture
def http(store: Store, database: str) -> Iterator[httpx.Client]:
    with serving(database) as client:
        client.headers["accept-encoding"] = "identity"
        yield client


def key_of(store: Store, role: Role, *departments: str) -> tuple[str, str]:
    """A key's person, and the key."""
    made, secret = store.keys.make(NewKey("Reader", role, None, frozenset(departments)), SYSTEM)
    return made.person, secret


def test_a_reader_gets_one_a_week_however_often_somebody_looks_and_a_late_one_once(week: Week) -> None:
    person, _ = key_of(week.store, Role.LEAD)
    week.chosen(person)
    assert [week.send() for _ in range(3)] == [1, 0, 0]
    week.now += timedelta(days=34)  # nobody was there to send for more than a month
    assert [week.send() for _ in range(3)] == [1, 0, 0]
    first, late = week.outside.letters
    assert "1 to 7 June 2026" in first.subject
    assert "29 June to 5 July 2026" in late.subject
    assert late.html is not None
    assert late.stop == LINKS.stop(late.key.split(":")[1])


def test_a_mail_whose_answer_is_lost_is_not_sent_twice_and_an_admin_hears_of_it_once(week: Week) -> None:
    person, _ = key_of(week.store, Role.LEAD)
    week.chosen(person)
    week.outside.loses_answers = True
    assert week.send() == 0
    with week.store.engine.begin() as connection:
        connection.execute(text("update effect set unclear_since = unclear_since - interval '10 minutes'"))
    assert [week.send() for _ in range(3)] == [0, 0, 0]
    assert len(week.outside.letters) == 1
    ((to, subject, _),) = week.admins.notices
    assert to == week.store.book.active().admins[0]
    assert subject == "Loopkeeper: The weekly digest for Reader cannot be delivered: nobody can tell whether the mail was sent."


def test_a_message_whose_answer_is_lost_is_looked_for_in_slack(week: Week) -> None:
    person, _ = key_of(week.store, Role.LEAD)
    week.chosen(person, Way.SLACK, "U0ANA00001")
    week.outside.loses_answers = True
    assert week.send() == 0
    week.outside.loses_answers = False
    assert week.send() == 1
    assert week.send() == 0
    assert len(week.outside.posted) == 1


def test_whoever_goes_over_to_slack_in_between_is_not_sent_the_same_week_twice(week: Week) -> None:
    person, _ = key_of(week.store, Role.LEAD)
    week.chosen(person)
    assert week.send() == 1
    week.chosen(person, Way.SLACK, "U0ANA00001")
    with week.store.engine.begin() as connection:  # as if the process had died after the mail was settled
        connection.execute(text("update digest_choice set last_week = null"))
    week.send()
    assert week.outside.posted == {}
    week.now += timedelta(days=7)
    assert week.send() == 1
    assert len(week.outside.posted) == 1


def test_an_address_whose_key_is_gone_keeps_nobody_elses_from_them(week: Week) -> None:
    gone, here = (key_of(week.store, Role.LEAD)[0] for _ in range(2))
    other = replace(week, digests=Digests(week.store.engine, Keyring((("k9", b"9" * 32),))))
    other.chosen(gone, address="gone@example.com")
    week.chosen(here)
    assert week.send() == 1
    assert week.digests.of(gone) is None
    week.chosen(gone, address="gone@example.com")
    assert week.send() == 1


@pytest.mark.parametrize(
    ("way", "fails", "at_once"),
    [
        (Way.MAIL, NotSent("connection refused"), True),
        (Way.SLACK, NotSent("connection refused"), True),
        (Way.SLACK, Unclear("no answer"), True),  # it is looked for there
        (Way.MAIL, Unclear("no answer"), False),  # the mail service tells later
    ],
)
def test_what_fails_for_now_is_tried_again_and_keeps_nobody_elses_from_them(week: Week, way: Way, fails: Exception, at_once: bool) -> None:
    for name in ("a@example.com", "b@example.com"):
        person, _ = key_of(week.store, Role.LEAD)
        week.chosen(person, way, name)
    week.outside.fails = [fails]
    assert [week.send() for _ in range(3)] == [1, int(at_once), 0]
    assert len({letter.to for letter in week.outside.letters} | week.outside.posted.keys()) == 1 + at_once


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize("fails", [NotSent, Refused, Unclear])
def test_no_reason_that_is_kept_logged_or_told_to_admins_has_the_address(
    week: Week, way: Way, fails: Callable[[str], Exception], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    person, _ = key_of(week.store, Role.LEAD)
    week.chosen(person, way)
    week.outside.fails = [fails("it will not be sent (400: ana@example.com is no address)")]
    assert week.send() == 0
    with week.store.engine.begin() as connection:
        (kept,) = connection.execute(text("select reason from effect where case_id = '@digest'")).scalars()
    assert "400: … is no address" in kept
    told = [said for _, _, said in week.admins.notices]
    assert [("400: … is no address" in said) for said in told] == ([True] if fails is Refused else [])
    assert "ana@" not in f"{kept}{told}{caplog.text}"


def test_a_refusal_is_told_to_an_admin_once(week: Week) -> None:
    person, _ = key_of(week.store, Role.LEAD)
    week.chosen(person, address="ana@example.com")
    week.outside.fails = [Refused("the mail service will not send it")]
    assert [week.send() for _ in range(2)] == [0, 0]
    assert len(week.admins.notices) == 1


def test_nobody_is_sent_a_digest_before_they_have_confirmed_the_address(week: Week) -> None:
    person, _ = key_of(week.store, Role.LEAD)
    week.digests.choose(person, Choice(Way.MAIL, "ana@example.com", 1, 8, "Europe/London"), week.now - timedelta(days=14))
    assert [week.send() for _ in range(2)] == [0, 0]
    (question,) = week.outside.letters
    assert question.stop is None
    reader = week.digests.of(person)
    assert reader is not None
    token = question.text.split("/digest/confirm/")[1].split()[0]
    assert LINKS.confirmed(token) == (reader.id, 1)
    week.digests.choose(person, Choice(Way.MAIL, "bo@example.com", 1, 8, "Europe/London"), week.now)
    assert not week.digests.confirm(reader.id, 1, week.now), "the link was for the address before"


def test_strangers_are_asked_a_few_times_a_day_at_most(week: Week) -> None:
    for n in range(ASKS_A_DAY):
        week.digests.choose(ANA, Choice(Way.MAIL, f"{n}@example.com", 1, 8, "UTC"), MONDAY)
        week.digests.end(ANA)
    with pytest.raises(UnfitChoice, match="tomorrow"):
        week.digests.choose(ANA, Choice(Way.MAIL, "x@example.com", 1, 8, "UTC"), MONDAY)
    week.digests.choose(ANA, Choice(Way.MAIL, "x@example.com", 1, 8, "UTC"), MONDAY + timedelta(days=1))


def test_an_address_is_kept_sealed_and_gone_when_it_is_ended(week: Week) -> None:
    reader = week.chosen()
    with week.store.engine.connect() as connection:
        kept = connection.execute(text("select address from digest_choice")).scalar_one()
        assert b"ana" not in bytes(kept)
    week.digests.stop(reader)
    with week.store.engine.connect() as connection:
        assert connection.execute(text("select address, confirmed_at from digest_choice")).one() == (None, None)


def test_a_department_hears_of_its_own_cases_and_whoever_has_lost_their_rights_of_none(week: Week, database: str) -> None:
    owner = create_engine(database)
    with owner.begin() as connection:
        make_measures(connection, 400, datetime(2026, 6, 7, tzinfo=UTC).date(), 14)
        connection.execute(
            text("insert into report_term select 'meridian', cast(:day as date), 'outage', 30"),
            {"day": datetime(2026, 6, 7, tzinfo=UTC).date()},
        )
    owner.dispose()
    everything, _ = key_of(week.store, Role.LEAD)
    theirs, _ = key_of(week.store, Role.DEPARTMENT, "billing")
    week.chosen(everything, address="all@example.com")
    week.chosen(theirs, address="billing@example.com")
    assert week.send() == 2
    said = {letter.to: letter.text for letter in week.outside.letters}
    opened = {to: int(re.search(r"Cases +([\d,]+)", words)[1].replace(",", "")) for to, words in said.items()}  # type: ignore[index]
    assert 0 < opened["billing@example.com"] < opened["all@example.com"]
    assert "outage: 30 customers, usually fewer than 5" in said["all@example.com"]
    assert "outage" not in said["billing@example.com"]
    assert said["billing@example.com"].startswith("Billing, 1 to 7 June 2026")
    assert week.store.keys.revoke(everything.removeprefix("key:"), SYSTEM)
    week.now += timedelta(days=7)
    assert week.send() == 1


def test_whoever_was_signed_out_by_an_admin_is_sent_none_until_they_are_back(week: Week, http: httpx.Client) -> None:
    lead, admin = signed_in(http, "lead"), signed_in(http, "admin")
    week.chosen("local:lead")
    (session,) = (one for one in http.get("/api/v1/sessions", headers=admin).json()["sessions"] if one["person"] == "local:lead")
    assert week.send() == 1
    assert http.delete(f"/api/v1/sessions/{session['id']}", headers=admin | sent_from(http)).status_code == 204
    week.now += timedelta(days=7)
    assert week.send() == 0
    assert signed_in(http, "lead") != lead
    assert week.send() == 1


def test_programs_choose_theirs_see_it_and_end_it(week: Week, http: httpx.Client) -> None:
    _, secret = key_of(week.store, Role.DEPARTMENT, "billing")
    key = {"authorization": f"Bearer {secret}"}
    assert http.get("/api/v1/digest", headers=key).status_code == 404
    wanted = {"way": "mail", "address": "b@example.com", "zone": "Europe/Berlin", "weekday": 5, "hour": 16}
    chosen = http.put("/api/v1/digest", json=wanted, headers=key)
    assert chosen.json() == {**wanted, "department": None, "confirmed": False, "last_week": None}
    for wrong in ({"department": "technical"}, {"zone": "Mars/Olympus"}, {"address": "nobody"}, {"weekday": 8}):
        assert http.put("/api/v1/digest", json=wanted | wrong, headers=key).status_code == 422, wrong
    assert http.delete("/api/v1/digest", headers=key).status_code == 204
    assert http.get("/api/v1/digest", headers=key).status_code == 404


def test_one_click_ends_it_and_a_made_up_link_ends_nothing(week: Week, http: httpx.Client) -> None:
    reader = week.chosen()
    path = LINKS.stop(reader).removeprefix("https://lk.example")
    assert http.get(path).status_code == 200
    assert week.digests.of(ANA) is not None, "opening a link ends nothing: programs open them too"
    signed, _, signature = path.rpartition(".")  # its last letter has bits that say nothing: changing that one may change no signature
    made_up = f"{signed}.{'B' if signature.startswith('A') else 'A'}{signature[1:]}"
    assert http.post(made_up, content="List-Unsubscribe=One-Click").status_code == 404
    confirming = LINKS.confirm(reader, 1).removeprefix("https://lk.example/digest/confirm/")
    assert http.post(f"/digest/stop/{confirming}").status_code == 404, "a link is good for what it was made for"
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert http.post(path, content="List-Unsubscribe=One-Click", headers=form).status_code == 200
    assert week.digests.of(ANA) is None
    assert http.post(path).status_code == 200, "twice is as once"


def test_a_reader_hears_in_the_language_that_they_keep_and_so_do_the_pages_of_its_links(week: Week, http: httpx.Client) -> None:
    german, none_kept = (key_of(week.store, Role.LEAD)[0] for _ in range(2))
    kept = Readers(week.store.engine)
    kept.keep(german, language="de", zone=None)
    week.chosen(none_kept, address="en@example.com")
    week.digests.choose(german, Choice(Way.MAIL, "de@example.com", 1, 8, "Europe/London"), week.now - timedelta(days=7))
    assert week.send() == 1
    question = next(letter for letter in week.outside.letters if letter.to == "de@example.com")
    assert question.subject == "Loopkeeper: Möchten Sie den Wochenbericht hier erhalten?"
    confirm = question.text.split("https://lk.example")[1].split()[0]
    assert "Möchten Sie den Wochenbericht?" in http.get(confirm).text
    reader = week.digests.of(german)
    assert reader is not None
    assert week.digests.confirm(reader.id, reader.asked, week.now)  # at the loop's time here, which the server does not know
    assert http.post(confirm).headers["content-language"] == "de"
    week.now += timedelta(days=7)
    assert week.send() == 2
    by_address = {letter.to: letter for letter in week.outside.letters}
    assert by_address["de@example.com"].subject.startswith("Loopkeeper, 8.–14. Juni 2026: ")
    assert '<html lang="de" dir="ltr">' in (by_address["de@example.com"].html or "")
    assert by_address["en@example.com"].subject.startswith("Loopkeeper, 8 to 14 June 2026: ")
    stop = (by_address["de@example.com"].stop or "").removeprefix("https://lk.example")
    assert "Keinen Wochenbericht mehr schicken?" in http.get(stop).text
    assert http.post(stop).headers["content-language"] == "de", "also when the address is gone"
    kept.keep(none_kept, language="he", zone=None)
    week.chosen(none_kept, Way.SLACK, "U0ANA00001")
    week.now += timedelta(days=7)
    assert week.send() == 1
    assert week.outside.told_in == ["he"]


def test_the_page_shows_the_digest_as_it_will_be_sent(http: httpx.Client) -> None:
    lead = signed_in(http, "lead")
    assert '<pre class="sample" role="region" aria-labelledby="sample" tabindex="0" lang="en" dir="ltr">All cases, ' in (
        http.get("/console/digest", headers=lead | {"accept-language": "de"}).text
    ), "the browser is not asked when it is sent"
    assert http.post("/language", data={"language": "de"}, headers=lead | sent_from(http)).status_code == 303
    assert 'lang="de" dir="ltr">Alle Fälle, ' in http.get("/console/digest", headers=lead).text


@NEEDS_CHROMIUM
def test_a_lead_chooses_confirms_and_ends_it_without_javascript_and_axe_finds_nothing(week: Week, http: httpx.Client) -> None:
    url = str(http.base_url).rstrip("/")
    with chromium() as browser:
        for scheme, width in (("light", PHONE), ("dark", DESK)):
            with window(browser, width, java_script_enabled=True, color_scheme=scheme) as page:
                come_in(page, url)
                page.goto(f"{url}/console/digest")
                assert axe_faults(page) == []
                assert page.evaluate("document.documentElement.scrollWidth") == width
        with window(browser, java_script_enabled=False) as page:
            page.goto(f"{url}/sign-in?next=/console/digest")
            page.get_by_label("Role", exact=True).select_option("lead")
            page.get_by_role("form", name="As …, on this machine").get_by_role("button").click()
            page.get_by_label("Where to").fill("ana@example.com")
            page.get_by_label("Your time zone").fill("Europe/Nowhere")
            page.get_by_role("button", name="Send it to me").click()
            expect(page.get_by_role("alert")).to_contain_text("'Europe/Nowhere' is not an IANA time zone")
            expect(page.get_by_label("Where to")).to_have_value("ana@example.com")
            page.get_by_label("Your time zone").fill("Europe/Berlin")
            page.get_by_label("Day", exact=True).select_option("Friday")
            page.get_by_role("button", name="Send it to me").click()
            expect(page.get_by_role("status").first).to_contain_text("A link was sent to ana@example.com")
            week.send()
            link = week.outside.letters[-1].text.split("https://lk.example")[1].split()[0]
            page.goto(f"{url}{link}")
            page.get_by_role("button", name="Yes, send it to me").click()
            page.get_by_role("link", name="See what you chose").click()
            expect(page.get_by_role("status").first).to_contain_text("by e-mail, to ana@example.com, every Friday at 08:00 (Europe/Berlin)")
            page.get_by_role("button", name="Send me none any more").click()
            expect(page.get_by_role("button", name="Send it to me")).to_be_visible()
