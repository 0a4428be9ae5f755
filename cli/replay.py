"""Play real threads through a whole installation, and look at what became of each: from outside on the square, and in the histories."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import text

from adapters.postgres.store import Store
from cli.players import Company
from cli.threads import Thread
from domain import events as e
from domain.history import read
from domain.policy import parse_duration, write_duration
from domain.values import Intent, Purpose
from sandbox.hands import Hands
from settings import HERE

Json = dict[str, Any]


def policy_for(threads: Iterable[Thread], *, speed: float) -> str:
    """The default policy with the threads' brands.

    Three of its times measure the machine, which does not run faster when the loop's time does: they are stretched by the speed, so that
    15 minutes for an acknowledgement, 5 for Slack to take a handoff, and 5 to speak ahead of a promise stay what they are in real time.
    """
    policy: Json = yaml.safe_load((HERE / "policies" / "default.yaml").read_text())
    policy["name"] = f"replay-{speed:g}x"
    for brand in sorted({thread.brand for thread in threads} - set(policy["brands"])):
        policy["brands"][brand] = {"name": _spelled(brand), "team": f"{_spelled(brand)} team", "zone": "UTC"}
    for section, name in (
        (policy, "handoff_by_mail_after"),
        (policy, "speak_before"),
        *((c, "acknowledge") for c in policy["channels"].values()),
    ):
        measured = parse_duration(section[name])
        assert isinstance(measured, timedelta)
        section[name] = write_duration(measured * speed)
    return yaml.safe_dump(policy, allow_unicode=True, sort_keys=False)


def _spelled(handle: str) -> str:
    """A handle as a name: "Uber_Support" → "Uber Support"."""
    return handle.replace("_", " ").strip()[:60] or handle


@dataclass
class Report:
    """What became of the threads. Times are real seconds."""

    threads: int
    cases: int = 0
    linked: int = 0
    """Cases that a customer's later post opened, when the watch over the first one had ended."""
    acknowledged: int = 0
    ack_seconds: list[float] = field(default_factory=list)
    closed: int = 0
    posts: int = 0
    posts_on_record: int = 0
    replies: int = 0
    twice: list[str] = field(default_factory=list)
    thanks: int = 0
    thanks_answered: int = 0
    unconfirmed: int = 0
    unconfirmed_asked: int = 0
    broken_histories: list[str] = field(default_factory=list)
    still_open: list[str] = field(default_factory=list)
    took_seconds: float = 0.0

    def percentile(self, share: float) -> float:
        """The acknowledgement time that `share` of the customers did not wait longer than."""
        waits = sorted(self.ack_seconds)
        return waits[min(len(waits) - 1, int(share * len(waits)))] if waits else float("nan")

    @property
    def faults(self) -> list[str]:
        """What is not as it should be, in sentences."""
        wrong = []
        if self.cases - self.linked != self.threads:
            wrong.append(f"{self.threads} threads became {self.cases - self.linked} cases")
        if self.acknowledged != self.threads:
            wrong.append(f"{self.threads - self.acknowledged} customers were not acknowledged")
        if self.posts_on_record != self.posts:
            wrong.append(f"{self.posts - self.posts_on_record} posts of customers are on no record")
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
        shown = [
            ("threads played", f"{self.threads} in {self.took_seconds:.0f} s"),
            ("cases", f"{self.cases - self.linked}" + (f", and {self.linked} linked ones that later posts opened" if self.linked else "")),
            ("acknowledged", f"{self.acknowledged} of {self.threads}, p50 {self.percentile(0.5):.2f} s, p99 {self.percentile(0.99):.2f} s"),
            ("loops closed", f"{self.closed} of {self.cases}"),
            ("customers' posts", f"{self.posts}, on record {self.posts_on_record}"),
            ("our replies", f"{self.replies}, posted twice {len(self.twice)}"),
            ("thanks", f"{self.thanks}, answered {self.thanks_answered}"),
            ("histories", f"{self.cases - len(self.broken_histories)} of {self.cases} verified"),
        ]
        if self.unconfirmed:
            shown.append(("unconfirmed", f"{self.unconfirmed}, asked about in Slack {self.unconfirmed_asked}"))
        return shown


def replay(company: Company, threads: list[Thread], store: Store, sandbox: str, *, at_most_seconds: float) -> Report:
    """Play the threads to their end and look at everything. Raises TimeoutError."""
    started = time.monotonic()
    company.play(threads, at_most_seconds=at_most_seconds)
    _settle(store, at_most_seconds=30.0)
    report = Report(threads=len(threads), took_seconds=time.monotonic() - started)
    with Hands(sandbox) as hands:
        _look_at_the_square(report, company, hands)
        _look_at_the_desk(report, store, hands)
    _look_at_the_histories(report, store)
    return report


def _settle(store: Store, *, at_most_seconds: float) -> None:
    """Wait until nothing is on its way any more: everything placed, every reply settled, every open loop closed."""
    pending = text(
        "select (select count(*) from inbound where state in ('waiting', 'routed')) "
        "+ (select count(*) from effect where state in ('claimed', 'unsent', 'unclear') and purpose <> 'story') "
        "+ (select count(*) from cases where closed_at is null and ended is null)"
    )
    deadline = time.monotonic() + at_most_seconds
    while time.monotonic() < deadline:
        with store.engine.connect() as connection:
            if connection.execute(pending).scalar_one() == 0:
                return
        time.sleep(0.25)  # a poll of the database, bounded above


def _look_at_the_square(report: Report, company: Company, hands: Hands) -> None:
    """What anyone can see: every customer answered, nothing said twice."""
    posts = [change.object for change in hands.state() if change.kind == "post"]
    ours = [p for p in posts if p["author"].get("is_brand")]
    theirs = {p["id"]: p for p in posts if not p["author"].get("is_brand")}
    report.posts, report.replies = len(theirs), len(ours)
    first: dict[str, float] = {}
    for reply in ours:
        parent = str(reply["in_reply_to"])
        first[parent] = min(first.get(parent, float("inf")), _seconds(reply["posted_at"]))
    for played in company.played:
        root = played.posted.get(played.thread.root.id, "")
        if root in first:
            report.acknowledged += 1
            report.ack_seconds.append(first[root] - _seconds(theirs[root]["posted_at"]))
    said = Counter((str(r["in_reply_to"]), r["text"]) for r in ours) + Counter(("key", str(r["idempotency_key"])) for r in ours)
    report.twice = [f"{where}: {what}" for (where, what), count in said.items() if count > 1]


def _look_at_the_desk(report: Report, store: Store, hands: Hands) -> None:
    """What cannot be decided must have been asked about."""
    keys = set()
    for change in hands.state():
        if change.kind == "message":
            payload = (change.object.get("metadata") or {}).get("event_payload") or {}
            keys.add(str(payload.get("key", "")))
    with store.engine.connect() as connection:
        rows = connection.execute(text("select case_id from effect where state = 'unconfirmed' and party like 'publish-%'")).all()
    report.unconfirmed = len(rows)
    report.unconfirmed_asked = sum(any(key.startswith(f"{row.case_id}:social:") for key in keys) for row in rows)


def _look_at_the_histories(report: Report, store: Store) -> None:
    """What an auditor sees: whole chains, every post on record, every thank-you answered, every loop closed with its permalink."""
    with store.engine.connect() as connection:
        cases = connection.execute(text("select case_id, closed_at, ended, earlier_case from cases order by number")).all()
        docs = connection.execute(text("select case_id, doc from case_event order by case_id, seq")).all()
    report.cases = len(cases)
    report.linked = sum(case.earlier_case is not None for case in cases)
    histories: dict[str, list[e.Event]] = {}
    for row in docs:
        histories.setdefault(row.case_id, []).append(read(row.doc).event)
    for case in cases:
        history = histories.get(case.case_id, [])
        fault = store.records.verify(case.case_id)
        if fault is not None or not history:
            report.broken_histories.append(fault or f"case {case.case_id}: no history")
        report.posts_on_record += sum(isinstance(h, e.Opened | e.CustomerWrote) for h in history)
        thanks, answers = _thanks(history)
        report.thanks += thanks
        report.thanks_answered += min(thanks, answers)
        report.closed += any(isinstance(h, e.Closed) and h.permalink is not None for h in history)
        if case.closed_at is None and case.ended is None:
            report.still_open.append(case.case_id)


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
