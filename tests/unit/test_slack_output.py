"""Everything that we show in Slack, made of the worst that people write, held against the SDK and Slack's limits.

Whoever adds a card, a modal or a tab adds a pair to MESSAGES or VIEWS; it is then shown every case in CASES.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from adapters.slack import cards, modals
from adapters.slack.rich import Block
from domain import commands as c
from domain import events as e
from domain.casefile import CaseFile, Line, story
from domain.values import Intent, Priority
from tests.blockkit import Json, check_message, check_view, texts
from tests.casefiles import case_file, policy_with
from tests.unit.domain.story import ANA, BEN, DEFAULT, Story

LONGEST_POST = 20_000
LONGEST_NAME = 200
LONGEST_REASON = 500
ACTING = "<!here> <!channel> <@U0BOSS001> <#C0BOARD01> <https://evil.example|click> &amp; *b* _i_ ~s~ `code` :tada: @everyone"
RIGHT_TO_LEFT = "\u202e\u2067שרה כהן مريم\u2069\u202c"
FAMILIES = "👩‍👩‍👧‍👦🏳️‍🌈👍🏽"
MARKED = "e" + "\u0301\u0323\u0330" * 8
"""One character to the eye, 25 to a computer."""

# --- cases ------------------------------------------------------------------------------------------------------------


def of_words(text: str, *, more: int = 0) -> CaseFile:
    """An accepted case of a customer who writes this, and writes it again `more` times."""
    told = Story().accepted()
    for _ in range(more):
        told.arrives(Intent.COMPLAINT)
    return case_file(told, posts=[text] * (more + 1))


def of_names(name: str) -> CaseFile:
    """A case in which everybody and everything is called this, as far as each may be."""
    departments = {
        key: {**desk.model_dump(mode="json"), "name": f"{desk.name} {name}"[:60].strip()} for key, desk in DEFAULT.departments.items()
    }
    policy = policy_with(departments=departments, root_causes={key: f"{key} {name}" for key in DEFAULT.root_causes})
    told = Story(policy=policy.for_case("x")).accepted()
    told.done(c.Note("n1", ANA, "w-note"))
    told.done(c.Reassign("r1", ANA, "technical", "w-why"))
    words = {"w-note": name, "w-why": name}
    return case_file(told, policy=policy, customer=name, handle=name[:LONGEST_NAME], words=words, people={ANA.person: name})


def of_departments(count: int) -> CaseFile:
    """A case under a policy with so many departments, of names as long as they may be."""
    desk = DEFAULT.departments["billing"].model_dump(mode="json")
    departments = {"billing": desk} | {f"d{n}": {**desk, "name": f"Department {n} ".ljust(60, "x")} for n in range(1, count)}
    triage = {**DEFAULT.triage.model_dump(mode="json"), "departments": dict.fromkeys(DEFAULT.triage.departments, "billing")}
    policy = policy_with(departments=departments, triage=triage)
    return case_file(Story(policy=policy.for_case("x")).opened(), policy=policy)


def of_root_causes(label: str) -> CaseFile:
    """A case under a policy with as many root causes as it may have, of such labels."""
    policy = policy_with(root_causes={f"cause_{n}": f"{label}{n}" if label else "" for n in range(90)})
    told = Story(policy=policy.for_case("x")).accepted()
    told.done(c.Resolve("res", ANA, "cause_89", "w-thanks"))
    return case_file(told, policy=policy)


def of_an_unhappy_reply(happens: str) -> CaseFile:
    """A case whose acknowledgement was refused, cannot be confirmed, or has to be said by a person, for the longest of reasons."""
    told = Story(posts=False).opened()
    reason = ("The network says: " + ACTING * 9)[:LONGEST_REASON]
    message: c.Message
    if happens == "refused":
        message = c.PostFailed("f1", 1, reason, "w-r1")
    else:
        message = c.PostUnconfirmed("f1", 1, reason, "w-r1", by_hand=happens == "by hand")
    told.done(message)
    return case_file(told, words={"w-r1": "x" * LONGEST_POST})


def closed(ending: Callable[[Story], object]) -> CaseFile:
    """An accepted case that was ended like this."""
    told = Story().accepted()
    ending(told)
    return case_file(told)


def reopened() -> CaseFile:
    told = Story().accepted()
    told.done(c.Resolve("res", ANA, "outage", "w-thanks"))
    told.arrives(Intent.COMPLAINT, Priority.HIGH)
    told.wait(timedelta(days=5))
    return case_file(told)


def of_every_event() -> CaseFile:
    """A case in which much has happened, and the customer is erased."""
    told = Story().accepted()
    told.done(c.Ask("a1", ANA, "w-ask"))
    told.wait(timedelta(days=2))
    told.arrives(Intent.QUESTION)
    told.done(c.PostChanged("e1", "p0", "w-edited"))
    told.done(c.SetPriority("s1", ANA, Priority.URGENT))
    told.done(c.SetCategory("s2", ANA, "website"))
    told.done(c.Reassign("r1", ANA, "website", "w-why"))
    told.done(c.DeskUnreachable("u1", 9, "channel_not_found"))
    told.wait(timedelta(days=9))
    told.done(c.PostRemoved("d1", "p0"))
    return case_file(told, words=dict.fromkeys(("w-p0", "w-p5", "w-ask", "w-edited", "w-why")), customer=None, handle=None)


CASES: list[tuple[str, Callable[[], CaseFile]]] = [
    ("an ordinary one", lambda: of_words("You charged me twice.")),
    ("one that nobody has", lambda: case_file(Story().opened())),
    ("one word of 20,000 characters", lambda: of_words("x" * LONGEST_POST)),
    ("20,000 characters in words", lambda: of_words(("word " * LONGEST_POST)[:LONGEST_POST])),
    ("20,000 characters in lines", lambda: of_words("a\n" * (LONGEST_POST // 2))),
    ("20,000 combining marks", lambda: of_words((MARKED * 800)[:LONGEST_POST])),
    ("one character of 20,000 marks", lambda: of_words("e" + "\u0301" * (LONGEST_POST - 1))),
    ("20,000 characters of emoji", lambda: of_words((FAMILIES * 2000)[:LONGEST_POST])),
    ("an address of 20,000 characters", lambda: of_words("https://x.example/" + "a" * (LONGEST_POST - 18))),
    ("twenty long posts", lambda: of_words("long " * 4000, more=19)),
    ("no words", lambda: of_words("")),
    ("nothing but white space", lambda: of_words(" \n\t\u00a0\u3000\n")),
    ("nothing that can be seen", lambda: of_words("\u200b\u2060\ufeff\u200e")),
    ("signs that act", lambda: of_words(ACTING)),
    ("names with signs that act", lambda: of_names(ACTING)),
    ("names that are long", lambda: of_names("N" * LONGEST_NAME)),
    ("names of marks", lambda: of_names((MARKED * 8)[:LONGEST_NAME])),
    ("names from right to left", lambda: of_names(RIGHT_TO_LEFT)),
    ("names of emoji", lambda: of_names(FAMILIES * 9)),
    ("names of white space", lambda: of_names(" ")),
    ("one department", lambda: of_departments(1)),
    ("two departments", lambda: of_departments(2)),
    ("a hundred departments", lambda: of_departments(100)),
    ("90 long root causes", lambda: of_root_causes("A root cause of a very long name " * 9)),
    ("90 root causes of emoji", lambda: of_root_causes(FAMILIES * 20)),
    ("root causes without a label", lambda: of_root_causes("")),
    ("a reply that was refused", lambda: of_an_unhappy_reply("refused")),
    ("a reply that nobody can confirm", lambda: of_an_unhappy_reply("unconfirmed")),
    ("a reply that a person must pass on", lambda: of_an_unhappy_reply("by hand")),
    ("a resolved one", lambda: closed(lambda told: told.done(c.Resolve("res", ANA, "other", "w-thanks")))),
    ("a dismissed one", lambda: closed(lambda told: told.done(c.Dismiss("dis", BEN, "nothing_to_answer", "w-why")))),
    ("one that was opened again", reopened),
    ("one with a long history", of_every_event),
]

# --- what we show -----------------------------------------------------------------------------------------------------

Shown = tuple[list[Block], str]


def _told(file: CaseFile, lines: list[Line], group: str | None = "S0BILLING") -> Shown:
    return cards.told(lines, group), cards.told_text(file, lines)


def _call(file: CaseFile, *, settle: bool) -> Shown:
    """The call for the last thing that needs a person; where nothing does, for the last thing that happened."""
    lines = story(file)
    needed = {seq for seq, entry in file.history if isinstance(entry.event, e.HumanNeeded)}
    line = next((one for one in reversed(lines) if one.seq in needed), lines[-1])
    unsure = (entry.event for _, entry in file.history if isinstance(entry.event, e.ReplyUnconfirmed | e.ReplyFailed))
    return cards.call(file, line, "S0SOCIAL1", next(unsure, None), settle=settle), cards.told_text(file, [line])


def _as_cut(file: CaseFile) -> list[str]:
    """A reply as long as a modal takes it, with greeting and signature, made of the customer's own words."""
    return [f"Hello,\n\n{(file.first_words * modals.LONGEST_BODY)[: modals.LONGEST_BODY]}\n\n{file.name_of(ANA.person)}"] * 3


_REVIEWED = {"case": "meridian-x-" + "9" * 64, "words": "w" * 36, "promise": "2026-03-02T10:02:00+00:00", "cause": "c" * 40}

MESSAGES: list[tuple[str, Callable[[CaseFile], Shown]]] = [
    ("card, card_text: where the case is", lambda f: (cards.card(f, f.case.department, "S0BILLING"), cards.card_text(f))),
    ("card, card_text: without a group", lambda f: (cards.card(f, f.case.department, None), cards.card_text(f))),
    ("card, card_text: where the case was", lambda f: (cards.card(f, "elsewhere", None), cards.card_text(f))),
    ("told, told_text: the whole story", lambda f: _told(f, story(f))),
    ("told, told_text: its end", lambda f: _told(f, story(f)[-1:], None)),
    ("call, told_text: to be settled", lambda f: _call(f, settle=True)),
    ("call, told_text: to be known", lambda f: _call(f, settle=False)),
]
"""Which functions of `cards` it is made with, and how."""

VIEWS: list[tuple[str, Callable[[CaseFile], modals.View]]] = [
    ("say: ask", lambda f: modals.say(f, "ask")),
    ("say: update", lambda f: modals.say(f, "update")),
    ("say: resolve", lambda f: modals.say(f, "resolve")),
    ("review: ask", lambda f: modals.review(f, "ask", _as_cut(f)[:1], "280 of 280", _REVIEWED)),
    ("review: update", lambda f: modals.review(f, "update", _as_cut(f), "x" * 500, _REVIEWED)),
    ("review: resolve", lambda f: modals.review(f, "resolve", ["Hi"] * 9, "9 posts", _REVIEWED)),
    ("move: to another department", modals.move),
    ("found: a reply that nobody was sure of", lambda f: modals.found(f, 12)),
    ("notice: of a refusal", lambda f: modals.notice("Not done", f"{f.name_of(ANA.person)} has this case. {f.first_words[:500]}")),
]
"""Which functions of `modals` it is made with, and how."""


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in MESSAGES])
@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES])
def test_slack_takes_every_message(case: Callable[[], CaseFile], make: Callable[[CaseFile], Shown]) -> None:
    check_message(*make(case()))


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in VIEWS])
@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES])
def test_slack_takes_every_view(case: Callable[[], CaseFile], make: Callable[[CaseFile], modals.View]) -> None:
    check_view(make(case()))


@pytest.mark.parametrize(("module", "pairs"), [(cards, MESSAGES), (modals, VIEWS)])
def test_nothing_is_shown_that_is_not_held_here(module: ModuleType, pairs: list[tuple[str, Any]]) -> None:
    own = inspect.getmembers(module, lambda one: inspect.isfunction(one) and one.__module__ == module.__name__)
    held = {function for name, _ in pairs for function in name.split(":")[0].split(", ")}
    assert {name for name, _ in own if not name.startswith("_")} == held


@pytest.mark.parametrize("words", ["x" * 2500, MARKED * 100, "Word. " * 416, "a\n\n" * 800, "https://x.example/" + "a" * 2400])
def test_the_review_shows_every_character_that_goes_out(words: str) -> None:
    shown = modals.review(of_words("Hi"), "update", [words, "and this"], "2 posts", {})
    quoted = [part for block in shown["blocks"] for part in block["elements"] if part.get("type") == "rich_text_quote"]
    assert ["".join(texts(part)) for part in quoted] == [words, "and this"]


def test_a_case_that_no_other_department_can_take_says_so_instead_of_offering_an_empty_choice() -> None:
    view = modals.move(of_departments(1))
    assert "input" not in {block["type"] for block in view["blocks"]}
    assert "no other department" in " ".join(texts(view["blocks"]))


# --- the check itself -------------------------------------------------------------------------------------------------


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def rich(*elements: Json) -> Json:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


def press(**more: Any) -> Json:
    return {"type": "button", "action_id": "press", "text": plain("Press"), **more}


def press_row(*buttons: Json) -> Json:
    return {"type": "actions", "elements": list(buttons)}


def option(value: str, text: str = "One") -> Json:
    return {"text": plain(text), "value": value}


def choice(*options: Json, **more: Any) -> Json:
    select = {"type": "static_select", "action_id": "c", "placeholder": plain("Choose"), "options": list(options), **more}
    return {"type": "input", "label": plain("Which?"), "element": select}


REFUSED: list[tuple[str, list[Json], str]] = [
    ("not within 1 and 50", [{"type": "divider"}] * 51, "x"),
    ("not within 1 and 150", [{"type": "header", "text": plain("x" * 151)}], "x"),
    ("not within 1 and 3000", [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}], "x"),
    ("'!here' would act", [{"type": "section", "text": {"type": "mrkdwn", "text": "a <!here> b"}}], "x"),
    ("'!channel' would act", [{"type": "divider"}], "a <!channel>"),
    ("nothing is known here of 'broadcast'", [rich({"type": "broadcast", "range": "here"})], "x"),
    ("nothing is known here of 'marquee'", [{"type": "marquee"}], "x"),
    ("not within 1 and 4000", [{"type": "divider"}], ""),
    ("not within 1 and 10000", [rich({"type": "text", "text": "x" * 10_001})], "x"),
    ("/elements/0/text: 0 is not", [rich({"type": "text", "text": ""})], "x"),
    ("not within 1 and 75", [press_row(press(text=plain("x" * 76)))], "x"),
    ("not within 1 and 2000", [press_row(press(value="x" * 2001))], "x"),
    ("not within 1 and 255", [press_row(press(action_id="x" * 256))], "x"),
    ("two have the action id 'press'", [press_row(press(), press())], "x"),
    ("two have the id 'b'", [{"type": "divider", "block_id": "b"}] * 2, "x"),
    ("the SDK understands something else", [{"type": "divider", "colour": "red"}], "x"),
    ("not within 1 and 100", [choice()], "x"),
    ("not within 1 and 100", [choice(*(option(str(n)) for n in range(101)))], "x"),
    ("not within 1 and 75", [choice(option("1", "x" * 76))], "x"),
    ("not within 1 and 150", [choice(option("x" * 151))], "x"),
    ("values that stand twice", [choice(option("1"), option("1"))], "x"),
    ("is chosen and is no option", [choice(option("1"), initial_option=option("2"))], "x"),
    ("not within 2 and 5", [press_row({"type": "overflow", "action_id": "o", "options": [option("1")]})], "x"),
]


@pytest.mark.parametrize(("says", "blocks", "text"), REFUSED, ids=lambda one: one if isinstance(one, str) else "")
def test_what_slack_refuses_is_refused_here(says: str, blocks: list[Json], text: str) -> None:
    with pytest.raises(AssertionError) as refused:
        check_message(blocks, text)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("says", "changes"),
    [
        ("/title/text: 25 is not within 1 and 24", {"title": plain("x" * 25)}),
        ("/submit/text: 25 is not within 1 and 24", {"submit": plain("x" * 25)}),
        ("/private_metadata: 3001 is not within 1 and 3000", {"private_metadata": "x" * 3001}),
        ("/callback_id: 256 is not within 1 and 255", {"callback_id": "x" * 256}),
        ("/blocks: 101 is not within 1 and 100", {"blocks": [{"type": "divider"}] * 101}),
        ("/submit: is required", {"blocks": [choice(option("1"))]}),
        ("the view as JSON", {"blocks": [rich({"type": "text", "text": "x" * 250_000})]}),
        ("take the focus: 2", {"blocks": [choice(option("1"), focus_on_load=True)] * 2, "submit": plain("Go")}),
        ("home is none of", {"type": "tab"}),
    ],
)
def test_a_view_that_slack_refuses_is_refused_here(says: str, changes: Json) -> None:
    with pytest.raises(AssertionError) as refused:
        check_view({"type": "modal", "title": plain("Title"), "blocks": [{"type": "divider"}], **changes})
    assert says.replace("home is none of", "'tab' is none of modal, home") in str(refused.value)
