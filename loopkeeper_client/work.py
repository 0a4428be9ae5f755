"""What there is to do, and who may: the board, the inbox, drafts, departments, me."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from loopkeeper_client import models as m
from loopkeeper_client.sending import Sender, at, operation

Mark = Literal["late", "soon", "stalled", "needs_us", "nobody", "mine", "unsorted"]


class Work:
    """See the module's text."""

    _sender: Sender

    @operation("GET", "/api/v1/me")
    def me(self) -> m.Me:
        """Whose key that is, and what it may do."""
        return self._sender.get(m.Me, "/api/v1/me")

    @operation("GET", "/api/v1/board")
    def board(
        self,
        *,
        by: Literal["status", "department"] | None = None,
        status: Sequence[str] = (),
        department: Sequence[str] = (),
        channel: Sequence[str] = (),
        brand: Sequence[str] = (),
        priority: Sequence[str] = (),
        category: Sequence[str] = (),
        only: Sequence[Mark] = (),
        at_most: int | None = None,
    ) -> m.Board:
        """Every open case in columns, the most urgent first. `at_most`: in a column."""
        return self._sender.get(m.Board, "/api/v1/board", {name: value for name, value in locals().items() if name != "self"})

    @operation("GET", "/api/v1/inbox")
    def inbox(self) -> m.Inbox:
        """What needs the social team."""
        return self._sender.get(m.Inbox, "/api/v1/inbox")

    @operation("POST", "/api/v1/inbox/{number}/again")
    def read_again(self, number: int) -> None:
        """Have a message read again that could not be read."""
        self._sender.send("POST", at("/api/v1/inbox/{number}/again", number=number))

    @operation("GET", "/api/v1/drafts")
    def drafts(self, *, at_most: int | None = None) -> Iterator[m.WaitingDraft]:
        """What waits for a second person. `at_most`: cases on a page; all are told."""
        for page in self._sender.pages(m.Drafts, "/api/v1/drafts", {"at_most": at_most}, lambda page: page.after):
            yield from page.drafts

    @operation("GET", "/api/v1/departments")
    def departments(self) -> m.Departments:
        """The departments and the social team: whether they work now."""
        return self._sender.get(m.Departments, "/api/v1/departments")

    @operation("GET", "/api/v1/departments/{name}")
    def department(self, name: str) -> m.Department:
        """One department."""
        return self._sender.get(m.Department, at("/api/v1/departments/{name}", name=name))

    @operation("GET", "/api/v1/calendars")
    def calendars(self) -> list[m.Calendar]:
        """When people work."""
        return self._sender.get(m.Calendars, "/api/v1/calendars").calendars
