"""Event columns straight from the bytes of records, for records that are written plainly, as nearly all are.

What counts as an event is defined by `models.fields.check`. A scan takes a record only where its bytes leave no doubt
that it is one; all others it leaves to a reader that can say what is wrong with them. A test holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models import fields
from models.columns import MARKS, SITE_MARK, WHO, Rows
from models.event import CALL_TYPES, CHANNELS, NEGATIVE, QUEUELESS_TYPES, UNKNOWN, EventType, FlowReason
from models.flat_json import ABSENT, walk
from models.identity import BASIS, SEPARATOR, finish, fnv1a, step
from models.vocabulary import FIELDS, Vocabulary, find

_ID, _SOURCE, _TYPE, _STATE = (FIELDS[name] for name in ("id", "source", "type", "state"))
_QUEUE, _CALL, _AGENT, _REASON = (FIELDS[name] for name in ("queue", "call", "agent", "reason"))
_FROM, _LINE, _CHANNEL, _DIRECTION = (FIELDS[name] for name in ("from_queue", "line", "channel", "direction"))
_TS, _FIRST, _LEG, _VALUE, _OK = (FIELDS[name] for name in ("ts", "first_queued_ts", "leg", "value", "ok"))
_DURATIONS: Final = np.array([FIELDS[name] for name in fields.DURATIONS])

_FIELDS: Final = len(FIELDS)
_KINDS: Final = range(max(EventType) + 1)
#: Types whose records hold objects, or queues that are units: never scanned.
_NESTED: Final = (
    EventType.ORDER_COMMAND,
    EventType.RULES_CHANGED,
    EventType.UNIT_SUMS,
    EventType.PLAN_CHANGED,
    EventType.HABIT_LEARNED,
    EventType.STORM_CHANGED,
)
_LEFT: Final = np.array([k in _NESTED for k in _KINDS])
_NEEDS_CALL: Final = np.array([kind in CALL_TYPES for kind in _KINDS])
_QUEUELESS: Final = np.array([kind in QUEUELESS_TYPES for kind in _KINDS])
_MARK: Final = np.array([ord(mark) for mark in MARKS], np.uint8)
#: By type, the field of who a record speaks of (ABSENT for none) and the mark of that identity.
_WHO: Final = np.array([FIELDS[WHO[kind][0]] if kind in WHO else ABSENT for kind in _KINDS])
_WHO_MARK: Final = np.array([ord(WHO[kind][1]) if kind in WHO else 0 for kind in _KINDS], np.uint8)
_SITE_MARK: Final = np.uint8(ord(SITE_MARK))
_RECORD_MARK, _AGENT_MARK = ord("r"), ord("a")
_AGENT_STATE, _FLOWED_OUT = int(EventType.AGENT_STATE), int(EventType.CALL_FLOWED_OUT)
_TYPES, _STATES, _REASONS = int(Vocabulary.TYPE), int(Vocabulary.STATE), int(Vocabulary.REASON)
_LINES, _CHANNELS, _DIRECTIONS = int(Vocabulary.LINE), int(Vocabulary.CHANNEL), int(Vocabulary.DIRECTION)
_NO_REASON: Final = int(FlowReason.UNKNOWN)
_OTHER_CHANNEL: Final = CHANNELS.index("other")

_SEPARATOR: Final = np.uint8(ord(SEPARATOR))

_LEG_ONE: Final = np.uint8(ord("1"))
_SLASH, _STAR = ord("/"), ord("*")
_SPAN_MS, _END_MS = fields.DURATION_MAX_MS, fields.TS_END_MS
_QUEUE_MAX, _LEG_MAX, _BYTES_MAX = fields.QUEUE_MAX, fields.LEG_MAX, fields.VALUE_BYTES_MAX
_NEGATIVE, _UNKNOWN = NEGATIVE, UNKNOWN

#: Columns of int64 that a scan fills: kind, ts, queue, first_queued_ts, then the durations.
_KIND_AT, _TS_AT, _QUEUE_AT, _FIRST_AT, _DURATION_AT = range(5)
_WIDTH: Final = _DURATION_AT + len(fields.DURATIONS)
#: Columns of int8 (code, line, channel, direction) and of uint64 (key, who, origin).
_CODE_AT, _LINE_AT, _CHANNEL_AT, _DIRECTION_AT = range(4)
_KEY_AT, _WHO_AT, _ORIGIN_AT = range(3)


def scan(values: Sequence[bytes | None]) -> tuple[Rows, NDArray[np.int64]]:
    """The columns of those of *values* that are plainly events, and the positions of these among *values*, rising.

    Of the other values nothing is said: read them with ``models.decode.read``.
    """
    given = [value or b"" for value in values]
    joined = b"".join(given)
    ends = np.cumsum(np.fromiter(map(len, given), np.int64, len(given)))
    rows = len(given)
    # at most half full: every row may name a queue of its own
    slots = np.full(2 << rows.bit_length(), -1, np.int32)
    whole, small = np.empty((_WIDTH, rows), np.int64), np.empty((_DIRECTION_AT + 1, rows), np.int8)
    hashes, value = np.empty((_ORIGIN_AT + 1, rows), np.uint64), np.empty(rows)
    taken, names = np.empty(rows, np.int64), np.empty((rows, 2), np.int64)
    count, queues = _scan(np.frombuffer(joined, np.uint8), ends, slots, whole, small, hashes, value, taken, names)
    whole, small, hashes = whole[:, :count], small[:, :count], hashes[:, :count]
    chunk = Rows(
        kind=whole[_KIND_AT].astype(np.int16),
        ts=whole[_TS_AT],
        queue=whole[_QUEUE_AT].astype(np.int32),
        queues=[joined[begin:end].decode() for begin, end in names[:queues].tolist()],
        key=hashes[_KEY_AT],
        durations=list(whole[_DURATION_AT:]),
        first_queued_ts=whole[_FIRST_AT],
        code=small[_CODE_AT],
        value=value[:count],
        who=hashes[_WHO_AT],
        origin=hashes[_ORIGIN_AT],
        line=small[_LINE_AT],
        channel=small[_CHANNEL_AT],
        direction=small[_DIRECTION_AT],
    )
    return chunk, taken[:count]


@njit(cache=True, nogil=True)
def _scan(
    buffer: NDArray[np.uint8],
    ends: NDArray[np.int64],
    slots: NDArray[np.int32],
    whole: NDArray[np.int64],
    small: NDArray[np.int8],
    hashes: NDArray[np.uint64],
    value: NDArray[np.float64],
    taken: NDArray[np.int64],
    names: NDArray[np.int64],
) -> tuple[int, int]:
    """Fill the columns with the plain events among the records that end at *ends*; how many, and of how many queues.

    *taken*: which record each row is. *names*: begin and end of each queue's name, by the row's number in *whole*.
    """
    begin, end = np.empty(_FIELDS, np.int64), np.empty(_FIELDS, np.int64)
    number = np.empty(_FIELDS, np.float64)
    row, queues, start = 0, 0, 0
    for record in range(len(ends)):
        stop = ends[record]
        kind = -1
        if stop - start <= _BYTES_MAX and walk(buffer, start, stop, begin, end, number):
            kind = _kind(buffer, begin, end, number)
        start = stop
        if kind < 0 or not _fill(buffer, begin, end, number, kind, whole, small, row):
            continue
        queue = _UNKNOWN
        if not _QUEUELESS[kind]:
            queue = _number_of(buffer, begin[_QUEUE], end[_QUEUE], slots, names, queues)
            queues = max(queues, queue + 1)
        whole[_KIND_AT, row], whole[_QUEUE_AT, row] = kind, queue
        hashes[_KEY_AT, row] = _identity(buffer, begin, end, _MARK[kind])
        hashes[_WHO_AT, row] = _who(buffer, begin, end, kind)
        hashes[_ORIGIN_AT, row] = _origin(buffer, begin[_FROM], end[_FROM])
        small[_LINE_AT, row] = _word(buffer, begin[_LINE], end[_LINE], _LINES, 0)
        small[_CHANNEL_AT, row] = _word(buffer, begin[_CHANNEL], end[_CHANNEL], _CHANNELS, _OTHER_CHANNEL)
        small[_DIRECTION_AT, row] = _word(buffer, begin[_DIRECTION], end[_DIRECTION], _DIRECTIONS, 0)
        value[row] = number[_VALUE] if begin[_VALUE] != ABSENT else np.nan
        taken[row] = record
        row += 1
    return row, queues


@njit(cache=True, nogil=True, _nrt=False)
def _kind(
    buffer: NDArray[np.uint8], begin: NDArray[np.int64], end: NDArray[np.int64], number: NDArray[np.float64]
) -> int:
    """The type of a walked object that has all the fields this type needs; -1 when it is left or in doubt."""
    for field in (_ID, _SOURCE, _TYPE, _TS):
        if begin[field] == ABSENT:
            return -1
    kind = find(buffer, begin[_TYPE], end[_TYPE], _TYPES)
    if kind < 0 or _LEFT[kind] or not 1 <= number[_TS] < _END_MS:
        return -1
    if _NEEDS_CALL[kind] and begin[_CALL] == ABSENT:
        return -1
    if kind == _AGENT_STATE and (begin[_AGENT] == ABSENT or begin[_STATE] == ABSENT):
        return -1
    if not _QUEUELESS[kind] and not _is_queue(buffer, begin[_QUEUE], end[_QUEUE]):
        return -1
    return int(kind)


@njit(cache=True, nogil=True, _nrt=False)
def _is_queue(buffer: NDArray[np.uint8], begin: int, end: int) -> bool:
    """Whether there is the name ``site/skill`` of a queue, of QUEUE_MAX bytes at most (so of no more characters)."""
    if begin == ABSENT or end - begin > _QUEUE_MAX:
        return False
    slash = begin
    while slash < end and buffer[slash] != _SLASH:
        slash += 1
    if slash == begin or slash >= end - 1:
        return False
    return not (buffer[end - 2] == _SLASH and buffer[end - 1] == _STAR)


@njit(cache=True, nogil=True, _nrt=False)
def _fill(
    buffer: NDArray[np.uint8],
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
    number: NDArray[np.float64],
    kind: int,
    whole: NDArray[np.int64],
    small: NDArray[np.int8],
    row: int,
) -> bool:
    """Fill the times, durations and the code of one row; False when one of them is not what it may be."""
    for at in range(len(_DURATIONS)):
        field = _DURATIONS[at]
        whole[_DURATION_AT + at, row] = _UNKNOWN
        if begin[field] != ABSENT:
            if not -_SPAN_MS <= number[field] <= _SPAN_MS:
                return False
            whole[_DURATION_AT + at, row] = _NEGATIVE if number[field] < 0 else np.int64(number[field])
    whole[_TS_AT, row], whole[_FIRST_AT, row] = np.int64(number[_TS]), _UNKNOWN
    if begin[_FIRST] != ABSENT:
        if not 1 <= number[_FIRST] < _END_MS:
            return False
        whole[_FIRST_AT, row] = np.int64(number[_FIRST])
    if begin[_LEG] != ABSENT and not 1 <= number[_LEG] <= _LEG_MAX:
        return False
    code = _UNKNOWN
    if kind == _AGENT_STATE:
        code = find(buffer, begin[_STATE], end[_STATE], _STATES)
        if code < 0:
            return False
    elif kind == _FLOWED_OUT:
        code = _word(buffer, begin[_REASON], end[_REASON], _REASONS, _NO_REASON)
    elif begin[_OK] != ABSENT:
        code = int(number[_OK])
    small[_CODE_AT, row] = code
    return True


@njit(cache=True, nogil=True, _nrt=False)
def _word(buffer: NDArray[np.uint8], begin: int, end: int, vocabulary: int, unknown: int) -> int:
    """The code of a word, 0 when there is none, *unknown* when the vocabulary does not have it."""
    if begin == ABSENT:
        return 0
    code = find(buffer, begin, end, vocabulary)
    return unknown if code < 0 else code


@njit(cache=True, nogil=True, _nrt=False)
def _who(buffer: NDArray[np.uint8], begin: NDArray[np.int64], end: NDArray[np.int64], kind: int) -> np.uint64:
    """The identity of the customer, or the agent, that an event of this *kind* speaks of; 0 for none."""
    field = _WHO[kind]
    if field == ABSENT or begin[field] == ABSENT:
        return np.uint64(0)
    h = step(step(BASIS, _WHO_MARK[kind]), _SEPARATOR)
    return np.uint64(finish(fnv1a(h, buffer, begin[field], end[field])))


@njit(cache=True, nogil=True, _nrt=False)
def _origin(buffer: NDArray[np.uint8], begin: int, end: int) -> np.uint64:
    """The identity of the site of the queue named between *begin* and *end*; 0 when there is no such name."""
    if begin == ABSENT:
        return np.uint64(0)
    slash = end - 1
    while slash > begin and buffer[slash] != _SLASH:
        slash -= 1
    if slash == begin or slash == end - 1:  # a site before the last slash, a skill behind it
        return np.uint64(0)
    h = step(step(BASIS, _SITE_MARK), _SEPARATOR)
    return np.uint64(finish(fnv1a(h, buffer, begin, slash)))


@njit(cache=True, nogil=True, _nrt=False)
def _identity(buffer: NDArray[np.uint8], begin: NDArray[np.int64], end: NDArray[np.int64], mark: np.uint8) -> np.uint64:
    """The identity of an event with this *mark*, by the table in ``models/identity.py``."""
    first, second = _QUEUE, _CALL
    if mark == _RECORD_MARK:
        first, second = _SOURCE, _ID
    elif mark == _AGENT_MARK:
        second = _AGENT
    h = step(step(BASIS, mark), _SEPARATOR)
    h = fnv1a(h, buffer, begin[first], end[first])
    h = step(h, _SEPARATOR)
    h = fnv1a(h, buffer, begin[second], end[second])
    if mark not in (_RECORD_MARK, _AGENT_MARK):
        h = step(h, _SEPARATOR)
        h = step(h, _LEG_ONE) if begin[_LEG] == ABSENT else fnv1a(h, buffer, begin[_LEG], end[_LEG])
    return np.uint64(finish(h))


@njit(cache=True, nogil=True, _nrt=False)
def _number_of(
    buffer: NDArray[np.uint8], begin: int, end: int, slots: NDArray[np.int32], names: NDArray[np.int64], queues: int
) -> int:
    """The number in *names* of the queue between *begin* and *end*, the next one (*queues*) when it is new there."""
    mask = np.int64(len(slots) - 1)
    at = np.int64(finish(fnv1a(BASIS, buffer, begin, end))) & mask
    while slots[at] >= 0:
        known = names[slots[at], 0]
        if names[slots[at], 1] - known == end - begin:
            same = 0
            while same < end - begin and buffer[known + same] == buffer[begin + same]:
                same += 1
            if same == end - begin:
                return int(slots[at])
        at = (at + 1) & mask
    slots[at] = queues
    names[queues, 0], names[queues, 1] = begin, end
    return queues
