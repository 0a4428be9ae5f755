"""Parties that an installation is not connected to. They refuse, so that the loop takes the other way and a person is told."""

from __future__ import annotations

from collections.abc import Sequence

from domain.casefile import CaseFile
from domain.digest import Digest
from domain.digest_letter import Letter
from domain.events import Escalated
from domain.policy import Person, Policy
from domain.ports import Card, CaseMail, Mark, Message, Refused
from domain.sentences import Teller
from domain.sharing import WaitingAnnouncement
from domain.story import Line

_NO_SLACK = "Slack is not connected; set LOOPKEEPER_SLACK_BOT_TOKEN"
_NO_MAIL = "no mail service is connected; set LOOPKEEPER_SENDGRID_API_KEY"


class NoDesk:
    """See `domain.ports.Desk`."""

    def place(self, slack_channel: str) -> str:
        """Refuses."""
        raise Refused(f"{_NO_SLACK} (for {slack_channel})")

    def card_hash(self, file: CaseFile, department: str) -> bytes:
        """Refuses."""
        raise Refused(f"{_NO_SLACK} (for {department}, {file.title})")

    def post_card(self, place: str, file: CaseFile, department: str, mark: Mark) -> str:
        """Refuses."""
        raise Refused(f"{_NO_SLACK} (for {place}, {department}, {mark.key}, {file.title})")

    def update_card(self, card: Card, file: CaseFile) -> None:
        """Refuses."""
        raise Refused(f"{_NO_SLACK} (for {card.channel}, {file.title})")

    def tell(self, place: str, thread: str, file: CaseFile, lines: Sequence[Line], mark: Mark) -> str:
        """Refuses."""
        raise Refused(f"{_NO_SLACK} (for {place}, {thread}, {len(lines)} lines, {mark.key}, {file.title})")

    def call_social(self, place: str, file: CaseFile, line: Line, mark: Mark) -> str:
        """Refuses."""
        raise Refused(f"{_NO_SLACK} (for {place}, {line.text}, {mark.key}, {file.title})")

    def announcement_waits(self, place: str, told: WaitingAnnouncement, policy: Policy, link: str, mark: Mark) -> str:
        """Refuses."""
        raise Refused(f"{_NO_SLACK} (for {place}, {told.key}, {policy.id}, {link}, {mark.key})")

    def open_direct(self, person: Person) -> str:
        """Refuses."""
        raise Refused(f"{_NO_SLACK} (for {person.name})")

    def call(self, place: str, file: CaseFile, event: Escalated, draft: str | None, mark: Mark) -> str:
        """Refuses."""
        raise Refused(f"{_NO_SLACK} (for {place}, {event.to.value}, {mark.key}, {file.title}, {draft is not None})")

    def find(self, place: str, thread: str | None, key: str) -> Message | None:
        """Refuses."""
        raise Refused(f"{_NO_SLACK} (for {place}, {thread}, {key})")


class NoDirectMessages:
    """See `domain.digest_sending.DirectMessages`. What it says is kept, and so names nobody's address."""

    def find(self, place: str, thread: str | None, key: str) -> Message | None:
        """Refuses."""
        del place
        raise Refused(f"{_NO_SLACK} (for {thread}, {key})")

    def digest(self, address: str, made: Digest, mark: Mark, teller: Teller) -> str:
        """Refuses."""
        del address
        raise Refused(f"{_NO_SLACK} (for {made.about}, {mark.key}, {teller.tag})")

    def ask(self, address: str, link: str, mark: Mark, teller: Teller) -> str:
        """Refuses."""
        del address
        raise Refused(f"{_NO_SLACK} (for {len(link)} characters, {mark.key}, {teller.tag})")


class NoPost:
    """See `domain.ports.Post`."""

    def notify(self, to: str, subject: str, text: str) -> None:
        """Refuses."""
        raise Refused(f"{_NO_MAIL} (for {to}, {subject}, {len(text)} characters)")

    def send(self, mail: CaseMail) -> str:
        """Refuses."""
        raise Refused(f"{_NO_MAIL} (for {mail.key})")

    def letter(self, letter: Letter) -> str:
        """Refuses."""
        raise Refused(f"{_NO_MAIL} (for {letter.key})")
