"""The slow twins of the window kernels: plain Python over a list of events, written from DESIGN section 4 alone."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Event = dict[str, Any]
RANK = {"call.answered": 1, "call.abandoned": 2, "call.flowed_out": 3}
WIDTH_S = {"1m": 60, "5m": 300, "15m": 900, "30m": 1800}
THRESHOLD, SHORT = 20_000, 5_000


def service_level(formula: str, flow_out: str, n: dict[str, int], late_waiting: int = 0) -> float:
    """The five formulas, spelled out."""
    extra = {"against": n["flowed_out"], "late_only": n["flowed_late"], "ignore": 0}[flow_out] + late_waiting
    met, base = {
        "negative": (n["answered_in"], n["answered"] + n["abandoned"] + extra),
        "short_excluded": (n["answered_in"], n["answered"] + n["abandoned"] - n["short"] + extra),
        "ignored": (n["answered_in"], n["answered"] + n["abandoned"] - n["abandoned_in"] + extra),
        "answered_only": (n["answered_in"], n["answered"] + late_waiting),
        "positive": (n["answered_in"] + n["abandoned_in"], n["answered"] + n["abandoned"] + extra),
    }[formula]
    return met / base if base > 0 else math.nan


class Call:
    """Everything that was said of one call and leg in one queue."""

    def __init__(self) -> None:
        self.offers: list[int] = []
        self.outcomes: list[tuple[int, int, float, Any]] = []
        self.completions: list[tuple[int, tuple[int, int, int]]] = []
        self.words: list[int] = []

    def add(self, event: Event) -> None:
        self.words.append(event["ts"])
        if event["type"] == "call.offered":
            self.offers.append(event["ts"])
        elif event["type"] in RANK:
            wait = event.get("wait_ms")
            self.outcomes.append((event["ts"], RANK[event["type"]], math.inf if wait is None else wait, wait))
        elif event["type"] == "call.completed":
            times = tuple(-event.get(k, -1) for k in ("talk_ms", "hold_ms", "wrap_ms"))
            self.completions.append((event["ts"], times))

    @property
    def outcome(self) -> tuple[int, int, float, Any] | None:
        return min(self.outcomes, key=lambda o: o[:3]) if self.outcomes else None

    @property
    def wait(self) -> int | None:
        assert self.outcome is not None
        if self.outcome[3] is not None:
            return int(max(self.outcome[3], 0))
        return max(self.outcome[0] - min(self.offers), 0) if self.offers else None

    @property
    def arrival(self) -> int | None:
        if self.offers:
            return min(self.offers)
        return None if self.outcome is None else self.outcome[0] - (self.wait or 0)

    def waits(self) -> bool:
        return bool(self.offers) and not self.outcomes and not self.completions

    def facts(self) -> list[tuple[int, dict[str, int]]]:
        """(time, counts) of each thing that happened to it."""
        out: list[tuple[int, dict[str, int]]] = []
        if self.arrival is not None:
            out.append((self.arrival, {"offered": 1}))
            if self.outcome is None:
                out.append((self.arrival, {"unresolved": 1}))
        if self.outcome is not None:
            ts, rank, wait = self.outcome[0], self.outcome[1], self.wait
            within = int(wait is not None and wait <= THRESHOLD)
            if rank == 1:
                known = {"wait_ms": wait, "wait_known": 1} if wait is not None else {}
                out.append((ts, {"answered": 1, "answered_in": within, **known}))
            elif rank == 2:
                short = int(wait is not None and wait <= SHORT)
                out.append((ts, {"abandoned": 1, "abandoned_in": within, "short": short}))
            else:
                out.append((ts, {"flowed_out": 1, "flowed_late": 1 - within}))
        if self.completions:
            ts, times = min(self.completions)
            talk, hold, wrap = (max(-t, 0) for t in times)
            out.append((ts, {"completed": 1, "handle_ms": talk + hold + wrap}))
        return out


class Twin:
    """All figures of one queue by brute force."""

    def __init__(self, events: list[Event], zone: str) -> None:
        self.zone = ZoneInfo(zone)
        self.calls: dict[tuple[str, int], Call] = defaultdict(Call)
        self.left: dict[tuple[str, str, int], int] = {}
        for event in events:
            key = (event["call"], event.get("leg", 1))
            if event["type"] in ("ivr.abandoned", "call.blocked"):
                name = "ivr_abandoned" if event["type"] == "ivr.abandoned" else "blocked"
                self.left[(name, *key)] = min(event["ts"], self.left.get((name, *key), event["ts"]))
            else:
                self.calls[key].add(event)

    def facts(self) -> list[tuple[int, int, dict[str, int]]]:
        """(time, arrival, counts) of everything."""
        out = [(ts, ts, {name: 1}) for (name, _, _), ts in self.left.items()]
        for call in self.calls.values():
            out += [(ts, -1 if call.arrival is None else call.arrival, counts) for ts, counts in call.facts()]
        return out

    def window(self, now: int, window: str, since: int | None = None) -> dict[str, int]:
        bucket = now // 5000
        total: dict[str, int] = defaultdict(int)
        for ts, arrival, counts in self.facts():
            if window == "resolve":
                inside = since is not None and arrival >= since
            elif window == "day":
                inside = self._midnight(now) <= ts and ts // 5000 <= bucket
            else:
                inside = bucket - WIDTH_S[window] // 5 < ts // 5000 <= bucket
            if inside:
                for name, n in counts.items():
                    total[name] += n
        return total

    def waiting(self, now: int) -> list[int]:
        """Ages of the callers who wait, those lost track of left out."""
        return [
            max(now - min(c.offers), 0) for c in self.calls.values() if c.waits() and now - max(c.words) <= 1_800_000
        ]

    def lost(self, now: int) -> int:
        return sum(c.waits() and now - max(c.words) > 1_800_000 for c in self.calls.values())

    def rows(self, minutes: int, *, by_event: bool = False) -> dict[int, dict[str, int]]:
        out: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for ts, arrival, counts in self.facts():
            at = ts if by_event else arrival
            if at >= 0:
                for name, n in counts.items():
                    out[self._interval(at, minutes)][name] += n
        return {start: row for start, row in out.items() if any(row.values())}

    def _interval(self, ts: int, minutes: int) -> int:
        local = datetime.fromtimestamp(ts / 1000, self.zone)
        offset = local.utcoffset() or timedelta()
        shifted = ts + int(offset.total_seconds() * 1000)
        return ts - shifted % (minutes * 60_000)

    def _midnight(self, now: int) -> int:
        local = datetime.fromtimestamp(now / 1000, self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        return int(local.timestamp() * 1000)
