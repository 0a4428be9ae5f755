"""Putting a case on record before Temporal has heard of it, by the same rules as everything after."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

from adapters.postgres.records import append, history, set_view
from domain import commands as c
from domain.case import Case
from domain.decide import decide
from domain.events import CustomerWrote
from domain.evolve import evolve, fold
from domain.history import done_by, entered
from domain.policy import Policy
from domain.ports import PolicyBook, Written
from domain.values import brand_of
from domain.view import view

_OPEN = text(
    "insert into cases (case_id, brand, channel, first_post, subject_id, words, policy_id, earlier_case, opened_at, intent, category, "
    "priority, department) values (:case, :brand, :channel, :post, :subject, :words, :policy, :earlier, :opened_at, :intent, :category, "
    ":priority, :department) on conflict (case_id) do nothing"
)


def open_case(
    connection: Connection, case_id: str, channel: str, subject: str, message: c.PostArrived, policy: Policy, now: datetime
) -> Case:
    """Open the case of a first post on record, as the rules have it; the case then. Raises UnknownBrand, UnknownChannel."""
    brand, triage = brand_of(case_id), message.triage
    slice_ = policy.for_case(brand, channel)
    values = {
        "case": case_id,
        "brand": brand,
        "channel": channel,
        "post": message.post,
        "subject": subject,
        "words": message.words,
        "policy": policy.id,
        "earlier": message.earlier_case,
        "opened_at": now,
        "intent": triage.intent.value,
        "category": triage.category,
        "priority": triage.priority.value,
        "department": triage.department,
    }
    connection.execute(_OPEN, values)
    case = Case(case_id)
    decided = decide(case, message, slice_, now)
    assert not isinstance(decided, c.Refusal), "a happening is not refused"
    written = []
    for event in decided:
        case = evolve(case, event)
        written.append(Written.of(entered(event, case.events, done_by(event, message), message.id, policy.id)))
    events = append(connection, case_id, written)
    set_view(connection, case_id, view(case, slice_), events)
    return fold(case_id, [entry.event for _, entry in history(connection, case_id)]) if events != case.events else case


def come_back(connection: Connection, case_id: str, message: c.MergeFailed, book: PolicyBook, now: datetime) -> tuple[Case, Policy]:
    """Put on record that a case goes on which no case took in, and how it is then; told again, how it is."""
    case = fold(case_id, [entry.event for _, entry in history(connection, case_id)])
    policy = book.policy(case.policy)
    slice_ = policy.for_case(case.brand, case.channel)
    decided = decide(case, message, slice_, now)
    assert not isinstance(decided, c.Refusal), "a happening is not refused"
    written = []
    for event in decided:
        case = evolve(case, event)
        written.append(Written.of(entered(event, case.events, done_by(event, message), message.id, policy.id)))
    if written:
        set_view(connection, case_id, view(case, slice_), append(connection, case_id, written))
    return case, policy


def record_late(connection: Connection, case_id: str, message: c.PostArrived, policy_id: str, now: datetime) -> None:
    """Put on record what the customer wrote to a case that is over: nothing follows from it any more."""
    seq, _ = history(connection, case_id)[-1]
    triage = message.triage
    wrote = CustomerWrote(now, message.post, triage.intent, message.by_customer, message.words, message.posted_at, message.private)
    append(connection, case_id, [Written.of(entered(wrote, seq + 1, message.by, message.id, policy_id))])
