"""A text to the customers of a shared cause that waits for a second person, in Slack: the message of the social team's channel, with
whose it is, to how many, why and where; and the modals in which somebody reads what each of them would read, and decides.

No word of the text stands in the channel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.slack import rich
from adapters.slack.cards import SIGN
from adapters.slack.rich import Block, Element
from adapters.slack.views import View, ask_for, modal, text_input
from domain.approving import DRAFTS, why_held
from domain.sharing import WaitingAnnouncement

READ, REJECT = "announcement_read", "announcement_reject"
"""Buttons; the value of each names the cause and the announcement, with `|` between."""
CONFIRMED, REJECTED = "announcement_confirmed", "announcement_rejected"
"""Callback ids."""
REASON = "reason"
"""Block id of the input."""
CUSTOMERS_AT_MOST, CHARACTERS_AT_MOST = 40, 10_000
"""What a modal shows. Nobody approves here what they cannot read whole."""
_HELD_AT_MOST = 8


@dataclass(frozen=True, slots=True)
class Told:
    """What one case would say to its customer, in its parts; or why it holds it back. `length`: on that network, in words."""

    title: str
    customer: str
    network: str
    parts: Sequence[str] = ()
    length: str = ""
    held: str | None = None


def waiting(one: WaitingAnnouncement, group: str | None, link: str) -> list[Block]:
    """The message. What would be sent is read in the modal and on the page, for each customer in their own words.

    `group`: the id to mention.
    """
    who = [rich.group(group), rich.text(" ")] if group else []
    told = rich.section(*who, rich.text(rich.beginning(f"{_what(one)} waits for a second person: {why_held(one.why)}.", 1500), bold=True))
    value = f"{one.cause}|{one.number}"
    buttons = [rich.button(READ, "Read and approve…", value, style="primary"), rich.button(REJECT, "Reject…", value)]
    hint = rich.context("Whoever wrote it cannot approve it. Until somebody decides, the system keeps what the customers were promised.")
    page = rich.section(rich.link(link, "Its page in the console"))
    return [rich.rich(told, page), rich.actions(buttons, f"announcement:{one.number}"), hint]


def waiting_text(one: WaitingAnnouncement) -> str:
    """In one line, for notifications."""
    return rich.plain(f"{_what(one)} waits for a second person: {why_held(one.why)}.", 300)


def settled(one: WaitingAnnouncement, link: str, *, sent: bool, by: str, reason: str | None) -> list[Block]:
    """In the place of the message, once somebody has decided."""
    parts: list[Element] = []
    if sent:
        told = f"{SIGN['public']} {by} approved {_what(one)}. It goes out case by case, two a second."
    elif by == one.author:
        told = f"{SIGN['internal']} {by} took it back: {_what(one)} is not sent."
    else:
        told = f"{SIGN['internal']} {by} did not approve {_what(one)}."
    parts.append(rich.section(rich.text(told)))
    if reason is not None:
        parts.append(rich.quote(reason))
    return [rich.rich(*parts, rich.section(rich.link(link, "Its page in the console")))]


def settled_text(one: WaitingAnnouncement) -> str:
    """In one line, for notifications."""
    return rich.plain(f"{_what(one)}: decided", 300)


def confirm_all(one: WaitingAnnouncement, told: Sequence[Told], root_cause: str | None, metadata: Mapping[str, Any]) -> View | None:
    """Exactly what each customer would read; None when it is too much to be shown whole. `root_cause`: in words, when it resolves."""
    said, held = [each for each in told if each.held is None], [each for each in told if each.held is not None]
    if len(said) > CUSTOMERS_AT_MOST or sum(len(part) for each in said for part in each.parts) > CHARACTERS_AT_MOST:
        return None
    why = rich.beginning(f"{_what(one)} waits because of this: {why_held(one.why)}.", 1500)
    head = [rich.section(rich.text(why, bold=True))]
    if root_cause is not None:
        head.append(rich.section(rich.text(f"It resolves these cases. Root cause: {root_cause}")))
    blocks = [rich.rich(*head)]
    for each in said:
        where = rich.section(rich.text(f"{each.title} · {each.customer} on {each.network}", bold=True))
        blocks += [rich.rich(where, *map(rich.exactly, each.parts)), rich.context(each.length)]
    if held:
        lines = [rich.section(rich.text(f"{_cases(len(held))} held back, and the customer hears nothing:", bold=True))]
        lines += [rich.section(rich.text(rich.beginning(f"{each.title}: {each.held}", 400))) for each in held[:_HELD_AT_MOST]]
        if len(held) > _HELD_AT_MOST:
            lines.append(rich.section(rich.text(f"and {len(held) - _HELD_AT_MOST} more, which its page in the console shows")))
        blocks.append(rich.rich(*lines))
    submit = f"Post to {_customers(len(said))}" if said else None
    return modal(CONFIRMED, "Approve for all", submit, "Back", metadata, blocks)


def reject_all(one: WaitingAnnouncement, body: str, metadata: Mapping[str, Any]) -> View:
    """Say why it does not go out."""
    hint = f"{one.author} reads this here and on its page. No customer does."
    shown = rich.rich(rich.section(rich.text("This will not go out:")), rich.quote(body))
    blocks = [shown, ask_for(REASON, "Why not?", text_input(focus=True, at_most=1000), hint=hint)]
    return modal(REJECTED, "Reject for all", "Reject it", "Back", metadata, blocks)


def _what(one: WaitingAnnouncement) -> str:
    return f"{one.author}'s {DRAFTS[one.what]} to {_customers(one.customers)} of the shared cause C{one.cause}"


def _customers(number: int) -> str:
    return "one customer" if number == 1 else f"{number} customers"


def _cases(number: int) -> str:
    return "One case is" if number == 1 else f"{number} cases are"
