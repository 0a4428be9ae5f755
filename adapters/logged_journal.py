"""What was done to the installation, in the log of the process that did it."""

from __future__ import annotations

import json
import logging

from domain.ports import AdminEvent

_log = logging.getLogger("loopkeeper.journal")


class LoggedJournal:
    """See `domain.ports.Journal`."""

    def note(self, event: AdminEvent) -> None:
        """See `domain.ports.Journal.note`."""
        about = json.dumps({**event.data, "by": event.by.person, "via": event.by.via.value}, sort_keys=True)
        _log.info("%s %s", event.kind.value, about)
