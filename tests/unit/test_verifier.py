"""The verifier's own tree against the product's: they were written apart, and must agree on every proof."""

from __future__ import annotations

import itertools
import random

import pytest

from domain.merkle import Frontier, InMemory, consistency_proof, inclusion_proof, leaf_hash, root_of
from verifier.loopkeeper_verify import Checkpoint, climb, continues

LEAVES = InMemory([leaf_hash(bytes([n])) for n in range(70)])
ROOTS = [root_of(LEAVES, 0, size) for size in range(71)]


def at(size: int, root: bytes | None = None) -> object:
    return Checkpoint("log", size, ROOTS[size] if root is None else root, "", "")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 31, 32, 33, 64, 70])
def test_every_leaf_is_found_in_its_tree_and_in_no_other(size: int) -> None:
    for leaf in range(size):
        proof = inclusion_proof(LEAVES, leaf, size)
        assert climb(leaf, size - 1, LEAVES.leaves[leaf], proof)[1] == ROOTS[size]
        assert climb(leaf, size - 1, LEAVES.leaves[(leaf + 1) % 70], proof)[1] != ROOTS[size]
        assert climb(leaf, size - 1, LEAVES.leaves[leaf], proof[:-1])[1] != ROOTS[size] or size == 1
        assert climb(leaf, size - 1, LEAVES.leaves[leaf], [*proof, bytes(32)])[1] != ROOTS[size]
        for place, _ in enumerate(proof):
            wrong = [*proof[:place], bytes(32), *proof[place + 1 :]]
            assert climb(leaf, size - 1, LEAVES.leaves[leaf], wrong)[1] != ROOTS[size]


def test_every_size_continues_every_smaller_one_and_no_other() -> None:
    for older, size in itertools.combinations(range(1, 71), 2):
        proof = consistency_proof(LEAVES, older, size)
        assert continues(at(older), at(size), proof)
        assert not continues(at(older, bytes(32)), at(size), proof)
        assert not continues(at(older), at(size, bytes(32)), proof)
        assert not continues(at(older), at(size), proof[:-1])
        assert not continues(at(older), at(size), [*proof, bytes(32)])
        assert not continues(at(older), at(size), [])


def test_a_log_continues_the_empty_one_and_itself() -> None:
    assert continues(at(0), at(9), [])
    assert continues(at(9), at(9), [])
    assert not continues(at(9, bytes(32)), at(9), [])


def test_a_tree_that_is_grown_leaf_by_leaf_has_the_root_of_the_whole() -> None:
    frontier = Frontier()
    for size, leaf in enumerate(LEAVES.leaves, 1):
        frontier.add(leaf)
        assert frontier.root() == ROOTS[size]


def test_proofs_that_are_made_up_hold_nowhere() -> None:
    chance = random.Random(6962)
    for _ in range(2_000):
        older, size = sorted(chance.sample(range(1, 71), 2))
        proof = [chance.randbytes(32) for _ in range(chance.randrange(8))]
        assert not continues(at(older), at(size), proof)
        assert climb(chance.randrange(size), size - 1, LEAVES.leaves[0], proof)[1] != ROOTS[size] or size == 1
