"""Standard Webhooks signatures (https://www.standardwebhooks.com/): what docs/channel-contract.md asks of both sides."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from domain.errors import LoopkeeperError

TOLERANCE_SECONDS = 300
_LONGEST_ID = 256


class BadSignature(LoopkeeperError):
    """A message is not signed, not by the one it should be, or not now."""


@dataclass(frozen=True)
class Signer:
    """Signs and verifies with one channel's secret."""

    _key: bytes

    @staticmethod
    def with_secret(secret: str) -> Signer:
        """From `whsec_…`. Raises ValueError without repeating the secret."""
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            raise ValueError("the channel's secret is not whsec_ followed by base64") from None
        if not secret.startswith("whsec_") or not 24 <= len(key) <= 64:
            raise ValueError("the channel's secret must be whsec_ followed by base64 of 24 to 64 bytes")
        return Signer(key)

    def sign(self, message_id: str, timestamp: int, body: bytes) -> str:
        """The signature of a message sent at `timestamp` (Unix seconds)."""
        digest = hmac.new(self._key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
        return "v1," + base64.b64encode(digest).decode()

    def headers(self, message_id: str, now: float, body: bytes) -> dict[str, str]:
        """The headers of a signed message."""
        timestamp = int(now)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": self.sign(message_id, timestamp, body),
        }

    def verify(self, headers: Mapping[str, str], body: bytes, now: float) -> str:
        """The message's id. Raises BadSignature. `now`: Unix seconds; names in `headers` are lower case."""
        message_id = headers.get("webhook-id", "")
        stamp = headers.get("webhook-timestamp", "")
        if not message_id or not stamp or not headers.get("webhook-signature"):
            raise BadSignature("the headers webhook-id, webhook-timestamp and webhook-signature must all be there")
        if len(message_id) > _LONGEST_ID or not (message_id.isascii() and message_id.isprintable()):
            raise BadSignature(f"webhook-id must be at most {_LONGEST_ID} visible ASCII characters")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
            raise BadSignature("webhook-timestamp must be Unix seconds")
        expected = self.sign(message_id, int(stamp), body)
        given = headers["webhook-signature"].split()
        if not any(hmac.compare_digest(expected.encode(), one.encode("utf-8", "replace")) for one in given[:10]):
            raise BadSignature("webhook-signature does not fit: check the secret, and that the raw body was signed")
        if abs(now - int(stamp)) > TOLERANCE_SECONDS:
            raise BadSignature(
                f"webhook-timestamp is more than {TOLERANCE_SECONDS} s off: check the clock; do not send old messages again as they were"
            )
        return message_id
