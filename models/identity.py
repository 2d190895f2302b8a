"""Identity: one 64-bit number for what a record speaks of, the same in every run and on every machine.

The text behind it is built of parts, separated by U+001F, which no part may contain:

====  =======================  ==================================================================
mark  further parts            types
====  =======================  ==================================================================
q     queue, call, leg         offered, ring.no_answer, answered, abandoned, flowed_out, completed
m     queue, call, leg         ivr.abandoned
b     queue, call, leg         call.blocked
a     queue, agent             agent.state
r     source, id               all others
c     customer                 who calls: column ``who`` of the types of a contact
g     agent                    who works, in whatever queue: column ``who`` of agent.state, agent.login_failed
s     site                     where an overflow or transfer came from: column ``origin``
====  =======================  ==================================================================

The number is FNV-1a 64 over its UTF-8 bytes, then the finalizer of MurmurHash3, because slot tables use the low bits
and FNV's are weak there. 0 means a free slot in such tables and becomes 1. Snapshots hold these numbers: they never
change. Two of ten million calls collide with a chance of 3 in a million (n^2 / 2^65).

Sources: Fowler, Noll, Vo (draft-eastlake-fnv); Appleby, MurmurHash3 ``fmix64``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

SEPARATOR: Final = "\x1f"

BASIS: Final = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)
_MIX_1 = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2 = np.uint64(0xC4CEB9FE1A85EC53)
_SHIFT = np.uint64(33)


@njit(cache=True, nogil=True, _nrt=False)
def step(h: np.uint64, byte: np.uint8) -> np.uint64:
    """FNV-1a: the hash *h* (BASIS for nothing yet) with one more *byte*."""
    return (h ^ np.uint64(byte)) * _PRIME


@njit(cache=True, nogil=True, _nrt=False)
def fnv1a(h: np.uint64, buffer: NDArray[np.uint8], begin: int, end: int) -> np.uint64:
    """FNV-1a: the hash *h* with the bytes of *buffer* from *begin* up to *end*."""
    for at in range(begin, end):
        h = step(h, buffer[at])
    return h


@njit(cache=True, nogil=True, _nrt=False)
def finish(h: np.uint64) -> np.uint64:
    """The identity from the FNV-1a of its text."""
    h = (h ^ (h >> _SHIFT)) * _MIX_1
    h = (h ^ (h >> _SHIFT)) * _MIX_2
    h = h ^ (h >> _SHIFT)
    return h if h != np.uint64(0) else np.uint64(1)


@njit(cache=True, nogil=True)
def hash_rows(buffer: NDArray[np.uint8], ends: NDArray[np.int64], out: NDArray[np.uint64]) -> None:
    """Hash row i of *buffer*, the bytes from ``ends[i - 1]`` (or 0) up to ``ends[i]``, into ``out[i]``."""
    start = 0
    for row in range(len(ends)):
        out[row] = finish(fnv1a(BASIS, buffer, start, ends[row]))
        start = ends[row]


def keys(texts: Sequence[str]) -> NDArray[np.uint64]:
    """The identity of each of *texts* (parts joined by SEPARATOR), in order. They must be encodable as UTF-8."""
    joined = "".join(texts)
    if joined.isascii():
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        data = joined.encode("ascii")
    else:
        encoded = [text.encode() for text in texts]
        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
        data = b"".join(encoded)
    out = np.empty(len(texts), np.uint64)
    hash_rows(np.frombuffer(data, np.uint8), np.cumsum(lengths), out)
    return out


def key(*parts: str | int) -> int:
    """The identity of one thing, from its mark and parts: ``key("q", queue, call, leg)``."""
    return int(keys([SEPARATOR.join(map(str, parts))])[0])
