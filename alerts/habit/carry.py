"""What was learned of a queue, as it is carried from a rehearsal of recordings into a running installation."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from alerts.habit.learn import take_in
from alerts.habit.state import ALL, BLOCKS, EXTRA, SEEN, TESTS, Habits, copy_row, habits

VERSION: Final = 1
#: What is carried: the norm, and how much there is of variation. Not: what is of late, diaries, verifications.
_CARRIED: Final = ("week", "like", "vary")


def learned(state: Habits, q: int) -> dict[str, Any]:
    """What row *q* knows, the days that wait in its diary included; empty when that is nothing."""
    copy = habits(1)
    copy_row(state, q, copy, 0)
    days = copy.whole[0, :2]
    for which in sorted(range(2), key=lambda n: int(days[n])):
        if days[which]:
            take_in(copy, 0, which)
    seen = float(copy.week[0, ALL, SEEN])
    if seen == 0.0:
        return {}
    alike = copy.lines[0][:, [EXTRA, BLOCKS]]
    data = b"".join(getattr(copy, name)[0].tobytes() for name in _CARRIED) + alike.tobytes()
    return {"version": VERSION, "half_hours": seen, "data": base64.b85encode(zlib.compress(data, 6)).decode()}


def understood(record: Mapping[str, Any]) -> Habits:
    """A row of what `learned` said. Raises ValueError when it is of another version, damaged, or not possible."""
    if record.get("version") != VERSION:
        raise ValueError(f"a habit of version {record.get('version')!r}, where {VERSION} is read")
    made = habits(1)
    parts = [getattr(made, name)[0] for name in _CARRIED]
    size = sum(part.nbytes for part in parts) + TESTS * 2 * 8
    try:
        unzip = zlib.decompressobj()
        data = unzip.decompress(base64.b85decode(str(record.get("data"))), size + 1)
    except (ValueError, zlib.error) as error:
        raise ValueError("the data of a habit is damaged") from error
    if len(data) != size:
        raise ValueError("the data of a habit has another length")
    at = 0
    for part in parts:
        part[...] = np.frombuffer(data, part.dtype, part.size, at).reshape(part.shape)
        at += part.nbytes
    made.lines[0][:, [EXTRA, BLOCKS]] = np.frombuffer(data, np.float64, TESTS * 2, at).reshape(TESTS, 2)
    if not all(np.isfinite(part).all() for part in (*parts, made.lines)) or any((part < 0).any() for part in parts[:2]):
        raise ValueError("a habit of numbers that are none")
    return made


def teach(state: Habits, q: int, made: Habits) -> None:
    """Row *q* knows what *made* says, in the place of what it knew."""
    for name in _CARRIED:
        getattr(state, name)[q] = getattr(made, name)[0]
    state.lines[q] = made.lines[0]
    state.late[q] = 0.0
