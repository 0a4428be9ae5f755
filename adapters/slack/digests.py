"""The weekly digest as a direct message."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.slack import rich
from adapters.slack.desk import SlackDesk
from adapters.slack.rich import Block, Element
from domain.digest import Digest, Linked, is_slack_id
from domain.digest_letter import (
    ALL_NUMBERS,
    CONFIRM,
    NOT_YOU,
    NOTHING_RISES,
    RISING,
    STALLED,
    asking,
    compared,
    heading,
    stalled_said,
    subject,
)
from domain.figures_told import told
from domain.policy import Person
from domain.ports import Mark, Message
from domain.sentences import Teller, say

_LONGEST_LINE = 200


def digest(made: Digest, teller: Teller) -> list[Block]:
    """The message. What stands in it that others wrote is literal text."""
    tell = teller.tell

    def listed(lines: Sequence[Linked]) -> list[Element]:
        return [rich.section(rich.link(one.url, rich.beginning(tell(one.text), _LONGEST_LINE))) for one in lines]

    parts: list[Element] = []
    for one in made.figures:
        value = rich.text(f"  {tell(told(one.value, one.unit))}", bold=True)
        parts.append(rich.section(rich.link(made.links[one.key], tell(one.title)), value, rich.text(f"  ({tell(compared(one))})")))
    return [
        rich.header(tell(heading(made))),
        rich.rich(*parts),
        rich.rich(
            rich.section(rich.text(tell(RISING), bold=True)), *(listed(made.rising) or [rich.section(rich.text(tell(NOTHING_RISES)))])
        ),
        rich.rich(
            rich.section(rich.text(tell(STALLED), bold=True)), rich.section(rich.text(tell(stalled_said(made)))), *listed(made.stalled)
        ),
        rich.rich(
            rich.section(
                rich.link(made.numbers, tell(ALL_NUMBERS)),
                rich.text(" · "),
                rich.link(made.board, tell(say("Stalled on the board"))),
                rich.text(" · "),
                rich.link(made.choose, tell(say("Choose another day or another way, or stop it"))),
            )
        ),
    ]


def digest_text(made: Digest, teller: Teller) -> str:
    """For the notification."""
    return rich.plain(subject(made, teller))


def question(link: str, teller: Teller) -> list[Block]:
    """Whether the digest is to come here."""
    return [
        rich.rich(
            rich.section(rich.text(teller.tell(asking(link)))),
            rich.section(rich.link(link, teller.tell(say("Yes, send it to me")))),
            rich.section(rich.text(teller.tell(NOT_YOU))),
        )
    ]


class SlackReaders:
    """See `domain.digest_sending.DirectMessages`."""

    def __init__(self, desk: SlackDesk) -> None:
        self._desk = desk

    def find(self, place: str, thread: str | None, key: str) -> Message | None:
        """See `domain.digest_sending.DirectMessages.find`."""
        return self._desk.find(self._open(place), thread, key)

    def digest(self, address: str, made: Digest, mark: Mark, teller: Teller) -> str:
        """See `domain.digest_sending.DirectMessages.digest`."""
        return self._desk.post(self._open(address), None, digest(made, teller), digest_text(made, teller), mark)

    def ask(self, address: str, link: str, mark: Mark, teller: Teller) -> str:
        """See `domain.digest_sending.DirectMessages.ask`."""
        return self._desk.post(self._open(address), None, question(link, teller), rich.plain(teller.tell(CONFIRM)), mark)

    def _open(self, address: str) -> str:
        """The conversation with the reader."""
        by_id = is_slack_id(address)
        return self._desk.open_direct(Person(name="a reader", slack=address if by_id else None, email=None if by_id else address))
