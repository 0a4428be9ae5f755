"""Triage, wording and limits: what a post is taken for, and what the customer reads."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.errors import TooLong
from domain.files import read_wording
from domain.limits import Counting, graphemes, length, shortened, split
from domain.triage import Sorter
from domain.values import Intent, Priority
from domain.wording import TEMPLATES, Facts, Room, Wording, fill, first_name, render, spoken_future, spoken_past, tidy
from tests.unit.domain.story import DEFAULT

WORDING = read_wording((Path(__file__).parents[3] / "policies" / "wording.en.yaml").read_text(), "wording.en.yaml")
GERMAN = read_wording((Path(__file__).parents[3] / "policies" / "wording.de.yaml").read_text(), "wording.de.yaml")
NOW = datetime(2026, 3, 2, 10, 2, tzinfo=UTC)
FACTS = Facts(
    brand="Meridian",
    team="Meridian Care",
    department="Billing",
    zone="Europe/London",
    now=NOW,
    customer="Sam Okafor",
    owner="Ana Sousa",
    since=NOW - timedelta(days=2),
    until=NOW + timedelta(hours=4),
    opens=NOW + timedelta(hours=20),
    self_help="Meanwhile you'll find help at https://help.example.com",
    contact="https://help.example.com/contact",
    shown="a phone number and an e-mail address",
    body="Your refund is on its way.",
    link="https://x.example/meridian/status/1846000000000000000",
)
SORTER = Sorter(DEFAULT.triage)


@pytest.mark.parametrize(
    ("text", "intent", "category", "priority"),
    [
        ("@meridian third day without internet and nobody answers!!", Intent.COMPLAINT, "technical", Priority.HIGH),
        ("You charged me twice and now you won't refund it.", Intent.COMPLAINT, "billing", Priority.NORMAL),
        ("How do I change the password for my account?", Intent.QUESTION, "website", Priority.NORMAL),
        ("Great service from the engineer today, thank you!", Intent.PRAISE, "other", Priority.LOW),
        ("Love the new tariff 😍", Intent.PRAISE, "other", Priority.LOW),
        ("thanks for nothing", Intent.COMPLAINT, "other", Priority.NORMAL),
        ("Thanks, but it is still not working", Intent.COMPLAINT, "other", Priority.NORMAL),
        ("I smell smoke coming out of your router", Intent.COMPLAINT, "technical", Priority.URGENT),
        ("Can you help? Thanks in advance", Intent.QUESTION, "other", Priority.NORMAL),
        ("buy followers at my page", Intent.SPAM, "other", Priority.LOW),
        ("Pasé por su tienda ayer", Intent.REMARK, "other", Priority.NORMAL),
        ("", Intent.REMARK, "other", Priority.NORMAL),
        ("WORST. SERVICE. EVER.", Intent.COMPLAINT, "other", Priority.HIGH),
        ("It doesn’t work", Intent.COMPLAINT, "other", Priority.NORMAL),
    ],
)
def test_a_first_post_is_sorted(text: str, intent: Intent, category: str, priority: Priority) -> None:
    sorted_as = SORTER.sort(text, first=True)
    assert (sorted_as.intent, sorted_as.category, sorted_as.priority) == (intent, category, priority), sorted_as.rules


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("Thanks, sorted now!", Intent.THANKS),
        ("thank you so much 🙏", Intent.THANKS),
        ("You guys are amazing", Intent.THANKS),
        ("It works again. Thank you for staying on it!", Intent.THANKS),
        ("Second evening without trouble. Thanks!", Intent.THANKS),
        ("It's AB-1234", Intent.REMARK),
        ("Thanks, but when will it come?", Intent.COMPLAINT),
        ("Thank you. What about my refund?", Intent.COMPLAINT),
        ("Thanks! Which form do I need?", Intent.QUESTION),
    ],
)
def test_a_further_post_can_be_thanks(text: str, intent: Intent) -> None:
    assert SORTER.sort(text, first=False).intent is intent


@given(st.text(max_size=400), st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_text_is_sorted_to_a_department_that_exists(text: str, first: bool) -> None:
    sorted_as = SORTER.sort(text, first=first)
    assert sorted_as.department in DEFAULT.departments
    assert first or sorted_as.intent is not Intent.PRAISE
    assert not first or sorted_as.intent is not Intent.THANKS


@pytest.mark.parametrize(
    ("display", "called"),
    [
        ("Sam Okafor", "Sam"),
        ("SAMUEL", "Samuel"),
        ("Zoë", "Zoë"),
        ("O’Brien", "O’Brien"),
        ("李雷", "李雷"),
        ("Мария Иванова", "Мария"),
        ("115712", None),
        ("@sam", None),
        ("Dr. Smith", None),
        ("https://evil.example", None),
        ("<!channel> hi", None),
        ("{sign}", None),
        ("Sam\u202ekcab", None),
        ("\u200bSam", None),
        ("x", None),
        ("", None),
        (None, None),
        ("Supercalifragilisticexpialidocious", None),
    ],
)
def test_people_are_greeted_by_a_name_that_looks_like_one(display: str | None, called: str | None) -> None:
    assert first_name(display) == called


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("customer", ["Sam Okafor", None, "Bartholomew-Christian X", "{hello}"])
def test_every_form_reads_whole_and_fits_the_tightest_network(template: str, customer: str | None) -> None:
    facts = Facts(**{f: getattr(FACTS, f) for f in Facts.__slots__} | {"customer": customer, "owner": "Bartholomew", "signer": None})
    texts = [render(WORDING, template, variant, facts, Room(280, "x")) for variant in range(12)]
    for text in texts:
        assert not re.search(r"\{\w*\}|None|  ", text), text
        assert length(text, "x") <= 280, (length(text, "x"), text)
        assert text.startswith(("Hi ", "Hello,")), text
    assert len(set(texts)) >= 3


LINK = "https://care.example.com/s/1" + "A" * 32


@pytest.mark.parametrize("template", [name for name, allowed in TEMPLATES.items() if "status" in allowed])
def test_the_link_to_the_status_page_stands_where_the_policy_gives_it_and_leaves_no_trace_elsewhere(template: str) -> None:
    for form in WORDING.in_family(template, None):
        linked, plain = fill(form, replace(FACTS, status=LINK)), fill(form, FACTS)
        assert plain == fill(form.replace("\n{status}", "").replace("{status}", ""), FACTS)
        assert linked.split() == [
            *plain.removesuffix("– Meridian Care").split(),
            "See",
            "how",
            "it's",
            "going:",
            LINK,
            "–",
            "Meridian",
            "Care",
        ]
        assert "\n\n" not in linked + plain


def test_a_link_for_which_there_is_no_room_is_left_out_before_anything_else_is_split() -> None:
    roomy = render(WORDING, "acknowledgement.complaint", 0, replace(FACTS, status=LINK), Room(280, "x"))
    tight = render(WORDING, "acknowledgement.complaint", 0, replace(FACTS, status=LINK), Room(190, "characters"))
    assert LINK in roomy
    assert LINK not in tight
    assert length(tight, "characters") <= 190


def test_a_persons_words_are_never_read_as_a_template() -> None:
    facts = Facts(**{f: getattr(FACTS, f) for f in Facts.__slots__} | {"body": "{sign} {until} {{x}}"})
    assert "{sign} {until} {{x}}" in fill("{hello} {body} {sign}", facts)


def test_moments_are_told_in_the_brands_zone_as_people_say_them() -> None:
    at = datetime(2026, 7, 1, 13, 30, tzinfo=UTC)
    assert spoken_future(at, at - timedelta(hours=2), "Europe/London") == "14:30 BST today"
    assert spoken_future(at, at - timedelta(hours=16), "Europe/Berlin") == "15:30 CEST tomorrow"
    assert spoken_future(at, at - timedelta(days=3), "Europe/London") == "14:30 BST on Wednesday"
    assert spoken_future(at, at - timedelta(days=9), "Europe/London") == "14:30 BST on 1 July"
    assert spoken_past(at, at + timedelta(hours=1), "Europe/London") == "14:30 BST today"
    assert spoken_past(at, at + timedelta(days=1), "Europe/London") == "yesterday, 14:30 BST"


@pytest.mark.parametrize(
    ("text", "counting", "long"),
    [
        ("hello", "x", 5),
        ("日本", "x", 4),
        ("👩‍👩‍👧‍👦", "x", 2),
        ("❤️", "x", 2),
        ("see https://example.com/a/very/long/address/that/counts/as/twenty-three ok", "x", 4 + 23 + 3),
        ("é", "x", 1),
        ("e\u0301", "x", 1),
        ("👩‍👩‍👧‍👦", "graphemes", 1),
        ("👍", "utf16", 2),
        ("👍", "characters", 1),
    ],
)
def test_each_network_counts_its_own_way(text: str, counting: Counting, long: int) -> None:
    assert length(text, counting) == long


COUNTINGS: list[Counting] = ["characters", "graphemes", "utf16", "x"]
TEXTS = st.lists(
    st.one_of(
        st.text(max_size=30),
        st.sampled_from(["👩‍👩‍👧‍👦", "e\u0301", "🏳️‍🌈", "https://example.com/" + "p" * 30, "word", "A sentence ends. ", "\n\n"]),
    ),
    max_size=60,
).map(" ".join)


@given(TEXTS, st.sampled_from(COUNTINGS), st.integers(60, 300))
@settings(max_examples=150, deadline=None)
def test_a_long_text_is_split_without_losing_a_word_or_cutting_a_character(text: str, counting: Counting, limit: int) -> None:
    try:
        parts = split(text, limit, counting, 9)
    except TooLong:
        assert length(text, counting) > limit
        return
    assert all(length(p, counting) <= limit for p in parts)
    bare = [re.sub(r" \(\d/\d\)$", "", p) for p in parts] if len(parts) > 1 else parts
    assert "".join("".join(bare).split()) == "".join(text.split())
    whole = set(graphemes(text))
    assert all(g in whole or g.isspace() for p in bare for g in graphemes(p) if len(g) > 1)


def test_a_split_prefers_the_end_of_a_sentence() -> None:
    text = "First we looked at the line. It was cut by roadworks. " + "The engineer comes tomorrow at nine and will call you before. " * 3
    parts = split(text, 120, "characters", 5)
    assert parts[0] == "First we looked at the line. It was cut by roadworks. (1/3)".replace("(1/3)", f"(1/{len(parts)})")


@given(TEXTS, st.sampled_from(COUNTINGS), st.integers(5, 80))
@settings(max_examples=100, deadline=None)
def test_a_shortened_text_fits(text: str, counting: Counting, limit: int) -> None:
    assert length(shortened(text, limit, counting), counting) <= limit


def test_a_persons_words_are_tidied_but_not_changed() -> None:
    assert tidy("  Hello \x00 there \n\n\n\n you \u0007 ") == "Hello there\n\nyou"


# --- German -------------------------------------------------------------------------------------------------------------


IN_GERMANY = replace(FACTS, zone="Europe/Berlin", customer="Jana Weber", department="Abrechnung", self_help=None)


@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_the_german_wording_has_every_template_in_words_that_fit_a_short_post(template: str) -> None:
    facts = replace(IN_GERMANY, until=NOW + timedelta(days=30), since=NOW - timedelta(days=30), opens=NOW + timedelta(days=30))
    facts = replace(facts, link="https://x.example/status/1900000000000000001")
    assert template in GERMAN.forms
    for form in GERMAN.in_family(template, None):
        text = fill(form, replace(facts, language="de", body="Ihre Erstattung ist unterwegs."))
        assert length(text, "x") <= 280, text
        assert not re.search(r"[{}]|\b(we|our|your|you|the|today|tomorrow)\b", text, re.IGNORECASE), text
        assert text.endswith("– Meridian Care")


def test_german_moments_and_names_are_said_as_people_there_say_them() -> None:
    text = render(GERMAN, "holding_update.accepted", 0, replace(IN_GERMANY, signer="Ana Sousa"), Room(280, "x"))
    assert text.startswith("Hallo Jana, wir haben Sie nicht vergessen. Ana aus unserem Team Abrechnung hat Ihr Anliegen.")
    assert text.endswith("bis heute, 15:02 Uhr (MEZ). – Ana")
    nobody = replace(IN_GERMANY, customer="@115712", owner=None, until=NOW + timedelta(days=40))
    text = render(GERMAN, "holding_update.accepted", 1, nobody, Room(280, "x"))
    assert text.startswith("Guten Tag, damit Sie wissen, wie es steht: unser Team Abrechnung arbeitet")
    assert "Samstag, 11. April, 12:02 Uhr (MESZ)" in text
    shown = render(GERMAN, "personal_data.remove", 1, IN_GERMANY, Room(280, "x"))
    assert "jeder eine Telefonnummer und eine E-Mail-Adresse lesen" in shown


def test_a_german_apology_is_an_apology() -> None:
    forms = {**{name: dict(families) for name, families in GERMAN.forms.items()}}
    forms["acknowledgement.complaint"]["default"] = ("{hello} wir haben das gelesen. {until} {sign}",) * 3
    with pytest.raises(ValidationError, match="does not apologise"):
        Wording(language="de", forms=forms)


def test_a_brand_speaks_its_language_where_the_wording_has_it() -> None:
    both = WORDING.model_copy(update={"also": (GERMAN,)})
    assert both.spoken_in("de").language == "de"
    assert both.spoken_in("fr").language == "en"
    assert both.spoken_in(None).language == "en"
    assert WORDING.whole() == WORDING.model_dump_json(exclude={"also"}), "versions keep the names that they had"
    with pytest.raises(ValidationError, match="each language once"):
        Wording(language="de", forms=GERMAN.forms, also=(GERMAN,))
