"""Everybody's inbox, and what SendGrid tells of each mail's fate."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import ClassVar

from sandbox.answers import ProblemError, dumps
from sandbox.courier import Attempt, Courier, Outcome, Parcel, Sender
from sandbox.faults import Party
from sandbox.mail.schema import Address, Envelope, Letter
from sandbox.signing import EventWebhookKey
from sandbox.things import Store, Thing

_SENDER = "sendgrid/events"
_WAITS = (5.0, 30.0, 120.0, 600.0)
_GIVEN_UP_AFTER = 24 * 3600.0
"""SendGrid repeats for 24 hours, at growing intervals."""


def _wait_after(attempt: int, _outcome: Outcome) -> float | None:
    wait = _WAITS[min(attempt, len(_WAITS)) - 1]
    return wait if attempt * wait < _GIVEN_UP_AFTER else None


class Mail(Thing):
    """A mail in one person's inbox."""

    noun: ClassVar[str] = "mail"

    id: str
    message_id: str
    """SendGrid's X-Message-Id; the same for every recipient of one request."""
    sender: str
    sender_name: str | None
    reply_to: str | None
    to: str
    """In whose inbox it is."""
    to_name: str | None
    recipients: list[str]
    """To whom it was addressed besides (to and cc)."""
    subject: str
    text: str | None
    html: str | None
    headers: dict[str, str]
    custom_args: dict[str, str]
    categories: list[str]
    sent_at: datetime
    opened_at: datetime | None = None
    bounced_at: datetime | None = None

    @property
    def key(self) -> str:
        """Its id."""
        return self.id


class Mailbox:
    """All inboxes."""

    def __init__(self, store: Store, courier: Courier, webhook_key: EventWebhookKey | None, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._courier = courier
        self._tells = webhook_key is not None
        self._now = now
        self._mails: dict[str, Mail] = {mail.id: mail for mail in store.stored(Mail)}
        if webhook_key is not None:
            courier.employ(Sender(_SENDER, Party.WEBHOOKS, partial(_sign, webhook_key), _wait_after, timeout=10.0))

    def deliver(self, letter: Letter) -> str:
        """Put a letter in every recipient's inbox. Answers the X-Message-Id."""
        message_id = secrets.token_urlsafe(16)
        for envelope in letter.envelopes:
            for address in (*envelope.to, *envelope.cc, *envelope.bcc):
                self._deliver(letter, envelope, address, message_id)
        return message_id

    def _deliver(self, letter: Letter, envelope: Envelope, address: Address, message_id: str) -> None:
        mail = Mail(
            id=f"mail-{secrets.token_hex(8)}",
            message_id=message_id,
            sender=letter.sender.email,
            sender_name=letter.sender.name,
            reply_to=letter.reply_to.email if letter.reply_to else None,
            to=address.email,
            to_name=address.name,
            recipients=[one.email for one in (*envelope.to, *envelope.cc)],
            subject=envelope.subject,
            text=letter.text,
            html=letter.html,
            headers=envelope.headers,
            custom_args=envelope.custom_args,
            categories=letter.categories,
            sent_at=self._moment(),
        )
        self._keep(mail)
        self._tell(mail, {"event": "processed"}, {"event": "delivered", "response": "250 OK"})

    def mail(self, mail_id: str) -> Mail:
        """The mail with this id. Raises ProblemError 404."""
        try:
            return self._mails[mail_id]
        except KeyError:
            raise ProblemError(404, "No such mail", f"There is no mail {mail_id}.") from None

    def open(self, mail_id: str) -> Mail:
        """The person opens it. Only the first time is told."""
        mail = self.mail(mail_id)
        if mail.opened_at is not None:
            return mail
        mail = self._keep(mail.changed(opened_at=self._moment()))
        self._tell(mail, {"event": "open", "useragent": "Mozilla/5.0", "ip": "127.0.0.1", "sg_machine_open": False})
        return mail

    def bounce(self, mail_id: str) -> Mail:
        """It comes back: there is no such inbox after all."""
        mail = self.mail(mail_id)
        if mail.bounced_at is not None:
            return mail
        mail = self._keep(mail.changed(bounced_at=self._moment()))
        reason = "550 5.1.1 The email account that you tried to reach does not exist"
        self._tell(
            mail, {"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": reason, "bounce_classification": "Invalid Address"}
        )
        return mail

    def _keep(self, mail: Mail) -> Mail:
        self._mails[mail.id] = mail
        self._store.put(mail)
        return mail

    def _tell(self, mail: Mail, *events: dict[str, object]) -> None:
        """Send events in one batch, each with the custom arguments beside its own fields, as SendGrid does."""
        if not self._tells:
            return
        common: dict[str, object] = {
            **mail.custom_args,
            "email": mail.to,
            "timestamp": int(self._now()),
            "smtp-id": f"<{mail.message_id}@geopod-ismtpd-1>",
            "sg_message_id": f"{mail.message_id}.recvd-{mail.id}",
        }
        if mail.categories:
            common["category"] = mail.categories
        batch = [{**common, **event, "sg_event_id": secrets.token_urlsafe(16)} for event in events]
        self._courier.post(
            Parcel(
                id=f"sg_{secrets.token_hex(8)}",
                sender=_SENDER,
                lane=mail.id,
                what=f"mail {'+'.join(str(event['event']) for event in events)}",
                about=mail.to,
                path="/webhooks/sendgrid",
                content_type="application/json",
                body=dumps(batch),
            )
        )

    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC)


def _sign(key: EventWebhookKey, parcel: Parcel, _attempt: Attempt, now: float) -> dict[str, str]:
    return key.headers(now, parcel.body)
