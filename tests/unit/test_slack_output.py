"""Everything that we show in Slack, made of the worst that people write, held against the SDK and Slack's limits.

Whoever adds a card, a modal or a tab adds a pair to MESSAGES or VIEWS: the functions that it holds and a few words, and how it is
made of a case. It is then made of every case in `tests.hostile`.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from types import ModuleType
from typing import Any, get_args

import pytest

from adapters.slack import announcements, approvals, cards, forms, lists, modals, views
from adapters.slack.rich import Block
from adapters.slack.views import LONGEST_BODY, View
from domain import commands as c
from domain import events as e
from domain.case import HeldDraft
from domain.casefile import CaseFile
from domain.policy import Brand
from domain.sharing import WaitingAnnouncement
from domain.story import Line, story
from domain.values import Audience, ClockName, Intent, Priority, Triage
from tests.blockkit import Json, check_message, check_view, texts
from tests.casefiles import case_file
from tests.hostile import CASES, MARKED, of_departments, of_words
from tests.unit.domain.story import ANA, BEN, SHIPPED, START, Story

# --- what we show -----------------------------------------------------------------------------------------------------

Shown = tuple[list[Block], str]


def _told(file: CaseFile, lines: list[Line], group: str | None = "S0BILLING") -> Shown:
    return cards.told(lines, group, {}), cards.told_text(file, lines)


def _call(file: CaseFile, *, settle: bool) -> Shown:
    """The call for the last thing that needs a person; where nothing does, for the last thing that happened."""
    lines = story(file)
    needed = {seq for seq, entry in file.history if isinstance(entry.event, e.HumanNeeded)}
    line = next((one for one in reversed(lines) if one.seq in needed), lines[-1])
    unsure = (entry.event for _, entry in file.history if isinstance(entry.event, e.ReplyUnconfirmed | e.ReplyFailed))
    return cards.call(file, line, "S0SOCIAL1", next(unsure, None), settle=settle), cards.told_text(file, [line])


def _shown_to_all(file: CaseFile) -> Shown:
    """The call about the last post in which something personal was found; where nothing was, about the first as if something had."""
    found = [(seq, entry.event) for seq, entry in file.history if isinstance(entry.event, e.PersonalDataSeen)]
    seq, event = found[-1] if found else (1, e.PersonalDataSeen(START, file.case.first_post, ("phone", "e_mail")))
    return cards.shown_to_all(file, seq, event, "S0SOCIAL1"), cards.told_text(file, story(file)[-1:])


def _as_cut(file: CaseFile) -> list[str]:
    """A reply as long as a modal takes it, with greeting and signature, made of the customer's own words."""
    return [f"Hello,\n\n{(file.first_words * LONGEST_BODY)[:LONGEST_BODY]}\n\n{file.name_of(ANA.person)}"] * 3


def _escalated(file: CaseFile, to: Audience, *, asked: bool = False) -> Shown:
    """A call up the chain, about this case, whatever else happened to it."""
    words = next((reference for reference in file.words), None) if asked else None
    event = e.Escalated(NOW, 9, to, None if asked else ClockName.ACCEPT, 150, 3, why="asked" if asked else "clock", words=words)
    draft = _as_cut(file)[0] if to is Audience.SOCIAL else None
    return cards.escalation(file, event, draft, "S0SOCIAL1" if draft else None), cards.escalation_text(file, event)


def _listed(file: CaseFile) -> list[lists.Listed]:
    """As many cases as a list may have, all like this one."""
    name = file.name_of(ANA.person)
    one = lists.Listed(
        case_id=file.case_id,
        number=file.number,
        priority=Priority.URGENT.value,
        department=file.department_name(file.case.department),
        customer=file.customer,
        words=file.first_shown,
        owner=name,
        due_at=NOW,
        due_clock=ClockName.HOLDING_UPDATE.value,
        breached=True,
        stalled=False,
    )
    return [dataclasses.replace(one, number=n, stalled=n % 2 == 0, owner=name if n % 3 else None) for n in range(lists.AT_MOST)]


def _page(file: CaseFile) -> lists.Page:
    """As many cases as a page may have, and as many after them as a person may be told of."""
    return lists.Page(_listed(file), range(10**6, 10**6 + 1000), at_least=True)


def _shelves(file: CaseFile) -> list[lists.Shelf]:
    return [lists.Shelf(title, _page(file), "Nothing.") for title in ("Due next", "Mine", "Not accepted", "Waiting", "Stalled")]


def _private(file: CaseFile) -> View:
    said = [(file.customer, NOW, file.first_words), (file.name_of(ANA.person), NOW, "x" * LONGEST_BODY)] * 12
    return forms.private_words(file, said)


def _draft(file: CaseFile) -> HeldDraft:
    """The draft that waits in the case; where none does, one whose author's words are erased, for more reasons than a policy has."""
    if file.case.held:
        return file.case.held[0]
    why = ("priority:urgent", *(f"{'n' * 40}:{'p' * 78}{n:02}" for n in range(20)), "reach", "trainee")
    return HeldDraft(7, "resolve", "w-none", why, ANA.person, NOW, 3, NOW, Audience.SOCIAL_LEAD, root_cause="other")


def _approval(file: CaseFile, group: str | None, *, again: bool = False) -> Shown:
    return approvals.approval(file, _draft(file), group, again=again), approvals.approval_text(file, _draft(file))


def _waiting(file: CaseFile, customers: int = 3) -> WaitingAnnouncement:
    return WaitingAnnouncement(9, 4, "update", file.name_of(ANA.person), _draft(file).why, customers)


def _told_to(file: CaseFile, count: int, held: int = 0) -> list[announcements.Told]:
    parts = tuple(part[:200] for part in _as_cut(file)[:1])
    said = [announcements.Told(file.title, file.customer, file.network, parts, "80 of 280 characters")] * count
    return said + [announcements.Told(file.title, file.customer, file.network, held=file.first_words or "It is over.")] * held


def _for_all(file: CaseFile, count: int, held: int = 0, root_cause: str | None = None) -> View:
    view = announcements.confirm_all(_waiting(file, count), _told_to(file, count, held), root_cause, _REVIEWED)
    assert view is not None
    return view


def _named(brands: Mapping[str, Brand]) -> dict[str, str]:
    return {handle: brand.name for handle, brand in brands.items()}


MADE_ONCE = [(name, cache(case)) for name, case in CASES]
NOW = datetime(2026, 3, 2, 10, 2, tzinfo=UTC)
LINK = "https://lk.example/console/causes/4/announcements/9"
_REVIEWED = {"case": "meridian-x-" + "9" * 64, "words": "w" * 36, "promise": "2026-03-02T10:02:00+00:00", "cause": "c" * 40}

MESSAGES: list[tuple[str, Callable[[CaseFile], Shown]]] = [
    ("card, card_text: where the case is", lambda f: (cards.card(f, f.case.department, "S0BILLING"), cards.card_text(f))),
    ("card, card_text: without a group", lambda f: (cards.card(f, f.case.department, None), cards.card_text(f))),
    ("card, card_text: where the case was", lambda f: (cards.card(f, "elsewhere", None), cards.card_text(f))),
    ("asking, card_text: what is left to whoever had the case", lambda f: ([cards.asking(f)], cards.card_text(f))),
    ("told, told_text: the whole story", lambda f: _told(f, story(f))),
    ("told, told_text: its end", lambda f: _told(f, story(f)[-1:], None)),
    ("call, told_text: to be settled", lambda f: _call(f, settle=True)),
    ("call, told_text: to be known", lambda f: _call(f, settle=False)),
    ("escalation, escalation_text: to a lead", lambda f: _escalated(f, Audience.LEAD)),
    ("escalation, escalation_text: asked for, with the reason", lambda f: _escalated(f, Audience.HEAD, asked=True)),
    ("escalation, escalation_text: to the social team, with a draft", lambda f: _escalated(f, Audience.SOCIAL)),
    ("approval, approval_text: for the social team", lambda f: _approval(f, "S0SOCIAL1")),
    ("approval, approval_text: for their lead", lambda f: _approval(f, None, again=True)),
    (
        "approval, approval_text: of a private message",
        lambda f: (
            approvals.approval(f, dataclasses.replace(_draft(f), private="w-private"), None),
            approvals.approval_text(f, _draft(f)),
        ),
    ),
    ("decided: by somebody, or without anybody", lambda f: (approvals.decided(f, _draft(f).step), cards.card_text(f))),
    (
        "waiting, waiting_text: to one customer",
        lambda f: (announcements.waiting(_waiting(f, 1), None, LINK), announcements.waiting_text(_waiting(f, 1))),
    ),
    (
        "waiting, waiting_text: to many, with a group",
        lambda f: (announcements.waiting(_waiting(f, 300), "S0SOCIAL1", LINK), announcements.waiting_text(_waiting(f, 300))),
    ),
    (
        "settled, settled_text: sent",
        lambda f: (announcements.settled(_waiting(f), LINK, sent=True, by="Max", reason=None), announcements.settled_text(_waiting(f))),
    ),
    (
        "settled, settled_text: not sent, with the reason",
        lambda f: (
            announcements.settled(_waiting(f), LINK, sent=False, by="Max", reason=MARKED * 50),
            announcements.settled_text(_waiting(f)),
        ),
    ),
    ("lines: of cases", lambda f: (lists.lines(_listed(f), "None."), cards.card_text(f))),
    ("lines: of no case", lambda f: (lists.lines([], "None has that in it."), "None")),
    ("mine: more than fit", lambda f: (lists.mine(_page(f)), "Your cases")),
    ("mine: none", lambda f: (lists.mine(lists.Page([])), "Your cases")),
    ("found: more than fit", lambda f: (lists.found(_page(f), f.first_shown[:80]), "Found")),
    ("found: none", lambda f: (lists.found(lists.Page([]), f.first_shown[:80]), "Found")),
    ("shown_to_all, told_text: what should be removed", _shown_to_all),
]
VIEWS: list[tuple[str, Callable[[CaseFile], View]]] = [
    ("say: ask", lambda f: modals.say(f, "ask")),
    ("say: update", lambda f: modals.say(f, "update")),
    ("say: resolve", lambda f: modals.say(f, "resolve")),
    ("say: private", lambda f: modals.say(f, "private", writing=[f"{f.name_of(ANA.person)} is writing."] * 9, note=f.first_words[:500])),
    ("say: what stands in a message", lambda f: modals.say(f, "update", words=f.first_words)),
    ("contact_line: where there are no private messages", modals.contact_line),
    ("review: ask", lambda f: modals.review(f, "ask", _as_cut(f)[:1], "280 of 280", _REVIEWED)),
    ("review: update", lambda f: modals.review(f, "update", _as_cut(f), "x" * 500, _REVIEWED)),
    ("review: resolve", lambda f: modals.review(f, "resolve", ["Hi"] * 9, "9 posts", _REVIEWED)),
    ("review: private", lambda f: modals.review(f, "private", ["Hi"], "1 post", _REVIEWED, private=_as_cut(f), note=f.first_words[:900])),
    ("move: to another department", modals.move),
    ("confirm_move: what is told", lambda f: modals.confirm_move(f, f.department_name("technical"), _as_cut(f), "1 post", _REVIEWED)),
    ("edit: a body", lambda f: approvals.edit(f, _draft(f), "x" * LONGEST_BODY, _REVIEWED, around=True, since=story(f))),
    ("edit: a whole text", lambda f: approvals.edit(f, _draft(f), f.first_words, _REVIEWED, around=False)),
    ("confirm: what goes out", lambda f: approvals.confirm(f, _as_cut(f), "x" * 500, _REVIEWED)),
    ("confirm: with a private message", lambda f: approvals.confirm(f, ["Hi"], "1 post", _REVIEWED, private=_as_cut(f)[0], since=story(f))),
    ("confirm: after something happened", lambda f: approvals.confirm(f, _as_cut(f)[:1], "1 post", _REVIEWED, since=story(f))),
    ("reject: with a reason", lambda f: approvals.reject(f, _draft(f), _REVIEWED)),
    ("confirm_all: to one customer", lambda f: _for_all(f, 1, 0, "Outage")),
    ("confirm_all: to as many as fit, and many who hold it back", lambda f: _for_all(f, announcements.CUSTOMERS_AT_MOST, 260)),
    ("confirm_all: nobody would say it", lambda f: _for_all(f, 0, 1)),
    ("reject_all: with a reason", lambda f: announcements.reject_all(_waiting(f), MARKED * 50, _REVIEWED)),
    ("found: a reply that nobody was sure of", lambda f: modals.found(f, 12)),
    ("notice: of a refusal", lambda f: views.notice("Not done", f"{f.name_of(ANA.person)} has this case. {f.first_words[:500]}")),
    *[(f"form: {do}", partial(forms.form, do=do, now=NOW)) for do in get_args(forms.Doing)],
    ("more: everything", lambda f: forms.more(f, list(get_args(forms.Doing)))),
    ("more: nothing but the story", lambda f: forms.more(f, [])),
    ("case_view: of a list", lambda f: forms.case_view(f, cards.card(f, f.case.department, None), list(get_args(forms.Doing)))),
    ("history: the whole story", lambda f: forms.history(f, story(f), cards.SIGN)),
    ("history: a very long one", lambda f: forms.history(f, story(f) * 50, cards.SIGN)),
    ("private_words: a long conversation", _private),
    ("private_words: of which nothing is left", lambda f: forms.private_words(f, [])),
    ("new_case: by hand", lambda f: forms.new_case(_named(f.policy.brands), {n: one.network for n, one in f.policy.channels.items()})),
    ("home: full shelves", lambda f: lists.home(_shelves(f), NOW)),
    ("home: empty shelves", lambda f: lists.home([lists.Shelf("Mine", lists.Page([]), "You have no open case.")], NOW)),
    ("nobody: of somebody without a department", lambda f: lists.nobody(f.first_words[:300] or "Nothing.")),
]


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in MESSAGES])
@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in MADE_ONCE])
def test_slack_takes_every_message(case: Callable[[], CaseFile], make: Callable[[CaseFile], Shown]) -> None:
    check_message(*make(case()))


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in VIEWS])
@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in MADE_ONCE])
def test_slack_takes_every_view(case: Callable[[], CaseFile], make: Callable[[CaseFile], modals.View]) -> None:
    check_view(make(case()))


@pytest.mark.parametrize("module", [announcements, approvals, cards, modals, forms, lists], ids=lambda module: module.__name__)
def test_nothing_is_shown_that_is_not_held_here(module: ModuleType) -> None:
    own = inspect.getmembers(module, lambda one: inspect.isfunction(one) and one.__module__ == module.__name__)
    held = {function for name, _ in [*MESSAGES, *VIEWS] for function in name.split(":")[0].split(", ")}
    assert {name for name, _ in own if not name.startswith("_")} <= held


def test_what_is_held_here_is_shown() -> None:
    held = {function for name, _ in [*MESSAGES, *VIEWS] for function in name.split(":")[0].split(", ")}
    assert [
        name
        for name in sorted(held)
        if not any(hasattr(module, name) for module in (announcements, approvals, cards, modals, forms, lists, views))
    ] == []


@pytest.mark.parametrize("words", ["x" * 2500, MARKED * 100, "Word. " * 416, "a\n\n" * 800, "https://x.example/" + "a" * 2400])
def test_the_review_shows_every_character_that_goes_out(words: str) -> None:
    shown = modals.review(of_words("Hi"), "update", [words, "and this"], "2 posts", {})
    quoted = [part for block in shown["blocks"] for part in block["elements"] if part.get("type") == "rich_text_quote"]
    assert ["".join(texts(part)) for part in quoted] == [words, "and this"]


def test_an_announcement_is_approved_in_slack_only_where_all_of_it_can_be_read() -> None:
    file, most = of_words("Hi"), announcements.CUSTOMERS_AT_MOST
    said = announcements.Told("#1", "Sam", "X", ("x" * (announcements.CHARACTERS_AT_MOST // 2), "and this"), "2 posts")
    held = announcements.Told("#2", "Zoe", "X", held="It is over.")
    shown = announcements.confirm_all(_waiting(file), [said, held], None, {})
    assert shown is not None
    quoted = [part for block in shown["blocks"] for part in block["elements"] if part.get("type") == "rich_text_quote"]
    assert ["".join(texts(part)) for part in quoted] == list(said.parts)
    assert "#2: It is over." in list(texts(shown["blocks"]))
    assert announcements.confirm_all(_waiting(file), [said, said], None, {}) is None
    few = replace(said, parts=("Hi",))
    assert announcements.confirm_all(_waiting(file), [few] * most, None, {}) is not None
    assert announcements.confirm_all(_waiting(file), [few] * (most + 1), None, {}) is None


def test_who_must_pass_a_reply_on_is_shown_every_character_of_it() -> None:
    reply = "Hello Sam,\n\n" + "we are sorry. " * 500 + "\n\nAna, Meridian Care"
    told = Story(posts=False).opened()
    told.done(c.PostUnconfirmed("u1", 1, "Phone", "w-r1", by_hand=True))
    blocks, _ = _call(case_file(told, words={"w-r1": reply}), settle=True)
    assert reply in list(texts(blocks))


def test_a_case_that_no_other_department_can_take_says_so_instead_of_offering_an_empty_choice() -> None:
    view = modals.move(of_departments(1))
    assert "input" not in {block["type"] for block in view["blocks"]}
    assert "no other department" in " ".join(texts(view["blocks"]))


@pytest.mark.parametrize(
    ("channels", "told"),
    [
        (("facebook",), "1 more open case of this customer, on Facebook."),
        (("facebook", "facebook", "mastodon"), "3 more open cases of this customer, on Facebook and Mastodon."),
        (("facebook", "gone", "mastodon"), "3 more open cases of this customer, on Facebook, gone and Mastodon."),
        ((), None),
    ],
)
def test_a_card_tells_how_many_other_cases_a_linked_customer_has_where(channels: tuple[str, ...], told: str | None) -> None:
    file = replace(case_file(Story().accepted()), elsewhere=channels)
    shown = " ".join(texts(cards.card(file, file.case.department, None)))
    assert ("of this customer" in shown) == (told is not None)
    assert told is None or told in shown


def test_of_a_case_that_is_over_no_other_cases_are_told() -> None:
    over = Story().accepted()
    over.done(c.Dismiss("d1", ANA, "spam"))
    file = replace(case_file(over), elsewhere=("facebook",))
    assert "of this customer" not in " ".join(texts(cards.card(file, file.case.department, None)))


def test_a_card_says_what_is_late() -> None:
    story = Story(policy=SHIPPED).opened()
    story.tell(c.DeskTold("card", 3, "billing"))
    in_time = "".join(texts(cards.card(case_file(story), "billing", None)))
    story.wait(timedelta(hours=1, minutes=1))
    late = "".join(texts(cards.card(case_file(story), "billing", None)))
    assert "⚠️ Late: " not in in_time
    assert "⚠️ Late: Accept the case " in late
    assert late.count("⚠️ Late: ") == 1
    story.done(c.Accept("a", ANA))
    assert "⚠️ Late: " not in "".join(texts(cards.card(case_file(story), "billing", None)))


def test_the_story_tells_a_case_that_is_given_back_from_one_that_is_passed_on_and_how_often_it_was() -> None:
    told = Story().accepted()
    for number, department in enumerate(("billing", "technical", "website", "care"), start=1):
        told.done(c.Reassign(f"r{number}", BEN, department))
    lines = [line.text for line in story(case_file(told))]
    assert "Ben Okoro gave this case back to Billing" in lines
    assert "Ben Okoro moved this case from Billing to Technical" in lines
    assert [text.rpartition(": ")[2] for text in lines if "passed on" in text] == [
        "this case has been passed on 3 times",
        "this case has been passed on 4 times",
    ]


PERSONAL = "Ring me at +44 7700 900123, my order is MM-1234567."


def of_personal_data() -> CaseFile:
    told = Story().accepted()
    triage = Triage(Intent.COMPLAINT, "billing", Priority.NORMAL, "billing")
    told.done(c.PostArrived("pd", "p9", triage, told.now, words="w-p9", personal=("phone", "order")))
    return case_file(told, posts=["Nothing here.", PERSONAL])


def test_the_social_team_sees_the_post_masked_and_can_have_the_customer_asked() -> None:
    file = of_personal_data()
    blocks, text = _shown_to_all(file)
    said = " ".join(texts(blocks))
    assert "everybody can read a phone number and an order number in this post" in said
    assert "Ring me at •••• 123, my order is •••• 567." in said
    assert "900123" not in str(blocks) + text
    (button,) = blocks[-1]["elements"]
    seq = next(seq for seq, entry in file.history if isinstance(entry.event, e.PersonalDataSeen))
    assert (button["action_id"], button["value"]) == (cards.ASK_REMOVAL, f"meridian-x-1|{seq}")


OWN_WORDS = ("review", "notice", "confirm", "edit: a whole text", "private_words", "home", "nobody", "say: private", "say: what stands")
"""What shows a colleague's words, or what it is given: here these are made of the customer's, so nothing can be told from them."""
OWN_REASONS = (*OWN_WORDS, "escalation, escalation_text: asked for", "escalation, escalation_text: to the social team")


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in MESSAGES if not name.startswith(OWN_REASONS)])
def test_no_message_shows_what_everybody_should_not_read(make: Callable[[CaseFile], Shown]) -> None:
    told = Story().accepted()
    told.done(c.PostChanged("ed", "p0", "w-edited"))
    file = case_file(told, posts=[PERSONAL], words={"w-edited": PERSONAL})
    shown = str(make(file))
    assert "900123" not in shown
    assert "1234567" not in shown


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in VIEWS if not name.startswith(OWN_WORDS)])
def test_no_modal_shows_it_either(make: Callable[[CaseFile], modals.View]) -> None:
    assert "900123" not in str(make(of_words(PERSONAL)))


@pytest.mark.parametrize("settle", [True, False])
@pytest.mark.parametrize("outcome", [c.PostFailed, c.PostUnconfirmed])
def test_a_private_message_that_did_not_get_through_is_told_without_its_words(outcome: type[Any], settle: bool) -> None:
    told = Story().accepted()
    told.posts = False
    told.done(c.TakePrivate("tp", ANA, "w-line", "w-message"))
    told.done(outcome("f1", told.case.replies[0].step, "time-out", "w-frozen"))
    file = case_file(told, words={"w-message": "the secret", "w-frozen": "the secret"})
    blocks, text = _call(file, settle=settle)
    assert "the secret" not in str(blocks) + text
    assert "It is private, so its words are not shown here." in " ".join(texts(blocks))
    buttons = [button["action_id"] for block in forms.more(file, ())["blocks"] for button in block["elements"] if "action_id" in button]
    assert forms.DO + "private_words" in buttons, "where the call says that they are found"
    assert [event.kind for event in told.done(c.ReadPrivate("read", ANA))] == ["private_read"]


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
        ("'tab' is none of modal, home", {"type": "tab"}),
    ],
)
def test_a_view_that_slack_refuses_is_refused_here(says: str, changes: Json) -> None:
    with pytest.raises(AssertionError) as refused:
        check_view({"type": "modal", "title": plain("Title"), "blocks": [{"type": "divider"}], **changes})
    assert says in str(refused.value)
