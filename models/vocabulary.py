"""The words that an event is written with, as one table that a kernel can look a slice of bytes up in.

Seven vocabularies share it: names of fields, of types, of agent states, of reasons of flowing out, of lines, of
channels and of directions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.event import AGENT_STATES, CHANNELS, DIRECTIONS, EVENT_TYPES, FLOW_REASONS, LINES
from models.fields import DURATIONS, OPTIONAL_TEXTS

#: What `find` answers for a word that is not in the vocabulary.
NO_WORD: Final = -1


class Vocabulary(IntEnum):
    """Which list of words is meant."""

    FIELD = 0
    TYPE = 1
    STATE = 2
    REASON = 3
    LINE = 4
    CHANNEL = 5
    DIRECTION = 6


#: Every field that a scan looks at; the position is its number: texts first, then numbers, then ``ok``.
TEXTS: Final = ("id", "source", "type", "queue", "state", *OPTIONAL_TEXTS)
NUMBERS: Final = ("ts", "first_queued_ts", "leg", *DURATIONS, "value")
FIELDS: Final[dict[str, int]] = {name: at for at, name in enumerate((*TEXTS, *NUMBERS, "ok"))}


def numbered(words: Iterable[str]) -> dict[str, int]:
    """The position of each of *words*."""
    return {word: at for at, word in enumerate(words)}


#: Slots of the table, a power of two: one in three is taken.
_SLOTS: Final = 256
_MASK: Final = _SLOTS - 1


@njit(cache=True, nogil=True, _nrt=False)
def _home(buffer: NDArray[np.uint8], begin: int, end: int, vocabulary: int) -> int:
    """Where the search for a word begins: its length and three of its bytes tell nearly all of ours apart."""
    first, middle, last = np.int64(buffer[begin]), np.int64(buffer[(begin + end) >> 1]), np.int64(buffer[end - 1])
    return int((first * 7 + middle * 31 + last * 131 + (end - begin) * 17 + vocabulary * 61) & _MASK)


def _table(words: Iterable[tuple[Vocabulary, Mapping[str, int]]]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """A row for each slot (vocabulary or -1, code, begin, end) and the bytes between begin and end of all words."""
    rows = np.full((_SLOTS, 4), -1, np.int64)
    letters = bytearray()
    for vocabulary, codes in words:
        for word, code in codes.items():
            begin, end = len(letters), len(letters) + len(word)
            letters += word.encode("ascii")
            at = _home.py_func(np.frombuffer(bytes(letters), np.uint8), begin, end, vocabulary)
            while rows[at, 0] >= 0:
                at = (at + 1) & _MASK
            rows[at] = vocabulary, code, begin, end
    return rows, np.frombuffer(bytes(letters), np.uint8)


_ROWS, _LETTERS = _table(
    (
        (Vocabulary.FIELD, FIELDS),
        (Vocabulary.TYPE, EVENT_TYPES),
        (Vocabulary.STATE, AGENT_STATES),
        (Vocabulary.REASON, FLOW_REASONS),
        (Vocabulary.LINE, numbered(LINES)),
        (Vocabulary.CHANNEL, numbered(CHANNELS)),
        (Vocabulary.DIRECTION, numbered(DIRECTIONS)),
    )
)


@njit(cache=True, nogil=True, _nrt=False)
def find(buffer: NDArray[np.uint8], begin: int, end: int, vocabulary: int) -> int:
    """The code of the word between *begin* and *end* of *buffer*, NO_WORD when the vocabulary has no such word."""
    if begin >= end:
        return NO_WORD
    at = _home(buffer, begin, end, vocabulary)
    while _ROWS[at, 0] >= 0:
        word = _ROWS[at, 2]
        if _ROWS[at, 0] == vocabulary and _ROWS[at, 3] - word == end - begin:
            same = 0
            while same < end - begin and _LETTERS[word + same] == buffer[begin + same]:
                same += 1
            if same == end - begin:
                return int(_ROWS[at, 1])
        at = (at + 1) & _MASK
    return NO_WORD
