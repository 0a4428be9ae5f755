"""Worker, dispatcher and API with traps at their steps, as processes: python -m tests.crash.trapped worker|dispatcher|api

Everything is the product's own; only the ledger, the inbox, the networks and the way to Temporal say where they are.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection, event

import worker
from activities.publish import Patience
from adapters.channels import connect
from adapters.postgres.causes import Announcement, Causes
from adapters.postgres.intake import Arrival, Inbox
from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.records import PostgresRecords
from adapters.postgres.store import Store
from domain.commands import Command
from domain.history import Entry, read
from domain.ports import Absent, Claim, Composed, Content, Effect, Network, OutgoingReply, Placed, PostedReply, Thread, Written
from domain.view import CaseView
from sandbox.hands import Hands
from settings import Settings
from tests.crash.traps import Steps
from workflows.contracts import Answer
from workflows.gateway import CaseGateway

PATIENCE = Patience(
    lease=timedelta(seconds=4), look_every=timedelta(seconds=1), settling=timedelta(seconds=3), give_up=timedelta(seconds=60)
)
"""Longer than the time limit of a request (2 s), short enough to be waited for."""
GROUPING = frozenset({"merged", "took_in", "passed_on", "announced"})
"""Events by which cases hear of each other, or of their cause."""


class TrappedLedger(PostgresLedger):
    """Says where it is around claims and settlements."""

    steps: Steps

    def claim(self, effect: Effect, lease: timedelta, content: Callable[[], Composed] | Content | None) -> Claim:
        self.steps.come_to("before the claim")
        claim = super().claim(effect, lease, content)
        self.steps.come_to("after the claim")
        return claim

    def settle(self, effect: Effect, attempt: int, done: PostedReply, entry: Entry | None = None, thread: Thread | None = None) -> bool:
        with self.steps.through("answer received", "inside the commit", "after the commit"):
            return super().settle(effect, attempt, done, entry, thread)


class TrappedRecords(PostgresRecords):
    """Says where it is around the recording of what other cases hear of, or heard from them."""

    steps: Steps

    def append(self, case_id: str, entries: Sequence[Written], view: CaseView, known: int) -> int:
        if not any(read(one.doc, one.key).event.kind in GROUPING for one in entries):
            return super().append(case_id, entries, view, known)
        with self.steps.through("before the record", "inside the record", "recorded, not acted on"):
            return super().append(case_id, entries, view, known)


class TrappedCauses(Causes):
    """Says where it is around the handing over of an announcement to its cases."""

    steps: Steps

    def send(self, announcement: Announcement, by: str) -> bool:
        with self.steps.through("before handing over", "inside the handing over", "handed over, not answered"):
            return super().send(announcement, by)


class TrappedInbox(Inbox):
    """Says where it is around the storing of what comes in, and around the telling of cases."""

    steps: Steps

    def place(self, inbound_id: int) -> Placed | None:
        self.steps.come_to("before placing")
        placed = super().place(inbound_id)
        self.steps.come_to("placed, not told")
        return placed

    def told(self, inbound_ids: Sequence[int]) -> None:
        self.steps.come_to("told, not noted")
        super().told(inbound_ids)

    def store(self, arrivals: Sequence[Arrival]) -> list[int | None]:
        with self.steps.through("before storing", "inside the storing", "stored, not answered"):
            return super().store(arrivals)


class TrappedNetwork:
    """A network whose answer is held back while a trap waits for the request to be in flight."""

    def __init__(self, network: Network, steps: Steps, sandbox: str, channel: str) -> None:
        self._network = network
        self._steps = steps
        self._sandbox = sandbox
        self._channel = channel
        self.honours_key = network.honours_key

    def post(self, reply: OutgoingReply) -> PostedReply:
        trap = self._steps.waits_at("request in flight")
        if trap is None:
            return self._network.post(reply)
        with Hands(self._sandbox) as hands:
            hands.fault("square", "hold", count=1, match=f"/{self._channel}/replies")
            killing = threading.Thread(target=self._when_held, args=(trap,), daemon=True)
            killing.start()
            try:
                return self._network.post(reply)
            finally:
                killing.join(10)
                hands.release()
                hands.clear_faults()

    def _when_held(self, trap: object) -> None:
        deadline = time.monotonic() + 5
        with Hands(self._sandbox) as hands:
            while time.monotonic() < deadline:
                if hands.faults()["held"]:
                    self._steps.spring(trap)  # type: ignore[arg-type]
                    return
                time.sleep(0.01)  # a poll of the sandbox, bounded above

    def find(self, reply: OutgoingReply) -> PostedReply | Absent:
        return self._network.find(reply)


def main(process: str) -> None:
    """Set the traps' steps into the process, and run it."""
    steps = Steps(process)
    settings = Settings()
    TrappedLedger.steps = TrappedInbox.steps = TrappedRecords.steps = TrappedCauses.steps = steps
    _into_the_store(steps)
    _into_the_networks(steps, settings)
    _into_the_gateway(steps)
    if process == "api":
        from api.__main__ import main as serve

        serve()
    else:
        sys.argv[1:] = ["dispatch"] if process == "dispatcher" else []
        worker.main()


def _into_the_store(steps: Steps) -> None:
    opened = Store.open

    def open_store(url: str, **how: object) -> Store:
        store = opened(url, **how)  # type: ignore[arg-type]
        event.listen(store.engine, "commit", _committing(steps))
        inbox = store.inbox
        inbox.__class__ = TrappedInbox
        causes = store.causes
        causes.__class__ = TrappedCauses
        return replace(
            store, ledger=TrappedLedger(store.engine, store.vault), inbox=inbox, records=TrappedRecords(store.engine), causes=causes
        )

    Store.open = staticmethod(open_store)  # type: ignore[method-assign]


def _committing(steps: Steps) -> Callable[[Connection], None]:
    def committing(_connection: Connection) -> None:
        for step in steps.under_way():
            steps.come_to(step)

    return committing


def _into_the_networks(steps: Steps, settings: Settings) -> None:
    connected = connect.networks

    def networks(*what: object, **how: object) -> Mapping[str, Network]:
        reached = connected(*what, **how)  # type: ignore[arg-type]
        sandbox = str(settings.sandbox_url)
        return {name: TrappedNetwork(network, steps, sandbox, name) for name, network in reached.items()}

    vars(worker)["networks"] = networks  # it has imported the name
    wired = worker.wire
    worker.wire = lambda settings, store, **_: wired(settings, store, patience=PATIENCE)


def _into_the_gateway(steps: Steps) -> None:
    commanded = CaseGateway.command

    async def command(self: CaseGateway, case_id: str, command: Command, *, wait: timedelta = timedelta(seconds=10)) -> Answer:
        steps.come_to("before the command")
        answer = await commanded(self, case_id, command, wait=wait)
        steps.come_to("command carried out, not answered")
        return answer

    CaseGateway.command = command  # type: ignore[method-assign]


if __name__ == "__main__":
    main(sys.argv[1])
