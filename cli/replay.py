"""Play real threads through a whole installation, and look at what became of each: from outside on the square, and in the histories."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import yaml
from sqlalchemy import Row, TextClause, text
from sqlalchemy.exc import OperationalError

from adapters.postgres.store import Store
from cli.players import Company
from cli.threads import BrandsOwn, Script, Thread, brands_own
from domain import events as e
from domain.durations import parse_duration, write_duration
from domain.history import read
from domain.ports import Unavailable
from domain.triage import Sorter
from domain.values import Intent, Purpose
from sandbox.hands import Change, Hands
from settings import HERE

Json = dict[str, Any]
T = TypeVar("T")


def policy_for(threads: Iterable[Thread], *, speed: float, pace: float) -> str:
    """The default policy with the threads' brands, for an installation whose time runs at `pace`.

    The loop's times run at `speed`. Some of them measure the machine, or people who press buttons, and neither runs faster when the
    loop does: what is owed for an acknowledgement, an acceptance and a thank-you, 5 minutes for Slack to take a handoff, and 5 to speak
    ahead of a promise stay what they are in real time.
    """
    policy: Json = yaml.safe_load((HERE / "policies" / "default.yaml").read_text())
    for section, name in (
        (policy, "handoff_by_mail_after"),
        (policy, "speak_before"),
        (policy["clocks"], "thank_you"),
        *((policy["clocks"]["accept"], priority) for priority in policy["clocks"]["accept"]),
        *((c, "acknowledge") for c in policy["channels"].values()),
    ):
        section[name] = _stretched(section[name], speed)
    if pace != speed:
        policy = {key: value if key == "triage" else _scaled(value, pace / speed) for key, value in policy.items()}
    policy["name"] = f"replay-{speed:g}x"
    for brand in sorted({thread.brand for thread in threads} - set(policy["brands"])):
        policy["brands"][brand] = {"name": _spelled(brand), "team": f"{_spelled(brand)} team", "zone": "UTC"}
    return yaml.safe_dump(policy, allow_unicode=True, sort_keys=False)


def _scaled(content: Any, factor: float) -> Any:
    """Every duration in a policy times `factor`."""
    match content:
        case dict():
            return {key: _scaled(value, factor) for key, value in content.items()}
        case list():
            return [_scaled(value, factor) for value in content]
        case _:
            return _stretched(content, factor)


def _stretched(value: Any, factor: float) -> Any:
    try:
        measured = parse_duration(value) if isinstance(value, str) else None
    except ValueError:
        return value
    if measured is None:
        return value
    assert isinstance(measured, timedelta)
    return write_duration(measured * factor)


def _spelled(handle: str) -> str:
    """A handle as a name: "Uber_Support" → "Uber Support"."""
    return handle.replace("_", " ").strip()[:60] or handle


@dataclass
class Report:
    """What became of the threads. Times are real seconds."""

    threads: int
    malformed: list[str] = field(default_factory=list)
    """Rows of the file that could not be used, each with the reason."""
    cases: int = 0
    """Cases that the threads opened; without the `linked`."""
    linked: int = 0
    """Cases that a customer's later post opened, when the watch over the first one had ended."""
    acknowledged: int = 0
    ack_seconds: list[float] = field(default_factory=list)
    closed: int = 0
    posts: int = 0
    lost: list[str] = field(default_factory=list)
    """Customers' posts that were not answered, not taken in, or are on no record."""
    replies: int = 0
    twice: list[str] = field(default_factory=list)
    thanks: int = 0
    thanks_answered: int = 0
    unconfirmed: int = 0
    unconfirmed_asked: int = 0
    broken_histories: list[str] = field(default_factory=list)
    still_open: list[str] = field(default_factory=list)
    took_seconds: float = 0.0
    rate: float = 0.0
    """Threads that were to begin in a second."""
    begun_per_second: float | None = None
    """Threads that really began in a second: the next customers wait while cases come to the desks late."""
    unfinished: str | None = None
    """Why the play was not over in time."""
    brands_own: BrandsOwn | None = None

    def percentile(self, share: float) -> float:
        """The acknowledgement time that `share` of the customers did not wait longer than."""
        waits = sorted(self.ack_seconds)
        return waits[min(len(waits) - 1, int(share * len(waits)))] if waits else float("nan")

    @property
    def faults(self) -> list[str]:
        """What is not as it should be, in sentences."""
        wrong = [self.unfinished] if self.unfinished is not None else []
        if self.cases != self.threads:
            wrong.append(f"{self.threads} threads became {self.cases} cases")
        if self.acknowledged != self.threads:
            wrong.append(f"{self.threads - self.acknowledged} customers were not acknowledged")
        if self.lost:
            wrong.append(f"{len(self.lost)} posts of customers were lost, the first: {self.lost[0]}")
        if self.twice:
            wrong.append(f"{len(self.twice)} replies were posted twice, the first: {self.twice[0]}")
        if self.thanks_answered != self.thanks:
            wrong.append(f"{self.thanks - self.thanks_answered} thanks were not answered")
        if self.unconfirmed_asked != self.unconfirmed:
            wrong.append(f"{self.unconfirmed - self.unconfirmed_asked} unconfirmed replies were not asked about in Slack")
        if self.broken_histories:
            wrong.append(f"{len(self.broken_histories)} histories are broken, the first: {self.broken_histories[0]}")
        if self.still_open:
            wrong.append(f"{len(self.still_open)} loops are open, the first: {self.still_open[0]}")
        return wrong

    def lines(self) -> list[tuple[str, str]]:
        """What to show: what, and how much of it."""
        every = self.cases + self.linked
        linked = f", and {self.linked} linked ones that later posts opened" if self.linked else ""
        waits = f"p50 {self.percentile(0.5):.2f} s, p99 {self.percentile(0.99):.2f} s, the slowest {max(self.ack_seconds, default=0):.2f} s"
        kept = self.begun_per_second
        begun = "" if kept is None else f"; {kept:.1f} a second began, of {self.rate:g} asked for"
        shown = [
            ("threads played", f"{self.threads} in {self.took_seconds:.0f} s{begun}"),
            ("cases", f"{self.cases}{linked}"),
            ("acknowledged", f"{self.acknowledged} of {self.threads}, {waits}"),
            ("loops closed", f"{self.closed} of {every}"),
            ("customers' posts", f"{self.posts}, lost {len(self.lost)}"),
            ("our replies", f"{self.replies}, posted twice {len(self.twice)}"),
            ("thanks", f"{self.thanks}, answered {self.thanks_answered}"),
            ("histories", f"{every - len(self.broken_histories)} of {every} verified"),
        ]
        if self.unconfirmed:
            shown.append(("unconfirmed", f"{self.unconfirmed}, asked about in Slack {self.unconfirmed_asked}"))
        if self.malformed:
            shown.append(("rows not usable", f"{len(self.malformed)}, the first: {self.malformed[0]}"))
        if self.brands_own is not None:
            own = self.brands_own
            then = (
                f"first answer after {own.median_first_response_minutes:.1f} min (median), {own.within_15_minutes:.0%} within 15 min, "
                f"{own.within_60_minutes:.0%} within 60 min; {own.thanks_answered} of {own.thanks} thanks answered"
            )
            shown.append(("the brands then", then))
        return shown

    def figures(self) -> Json:
        """The report as data."""
        every = self.cases + self.linked
        return {
            "cases": self.cases,
            "linked_cases": self.linked,
            "acknowledged": self.acknowledged,
            "ack_seconds": {"p50": self.percentile(0.5), "p99": self.percentile(0.99), "max": max(self.ack_seconds, default=None)},
            "closed": self.closed,
            "still_open": len(self.still_open),
            "thanks_seen": self.thanks,
            "thanks_answered": self.thanks_answered,
            "public_replies": self.replies,
            "duplicate_replies": len(self.twice),
            "posts": self.posts,
            "lost_posts": len(self.lost),
            "unconfirmed": self.unconfirmed,
            "unconfirmed_asked": self.unconfirmed_asked,
            "history_verified": every - len(self.broken_histories),
            "seconds": round(self.took_seconds, 1),
            "cases_per_second": round(every / self.took_seconds, 2) if self.took_seconds else None,
            "rate": self.rate,
            "begun_per_second": round(self.begun_per_second, 2) if self.begun_per_second is not None else None,
            "malformed_rows": self.malformed,
            "faults": self.faults,
            "brands_own": asdict(self.brands_own) if self.brands_own is not None else None,
        }


@dataclass
class Play:
    """What is to be played, where, and how. `run` tells its posts from those of an earlier play in the same world."""

    script: Script
    sandbox: str
    store: Store
    speed: float
    rate: float
    at_most_seconds: float
    run: str = ""
    tell: Callable[[str], None] = lambda _: None
    progress: Callable[[int], None] = lambda _: None


def replay(play: Play) -> Report:
    """Play the threads to their end and look at everything."""
    started = time.monotonic()
    company = Company(play.sandbox, speed=play.speed, tell=play.tell, run=play.run)
    unfinished = None
    try:
        company.play(play.script.threads, rate=play.rate, at_most_seconds=play.at_most_seconds, progress=play.progress)
    except TimeoutError as error:
        unfinished = str(error)
    seen = _Seen({post for played in company.played for post in played.posted.values()})
    _settle(play.store, seen, at_most_seconds=30.0)
    triage = Sorter(_patiently(play.store.book.active).triage)
    report = Report(
        threads=len(play.script.threads),
        malformed=play.script.malformed,
        took_seconds=time.monotonic() - started,
        unfinished=unfinished,
        rate=play.rate,
        begun_per_second=company.begun_per_second,
        brands_own=brands_own(play.script.threads, lambda words: triage.sort(words, first=False).intent is Intent.THANKS),
    )
    with Hands(play.sandbox) as hands:
        state = hands.state()
    ours = _look_at_the_square(report, company, seen, state)
    _look_at_the_desk(report, play.store, seen, state)
    report.twice = said_twice(ours, _look_at_the_histories(report, play.store, seen))
    return report


@dataclass(frozen=True)
class _Seen:
    """What belongs to this play: the system may have had a life before."""

    posts: set[str]

    def case(self, case_id: str) -> bool:
        """Whether a case was opened by one of our posts."""
        return case_id.split("-", 2)[2] in self.posts


def _settle(store: Store, seen: _Seen, *, at_most_seconds: float) -> None:
    """Wait until nothing is on its way any more: everything placed, every reply settled, every open loop closed."""
    waiting = text("select event_key from inbound where state in ('waiting', 'routed')")
    pending = text(
        "select case_id from effect where state in ('claimed', 'unsent', 'unclear') and purpose <> 'story' "
        "union all select case_id from cases where closed_at is null and ended is null"
    )
    deadline = time.monotonic() + at_most_seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OperationalError), store.engine.connect() as connection:  # it may be just starting again
            taking_in = connection.execute(waiting).first() is not None
            if not taking_in and not any(seen.case(one) for one in connection.execute(pending).scalars()):
                return
        time.sleep(0.25)  # a poll of the database, bounded above


def _rows(store: Store, what: TextClause) -> Sequence[Row[Any]]:
    def read_all() -> Sequence[Row[Any]]:
        with store.engine.connect() as connection:
            return connection.execute(what).all()

    return _patiently(read_all)


def _patiently(look: Callable[[], T]) -> T:
    """Look at the database, which may be just starting again."""
    deadline = time.monotonic() + 30.0
    while True:
        try:
            return look()
        except (OperationalError, Unavailable):
            if time.monotonic() > deadline:
                raise
        time.sleep(0.25)  # a poll, bounded above


def _look_at_the_square(report: Report, company: Company, seen: _Seen, state: list[Change]) -> list[Json]:
    """What anyone can see: every customer answered, every post taken in. Our replies, in which nothing is to be said twice."""
    posts = sorted((c.object for c in state if c.kind == "post"), key=lambda p: str(p["posted_at"]))
    theirs = {p["id"]: p for p in posts if p["id"] in seen.posts}
    ours: dict[str, Json] = {}
    first: dict[str, float] = {}
    for post in posts:
        parent = str(post["in_reply_to"])
        if post["author"].get("is_brand") and (parent in theirs or parent in ours):
            ours[post["id"]] = post
            first.setdefault(parent, _seconds(post["posted_at"]))
    report.posts, report.replies = len(theirs), len(ours)
    for played in company.played:
        root = played.posted.get(played.thread.root.id, "")
        if root in first:
            report.acknowledged += 1
            report.ack_seconds.append(max(0.0, first[root] - _seconds(theirs[root]["posted_at"])))
        else:
            report.lost.append(f"{played.thread.root.id} was never answered")
        report.lost += [f"{line.id} was never posted" for line in played.lines if not line.by_brand]
    for change in state:
        if change.kind == "delivery" and change.object["about"] in theirs and change.object["state"] != "delivered":
            report.lost.append(f"{change.object['about']} was not taken in ({change.object['state']})")
    return list(ours.values())


def said_twice(ours: Iterable[Json], on_record: Collection[str]) -> list[str]:
    """Replies that stand there twice: under one key, or in the same words to the same post.

    Where clocks run in seconds and moments are told in minutes, two holding messages have the same words ("… by 14:00 today"). These were
    meant to be said twice when each is on record, by its id, as a reply of its own.
    """
    keys, alike = Counter[str](), dict[tuple[str, str], list[str]]()
    for reply in ours:
        keys[str(reply["idempotency_key"])] += 1
        alike.setdefault((str(reply["in_reply_to"]), reply["text"]), []).append(reply["id"])
    twice = [f"{where}: {what}" for (where, what), ids in alike.items() if len(ids) > 1 and not set(ids) <= set(on_record)]
    return twice + [f"key: {key}" for key, count in keys.items() if count > 1]


def _look_at_the_desk(report: Report, store: Store, seen: _Seen, state: list[Change]) -> None:
    """What cannot be decided must have been asked about."""
    keys = set()
    for change in state:
        if change.kind == "message":
            payload = (change.object.get("metadata") or {}).get("event_payload") or {}
            keys.add(str(payload.get("key", "")))
    unconfirmed = text("select case_id from effect where state = 'unconfirmed' and party like 'publish-%'")
    cases = [row.case_id for row in _rows(store, unconfirmed) if seen.case(row.case_id)]
    report.unconfirmed = len(cases)
    report.unconfirmed_asked = sum(any(key.startswith(f"{case}:social:") for key in keys) for case in cases)


def _look_at_the_histories(report: Report, store: Store, seen: _Seen) -> set[str]:
    """What an auditor sees: whole chains, every post on record, every thank-you answered, every loop closed with its permalink.

    The ids of the replies that are on record, each once.
    """
    rows = _rows(store, text("select case_id, closed_at, ended, earlier_case from cases order by number"))
    docs = _rows(store, text("select case_id, doc from case_event order by case_id, seq"))
    cases = [row for row in rows if seen.case(row.case_id)]
    report.linked = sum(case.earlier_case is not None for case in cases)
    report.cases = len(cases) - report.linked
    histories: dict[str, list[e.Event]] = {}
    for row in docs:
        if seen.case(row.case_id):
            histories.setdefault(row.case_id, []).append(read(row.doc).event)
    on_record, replies = set[str](), set[str]()
    for case in cases:
        history = histories.get(case.case_id, [])
        fault = _patiently(partial(store.records.verify, case.case_id))
        if fault is not None or not history:
            report.broken_histories.append(fault or f"case {case.case_id}: no history")
        on_record |= {h.post for h in history if isinstance(h, e.Opened | e.CustomerWrote)}
        replies |= {part.remote_id for h in history if isinstance(h, e.ReplyPosted) for part in h.parts}
        thanks, answers = _thanks(history)
        report.thanks += thanks
        report.thanks_answered += min(thanks, answers)
        report.closed += any(isinstance(h, e.Closed) and h.permalink is not None for h in history)
        if case.closed_at is None and case.ended is None:
            report.still_open.append(case.case_id)
    report.lost += [f"{post} is on no record" for post in sorted(seen.posts - on_record)]
    return replies


def _thanks(history: list[e.Event]) -> tuple[int, int]:
    """How often the customer said thanks, and how often that was answered."""
    thanks = [h for h in history if isinstance(h, e.CustomerWrote) and h.intent is Intent.THANKS and h.by_customer]
    answers = [h for h in history if isinstance(h, e.ReplyPosted) and h.purpose is Purpose.WELCOME]
    return len(thanks), len(answers)


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def find_threads() -> Path | None:
    """The public data set, where people keep it: beside the project, or in it."""
    for place in (Path("data/twcs_threads.csv"), Path("../shared/data/twcs_threads.csv")):
        if (HERE / place).exists():
            return (HERE / place).resolve()
    return None
