"""Shared causes: many cases with one root, and one text for all of them."""

from __future__ import annotations

from loopkeeper_client import models as m
from loopkeeper_client.sending import Sender, at, operation

_ONE = "/api/v1/causes/{number}"
_SAID = f"{_ONE}/announcements"


class Causes:
    """See the module's text."""

    _sender: Sender

    @operation("GET", "/api/v1/causes")
    def causes(self) -> list[m.Cause]:
        """All shared causes."""
        return self._sender.get(m.Causes, "/api/v1/causes").causes

    @operation("POST", "/api/v1/causes")
    def open_cause(self, wanted: m.CauseIn, *, once: str | None = None) -> m.Cause:
        """Open one. Cases join it by a command."""
        return self._sender.post(m.Cause, "/api/v1/causes", wanted, once=once)

    @operation("GET", _ONE)
    def cause(self, number: int) -> m.CauseCases:
        """A cause with its cases."""
        return self._sender.get(m.CauseCases, at(_ONE, number=number))

    @operation("POST", _SAID)
    def announce(self, number: int, wanted: m.AnnouncementIn, *, once: str | None = None) -> m.Announcement:
        """Make a text for each of its cases. Nothing is sent yet."""
        return self._sender.post(m.Announcement, at(_SAID, number=number), wanted, once=once)

    @operation("GET", f"{_SAID}/{{which}}")
    def announcement(self, number: int, which: int) -> m.Announcement:
        """An announcement: what each customer would read, and what became of it."""
        return self._sender.get(m.Announcement, at(f"{_SAID}/{{which}}", number=number, which=which))

    @operation("POST", f"{_SAID}/{{which}}/decision")
    def decide_announcement(self, number: int, which: int, decision: m.DecisionIn, *, once: str | None = None) -> m.Announcement:
        """Send it, or approve or reject what waits for a second person."""
        path = at(f"{_SAID}/{{which}}/decision", number=number, which=which)
        return self._sender.post(m.Announcement, path, decision, once=once)
