"""The Home tab, cases that are opened by hand, and a message of one's own that goes to the customer."""

from __future__ import annotations

import pytest

from adapters.slack import cards, forms, lists, modals
from domain.rights import NO_DEPARTMENT
from sandbox.hands import Change
from tests.e2e.conftest import BEN, BILLING, TECHNICAL, Json, actions, quotes, texts
from tests.e2e.desk.conftest import DINA, MAX, NOBODY, PARCEL, Desk

SHELVES = ["Due next", "Mine", "cases that nobody has accepted", "Waiting on the customer", "Stalled"]


def home(desk: Desk, user: str) -> Json:
    """What the Home tab shows to somebody who opens it now."""
    after = desk.hands.number()
    desk.hands.home(user)
    return shown(desk, user, after)


def shown(desk: Desk, user: str, after: int) -> Json:
    return desk.hands.wait_for(lambda c: c.kind == "view" and c.object["type"] == "home" and c.object["user"] == user, after=after).object


def shelves(view: Json) -> dict[str, str]:
    """What stands on each shelf."""
    found: dict[str, str] = {}
    title = ""
    for block in view["blocks"]:
        if block["type"] == "header":
            title = block["text"]["text"].rpartition(" (")[0]
        found[title] = found.get(title, "") + " ".join(texts(block))
    return {title: said for title, said in found.items() if title}


def shelf(view: Json, name: str) -> str:
    return next(said for title, said in shelves(view).items() if name in title)


def show(desk: Desk, user: str, view: Json, number: int) -> Json:
    """Press "Show #…"; the modal."""
    label = f"Show #{number}"
    block = next(b for b in view["blocks"] if b["type"] == "actions" and label in texts(b))
    pressed = desk.hands.press(user, cards.OPEN, view_id=view["id"], block_id=block["block_id"])
    assert pressed.acked, pressed.error
    return pressed.view or desk.opened(pressed.trigger_id)


def test_each_shelf_has_what_belongs_there_and_its_buttons_show_the_case(desk: Desk) -> None:
    unaccepted, _ = desk.case(PARCEL)
    mine, _ = desk.case(PARCEL, by=DINA)
    asked, card = desk.case(PARCEL, by=DINA)
    assert desk.send(DINA, desk.review(DINA, desk.open(DINA, card, cards.ASK), body="What is the number of the parcel?")) == ""
    desk.card(asked, "product", shows="Waiting on the customer")
    view = home(desk, DINA)
    assert len(shelves(view)) == len(SHELVES)
    numbers = {name: desk.number(case) for name, case in (("unaccepted", unaccepted), ("mine", mine), ("asked", asked))}
    assert f"#{numbers['unaccepted']} " in shelf(view, "nobody has accepted")
    assert "My department's cases" in next(title for title in shelves(view) if "nobody has accepted" in title)
    assert f"#{numbers['mine']} " in shelf(view, "Mine")
    assert f"#{numbers['asked']} " in shelf(view, "Waiting on the customer")
    assert f"#{numbers['mine']} " in shelf(view, "Due next")
    assert "Nothing has stalled." in shelf(view, "Stalled")
    assert f"#{numbers['unaccepted']} " not in shelf(home(desk, BEN), "nobody has accepted"), "it is not his department's"

    modal = show(desk, DINA, view, numbers["mine"])
    assert quotes(modal["blocks"]) == [PARCEL]
    seen = desk.review(DINA, desk.push(DINA, modal, cards.UPDATE), body="The courier is on the way.")
    assert desk.send(DINA, seen) == ""
    desk.replies(mine, 2)
    modal = show(desk, DINA, view, numbers["unaccepted"])
    note = desk.push(DINA, modal, forms.DO + "note")
    assert desk.send(DINA, note, words="The courier has lost three today.") == ""
    modal = show(desk, DINA, view, numbers["unaccepted"])
    story = desk.push(DINA, modal, forms.DO + "history")
    assert "The courier has lost three today." in quotes(story["blocks"])
    desk.hands.close_view(DINA, story["id"], clear=True)


def test_a_case_is_accepted_from_the_home_tab_and_the_modal_shows_it(desk: Desk) -> None:
    case, _ = desk.case(PARCEL)
    modal = show(desk, DINA, home(desk, DINA), desk.number(case))
    after = desk.hands.number()
    assert desk.hands.press(DINA, cards.ACCEPT, view_id=modal["id"]).acked
    now = desk.hands.wait_for(lambda c: c.kind == "view" and c.object["id"] == modal["id"], after=after).object
    assert "Owner: Dina Haddad" in " ".join(texts(now["blocks"]))
    assert cards.ACCEPT not in actions(now)
    desk.hands.close_view(DINA, modal["id"])


def test_refresh_brings_it_up_to_date(desk: Desk) -> None:
    view = home(desk, DINA)
    case, _ = desk.case(PARCEL, by=DINA)
    after = desk.hands.number()
    assert desk.hands.press(DINA, lists.REFRESH, view_id=view["id"]).acked
    assert f"#{desk.number(case)} " in shelf(shown(desk, DINA, after), "Mine")


def test_a_closed_case_on_a_home_tab_of_yesterday_says_so(desk: Desk) -> None:
    case, card = desk.case(PARCEL, by=DINA)
    view = home(desk, DINA)
    seen = desk.review(DINA, desk.open(DINA, card, cards.RESOLVE), cause="delivery", body="The courier has brought it.")
    assert desk.send(DINA, seen) == ""
    desk.card(case, "product", shows="Closed")
    modal = show(desk, DINA, view, desk.number(case))
    assert "Closed" in " ".join(texts(modal["blocks"]))
    assert set(actions(modal)) == {forms.DO + "note", forms.DO + "reopen", forms.DO + "history"}
    reopen = desk.push(DINA, modal, forms.DO + "reopen")
    assert desk.send(DINA, reopen) == ""
    desk.card(case, "product", shows="In progress")


def test_the_social_team_sees_all_departments_and_somebody_of_none_sees_why(desk: Desk) -> None:
    assert any("All cases that nobody has accepted" in title for title in shelves(home(desk, MAX)))
    assert texts(home(desk, NOBODY)["blocks"]) == [NO_DEPARTMENT]


BY_HAND: dict[str, object] = {
    forms.CHANNEL: "phone",
    forms.BRAND: "meridian",
    forms.CUSTOMER: "Phil Garrett",
    forms.CUSTOMER_ID: "0800 123",
    forms.WORDS: "He was charged twice and nobody answers.",
}


def test_a_case_is_opened_by_hand_and_whoever_did_hears_its_number(desk: Desk) -> None:
    view = home(desk, BEN)
    form = desk.push(BEN, view, lists.NEW_CASE)
    assert desk.send(BEN, form, **BY_HAND) == ""
    told = desk.direct(BEN, "Case #")
    number = int(told["text"].split("#")[1].split(" ")[0])
    assert told["text"] == f"Case #{number} is open, with Billing. /case show {number} shows it."
    case = desk.store.reader.numbered(number)
    assert case is not None
    file = desk.file(case)
    assert (file.customer, file.first_words, file.network) == ("Phil Garrett", BY_HAND[forms.WORDS], "Phone")
    card = desk.card(case)
    assert "Phil Garrett" in " ".join(texts(card["blocks"]))
    assert "open the post" not in texts(card["blocks"]), "there is nothing to open"
    line = desk.type(BEN, "new")
    assert texts(line["title"]) == ["Open a case"]
    wrong = desk.fill(BEN, line, **{**BY_HAND, forms.CUSTOMER: "  ", forms.WORDS: "\n"})
    assert set(wrong.errors) == {forms.CUSTOMER, forms.WORDS}
    desk.hands.close_view(BEN, line["id"])


# --- Send to customer -------------------------------------------------------------------------------------------------


def shortcut(desk: Desk, user: str, message: Json) -> Json:
    """Use "Send to customer" on a message; the modal that comes, or what is told to that person alone."""
    after = desk.hands.number()
    pressed = desk.hands.shortcut(user, "send_to_customer", channel=message["channel"], message_ts=message["ts"])
    assert pressed.acked, pressed.error

    def answers(change: Change) -> bool:
        if change.kind == "view":
            return bool(change.object["trigger_id"] == pressed.trigger_id)
        return change.kind == "message" and change.object.get("ephemeral_to") == user

    return pressed.view or desk.hands.wait_for(answers, after=after).object


def test_a_message_of_ones_own_becomes_an_update_once_it_was_seen(desk: Desk) -> None:
    case, card = desk.case(by=BEN)
    said = desk.hands.say(BEN, BILLING, "We have *found* the second charge & sent it back.", thread_ts=card["ts"])
    form = shortcut(desk, BEN, said)
    (box,) = [b["element"] for b in form["blocks"] if b.get("block_id") == modals.BODY]
    assert box["initial_value"] == "We have *found* the second charge & sent it back."
    assert len(desk.replies(case, 1)) == 1, "what is written in a thread is internal"
    seen = desk.review(BEN, form, body="We have found the second charge & sent it back.")
    assert desk.send(BEN, seen) == ""
    assert desk.replies(case, 2)[1]["text"] == quotes(seen["blocks"])[0]


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("Hello @ben, see https://bank.example/a?b=1&c=2 for more.", "Hello, see https://bank.example/a?b=1&c=2 for more."),
        ("@here @channel @everyone @billing-team #lk-billing it is paid back.", "it is paid back."),
        ("Write to <!here> & <b>bold</b> <script>", "Write to <!here> & <b>bold</b> <script>"),
    ],
    ids=["a mention and a link", "calls to everybody", "signs that act"],
)
def test_no_mention_and_no_markup_leaves_slack_with_a_message(desk: Desk, typed: str, sent: str) -> None:
    case, card = desk.case(by=BEN)
    form = shortcut(desk, BEN, desk.hands.say(BEN, BILLING, typed, thread_ts=card["ts"]))
    (box,) = [b["element"] for b in form["blocks"] if b.get("block_id") == modals.BODY]
    assert box["initial_value"] == sent
    seen = desk.review(BEN, form, body=box["initial_value"])
    assert desk.send(BEN, seen) == ""
    assert sent in desk.replies(case, 2)[1]["text"]


def test_only_ones_own_message_in_the_thread_of_a_case_can_be_sent(desk: Desk) -> None:
    case, card = desk.case(by=BEN)
    before = desk.events(case)
    theirs = desk.hands.say(MAX, BILLING, "Tell them that it is paid back.", thread_ts=card["ts"])
    assert shortcut(desk, BEN, theirs)["text"].startswith("You can send your own messages only")
    outside = desk.hands.say(BEN, BILLING, "It is paid back.")
    assert shortcut(desk, BEN, outside)["text"].startswith("This message is not in the thread of a case.")
    assert shortcut(desk, BEN, card)["text"].startswith("You can send your own messages only"), "a card is nobody's own message"
    elsewhere = desk.hands.say(MAX, TECHNICAL, "It is the line.")
    assert shortcut(desk, MAX, elsewhere)["text"].startswith("This message is not in the thread of a case.")
    told = desk.hands.say(NOBODY, BILLING, "We pay you a million.", thread_ts=card["ts"])
    assert shortcut(desk, NOBODY, told)["text"] == NO_DEPARTMENT
    assert desk.quiet_since(case, before)
