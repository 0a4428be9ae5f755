"""What networks tell us over HTTP: believed only when signed, stored once, and never able to stop what comes after it."""

from __future__ import annotations

import html
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.channels.signing import TOLERANCE_SECONDS, Signer
from domain.events import Opened
from tests.integration.conftest import OTHER_SECRET, Bridge
from tests.integration.opened import created
from tests.signing_in import signed_in

REUSED = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def raw(post: str = "p1", **data: object) -> bytes:
    return json.dumps(created(post, **data)).encode()


# --- signatures -------------------------------------------------------------------------------------------------------


def forged(bridge: Bridge, body: bytes) -> dict[str, str]:
    return Signer.with_secret(OTHER_SECRET).headers("evt", time.time(), body)


def stale(bridge: Bridge, body: bytes) -> dict[str, str]:
    return bridge.headers(body, time.time() - TOLERANCE_SECONDS - 5)


def from_the_future(bridge: Bridge, body: bytes) -> dict[str, str]:
    return bridge.headers(body, time.time() + TOLERANCE_SECONDS + 5)


def missing(bridge: Bridge, body: bytes) -> dict[str, str]:
    return {}


def without_its_time(bridge: Bridge, body: bytes) -> dict[str, str]:
    return {k: v for k, v in bridge.headers(body).items() if k != "webhook-timestamp"}


def replayed_with_other_words(bridge: Bridge, body: bytes) -> dict[str, str]:
    return bridge.headers(body.replace(b"twice", b"once"))


def replayed_under_another_id(bridge: Bridge, body: bytes) -> dict[str, str]:
    return bridge.headers(body) | {"webhook-id": "evt_another"}


def replayed_with_a_fresh_time(bridge: Bridge, body: bytes) -> dict[str, str]:
    return stale(bridge, body) | {"webhook-timestamp": str(int(time.time()))}


def garbage(bridge: Bridge, body: bytes) -> dict[str, str]:
    return {"webhook-id": "x", "webhook-timestamp": "9" * 5000, "webhook-signature": "v1," + "=" * 50}


@pytest.mark.parametrize(
    "sign",
    [
        forged,
        stale,
        from_the_future,
        missing,
        without_its_time,
        replayed_with_other_words,
        replayed_under_another_id,
        replayed_with_a_fresh_time,
        garbage,
    ],
)
def test_what_is_not_signed_now_by_the_bridge_is_refused_and_not_stored(bridge: Bridge, sign: Callable[..., dict[str, str]]) -> None:
    body = raw()
    answer = bridge.send(body, sign(bridge, body))
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert "webhook-" in answer.json()["detail"]
    assert bridge.rows() == []


def test_the_signature_is_over_the_raw_body(bridge: Bridge) -> None:
    body = raw()
    same_meaning = json.dumps(json.loads(body), indent=1).encode()
    assert bridge.send(same_meaning, bridge.headers(body)).status_code == 401
    assert bridge.send(same_meaning).status_code == 202


def test_one_of_several_signatures_is_enough_while_a_secret_is_changed(bridge: Bridge) -> None:
    body = raw()
    headers = bridge.headers(body)
    headers["webhook-signature"] = f"v1,{'A' * 43}= {headers['webhook-signature']}"
    assert bridge.send(body, headers).status_code == 202


def test_an_exact_replay_within_the_window_changes_nothing(bridge: Bridge) -> None:
    body = raw()
    headers = bridge.headers(body)
    answers = [bridge.send(body, headers).json() for _ in range(2)]
    assert answers == [{"stored": True, "duplicate": False}, {"stored": True, "duplicate": True}]
    assert len(bridge.rows()) == 1


# --- repeats ----------------------------------------------------------------------------------------------------------


def test_the_same_post_a_thousand_times_from_eight_sides_is_stored_once(bridge: Bridge) -> None:
    body = raw()
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: bridge.send(body), range(1000)))
    assert {a.status_code for a in answers} == {202}
    assert sum(not a.json()["duplicate"] for a in answers) == 1
    assert [row["event_key"] for row in bridge.rows()] == ["created:p1"]


def test_every_version_of_a_post_counts_and_each_once(bridge: Bridge) -> None:
    def edit(at: str, text: str) -> dict[str, Any]:
        return {"type": "post.edited", "brand": "meridian", "data": {"id": "p1", "text": text, "edited_at": at}}

    for _ in range(2):
        bridge.tell(edit("2026-01-01T09:00:00Z", "first"))
        bridge.tell(edit("2026-01-01T09:00:01Z", "second"))
        bridge.tell(edit("2026-01-01T10:00:01+01:00", "second, told in another zone"))
    assert len(bridge.rows()) == 2


# --- what cannot be read ----------------------------------------------------------------------------------------------

DEEP = 10_000
UNREADABLE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "JSON"),
    "no JSON": (b"hello", "JSON"),
    "half of it": (raw()[:-20], "JSON"),
    "not UTF-8": (raw().replace(b"charged", b"charg\xe9d"), "JSON"),
    "a lone surrogate": (raw().replace(b"charged", b"charged \\ud800"), "JSON"),
    "a NUL, escaped": (raw().replace(b"charged", b"charged \\u0000"), "text"),
    "a NUL, raw": (raw().replace(b"charged", b"charged \x00"), "JSON"),
    "a NUL in a name": (raw(author={"id": "7", "name": "Sam\x00"}), "author.name"),
    "nested lists": (b'{"type":"post.created","brand":"meridian","data":' + b"[" * DEEP + b"]" * DEEP + b"}", "recursion"),
    "nested objects": (b'{"a":' * DEEP + b"1" + b"}" * DEEP, "recursion"),
    "a list": (b"[]", ""),
    "null": (b"null", ""),
    "a number that is none": (b"NaN", ""),
    "an unknown kind": (json.dumps(created() | {"type": "post.liked"}).encode(), "type"),
    "a kind with a NUL": (json.dumps(created() | {"type": "post\x00"}).encode(), "type"),
    "a kind of markup": (json.dumps(created() | {"type": "<script>alert(1)</script>"}).encode(), "type"),
    "a very long kind": (json.dumps(created() | {"type": "k" * 100_000}).encode(), "type"),
    "no kind": (json.dumps({k: v for k, v in created().items() if k != "type"}).encode(), "type"),
    "a number for a text": (raw(text=42), "text"),
    "a text for the author": (raw(author="Sam"), "author"),
    "no author's id": (raw(author={"handle": "sam"}), "author.id"),
    "too long a text": (raw(text="x" * 20_001), "text"),
    "an id with blanks": (raw("a b"), "data.id"),
    "an empty id": (raw(""), "data.id"),
    "an id of markup": (raw("<b>"), "data.id"),
    "a script for an address": (raw(url="javascript:alert(1)"), "url"),
    "a date of no calendar": (raw(posted_at="2026-02-30T09:00:00Z"), "posted_at"),
    "a date without a zone": (raw(posted_at="2026-02-20T09:00:00"), "posted_at"),
    "the year ten thousand": (raw(posted_at="10000-01-01T00:00:00Z"), "posted_at"),
    "the year nought": (raw(posted_at="0000-01-01T00:00:00Z"), "posted_at"),
    "a number beyond all dates": (raw(posted_at=1e300), "posted_at"),
    "a whole brand of NULs": (json.dumps(created() | {"brand": "\x00" * 5}).encode(), "brand"),
    "an unknown brand": (json.dumps(created() | {"brand": "nobody"}).encode(), "nobody"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_answered_with_the_reason_shown_and_in_nobodys_way(bridge: Bridge, name: str) -> None:
    body, reason = UNREADABLE[name]
    answer = bridge.send(body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert "quarantined" in answer.json()["detail"]
    assert reason in answer.json()["detail"]
    assert len(answer.json()["detail"]) < 1000
    page = bridge.http.get("/console/quarantine", headers=signed_in(bridge.http)).text
    assert "<script>alert" not in page
    (shown,) = bridge.store.inbox.quarantined()
    assert shown["reason"] == answer.json()["detail"].split(": ", 1)[1]
    assert shown["reason"] in html.unescape(page)
    assert bridge.tell(created("after")).status_code == 202
    assert [row["state"] for row in bridge.rows()] == ["quarantined", "waiting"]


def test_the_same_unreadable_message_is_shown_once(bridge: Bridge) -> None:
    assert {bridge.send(b"hello").status_code for _ in range(3)} == {422}
    assert len(bridge.rows()) == 1


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "streamed"])
def test_a_megabyte_is_refused_and_the_next_post_is_handled(bridge: Bridge, declared: bool) -> None:
    body = raw(text="x" * 1_000_000)
    headers = bridge.headers(body)
    content = body if declared else iter([body[i : i + 65_536] for i in range(0, len(body), 65_536)])
    answer = bridge.http.post("/webhooks/channels/x", content=content, headers=headers)
    assert answer.status_code == 413
    assert "262144 bytes" in answer.json()["detail"]
    assert bridge.tell(created("after")).status_code == 202
    assert len(bridge.rows()) == 1


def test_a_channel_that_is_not_there_says_which_are(bridge: Bridge) -> None:
    body = raw()
    answer = bridge.send(body, channel="myspace")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "there is no channel 'myspace' here; the channels are: x"
    assert bridge.rows() == []


@pytest.mark.parametrize("told", ["0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00"])
def test_an_absurd_date_opens_a_case_all_the_same(bridge: Bridge, told: str) -> None:
    answer = bridge.tell(created(f"at{told[:4]}", posted_at=told))
    assert answer.status_code == 202
    placed = bridge.store.inbox.place(bridge.rows()[0]["id"])
    assert placed is not None
    opened = bridge.store.reader.file(placed.case_id).history[0][1].event
    assert isinstance(opened, Opened)
    assert opened.posted_at is not None
    assert opened.posted_at <= opened.at <= datetime.now(UTC)


@REUSED
@given(body=st.binary(max_size=300))
def test_any_bytes_are_answered(bridge: Bridge, body: bytes) -> None:
    assert bridge.send(body).status_code == 422


ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=[]), max_size=40)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)
FIELDS = ["id", "url", "text", "posted_at", "edited_at", "deleted_at", "in_reply_to", "visibility", "author"]


@REUSED
@given(
    kind=st.sampled_from(["post.created", "post.edited", "post.deleted"]) | ANY_JSON,
    brand=st.just("meridian") | ANY_JSON,
    change=st.dictionaries(st.sampled_from(FIELDS), ANY_JSON, max_size=3),
)
def test_any_json_is_stored_or_quarantined_and_the_next_post_is_stored(bridge: Bridge, kind: object, brand: object, change: Any) -> None:
    body = created("any") | {"type": kind, "brand": brand}
    body["data"] = {**created("any")["data"], "edited_at": 0, "deleted_at": 0, **change}  # type: ignore[dict-item]
    assert bridge.tell(body).status_code in (202, 422)
    assert bridge.tell(created("p1")).status_code == 202


HEADER = st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_categories=["Cc"]), max_size=30)


@REUSED
@given(headers=st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), HEADER))
def test_any_headers_are_answered(bridge: Bridge, headers: dict[str, str]) -> None:
    body = raw()
    told = [(name.encode(), value.encode("latin-1")) for name, value in {**bridge.headers(body), **headers}.items()]
    answer = bridge.http.post("/webhooks/channels/x", content=body, headers=told)
    assert answer.status_code == (401 if headers else 202)
