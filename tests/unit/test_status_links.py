"""The links to status pages: nobody can guess one, and nothing has to be stored to find the case of one."""

from __future__ import annotations

import base64
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.keyring import Keyring
from adapters.links import StatusLinks

OLD, NEW = ("k1", b"1" * 32), ("k2", b"2" * 32)
LINKS = StatusLinks(Keyring((OLD,)), "https://care.example")
CASES = {number: f"meridian-x-{number}" for number in (1, 2, 300, 2**40)}


def known(number: int) -> tuple[str, int] | None:
    return (CASES[number], 0) if number in CASES else None


def token_of(links: StatusLinks, number: int) -> str:
    return links.make(number, CASES[number]).rpartition("/")[2]


@pytest.mark.parametrize("number", CASES)
def test_a_link_leads_to_its_case_and_is_always_the_same(number: int) -> None:
    assert LINKS.read(token_of(LINKS, number), known) == (CASES[number], True)
    assert token_of(LINKS, number) == token_of(LINKS, number)
    assert LINKS.make(number, CASES[number]).startswith("https://care.example/s/1")


def test_a_link_says_nothing_of_the_case() -> None:
    raw = [base64.urlsafe_b64decode(token_of(LINKS, number)[1:]) for number in CASES]
    assert all(len(one) * 8 == 192 for one in raw)
    assert len({one[16:] for one in raw}) == len(raw)
    assert all(number.to_bytes(8) not in one for number, one in zip(CASES, raw, strict=True))


def test_no_bit_of_a_link_can_be_changed() -> None:
    raw = base64.urlsafe_b64decode(token_of(LINKS, 2)[1:])
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        assert LINKS.read("1" + base64.urlsafe_b64encode(bytes(changed)).decode(), known) is None


def test_a_number_that_another_case_has_since_a_restore_is_not_its_page() -> None:
    assert LINKS.read(token_of(LINKS, 2), {2: ("meridian-x-another", 0)}.get) is None


def test_links_hold_while_the_key_is_in_the_ring_and_no_longer() -> None:
    token = token_of(LINKS, 300)
    assert StatusLinks(Keyring((NEW, OLD)), "").read(token, known) == (CASES[300], True)
    assert StatusLinks(Keyring((NEW,)), "").read(token, known) is None


def test_guesses_hardly_ever_reach_the_database() -> None:
    asked: list[int] = []
    for _ in range(2000):
        assert LINKS.read("1" + base64.urlsafe_b64encode(os.urandom(24)).decode(), lambda number: asked.append(number)) is None
    assert len(asked) <= 3


@given(st.text(max_size=60))
def test_whatever_stands_in_the_address_is_no_error(token: str) -> None:
    assert LINKS.read(token, known) is None


def test_other_ways_to_write_the_same_link_are_none() -> None:
    token = token_of(LINKS, 1)
    for other in (token[1:], "2" + token[1:], token[:-1] + "=", token + "=", token + "AAAA", token[:-1], token + "\n", " " + token, "1"):
        assert LINKS.read(other, known) is None


def test_a_link_that_was_withdrawn_is_known_and_holds_no_more_and_the_next_one_does() -> None:
    made = [LINKS.make(2, CASES[2], turn).rpartition("/")[2] for turn in range(4)]
    assert len(set(made)) == 4
    for withdrawn in range(4):
        read = [LINKS.read(token, lambda _number, n=withdrawn: (CASES[2], n)) for token in made]  # type: ignore[misc]
        assert read == [*[(CASES[2], False)] * withdrawn, (CASES[2], True), *[None] * (3 - withdrawn)], "one that is still to come is none"
