"""Putting a reply on its network once, and only once: claim, look if it may be there already, send, settle."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from temporalio import activity

from activities.orders import PublishOutcome, ReplyOrder
from activities.retrying import again
from domain.errors import NoWording, TooLong, WordsErased
from domain.events import ReplyPosted
from domain.history import Entry
from domain.ports import (
    Absent,
    Claim,
    Composed,
    Composing,
    Content,
    Effect,
    Ledger,
    NeedsPerson,
    Network,
    NotSent,
    OutgoingReply,
    PostedReply,
    Refused,
    Standing,
    Thread,
    Unclear,
    WhatToSay,
)
from domain.values import PRIVATE_PURPOSES, SYSTEM, effect_key

_EXPIRED = "its promise was over before it could be sent"
_BY_HAND = "by hand: "


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an effect is held, and how long we go on looking for one whose fate is unclear.

    HTTP timeout < `lease` < the activity's start-to-close. `settling`: how long a network may take to show what it has accepted.
    """

    lease: timedelta = timedelta(seconds=30)
    look_every: timedelta = timedelta(seconds=3)
    settling: timedelta = timedelta(seconds=20)
    give_up: timedelta = timedelta(minutes=2)


@dataclass(frozen=True)
class Publisher:
    """Posts replies."""

    ledger: Ledger
    composing: Composing
    networks: Mapping[str, Network]
    patience: Patience = Patience()

    @activity.defn(name="publish")
    def publish(self, order: ReplyOrder) -> PublishOutcome:
        """Post every part of the reply. Raises a retryable error while it is surely not posted or its fate is not yet clear."""
        network = self.networks.get(order.channel)
        if network is None:
            return PublishOutcome("failed", reason=f"the channel '{order.channel}' is not connected; add it to LOOPKEEPER_CHANNELS")
        done: list[PostedReply] = []
        content: Content | None = None
        parent = order.to_post
        number = 1
        while content is None or number <= len(content.parts):
            part = _Part(self, network, order, number, parent, done, content)
            outcome = part.deliver()
            if isinstance(outcome, PublishOutcome):
                return outcome
            posted, content = outcome
            done.append(posted)
            if order.purpose not in PRIVATE_PURPOSES:  # a private part goes to the customer too, and not to ourselves
                parent = posted.where.remote_id
            number += 1
        return PublishOutcome(
            "posted",
            tuple((d.where.remote_id, d.where.url) for d in done),
            content.words,
            _posted_at(order, done),
        )

    def doubt(self, order: ReplyOrder) -> None:
        """Have it looked for on the network before it is sent, because the record may have forgotten that it was (a restored backup)."""
        effect = _effect(order, 1)
        with suppress(TooLong, WordsErased):  # which it is told when it is to be sent
            claim = self.ledger.claim(effect, self.patience.lease, partial(_composed, self.composing, order))
            if claim.standing in (Standing.NEW, Standing.UNSENT):
                self.ledger.release(effect.key, claim.attempt, maybe_sent=True, reason="the record may have forgotten it")


class _Part:
    """One part of a reply on its way."""

    def __init__(
        self,
        publisher: Publisher,
        network: Network,
        order: ReplyOrder,
        number: int,
        parent: str,
        done: list[PostedReply],
        content: Content | None,
    ) -> None:
        self._ledger = publisher.ledger
        self._composing = publisher.composing
        self._patience = publisher.patience
        self._network = network
        self._order = order
        self._number = number
        self._parent = parent
        self._done = done
        self._content = content
        self._effect = _effect(order, number)

    def deliver(self) -> tuple[PostedReply, Content] | PublishOutcome:
        """Post this part, or find that it is posted; or why neither will happen."""
        try:
            claim = self._ledger.claim(
                self._effect, self._patience.lease, self._content or partial(_composed, self._composing, self._order)
            )
        except (TooLong, WordsErased, NoWording) as error:
            return PublishOutcome("failed", reason=str(error))
        match claim.standing:
            case Standing.WITHDRAWN:
                return PublishOutcome("withdrawn")
            case Standing.FAILED:
                return (
                    PublishOutcome("expired")
                    if claim.reason == _EXPIRED
                    else PublishOutcome("failed", reason=claim.reason or "", words=_content(claim).words)
                )
            case Standing.UNCONFIRMED if (claim.reason or "").startswith(_BY_HAND):
                return PublishOutcome("by_hand", reason=(claim.reason or "").removeprefix(_BY_HAND), words=_content(claim).words)
            case Standing.UNCONFIRMED:
                return PublishOutcome("unconfirmed", reason=claim.reason or "", words=_content(claim).words)
            case Standing.HELD:
                raise again("another attempt is still at it", claim.held_for or self._patience.look_every)
            case Standing.DONE:
                assert claim.done is not None, "a settled reply has its permalink"
                return claim.done, _content(claim)
            case Standing.UNCLEAR:
                found = self._look(claim)
                if isinstance(found, PublishOutcome):
                    return found
                if found is not None:
                    return self._settle(claim, found)
        return self._send(claim)

    def _look(self, claim: Claim) -> PostedReply | PublishOutcome | None:
        """What became of an earlier attempt: the reply; None when it surely is not there, so that it may be sent; else what to tell."""
        unclear_for = claim.unclear_for or timedelta(0)
        try:
            found = self._network.find(self._outgoing(claim))
        except (NotSent, Refused) as error:
            found = Absent(surely=False)
            reason = f"looking it up failed: {error.reason}"
        else:
            reason = "the network did not show all of our replies"
        if isinstance(found, PostedReply):
            return found
        # A network that knows our keys takes a repeat for what it is; another may still be busy with the first request.
        if found.surely and (self._network.honours_key or unclear_for >= self._patience.settling):
            return None
        if unclear_for < self._patience.give_up:
            self._ledger.release(self._effect.key, claim.attempt, maybe_sent=True, reason=reason)
            raise again(f"not clear yet whether it was posted ({reason})", self._patience.look_every)
        if self._network.honours_key:
            return None  # the network itself decides it, for as long as it takes; nobody needs to be asked
        self._ledger.give_up(self._effect.key, claim.attempt, unconfirmed=True, reason=reason)
        return PublishOutcome("unconfirmed", reason=reason, words=_content(claim).words)

    def _send(self, claim: Claim) -> tuple[PostedReply, Content] | PublishOutcome:
        if self._expired() and claim.standing is not Standing.UNCLEAR:
            self._ledger.give_up(self._effect.key, claim.attempt, unconfirmed=False, reason=_EXPIRED)
            return PublishOutcome("expired")
        try:
            posted = self._network.post(self._outgoing(claim))
        except NotSent as error:
            self._ledger.release(self._effect.key, claim.attempt, maybe_sent=False, reason=error.reason)
            raise again(error.reason, error.retry_after) from None
        except Refused as error:
            self._ledger.give_up(self._effect.key, claim.attempt, unconfirmed=False, reason=error.reason)
            return PublishOutcome("failed", reason=error.reason, words=_content(claim).words)
        except NeedsPerson as error:
            self._ledger.give_up(self._effect.key, claim.attempt, unconfirmed=True, reason=_BY_HAND + error.how)
            return PublishOutcome("by_hand", reason=error.how, words=_content(claim).words)
        except Unclear as error:
            self._ledger.release(self._effect.key, claim.attempt, maybe_sent=True, reason=error.reason)
            raise again(f"not clear whether it was posted: {error.reason}", self._patience.look_every / 3) from None
        return self._settle(claim, posted)

    def _expired(self) -> bool:
        """Whether the words were not sent in time: by now they would promise a word for a moment that is over or nearly so."""
        order = self._order
        if self._number > 1 or order.template is None or order.promise is None:
            return False
        return order.pace.loop_time(datetime.now(UTC)) >= order.promise

    def _settle(self, claim: Claim, posted: PostedReply) -> tuple[PostedReply, Content]:
        content = _content(claim)
        last = self._number == len(content.parts)
        entry = self._entry(content, [*self._done, posted]) if last else None
        thread = Thread(self._order.channel, self._parent)
        if not self._ledger.settle(self._effect, claim.attempt, posted, entry, thread):
            raise again("another attempt took over while this one was under way", timedelta(seconds=1))
        return posted, content

    def _entry(self, content: Content, done: list[PostedReply]) -> Entry:
        """The history entry of the posting, recorded with its settlement; the workflow's own copy of it has the same key."""
        order = self._order
        event = ReplyPosted(
            at=_posted_at(order, done),
            step=order.step,
            purpose=order.purpose,
            parts=tuple(d.where for d in done),
            words=content.words,
            promise=order.promise,
        )
        return Entry(f"posted:{order.step}", event, SYSTEM, effect_key(order.case_id, order.step, 1), order.policy)

    def _outgoing(self, claim: Claim) -> OutgoingReply:
        words = _content(claim).parts[self._number - 1]
        private = self._order.purpose in PRIVATE_PURPOSES
        return OutgoingReply(self._effect.key, self._order.brand, self._parent, words, private, claim.others)


def _effect(order: ReplyOrder, number: int) -> Effect:
    withdrawn_by = f"withdrawn:{order.step}" if number == 1 else None  # a thread that has begun is finished
    key = effect_key(order.case_id, order.step, number)
    return Effect(key, order.case_id, f"publish-{order.channel}", order.purpose.value, withdrawn_by)


def _composed(composing: Composing, order: ReplyOrder) -> Composed:
    return composing.compose(
        WhatToSay(
            case_id=order.case_id,
            policy=order.policy,
            words=order.words,
            template=order.template,
            variant=order.variant,
            department=order.department,
            now=order.pace.loop_time(datetime.now(UTC)),
            owner=order.owner,
            since=order.since,
            until=order.promise,
            opens=order.opens,
            private=order.purpose in PRIVATE_PURPOSES,
            thread=order.thread,
            link=order.link,
        )
    )


def _posted_at(order: ReplyOrder, done: list[PostedReply]) -> datetime:
    """When the reply was posted, by the loop's time. A network whose clock is behind ours has not posted before we decided to."""
    return max(order.planned_at, order.pace.loop_time(done[0].posted_at))


def _content(claim: Claim) -> Content:
    assert claim.content is not None, "the ledger freezes a reply's content with its first claim"
    return claim.content
