"""Everything that the buttons do, in a line: `/case …`. Only the person who writes it sees the answer."""

from __future__ import annotations

import re

import pytest

from adapters.slack import cards
from api.slack.words import HELP
from domain.commands import SAID_ALREADY
from domain.rights import NO_DEPARTMENT
from tests.e2e.conftest import BEN, BILLING, SOCIAL, TECHNICAL, Json, actions, quotes, texts
from tests.e2e.desk.conftest import CARE, CARMEN, JONAS, KOFI, MAX, NOBODY, PRIYA, Desk, Mailslot, command_of, customer_of


def test_a_case_goes_from_complaint_to_thank_you_by_lines_alone(desk: Desk) -> None:
    case, _ = desk.case()
    n = desk.number(case)
    assert desk.told(BEN, f"accept {n}") == f"You have case #{n} now."

    seen = desk.type(BEN, f"ask {n} Which of the two <https://bank.example/x|charges> do you mean, & since when?")
    assert quotes(seen["blocks"])[0].split("\n")[1].endswith("charges (https://bank.example/x) do you mean, & since when?")
    assert texts(seen["close"]) == ["Cancel"]
    assert desk.send(BEN, seen) == ""
    asked = desk.replies(case, 2)[1]
    assert asked["text"] == quotes(seen["blocks"])[0]
    desk.hands.post("x", "The one over 58 euros.", customer_of(desk, case), in_reply_to=asked["id"])
    desk.until(lambda: "ask_answered" in desk.events(case))

    seen = desk.type(BEN, f"update #{n} We have found it.")
    assert desk.send(BEN, seen) == ""
    desk.replies(case, 3)
    assert desk.told(BEN, f"note {n} Called the bank.") == f"#{n}: Your note is in the thread."
    assert desk.told(BEN, f"priority {n} URGENT") == f"#{n}: The priority is changed, and every clock with it."
    assert desk.told(BEN, f"category {n} product") == f"#{n}: The category is changed."
    assert desk.told(BEN, f"assign {n} Customer Care It is about the manner.") == f"Case #{n} is with Customer Care now."
    desk.card(case, "care", shows="nobody yet")
    assert desk.told(JONAS, f"accept {n}", CARE) == f"You have case #{n} now."
    assert desk.told(JONAS, f"wait {n} 3 h The bank looks into it.", CARE) == f"#{n}: The case waits; the resolve clock stands still."
    assert desk.file(case).case.wait_until is not None
    assert desk.told(JONAS, f"snooze {n} 30min Lunch.", CARE) == f"#{n}: No reminders to you and your department for 30min."
    assert desk.told(JONAS, f"resume {n}", CARE) == f"#{n}: The case is back in work."
    assert desk.told(JONAS, f"escalate {n} The customer has waited since Monday.", CARE) == f"#{n}: They are being called."
    called = desk.direct(CARMEN, "Jonas Berg asks for help.")
    assert quotes(called["blocks"])[0] == "The customer has waited since Monday."
    assert cards.OPEN in actions(called)
    seen = desk.type(JONAS, f"private {n} Which account is it?", CARE)
    whispered, _ = quotes(seen["blocks"])
    assert whispered.endswith("Which account is it?\n– Jonas")
    assert desk.send(JONAS, seen) == ""
    desk.replies(case, 5)
    view = desk.type(JONAS, f"resolve {n} The 58 euros are on their way back.", CARE)
    seen = desk.review(JONAS, view, cause="billing_error")
    assert desk.send(JONAS, seen) == ""
    desk.card(case, "care", shows="Closed")
    assert desk.replies(case, 6)[-1]["text"] == quotes(seen["blocks"])[0]
    told = " ".join(texts(desk.type(JONAS, f"history {n}", CARE)["blocks"]))
    for part in (
        "Called the bank.",
        "It is about the manner.",
        "The bank looks into it.",
        "The customer has waited since Monday.",
        "Lunch.",
    ):
        assert part in told
    assert "Which account" not in told
    assert desk.told(JONAS, f"reopen {n}", CARE) == f"#{n}: The case is open again."
    assert desk.told(MAX, f"dismiss {n} nothing_to_answer They say so.", SOCIAL) == f"#{n}: The case is dismissed."
    desk.card(case, "care", shows="Dismissed")


def test_of_more_cases_than_fit_those_that_are_due_first_are_shown_and_the_others_named(desk: Desk) -> None:
    numbers = []
    for _ in range(12):
        case, _ = desk.case("My router is broken and nobody answers.")
        numbers.append(desk.number(case))
        assert desk.told(KOFI, f"accept {numbers[-1]}", TECHNICAL) == f"You have case #{numbers[-1]} now."
    last = numbers[-1]
    assert desk.told(KOFI, f"priority {last} urgent", TECHNICAL).endswith("The priority is changed, and every clock with it.")

    def shown() -> list[int] | None:
        """The numbers in the list, once the change of priority is on record there."""
        buttons = [int(label.removeprefix("Show #")) for label in texts(answers()["blocks"]) if label.startswith("Show #")]
        return buttons if buttons[0] == last else None

    def answers() -> Json:
        return desk.type(KOFI, "mine", TECHNICAL)

    first = desk.until(shown)
    mine = texts(answers()["blocks"])[0]
    found = re.match(r"You have (\d+) open cases\. These 10 are due first; after them (.*)\.", mine)
    assert found is not None, mine
    others = [int(number) for number in re.findall(r"#(\d+)", found[2])]
    assert len(first) == 10
    assert int(found[1]) == len(first) + len(others)
    assert set(numbers) <= {*first, *others}


FORMS = [
    ("ask", "Ask the customer"),
    ("update", "Post an update"),
    ("resolve", "Resolve the case"),
    ("private", "Go on in private"),
    ("assign", "Reassign the case"),
    ("escalate", "Escalate now"),
    ("snooze", "Snooze reminders"),
    ("wait", "Wait on a third party"),
    ("note", "Add a note"),
    ("priority", "Change the priority"),
    ("category", "Change the category"),
    ("dismiss", "Dismiss the case"),
    ("walkaway", "Walk away"),
    ("history", "Case #{n}"),
]


@pytest.fixture(scope="module")
def shared() -> dict[str, int]:
    return {}


@pytest.fixture
def n(desk: Desk, shared: dict[str, int]) -> int:
    """The number of a case that Ben has, and of which nothing comes in these tests."""
    if "n" not in shared:
        shared["n"] = desk.number(desk.case(by=BEN)[0])
    return shared["n"]


@pytest.mark.parametrize(("verb", "title"), FORMS, ids=[verb for verb, _ in FORMS])
def test_without_words_a_line_opens_the_form_that_the_button_opens(desk: Desk, n: int, verb: str, title: str) -> None:
    by = MAX if verb == "dismiss" else BEN
    view = desk.type(by, f"{verb} {n}", SOCIAL if by == MAX else BILLING)
    assert texts(view["title"]) == [title.format(n=n)]
    desk.hands.close_view(by, view["id"])


def test_the_card_can_be_shown_by_its_number_and_used_there(desk: Desk, n: int) -> None:
    for line in (f"show {n}", str(n), f"#{n}"):
        card = desk.type(BEN, line)
        assert card["ephemeral_to"] == BEN
        assert actions(card) == [cards.ASK, cards.UPDATE, cards.RESOLVE, cards.REASSIGN, cards.MORE]
    view = desk.menu(BEN, card, "wait")
    assert texts(view["title"]) == ["Wait on a third party"]
    desk.hands.close_view(BEN, view["id"])


def test_accepting_elsewhere_than_on_the_card_is_confirmed(desk: Desk) -> None:
    case, _ = desk.case()
    n = desk.number(case)
    shown = desk.type(BEN, f"show {n}")
    before = desk.hands.number()
    assert desk.press(BEN, shown, cards.ACCEPT).acked
    assert desk.whisper(BEN, before) == f"You have case #{n} now."


WRONG = [
    ("help me", "What you can write here"),
    ("", "What you can write here"),
    ("fly 42", "There is no “fly” here. /case help tells what there is."),
    ("<!channel>", "There is no “<!channel>” here."),
    ("accept", "Which case? Write its number: /case accept 42"),
    ("accept me", "Which case? Write its number: /case accept 42"),
    ("accept -1", "Which case?"),
    ("accept ٤٢", "Which case?"),
    ("show 1e3", "Which case?"),
    ("show 987654321098765432109876543210", "Which case?"),
    ("show 999999999999", "There is no case 999999999999. /case mine and /case find show which there are."),
    ("999999999999", "There is no case 999999999999."),
    ("find", "What are you looking for?"),
    ("find x", "What are you looking for?"),
    ("find nothing that anybody wrote", "None of the cases that you may see has “nothing that anybody wrote” in it, each word whole."),
    ("snooze {n} soon", "For how long? For example: /case snooze 42 3 h"),
    ("snooze {n} 3 weeks", "For how long?"),
    ("snooze {n} 3", "For how long?"),
    ("snooze {n} 0 h", "That moment is over. Choose a later one."),
    ("snooze {n} 4 d", "A case can be snoozed for 3 d at most. Choose an earlier moment."),
    ("snooze {n} 99999999999999 h", "For how long?"),
    ("snooze {n} 999999 wd", "A case can be snoozed for 3 d at most."),
    ("wait {n} 999999 d Godot.", "Nobody is waited for longer than a year. Choose an earlier moment, or none."),
    ("wait {n} 3 h", "Write a reason first: it stands in the case's history."),
    ("resume {n}", "This case neither waits on a third party nor is it snoozed."),
    ("reopen {n}", "This case is open already."),
    ("waive {n} No need.", "Only Social care and leads can do this. Write to them in the thread."),
    ("dismiss {n} spam", "Only Social care and leads can do this. Write to them in the thread."),
    ("priority {n} extreme", "Which priority? urgent, high, normal or low."),
    ("category {n} weather", "There is no category 'weather': billing, technical, website, product, other."),
    ("category {n} billing", "The category is billing already."),
    ("assign {n} nowhere", "There is no such department. There are: product, website, technical, billing, care."),
    ("accept {n}", "You have this case already."),
    ("update {n} " + "x" * 2500, "280"),
]


@pytest.mark.parametrize(("line", "told"), WRONG, ids=[line[:24] or "nothing" for line, _ in WRONG])
def test_what_cannot_be_done_is_a_sentence_to_whoever_wrote_it(desk: Desk, n: int, line: str, told: str) -> None:
    case = desk.store.reader.numbered(n)
    assert case is not None
    before = desk.events(case)
    answer = desk.type(BEN, line.format(n=n))
    said = " ".join(texts(answer["blocks"])) if answer.get("blocks") else answer["text"]
    assert told.replace("<", "&lt;").replace(">", "&gt;") in said or told in said
    assert answer["ephemeral_to"] == BEN
    assert desk.quiet_since(case, before)


def test_help_lists_every_verb_and_what_reaches_the_customer(desk: Desk) -> None:
    told = desk.type(BEN, "help")["text"]
    for line, why in HELP:
        assert f"/case {line}" in told
        assert why in told
    assert {line.split()[0] for line, _ in HELP} >= {verb for verb, _ in FORMS}


OTHERS = [
    "accept {n}",
    "update {n} Hello there, this is ours.",
    "resolve {n}",
    "private {n} Hello.",
    "assign {n} product",
    "priority {n} low",
    "snooze {n} 1 h",
    "wait {n} On us.",
    "resume {n}",
    "reopen {n}",
    "walkaway {n} No.",
    "escalate {n} Now.",
]


@pytest.mark.parametrize("line", OTHERS, ids=[line.split()[0] for line in OTHERS])
def test_another_department_is_told_whose_case_it_is(desk: Desk, n: int, line: str) -> None:
    case = desk.store.reader.numbered(n)
    assert case is not None
    before = desk.events(case)
    told = desk.told(PRIYA, line.format(n=n), TECHNICAL)
    assert told == "This case is with Billing. Only Billing, Social care and leads can do this."
    assert desk.quiet_since(case, before)


@pytest.mark.parametrize("verb", ["show", "history"])
def test_another_department_does_not_read_the_case(desk: Desk, n: int, verb: str) -> None:
    assert desk.told(PRIYA, f"{verb} {n}", TECHNICAL) == f"Case #{n} is with Billing. Its team can show it to you."
    assert "None of the cases" in desk.told(PRIYA, f"find #{n} charged twice", TECHNICAL)
    assert f"Show #{n}" in desk.told(BEN, f"find #{n} charged twice")
    assert f"Show #{n}" in desk.told(MAX, f"find #{n} charged twice", SOCIAL)


def test_a_case_is_found_by_its_number_and_what_everybody_should_not_read_is_masked_in_the_list(desk: Desk) -> None:
    case, _ = desk.case("You charged me twice and nobody answers. Ring me at +44 7700 900123.")
    n = desk.number(case)
    for line in (f"find {n} charged", f"find #{n} CHARGED", "find 900123"):
        found = desk.told(BEN, line)
        assert f"Show #{n}" in found
        assert "Ring me at •••• 123." in found
        assert "7700 900123" not in found
    assert f"Show #{n}" not in desk.told(BEN, f"find #{n}0 charged")


def test_a_department_that_had_the_case_may_ask_and_note_and_read_it(desk: Desk) -> None:
    case, _ = desk.case(by=BEN)
    n = desk.number(case)
    assert desk.told(BEN, f"assign {n} technical") == f"Case #{n} is with Technical now."
    desk.card(case, "technical", shows="nobody yet")
    assert desk.told(BEN, f"note {n} They called twice.") == f"#{n}: Your note is in the thread."
    assert texts(desk.type(BEN, f"ask {n} Which line is it?")["title"]) == ["Ask the customer"]
    assert texts(desk.type(BEN, f"history {n}")["title"]) == [f"Case #{n}"]
    assert desk.told(BEN, f"update {n} It is the line.").startswith("This case is with Technical.")


@pytest.mark.parametrize("line", ["accept {n}", "note {n} Hello.", "find charged twice", "new", "ask {n} Hello?"])
def test_somebody_of_no_department_is_told_how_to_get_into_one(desk: Desk, n: int, line: str) -> None:
    assert desk.told(NOBODY, line.format(n=n)) == NO_DEPARTMENT


def test_somebody_whom_slack_has_removed_or_never_knew_can_do_nothing(desk: Desk, n: int, mailslot: Mailslot) -> None:
    case = desk.store.reader.numbered(n)
    assert case is not None
    before = desk.events(case)
    for line in (f"accept {n}", f"note {n} Ha!", f"update {n} We pay you a million."):
        assert command_of(desk, mailslot, "U0GONE0001", line) == NO_DEPARTMENT
    assert command_of(desk, mailslot, "U0GONE0001", "mine") == "Your cases"
    assert desk.quiet_since(case, before)


def test_what_was_said_already_is_not_said_again(desk: Desk) -> None:
    case, _ = desk.case(by=BEN)
    n = desk.number(case)
    words = "The bank has promised to send it back today."
    assert desk.send(BEN, desk.type(BEN, f"update {n} {words}")) == ""
    desk.replies(case, 2)
    assert desk.told(BEN, f"update {n}   {words} ") == SAID_ALREADY


def test_where_no_private_messages_are_taken_the_way_to_reach_us_is_given_in_public(desk: Desk) -> None:
    case, _ = desk.case(channel="mastodon", by=BEN)
    n = desk.number(case)
    view = desk.type(BEN, f"private {n} Which account is it?")
    assert "takes no private messages" in " ".join(texts(view["blocks"]))
    seen = desk.review(BEN, view)
    (line,) = quotes(seen["blocks"])
    assert "https://help.example.com/contact" in line
    assert desk.send(BEN, seen) == ""
    assert desk.replies(case, 2)[1]["text"] == line


def test_nobody_resolves_or_waits_with_a_case_that_nobody_has_accepted(desk: Desk) -> None:
    case, card = desk.case()
    n = desk.number(case)
    for verb in ("resolve", "snooze", "wait"):
        assert desk.told(BEN, f"{verb} {n}").startswith("Nobody has accepted this case. Accept it first")
    before = desk.hands.number()
    assert desk.press(BEN, card, cards.RESOLVE).acked
    assert desk.whisper(BEN, before).startswith("Nobody has accepted this case.")
