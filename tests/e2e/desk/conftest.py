"""Departments at their desk in Slack, under a policy of three teams in two zones that are never at work at the same time, and by which
nobody promises a voucher alone.

Whoever is named as a lead may do everything, so most of what happens here is done by Ben, Priya and Jonas, who lead nobody.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from adapters.postgres.store import Store
from adapters.slack import cards
from cli.embedded import Installation
from domain.casefile import CaseFile
from domain.rights import NO_DEPARTMENT
from domain.story import story
from sandbox.hands import Author, Change, Hands, Submitted
from sandbox.signing import slack_headers
from tests.conftest import WORDING
from tests.e2e.conftest import BILLING, PATIENCE, Json, Stage, texts
from tests.policies import called_around_the_clock

LENA, PRIYA, JONAS, MAX, HELEN = "U0LENA0001", "U0PRIYA001", "U0JONAS001", "U0MAX00001", "U0HELEN001"
ANA, CARMEN, LAURA, GRACE = "U0ANA00001", "U0CARMEN01", "U0LAURA001", "U0GRACE001"
CARE, PRODUCT = "C0CARE0001", "C0PRODUCT1"
DINA, KOFI = "U0DINA0001", "U0KOFI0001"
"""Of Product, to which only tests of the Home tab give cases, and of Technical, who has only those of a test of `/case mine`: a list
shows the first few, and cases of other tests would crowd them out."""
PARCEL = "My parcel never came and nobody answers."
"""A complaint for Product."""
NOBODY = HELEN
"""Is in every channel, and in no group: whoever heads a department here is somebody else."""
_numbers = itertools.count(1)


def _two_zones() -> str:
    """Billing works in the morning of London; Technical and Care in the afternoon of New York, when London sleeps."""
    policy: Json = yaml.load(called_around_the_clock(), Loader=yaml.BaseLoader)
    policy["name"] = "two zones"
    policy["calendars"] = {
        "morning": {"zone": "Europe/London", "week": {"mon-sun": "06:00-12:00"}},
        "evening": {"zone": "America/New_York", "week": {"mon-sun": "13:00-18:00"}},
    }
    policy["approvals"] = {"phrases": {"money": ["voucher*"]}}
    policy["people"]["head"] = {"name": "Laura Weiss", "email": "laura.weiss@example.com"}
    for name, calendar in (("billing", "morning"), ("technical", "evening"), ("care", "evening")):
        policy["departments"][name]["calendar"] = calendar
    return str(yaml.safe_dump(policy, sort_keys=False, allow_unicode=True))


@pytest.fixture(scope="package")
def _policy(installation: Installation, shared_store: Store) -> Iterator[str]:
    """Our policy is in force, and everybody knows."""
    before = shared_store.book.active().id
    ours = shared_store.book.activate(_two_zones(), WORDING, by="tests")[0].id
    with Hands(installation.addresses["Sandbox"]) as hands:
        _wait_until_it_counts(hands, shared_store, ours, nobody=True)
        yield ours
        shared_store.book.again(before, by="tests")
        _wait_until_it_counts(hands, shared_store, before, nobody=False)


def _wait_until_it_counts(hands: Hands, store: Store, policy: str, *, nobody: bool) -> None:
    """Wait until the dispatcher opens cases under that policy, and the API knows the people by it."""
    stage = Stage.__new__(Stage)  # for its patience alone

    def is_opened_under_it() -> bool:
        post = hands.post("x", "Just a remark.", _stranger())
        case = f"meridian-x-{post['id']}"
        stage.until(lambda: store.records.history(case))
        return store.reader.file(case).case.policy == policy

    def is_known() -> bool:
        after = hands.number()
        hands.home(HELEN)
        shown = hands.wait_for(lambda c: c.kind == "view" and c.object["type"] == "home" and c.object["user"] == HELEN, after=after)
        return (NO_DEPARTMENT in texts(shown.object["blocks"])) == nobody

    stage.until(is_opened_under_it)
    stage.until(is_known)


def _stranger() -> Author:
    number = next(_numbers)
    return Author(f"88{number:04}", f"passer{number}", f"Pat Passer {number}")


class Desk(Stage):
    """The stage, with what people at a desk do."""

    # --- cards and modals

    def case(self, text: str = "You charged me twice and nobody answers.", *, by: str | None = None, **how: Any) -> tuple[str, Json]:
        """A case of a customer of its own, accepted when `by` is given; its id and its card."""
        case = self.complain(text, author=_stranger(), **how)
        card = self.card(case, self.until(lambda: self._department(case)), shows="nobody yet")
        if by is None:
            return case, card
        assert self.press(by, card, cards.ACCEPT).acked
        return case, self.card(case, self.file(case).case.department, shows="In progress")

    def _department(self, case: str) -> str | None:
        return self.file(case).case.department if self.store.records.history(case) else None

    def file(self, case: str) -> CaseFile:
        return self.store.reader.file(case)

    def number(self, case: str) -> int:
        return self.file(case).number

    def menu(self, user: str, card: Json, do: str) -> Json:
        """Choose from a card's menu; the modal."""
        options = [
            o for b in card["blocks"] if b["type"] == "actions" for e in b["elements"] if e["action_id"] == cards.MORE for o in e["options"]
        ]
        value = next(option["value"] for option in options if option["value"].startswith(f"{do} "))
        pressed = self.hands.press(user, cards.MORE, channel=card["channel"], message_ts=card["ts"], value=value)
        assert pressed.acked, pressed.error
        return pressed.view or self.opened(pressed.trigger_id)

    def opened(self, trigger: str | None) -> Json:
        """The modal that was opened by that trigger."""
        return self.hands.wait_for(lambda c: c.kind == "view" and c.object["trigger_id"] == trigger).object

    def push(self, user: str, view: Json, action: str) -> Json:
        """Press a button in a modal, or on the Home tab; the modal that comes."""
        pressed = self.hands.press(user, action, view_id=view["id"])
        assert pressed.acked, pressed.error
        return pressed.view or self.opened(pressed.trigger_id)

    def fill(self, user: str, view: Json, **values: object) -> Submitted:
        """Fill in a modal, by the blocks of its inputs, and send it."""
        return self.hands.submit(user, view["id"], {block: {block: value} for block, value in values.items()})

    def review(self, user: str, view: Json, **values: object) -> Json:
        """Fill in what is to be said; exactly what will be read."""
        seen = self.fill(user, view, **values)
        assert seen.response_action == "push", seen
        assert seen.view is not None
        return seen.view

    # --- lines

    def type(self, user: str, line: str, channel: str = BILLING) -> Json:
        """Write `/case …`; the modal that comes, or the message that only they see."""
        after = self.hands.number()
        pressed = self.hands.command(user, channel, "/case", line)
        assert pressed.acked, pressed.error

        def answers(change: Change) -> bool:
            if change.kind == "view":
                return bool(change.object["trigger_id"] == pressed.trigger_id)
            return change.kind == "message" and change.object.get("ephemeral_to") == user

        return pressed.view or self.hands.wait_for(answers, after=after).object

    def told(self, user: str, line: str, channel: str = BILLING) -> str:
        """What a line is answered with, in words."""
        answer = self.type(user, line, channel)
        return " ".join(texts(answer["blocks"])) if answer.get("blocks") else str(answer["text"])

    # --- what people see

    def thread(self, card: Json) -> list[Json]:
        """The messages in the thread under a card, in their order."""
        messages = [c.object for c in self.hands.state() if c.kind == "message" and c.object["channel"] == card["channel"]]
        told = [m for m in messages if m.get("thread_ts") == card["ts"] != m["ts"] and not m.get("ephemeral_to")]
        return sorted(told, key=lambda m: str(m["ts"]))

    def thread_says(self, card: Json, words: str) -> Json:
        """The message in the thread that says this, once it is there."""

        def found() -> Json | None:
            return next((one for one in self.thread(card) if words in " ".join(texts(one["blocks"]))), None)

        message: Json = self.until(found)
        return message

    def direct(self, user: str, words: str) -> Json:
        """The direct message to somebody that says this, once it is there."""

        def is_it(change: Change) -> bool:
            message = change.object
            return (
                change.kind == "message"
                and message["channel"] in mine
                and words in " ".join([message["text"], *texts(message.get("blocks"))])
            )

        mine = self.until(lambda: [c.object["id"] for c in self.hands.state() if c.kind == "conversation" and c.object["user"] == user])
        return self.hands.wait_for(is_it, PATIENCE).object

    def story(self, case: str) -> str:
        """Everything that is told of a case."""
        return "\n".join(f"{line.text}: {line.quote}" for line in story(self.file(case)))

    def quiet_since(self, case: str, events: list[str]) -> bool:
        """Whether nothing has happened to a case since then but the passing of time."""
        return [e for e in self.events(case)[len(events) :] if e not in ("clock_warned", "escalated", "escalation_delivered")] == []


@pytest.fixture
def desk(stage: Stage, _policy: str) -> Desk:
    """The stage, with its desks."""
    return Desk(stage.installation, stage.store, stage.hands, stage.http)


class Mailslot:
    """An address of somebody's Slack, at which answers arrive that the stand-in would not pass on: it knows no such person."""

    def __init__(self) -> None:
        self.answers: list[Json] = []
        slot = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                slot.answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """Without a word."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def mailslot() -> Iterator[Mailslot]:
    slot = Mailslot()
    yield slot
    slot.close()


def command_of(desk: Desk, slot: Mailslot, user: str, line: str) -> str:
    """What `/case` answers to somebody whom the stand-in does not know, or lets in no more."""
    fields = {"command": "/case", "text": line, "user_id": user, "team_id": "T0MERIDIAN", "channel_id": BILLING}
    body = urlencode({**fields, "response_url": slot.url, "trigger_id": f"1.2.{user}{next(_numbers)}"}).encode()
    headers = slack_headers(desk.installation.secrets.slack_signing_secret, time.time(), body)
    answered = desk.http.post("/slack/events", content=body, headers={**headers, "content-type": "application/x-www-form-urlencoded"})
    assert answered.status_code == 200
    desk.until(lambda: slot.answers)
    return str(slot.answers.pop()["text"])


def customer_of(desk: Desk, case: str) -> Author:
    """Whoever wrote the first post of a case."""
    channel, post = case.split("-", 2)[1:]
    author = next(c.object["author"] for c in desk.hands.state() if c.kind == "post" and c.key == f"{channel}/{post}")
    return Author(**{name: author[name] for name in ("id", "handle", "name")})
