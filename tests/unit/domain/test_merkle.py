"""The log's tree, held against the known vectors of Certificate Transparency and against a slow reading of RFC 6962."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.merkle import (
    EMPTY_ROOT,
    Frontier,
    InMemory,
    consistency_proof,
    continues,
    holds_leaf,
    inclusion_proof,
    leaf_hash,
    root_of,
)

# The vectors that CT implementations test with: eight leaves, and the root after each of them.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHED = [leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]
# Inclusion and consistency paths of the same vectors (leaf or older size counted from 0 and 1, size, path).
PATHS = [
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
]
CONSISTENT = [
    (1, 1, []),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]


def test_the_empty_log_has_the_root_that_the_rfc_gives_it() -> None:
    assert Frontier().root() == EMPTY_ROOT == hashlib.sha256().digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_known_vectors(size: int) -> None:
    frontier = Frontier()
    for leaf in HASHED[:size]:
        frontier.add(leaf)
    assert frontier.root().hex() == ROOTS[size - 1]
    assert root_of(InMemory(HASHED), 0, size).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("leaf", "size", "path"), PATHS)
def test_inclusion_paths_are_those_of_the_known_vectors(leaf: int, size: int, path: list[str]) -> None:
    assert [p.hex() for p in inclusion_proof(InMemory(HASHED), leaf, size)] == path


@pytest.mark.parametrize(("older", "size", "path"), CONSISTENT)
def test_consistency_paths_are_those_of_the_known_vectors(older: int, size: int, path: list[str]) -> None:
    assert [p.hex() for p in consistency_proof(InMemory(HASHED), older, size)] == path


def slow_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + slow_root(leaves[:k]) + slow_root(leaves[k:])).digest()


def test_every_proof_of_every_small_log_holds_and_no_other_does() -> None:
    leaves = [leaf_hash(bytes([n])) for n in range(40)]
    trees, roots = InMemory(leaves), [slow_root(leaves[: n + 1]) for n in range(40)]
    for size in range(1, 41):
        for leaf in range(size):
            proof = inclusion_proof(trees, leaf, size)
            assert holds_leaf(leaf, size, leaves[leaf], proof, roots[size - 1])
            assert not holds_leaf(leaf, size, leaf_hash(b"other"), proof, roots[size - 1])
            assert not holds_leaf(leaf, size, leaves[leaf], [*proof, leaves[0]], roots[size - 1])
            assert not proof or not holds_leaf(leaf, size, leaves[leaf], proof[:-1], roots[size - 1])
        for older in range(1, size + 1):
            proof = consistency_proof(trees, older, size)
            assert continues(older, roots[older - 1], size, roots[size - 1], proof)
            assert not continues(older, leaf_hash(b"other"), size, roots[size - 1], proof)
            if older < size:
                assert not continues(older, roots[older - 1], size, leaf_hash(b"other"), proof)
                assert not continues(older, roots[older - 1], size, roots[size - 1], proof[:-1])


@given(st.integers(1, 300), st.data())
def test_a_tree_goes_on_from_its_frontier(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(n.to_bytes(2)) for n in range(size)]
    known = data.draw(st.integers(0, size))
    trees, roots, first = InMemory(leaves), [], 0
    for bit in reversed(range(known.bit_length())):
        if known >> bit & 1:
            roots.append(trees.full(first, 1 << bit))
            first += 1 << bit
    frontier = Frontier(known, roots)
    for leaf in leaves[known:]:
        frontier.add(leaf)
    assert frontier.root() == slow_root(leaves)


@pytest.mark.parametrize(("leaf", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(leaf: int, size: int) -> None:
    with pytest.raises(ValueError, match="there is no leaf"):
        inclusion_proof(InMemory(HASHED), leaf, size)
    assert not holds_leaf(leaf, size, HASHED[0], [], HASHED[0])


def test_a_frontier_that_does_not_fit_its_size_is_refused() -> None:
    with pytest.raises(ValueError, match="consists of 2"):
        Frontier(3, [HASHED[0]])
