"""Where the policy's channels are in Slack, also after somebody has renamed one; and telling admins once when Slack takes nothing there."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.ports import Desk, NoticeBoard, NotSent, PlaceMemory, Post, Refused, Unclear

log = logging.getLogger(__name__)

BY_MAIL = "Cases go on by e-mail meanwhile. `loopkeeper slack check` names everything that is wrong."


@dataclass(frozen=True)
class Places:
    """Finds channels."""

    desk: Desk
    memory: PlaceMemory
    _known: dict[str, str] = field(default_factory=dict)

    def find(self, name: str) -> str:
        """The id of the channel of that name. Raises Refused, NotSent."""
        try:
            place = self.desk.place(name)
        except Refused:
            before = self._known.get(name) or self.memory.known(name)
            if before is None:
                raise
            return before  # it was renamed; if it is gone, Slack says so when we post
        if self._known.get(name) != place:
            self.memory.remember(name, place)
            self._known[name] = place
        return place


@dataclass(frozen=True)
class Admins:
    """Tells admins what they have to mend: once, and again only after it was well in between."""

    board: NoticeBoard
    post: Post
    _well: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def trouble(self, addresses: Sequence[str], key: str, about: str, what_to_do: str, meanwhile: str = BY_MAIL) -> None:
        """Something is wrong that only an admin can mend. Never raises: the work goes on by another way."""
        with self._lock:
            self._well.discard(key)
        if not self.board.put_up(key, about):
            return
        log.error("%s %s", about, what_to_do)
        text = (
            f"{about}\n\n{what_to_do}\n\n{meanwhile}\n\n"
            "You are told this once; if it works again and then breaks again, you hear of it again."
        )
        for address in addresses:
            try:
                self.post.notify(address, f"Loopkeeper: {about}"[:150], text)
            except (NotSent, Unclear) as error:
                log.warning("an admin could not be told by e-mail (%s); tried again at the next occasion", error)
                self.board.not_told(key)
                return
            except Refused as error:
                log.warning("an admin cannot be told by e-mail: %s", error.reason)

    def well(self, key: str) -> None:
        """It works (again)."""
        if key in self._well:
            return
        self.board.take_down(key)
        with self._lock:
            self._well.add(key)
