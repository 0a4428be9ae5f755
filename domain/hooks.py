"""Webhooks out: what other systems subscribe to, what they are told, and when they are told again. docs/webhooks.md is the contract."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Protocol, get_args
from urllib.parse import urlsplit

from domain.case import Case
from domain.errors import LoopkeeperError
from domain.events import Closed, Event, ReplyPosted
from domain.values import NOWHERE

KINDS = frozenset(str(next(field.default for field in fields(each) if field.name == "kind")) for each in get_args(Event))
"""The kinds of events that can be subscribed to: all that can happen to a case."""
TEST = "test"
"""The kind of the event by which somebody tries a subscription."""
AGAIN = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=10))
"""How long after each failed try the next one is made; after one more the delivery is dead."""
HOLDS_UP = 3
"""So many failed tries of an event hold up the later ones of its case; one receiver's trouble with one event is not to silence a case."""
MOST = 50
"""So many subscriptions an installation may have: the sender keeps threads for each, so that none waits for another."""
AT_ONCE = 2
"""So many tries of one subscription are under way at the same time, at most."""
OVERLAP = timedelta(hours=24)
"""So long the secret before signs as well, after it was changed."""
KEPT = timedelta(days=30)
"""So long a delivery can be looked at and replayed after it was settled."""
LONGEST_URL, LONGEST_DESCRIPTION = 2000, 200
PORTS = (443, 8443)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_HOST = re.compile(r"[A-Za-z0-9.:_-]{1,253}")


class UnfitWebhook(LoopkeeperError):
    """What a subscription was to be, it cannot be; or its address is none that is called."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a subscription's receiver is. `inside`: on this very machine, which is let through in an embedded installation alone."""

    https: bool
    host: str
    port: int
    path: str
    inside: bool

    @property
    def authority(self) -> str:
        """For the header `Host`."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.https else 80) else f"{name}:{self.port}"


def address_of(url: str, *, embedded: bool) -> Address:
    """The parts of a receiver's address. Raises UnfitWebhook, saying why it is none that we would call."""
    if not (url.isascii() and url.isprintable() and " " not in url and "\\" not in url and len(url) <= LONGEST_URL):
        raise UnfitWebhook(f"url: at most {LONGEST_URL} visible ASCII characters (other letters of a host as xn--…, of a path as %…)")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise UnfitWebhook("url: is no address: write https://host/path") from None
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise UnfitWebhook("url: without a user, a password or a #fragment; the signature says who sends")
    if not _HOST.fullmatch(host):
        raise UnfitWebhook("url: is no address: write https://host/path")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if embedded and host in _LOOPBACK and parts.scheme in ("http", "https"):
        https = parts.scheme == "https"
        return Address(https, host, (443 if https else 80) if port is None else port, path, inside=True)
    if parts.scheme != "https":
        raise UnfitWebhook("url: must begin with https:// (http is for an embedded installation's own machine alone: 127.0.0.1)")
    if port not in (None, *PORTS):
        raise UnfitWebhook(f"url: the port must be one of {', '.join(map(str, PORTS))}")
    return Address(https=True, host=host, port=443 if port is None else port, path=path, inside=False)


def may_be_called(ip: str, address: Address) -> bool:
    """Whether a receiver may be at this IP address: one of the public internet; inside, one of the machine itself."""
    try:
        found = ipaddress.ip_address(ip.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        beneath = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF) if found in _NAT64 else found.ipv4_mapped or found.sixtofour
        found = beneath or found
    if address.inside:
        return found.is_loopback
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified or found.is_loopback)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a subscription shall be. `events`, `brands`: None for all. Raises UnfitWebhook."""

    url: str
    events: frozenset[str] | None = None
    brands: frozenset[str] | None = None
    description: str = ""
    active: bool = True

    def __post_init__(self) -> None:
        unknown = sorted((self.events or frozenset()) - KINDS)
        if unknown:
            raise UnfitWebhook(f"events: nothing is called {', '.join(unknown)[:200]}; docs/history.md has the kinds of events")
        if self.events is not None and not self.events:
            raise UnfitWebhook("events: a subscription to none would never be told anything; leave it out for all")
        if self.brands is not None and not self.brands:
            raise UnfitWebhook("brands: a subscription to none would never be told anything; leave it out for all")
        if len(self.description) > LONGEST_DESCRIPTION or not (self.description.isprintable()):
            raise UnfitWebhook(f"description: at most {LONGEST_DESCRIPTION} characters in one line")

    def wants(self, kind: str, brand: str) -> bool:
        """Whether it is to be told of such an event."""
        return (self.events is None or kind in self.events) and (self.brands is None or brand in self.brands)


def body_of(case: Case, number: int, sequence: int, event: Event) -> str:
    """What receivers are told of the `sequence`-th event of a case, as it stood right after it. Ids and facts: no words, no names."""
    data = {
        "case_id": case.id,
        "number": number,
        "sequence": sequence,
        "brand": case.brand,
        "channel": case.channel,
        "status": case.status.value,
        "department": case.department,
        "priority": case.priority.value,
        "category": case.category,
        "permalinks": list(permalinks(event)),
    }
    return json.dumps({"type": event.kind, "timestamp": _moment(event.at), "data": data}, separators=(",", ":"), ensure_ascii=False)


def permalinks(event: Event) -> Iterator[str]:
    """Where people can read what was said in public by the event."""
    match event:
        case ReplyPosted(parts=parts):
            yield from (part.url for part in parts if not part.url.startswith(NOWHERE))
        case Closed(permalink=str(url)) if not url.startswith(NOWHERE):
            yield url


def trial_body(webhook: str, at: datetime) -> str:
    """What a receiver is told when somebody tries the subscription."""
    return json.dumps({"type": TEST, "timestamp": _moment(at), "data": {"webhook_id": webhook}}, separators=(",", ":"))


def next_try(failed: int, now: datetime) -> datetime | None:
    """When a delivery is tried again that has failed so many times; None when it is dead."""
    return now + AGAIN[failed - 1] if failed <= len(AGAIN) else None


def _moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery whose time has come, claimed for one try. `secrets`: the current one, and the one before while it signs as well."""

    number: int
    webhook: str
    event_id: str
    url: str
    body: str
    secrets: tuple[str, ...]
    failed: int
    claim: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one try: the status that was answered, and what is wrong; None when the receiver has it."""

    status: int | None
    problem: str | None


class Outbox(Protocol):
    """Where deliveries wait."""

    def claim(self, busy: dict[str, int], now: datetime) -> list[Due]:
        """Take what is due, a few at a time for each subscription (`busy`: how many of each are under way). Raises Unavailable."""
        ...

    def settle(self, due: Due, outcome: Outcome, now: datetime) -> None:
        """Keep what became of it, unless it was overtaken. Raises Unavailable."""
        ...

    def forget(self, now: datetime) -> int:
        """Delete what was settled long ago; how many. Raises Unavailable."""
        ...
