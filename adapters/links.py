"""Signed links: whoever holds one may work on one case for one department, for a while."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from adapters.keyring import Keyring
from domain.errors import LoopkeeperError

VALID_SECONDS = 14 * 24 * 3600
_SALT = "department link"
_TICKET_SECONDS = 3600


class BadLink(LoopkeeperError):
    """A link is not one of ours, or too old."""


@dataclass(frozen=True)
class Links:
    """Makes and reads the links that go out in e-mails."""

    keyring: Keyring
    base_url: str

    def make(self, case_id: str, department: str) -> str:
        """The address at which the department works on the case."""
        return f"{self.base_url}/desk/{self._serializer(0).dumps([case_id, department])}"

    def read(self, token: str) -> tuple[str, str]:
        """Case and department of a link. Raises BadLink with what to do."""
        for number in range(len(self.keyring.keys)):
            try:
                case_id, department = self._serializer(number).loads(token, max_age=VALID_SECONDS)
            except SignatureExpired:
                raise BadLink("This link is older than 14 days. Ask the social team for the case, or open it from Slack.") from None
            except BadData:
                continue
            return str(case_id), str(department)
        raise BadLink("This link is not complete. Open it again from the e-mail, or copy the whole of it.")

    def ticket(self, token: str, kept: Mapping[str, str | None]) -> str:
        """What a page hands back to us unchanged. Good for the link that it belongs to, for an hour."""
        return str(self._serializer(0, f"ticket {token}").dumps(dict(kept)))

    def read_ticket(self, token: str, ticket: str) -> dict[str, Any]:
        """What stands in a ticket. Raises BadLink."""
        for number in range(len(self.keyring.keys)):
            try:
                kept: dict[str, Any] = self._serializer(number, f"ticket {token}").loads(ticket, max_age=_TICKET_SECONDS)
            except BadData:
                continue
            return kept
        raise BadLink("This page was open for too long. Go back to the case and write it again.")

    def _serializer(self, number: int, salt: str = _SALT) -> URLSafeTimedSerializer:
        _, key = self.keyring.derived("links")[number]
        return URLSafeTimedSerializer(base64.b64encode(key), salt=salt)
