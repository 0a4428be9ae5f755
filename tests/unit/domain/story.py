"""A case driven through the rules alone, in virtual time: what a test of the loop needs and no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain import commands as c
from domain import events as e
from domain.case import Case
from domain.clocks import due
from domain.decide import decide
from domain.escalation import Chains
from domain.evolve import evolve
from domain.files import read_policy
from domain.history import Entry, done_by, entered
from domain.policy import CasePolicy
from domain.values import Actor, Intent, Permalink, Priority, Role, Status, Triage, Via

START = datetime(2026, 3, 2, 10, 2, tzinfo=UTC)
DEFAULT = read_policy((Path(__file__).parents[3] / "policies" / "default.yaml").read_text(), "default.yaml")
SHIPPED: CasePolicy = DEFAULT.for_case("meridian", "x")
"""With its calendars, warnings and chains."""
POLICY: CasePolicy = CasePolicy.from_json(
    SHIPPED.model_copy(update={"warn_at": (), "chains": Chains(), "calendars": {}, "works": {}, "business": None, "quiet": {}}).to_json()
)
"""Around the clock, and nobody is warned or called: what is left is the loop itself."""
ANA = Actor("slack:UANA", Role.DEPARTMENT, Via.SLACK)
BEN = Actor("slack:UBEN", Role.DEPARTMENT, Via.SLACK)


@dataclass
class Story:
    """One case. `tell` gives it a message now; `wait` lets time pass, taking up every duty at its moment."""

    case: Case = field(default_factory=lambda: Case("meridian-x-1"))
    now: datetime = START
    policy: CasePolicy = POLICY
    history: list[e.Event] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    """The same events as the record would have them."""
    causes: list[str] = field(default_factory=list)
    """The message that brought each event of the history."""
    versions: dict[str, CasePolicy] = field(default_factory=dict)
    """The policies that the case can be moved to."""
    posts: bool = True
    """Whether the network posts what is planned, at once."""
    _count: int = 0

    def opened(self, intent: Intent = Intent.COMPLAINT, priority: Priority = Priority.NORMAL, department: str = "billing") -> Story:
        self.arrives(intent, priority, department)
        return self

    def accepted(self) -> Story:
        self.opened()
        self.tell(c.DeskTold(self._id(), 3, "billing"))
        self.tell(c.Accept(self._id(), ANA))
        return self

    def arrives(self, intent: Intent, priority: Priority = Priority.NORMAL, department: str = "billing") -> list[e.Event]:
        post = f"p{self._count}"
        triage = Triage(intent, department, priority, department)
        return self.done(c.PostArrived(self._id(), post, triage, self.now, words=f"w-{post}"))

    def tell(self, message: c.Message) -> list[e.Event] | c.Refusal:
        decided = decide(self.case, message, self.policy, self.now)
        if isinstance(decided, c.Refusal):
            return decided
        self._take(decided, message)
        if self.posts:
            self.network_posts()
        return decided

    def done(self, message: c.Message) -> list[e.Event]:
        decided = self.tell(message)
        assert not isinstance(decided, c.Refusal), decided
        return decided

    def network_posts(self) -> None:
        while (reply := self.case.planned()) is not None:
            parts = (Permalink(f"r{reply.step}", f"https://x.example/r{reply.step}"),)
            words = reply.words or f"w-r{reply.step}"
            posted = c.Posted(self._id(), reply.step, reply.purpose, self.now, parts, words, reply.promise)
            decided = decide(self.case, posted, self.policy, self.now)
            assert not isinstance(decided, c.Refusal)
            self._take(decided, posted)

    def wait(self, span: timedelta) -> list[e.Event]:
        """Let `span` pass; returns what happened in it."""
        end, before = self.now + span, len(self.history)
        for _ in self.duties(end):
            pass
        self.now = end
        return self.history[before:]

    def duties(self, end: datetime) -> Iterator[datetime]:
        """Take up each duty that is due by `end` at its moment; yields after each."""
        while (moment := due(self.case, self.policy)) is not None and moment <= end:
            self.now = max(self.now, moment)
            self.tell(c.TimePassed())
            yield self.now

    def status(self) -> Status:
        return self.case.status

    def kinds(self) -> list[str]:
        return [ev.kind for ev in self.history]

    def of(self, kind: type[e.Event]) -> list[e.Event]:
        return [ev for ev in self.history if isinstance(ev, kind)]

    def _take(self, events: list[e.Event], message: c.Message) -> None:
        for event in events:
            self.case = evolve(self.case, event)
            self.history.append(event)
            self.entries.append(entered(event, self.case.events, done_by(event, message), message.id, self.policy.id))
            self.causes.append(message.id)
        self.policy = self.versions.get(self.case.policy, self.policy)

    def _id(self) -> str:
        self._count += 1
        return f"m{self._count}"
