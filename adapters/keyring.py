"""The installation's keys: one secret, a key for each purpose, and a way to change the secret without losing the past."""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from domain.errors import LoopkeeperError

NONCE = 12


class KeyProblem(LoopkeeperError):
    """A key is missing or malformed, or something was sealed with a key that this installation does not have."""


@dataclass(frozen=True)
class Keyring:
    """Keys by id; the first seals, all open. Ids are 1 to 16 letters, digits or "-" and stand in the clear before what they seal."""

    keys: tuple[tuple[str, bytes], ...]

    @staticmethod
    def parse(text: str) -> Keyring:
        """From `id:base64,id:base64`, 32 bytes each, the current one first. Raises KeyProblem without repeating the text."""
        keys = []
        for number, item in enumerate(text.split(","), 1):
            name, _, encoded = item.strip().partition(":")
            if not (1 <= len(name) <= 16 and name.replace("-", "").isalnum() and name.isascii()):
                raise KeyProblem(f"key {number} has no usable id; write id:base64, for example k1:… (see docs/settings.md)")
            try:
                key = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                raise KeyProblem(f"key {number} ({name}) is not base64") from None
            if len(key) != 32:
                raise KeyProblem(f"key {number} ({name}) has {len(key)} bytes; it must have 32")
            keys.append((name, key))
        return Keyring(tuple(keys))

    def derived(self, purpose: str) -> list[tuple[str, bytes]]:
        """The keys for one purpose, current first."""
        return [(name, _derive(key, purpose)) for name, key in self.keys]

    def seal(self, purpose: str, plain: bytes, context: bytes = b"") -> bytes:
        """Encrypt and authenticate with the current key: id, colon, nonce, ciphertext. `context` must be the same to open it."""
        name, key = self.keys[0]
        nonce = os.urandom(NONCE)
        return name.encode() + b":" + nonce + _cipher(key, purpose).encrypt(nonce, plain, context)

    def open(self, purpose: str, sealed: bytes, context: bytes = b"") -> bytes:
        """The inverse. Raises KeyProblem."""
        name, _, rest = bytes(sealed).partition(b":")
        key = dict(self.keys).get(name.decode("ascii", "replace"))
        if key is None:
            raise KeyProblem(
                f"this was sealed with the key '{name.decode('ascii', 'replace')[:16]}', which this installation does not have"
            )
        try:
            return _cipher(key, purpose).decrypt(rest[:NONCE], rest[NONCE:], context)
        except InvalidTag:
            raise KeyProblem("what was sealed has been changed, or belongs elsewhere") from None


@lru_cache(maxsize=256)
def _derive(key: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"loopkeeper {purpose}".encode()).derive(key)


@lru_cache(maxsize=256)
def _cipher(key: bytes, purpose: str) -> AESGCM:
    return AESGCM(_derive(key, purpose))
