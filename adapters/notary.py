"""Signing checkpoints with the log's keys, and checking signatures (Ed25519; C2SP signed notes)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.checkpoints import Checkpoint, NoCheckpoint, Note, Signature, Verifier, is_name, secret_key, written_secret


@dataclass(frozen=True)
class _Key:
    name: str
    private: Ed25519PrivateKey

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self.private.public_key().public_bytes_raw())


class Notary:
    """The log's keys. While one is being replaced both sign, so that whoever knows one of them can check every checkpoint."""

    def __init__(self, keys: Sequence[_Key]) -> None:
        self._keys = tuple(keys)

    @staticmethod
    def parse(text: str) -> Notary:
        """From signers' keys with commas between them, the current one first. Raises NoCheckpoint without repeating the text."""
        keys = []
        for written in text.split(","):
            name, secret = secret_key(written)
            key = _Key(name, Ed25519PrivateKey.from_private_bytes(secret))
            if written.strip().split("+")[3] != key.verifier.key_hash.hex():
                raise NoCheckpoint(f"the log key of {name} is damaged: its hash does not fit it")
            keys.append(key)
        if len({key.name for key in keys}) != 1:
            raise NoCheckpoint("all keys of a log have the log's name; these have several")
        return Notary(keys)

    @staticmethod
    def new_key(name: str) -> str:
        """A new key for a log of that name, as the settings take it. Raises NoCheckpoint."""
        if not is_name(name):
            raise NoCheckpoint("a log's name has no spaces and no +, like loopkeeper.example.com/log")
        private = Ed25519PrivateKey.generate()
        return written_secret(name, private.private_bytes_raw(), private.public_key().public_bytes_raw())

    @property
    def origin(self) -> str:
        """The log's name."""
        return self._keys[0].name

    @property
    def verifiers(self) -> list[Verifier]:
        """The public keys, the current one first."""
        return [key.verifier for key in self._keys]

    def sign(self, checkpoint: Checkpoint) -> Note:
        """The checkpoint, signed with every key."""
        text = checkpoint.text
        return Note(text, tuple(Signature(k.name, k.verifier.key_hash, k.private.sign(text.encode())) for k in self._keys))


def signed_by(note: Note, verifiers: Sequence[Verifier]) -> Verifier | None:
    """The first of these keys that has signed the note; None when none has. Raises NoCheckpoint when one of them did not sign this text."""
    for verifier in verifiers:
        for signature in note.signatures:
            if (signature.name, signature.key_hash) == (verifier.name, verifier.key_hash):
                try:
                    Ed25519PublicKey.from_public_bytes(verifier.public).verify(signature.signed, note.text.encode())
                except InvalidSignature:
                    raise NoCheckpoint(
                        f"the signature of {verifier.name} does not fit the checkpoint: one of the two was changed"
                    ) from None
                return verifier
    return None
