"""``callwatch bench memory``: a simulated month through all that holds state; memory must be flat after the first days.

In one process, without a broker: the actors of all partitions, their rounds of snapshots and their metrics rows. After
each simulated day it is written down what the process and its parts hold; a part that grows by more than a percent a
day after the warm-up fails the run.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from agents.actor import PartitionActor, Record
from agents.view import MetricsView
from benchmarks import machine
from benchmarks.flat import percent_a_day
from benchmarks.month import DAY_MS, ZONE, Month, Told, month_log, simulate_days
from callwatch.settings import parse_settings
from models import fields
from models.catalogue import Catalogue
from models.encode import command_record
from models.errors import WorkError
from models.topics import EVENTS, WORKORDERS
from streams.snapshots import Manifest, Snapshots
from streams.store import SLOT_LIVE, Store

#: Records of a partition applied at once.
BATCH: Final = 4_096
#: A round of snapshots, in stream time: at the speed of this run several a second.
ROUND_MS: Final = 1_800_000
#: Readers get rows this often, in stream time.
VIEW_MS: Final = 60_000
#: What people do about an open order, this long after its last change.
ACT_MS: Final = 300_000
#: Days until everything that is kept for hours or days, and every pool, has reached its size.
WARM_UP_DAYS: Final = 5
#: More than this in percent a day is a leak.
LIMIT_PERCENT: Final = 1.0
#: What must be flat. The others are told: ids of commands fill their 512 places over weeks.
HELD: Final = ("rss_mib", "objects", "calls_kept", "pools_mib", "rows", "snapshot_kib", "names_cached")

Say = Callable[[str], None]
Day = dict[str, float]


def catalogue(queues: Iterable[str] = ()) -> Catalogue:
    """Rules, people and sites of the demo, with its zone for all sites."""
    text = files("callwatch").joinpath("demo", "demo.toml").read_text(encoding="utf-8")
    return parse_settings(f'{text}\n[[site]]\nname = "*"\nzone = "{ZONE}"\n', "demo.toml").catalogue


@dataclass(slots=True)
class Keeper:
    """One partition as its keeper holds it, but for the broker: actor, view, rounds of snapshots, what waits."""

    actor: PartitionActor
    partitions: int
    view: MetricsView = field(init=False)
    snapshots: Snapshots = field(default_factory=lambda: Snapshots(1))
    waiting: list[bytes] = field(default_factory=list)
    open: dict[str, dict[str, Any]] = field(default_factory=dict)
    outputs: int = 0
    written: int = 0  #: bytes of snapshots

    def __post_init__(self) -> None:
        self.view = MetricsView(self.actor)

    def flush(self) -> list[Record]:
        """Apply what waits; returns what was caused, and what is told of units to their homes."""
        values, self.waiting = self.waiting, []
        if not values:
            return []
        first = self.actor.position
        effects = self.actor.apply(values, range(first, first + len(values)))
        self.outputs += len(effects.records)
        for record in effects.records:
            if record.topic == WORKORDERS:
                self._order(orjson.loads(record.value))
        return effects.records + effects.told

    def _order(self, order: dict[str, Any]) -> None:
        self.open.pop(order["id"], None)
        if order["state"] not in ("closed", "cancelled"):
            self.open[order["id"]] = order

    def act(self, now_ms: int) -> None:
        """People do the next thing about each open order that has stood as it is for a while."""
        for order in list(self.open.values()):
            command = _next_command(order)
            if command and order["owner"] and now_ms - order["updated_ms"] >= ACT_MS:
                self.waiting.append(_command(order, now_ms, *command))

    def round(self) -> None:
        """A round of snapshots as the keeper writes it."""
        actor = self.actor
        records = self.snapshots.round(actor.position, actor.freeze(actor.changed()))
        position, session = actor.position, self.snapshots.session
        last = Manifest(position, self.partitions, 1, session, actor.freeze_common(), {}).encode()
        self.snapshots.confirmed()
        self.written += sum(len(value or b"") for _, value in [*records, last])


def _next_command(order: dict[str, Any]) -> tuple[str, dict[str, str]] | None:
    check = order["verification"] or {}
    if order["state"] == "verifying" and check.get("state") == "undecided":
        return "sign_evidence", {"text": "rang the line: answered at once"}
    done: dict[str, tuple[str, dict[str, str]]] = {
        "dispatched": ("acknowledge", {}),
        "acknowledged": ("analyse", {}),
        "analysing": ("resolve", {"cause": "staffing", "measure": "called two agents back"}),
    }
    return done.get(order["state"])


def _command(order: dict[str, Any], now_ms: int, command: str, args: dict[str, str]) -> bytes:
    return command_record(
        id=f"{order['id']}-{now_ms}",
        source="bench",
        ts_ms=now_ms,
        queue=order["queue"],
        order=order["id"],
        command=command,
        actor=order["owner"],
        args=args,
    )


class Run:
    """A month on its way through the keepers of all partitions."""

    def __init__(self, month: Month) -> None:
        self.month = month
        found = catalogue()
        self.keepers = [
            Keeper(PartitionActor(n, month.partitions, found), month.partitions) for n in range(month.partitions)
        ]
        self.days: list[Day] = []
        self._events = 0
        self._most: dict[str, float] = {}
        self._begun_s = time.perf_counter()

    def take(self, told: Told) -> bool:
        """One record of the log. True when a day is over."""
        if told.partition >= 0:
            self._events += 1
            self._put(told.partition, told.value)
            return False
        for number in range(len(self.keepers)):
            self._put(number, told.value)
        if told.at_ms % VIEW_MS == 0:
            self._minute(told.at_ms)
        since_ms = told.at_ms - self.month.start_ms
        if since_ms > 0 and since_ms % DAY_MS == 0 and told.value.startswith(b'{"id":"clock-'):
            self._midnight()
            return True
        return False

    def _put(self, number: int, value: bytes) -> None:
        keeper = self.keepers[number]
        keeper.waiting.append(value)
        if len(keeper.waiting) >= BATCH:
            self._flush(keeper)

    def _flush(self, keeper: Keeper) -> None:
        for record in keeper.flush():
            if record.topic == EVENTS:  # found in the wrong partition and forwarded, or told of units
                self.keepers[record.partition].waiting.append(record.value)

    def _minute(self, now_ms: int) -> None:
        for keeper in self.keepers:
            self._flush(keeper)
            keeper.act(now_ms)
            keeper.view.rows(now_ms)
            if now_ms % ROUND_MS == 0:
                keeper.round()
        if now_ms % 3_600_000 == 0:
            for name, value in self._sizes().items():
                self._most[name] = max(value, self._most.get(name, 0.0))

    def _midnight(self) -> None:
        gc.collect()
        self.days.append(
            {
                "day": float(len(self.days) + 1),
                "events": float(self._events),
                "outputs": float(sum(k.outputs for k in self.keepers)),
                "seconds": round(time.perf_counter() - self._begun_s, 1),
                **self._most,
                "objects": float(len(gc.get_objects())),
                "snapshot_kib": round(sum(_frozen_bytes(k.actor) for k in self.keepers) / 1024, 1),
                "snapshots_written_mib": round(sum(k.written for k in self.keepers) / 2**20, 1),
            }
        )
        self._most = {}

    def _sizes(self) -> dict[str, float]:
        """What is held now: of the process, and of all actors together."""
        stores = [keeper.actor.windows._store for keeper in self.keepers]
        return {
            "rss_mib": round(rss_bytes() / 2**20, 1),
            "calls_kept": float(sum(int(store.meta[SLOT_LIVE]) for store in stores)),
            "pools_mib": round(sum(_pool_bytes(store) for store in stores) / 2**20, 2),
            "rows": float(sum(int(np.count_nonzero(store.rows["used"])) for store in stores)),
            "queues": float(sum(len(keeper.actor.names) for keeper in self.keepers)),
            "open_orders": float(sum(len(keeper.open) for keeper in self.keepers)),
            "commands": float(sum(len(keeper.actor.freeze_common()["commands"]) for keeper in self.keepers)),
            "names_cached": float(
                fields.partition_of_queue.cache_info().currsize + fields.queue_fault.cache_info().currsize
            ),
        }


def _pool_bytes(store: Store) -> int:
    """All arrays of a partition, at their size, filled or not."""
    return sum(array.nbytes for array in store)


def _frozen_bytes(actor: PartitionActor) -> int:
    """What the snapshots of all queues and the manifest's common part would hold now, before compression."""
    changed = set(actor.changed()) & set(actor.names.names)
    frozen = actor.freeze(actor.kept())
    actor.judgement.changed |= changed  # they still belong into the next round
    return sum(map(len, frozen.values())) + len(orjson.dumps(actor.freeze_common()))


def rss_bytes() -> int:
    """Resident memory of this process; where the system does not tell, the most that it ever was."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def slopes(days: list[Day], warm_up: int = WARM_UP_DAYS) -> dict[str, float]:
    """Percent a day of everything in `HELD`, over the days after the first *warm_up*."""
    return {name: round(percent_a_day([day[name] for day in days[warm_up:]]), 3) for name in HELD}


def leaks(found: dict[str, float]) -> list[str]:
    """What grows by more than `LIMIT_PERCENT` a day."""
    return [f"{name} grows by {slope:.2f} % a day" for name, slope in found.items() if slope > LIMIT_PERCENT]


def measure(month: Month, say: Say) -> dict[str, Any]:
    """Run *month* and return the results as they are written to JSON."""
    load = machine.load()
    run = Run(month)
    with tempfile.TemporaryDirectory(prefix="callwatch-bench-") as folder:
        recordings = simulate_days(month, Path(folder), say)
        for told in month_log(month, recordings):
            if run.take(told):
                day = run.days[-1]
                say(
                    f"day {len(run.days)} of {month.days}: {day['events']:,.0f} events in {day['seconds']:.0f} s, "
                    f"{day['rss_mib']:.0f} MiB, {day['calls_kept']:,.0f} calls kept"
                )
    if len(run.days) != month.days:
        raise WorkError(f"{len(run.days)} of {month.days} days came through: the run is void. Please report this.")
    found = slopes(run.days)
    return {
        "benchmark": "memory",
        "machine": machine.machine(),
        "versions": machine.versions(),
        "commit": machine.commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_1m": {"before": load, "after": machine.load()},
        "shape": {name: getattr(month, name) for name in ("days", "queues", "partitions", "seed", "clock_ms")},
        "warm_up_days": WARM_UP_DAYS,
        "limit_percent_a_day": LIMIT_PERCENT,
        "days": run.days,
        "percent_a_day": found,
        "leaks": leaks(found),
    }
