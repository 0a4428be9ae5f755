"""Which addresses are called, which are not, and when a delivery is tried again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from domain.events import Accepted, Closed, Event, HandedOff, Opened, ReplyPosted
from domain.evolve import fold
from domain.hooks import KINDS, Address, UnfitWebhook, Wanted, address_of, body_of, may_be_called, next_try
from domain.values import NOWHERE, Intent, Permalink, Priority, Purpose

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
OUTSIDE = address_of("https://crm.example.com/hook", embedded=True)
INSIDE = address_of("http://127.0.0.1:9/hook", embedded=True)


def test_a_receiver_is_an_https_address_on_a_usual_port() -> None:
    assert address_of("https://crm.example.com", embedded=False) == Address(True, "crm.example.com", 443, "/", False)
    assert address_of("https://crm.example.com:8443/a?b=c", embedded=False).path == "/a?b=c"
    assert address_of("https://crm.example.com:8443/", embedded=False).authority == "crm.example.com:8443"
    assert address_of("https://[2606:4700::1111]/", embedded=False).authority == "[2606:4700::1111]"


@pytest.mark.parametrize(
    "url",
    [
        "http://crm.example.com/",
        "ftp://crm.example.com/",
        "file:///etc/passwd",
        "https://crm.example.com:22/",
        "https://crm.example.com:80/",
        "https://crm.example.com:99999/",
        "https://user:pass@crm.example.com/",
        "https://crm.example.com/#part",
        "https://crm.example.com\\@evil.example/",
        "https://crm.example.com/a b",
        "https://crm.example.com/\r\nhost: evil",
        "https://bücher.example/",
        "https://",
        "https://[::1/",
        "https://a_b%00.example/",
        "//crm.example.com/",
        "crm.example.com",
        "http://127.0.0.1:9000/",
        "http://localhost:9000/",
        "https://x.example/" + "a" * 2000,
    ],
)
def test_no_other_address_is_taken(url: str) -> None:
    with pytest.raises(UnfitWebhook, match=r"^url: "):
        address_of(url, embedded=False)


def test_an_embedded_installation_calls_its_own_machine_and_no_other_by_http() -> None:
    assert address_of("http://localhost:9000/hook", embedded=True) == Address(False, "localhost", 9000, "/hook", True)
    for url in ("http://127.0.0.2:9000/", "http://crm.example.com/", "http://localhost.example/", "http://10.0.0.1/"):
        with pytest.raises(UnfitWebhook):
            address_of(url, embedded=True)


@pytest.mark.parametrize(
    "ip",
    [
        "127.0.0.1",
        "127.9.9.9",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "240.0.0.1",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2001:db8::1",
        "nonsense",
    ],
)
def test_nothing_inside_a_network_is_called(ip: str) -> None:
    assert not may_be_called(ip, OUTSIDE)


def test_the_public_internet_is_called_and_from_an_embedded_installation_its_own_machine_alone() -> None:
    assert all(may_be_called(ip, OUTSIDE) for ip in ("93.184.216.34", "2606:4700::1111", "64:ff9b::5db8:d822"))
    assert may_be_called("127.0.0.1", INSIDE)
    assert may_be_called("::1", INSIDE)
    assert not any(may_be_called(ip, INSIDE) for ip in ("93.184.216.34", "10.0.0.1", "169.254.169.254"))


def test_a_delivery_is_tried_after_1_and_5_and_30_minutes_2_and_10_hours_and_then_dead() -> None:
    waits = [(again - NOW) / timedelta(minutes=1) if (again := next_try(failed, NOW)) else None for failed in range(1, 7)]
    assert waits == [1, 5, 30, 120, 600, None]


def test_a_subscription_is_told_what_it_wants() -> None:
    everything, some = Wanted("https://x.example/"), Wanted("https://x.example/", frozenset({"closed"}), frozenset({"acme"}))
    assert everything.wants("opened", "meridian")
    assert some.wants("closed", "acme")
    assert not some.wants("opened", "acme")
    assert not some.wants("closed", "meridian")
    assert {"opened", "resolved", "closed", "clock_breached"} <= KINDS


def test_a_subscription_to_nothing_or_to_what_does_not_exist_is_refused() -> None:
    for events, brands in ((frozenset({"explodes"}), None), (frozenset(), None), (None, frozenset())):
        with pytest.raises(UnfitWebhook):
            Wanted("https://x.example/", events, brands)
    for description in ("x" * 201, "two\nlines"):
        with pytest.raises(UnfitWebhook):
            Wanted("https://x.example/", description=description)


def test_receivers_are_told_ids_and_facts_as_they_stood_and_no_words_or_people() -> None:
    opened = Opened(NOW, "p1", "acme", "x", Intent.COMPLAINT, "billing", Priority.HIGH, "billing", "v1", words="w-1")
    parts = (Permalink("9", "https://x.example/acme/9"), Permalink("10", NOWHERE + "x/10"))
    history: list[Event] = [opened, ReplyPosted(NOW, 1, Purpose.ACKNOWLEDGEMENT, parts, words="w-2"), HandedOff(NOW, "billing")]
    told = json.loads(body_of(fold("acme-x-p1", history[:2]), 7, 2, history[1]))
    assert told == {
        "type": "reply_posted",
        "timestamp": "2026-03-02T09:00:00Z",
        "data": {
            "case_id": "acme-x-p1",
            "number": 7,
            "sequence": 2,
            "brand": "acme",
            "channel": "x",
            "status": "acknowledged",
            "department": "billing",
            "priority": "high",
            "category": "billing",
            "permalinks": ["https://x.example/acme/9"],
        },
    }
    accepted = Accepted(NOW, "slack:UANA")
    body = body_of(fold("acme-x-p1", [*history, accepted]), 7, 4, accepted)
    assert "UANA" not in body
    assert "w-1" not in body
    closed = Closed(NOW, permalink="https://x.example/acme/11")
    assert json.loads(body_of(fold("acme-x-p1", [*history, closed]), 7, 5, closed))["data"]["permalinks"] == ["https://x.example/acme/11"]
