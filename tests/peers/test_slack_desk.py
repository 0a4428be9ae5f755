"""Our desk against a Slack made by others: the Slack service of npm's `emulate`, with the scopes of our own manifest.

It keeps channels, messages, threads, metadata and views, and holds tokens to their scopes. Nothing is asked of it here in which it is
not like Slack:

| what | it answers | Slack answers |
|---|---|---|
| blocks of any kind and size | takes them | `invalid_blocks`, see tests/unit/test_slack_output.py |
| an unknown token | acts for its administrator, here without scopes | `invalid_auth` |
| usergroups.list | HTTP 404; so the policy here names groups by their ids | the groups |
| a post to a channel that the app is not a member of | takes it | `not_in_channel` |
| chat.update in an unknown channel | `message_not_found` | `channel_not_found` |
| chat.update in an archived channel | takes it | `is_inactive` |
| conversations.replies of such a thread | an empty list | `thread_not_found` |
| conversations.replies with a `limit` | the whole thread | a page |
| history without `include_all_metadata` | metadata all the same | none |
| many messages a second | takes them | HTTP 429 |
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from adapters.slack import cards
from adapters.slack.desk import SlackDesk
from adapters.slack.modals import View
from domain import commands as c
from domain import events as e
from domain.casefile import CaseFile
from domain.ports import Card, Mark, Message, Refused
from domain.story import story
from domain.values import Intent
from tests.casefiles import case_file
from tests.hostile import CASES, of_words
from tests.peers.conftest import MUTE, OURS, SlackPeer
from tests.unit.domain.story import ANA, Story
from tests.unit.test_slack_output import VIEWS

MARK = Mark("meridian-x-1:card:billing", 3)
_numbers = itertools.count(1)


def a_desk(slack: SlackPeer, token: str = OURS) -> SlackDesk:
    return SlackDesk(token, slack.url, messages_per_second=1000)


@pytest.fixture
def desk(slack: SlackPeer) -> SlackDesk:
    return a_desk(slack)


@pytest.fixture
def place(slack: SlackPeer) -> str:
    """A channel of the test's own."""
    return slack.channel(f"lk-{next(_numbers)}")


def with_ids(file: CaseFile) -> CaseFile:
    """The same case under a policy that names groups by their ids."""
    departments = {name: desk.model_copy(update={"slack_group": "S0BILLING1"}) for name, desk in file.policy.departments.items()}
    social = file.policy.social.model_copy(update={"slack_group": "S0SOCIAL01"})
    return replace(file, policy=file.policy.model_copy(update={"departments": departments, "social": social}))


def a_file(told: Story | None = None) -> CaseFile:
    return with_ids(case_file(told or Story().opened()))


def history(slack: SlackPeer, place: str) -> list[dict[str, Any]]:
    """What a person sees in the channel, the newest first."""
    messages: list[dict[str, Any]] = slack.client().conversations_history(channel=place)["messages"]
    return messages


def test_a_channel_is_found_by_its_name_on_whichever_page_it_is(slack: SlackPeer) -> None:
    ids = {f"#page-{n}": slack.channel(f"page-{n}") for n in range(250)}
    desk = a_desk(slack)
    assert [desk.place(name) for name in ids] == list(ids.values())
    assert desk.place("C0ANYTHING") == "C0ANYTHING"


def test_a_channel_that_is_not_there_is_refused_with_what_to_do(slack: SlackPeer) -> None:
    archived = slack.channel("lk-old")
    slack.client().conversations_archive(channel=archived)
    for name in ("#lk-nowhere", "#lk-old"):
        with pytest.raises(Refused, match=f"Slack has no channel {name} that is open to us; create it, or invite the app to it"):
            a_desk(slack).place(name)


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in CASES])
def test_whatever_people_write_arrives_as_it_was_shown(slack: SlackPeer, place: str, make: Callable[[], CaseFile]) -> None:
    file = with_ids(make())
    ts = a_desk(slack).post_card(place, file, file.case.department, MARK)
    (message,) = history(slack, place)
    assert message["ts"] == ts
    assert message["blocks"] == cards.card(file, file.case.department, "S0BILLING1")
    assert message["text"] == cards.card_text(file)
    assert message["metadata"] == {"event_type": "loopkeeper_effect", "event_payload": {"key": MARK.key, "told": 3}}
    assert (message["unfurl_links"], message["unfurl_media"]) == (False, False)


def test_a_card_is_edited_in_its_place_and_found_afterwards(slack: SlackPeer, desk: SlackDesk, place: str) -> None:
    told = Story().opened()
    ts = desk.post_card(place, a_file(told), "billing", MARK)
    told.done(c.Accept("a1", ANA))
    desk.update_card(Card("meridian-x-1", "billing", place, ts, 3, None), a_file(told))
    (message,) = history(slack, place)
    assert message["ts"] == ts
    assert message["blocks"] == cards.card(a_file(told), "billing", "S0BILLING1")
    assert desk.find(place, None, MARK.key) == Message(ts, 3)


def test_the_story_is_told_in_the_thread_and_nowhere_else(slack: SlackPeer, desk: SlackDesk, place: str) -> None:
    told = Story().accepted()
    told.arrives(Intent.COMPLAINT)
    file = a_file(told)
    card = desk.post_card(place, file, "billing", MARK)
    lines = story(file, 3)
    mark = Mark("meridian-x-1:story:billing:4", lines[-1].seq)
    ts = desk.tell(place, card, file, lines, mark)
    assert [message["ts"] for message in history(slack, place)] == [card]
    first, told_there = slack.client().conversations_replies(channel=place, ts=card)["messages"]
    assert (first["ts"], first["reply_count"], told_there["ts"], told_there["thread_ts"]) == (card, 1, ts, card)
    assert told_there["blocks"] == cards.told(lines, "S0BILLING1", {})
    assert desk.find(place, card, mark.key) == Message(ts, lines[-1].seq)
    assert desk.find(place, None, mark.key) is None
    link = slack.client(OURS).chat_getPermalink(channel=place, message_ts=ts)["permalink"]
    assert link.endswith(f"/archives/{place}/p{ts.replace('.', '')}?thread_ts={card}&cid={place}")


def test_a_message_is_found_by_what_it_carries_among_the_newest_two_hundred(slack: SlackPeer, desk: SlackDesk, place: str) -> None:
    others, theirs = slack.client(), {"event_type": "another_app", "event_payload": {"key": "k"}}
    too_old = desk.post_card(place, a_file(), "billing", Mark("too old", 1))
    for number in range(60):
        others.chat_postMessage(channel=place, text=f"before {number}")
    sought = desk.post_card(place, a_file(), "billing", MARK)
    for number in range(150):
        others.chat_postMessage(channel=place, text=f"after {number}", metadata=theirs)
    assert desk.find(place, None, MARK.key) == Message(sought, 3)
    assert desk.find(place, None, "nobody wrote this") is None
    assert desk.find(place, None, "too old") is None
    assert desk.find(place, too_old, "too old") == Message(too_old, 1)


def test_the_social_team_is_called_with_the_exact_text_of_the_reply(slack: SlackPeer, desk: SlackDesk, place: str) -> None:
    told = Story(posts=False).opened()
    told.done(c.PostUnconfirmed("u1", 1, "no answer came", "w-r1"))
    file = with_ids(case_file(told, words={"w-r1": "We are sorry, Sam."}))
    seq, _ = next(one for one in file.history if isinstance(one[1].event, e.HumanNeeded))
    desk.call_social(place, file, next(line for line in story(file) if line.seq == seq), Mark("call", seq))
    (message,) = history(slack, place)
    assert "We are sorry, Sam." in str(message["blocks"][0])
    assert [button["value"] for button in message["blocks"][1]["elements"]] == ["meridian-x-1|1"] * 2
    assert "S0SOCIAL01" in str(message["blocks"][0])


def test_what_slack_refuses_is_refused_in_its_own_words(slack: SlackPeer, desk: SlackDesk, place: str) -> None:
    file = a_file()
    theirs = str(slack.client().chat_postMessage(channel=place, text="mine")["ts"])
    ours = desk.post_card(place, file, "billing", MARK)

    def refusal(call: Callable[[], object]) -> str:
        with pytest.raises(Refused) as refused:
            call()
        return refused.value.reason

    assert refusal(lambda: desk.post_card("C0NOWHERE1", file, "billing", MARK)) == "Slack says channel_not_found"
    assert refusal(lambda: desk.find("C0NOWHERE1", None, MARK.key)) == "Slack says channel_not_found"
    assert refusal(lambda: desk.find("C0NOWHERE1", ours, MARK.key)) == "Slack says channel_not_found"
    assert refusal(lambda: desk.update_card(Card("c", "billing", place, "1.000001", 3, None), file)) == "Slack says message_not_found"
    assert refusal(lambda: desk.update_card(Card("c", "billing", place, theirs, 3, None), file)) == "Slack says cant_update_message"
    assert refusal(lambda: a_desk(slack, "").post_card(place, file, "billing", MARK)) == "Slack says not_authed"
    assert refusal(lambda: a_desk(slack, MUTE).post_card(place, file, "billing", MARK)) == "Slack says missing_scope"
    slack.client().conversations_archive(channel=place)
    assert refusal(lambda: desk.post_card(place, file, "billing", MARK)) == "Slack says is_archived"


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in VIEWS if not name.startswith(("home", "nobody"))])
def test_a_modal_opens_and_is_replaced_as_it_was_made(slack: SlackPeer, make: Callable[[CaseFile], View]) -> None:
    app = slack.client(OURS)
    view = make(of_words("<!here> & “weird” 👩‍👩‍👧‍👦"))
    trigger = app.api_call("views.generateTriggerId")["trigger_id"]
    opened = app.views_open(trigger_id=trigger, view=view)["view"]
    assert {name: opened[name] for name in view} == view
    again = app.views_update(view_id=opened["id"], view=view)["view"]
    assert {name: again[name] for name in view} == view
    assert again["id"] == opened["id"]
