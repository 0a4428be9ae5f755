"""Checkpoints: the state of the log in a text that can be signed and kept anywhere (C2SP tlog-checkpoint, in a C2SP signed note).

    loopkeeper.example/log
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
    2026-03-04T09:38:00Z

    — loopkeeper.example/log Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5…

The origin, the number of events, the root of the tree, and when it was signed (an extension line); below them a line a signature.
Sources: https://c2sp.org/tlog-checkpoint, https://c2sp.org/signed-note.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from domain.errors import LoopkeeperError

ED25519 = b"\x01"
_SIGNATURE = "— "


class NoCheckpoint(LoopkeeperError):
    """A text is not a checkpoint, or not one of the log that was meant."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: `size` events, under `root`, as of `at`."""

    origin: str
    size: int
    root: bytes
    at: datetime

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n{self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}\n"

    @staticmethod
    def parse(text: str) -> Checkpoint:
        """The inverse of `text`. Raises NoCheckpoint."""
        lines = text.split("\n")
        try:
            origin, size, root, at = lines[0], lines[1], base64.b64decode(lines[2], validate=True), lines[3]
            read = Checkpoint(origin, int(size), root, datetime.fromisoformat(at))
        except (IndexError, ValueError, binascii.Error):
            raise NoCheckpoint("this is not a checkpoint: it should have the log's name, a size, a root and a time, a line each") from None
        if len(root) != 32 or not origin or str(read.size) != size or read.text != text:
            raise NoCheckpoint("this is not a checkpoint in the form in which this log writes them")
        return read


@dataclass(frozen=True, slots=True)
class Signature:
    """A line below a note: who signed, and what can be checked with their key."""

    name: str
    key_hash: bytes
    signed: bytes

    @property
    def line(self) -> str:
        """As it stands below the note."""
        return f"{_SIGNATURE}{self.name} {base64.b64encode(self.key_hash + self.signed).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A signed text."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(signature.line for signature in self.signatures)

    @staticmethod
    def parse(whole: str) -> Note:
        """Raises NoCheckpoint."""
        text, blank, below = whole.rpartition("\n\n")
        if not blank or not below.endswith("\n"):
            raise NoCheckpoint("this is not a signed note: below the text, after an empty line, its signatures are missing")
        return Note(text + "\n", tuple(_signature(line) for line in below[:-1].split("\n")))


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with the name under which it signs, as `name+hash+base64`."""

    name: str
    public: bytes

    @property
    def key_hash(self) -> bytes:
        """The four bytes by which signatures name the key."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_hash.hex()}+{base64.b64encode(ED25519 + self.public).decode()}"

    @staticmethod
    def parse(text: str) -> Verifier:
        """Raises NoCheckpoint."""
        name, public = _key(text.strip(), "public")
        return Verifier(name, public)


def secret_key(text: str) -> tuple[str, bytes]:
    """The name and the 32 secret bytes of a signer's key, `PRIVATE+KEY+name+hash+base64`. Raises NoCheckpoint without repeating it."""
    written = text.strip()
    if not written.startswith("PRIVATE+KEY+"):
        raise NoCheckpoint("a log key begins with PRIVATE+KEY+; make one with: loopkeeper audit new-key NAME")
    return _key(written.removeprefix("PRIVATE+KEY+"), "secret", private=True)


def written_secret(name: str, secret: bytes, public: bytes) -> str:
    """A signer's key as it is kept in the settings."""
    return f"PRIVATE+KEY+{name}+{Verifier(name, public).key_hash.hex()}+{base64.b64encode(ED25519 + secret).decode()}"


def is_name(name: str) -> bool:
    """Whether a log, or a key, can be called that."""
    return 0 < len(name) <= 200 and "+" not in name and not any(c.isspace() for c in name)


def _key(text: str, kind: str, *, private: bool = False) -> tuple[str, bytes]:
    name, _, rest = text.partition("+")
    hashed, _, encoded = rest.partition("+")
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise NoCheckpoint(f"this {kind} key is not whole: its last part is not base64") from None
    if not is_name(name) or len(key) != 33 or key[:1] != ED25519:
        raise NoCheckpoint(f"this is not a {kind} key of the form name+hash+base64 (Ed25519)")
    if not private and Verifier(name, key[1:]).key_hash.hex() != hashed:
        raise NoCheckpoint(f"the {kind} key of {name} is damaged: its hash does not fit it")
    return name, key[1:]


def _signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_SIGNATURE).partition(" ")
    try:
        signed = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        signed = b""
    if not line.startswith(_SIGNATURE) or not is_name(name) or len(signed) < 5:
        raise NoCheckpoint("below the text stands a line that is not a signature")
    return Signature(name, signed[:4], signed[4:])
