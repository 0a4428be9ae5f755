"""One case as a page that a person reads and prints: what was said in public, the clocks, and every step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from domain import events as e
from domain.casefile import CaseFile
from domain.exporting import Scope
from domain.history import Link, first_fault
from domain.kept_clocks import Became, KeptClock, kept_clocks
from domain.policy import CasePolicy
from domain.ports import PolicyBook
from domain.replying import spoken
from domain.story import story
from domain.values import is_web_address

_environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
_environment.filters["moment"] = lambda at: f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
_environment.tests["web_address"] = is_web_address
_page = _environment.from_string((Path(__file__).parent / "case.html").read_text("utf-8"))
_BECAME = {Became.RUNNING: "still running", Became.PAUSED: "stands still", Became.OVER: "not owed any more"}


@dataclass(frozen=True, slots=True)
class Said:
    """Something that everybody could read: whose, when, and where it is."""

    who: str
    at: datetime
    text: str
    note: str = ""
    urls: tuple[str, ...] = ()
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """An event as it is told. `quote`: somebody's exact words."""

    seq: int
    at: datetime
    text: str
    by: str
    kind: str
    cause: str
    quote: str | None = None


@dataclass(frozen=True, slots=True)
class ShownClock:
    """A run of a clock."""

    name: str
    started: datetime
    due: datetime | None
    met: str
    late: bool


def write_case(file: CaseFile, chain: list[Link], book: PolicyBook, scope: Scope, made: datetime) -> str:
    """The page, as HTML. Nothing in it is loaded from elsewhere. `book`: has the versions of the policy that the case was held to."""
    fault = first_fault(chain)

    def policy_of(version: str) -> CasePolicy:
        return book.policy(version).for_case(file.case.brand, file.case.channel)

    return _page.render(
        file=file,
        facts=list(_facts(file)),
        conversation=list(conversation(file)),
        clocks=[_shown(clock) for clock in kept_clocks(file.case_id, file.history, policy_of)],
        steps=list(_steps(file)),
        scope=scope,
        made=made,
        sealed=scope.unsealed == 0,
        chain="The chain of its events holds." if fault is None else f"The chain of its events does not hold: {fault}.",
        last_hash=chain[-1].hash.hex(),
    )


def _facts(file: CaseFile) -> Iterator[tuple[str, str]]:
    case = file.case
    yield "Customer", file.customer
    yield "Network", f"{file.network}, to {file.policy.brand(case.brand).name}"
    yield "Status", spoken(case.status)
    yield "Category, priority", f"{case.category}, {case.priority}"
    yield "Department", file.department_name(case.department)
    yield "Owner", file.name_of(case.owner)
    yield "Held to", f"policy {case.policy}"
    if case.closing_permalink:
        yield "Closed with", case.closing_permalink
    if case.waived_by:
        yield "Closed without a thank-you by", file.name_of(case.waived_by)


def conversation(file: CaseFile) -> Iterator[Said]:
    """What everybody could read, in its order."""
    for _, entry in file.history:
        event = entry.event
        match event:
            case e.Opened() | e.CustomerWrote() | e.PostEdited() if not file.is_private(event.words):
                who = file.customer if getattr(event, "by_customer", True) else "Somebody else in the thread"
                where = file.url_of(event.words)
                note = "changed" if isinstance(event, e.PostEdited) else ""
                at = getattr(event, "posted_at", None) or event.at
                yield Said(who, at, file.text_of(event.words), note, (where,) if where else ())
            case e.PostDeleted():
                yield Said(file.customer, event.at, "", "deleted the post")
            case e.ReplyPosted() if not file.is_private(event.words):
                who = file.policy.brand(file.case.brand).name
                yield Said(who, event.at, file.text_of(event.words), spoken(event.purpose), tuple(p.url for p in event.parts), ours=True)


def _steps(file: CaseFile) -> Iterator[Step]:
    told = {line.seq: line for line in story(file, whole=True)}
    for seq, entry in file.history:
        line = told.get(seq)
        text = line.text if line is not None else spoken(entry.event.kind).capitalize()
        by = file.name_of(entry.by.person) if entry.by.person not in ("system", "customer") else entry.by.person
        through = "" if entry.by.via.value == entry.by.person else f", {entry.by.role} through {entry.by.via}"
        yield Step(seq, entry.event.at, text, f"{by}{through}", entry.event.kind, entry.cause, line.quote if line is not None else None)


def _shown(clock: KeptClock) -> ShownClock:
    met = clock.met_at
    late = clock.breached_at is not None
    told = _BECAME.get(clock.became) or (f"{met.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if met else "")
    return ShownClock(spoken(clock.clock), clock.started_at, clock.due_at, f"{told}{', late' if late else ''}", late)
