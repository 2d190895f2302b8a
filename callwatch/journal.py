"""The log of orders and the trend notes, read from the topics to their ends or from a file.

A file of them is a recording (``.ndjson.zst``) or plain NDJSON (a console consumer's dump): one payload of
``workorder-log`` or ``alerts`` a line, in any mixture; what a line is follows from its fields.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from alerts.judge import TREND
from alerts.workorder import OPEN
from models.errors import InputError, UsageError
from models.runtime import KafkaSettings
from models.topics import ALERTS, DAY_MS, WORKORDER_LOG, topic_name

Payload = dict[str, Any]
#: How far back an order that is over is kept while its queue has a newer one: a month, the longest period, and two more
#: for a period that is asked for by a day in its middle.
REACH_MS: Final = 100 * DAY_MS
#: Alerts that carry what is kept beside orders, and those of them that are about more than the queue they lie with.
_BESIDE: Final = frozenset({"floor", "problem", "planned", "emergency", "suppressed"})
_OF_MANY: Final = frozenset({"planned", "emergency"})
_ZSTD: Final = b"\x28\xb5\x2f\xfd"


@dataclass(slots=True)
class Journal:
    """What a report is made of: the entries of each order, trend notes and records beside. `add` in log order.

    *wanted* says which queues. Bounded by the orders of `REACH_MS` and one more per queue: an older order that is over
    is forgotten when its queue has a new one.
    """

    wanted: Callable[[str], bool] = lambda queue: True
    entries: dict[str, list[Payload]] = field(default_factory=dict)
    notes: list[Payload] = field(default_factory=list)
    beside: list[Payload] = field(default_factory=list)  #: floor log, problems, what was planned: of 40 days at most
    last_ms: int | None = None  #: as far as the log reaches, of whatever queue
    queues: set[str] = field(default_factory=set)
    _of_queue: dict[str, list[str]] = field(default_factory=dict)
    _seen: dict[tuple[bool, int], tuple[int, int]] = field(default_factory=dict)

    def add(self, payload: Payload) -> None:
        """One payload of ``workorder-log`` or ``alerts``; one whose ``pos`` was seen is dropped."""
        is_entry, at_ms = "order_after" in payload, payload["at_ms"]
        if not self._is_new(is_entry, payload):
            return
        self.last_ms = at_ms if self.last_ms is None else max(self.last_ms, at_ms)
        kind = payload.get("kind")
        if not self.wanted(payload["queue"]) and kind not in _OF_MANY:
            return
        if kind in _BESIDE:
            self.beside.append(payload)
        elif is_entry:
            self._entry(payload)
        elif is_note(payload):
            self.notes.append(payload)

    def _is_new(self, is_entry: bool, payload: Payload) -> bool:
        pos = payload.get("pos")
        if pos is None:
            return True
        place, key = (pos[1], pos[2]), (is_entry, pos[0])
        if place <= self._seen.get(key, (-1, -1)):
            return False
        self._seen[key] = place
        return True

    def _entry(self, entry: Payload) -> None:
        at_ms, queue, order = entry["at_ms"], entry["queue"], entry["order"]
        self.queues.add(queue)
        if order not in self.entries:
            self.entries[order] = []
            of_queue = self._of_queue.setdefault(queue, [])
            self._of_queue[queue] = [old for old in of_queue if not self._forget(old, at_ms)] + [order]
        self.entries[order].append(entry)

    def _forget(self, order: str, now_ms: int) -> bool:
        last = self.entries[order][-1]
        if last["after"] in OPEN or last["at_ms"] >= now_ms - REACH_MS:
            return False
        del self.entries[order]
        return True


def is_note(alert: Payload) -> bool:
    """Whether an alert is a trend note: of severity 4 and of no order. A refused command is none."""
    known = alert["kind"] in ("raised", "changed", "cleared")
    return known and alert["order"] is None and alert["severity"] >= TREND


def read_file(path: str) -> Iterator[Payload]:
    """The payloads in *path* (``-`` is standard input), in the order of the file.

    Raises InputError with the line for what is neither an entry of the log nor an alert.
    """
    for number, line in _lines(path):
        try:
            payload = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise InputError(f"{path}: line {number} is not JSON ({error}).") from error
        if not isinstance(payload, dict) or not ({"order_after", "version"} <= payload.keys() or "kind" in payload):
            raise InputError(
                f"{path}: line {number} is neither an entry of {WORKORDER_LOG} nor one of {ALERTS}: write such a file "
                "with `callwatch orders log -o FILE`."
            )
        yield payload


def _lines(path: str) -> Iterator[tuple[int, bytes]]:
    from sources.recording import Recording

    name = "standard input" if path == "-" else path
    with ExitStack() as stack:
        try:
            file = sys.stdin.buffer if path == "-" else stack.enter_context(Path(path).open("rb"))
            begins = file.peek(len(_ZSTD))[: len(_ZSTD)]  # type: ignore[union-attr]
        except OSError as error:
            raise InputError(f"Cannot read {path}: {error.strerror}. Is the name right?") from error
        if begins == _ZSTD:
            yield from enumerate(stack.enter_context(Recording(name, file)), 2)
        else:
            yield from ((n, line) for n, line in enumerate(file, 1) if line.strip())


async def read_topics(kafka: KafkaSettings, topics: Iterable[str], mark: bytes = b"") -> AsyncIterator[Payload]:
    """The payloads of *topics* (names without prefix) to their ends, partition by partition in log order.

    Records without *mark* in their bytes are not even decoded. Raises WorkError when the broker does not answer,
    UsageError when a topic is not there.
    """
    from streams.broker import partition_numbers, read_partition

    numbers = await partition_numbers(kafka)
    for topic in topics:
        name = topic_name(kafka.prefix, topic)
        if not numbers[topic]:
            raise UsageError(f"There is no topic {name} at {kafka.bootstrap}: start a worker, or check --prefix.")
        for partition in range(numbers[topic]):
            async for rows in read_partition(kafka, name, partition):
                for _, _, value in rows:
                    if value is not None and mark in value:
                        yield orjson.loads(value)
