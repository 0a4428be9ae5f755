"""Signatures, checked against libraries that are not ours."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from sandbox_support import SECRET, SIGNING_SECRET
from slack_sdk.signature import SignatureVerifier
from standardwebhooks import Webhook

from sandbox.signing import SignatureError, channel_headers, channel_signature, key_of, slack_headers, verify_channel


def test_the_contracts_worked_example_comes_out() -> None:
    body = b'{"type":"post.deleted","brand":"acme","data":{"id":"42","deleted_at":"2026-01-01T00:00:00Z"}}'
    signature = channel_signature("whsec_bG9vcGtlZXBlci1leGFtcGxlLXNlY3JldA==", "evt_01", "1767225600", body)
    assert signature == "v1,+9W+SafXxq7LqxsPEx06wRnKe/qD5KM9B069TeqmPy8="


def test_the_standard_library_accepts_what_we_sign() -> None:
    body = '{"text":"Größe 🙏"}'
    assert Webhook(SECRET).verify(body, channel_headers(SECRET, "evt_1", time.time(), body.encode())) == {"text": "Größe 🙏"}


def test_we_accept_what_the_standard_library_signs_also_beside_an_older_signature() -> None:
    now = datetime.now(UTC)
    theirs = Webhook(SECRET).sign("m1", now.replace(tzinfo=None), "{}")
    headers = {"webhook-id": "m1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": f"v1,b2xk {theirs}"}
    assert verify_channel(SECRET, headers, now.timestamp(), b"{}") == "m1"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"webhook-signature": "v1,AAAA"}, "fits neither"),
        ({"webhook-id": ""}, "all needed"),
        ({"webhook-timestamp": "soon"}, "not within"),
        ({"webhook-timestamp": "1000000000"}, "not within"),
    ],
)
def test_what_is_signed_wrongly_is_refused_with_a_reason(change: dict[str, str], complaint: str) -> None:
    headers = {**channel_headers(SECRET, "m1", time.time(), b"{}"), **change}
    with pytest.raises(SignatureError, match=complaint):
        verify_channel(SECRET, headers, time.time(), b"{}")


def test_a_signature_does_not_fit_another_body() -> None:
    with pytest.raises(SignatureError, match="fits neither"):
        verify_channel(SECRET, channel_headers(SECRET, "m1", time.time(), b"{}"), time.time(), b"{ }")


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0", "whsec_not base64 at all!!"])
def test_a_secret_that_is_none_is_not_taken(secret: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes"):
        key_of(secret)


def test_slacks_own_verifier_accepts_what_we_sign() -> None:
    body = b"payload=%7B%7D"
    assert SignatureVerifier(SIGNING_SECRET).is_valid_request(body, slack_headers(SIGNING_SECRET, time.time(), body))
