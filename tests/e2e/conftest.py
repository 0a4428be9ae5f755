"""One whole installation for all tests here: real engines, worker, dispatcher, API, and the sandbox as its outside world.

The loop's time runs sixty times as fast as the wall clock: five minutes in five seconds.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import text

from adapters.postgres.store import Store
from adapters.slack import modals
from cli.embedded import Installation, pace_from_now
from cli.state import State
from domain.files import read_policy, read_wording
from sandbox.hands import Author, Change, Hands, Pressed, Submitted
from sandbox.signing import slack_headers
from settings import HERE
from tests.signing_in import sent_from, signed_in

Json = dict[str, Any]
SPEED = 60.0
PATIENCE = 60.0
"""Seconds (really) in which everything comes about, on a slow machine too that has other work."""
SAM = Author("770001", "sam", "Sam Okafor")
ANA, BEN, TOM, SOFIA = "U0ANA00001", "U0BEN00001", "U0TOM00001", "U0SOFIA001"
BILLING, TECHNICAL, SOCIAL = "C0BILLING1", "C0TECHNIC1", "C0SOCIAL01"
COMPLAINT = "You charged me twice and nobody answers."
WIDE_BOARD = "/console?more=new.200&more=acknowledged.200&more=handed_off.200"
"""The board with as much in its first columns as it shows: other tests have cases that are more urgent."""


def texts(thing: object) -> list[str]:
    """Everything in blocks that people read, in order."""
    if isinstance(thing, list):
        return [text for one in thing for text in texts(one)]
    if isinstance(thing, Mapping):
        own = [thing["text"]] if isinstance(thing.get("text"), str) else []
        return own + [text for key, one in thing.items() if key != "text" or not own for text in texts(one)]
    return []


def quotes(blocks: list[Json]) -> list[str]:
    """Somebody's exact words in blocks."""
    parts = [part for block in blocks if block["type"] == "rich_text" for part in block["elements"]]
    return ["".join(element["text"] for element in part["elements"]) for part in parts if part["type"] == "rich_text_quote"]


def actions(message: Json) -> list[str]:
    """The buttons of a message, by their action ids."""
    return [element["action_id"] for block in message["blocks"] if block["type"] == "actions" for element in block["elements"]]


@dataclass
class Stage:
    """The installation, and people who act on it and look at it."""

    installation: Installation
    store: Store
    hands: Hands
    http: httpx.Client
    kept: dict[str, str] = field(default_factory=dict)

    # --- customers

    def complain(self, text: str = COMPLAINT, channel: str = "x", author: Author = SAM, **how: Any) -> str:
        """A customer posts; the case's id."""
        return f"meridian-{channel}-{self.hands.post(channel, text, author, **how)['id']}"

    def replies(self, case: str, count: int) -> list[Json]:
        """The brand's public replies in the thread of a case, once there are so many, in their order."""
        channel, first = case.split("-", 2)[1:]

        def thread() -> list[Json]:
            posts = [c.object for c in self.hands.state() if c.kind == "post" and c.object["channel"] == channel]
            return [p for p in posts if p["author"]["is_brand"] and p["thread"] == first]

        self.until(lambda: len(thread()) >= count)
        return thread()

    # --- departments

    def card(self, case: str, department: str = "billing", *, shows: str = "") -> Json:
        """The card of a case, once it shows that."""
        key = f"{case}:card:{department}"

        def is_it(change: Change) -> bool:
            return change.kind == "message" and _key(change.object) == key and shows in " ".join(texts(change.object["blocks"]))

        return self.hands.wait_for(is_it, PATIENCE).object

    def press(self, user: str, card: Json, action: str) -> Pressed:
        return self.hands.press(user, action, channel=card["channel"], message_ts=card["ts"])

    def open(self, user: str, card: Json, action: str) -> Json:
        """Press a button that opens a modal; the modal."""
        pressed = self.press(user, card, action)
        assert pressed.acked, pressed.error
        return (
            pressed.view
            or self.hands.wait_for(lambda c: c.kind == "view" and c.object["trigger_id"] == pressed.trigger_id, PATIENCE).object
        )

    def write(self, user: str, view: Json, text: str, cause: str | None = None) -> Submitted:
        """Fill in the first modal."""
        values: dict[str, dict[str, object]] = {modals.BODY: {modals.BODY: text}}
        return self.hands.submit(user, view["id"], values | ({modals.CAUSE: {modals.CAUSE: cause}} if cause else {}))

    def send(self, user: str, view: Json | None, **values: object) -> str:
        """Send a modal, with these inputs by their blocks, and wait for the outcome: nothing when it was done, else what is then said."""
        assert view is not None
        shown = self.hands.submit(user, view["id"], {block: {block: value} for block, value in values.items()})
        assert shown.acked or shown.errors, shown.error
        if shown.view is None or shown.errors:
            return " ".join(shown.errors.values())
        if texts(shown.view["title"]) == ["One moment"]:  # a busy machine: it takes longer than Slack waits
            told = self.hands.wait_for(lambda c: c.kind == "view" and c.object["id"] == view["id"] and _is_told(c.object), PATIENCE).object
            self.hands.close_view(user, view["id"], clear=True)
            return "" if texts(told["title"]) == ["Done"] else " ".join(texts(told["blocks"]))
        return " ".join(texts(shown.view["blocks"]))

    def whisper(self, user: str, after: int) -> str:
        """What Loopkeeper tells one person alone, after that change of the world."""
        told = self.hands.wait_for(lambda c: c.kind == "message" and c.object.get("ephemeral_to") == user, PATIENCE, after=after)
        return str(told.object["text"])

    def interact(self, payload: Json, *, at: float | None = None, secret: str | None = None) -> httpx.Response:
        """Send an interaction as Slack would, signed with our secret unless told otherwise."""
        body = urlencode({"payload": json.dumps(payload)}).encode()
        known = self.installation.secrets.slack_signing_secret
        headers = slack_headers(known if secret is None else secret, time.time() if at is None else at, body)
        return self.http.post("/slack/events", content=body, headers={**headers, "content-type": "application/x-www-form-urlencoded"})

    def team(self) -> dict[str, str]:
        """What the browser of somebody who is signed in as a lead sends with a form of ours."""
        if not self.kept:
            self.kept.update(signed_in(self.http, "lead") | sent_from(self.http))
        return self.kept

    def console(self, path: str) -> httpx.Response:
        """A page of the console, for somebody who is signed in."""
        return self.http.get(path, headers=self.team())

    # --- the policy

    def version(self, before: str, after: str) -> str:
        """A version of the policy that is kept and not in force: the shipped one with a text of it replaced."""
        shipped, words = ((HERE / "policies" / name).read_text() for name in ("default.yaml", "wording.en.yaml"))
        assert before in shipped
        holidays = {name: hours.holidays for name, hours in self.store.book.active().calendars.items()}
        policy = read_policy(shipped.replace(before, after), "tests").worded(read_wording(words, "tests")).dated(holidays)
        adding = text(
            "insert into policy_version (id, policy, wording, holidays) values (:id, :policy, :wording, cast(:holidays as jsonb)) "
            "on conflict do nothing"
        )
        dates = json.dumps({name: [day.isoformat() for day in days] for name, days in holidays.items()})
        with self.store.engine.begin() as connection:
            values = {"id": policy.id, "policy": shipped.replace(before, after), "wording": words, "holidays": dates}
            connection.execute(adding, values)
        return policy.id

    # --- what is on record

    def events(self, case: str) -> list[str]:
        """What has happened to a case, in order."""
        return [entry.event.kind for _, entry in self.store.records.history(case)]

    def until(self, met: Callable[[], Any], seconds: float = PATIENCE) -> Any:
        """What `met` answers, once it is something. A poll, bounded."""
        deadline = time.monotonic() + seconds
        while not (found := met()):
            assert time.monotonic() < deadline, "it did not come about in time"
            time.sleep(0.05)  # a poll, bounded above
        return found


def _is_told(view: Json) -> bool:
    return texts(view["title"]) != ["One moment"]


def _key(message: Json) -> str | None:
    key: str | None = ((message.get("metadata") or {}).get("event_payload") or {}).get("key")
    return key


@pytest.fixture(scope="session")
def installation(own_folder: Path) -> Iterator[Installation]:
    with pytest.MonkeyPatch.context() as environment:
        for name in [n for n in os.environ if n.startswith(("LOOPKEEPER_", "DATABASE_URL", "TEMPORAL_"))]:
            environment.delenv(name)
        with State(own_folder / "stage") as held:
            installation = Installation(held, pace=pace_from_now(SPEED), slack_rate=200.0, durable=False)
            installation.start()
            yield installation
            installation.stop()


@pytest.fixture(scope="session")
def shared_store(installation: Installation) -> Iterator[Store]:
    store = installation.store("tests")
    yield store
    store.close()


@pytest.fixture
def stage(installation: Installation, shared_store: Store) -> Iterator[Stage]:
    """The installation, with an outside world in which nothing is broken."""
    api = f"http://127.0.0.1:{installation.ports['api']}"
    with Hands(installation.addresses["Sandbox"]) as hands, httpx.Client(base_url=api, timeout=PATIENCE, trust_env=False) as http:
        yield Stage(installation, shared_store, hands, http)
        hands.clear_faults()
