"""Shared causes: many cases with one root cause, answered by one text."""

from __future__ import annotations

from typing import Literal

from loopkeeper_client import models as m
from loopkeeper_client.sending import Sender, at, operation

_CAUSE = "/api/v1/causes/{number}"
_ANNOUNCEMENT = _CAUSE + "/announcements/{which}"


class Causes:
    """See the module's text."""

    _sender: Sender

    @operation("GET", "/api/v1/causes")
    def causes(self) -> list[m.Cause]:
        """All of them, the newest first."""
        return self._sender.get(m.Causes, "/api/v1/causes").causes

    @operation("POST", "/api/v1/causes")
    def open_cause(self, wanted: m.CauseIn, *, once: str | None = None) -> m.Cause:
        """Open one. A case joins it by the command `join_shared_cause`."""
        return self._sender.post(m.Cause, "/api/v1/causes", wanted, once=once)

    @operation("GET", _CAUSE)
    def cause(self, number: int) -> m.CauseCases:
        """One, with its cases and those that are suggested."""
        return self._sender.get(m.CauseCases, at(_CAUSE, number=str(number)))

    @operation("POST", _CAUSE + "/announcements")
    def make_announcement(self, number: int, wanted: m.AnnouncementIn, *, once: str | None = None) -> m.Announcement:
        """Make a text for each of its open cases, exactly as their customers would read it. Nothing is sent yet."""
        return self._sender.post(m.Announcement, at(_CAUSE + "/announcements", number=str(number)), wanted, once=once)

    @operation("GET", _ANNOUNCEMENT)
    def announcement(self, number: int, which: int) -> m.Announcement:
        """What each case says of it, or why it holds it back."""
        return self._sender.get(m.Announcement, at(_ANNOUNCEMENT, number=str(number), which=str(which)))

    @operation("POST", _ANNOUNCEMENT + "/decision")
    def decide_announcement(
        self, number: int, which: int, do: Literal["send", "approve", "reject"], text: str | None = None, *, once: str | None = None
    ) -> m.Announcement:
        """Send it, or have it approved; approve it, as a second person; or reject it."""
        path = at(_ANNOUNCEMENT + "/decision", number=str(number), which=str(which))
        return self._sender.post(m.Announcement, path, m.DecisionIn(do=do, text=text), once=once)
