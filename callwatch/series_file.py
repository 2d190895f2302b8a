"""``callwatch detect``: a csv file of times and values through the detector of a series, row for row."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import isfinite, nan
from typing import IO, Final

import numpy as np

from alerts.detect.contract import LIMIT_SCORE
from alerts.detect.series import EXPECTED, SCORE, SeriesDetector
from models.errors import UsageError

#: Of the output.
COLUMNS: Final = ("timestamp", "value", "expected", "lower", "upper", "score", "anomaly")
#: Rows judged at once: bounds the memory, and is often enough for the progress.
CHUNK: Final = 4096
#: Wrong rows that are named one by one.
NAMED_MAX: Final = 20
#: Names under which the columns are looked for when none is given, in any case.
TIME_NAMES: Final = ("timestamp", "timestamps", "time", "datetime", "date", "ts", "ds")
VALUE_NAMES: Final = ("value", "values", "data", "y", "count")
#: Texts that say that there is no value.
MISSING: Final = frozenset({"", "nan", "na", "n/a", "null", "none", "-", "nil"})
#: Numbers that stand for times: seconds below the first, then milliseconds, microseconds, nanoseconds.
_SECONDS, _MILLIS, _MICROS = 1e11, 1e14, 1e17
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d*)?")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where time (-1: there is none, rows are counted) and value lie, and whether the first row is a header."""

    time: int
    value: int
    header: bool


@dataclass(slots=True)
class Tally:
    """What a run came to."""

    rows: int = 0
    anomalies: int = 0
    wrong: int = 0
    named: list[str] = field(default_factory=list)

    def wrong_row(self, line: int, why: str) -> None:
        """Count a row that is passed through unjudged; the first are named."""
        self.wrong += 1
        if self.wrong <= NAMED_MAX:
            self.named.append(f"line {line}: {why}")


def time_ms(text: str, pattern: str = "") -> int:
    """*text* as epoch milliseconds: ISO 8601 (without an offset UTC), epoch s, ms, us or ns, or strptime's *pattern*.

    Raises ValueError when it is none of these.
    """
    text = text.strip()
    if pattern:
        moment = datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone follows
    elif _NUMBER.fullmatch(text):
        number = abs(float(text))
        scale = 1e3 if number < _SECONDS else 1.0 if number < _MILLIS else 1e-3 if number < _MICROS else 1e-6
        return round(float(text) * scale)
    else:
        moment = datetime.fromisoformat(text.replace("/", "-"))
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MS


def delimiter_of(line: str) -> str:
    """The delimiter of a csv file by its first *line*."""
    return max(",;\t", key=line.count)


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text.strip().lower() in MISSING
    return True


def layout_of(first: Sequence[str], time: str | None, value: str | None) -> Layout:
    """Where time and value lie by the first row. Raises UsageError with the way out when that is not plain."""
    names = [cell.strip().lower() for cell in first]
    named = time is not None or value is not None
    header = named or not any(_number(cell) for cell in first)
    if not header:
        if len(first) > 2:
            raise UsageError(f"{len(first)} columns without a header: add one and name --timestamp and --value.")
        return Layout(-1 if len(first) == 1 else 0, len(first) - 1, header=False)

    def place(given: str | None, usual: tuple[str, ...], option: str) -> int:
        if given is not None:
            if given.strip().lower() not in names:
                raise UsageError(f"{option} {given}: no such column; there are {', '.join(map(repr, first))}.")
            return names.index(given.strip().lower())
        return next((names.index(name) for name in usual if name in names), -1)

    at_time, at_value = place(time, TIME_NAMES, "--timestamp"), place(value, VALUE_NAMES, "--value")
    if at_value < 0 and len(first) <= 2:
        at_value = next((n for n in range(len(first)) if n != at_time), -1) if at_time >= 0 or len(first) == 1 else 1
        at_time = at_time if at_time >= 0 or len(first) == 1 else 0
    if at_value < 0:
        raise UsageError(f"Which column is the value? Name it with --value: {', '.join(map(repr, first))}.")
    return Layout(at_time, at_value, header=True)


class SeriesFile:
    """One run over one file: give it lines, it yields rows of text in the order of `COLUMNS`."""

    def __init__(self, detector: SeriesDetector, pattern: str = "") -> None:
        self.tally = Tally()
        self._detector = detector
        self._pattern = pattern

    def judged(
        self, lines: Iterable[str], time: str | None = None, value: str | None = None, delimiter: str | None = None
    ) -> Iterator[list[tuple[str, ...]]]:
        """The output of *lines*, a chunk of rows at a time: one for each row read. Raises UsageError."""
        given = iter(lines)
        start = next(given, None)
        if start is None:
            return
        reader = csv.reader(itertools.chain([start], given), delimiter=delimiter or delimiter_of(start))
        first = next(reader, [])
        layout = layout_of(first, time, value)
        rows: Iterator[tuple[int, list[str]]] = ((reader.line_num, row) for row in reader)
        if not layout.header:
            rows = itertools.chain([(1, first)], rows)
        while chunk := list(itertools.islice(rows, CHUNK)):
            yield self._chunk(chunk, layout)

    def _chunk(self, chunk: list[tuple[int, list[str]]], layout: Layout) -> list[tuple[str, ...]]:
        texts: list[tuple[str, str]] = []
        places: list[int] = []
        times: list[int] = []
        values: list[float] = []
        for line, row in chunk:
            if not row and layout.time >= 0:
                continue  # an empty line is no row; where values stand alone it is one without a value
            ts, text, moment, number = self._read(line, row or [""], layout)
            if moment is not None:
                places.append(len(texts))
                times.append(moment)
                values.append(number)
            texts.append((ts, text))
            self.tally.rows += 1
        found = self._detector.judge(np.array(times, np.int64), np.array(values, np.float64))
        out: list[tuple[str, ...]] = [(*pair, "", "", "", "0", "0") for pair in texts]
        for place, row in zip(places, found.tolist(), strict=True):
            out[place] = (*texts[place], *self._written(row))
        return out

    def _written(self, row: list[float]) -> tuple[str, ...]:
        score = row[SCORE]
        anomaly = score >= LIMIT_SCORE
        self.tally.anomalies += anomaly
        if not isfinite(row[EXPECTED]):
            return "", "", "", "0", "0"
        return f"{row[0]:.10g}", f"{row[1]:.10g}", f"{row[2]:.10g}", f"{score:.6f}", "1" if anomaly else "0"

    def _read(self, line: int, row: list[str], layout: Layout) -> tuple[str, str, int | None, float]:
        """The texts of time and value, the time (None: the row is not judged) and the value (NaN: missing)."""
        if len(row) <= max(layout.time, layout.value):
            self.tally.wrong_row(line, f"{len(row)} columns, {max(layout.time, layout.value) + 1} are needed")
            cells = [*row, "", ""]
            return (cells[layout.time] if 0 <= layout.time < len(row) else ""), "", None, nan
        text = row[layout.value]
        if layout.time < 0:
            ts, moment = str(self.tally.rows), self.tally.rows * 1000
        else:
            ts = row[layout.time]
            try:
                moment = time_ms(ts, self._pattern)
            except (ValueError, OverflowError):
                self.tally.wrong_row(line, f"{ts!r} is no time (ISO 8601, or epoch seconds or milliseconds)")
                return ts, text, None, nan
        try:
            return ts, text, moment, float(text)
        except ValueError:
            if text.strip().lower() not in MISSING:
                self.tally.wrong_row(line, f"{text!r} is no number")
            return ts, text, moment, nan


def run(
    source: IO[str], target: IO[str], file: SeriesFile, columns: tuple[str | None, str | None, str | None],
    show: Callable[[Tally], None],
) -> Tally:  # fmt: skip
    """Everything from *source* to *target*; *columns* are time, value and delimiter as given."""
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(COLUMNS)
    for rows in file.judged(source, *columns):
        writer.writerows(rows)
        target.flush()
        show(file.tally)
    return file.tally
