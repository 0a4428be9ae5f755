"""Messages in Slack, each posted once: claimed, looked for when an earlier attempt may have posted it, sent, settled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from activities.retrying import again
from domain.ports import Effect, Finding, Ledger, Mark, Message, NotSent, PostedReply, Refused, Standing, Unclear
from domain.values import Permalink

LEASE = timedelta(seconds=30)
LOOK_EVERY = timedelta(seconds=3)


class CalledOff(Exception):
    """The message need not be sent any more."""


@dataclass(frozen=True)
class Messages:
    """Posts messages, once each."""

    desk: Finding
    ledger: Ledger

    def once(self, effect: Effect, mark: Mark, place: str, thread: str | None, send: Callable[[], str]) -> Message:
        """Post a message by `send`, which answers its ts. Raises CalledOff, Refused, and what is tried again."""
        claim = self.ledger.claim(effect, LEASE, None)
        if claim.standing is Standing.WITHDRAWN:
            raise CalledOff
        if claim.standing is Standing.DONE:
            assert claim.done is not None, "a settled message has its ts"
            ts, _, told = claim.done.where.remote_id.partition("/")
            return Message(ts, int(told or 0))  # a digest may have gone out by e-mail, which counts nothing
        if claim.standing is Standing.HELD:
            raise again("another attempt is still at it", claim.held_for or LOOK_EVERY)
        try:
            found = self.desk.find(place, thread, mark.key) if claim.standing is Standing.UNCLEAR else None
            message = found or Message(send(), mark.told)
        except (NotSent, Unclear) as error:
            self.ledger.release(mark.key, claim.attempt, maybe_sent=isinstance(error, Unclear), reason=error.reason)
            raise again(error.reason, error.retry_after if isinstance(error, NotSent) else LOOK_EVERY) from None
        except Refused as error:
            self.ledger.release(mark.key, claim.attempt, maybe_sent=False, reason=error.reason)  # mended in Slack, it is tried anew
            raise
        where = Permalink(f"{message.ts}/{message.told}", "")
        if not self.ledger.settle(effect, claim.attempt, PostedReply(where, datetime.now(UTC))):
            raise again("another attempt took over while this one was under way", timedelta(seconds=1))
        return message
