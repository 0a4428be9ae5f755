"""Handing a case to a department, and calling people up the chain, by e-mail: when Slack does not take it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio import activity

from activities.orders import CallOrder, CallOutcome, MailOrder, MailOutcome
from activities.retrying import again
from domain.ports import CaseFiles, CaseMail, Effect, Ledger, NotSent, Post, PostedReply, Refused, Standing, Unclear
from domain.reaching import escalation, target
from domain.values import Permalink, effect_key

_LEASE = timedelta(seconds=30)
_ASK_EVERY = timedelta(seconds=10)
_WAIT_FOR_WORD = timedelta(minutes=2)
"""A mail service cannot be asked whether it took a mail; it tells us by its event webhook, and we wait so long for that."""


@dataclass(frozen=True)
class Mailer:
    """Sends handoffs by e-mail."""

    files: CaseFiles
    post: Post
    ledger: Ledger

    @activity.defn(name="hand_off_by_mail")
    def hand_off(self, order: MailOrder) -> MailOutcome:
        """Send it once. Unclear and never heard of again counts as not sent, and a person is asked; it is not sent twice."""
        file = self.files.file(order.case_id)
        address = file.policy.departments[order.department].email
        if address is None:
            return MailOutcome(sent=False, reason=f"the policy names no e-mail address for {file.department_name(order.department)}")
        key = effect_key(order.case_id, order.step, 1)
        effect = Effect(key, order.case_id, "mail-sendgrid", "handoff")
        mail = CaseMail(key, address, file, order.department)
        return once_by_mail(self.ledger, effect, lambda: self.post.send(mail))

    @activity.defn(name="call_by_mail")
    def call(self, order: CallOrder) -> CallOutcome:
        """Call somebody by e-mail, once, as with a handoff."""
        assert order.mail_step is not None, "a call by e-mail has a step of its own"
        file = self.files.file(order.case_id)
        meant = target(file.policy, order.to, order.department)
        if meant.email is None:
            return CallOutcome(refused=f"the policy names no e-mail address for {meant.name}")
        event = escalation(file, order.step)
        if event is None:
            return CallOutcome(called_off=True)
        key = effect_key(order.case_id, order.mail_step, 1)
        effect = Effect(key, order.case_id, "mail-sendgrid", "call", f"call:{order.step}")
        mail = CaseMail(key, meant.email, file, order.department, event)
        outcome = once_by_mail(self.ledger, effect, lambda: self.post.send(mail))
        return CallOutcome(person=meant.handle) if outcome.sent else CallOutcome(refused=outcome.reason)


def once_by_mail(ledger: Ledger, effect: Effect, send: Callable[[], str]) -> MailOutcome:
    """Have a mail sent once, by `send`, which answers the service's id of it. Raises what is tried again."""
    claim = ledger.claim(effect, _LEASE, None)
    match claim.standing:
        case Standing.DONE:
            return MailOutcome(sent=True)
        case Standing.WITHDRAWN:
            return MailOutcome(sent=False, reason="it was called off")
        case Standing.FAILED | Standing.UNCONFIRMED:
            return MailOutcome(sent=False, reason=claim.reason or "")
        case Standing.HELD:
            raise again("another attempt is still at it", claim.held_for or _ASK_EVERY)
        case Standing.UNCLEAR:
            if (claim.unclear_for or timedelta(0)) < _WAIT_FOR_WORD:
                ledger.release(effect.key, claim.attempt, maybe_sent=True, reason="waiting for the mail service to tell")
                raise again("waiting for the mail service to tell whether it took the mail", _ASK_EVERY)
            reason = "nobody can tell whether the mail was sent"
            ledger.give_up(effect.key, claim.attempt, unconfirmed=True, reason=reason)
            return MailOutcome(sent=False, reason=reason)
        case Standing.NEW | Standing.UNSENT:
            return _sent(ledger, effect, claim.attempt, send)


def _sent(ledger: Ledger, effect: Effect, attempt: int, send: Callable[[], str]) -> MailOutcome:
    try:
        message_id = send()
    except (NotSent, Unclear) as error:
        ledger.release(effect.key, attempt, maybe_sent=isinstance(error, Unclear), reason=error.reason)
        raise again(error.reason, error.retry_after if isinstance(error, NotSent) else _ASK_EVERY) from None
    except Refused as error:
        ledger.give_up(effect.key, attempt, unconfirmed=False, reason=error.reason)
        return MailOutcome(sent=False, reason=error.reason)
    if not ledger.settle(effect, attempt, PostedReply(Permalink(message_id, ""), datetime.now(UTC))):
        raise again("another attempt took over while this one was under way", timedelta(seconds=1))
    return MailOutcome(sent=True)
