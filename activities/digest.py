"""Sending weekly digests: each reader's once a week, and before the first the question whether the address is theirs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.housekeeping import trouble
from activities.mail import once_by_mail
from activities.messages import Messages
from activities.places import Admins
from activities.retrying import again
from domain.digest import Digest, StalledCases, Way, digest, owed, week_before
from domain.digest_letter import Letter, confirming, html_of, plain, subject
from domain.digest_sending import DigestAddresses, DirectMessages, LetterPost, Reader, Readers
from domain.ports import Effect, Mark, NotSent, PolicyBook, Refused, Unavailable, Unclear
from domain.report import Wanted
from domain.sentences import Tellers
from domain.sums import Sums

log = logging.getLogger(__name__)
CHAIN = "@digest"
"""In the ledger, in the place of a case."""
_MEND = "Ask them to correct the address under Numbers, Weekly digest. `loopkeeper doctor` says whether mail and Slack are connected."
_MEANWHILE = "The figures are in the console meanwhile. This week's digest is not tried again by e-mail; by Slack it is until the next."


@dataclass(frozen=True)
class DigestSender:
    """The activity. `now`: the loop's time; `base_url`: how people reach the console; `tellers`: who tells it in each reader's language."""

    readers: Readers
    sums: Sums
    stalled: StalledCases
    book: PolicyBook
    post: LetterPost
    direct: DirectMessages
    messages: Messages
    addresses: DigestAddresses
    tellers: Tellers
    admins: Admins
    base_url: str
    now: Callable[[], datetime]

    @activity.defn(name="send_digests")
    def send(self, _about: str) -> int:
        """Send what is owed by now; how many. Safe to repeat. What one reader's fails by does not keep the others from theirs."""
        try:
            return sum(self._served(reader) for reader in self.readers.all())
        except Unavailable as error:
            raise again(str(error)) from None

    def _served(self, reader: Reader) -> bool:
        try:
            return self._send(reader) if reader.confirmed else self._ask(reader)
        except (ApplicationError, NotSent) as error:  # tried again at the next round
            log.info("a digest waits: %s", error)
            return False

    def _send(self, reader: Reader) -> bool:
        monday = owed(reader.choice, reader.since, self.now())
        if monday is None or (reader.last_week is not None and monday <= reader.last_week):
            return False
        if reader.rights is None or not reader.rights.may_read_numbers():
            return False
        wanted = self._wanted(reader, monday)
        if wanted is None:
            return False
        key = f"digest:{reader.id}:{monday}"
        made = digest(self.sums, self.stalled, wanted, self.book.active(), self.base_url)
        sent = (
            self._by_mail(reader, self._letter(reader, key, made)) if reader.choice.way is Way.MAIL else self._by_slack(reader, key, made)
        )
        if sent or reader.choice.way is Way.MAIL:  # a mail that was refused is not tried again; Slack can be mended
            self.readers.sent(reader.id, monday)
        return sent

    @staticmethod
    def _wanted(reader: Reader, monday: date) -> Wanted | None:
        """Which cases the reader may be told of; None when they chose a department that is not theirs any more."""
        assert reader.rights is not None
        first, last = week_before(monday)
        only, department = reader.rights.only(), reader.choice.department
        if only is not None and department is not None and department not in only:
            return None
        return Wanted(first, last, department=department, only=only)

    def _letter(self, reader: Reader, key: str, made: Digest) -> Letter:
        stop, teller = self.addresses.stop(reader.id), self.tellers.of(reader.language)
        return Letter(key, reader.choice.address, subject(made, teller), plain(made, stop, teller), html_of(made, stop, teller), stop)

    def _ask(self, reader: Reader) -> bool:
        key, link = f"digest:{reader.id}:ask:{reader.asked}", self.addresses.confirm(reader.id, reader.asked)
        if reader.choice.way is Way.MAIL:
            return self._by_mail(reader, confirming(key, reader.choice.address, link, self.tellers.of(reader.language)), asking=True)
        return self._by_slack(reader, key, link)

    def _by_mail(self, reader: Reader, letter: Letter, *, asking: bool = False) -> bool:
        effect, send = Effect(letter.key, CHAIN, "mail-sendgrid", "digest"), _unnamed(letter.to, lambda: self.post.letter(letter))
        outcome = once_by_mail(self.messages.ledger, effect, send)
        if outcome.sent:
            self.admins.well(_notice(reader))
        elif not asking or reader.rights is not None:
            self._not_delivered(reader, outcome.reason)
        return outcome.sent and not asking

    def _by_slack(self, reader: Reader, key: str, said: Digest | str) -> bool:
        mark, teller, address = Mark(key, 1), self.tellers.of(reader.language), reader.choice.address
        send = (
            (lambda: self.direct.ask(address, said, mark, teller))
            if isinstance(said, str)
            else (lambda: self.direct.digest(address, said, mark, teller))
        )
        try:
            self.messages.once(Effect(key, CHAIN, "desk-slack", "digest"), mark, address, None, _unnamed(address, send))
        except Refused as error:
            self._not_delivered(reader, error.reason)
            return False
        self.admins.well(_notice(reader))
        return not isinstance(said, str)

    def _not_delivered(self, reader: Reader, reason: str) -> None:
        """Tell an admin, once."""
        about = f"The weekly digest for {reader.name} cannot be delivered: {reason}."
        trouble(self.admins, self.book, _notice(reader), about, _MEND, _MEANWHILE)


def _unnamed(address: str, send: Callable[[], str]) -> Callable[[], str]:
    """`send`, so that no reason repeats the address, as services do when they refuse it: reasons are kept, logged and told to admins."""

    def sent() -> str:
        try:
            return send()
        except (NotSent, Refused, Unclear) as error:
            error.reason = error.reason.replace(address, "…")
            error.args = (error.reason,)
            raise

    return sent


def _notice(reader: Reader) -> str:
    return f"digest:{reader.id}"
