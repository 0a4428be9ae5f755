"""How the parties sign what they send: Standard Webhooks for channels, Slack's v0 scheme, SendGrid's ECDSA."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from functools import lru_cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

TOLERANCE_SECONDS = 300
"""How far a timestamp may be off, in either direction (docs/channel-contract.md; Slack says the same)."""


class SignatureError(Exception):
    """A signed request that must not be believed; says why."""


@lru_cache(maxsize=64)
def key_of(secret: str) -> bytes:
    """The key in a `whsec_…` secret. Raises ValueError when it is not base64 of 24 to 64 bytes after that prefix."""
    prefix, _, encoded = secret.partition("_")
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        key = b""
    if prefix != "whsec" or not 24 <= len(key) <= 64:
        raise ValueError("a channel's secret is whsec_ followed by base64 of 24 to 64 bytes")
    return key


def channel_signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and base64 of HMAC-SHA256 over `{id}.{timestamp}.{body}` (standardwebhooks.com)."""
    signed = hmac.digest(key_of(secret), f"{message_id}.{timestamp}.".encode() + body, "sha256")
    return "v1," + base64.b64encode(signed).decode()


def channel_headers(secret: str, message_id: str, now: float, body: bytes) -> dict[str, str]:
    """The three headers that sign `body` as message `message_id`, sent at `now` (Unix seconds)."""
    timestamp = str(int(now))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": channel_signature(secret, message_id, timestamp, body),
    }


def verify_channel(secret: str, headers: Mapping[str, str], now: float, body: bytes) -> str:
    """The message's id, when its signature fits and it is fresh. Raises SignatureError."""
    message_id, timestamp, signatures = (headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature"))
    if not (message_id and timestamp and signatures):
        raise SignatureError("webhook-id, webhook-timestamp and webhook-signature are all needed")
    if not (timestamp.isascii() and timestamp.isdigit()) or abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise SignatureError(f"webhook-timestamp {timestamp!r} is not within {TOLERANCE_SECONDS} seconds of now ({int(now)})")
    expected = channel_signature(secret, message_id, timestamp, body).encode()
    if not any(hmac.compare_digest(expected, one.encode()) for one in signatures.split(" ")):
        raise SignatureError("webhook-signature fits neither this body nor this channel's secret")
    return message_id


def slack_headers(signing_secret: str, now: float, body: bytes) -> dict[str, str]:
    """Slack's request signature (docs.slack.dev: "Verifying requests from Slack")."""
    timestamp = str(int(now))
    signed = hmac.new(signing_secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256)
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={signed.hexdigest()}"}


class EventWebhookKey:
    """SendGrid's signing key for its Event Webhook: ECDSA with SHA-256 over the timestamp and the payload."""

    def __init__(self, pem: str) -> None:
        """Raises ValueError when `pem` is not an EC private key."""
        key = load_pem_private_key(pem.encode(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("SANDBOX_SENDGRID_WEBHOOK_KEY must be an EC (P-256) private key in PEM")  # noqa: TRY004 - a value's fault, not a caller's
        self._key = key

    def headers(self, now: float, body: bytes) -> dict[str, str]:
        """The two headers that sign `body`, sent at `now` (Unix seconds)."""
        timestamp = str(int(now))
        signed = self._key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signed).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }
