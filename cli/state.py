"""The folder in which an embedded installation keeps everything: databases, secrets, ports, logs, and the lock that guards them."""

from __future__ import annotations

import base64
import fcntl
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.notary import Notary
from cli.engines import free_port, port_is_free
from domain.errors import LoopkeeperError

LOG_NAME = "loopkeeper.localhost/log"
PORTS = ("api", "sandbox", "temporal", "temporal_ui")


class AlreadyRunning(LoopkeeperError):
    """Another process runs on the same state."""


@dataclass
class State:
    """One state folder. Held by one process at a time, as a context."""

    folder: Path
    _lock: int | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(lock, 2000, 0).decode(errors="replace").strip()
            os.close(lock)
            raise AlreadyRunning(f"Loopkeeper is running already on {self.folder}{': ' + holder if holder else ''}") from None
        self._lock = lock
        self.tell("starting")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._lock is not None:
            os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = None

    def tell(self, what: str) -> None:
        """Leave word for whoever else tries to start here."""
        if self._lock is not None:
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, f"process {os.getpid()}, {what}".encode(), 0)

    def is_held(self) -> bool:
        """Whether a process holds the folder now."""
        try:
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(lock)
        return False

    def noted_ports(self) -> dict[str, int]:
        """The ports on which the holder's parts are."""
        ports: dict[str, int] = json.loads((self.folder / "ports.json").read_text())
        return ports

    @property
    def logs(self) -> Path:
        """Where the logs are."""
        return self.folder / "log"

    @property
    def pids(self) -> Path:
        """Where the processes are noted."""
        return self.folder / "pids.json"

    def ports(self) -> dict[str, int]:
        """The ports: the same as last time as far as they are free, so that bookmarks hold."""
        file = self.folder / "ports.json"
        try:
            known: dict[str, int] = json.loads(file.read_text())
        except (FileNotFoundError, ValueError):
            known = {}
        ports = {name: known[name] if name in known and port_is_free(known[name]) else free_port() for name in PORTS}
        _write(file, json.dumps(ports))
        return ports

    def secrets(self) -> Secrets:
        """The secrets, made on first use and readable by their owner alone."""
        file = self.folder / "secrets.json"
        try:
            known = json.loads(file.read_text())
            if "log_key" not in known:  # made by an earlier version
                known["log_key"] = Notary.new_key(LOG_NAME)
                _write(file, json.dumps(known))
            return Secrets(**known)
        except FileNotFoundError:
            made = Secrets.make()
            _write(file, json.dumps(made.__dict__))
            return made
        except (TypeError, ValueError):
            raise LoopkeeperError(f"{file} is damaged; restore it from a backup (without it, sealed words cannot be read)") from None


@dataclass(frozen=True)
class Secrets:
    """What an embedded installation and its sandbox share and keep."""

    keys: str
    index_key: str
    channel: str
    slack_bot_token: str
    slack_signing_secret: str
    sendgrid_api_key: str
    sendgrid_webhook_private: str
    sendgrid_webhook_public: str
    log_key: str

    def of_channel(self, name: str) -> str:
        """The secret shared with one channel's bridge: each has its own, so that what is signed for one is no use at another."""
        key = hmac.digest(self.channel.encode(), name.encode(), "sha256")
        return f"whsec_{base64.b64encode(key).decode()}"

    @staticmethod
    def make() -> Secrets:
        """New ones."""
        private = ec.generate_private_key(ec.SECP256R1())
        pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        public = private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return Secrets(
            keys=f"k1:{_random(32)}",
            index_key=_random(32),
            channel=_random(32),
            slack_bot_token=f"xoxb-sandbox-{secrets.token_hex(12)}",
            slack_signing_secret=secrets.token_hex(16),
            sendgrid_api_key=f"SG.sandbox.{secrets.token_urlsafe(24)}",
            sendgrid_webhook_private=pem.decode(),
            sendgrid_webhook_public=base64.b64encode(public).decode(),
            log_key=Notary.new_key(LOG_NAME),
        )


def _random(length: int) -> str:
    return base64.b64encode(secrets.token_bytes(length)).decode()


def _write(file: Path, content: str) -> None:
    """Write the whole file or none of it."""
    half = file.with_suffix(".new")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    half.replace(file)
