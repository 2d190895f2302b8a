"""From counts to figures, each spelled out as the dictionary has it in words."""

from __future__ import annotations

import math
from collections import UserDict
from typing import TYPE_CHECKING

from models.catalogue import FlowOut, Formula, QueueSettings
from models.event import CHANNELS, LINES
from models.metric import COMPARISONS, FIGURES, LEARNED, OF_THE_WHOLE
from tests.oracle.lives import Call

if TYPE_CHECKING:
    from tests.oracle.log import Queue

Figures = dict[tuple[str, str], float]
WINDOWS = ("1m", "5m", "15m", "30m", "day", "resolve")


class Sums(UserDict[str, int]):
    """Counts by name, 0 where nothing was counted."""

    def __missing__(self, name: str) -> int:
        return 0


def ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan


def known(value: float) -> float | None:
    return None if math.isnan(value) else value


def service(settings: QueueSettings, n: Sums) -> tuple[int, int]:
    """Calls served in time, and the calls that are judged."""
    extra = {FlowOut.AGAINST: n["flowed_out"], FlowOut.LATE_ONLY: n["flowed_late"], FlowOut.IGNORE: 0}[
        settings.flow_out
    ]
    both = n["answered"] + n["abandoned"]
    return {
        Formula.NEGATIVE: (n["answered_in"], both + extra),
        Formula.SHORT_EXCLUDED: (n["answered_in"], both - n["short"] + extra),
        Formula.IGNORED: (n["answered_in"], both - n["abandoned_in"] + extra),
        Formula.ANSWERED_ONLY: (n["answered_in"], n["answered"]),
        Formula.POSITIVE: (n["answered_in"] + n["abandoned_in"], both + extra),
    }[settings.formula]


def service_level(settings: QueueSettings, n: Sums) -> float:
    return ratio(*service(settings, n))


def of(queue: Queue, now: int) -> Figures:
    """Every figure of *queue* at the clock *now*."""
    waiting = [(call, now - (call.offered or 0)) for call in queue.waiting(now)]
    past = [call.offered or 0 for call, age in waiting if age > call.limits.threshold_ms]
    soon = sum(max(age, 0) <= call.limits.threshold_ms < max(age, 0) + 20_000 for call, age in waiting)
    out = _present(queue, now, [max(age, 0) for _, age in waiting], len(past)) | {("waiting_soon", "now"): soon}
    of_day = Sums(queue.window("day", now))
    for window in WINDOWS:
        late = len(past)
        if window == "resolve":
            late = sum(queue.watch is not None and offered >= queue.watch for offered in past)
        n = Sums(queue.window(window, now))
        found = _calls(queue, n, late) | _notes(n)
        if window != "resolve":
            found |= _work(queue, n, of_day, window, now)
        if window in ("30m", "day"):
            found |= _splits(n)
        if window == "day":
            found |= _of_a_day(queue, n, now)
        out |= {(name, window): value for name, value in found.items()}
    load = out[("load_erlangs", "15m")]
    here = out[("agents_signed_in", "now")] - out[("agents_not_ready", "now")]
    out[("agents_short", "now")] = (math.floor(load) + 1 if load > 0 else load) - here
    # of other queues, of what was learned, of the whole
    return out | {key: math.nan for key in FIGURES if key[0] in LEARNED | COMPARISONS | OF_THE_WHOLE}


def _calls(queue: Queue, n: Sums, late: int) -> dict[str, float]:
    outcomes = n["answered"] + n["abandoned"] + n["flowed_out"]
    unreached = n["ivr_abandoned"] + n["blocked"]
    met, base = service(queue.settings, n)
    same = ("offered", "answered", "abandoned", "flowed_out", "ivr_abandoned", "blocked", "completed")
    return {
        **{name: n[name] for name in (*same, "outbound", "outbound_connected", "flowed_in")},
        "arrivals": n["offered"] + unreached,
        "outcomes": outcomes,
        "service_sample": base + late,
        "service_level": ratio(met, base),
        "service_level_live": ratio(met, base + late),
        "answer_rate": ratio(n["answered"], outcomes),
        "overall_answer_rate": ratio(n["answered"], outcomes + unreached),
        "abandonment_rate": ratio(n["abandoned"], outcomes),
        "unreached_share": ratio(unreached, n["offered"] + unreached),
        "short_abandons": n["short"],
        "lost_calls": n["blocked"] + n["ivr_abandoned"] + n["abandoned"] + n["callbacks_failed"],
        "negative_waits": n["negative"],
        "speed_of_answer_ms": ratio(n["wait_ms"], n["wait_known"]),
        "wait_p50_ms": percentile(n, 50),
        "wait_p95_ms": percentile(n, 95),
        "talk_ms": ratio(n["talk_ms"], n["completed"]),
        "handle_ms": ratio(n["handle_ms"], n["completed"]),
        "queued_share": ratio(n["queued"], n["waited"]),
        "patience_ms": ratio(n["waited_ms"], n["abandoned"]),
    }


def wait_of_rank(n: Sums, percent: int) -> int | None:
    """The wait of rank ``1 + floor(percent (n - 1) / 100)`` of the known waits of answered and abandoned calls."""
    waits = sorted(int(name.split()[1]) for name in n if name.startswith("waited ") for _ in range(n[name]))
    return waits[percent * (len(waits) - 1) // 100] if waits else None


def percentile(n: Sums, percent: int) -> float:
    """The middle of the bin of that wait: bins grow from a second by 1.1 / 0.9, what is beyond an hour is one more."""
    wait = wait_of_rank(n, percent)
    if wait is None:
        return math.nan
    if wait <= 1_000:
        return 500.0
    grow, power = 1.1 / 0.9, 1
    while math.floor(1_000 * grow**power) < min(wait, 3_600_000):
        power += 1
    if wait > math.floor(1_000 * grow**power):
        return float(math.floor(1_000 * grow**power))
    told = 2_000 * grow**power / (grow + 1)
    assert abs(told - wait) <= 0.1 * wait + 1, "the bins themselves are wrong"
    return told


def _notes(n: Sums) -> dict[str, float]:
    same = [f"callbacks_{what}" for what in ("requested", "attempted", "connected", "failed")]
    return {
        **{name: n[name] for name in (*same, "ratings", "scores", "resolutions", "test_calls", "login_failures")},
        "rating": ratio(n["rating_milli"], n["ratings"] * 1000),
        "quality_score": ratio(n["score_milli"], n["scores"] * 1000),
        "first_contact_resolution": ratio(n["resolved"], n["resolutions"]),
        "test_call_success": ratio(n["test_calls_ok"], n["test_calls"]),
    }


def _work(queue: Queue, n: Sums, of_day: Sums, window: str, now: int) -> dict[str, float]:
    """What needs the time that a window has lasted. States of agents: 1 ready, 3 to 5 talking, holding, wrapping up."""
    ready, busy = queue.agent_ms((1,), window, now), queue.agent_ms((3, 4, 5), window, now)
    signed = queue.agent_ms(range(1, 7), window, now)
    handled = n if n["completed"] else of_day
    load = ratio(n["offered"] * handled["handle_ms"], handled["completed"] * (now - queue.begin(window, now)))
    return {
        "occupancy": ratio(busy, busy + ready),
        "effective_work_rate": ratio(busy, signed),
        "load_erlangs": load if n["offered"] else 0.0,
        "capacity_use": ratio((load if n["offered"] else 0.0) * (now - queue.begin(window, now)), signed),
    }


def _splits(n: Sums) -> dict[str, float]:
    words = [f"line_{word}" for word in LINES] + [f"channel_{word}" for word in CHANNELS]
    return {name: n[name] for word in words for name in (f"{word}_offered", f"{word}_answered", f"{word}_abandoned")}


def _of_a_day(queue: Queue, n: Sums, now: int) -> dict[str, float]:
    return {
        "queued_share_peak": ratio(n["queued_peak"], n["waited_peak"]),
        "lost_callers": n["lost_callers"],
        "recovered_callers": n["recovered_callers"],
        **{what: queue.today(what, now) for what in queue.records},
    }


def _unconnected(queue: Queue, now: int) -> int:
    for window in ("30m", "15m", "5m", "1m"):
        n = Sums(queue.window(window, now))
        if not n["answered"]:
            return n["offered"] + n["blocked"]
    return 0


def _since_connected(queue: Queue, now: int) -> float:
    if not queue.is_open or queue.last_came is None:
        return math.nan
    began = max(t for t in (queue.last_answered, queue.open_since, -1) if t is not None)
    return max(now - began, 0) if queue.last_came > began else 0


def _present(queue: Queue, now: int, ages: list[int], past: int) -> Figures:
    states = [agent.points()[-1][1] for agent in queue.agents()]
    names = ("offline", "ready", "ringing", "talking", "hold", "wrap", "not_ready")
    agents = {f"agents_{name}": states.count(at) for at, name in enumerate(names) if at}
    agents |= {"agents_busy": sum(2 <= state <= 5 for state in states), "agents_signed_in": sum(s != 0 for s in states)}
    silent_since = max(queue.last_event or 0, queue.open_since or 0)
    found = {
        **{name: n if states else math.nan for name, n in agents.items()},
        "waiting": len(ages),
        "waiting_past_threshold": past,
        "longest_wait_ms": max(ages, default=0),
        "lost_track": sum(isinstance(life, Call) and life.is_lost(now) for life in queue.lives.values()),
        "silence_ms": max(now - silent_since, 0) if queue.is_open and queue.last_event is not None else math.nan,
        "since_last_event_ms": max(now - queue.last_word, 0) if queue.last_word is not None else math.nan,
        "unconnected": _unconnected(queue, now),
        "since_connected_ms": _since_connected(queue, now),
        "open": int(queue.is_open),
        "data_complete": 1,
    }
    return {(name, "now"): value for name, value in found.items()}
