"""Everything that a case can be told is there wherever people work, or the table here says why it is not.

The product promises its list of commands to whoever works in the console, in Slack, on a line of `/case` and over REST. Each way in is
asked here for what it really takes: the console's offers and addresses, the buttons that Slack shows and listens to, the words that
`/case` knows, and the values of `do`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any, cast, get_args

import pytest
from fastapi.routing import APIRoute

from adapters.slack import announcements, approvals, cards, forms
from api.causes.pages import CausePages
from api.console.acts import Acts
from api.console.deciding import Deciding
from api.console.moving import Moving
from api.console.offers import BY_NAME, offered
from api.doing import offered as more
from api.rest_models import CommandIn
from api.slack.app import listeners_on
from api.slack.floor import Refused
from api.slack.words import HELP, Words
from domain import commands as c
from domain import events as e
from domain.casefile import CaseFile
from domain.rights import Colleague
from domain.sharing import WaitingAnnouncement
from domain.story import story
from domain.values import Actor, Role, Via
from tests.casefiles import case_file
from tests.unit.domain.story import ANA, Story

NOTHING: Any = None
LEAD = Colleague(Actor("slack:ULEA", Role.LEAD, Via.SLACK))
ADMIN = Colleague(Actor("local:ada", Role.ADMIN, Via.CONSOLE))


@dataclass(frozen=True)
class Ways:
    """How one thing is done: its command, and by what in the console, in Slack and on a line. `why`: why a way is missing, by its name."""

    command: type[c.Command]
    console: str | None
    slack: str | None
    line: str | None
    why: dict[str, str] = field(default_factory=dict)


BESIDE_THE_TEXT = "it is decided on where its exact text stands, which a line does not show"
PRODUCT: dict[str, Ways] = {
    "accept": Ways(c.Accept, "accept", cards.ACCEPT, "accept"),
    "ask": Ways(c.Ask, "ask", cards.ASK, "ask"),
    "update": Ways(c.Update, "update", cards.UPDATE, "update"),
    "resolve": Ways(c.Resolve, "resolve", cards.RESOLVE, "resolve"),
    "reassign": Ways(c.Reassign, "move", cards.REASSIGN, "assign"),
    "snooze": Ways(c.Snooze, "snooze", "menu snooze", "snooze"),
    "wait-on-third-party": Ways(c.WaitOnThirdParty, "wait", "menu wait", "wait"),
    "set-priority": Ways(c.SetPriority, "priority", forms.DO + "priority", "priority"),
    "set-category": Ways(c.SetCategory, "category", forms.DO + "category", "category"),
    "take-private": Ways(c.TakePrivate, "private", "menu private", "private"),
    "merge": Ways(c.Merge, "merge", forms.DO + "merge", "merge"),
    "join-shared-cause": Ways(c.JoinSharedCause, "cause", forms.DO + "cause", "cause"),
    "escalate-now": Ways(c.EscalateNow, "escalate", "menu escalate", "escalate"),
    "walk-away": Ways(c.WalkAway, "walk_away", forms.DO + "walk_away", "walkaway"),
    "dismiss": Ways(c.Dismiss, "dismiss", forms.DO + "dismiss", "dismiss"),
    "reopen": Ways(c.Reopen, "reopen", forms.DO + "reopen", "reopen"),
    "approve": Ways(c.Approve, "/console/cases/{case_id}/approve", approvals.APPROVE, None, {"line": BESIDE_THE_TEXT}),
    "edit-and-approve": Ways(c.Approve, "/console/cases/{case_id}/redraft", approvals.EDIT, None, {"line": BESIDE_THE_TEXT}),
    "reject": Ways(c.Reject, "/console/cases/{case_id}/reject", approvals.REJECT, None, {"line": BESIDE_THE_TEXT}),
    "note": Ways(c.Note, "note", forms.DO + "note", "note"),
    "waive-thank-you": Ways(c.WaiveThankYou, "waive", forms.DO + "waive", "waive"),
}
"""The product's list of commands, word for word."""
BESIDES: dict[str, Ways] = {
    "resume": Ways(c.Resume, "resume", "menu resume", "resume"),
    "settle-reply": Ways(
        c.SettleReply, "/console/cases/{case_id}/settle", cards.SETTLE_POSTED, None, {"line": "its message has the exact text to look for"}
    ),
    "read-private": Ways(
        c.ReadPrivate,
        "/console/cases/{case_id}/private",
        forms.DO + "private_words",
        None,
        {"line": "what is written in private is read in a window, which closes, and is not left standing in a channel"},
    ),
    "leave-shared-cause": Ways(
        c.LeaveSharedCause,
        "/console/causes/{number}/leave",
        None,
        None,
        {"slack": "cases are taken out on the cause's page, where all of them stand", "line": "the same"},
    ),
    "move-policy": Ways(
        c.MovePolicy,
        "policy",
        None,
        None,
        {"slack": "it is an admin's, and Slack knows departments, the social team and leads alone", "line": "the same"},
    ),
}
"""What a case can be told besides, which the product's list leaves to us."""
ALL = PRODUCT | BESIDES


def kind_of(command: type[c.Command]) -> str:
    return str(next(one.default for one in fields(command) if one.name == "kind"))


def test_each_command_that_there_is_stands_in_the_table() -> None:
    assert {ways.command for ways in ALL.values()} == set(get_args(c.Command))


@pytest.mark.parametrize("name", ALL)
def test_a_way_that_is_missing_says_why(name: str) -> None:
    ways = ALL[name]
    missing = {way for way in ("console", "slack", "line") if getattr(ways, way) is None}
    assert set(ways.why) == missing
    assert all(ways.why.values())


def test_rest_takes_each_and_nothing_else() -> None:
    assert set(get_args(CommandIn.model_fields["do"].annotation)) == {kind_of(ways.command) for ways in ALL.values()}


# --- the console ------------------------------------------------------------------------------------------------------


def addresses() -> set[str]:
    """Where the console's forms about cases go."""
    routers = [made(NOTHING, NOTHING).routes() for made in (Acts, Deciding, Moving)] + [CausePages(NOTHING, NOTHING).routes()]
    return {route.path for router in routers for route in router.routes if isinstance(route, APIRoute) and "POST" in (route.methods or ())}


def test_the_console_has_a_form_for_each() -> None:
    there = addresses()
    for name, ways in ALL.items():
        if ways.console is None or ways.console.startswith("/"):
            assert ways.console in there, name
        else:
            assert BY_NAME[ways.console].kind is ways.command, name
    assert set(BY_NAME) == {ways.console for ways in ALL.values() if ways.console and not ways.console.startswith("/")}


def test_the_console_offers_each_to_an_admin_on_some_case() -> None:
    shown = {offer.do for file in in_every_shape() for offer in offered(file, ADMIN, file.history[-1][1].event.at, ())}
    assert shown == set(BY_NAME)


# --- Slack ------------------------------------------------------------------------------------------------------------


class Heard:
    """In the place of the ears: keeps what is listened to."""

    def __init__(self) -> None:
        self.actions: set[str] = set()

    def action(self, name: str, listener: object) -> None:
        assert name not in self.actions, f"two listen to {name}"
        self.actions.add(name)

    def __getattr__(self, _what: str) -> Any:
        return lambda *_given: None


def in_every_shape() -> Iterator[CaseFile]:
    """A case that nobody has, one that rests, one with a draft that waits, one that went on in private, one that is
    resolved, one whose thank-you was refused, and one that is closed."""
    yield case_file(Story().opened())
    yield case_file(Story().accepted())
    resting = Story().accepted()
    resting.done(c.WaitOnThirdParty("wait", ANA, "w-wait", resting.now + timedelta(hours=3)))
    resting.done(c.Snooze("snooze", ANA, resting.now + timedelta(hours=3)))
    yield case_file(resting)
    yield case_file(held())
    private = Story().accepted()
    private.done(c.TakePrivate("private", ANA, "w-public", "w-private"))
    yield case_file(private)
    resolved = Story().accepted()
    resolved.posts = False
    resolved.done(c.Resolve("resolve", ANA, "other", "w-thanks"))
    yield case_file(resolved)
    last = resolved.case.replies[-1]
    resolved.done(c.PostFailed("refused", last.step, "the network says no", last.words))
    yield case_file(resolved)
    closed = Story().accepted()
    closed.done(c.Resolve("resolve", ANA, "other", "w-thanks"))
    yield case_file(closed)


def held() -> Story:
    waits = Story().accepted()
    waits.done(c.Update("draft", ANA, "w-draft", reasons=("money:refund*",)))
    return waits


def unconfirmed() -> tuple[CaseFile, e.ReplyUnconfirmed]:
    told = Story().accepted()
    told.posts = False
    told.done(c.Update("update", ANA, "w-update"))
    step = told.case.replies[-1].step
    event = told.done(c.PostUnconfirmed("unsure", step, "the network did not answer", "w-update"))[0]
    assert isinstance(event, e.ReplyUnconfirmed)
    return case_file(told), event


def shown_in_slack() -> Iterator[str]:
    """What a lead can press: action ids, and of a card's menu what it says."""
    for file in in_every_shape():
        for block in [*cards.card(file, file.case.department, None), *forms.more(file, more(file, LEAD))["blocks"]]:
            yield from pressable(block)
        for draft in file.case.held:
            for block in approvals.approval(file, draft, None):
                yield from pressable(block)
    for block in announcements.waiting(WaitingAnnouncement(1, 1, "update", "Hanna Weber", ("customers",), 3), None, "https://lk.example"):
        yield from pressable(block)
    unsure, event = unconfirmed()
    for block in cards.call(unsure, story(unsure)[-1], None, event, settle=True):
        yield from pressable(block)


def pressable(block: Any) -> Iterator[str]:
    for element in block.get("elements", []) if block["type"] == "actions" else []:
        if element["type"] == "overflow":
            yield from (f"menu {option['value'].partition(' ')[0]}" for option in element["options"])
        yield element["action_id"]


def test_slack_shows_a_button_for_each_and_listens_to_it() -> None:
    heard, shown = Heard(), set(shown_in_slack())
    for listener in listeners_on(NOTHING, NOTHING, "https://lk.example"):
        listener.listen(cast("Any", heard))
    for name, ways in ALL.items():
        if ways.slack is not None:
            assert ways.slack in shown, name
            assert (cards.MORE if ways.slack.startswith("menu ") else ways.slack) in heard.actions, name
    assert {one for one in shown if not one.startswith("menu ")} <= heard.actions


# --- /case ------------------------------------------------------------------------------------------------------------


def answer_to(line: str) -> str:
    """What somebody is told who writes that after `/case`, before any case is looked for."""

    async def ack() -> None:
        return None

    written = Words(NOTHING, NOTHING, NOTHING, NOTHING)
    with pytest.raises(Refused) as refused:
        asyncio.run(written.commanded(cast("Any", ack), {"user_id": "U1", "trigger_id": "t", "text": line}))
    return str(refused.value)


def test_a_line_knows_the_word_for_each_and_tells_of_it() -> None:
    told = {what.partition(" ")[0] for what, _ in HELP}
    for name, ways in ALL.items():
        if ways.line is not None:
            assert ways.line in told, name
            assert answer_to(ways.line) == f"Which case? Write its number: /case {ways.line} 42", name
    assert told - {ways.line for ways in ALL.values()} == {"new", "show", "mine", "find", "history"}, "of these none tells a case anything"


def test_a_word_that_there_is_not_is_said_to_be_none() -> None:
    assert answer_to("approve 42").startswith("There is no “approve” here.")


def test_each_key_of_the_console_does_one_thing() -> None:
    keys = [offer.key for offer in BY_NAME.values()]
    assert len(set(keys)) == len(keys)
    assert not {"g", "?", "/"} & set(keys), "these lead elsewhere before a case is asked"
