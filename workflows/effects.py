"""From a planned reply to the order for it, and from its outcome to the message that it is to the case."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from activities.orders import CallOutcome, PublishOutcome, ReplyOrder
from domain import commands as c
from domain.case import Call, Case, Reply
from domain.pace import Pace
from domain.values import Permalink, Purpose, effect_key


def reply_order(case: Case, reply: Reply, policy_id: str, pace: Pace) -> ReplyOrder:
    """What the publisher is to do."""
    return ReplyOrder(
        case_id=case.id,
        channel=case.channel,
        brand=case.brand,
        policy=policy_id,
        step=reply.step,
        purpose=reply.purpose,
        to_post=reply.to_post,
        department=case.department,
        planned_at=reply.planned_at,
        words=reply.words,
        template=reply.template,
        variant=reply.variant,
        promise=reply.promise,
        owner=case.owner,
        since=case.handoff.at if case.handoff is not None else case.opened_at,
        pace=pace,
        opens=reply.opens,
        thread=reply.thread,
        link=case.closing_permalink if reply.purpose is Purpose.ELSEWHERE else None,
    )


def published(case_id: str, reply: Reply, outcome: PublishOutcome, now: datetime) -> c.Outcome | c.TimePassed:
    """An outcome of publishing, as the message that it is to the case."""
    key = effect_key(case_id, reply.step, 1)
    match outcome.kind:
        case "posted":
            parts = tuple(Permalink(remote_id, url) for remote_id, url in outcome.parts)
            return c.Posted(key, reply.step, reply.purpose, outcome.posted_at or now, parts, outcome.words, reply.promise)
        case "failed":
            return c.PostFailed(key, reply.step, outcome.reason, outcome.words)
        case "expired":
            return c.PostExpired(key, reply.step)
        case "unconfirmed":
            return c.PostUnconfirmed(key, reply.step, outcome.reason, outcome.words)
        case "by_hand":
            return c.PostUnconfirmed(key, reply.step, outcome.reason, outcome.words, by_hand=True)
        case "withdrawn":
            return c.TimePassed(key)


def called(case_id: str, call: Call, outcome: CallOutcome, via: Literal["slack", "email"]) -> c.Called | c.CallFailed | c.TimePassed:
    """An outcome of a call, as the message that it is to the case."""
    key = effect_key(case_id, call.step if via == "slack" or call.mail_step is None else call.mail_step, 1)
    if outcome.called_off:
        return c.TimePassed(key)
    if outcome.refused is not None:
        return c.CallFailed(key, call.step, via, outcome.refused)
    return c.Called(key, call.step, via, outcome.person)
