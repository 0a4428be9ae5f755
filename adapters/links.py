"""Links that cannot be guessed: to work on one case for one department, for a while; and to a case's status page."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
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


_FORM = "1"
"""How a token is made; another way will begin with another sign."""
_TAG, _NUMBER = 16, 8
_LENGTH = len(_FORM) + (_TAG + _NUMBER) // 3 * 4


@dataclass(frozen=True)
class StatusLinks:
    """Makes and reads the links to cases' status pages. Nothing is stored of them: ADR 0070.

    A token is a tag of 128 bits over the case's number and id, and the number, hidden under a key stream made of the tag.
    """

    keyring: Keyring
    base_url: str

    def make(self, number: int, case_id: str, withdrawn: int = 0) -> str:
        """The address of the case's status page after `withdrawn` links to it were withdrawn.

        For the same case it is always the same, as long as the installation's key is.
        """
        _, key = self.keyring.derived("status page")[0]
        tag = _tag(key, number, case_id, withdrawn)
        token = tag + _hidden(key, tag, number.to_bytes(_NUMBER))
        return f"{self.base_url}/s/{_FORM}{base64.urlsafe_b64encode(token).decode()}"

    def read(self, token: str, known: Callable[[int], tuple[str, int] | None]) -> tuple[str, bool] | None:
        """The id of the case that a token is for, and whether the token holds or was withdrawn; None when it is for none.

        `known`: the id of the case with that number, and how many links to it were withdrawn.
        """
        raw = _raw(token)
        if raw is None:
            return None
        tag, hidden = raw[:_TAG], raw[_TAG:]
        for _, key in self.keyring.derived("status page"):
            number = int.from_bytes(_hidden(key, tag, hidden))
            found = known(number) if number < 2**48 else None  # what nobody made hardly ever gets as far as the database
            if found is None:
                continue
            case_id, withdrawn = found
            fits = [hmac.compare_digest(tag, _tag(key, number, case_id, turn)) for turn in range(withdrawn + 1)]
            if any(fits):
                return case_id, fits[withdrawn]
        return None


def _raw(token: str) -> bytes | None:
    if token[:1] != _FORM or len(token) != _LENGTH or not token.isascii():
        return None
    try:
        return base64.b64decode(token[1:], altchars=b"-_", validate=True)
    except binascii.Error:
        return None


def _tag(key: bytes, number: int, case_id: str, withdrawn: int) -> bytes:
    turn = b"\0" + withdrawn.to_bytes(2) if withdrawn else b""  # no id has a zero byte
    return hmac.digest(key, b"case" + number.to_bytes(_NUMBER) + case_id.encode() + turn, hashlib.sha256)[:_TAG]


def _hidden(key: bytes, tag: bytes, number: bytes) -> bytes:
    stream = hmac.digest(key, b"hide" + tag, hashlib.sha256)
    return bytes(a ^ b for a, b in zip(number, stream, strict=False))
