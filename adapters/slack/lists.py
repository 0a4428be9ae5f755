"""Lists of cases: for `/case mine` and `/case find`, and on the Home tab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.slack import rich
from adapters.slack.cards import OPEN, PRIORITY
from adapters.slack.rich import Block, Element
from domain.story import OWED
from domain.values import ClockName, Priority


@dataclass(frozen=True, slots=True)
class Listed:
    """A case in a list. `words`: what the customer wrote first, as it may be shown."""

    case_id: str
    number: int
    priority: str
    department: str
    customer: str
    words: str
    owner: str | None
    due_at: datetime | None
    due_clock: str | None
    breached: bool
    stalled: bool


@dataclass(frozen=True, slots=True)
class Page:
    """The first cases of a list, and the numbers of those that come after them. `at_least`: there may be still more."""

    cases: Sequence[Listed]
    others: Sequence[int] = ()
    at_least: bool = False

    @property
    def total(self) -> str:
        """How many there are, in figures."""
        return f"{len(self.cases) + len(self.others):,}" + ("+" if self.at_least else "")


NUMBERS_AT_MOST = 50
"""Numbers of cases in one sentence."""


def lines(cases: Sequence[Listed], empty: str) -> list[Block]:
    """Two blocks a case: who, what and by when; and a button that shows it."""
    if not cases:
        return [rich.rich(rich.section(rich.text(empty, italic=True)))]
    blocks: list[Block] = []
    for case in cases:
        blocks.append(rich.rich(_line(case)))
        blocks.append(rich.actions([rich.button(OPEN, f"Show #{case.number}", case.case_id)]))
    return blocks


def mine(page: Page) -> list[Block]:
    """What somebody has, the most urgently due first; of what does not fit at least the numbers."""
    blocks = lines(page.cases, "You have no open case.")
    if not page.others:
        return blocks
    named = [f"#{number}" for number in page.others[:NUMBERS_AT_MOST]]
    left = len(page.others) - len(named)
    last = ("many" if page.at_least else f"{left:,}") + " more" if left else named.pop()
    then = f"{', '.join(named)} and {last}" if named else last
    told = f"You have {page.total} open cases. These {len(page.cases)} are due first; after them {then}."
    show = f" /case {page.others[0]} shows one."
    return [rich.rich(rich.section(rich.text(told, bold=True), rich.text(show))), *blocks]


def found(page: Page, words: str) -> list[Block]:
    """The cases in which these words stand, the newest first."""
    blocks = lines(page.cases, f"None of the cases that you may see has “{words}” in it, each word whole.")
    if not page.others:
        return blocks
    told = f"{page.total} cases have “{words}” in them. These {len(page.cases)} are the newest; with another word there are fewer."
    return [rich.rich(rich.section(rich.text(told, bold=True))), *blocks]


def _line(case: Listed) -> Element:
    sign = "🛑 Stalled · " if case.stalled else "⚠️ Late · " if case.breached else ""
    elements: list[Element] = [
        rich.text(f"{sign}#{case.number} · {PRIORITY[Priority(case.priority)]} · {case.department}", bold=True),
        rich.text(f" · {case.owner or 'nobody has it yet'}\n{case.customer}: {rich.beginning(' '.join(case.words.split()), 160)}"),
    ]
    if case.due_at is not None and case.due_clock is not None:
        elements += [rich.text(f"\n{OWED[ClockName(case.due_clock)]} "), rich.by_when(case.due_at)]
    else:
        elements.append(rich.text("\nNothing is due while we wait."))
    return rich.section(*elements)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A part of the Home tab: a headline, and what stands under it."""

    title: str
    page: Page
    empty: str

    @property
    def headline(self) -> str:
        """The title, with how many there are, and how many of them are shown."""
        shown = len(self.page.cases)
        return f"{self.title} ({f'the first {shown} of {self.page.total}' if self.page.others else shown})"


REFRESH, NEW_CASE = "home_refresh", "home_new"
AT_MOST = 8
"""Cases in each part of the Home tab: a view takes a hundred blocks."""


def home(shelves: Sequence[Shelf], at: datetime) -> dict[str, Any]:
    """The Home tab."""
    blocks: list[Block] = [
        rich.actions([rich.button(REFRESH, "Refresh", "refresh"), rich.button(NEW_CASE, "Open a case", "new")], "home"),
        rich.rich(rich.section(rich.text("As of "), rich.at_moment(at), rich.text(". /case help tells all commands."))),
    ]
    for shelf in shelves:
        blocks.append(rich.header(shelf.headline))
        blocks += lines(shelf.page.cases, shelf.empty)
    return {"type": "home", "blocks": blocks}


def nobody(reason: str) -> dict[str, Any]:
    """The Home tab of somebody who works on no cases."""
    return {"type": "home", "blocks": [rich.rich(rich.section(rich.text(reason)))]}
