"""Who tries keys and sign-ins that do not hold, and how often: so that nobody can go on guessing."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from math import ceil

from fastapi import Request

ADDRESSES = 10_000
"""How many addresses are remembered; beyond that, the one that failed the longest ago is forgotten."""


class Failures:
    """Counts by address within a stretch of time. Each process counts for itself, in bounded memory."""

    def __init__(self, *, at_most: int, within_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._at_most = at_most
        self._within = within_seconds
        self._clock = clock
        self._counted: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def wait(self, address: str) -> int:
        """For how many seconds this address is not listened to; 0 when it is."""
        since, count = self._counted.get(address, (0.0, 0))
        left = since + self._within - self._clock()
        return ceil(left) if count >= self._at_most and left > 0 else 0

    def note(self, address: str) -> None:
        """One more that did not hold."""
        now = self._clock()
        since, count = self._counted.pop(address, (now, 0))
        self._counted[address] = (since, count + 1) if now - since < self._within else (now, 1)
        if len(self._counted) > ADDRESSES:
            self._counted.popitem(last=False)


def address_of(request: Request) -> str:
    """From where a request comes; of an IPv6 address the network, because everybody has very many of those."""
    host = request.client.host if request.client is not None else ""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))
    return str(address)
