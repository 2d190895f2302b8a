"""A partition at its limits of calls and of queues: counted, told in alerts, and the same in any batching."""

from __future__ import annotations

import itertools
from typing import Any

import orjson
import pytest

from agents.actor import PartitionActor, Record
from agents.room import GAP_MS, SEVERITY
from models.catalogue import Catalogue, Rule
from models.encode import clock_record, encode_event
from models.outputs import Alert
from models.topics import ALERTS
from streams.store import LIMIT
from tests.agents.logs import Log

START = 1_772_438_400_000
MINUTE = 60_000
SLOTS, QUEUES = 50, 3


def small(slots: int = SLOTS, queues: int = QUEUES) -> PartitionActor:
    """An actor with small limits and rules that never fire, so that every alert is one of room."""
    never = Rule("never", "longest_wait_ms", "now", 1e12, 1e12, False)
    actor = PartitionActor(0, 1, Catalogue(rules=(never,)))
    actor.windows._store.meta[LIMIT] = slots
    actor.names.limit = queues
    return actor


def call(ts: int, n: int, queue: str = "a/a", kind: str = "call.answered") -> bytes:
    body = {"id": f"{kind}{ts}-{n}", "source": "pbx", "type": kind, "ts": ts, "queue": queue, "call": f"c{ts}-{n}"}
    return encode_event({**body, "wait_ms": 1})


def clocks(first: int, last: int, step: int = MINUTE) -> Log:
    return [clock_record(ts, "t") for ts in range(first, last + 1, step)]


def apply(actor: PartitionActor, log: Log, batch: int = 1_000, start: int = 0) -> list[Record]:
    out: list[Record] = []
    for first in range(start, len(log), batch):
        part = log[first : first + batch]
        out += actor.apply(part, range(first, first + len(part))).records
    return out


def alerts(records: list[Record]) -> list[Alert]:
    return [Alert.model_validate_json(record.value) for record in records if record.topic == ALERTS]


def flood(minutes: int) -> Log:
    """More calls than there is room for, every minute, and then half an hour of peace."""
    log: Log = clocks(START, START)
    for n in range(minutes):
        at = START + n * MINUTE
        log += [call(at + i, n) for i in range(2 * SLOTS)]
        log += clocks(at + MINUTE, at + MINUTE)
    end = START + minutes * MINUTE
    return log + clocks(end + MINUTE, end + 40 * MINUTE)


def test_refused_calls_are_told_once_and_then_every_quarter_hour_until_it_is_over() -> None:
    told = alerts(apply(small(), flood(40)))
    assert [alert.kind for alert in told] == ["raised", "changed", "changed", "changed", "cleared"]
    gaps = [b.at_ms - a.at_ms for a, b in itertools.pairwise(told)]
    assert min(gaps) >= GAP_MS
    first = told[0]
    assert (first.queue, first.severity, first.order, first.owner) == ("a/a", SEVERITY, None, None)
    assert first.text.startswith(f"Partition 0 is full: {SLOTS} events found no room among {SLOTS} calls and agents")
    assert "Use more partitions" in first.text
    assert "请增加分区" in first.zh
    assert "in all" in told[-1].text


def test_a_floor_that_rises_is_told_though_nothing_was_refused() -> None:
    actor = small()
    hours = 3 * 3_600_000
    log = [*clocks(START, START), *(call(START + n, n) for n in range(SLOTS))]
    log += clocks(START + hours, START + hours)
    log += [
        *(call(START + hours + n, n) for n in range(SLOTS)),
        *clocks(START + hours + MINUTE, START + hours + MINUTE),
    ]
    (told,) = alerts(apply(actor, log))
    assert actor.windows.refused == 0
    assert told.kind == "raised"
    assert "0 events found no room" in told.text
    assert "older" not in told.text
    rose_to = (told.at_ms - (actor.windows.raised_ms or 0)) // MINUTE
    assert 30 <= rose_to < 180
    assert f"more than {rose_to} min old count as too late" in told.text


def test_queues_without_room_are_told_by_the_name_of_the_first() -> None:
    actor = small(slots=1_000)
    log: Log = clocks(START, START)
    log += [call(START + n, n, f"a/q{n:02}") for n in range(10)]
    log += clocks(START + 1_000, START + 1_000)
    (told,) = alerts(apply(actor, log))
    assert actor.names.names == ["a/q00", "a/q01", "a/q02"]
    assert told.queue == "a/q03"
    assert told.text.startswith(
        "Partition 0 is full: 7 events of further queues were refused, the first of a/q03: 3 queues are known already."
    )


def mixed() -> Log:
    """Both limits at once, over an hour."""
    log = flood(20)
    for n in range(0, len(log), 97):
        log.insert(n, call(START + 1, n, f"mad/{n}"))
    return log


@pytest.mark.parametrize("batch", [1, 13, 100_000])
def test_batches_may_end_anywhere(batch: int) -> None:
    assert apply_values(mixed(), batch) == apply_values(mixed(), 1_000)


def apply_values(log: Log, batch: int) -> list[bytes]:
    return [record.value for record in apply(small(), log, batch) if record.topic == ALERTS]


@pytest.mark.parametrize("cut", [5, 150, 700, 1_500, 2_050, 2_080])
def test_a_restored_worker_tells_nothing_twice_and_forgets_nothing(cut: int) -> None:
    log = mixed()
    assert cut < len(log)
    first = small()
    before = apply(first, log[:cut])
    common = orjson.loads(orjson.dumps(first.freeze_common()))
    again = small()
    again.thaw(cut, common, first.freeze(first.kept()))
    both = [record.value for record in before + apply(again, log, 1_000, cut) if record.topic == ALERTS]
    assert both == apply_values(log, 1_000)


def test_what_the_first_clock_drops_is_no_want_of_room() -> None:
    actor = small()
    log: Log = [call(START + 9 * 3_600_000, 1), *clocks(START, START + 5 * MINUTE)]
    assert alerts(apply(actor, log)) == []
    assert actor.windows.refused == 1


def test_quiet_partitions_tell_nothing() -> None:
    actor = small()
    log: Log = [*clocks(START, START), *(call(START + n, n) for n in range(SLOTS - 1))]
    assert alerts(apply(actor, [*log, *clocks(START + MINUTE, START + 60 * MINUTE)])) == []


def test_the_alert_is_no_larger_than_a_record_may_be() -> None:
    actor = small()
    name = "é" * 100 + "/" + "é" * 99
    log: Log = [*clocks(START, START), *(call(START + n, n, f"{n}{name[2:]}") for n in range(10))]
    sizes: list[Any] = [len(r.value) for r in apply(actor, [*log, *clocks(START + 1, START + 1)]) if r.topic == ALERTS]
    assert len(sizes) == 1
    assert max(sizes) < 10_000
