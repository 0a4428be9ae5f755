"""Calling the receivers of webhooks: strangers' addresses, so each is checked, and the very address that was checked is connected to."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime

from adapters.channels.signing import Signer
from domain.hooks import Address, Due, Outcome, UnfitWebhook, Wanted, address_of, may_be_called
from domain.policy import Policy

TIMEOUT = 10.0
"""Seconds for one try, from connecting to the last of the answer's headers, however slowly they drip."""
Resolve = Callable[[str, int], Sequence[str]]


def looked_up(host: str, port: int) -> list[str]:
    """The IP addresses of a host, as the system knows them. Raises UnfitWebhook when there is none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UnfitWebhook(f"url: the host {host} cannot be found") from None
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class Receivers:
    """Thread-safe. `embedded`: whether receivers on this very machine may be called."""

    def __init__(
        self, *, embedded: bool, timeout: float = TIMEOUT, resolve: Resolve = looked_up, context: ssl.SSLContext | None = None
    ) -> None:
        self._embedded = embedded
        self._timeout = timeout
        self._resolve = resolve
        self._context = context or ssl.create_default_context()

    def check(self, url: str) -> tuple[Address, Sequence[str]]:
        """The parts of an address, and the IP addresses behind it. Raises UnfitWebhook when one of them may not be called."""
        address = address_of(url, embedded=self._embedded)
        found = self._resolve(address.host, address.port)
        inside = [ip for ip in found if not may_be_called(ip, address)]
        if inside or not found:
            raise UnfitWebhook(
                f"url: {address.host} is at {', '.join(inside) or 'no address'}, which is not on the public internet; "
                "Loopkeeper calls no machine inside a network"
            )
        return address, found

    def fit(self, wanted: Wanted, policy: Policy) -> Wanted:
        """What is wanted, if there are such brands and its address is one that we would call. Raises UnfitWebhook."""
        unknown = sorted((wanted.brands or frozenset()) - set(policy.brands))
        if unknown:
            raise UnfitWebhook(f"brands: there is no brand {', '.join(unknown)[:200]}")
        self.check(wanted.url)
        return wanted

    def post(self, due: Due, now: datetime) -> Outcome:
        """Try a delivery once; what became of it. Never raises for what the receiver does."""
        if not due.secrets:
            return Outcome(None, "the secret cannot be opened with this installation's keys; change it: POST …/secret")
        try:
            address, found = self.check(due.url)
        except UnfitWebhook as error:
            return Outcome(None, str(error).removeprefix("url: "))
        body, end = due.body.encode(), time.monotonic() + self._timeout
        signed = [Signer.with_secret(secret).headers(due.event_id, now.timestamp(), body) for secret in due.secrets]
        headers = {
            "host": address.authority,
            "content-type": "application/json",
            "user-agent": "Loopkeeper",
            "connection": "close",
            **signed[0],
            "webhook-signature": " ".join(one["webhook-signature"] for one in signed),
        }
        try:
            status = self._answer(address, found, headers, body, end)
        except (OSError, ValueError, http.client.HTTPException) as error:  # ValueError: what TLS takes for no name
            late = time.monotonic() >= end or isinstance(error, TimeoutError)
            return Outcome(None, f"no answer within {self._timeout:g} s" if late else f"no whole answer ({_named(error)})")
        if 200 <= status < 300:
            return Outcome(status, None)
        return Outcome(status, f"answered {status}" + ("; redirects are not followed" if 300 <= status < 400 else ""))

    def _answer(self, address: Address, found: Sequence[str], headers: dict[str, str], body: bytes, end: float) -> int:
        """The status. Nothing else of the answer is read, so that nothing of it can do harm."""
        with closing(self._connected(address, found, end)) as connection:
            # A time limit of a socket is one for each read. This one is for all of them.
            ending = threading.Timer(max(0.0, end - time.monotonic()), _hang_up, (connection,))
            ending.daemon = True
            ending.start()
            try:
                if isinstance(connection, ssl.SSLSocket):
                    connection.do_handshake()
                speaking = http.client.HTTPConnection(address.host, address.port)
                speaking.sock = connection
                speaking.request("POST", address.path, body, headers)
                answer = speaking.getresponse()
                answer.close()
                if time.monotonic() >= end:  # headers that were cut off by hanging up look as if they were whole
                    raise TimeoutError
                return answer.status
            finally:
                ending.cancel()

    def _connected(self, address: Address, found: Sequence[str], end: float) -> socket.socket:
        """A connection to the first of the addresses that takes it."""
        failed: OSError = TimeoutError()
        for ip in found:
            try:
                plain = socket.create_connection((ip, address.port), timeout=max(0.1, end - time.monotonic()))
            except OSError as error:
                failed = error
                continue
            if not address.https:
                return plain
            return self._context.wrap_socket(plain, server_hostname=address.host, do_handshake_on_connect=False)
        raise failed


def _hang_up(connection: socket.socket) -> None:
    try:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)  # beneath TLS, whose own way out is not for two threads
    except OSError:
        return  # it is over already


def _named(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate: {error.verify_message}"
    return type(error).__name__
