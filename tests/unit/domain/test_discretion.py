"""What everybody must not read: personal data in public texts, and private words that a public text repeats."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import commands as c
from domain.case import Case
from domain.casefile import CaseFile
from domain.discretion import IN_A_ROW, Onlookers, in_words, repeats
from domain.story import story
from domain.values import Intent, Permalink, Priority, Purpose, Triage
from tests.casefiles import case_file, policy_with
from tests.unit.domain.story import ANA, BEN, DEFAULT, Story

SECRET = "My daughter Mia is in St Mary's hospital, ward 7; please send the new router to my sister in Leeds."
ON_X = Onlookers(DEFAULT, "meridian", "x")

# --- repeating --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "run"),
    [
        ("We are sorry that your daughter Mia is in St Mary's hospital.", "daughter Mia is in St Mary's hospital"),
        ("DAUGHTER   mia is – in\nst. marys, hospital!", "DAUGHTER   mia is – in\nst. marys, hospital"),
        ("So: the new router to my sister, then?", "the new router to my sister"),
        ("Dàughter Mía is in St Mary’s", "Dàughter Mía is in St Mary’s"),
        ("daugh\u00adter Mia\u200b is in St Mary's", "daugh\u00adter Mia\u200b is in St Mary's"),
    ],
)
def test_a_row_of_somebodys_own_words_is_found_however_it_is_written(body: str, run: str) -> None:
    assert repeats(body, ["Hello.", SECRET]) == run


@pytest.mark.parametrize(
    "body",
    [
        "",
        "We hope that your daughter is better.",
        "The new router is on its way to you.",
        "We'll send the new router to Leeds.",  # five in a row, and but one of them is telling
        "Please send us a private message with your customer number.",
        "hospital Mary's St in is Mia daughter",
        "daughter! Mia, is in",  # four in a row
    ],
)
def test_a_few_words_or_others_or_in_another_order_are_nobodys(body: str) -> None:
    assert repeats(body, [SECRET]) is None


PHRASES = [
    "Thank you for getting back to us, and we are sorry for the inconvenience.",
    "Please let us know if there is anything else that we can do for you.",
    "We will get back to you as soon as we can.",
    "I would like to know when you will be able to help me with this.",
    "Thank you very much for your patience while we look into this for you.",
    "Could you please tell me what I need to do next?",
    "Sorry to hear that you have been waiting for so long.",
]


@pytest.mark.parametrize("phrase", PHRASES)
def test_everyday_phrases_may_be_said_in_public_although_they_were_written_in_private(phrase: str) -> None:
    assert repeats(phrase, [*PHRASES, SECRET]) is None


def test_what_everybody_can_read_already_may_be_repeated() -> None:
    body = "You wrote: please send the new router to my sister in Leeds."
    assert repeats(body, [SECRET]) == "please send the new router to my sister in Leeds"
    assert repeats(body, [SECRET], ["@meridian Please send the new router to my sister in Leeds!!"]) is None


@pytest.mark.parametrize(
    ("body", "run"), [("Is 88213377 right?", "88213377"), ("Is it 1984 or 24601?", None), ("number XK88213377.", None)]
)
def test_a_long_number_is_somebodys_own_by_itself(body: str, run: str | None) -> None:
    assert repeats(body, ["it is 88213377, from 1984, 24601"]) == run


WORD = st.sampled_from(["router", "hospital", "daughter", "1984", "Leeds", "is", "the", "to", "for", "ß", "İ", "é", "日本", "x"])
WORDS = st.lists(WORD, max_size=40).map(" ".join)


@given(WORDS, WORDS)
def test_what_is_found_stands_in_both(body: str, private: str) -> None:
    run = repeats(body, [private])
    if run is not None:
        assert run in body
        assert len(run.split()) >= IN_A_ROW
        assert " ".join(run.split()[:IN_A_ROW]) in private


@given(st.text(max_size=200), st.lists(st.text(max_size=200), max_size=3))
def test_any_texts_can_be_held_against_each_other(body: str, private: list[str]) -> None:
    run = repeats(body, private)
    assert run is None or run in body


# --- what a person is told --------------------------------------------------------------------------------------------

OUR_OWN = "Write to us at https://help.example.com or call 0800 496 0000."


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("Is sam.okafor@mail.example right?", "an e-mail address"),
        ("We call you at +44 7700 900123 about MM-1234567.", "a phone number and an order number"),
        (f"We'll send the new router to my sister. {OUR_OWN}", "“send the new router to my sister”"),
    ],
)
def test_a_person_hears_what_everybody_must_not_read_and_what_to_do(body: str, says: str) -> None:
    told = ON_X.objection(body, [SECRET])
    assert told is not None
    assert says in told
    assert told.endswith("Everybody could read it. Take it out, or write in private.")


@pytest.mark.parametrize("body", [OUR_OWN, "Thank you for your patience.", "It costs 49.99 since 2026-03-02, 10:30."])
def test_nobody_minds_an_ordinary_text(body: str) -> None:
    assert ON_X.objection(body, [SECRET]) is None


def test_what_only_we_read_may_say_everything_and_is_not_masked() -> None:
    by_phone = Onlookers(DEFAULT, "meridian", "phone")
    text = "Called from +44 7700 900123 about MM-1234567"
    assert (by_phone.kinds_in(text), by_phone.objection(text), by_phone.masked(text)) == ((), None, text)


def test_a_long_row_is_shown_by_its_beginning() -> None:
    told = ON_X.objection("word1 word2 " * 40, ["word1 word2 " * 40])
    assert told is not None
    assert len(told) < 250


def test_kinds_on_record_are_told_in_words_also_those_of_a_later_version() -> None:
    assert in_words(("phone", "e_mail")) == "an e-mail address and a phone number"
    assert in_words(("shoe_size",)) == "personal data"


# --- a case's file ----------------------------------------------------------------------------------------------------

SHOWING = "My number is +44 7700 900123, order MM-1234567, where is it?"
MASKED = "My number is •••• 123, order •••• 567, where is it?"


def arrived(told: Story, post: str, *, private: bool = False, personal: tuple[str, ...] = ()) -> None:
    triage = Triage(Intent.REMARK, "billing", Priority.NORMAL, "billing")
    told.done(c.PostArrived(f"a-{post}", post, triage, told.now, words=f"w-{post}", private=private, personal=personal))


def gone_private(*, posts: bool = True) -> Story:
    """A case in which somebody went on in private."""
    told = Story().accepted()
    told.posts = posts
    told.done(c.TakePrivate("tp", ANA, "w-line", "w-message"))
    return told


def everything_told(file: CaseFile) -> str:
    """All that people are told of a case."""
    return "\n".join(f"{line.text} {line.quote} {line.link}" for whole in (False, True) for line in story(file, whole=whole))


def test_what_was_written_in_private_is_nowhere_in_the_file_or_its_story() -> None:
    told = gone_private()
    arrived(told, "dm1", private=True)
    told.done(c.PostChanged("ed", "dm1", "w-changed"))
    file = case_file(told, words={"w-message": SECRET, "w-dm1": SECRET, "w-changed": SECRET, "w-r3": SECRET, "w-line": "We wrote to you."})
    assert {file.text_of(f"w-{one}") for one in ("message", "dm1", "changed")} == {"(private)"}
    shown = everything_told(file)
    assert SECRET not in shown
    for sentence in (
        "We wrote to the customer in private (not shown here)",
        "The customer wrote to us in private (not shown here)",
        "The customer changed what they wrote in private (not shown here)",
        "We said in public that it goes on in private We wrote to you. https://",
    ):
        assert sentence in shown
    assert SECRET not in " ".join(file.public_words)


def test_whispers_are_told_with_who_and_when_in_their_order() -> None:
    told = gone_private()
    wrote_at = told.now
    told.wait(timedelta(minutes=10))
    arrived(told, "dm1", private=True)
    told.done(c.PostChanged("ed", "dm1", "w-changed"))
    file = case_file(told)
    assert [(one.who, one.at, one.words, one.note) for one in file.whispers] == [
        ("Ana Silva", wrote_at, "w-message", ""),
        ("Sam Okafor (@sam)", told.now, "w-dm1", ""),
        ("Sam Okafor (@sam)", told.now, "w-changed", "changed"),
    ]


def test_a_private_message_that_nobody_is_sure_of_says_so_until_it_is_settled() -> None:
    told = gone_private(posts=False)
    step = told.case.replies[0].step

    def notes() -> list[tuple[str, str]]:
        return [(one.who, one.note) for one in case_file(told).whispers]

    assert notes() == [("Ana Silva", "on its way")]
    told.done(c.PostUnconfirmed("u", step, "time-out", "w-frozen"))
    assert notes() == [("Ana Silva", "nobody can tell whether it was sent")]
    assert case_file(told, words={"w-frozen": SECRET}).text_of("w-frozen") == "(private)"
    told.done(c.SettleReply("s", BEN, step, posted=False))
    assert notes() == [("Ana Silva", "on its way")], "it is still hers, whoever has it sent again"
    again = told.case.planned(Purpose.PRIVATE)
    assert again is not None
    told.done(c.PostFailed("f", again.step, "takes no private messages", "w-frozen"))
    assert notes() == [("Ana Silva", "not sent")]
    assert SECRET not in everything_told(case_file(told, words={"w-frozen": SECRET, "w-message": SECRET}))


def test_a_private_message_that_was_sent_after_all_has_no_note() -> None:
    told = gone_private(posts=False)
    step = told.case.replies[0].step
    told.done(c.PostUnconfirmed("u", step, "time-out", "w-frozen"))
    told.done(c.SettleReply("s", BEN, step, posted=True, permalink="https://x.example/r"))
    assert [one.note for one in case_file(told).whispers] == [""]


def test_a_refused_private_message_takes_the_public_line_with_it_and_is_spoken_of_as_such() -> None:
    told = gone_private(posts=False)
    told.done(c.PostFailed("f", told.case.replies[0].step, "takes no private messages", "w-frozen"))
    shown = everything_told(case_file(told, words={"w-frozen": SECRET}))
    assert "The private message could not be posted: takes no private messages" in shown
    assert "The line that says that it goes on in private was called off: the private message was not sent" in shown
    assert SECRET not in shown


def test_the_customers_posts_are_masked_where_there_are_no_roles_and_whole_where_there_are() -> None:
    told = Story().accepted()
    arrived(told, "p9", personal=("phone", "order"))
    told.done(c.PostChanged("ed", "p9", "w-edited"))
    told.done(c.Note("n", ANA, "w-note"))
    file = case_file(told, posts=[SHOWING, SHOWING], words={"w-edited": SHOWING + "!", "w-note": SHOWING})
    assert (file.first_words, file.first_shown) == (SHOWING, MASKED)
    quotes = [line.quote for line in story(file) if line.quote and "number" in line.quote]
    assert quotes == [MASKED, MASKED, MASKED + "!", SHOWING], "what a colleague notes is theirs to answer for"
    assert [line.quote for line in story(file, whole=True) if line.quote and "number" in line.quote] == [
        SHOWING,
        SHOWING,
        SHOWING + "!",
        SHOWING,
    ]
    (warned,) = [line.text for line in story(file) if "Everybody can read" in line.text]
    assert warned == "Everybody can read a phone number and an order number in the customer's post. Here it is masked."
    assert "masked" not in "".join(line.text for line in story(file, whole=True))


def test_what_came_by_phone_is_shown_whole() -> None:
    told = Story(Case("meridian-phone-1"), policy=DEFAULT.for_case("meridian", "phone"))
    told.arrives(Intent.COMPLAINT)
    assert case_file(told, posts=[SHOWING]).first_shown == SHOWING


def test_the_words_of_a_post_are_those_of_its_last_version() -> None:
    told = Story().accepted()
    told.done(c.PostChanged("ed", "p0", "w-edited"))
    told.done(c.PostChanged("ed2", "p0", "w-edited2"))
    file = case_file(told)
    assert (file.words_of("p0"), file.words_of("nobody's")) == ("w-edited2", None)


# --- order numbers ----------------------------------------------------------------------------------------------------


def test_a_brands_order_numbers_are_looked_for_as_its_policy_has_them() -> None:
    brand = DEFAULT.brand("meridian").model_dump(mode="json")
    policy = policy_with(brands={"meridian": {**brand, "order_numbers": [r"\bKD\d{7}\b"]}})
    assert Onlookers(policy, "meridian", "x").masked("KD1234567 and MM-1234567") == "•••• 567 and MM-1234567"
    assert policy.brand("meridian").order_patterns is policy.brand("meridian").order_patterns, "compiled once a version"


# --- hours ------------------------------------------------------------------------------------------------------------


def test_an_acknowledgement_that_could_not_be_sent_while_the_department_was_closed_is_true_when_it_is_sent() -> None:
    told = Story(policy=DEFAULT.for_case("meridian", "x"), posts=False)
    told.now = told.now.replace(day=6, hour=18, minute=0)  # a Friday evening
    triage = Triage(Intent.QUESTION, "billing", Priority.NORMAL, "billing")
    told.done(c.PostArrived("a", "p0", triage, told.now, words="w-p0", tell_hours=True))
    (first,) = told.case.replies
    assert (first.template, first.opens) == ("acknowledgement.other_away", told.now.replace(day=9, hour=9))
    told.now += timedelta(hours=5)
    told.done(c.PostExpired("x1", first.step))
    (second,) = told.case.replies
    assert (second.template, second.opens) == (first.template, first.opens), "still closed"
    told.now = told.now.replace(day=9, hour=9, minute=30)
    told.done(c.PostExpired("x2", second.step))
    (third,) = told.case.replies
    assert (third.template, third.opens) == ("acknowledgement.question", None)


def test_a_posted_private_message_is_no_public_word() -> None:
    told = gone_private(posts=False)
    before = told.case.last_word_at
    private = told.case.planned(Purpose.PRIVATE)
    assert private is not None
    told.done(c.Posted("p", private.step, Purpose.PRIVATE, told.now, (Permalink("r", "https://x.example/dm"),), "w-frozen"))
    assert told.case.last_word_at == before
    assert "https://x.example/dm" not in everything_told(case_file(told)), "nobody but the customer could open it"
