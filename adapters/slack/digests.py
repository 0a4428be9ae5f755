"""The weekly digest as a direct message."""

from __future__ import annotations

from adapters.slack import rich
from adapters.slack.desk import SlackDesk
from adapters.slack.rich import Block, Element
from domain.digest import Choice, Digest
from domain.digest_letter import CHANGE_IT, CONFIRM, NOT_YOU, NOTHING_RISES, asking, compared, stalled_said, subject, week
from domain.figures_told import told
from domain.policy import Person
from domain.ports import Mark, Message

_LONGEST_LINE = 200


def digest(made: Digest) -> list[Block]:
    """The message. What stands in it that others wrote is literal text."""
    parts: list[Element] = []
    for one in made.figures:
        value = rich.text(f"  {told(one.value, one.unit)}", bold=True)
        parts.append(rich.section(rich.link(made.links[one.key], one.title), value, rich.text(f"  ({compared(one)})")))
    rising = [rich.section(rich.link(one.url, rich.beginning(one.text, _LONGEST_LINE))) for one in made.rising]
    stalled = [rich.section(rich.link(one.url, rich.beginning(one.text, _LONGEST_LINE))) for one in made.stalled]
    return [
        rich.header(f"{made.about}, {week(made.first, made.last)}"),
        rich.rich(*parts),
        rich.rich(rich.section(rich.text("Rising", bold=True)), *(rising or [rich.section(rich.text(NOTHING_RISES))])),
        rich.rich(rich.section(rich.text("Stalled", bold=True)), rich.section(rich.text(stalled_said(made))), *stalled),
        rich.rich(
            rich.section(
                rich.link(made.numbers, "All the numbers"),
                rich.text(" · "),
                rich.link(made.board, "Stalled on the board"),
                rich.text(" · "),
                rich.link(made.choose, f"{CHANGE_IT}, or stop it"),
            )
        ),
    ]


def digest_text(made: Digest) -> str:
    """For the notification."""
    return rich.plain(subject(made))


def question(link: str) -> list[Block]:
    """Whether the digest is to come here."""
    return [
        rich.rich(
            rich.section(rich.text(asking(link))),
            rich.section(rich.link(link, "Yes, send it to me")),
            rich.section(rich.text(NOT_YOU)),
        )
    ]


class SlackReaders:
    """See `domain.digest_sending.DirectMessages`."""

    def __init__(self, desk: SlackDesk) -> None:
        self._desk = desk

    def open(self, choice: Choice) -> str:
        """See `domain.digest_sending.DirectMessages.open`."""
        if choice.is_slack_id:
            return self._desk.open_direct(Person(name="a reader", slack=choice.address))
        return self._desk.open_direct(Person(name="a reader", email=choice.address))

    def find(self, place: str, thread: str | None, key: str) -> Message | None:
        """See `domain.digest_sending.DirectMessages.find`."""
        return self._desk.find(place, thread, key)

    def digest(self, place: str, made: Digest, mark: Mark) -> str:
        """See `domain.digest_sending.DirectMessages.digest`."""
        return self._desk.post(place, None, digest(made), digest_text(made), mark)

    def ask(self, place: str, link: str, mark: Mark) -> str:
        """See `domain.digest_sending.DirectMessages.ask`."""
        return self._desk.post(place, None, question(link), rich.plain(CONFIRM), mark)
