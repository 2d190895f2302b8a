"""Open addressing from a 64-bit key to a slot: linear probing, removal by shifting back (no tombstones).

Keys are hashes already (``models.decode``), so the low bits are the bucket. The table is at most half full.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True, _nrt=False)
def find(slots: NDArray[Any], table: NDArray[np.int32], key: int) -> int:
    """The slot that holds *key*, or -1."""
    mask = np.uint64(len(table) - 1)
    at = key & mask
    while table[at] >= 0:
        if slots[table[at]].key == key:
            return int(table[at])
        at = (at + np.uint64(1)) & mask
    return -1


@njit(cache=True, nogil=True, _nrt=False)
def insert(slots: NDArray[Any], table: NDArray[np.int32], slot: int) -> None:
    """Enter *slot* under its key, which must not be in the table."""
    mask = np.uint64(len(table) - 1)
    at = slots[slot].key & mask
    while table[at] >= 0:
        at = (at + np.uint64(1)) & mask
    table[at] = slot


@njit(cache=True, nogil=True, _nrt=False)
def remove(slots: NDArray[Any], table: NDArray[np.int32], slot: int) -> None:
    """Take *slot* out and close the gap, so that every other key is still found."""
    mask = np.uint64(len(table) - 1)
    one = np.uint64(1)
    at = slots[slot].key & mask
    while table[at] != slot:
        at = (at + one) & mask
    gap = at
    at = (at + one) & mask
    while table[at] >= 0:
        home = slots[table[at]].key & mask
        if ((at - home) & mask) >= ((at - gap) & mask):
            table[gap] = table[at]
            gap = at
        at = (at + one) & mask
    table[gap] = -1


@njit(cache=True, nogil=True, _nrt=False)
def rehash(slots: NDArray[Any], table: NDArray[np.int32], used: int, keyless: int) -> None:
    """Fill the empty *table* with those of the first *used* slots that are not free and not of the kind *keyless*,
    which has the key of another slot."""
    for slot in range(used):
        if 0 <= slots[slot].kind != keyless:
            insert(slots, table, slot)
