"""The simulator: a seeded day of a contact centre as a recording, and beside it the truth of what went wrong."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from models.errors import UsageError
from sources.simulation.demand import MENU_SHARE, Caller, CallerDraw, base_rate, poisson_times
from sources.simulation.incident import Incident, draw_incidents, extra_arrivals, lost_share, truth
from sources.simulation.plan import DayPlan, PoolPlan, plan_pools
from sources.simulation.pool import Contact, run_pool
from sources.simulation.roster import Agent, draw_up, take_away
from sources.simulation.telling import SOURCE, tell_heartbeats, tell_pool

#: All events of a run are held until they are merged, about 400 bytes each: beyond this it is more than 2 GB.
MAX_EVENTS: Final = 5_000_000
#: Events of one call at most on average: three of its own, and agent states in its queue and in another.
_EVENTS_PER_CALL: Final = 9


@dataclass(frozen=True, slots=True)
class PoolDay:
    """A simulated pool: who called, what became of them, who worked."""

    pool: PoolPlan
    callers: tuple[tuple[Caller, ...], ...]  #: for each of its queues
    contacts: tuple[Contact, ...]
    agents: tuple[Agent, ...]


def make_plan(seed: int, start: datetime, hours: float, queues: int, *, incidents: bool = True) -> DayPlan:
    """A run of *hours* from *start* (aware, with an IANA zone) over *queues* queues.

    Raises UsageError when it would be empty or larger than `MAX_EVENTS`.
    """
    if hours <= 0 or queues < 1:
        raise UsageError(
            f"--hours {hours:g} --queues {queues}: a simulation needs more than 0 hours and at least 1 queue"
        )
    plan = DayPlan(seed, start, hours, plan_pools(queues), incidents)
    calls = sum(queue.peak_per_hour * hours * 0.6 for pool in plan.pools for queue in pool.queues)
    if calls * _EVENTS_PER_CALL > MAX_EVENTS:
        raise UsageError(
            f"--hours {hours:g} --queues {queues}: about {calls * _EVENTS_PER_CALL:,.0f} events, "
            f"more than {MAX_EVENTS:,}; simulate fewer hours or queues, or several recordings with different seeds"
        )
    return plan


def incidents_of(plan: DayPlan) -> tuple[Incident, ...]:
    """What goes wrong in *plan*."""
    return draw_incidents(plan, random.Random(f"{plan.seed}/incidents")) if plan.incidents else ()


def ground_truth(plan: DayPlan) -> dict[str, Any]:
    """The incidents of *plan* as JSON: kind, queue, start_ms, end_ms, size."""
    return truth(plan, incidents_of(plan))


def simulate_pool(plan: DayPlan, pool: PoolPlan, incidents: tuple[Incident, ...]) -> PoolDay:
    """Simulate one pool; pools do not share agents, so each stands alone."""
    rates = [base_rate(plan, queue) for queue in pool.queues]
    callers = tuple(_callers(plan, pool, n, rate, incidents) for n, rate in enumerate(rates))
    agents = draw_up(plan, pool, rates)
    for incident in incidents:
        if incident.kind == "staffing_gap" and incident.pool == pool.number:
            take_away(agents, incident.size, incident.start_s, incident.end_s)
    queued = [[caller for caller in some if caller.fate == "queue"] for some in callers]
    contacts = run_pool(pool.queues, queued, agents, plan.seconds)
    return PoolDay(pool, callers, tuple(contacts), tuple(agents))


def simulate(plan: DayPlan, progress: Callable[[int, int], None] = lambda done, of: None) -> Iterator[bytes]:
    """All events of *plan* as JSON lines sorted by ``ts``. *progress* hears how many pools of how many are done."""
    incidents = incidents_of(plan)
    told = []
    for done, pool in enumerate(plan.pools):
        progress(done, len(plan.pools))
        day = simulate_pool(plan, pool, incidents)
        told.append(tell_pool(plan, pool, [c for some in day.callers for c in some], day.contacts, day.agents))
    progress(len(plan.pools), len(plan.pools))
    for _, line in heapq.merge(*told, tell_heartbeats(plan), key=lambda event: event[0]):
        yield line


def _callers(
    plan: DayPlan, pool: PoolPlan, n: int, rate: Callable[[float], float], incidents: tuple[Incident, ...]
) -> tuple[Caller, ...]:
    """Everybody who dials for the pool's *n*th queue: the ordinary day, and whom incidents add.

    Streams of their own, so that the ordinary callers are the same people at the same times whatever goes wrong.
    """
    queue, seed = pool.queues[n], f"{plan.seed}/{pool.queues[n].name}"
    ours = tuple(incident for incident in incidents if queue.name in incident.queues)
    peak_per_s = queue.peak_per_hour / 3600

    def rate_of(stream: Incident | None, t: float) -> float:
        if stream is None:
            return rate(t)
        return rate(t) * extra_arrivals(stream) if stream.covers(queue.name, t) else 0.0

    callers: list[Caller] = []
    for stream in (None, *ours):
        more = 1.0 if stream is None else extra_arrivals(stream)
        name = "day" if stream is None else f"incident-{stream.id}"
        draw = CallerDraw(
            random.Random(f"{seed}/{name}/callers"),
            queue,
            f"s{plan.seed}.{pool.number}.{n}.{0 if stream is None else stream.id}",
        )
        times = poisson_times(
            random.Random(f"{seed}/{name}/times"),
            partial(rate_of, stream),
            peak_per_s * more,
            plan.seconds,
        )
        callers += [draw.draw(t, *lost_share(ours, queue.name, t, MENU_SHARE)) for t in times]
    return tuple(sorted(callers, key=lambda caller: (caller.at_s, caller.call)))


__all__ = ["SOURCE", "DayPlan", "PoolDay", "ground_truth", "incidents_of", "make_plan", "simulate", "simulate_pool"]
