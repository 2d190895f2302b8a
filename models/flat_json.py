"""Flat JSON objects on one line, walked byte by byte: where each field's value lies, without building any object.

Only plain JSON is understood: strings without a backslash and without control characters, numbers of few digits without
exponent, true, false and null; between them spaces. All else is *unusual* (-1): it may be good or bad, and who asks
must read that record another way. What is not unusual is JSON, and means the same to every reader of it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.fields import TEXT_MAX
from models.vocabulary import FIELDS, NUMBERS, TEXTS, Vocabulary, find

UNUSUAL: Final = -1
#: Where a field begins that a record does not have, or has as null.
ABSENT: Final = -1
#: More digits than these do not all fit the 53 bits of a float64, and are no time or duration either.
DIGITS_MAX: Final = 15

_FIRST_NUMBER: Final = len(TEXTS)
_OK: Final = FIELDS["ok"]
_VALUE: Final = FIELDS["value"]
assert _FIRST_NUMBER + len(NUMBERS) == _OK
_FIELD: Final = int(Vocabulary.FIELD)

_SPACE, _QUOTE, _COMMA, _MINUS, _POINT = (ord(mark) for mark in ' ",-.')
_ZERO, _NINE, _COLON, _OPEN, _CLOSE = (ord(mark) for mark in "09:{}")
#: What a byte is inside a string.
_PLAIN, _END, _MULTIBYTE, _STRANGE = range(4)
_CLASS: Final = np.full(256, _PLAIN, np.uint8)
_CLASS[:0x20] = _CLASS[0x7F] = _CLASS[ord("\\")] = _STRANGE
_CLASS[0x80:] = _MULTIBYTE
_CLASS[_QUOTE] = _END
#: 10^n, exact: an integer of DIGITS_MAX digits divided by one of them is the float64 nearest to the decimal number,
#: since both are exact and IEEE 754 rounds a division once (Clinger, How to read floating point numbers accurately).
_POWERS: Final = np.array([float(10**n) for n in range(DIGITS_MAX + 1)])
#: First bytes of characters of 2, 3 and 4 bytes, and the first code point that needs so many (RFC 3629). Of two bytes
#: those from U+00A0 on: before them lie the control characters U+0080 to U+009F.
_LEADS: Final = np.array([0xC2, 0xE0, 0xF0, 0xF5])
_FIRST_POINTS: Final = np.array([0xA0, 0x800, 0x10000])
_POINT_MAX: Final = 0x10FFFF
_SURROGATES: Final = (0xD800, 0xDFFF)
_LITERALS: Final = np.frombuffer(b"null.true.false.", np.uint8)
_NULL, _TRUE, _FALSE = 0, 5, 10


@njit(cache=True, nogil=True, _nrt=False)
def walk(
    buffer: NDArray[np.uint8],
    at: int,
    stop: int,
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
    number: NDArray[np.float64],
) -> bool:
    """Walk the object from *at* up to *stop*; False when anything about it is unusual.

    Fills by field (``vocabulary.FIELDS``): *begin* and *end* of its text or digits, *begin* ABSENT where there is none;
    *number*, a float64 for numbers, 1 or 0 for true or false. A known text has 1 to TEXT_MAX bytes, a known number but
    ``value`` is whole, and no known field comes twice. Of other fields only the form is looked at.
    """
    begin[:] = ABSENT
    seen = 0
    at = _past_spaces(buffer, at, stop)
    if at >= stop or buffer[at] != _OPEN:
        return False
    at = _past_spaces(buffer, at + 1, stop)
    while at < stop and buffer[at] == _QUOTE:
        close = _text_end(buffer, at + 1, stop)
        if close < 0:
            return False
        field = find(buffer, at + 1, close, _FIELD)
        if field >= 0:
            if (seen >> field) & 1:
                return False
            seen |= 1 << field
        at = _past_spaces(buffer, close + 1, stop)
        if at >= stop or buffer[at] != _COLON:
            return False
        at = _value(buffer, _past_spaces(buffer, at + 1, stop), stop, field, begin, end, number)
        if at < 0:
            return False
        at = _past_spaces(buffer, at, stop)
        if at >= stop:
            return False
        if buffer[at] == _CLOSE:
            return bool(_past_spaces(buffer, at + 1, stop) == stop)
        if buffer[at] != _COMMA:
            return False
        at = _past_spaces(buffer, at + 1, stop)
    return False


@njit(cache=True, nogil=True, _nrt=False)
def _past_spaces(buffer: NDArray[np.uint8], at: int, stop: int) -> int:
    while at < stop and buffer[at] == _SPACE:
        at += 1
    return at


@njit(cache=True, nogil=True, _nrt=False)
def _text_end(buffer: NDArray[np.uint8], at: int, stop: int) -> int:
    """Where the quote lies that ends the text beginning at *at*, or UNUSUAL."""
    while at < stop:
        # numba takes a signed index for one that may count from the end, and asks at every byte
        what = _CLASS[buffer[np.uint64(at)]]
        if what == _PLAIN:
            at += 1
        elif what == _END:
            return at
        elif what == _MULTIBYTE:
            at = _past_character(buffer, at, stop)
            if at < 0:
                return UNUSUAL
        else:
            return UNUSUAL
    return UNUSUAL


@njit(cache=True, nogil=True, _nrt=False)
def _past_character(buffer: NDArray[np.uint8], at: int, stop: int) -> int:
    """Behind the character of several bytes at *at*; UNUSUAL when it is not UTF-8 or a control character."""
    lead = np.int64(buffer[at])
    if lead < _LEADS[0] or lead >= _LEADS[3]:
        return UNUSUAL
    more = 1 if lead < _LEADS[1] else 2 if lead < _LEADS[2] else 3
    if at + more >= stop:
        return UNUSUAL
    point = lead & (0x3F >> more)
    for next_at in range(at + 1, at + 1 + more):
        byte = np.int64(buffer[next_at])
        if byte & 0xC0 != 0x80:
            return UNUSUAL
        point = (point << 6) | (byte & 0x3F)
    if point < _FIRST_POINTS[more - 1] or point > _POINT_MAX or _SURROGATES[0] <= point <= _SURROGATES[1]:
        return UNUSUAL
    return at + 1 + more


@njit(cache=True, nogil=True, _nrt=False)
def _value(
    buffer: NDArray[np.uint8],
    at: int,
    stop: int,
    field: int,
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
    number: NDArray[np.float64],
) -> int:
    """Behind the value at *at*, which is that of *field* (NO_WORD for one unknown), or UNUSUAL."""
    if at >= stop:
        return UNUSUAL
    byte = buffer[at]
    if byte == _QUOTE:
        close = _text_end(buffer, at + 1, stop)
        if close < 0 or field >= _FIRST_NUMBER:
            return UNUSUAL
        if field >= 0:
            if not 1 <= close - at - 1 <= TEXT_MAX:
                return UNUSUAL
            begin[field], end[field] = at + 1, close
        return int(close + 1)
    if byte == _MINUS or _ZERO <= byte <= _NINE:
        past, given = _number(buffer, at, stop, field < 0 or field == _VALUE)
        if past < 0 or 0 <= field < _FIRST_NUMBER or field == _OK:
            return UNUSUAL
        if field >= 0:
            begin[field], end[field], number[field] = at, past, given
        return int(past)
    if _is_literal(buffer, at, stop, _NULL, 4):
        return at + 4
    length = 4 if _is_literal(buffer, at, stop, _TRUE, 4) else 5
    if (length == 5 and not _is_literal(buffer, at, stop, _FALSE, 5)) or (field >= 0 and field != _OK):
        return UNUSUAL
    if field == _OK:
        begin[field], end[field], number[field] = at, at + length, 5 - length
    return at + length


@njit(cache=True, nogil=True, _nrt=False)
def _is_literal(buffer: NDArray[np.uint8], at: int, stop: int, literal: int, length: int) -> bool:
    """Whether the *length* bytes from *at* are those from *literal* of _LITERALS."""
    if at + length > stop:
        return False
    same = 0
    while same < length and buffer[at + same] == _LITERALS[literal + same]:
        same += 1
    return same == length


@njit(cache=True, nogil=True, _nrt=False)
def _number(buffer: NDArray[np.uint8], at: int, stop: int, fraction: bool) -> tuple[int, float]:
    """Behind the number at *at*, and the number; UNUSUAL unless it is whole, or has a *fraction* where it may."""
    negative = buffer[at] == _MINUS
    first = at + 1 if negative else at
    at, digits = first, np.int64(0)
    while at < stop and at - first <= DIGITS_MAX and _ZERO <= buffer[at] <= _NINE:
        digits = digits * 10 + (np.int64(buffer[at]) - _ZERO)
        at += 1
    if at == first or (buffer[first] == _ZERO and at - first > 1):
        return UNUSUAL, 0.0
    places, point = 0, 0
    if at < stop and buffer[at] == _POINT:
        if not fraction:
            return UNUSUAL, 0.0
        at, point = at + 1, 1
        while at < stop and at - first <= DIGITS_MAX + 1 and _ZERO <= buffer[at] <= _NINE:
            digits = digits * 10 + (np.int64(buffer[at]) - _ZERO)
            at, places = at + 1, places + 1
        if places == 0:
            return UNUSUAL, 0.0
    # readers differ about the sign of -0; a letter of an exponent is no comma and stops the walk
    if at - first - point > DIGITS_MAX or (negative and digits == 0):
        return UNUSUAL, 0.0
    size = np.float64(digits) / _POWERS[places]
    return at, float(-size if negative else size)
