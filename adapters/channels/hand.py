"""A channel without a machine at its other end (a phone, a letter, a counter): a person says what the loop would post."""

from __future__ import annotations

from domain.ports import Absent, NeedsPerson, OutgoingReply, PostedReply


class HandNetwork:
    """See `domain.ports.Network`. Every reply is handed to the social team, who say it and confirm that they did."""

    honours_key = False

    def __init__(self, name: str) -> None:
        self._name = name

    def post(self, reply: OutgoingReply) -> PostedReply:
        """Asks for a person."""
        raise NeedsPerson(f"{self._name} has no address to post to (for {reply.key})", self._name)

    def find(self, reply: OutgoingReply) -> PostedReply | Absent:
        """Nothing can be looked up; only the person knows."""
        del reply
        return Absent(surely=False)
