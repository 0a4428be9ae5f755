"""Words for an export: sealed as they were recorded, the key that opens them, and plain: anybody can see that they are the same."""

from __future__ import annotations

import base64
import json
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.keyring import NONCE
from adapters.postgres.vault import WRAP, Vault


def opened_words(vault: Vault, row: Any, *, private: bool) -> dict[str, Any]:
    """What a bundle says of an event's words. `gone`: the id of the person whose words they were; nobody can read them any more.

    Words that were written in private are withheld unless `private`. Words that do not open any more are shown sealed, for the verifier.
    """
    told: dict[str, Any] = {"case": row.case_id, "seq": row.seq, "words": str(row.words)}
    if row.sealed is None or row.wrapped_key is None:
        return {**told, "gone": str(row.subject_id)}
    if row.private and not private:
        return {**told, "withheld": "written in private"}
    subject, sealed = str(row.subject_id), bytes(row.sealed)
    key = vault.keyring.open(WRAP, bytes(row.wrapped_key), subject.encode())
    try:
        plain = json.loads(AESGCM(key).decrypt(sealed[1 : 1 + NONCE], sealed[1 + NONCE :], subject.encode()))
    except (InvalidTag, ValueError):
        plain = None
    return {
        **told,
        "subject": subject,
        "key": base64.b64encode(key).decode(),
        "sealed": base64.b64encode(sealed).decode(),
        "plain": plain,
    }
