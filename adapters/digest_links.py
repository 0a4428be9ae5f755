"""Links in digests: to confirm that an address is one's own, and to be sent none any more. They hold no address and nobody's name."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeTimedSerializer

from adapters.keyring import Keyring

CONFIRM_SECONDS = 3 * 24 * 3600
_CONFIRM, _STOP = "digest confirm", "digest stop"


@dataclass(frozen=True)
class DigestLinks:
    """See `domain.digest_sending.DigestAddresses`."""

    keyring: Keyring
    base_url: str

    def confirm(self, reader: str, asked: int) -> str:
        """See `domain.digest_sending.DigestAddresses.confirm`."""
        return f"{self.base_url}/digest/confirm/{self._serializer(0, _CONFIRM).dumps([reader, asked])}"

    def stop(self, reader: str) -> str:
        """See `domain.digest_sending.DigestAddresses.stop`. It has no end: mails are kept for long."""
        return f"{self.base_url}/digest/stop/{self._serializer(0, _STOP).dumps([reader])}"

    def confirmed(self, token: str) -> tuple[str, int] | None:
        """The reader, and which question they answer; None when the link is not whole or too old."""
        read = self._read(_CONFIRM, token, CONFIRM_SECONDS)
        return None if read is None else (str(read[0]), int(str(read[1])))

    def stopped(self, token: str) -> str | None:
        """The reader; None when the link is not whole."""
        read = self._read(_STOP, token, None)
        return None if read is None else str(read[0])

    def _read(self, purpose: str, token: str, max_age: int | None) -> list[object] | None:
        for number in range(len(self.keyring.keys)):
            try:
                read: list[object] = self._serializer(number, purpose).loads(token, max_age=max_age)
            except (BadData, UnicodeError):
                continue
            return read
        return None

    def _serializer(self, number: int, purpose: str) -> URLSafeTimedSerializer:
        _, key = self.keyring.derived("digest links")[number]
        return URLSafeTimedSerializer(base64.b64encode(key), salt=purpose)
