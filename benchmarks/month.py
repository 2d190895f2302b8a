"""A simulated month as the log that a worker is given: ordinary days and bad ones, and what goes wrong on the way.

Three days are simulated (a Monday, a Wednesday, a Saturday, each with its incidents) and their times shifted by whole
days, so that a month costs what three days cost; calls and ids are new on each day, people come back. On the way to
the log some events are lost, sent twice, late, cut off or put into the wrong partition.
"""

from __future__ import annotations

import heapq
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from benchmarks.machine import ROOT
from models.encode import clock_record, encode_event
from models.errors import UsageError, WorkError
from models.fields import partition_of_queue
from sources.recording import open_recording

DAY_MS: Final = 86_400_000
ZONE: Final = "Asia/Shanghai"
#: A Monday.
FIRST: Final = datetime(2026, 3, 2, tzinfo=ZoneInfo(ZONE))
#: Day of the week to the simulated day that stands for it, as days after the first.
STANDS_FOR: Final = (0, 0, 2, 2, 2, 5, 5)

#: A day takes some seconds, on a busy machine a minute.
SIMULATE_S: Final = 600.0
#: Shares of the events that are sent twice, come late (by up to half an hour), far too late (5 h), cut off, and in the
#: wrong partition; of the calls, those of which nothing is heard after their offer.
TWICE, LATE, TOO_LATE, CUT, ASTRAY, LOST = 0.02, 0.01, 0.0005, 0.001, 0.002, 0.003

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Month:
    """What is asked for: *days* of *queues* queues on *partitions*, a clock every *clock_ms* of stream time."""

    days: int = 30
    queues: int = 6
    partitions: int = 2
    seed: int = 1
    clock_ms: int = 20_000

    def __post_init__(self) -> None:
        if not 1 <= self.days <= 400:
            raise UsageError(f"--days {self.days}: give 1 to 400.")
        if not 1 <= self.queues <= 64:
            raise UsageError(f"--queues {self.queues}: give 1 to 64.")

    @property
    def start_ms(self) -> int:
        """Epoch ms of its first midnight."""
        return int(FIRST.timestamp() * 1000)


class Told(NamedTuple):
    """A record for the log: when it arrives (stream ms), in which partition (-1: in each), its key and value."""

    at_ms: int
    partition: int
    key: bytes | None
    value: bytes


def simulate_days(month: Month, folder: Path, say: Say) -> dict[int, Path]:
    """Simulate the days that the month is made of; their recordings in *folder* by number of the day.

    In processes of their own: a day is held in memory until it is sorted, and would hide what the month leaks.
    Raises WorkError when one fails.
    """
    found = {}
    for number in sorted(set(STANDS_FOR[: month.days])):
        say(f"simulating day {number + 1} ({month.queues} queues)")
        path = found[number] = folder / f"day{number}.ndjson.zst"
        start = (FIRST + timedelta(days=number)).strftime("%Y-%m-%dT%H:%M")
        command = [sys.executable, "-m", "callwatch.cli", "simulate", "-o", str(path), "--timezone", ZONE]
        command += ["--start", start, "--hours", "24", "--queues", str(month.queues), "--incidents"]
        command += ["--seed", str(month.seed + number)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=SIMULATE_S)
        if done.returncode:
            raise WorkError(f"Simulating day {number + 1} failed: {done.stderr.decode(errors='replace').strip()}")
    return found


def month_log(month: Month, recordings: dict[int, Path]) -> Iterator[Told]:
    """The log of the whole *month* in the order of arrival, with its clocks; the last one is its last midnight."""
    clock_ms, end_ms = month.start_ms, month.start_ms + month.days * DAY_MS
    yield _clock(clock_ms)
    for told in _arrivals(month, recordings):
        if told.at_ms > end_ms:
            break
        while clock_ms + month.clock_ms <= told.at_ms:
            clock_ms += month.clock_ms
            yield _clock(clock_ms)
        yield told
    while clock_ms < end_ms:
        clock_ms += month.clock_ms
        yield _clock(clock_ms)


def _clock(ts_ms: int) -> Told:
    return Told(ts_ms, -1, None, clock_record(ts_ms, "bench"))


def _arrivals(month: Month, recordings: dict[int, Path]) -> Iterator[Told]:
    """The events as they arrive: mostly at once. What a day says after its midnight waits among what is late."""
    rng, delayed = random.Random(month.seed), list[Told]()
    for day in range(month.days):
        midnight_ms = month.start_ms + (day + 1) * DAY_MS
        for event in _events(recordings[STANDS_FOR[day % 7]], day):
            for told in _sent(event, month, rng):
                heapq.heappush(delayed, told)
            until_ms = min(event["ts"], midnight_ms)
            while delayed and delayed[0].at_ms < until_ms:
                yield heapq.heappop(delayed)
    while delayed:
        yield heapq.heappop(delayed)


def _events(recording: Path, day: int) -> Iterator[dict[str, Any]]:
    """The events of a recording as those of day number *day*, without what is lost on the way."""
    shift_ms = (day - STANDS_FOR[day % 7]) * DAY_MS
    with open_recording(recording) as lines:
        for line in lines:
            event = orjson.loads(line)
            if "call" in event and event["type"] != "call.offered" and _is_lost(event["call"], day):
                continue
            _move(event, day, shift_ms)
            yield event


def _is_lost(call: str, day: int) -> bool:
    return random.Random(f"{call}/{day}").random() < LOST


def _move(event: dict[str, Any], day: int, shift_ms: int) -> None:
    """Make *event* one of another day."""
    event["ts"] += shift_ms
    event["id"] = f"{event['id']}.{day}"
    if "call" in event:
        event["call"] = f"{event['call']}.{day}"
    if event.get("first_queued_ts") is not None:
        event["first_queued_ts"] += shift_ms


def _sent(event: dict[str, Any], month: Month, rng: random.Random) -> Iterator[Told]:
    """The records that *event* becomes on its way."""
    at_ms, queue, chance = event["ts"], event.get("queue"), rng.random()
    value = encode_event(event)
    if queue is None:  # a heartbeat
        yield Told(at_ms, -1, None, value)
        return
    home, key = partition_of_queue(queue, month.partitions), queue.encode()
    if chance < CUT:
        yield Told(at_ms, home, key, value[: len(value) // 2])
    elif (chance := chance - CUT) < ASTRAY:
        yield Told(at_ms, (home + 1) % month.partitions, key, value)
    elif (chance := chance - ASTRAY) < TOO_LATE:
        yield Told(at_ms + 5 * 3_600_000, home, key, value)
    elif (chance := chance - TOO_LATE) < LATE:
        yield Told(at_ms + rng.randrange(1_800_000), home, key, value)
    else:
        yield Told(at_ms, home, key, value)
        if chance - LATE < TWICE:
            yield Told(at_ms + rng.randrange(20_000), home, key, value)
