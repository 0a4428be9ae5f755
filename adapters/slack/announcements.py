"""What the social team's channel hears of a text to many customers that waits for a second person: whose, to how many, why, and where."""

from __future__ import annotations

from adapters.slack import rich
from adapters.slack.rich import Block
from domain.approving import why_held
from domain.sharing import WaitingAnnouncement

_WHAT = {"update": "update", "resolve": "resolution"}


def _told(one: WaitingAnnouncement) -> str:
    whom = "one customer" if one.customers == 1 else f"{one.customers} customers"
    return f"{one.author}'s {_WHAT[one.what]} to {whom} of the shared cause C{one.cause} waits for a second person: {why_held(one.why)}."


def waiting(one: WaitingAnnouncement, group: str | None, link: str) -> list[Block]:
    """The message. What would be sent stands on the page alone, for each customer in their own words. `group`: the id to mention."""
    who = [rich.group(group), rich.text(" ")] if group else []
    told = rich.section(*who, rich.text(rich.beginning(_told(one), 1500), bold=True))
    hint = rich.context("Whoever wrote it cannot approve it. Until somebody decides, the system keeps what the customers were promised.")
    return [rich.rich(told, rich.section(rich.link(link, "Read what each of them would read, and decide"))), hint]


def waiting_text(one: WaitingAnnouncement) -> str:
    """In one line, for notifications."""
    return rich.plain(_told(one), 300)
