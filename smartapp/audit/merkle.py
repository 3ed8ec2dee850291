"""The Merkle tree of RFC 6962, 2.1: roots that grow by one leaf at a time, and proofs that a leaf is under a root."""

import hashlib
from collections.abc import Callable, Iterable, Sequence

EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The roots of its full subtrees, the largest first: all that is needed to add leaves and to tell the root."""

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size, self._peaks = size, list(peaks)
        if size.bit_count() != len(self._peaks):
            raise ValueError("a tree has a peak for each bit of its size")

    @property
    def peaks(self) -> tuple[bytes, ...]:
        return tuple(self._peaks)

    def add(self, leaf: bytes) -> None:
        """The hash of one more leaf."""
        self.size += 1
        rest = self.size
        while rest & 1 == 0:  # each even level is full now
            leaf = node_hash(self._peaks.pop(), leaf)
            rest >>= 1
        self._peaks.append(leaf)

    def root(self) -> bytes:
        if not self._peaks:
            return EMPTY
        *larger, root = self._peaks
        for peak in reversed(larger):
            root = node_hash(peak, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Of hashes of leaves."""
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def path(place: int, size: int, leaf_at: Callable[[int], bytes]) -> tuple[bytes, ...]:
    """PATH(m, D[n]), RFC 6962, 2.1.1: what proves the leaf at `place`, counted from 0, in a tree of this size."""
    found: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        split = low + (1 << (high - low - 1).bit_length() - 1)
        left = place < split
        beside = range(split, high) if left else range(low, split)
        found.append(root_of(map(leaf_at, beside)))
        low, high = (low, split) if left else (split, high)
    return tuple(reversed(found))


def is_included(leaf: bytes, place: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the leaf's hash is at `place` under the root: RFC 9162, 2.1.3.2, letter by letter."""
    if not 0 <= place < size:
        return False
    fn, sn, r = place, size - 1, leaf
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while fn & 1 == 0 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root
