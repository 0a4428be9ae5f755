"""The log's Merkle tree (RFC 6962, section 2.1): roots, and proofs that an event is in it or that a larger one continues a smaller one.

A leaf is the hash of an event (`domain.history.chain_hash`). Everything here is given hashes and gives hashes; where they are kept is
the business of whoever fulfils `Subtrees`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a log without leaves."""


def leaf_hash(data: bytes) -> bytes:
    """What stands in the tree for a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """What stands in the tree above two nodes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the full subtrees that a tree of some size consists of, the largest first: enough to grow it and to know its root."""

    def __init__(self, size: int = 0, roots: Iterable[bytes] = ()) -> None:
        self.size = size
        self._roots = list(roots)
        if len(self._roots) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves consists of {size.bit_count()} full subtrees, not of {len(self._roots)}")

    def add(self, leaf: bytes) -> None:
        """Grow by one leaf, given by its leaf hash."""
        roots, size = self._roots, self.size
        node = leaf
        while size & 1:
            node = node_hash(roots.pop(), node)
            size >>= 1
        roots.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The root of the tree as it is."""
        if not self._roots:
            return EMPTY_ROOT
        *larger, root = self._roots
        for left in reversed(larger):
            root = node_hash(left, root)
        return root


class Subtrees(Protocol):
    """Where the hashes of a log are kept."""

    def full(self, first: int, size: int) -> bytes:
        """The root of the subtree of `size` leaves (a power of two) that begins with leaf `first` (a multiple of it)."""
        ...


def root_of(trees: Subtrees, first: int, end: int) -> bytes:
    """The root over the leaves from `first` up to and without `end`, for ranges that occur in proofs."""
    size = end - first
    if size <= 0:
        return EMPTY_ROOT
    if size & (size - 1) == 0:
        return trees.full(first, size)
    split = _split(size)
    return node_hash(trees.full(first, split), root_of(trees, first + split, end))


def inclusion_proof(trees: Subtrees, leaf: int, size: int) -> list[bytes]:
    """The hashes that lead from a leaf to the root of the log at `size` (RFC 6962, 2.1.1)."""
    if not 0 <= leaf < size:
        raise ValueError(f"there is no leaf {leaf} in a log of {size}")

    def path(leaf: int, first: int, end: int) -> list[bytes]:
        if end - first == 1:
            return []
        split = first + _split(end - first)
        if leaf < split:
            return [*path(leaf, first, split), root_of(trees, split, end)]
        return [*path(leaf, split, end), root_of(trees, first, split)]

    return path(leaf, 0, size)


def consistency_proof(trees: Subtrees, older: int, size: int) -> list[bytes]:
    """The hashes that show that the log at `size` continues the log at `older` (RFC 6962, 2.1.2). Empty when they are the same."""
    if not 0 < older <= size:
        raise ValueError(f"a log of {size} cannot be compared with one of {older}")

    def path(older: int, first: int, end: int, *, whole: bool) -> list[bytes]:
        if older == end:
            return [] if whole else [root_of(trees, first, end)]
        split = first + _split(end - first)
        if older <= split:
            return [*path(older, first, split, whole=whole), root_of(trees, split, end)]
        return [*path(older, split, end, whole=False), root_of(trees, first, split)]

    return path(older, 0, size, whole=True)


def holds_leaf(leaf: int, size: int, hashed: bytes, proof: list[bytes], root: bytes) -> bool:
    """Whether the proof leads from that leaf to that root (RFC 9162, 2.1.3.2)."""
    if not 0 <= leaf < size:
        return False
    position, last, node = leaf, size - 1, hashed
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and node == root


def continues(older: int, older_root: bytes, size: int, root: bytes, proof: list[bytes]) -> bool:
    """Whether the proof shows that the one log continues the other (RFC 9162, 2.1.4.2)."""
    if older == size:
        return not proof and older_root == root
    if not 0 < older < size or not proof:
        return False
    path = [older_root, *proof] if older & (older - 1) == 0 else list(proof)
    position, last = older - 1, size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    before = after = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and before == older_root and after == root


@dataclass(frozen=True)
class InMemory:
    """A log whose leaf hashes are all at hand."""

    leaves: list[bytes]

    def full(self, first: int, size: int) -> bytes:
        """See `Subtrees.full`."""
        if size == 1:
            return self.leaves[first]
        half = size // 2
        return node_hash(self.full(first, half), self.full(first + half, half))


def _split(size: int) -> int:
    """The largest power of two that is smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1
