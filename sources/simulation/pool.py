"""A pool of agents and its queues as a queueing network in Ciw: callers in, contacts with their waits out.

Ciw replaces all servers of a node at each change of its schedule, which doubles those who are busy just then, and it
knows servers by number only. `RosterNode` changes the shift by name instead: who works on stays, who goes finishes the
call at hand, who comes is new. Everything else (queue, discipline, reneging, event order) is Ciw's.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import ciw

from sources.simulation.demand import Caller
from sources.simulation.plan import QueuePlan
from sources.simulation.roster import Agent

#: Simulated beyond the last arrival, so that every call of the run has its outcome.
DRAIN_S = 3600.0

Outcome = Literal["answered", "abandoned", "flowed_out"]


class Contact(NamedTuple):
    """What became of a caller: *waited_s* until an agent was found (the ringing comes on top), or until leaving."""

    caller: Caller
    outcome: Outcome
    waited_s: float
    agent: int  #: index into the roster, -1 without one


class _Arrivals(ciw.dists.Distribution):  # type: ignore[misc]
    """Hands Ciw the arrival times of the callers as the gaps between them."""

    def __init__(self, callers: Sequence[Caller]) -> None:
        times = [caller.at_s for caller in callers]
        self.gaps = [b - a for a, b in zip([0.0, *times], times, strict=False)]
        self.next = 0

    def sample(self, t: float | None = None, ind: Any = None) -> float:
        """The next gap; none is left after the last caller."""
        self.next += 1
        return self.gaps[self.next - 1] if self.next <= len(self.gaps) else float("inf")


class _Patience(ciw.dists.Distribution):  # type: ignore[misc]
    """Ciw asks for it once for each arrival, in order: here the individual becomes its caller."""

    def __init__(self, callers: Sequence[Caller], max_wait_s: float) -> None:
        self.callers, self.max_wait_s = iter(callers), max_wait_s

    def sample(self, t: float | None = None, ind: Any = None) -> float:
        """How long the caller stays at most: patience, or what the queue allows."""
        ind.caller = next(self.callers)
        return float(min(ind.caller.patience_s, self.max_wait_s))


class _Handling(ciw.dists.Distribution):  # type: ignore[misc]
    """How long the caller binds an agent: ringing, talk, wrap-up."""

    def sample(self, t: float | None = None, ind: Any = None) -> float:
        """Seconds."""
        caller: Caller = ind.caller
        return (caller.ring_ms + caller.talk_ms + caller.wrap_ms) / 1000


class RosterNode(ciw.Node):  # type: ignore[misc]
    """A node whose servers are the agents of a roster; ``agents`` is set before the run."""

    agents: Sequence[Agent]

    def change_shift(self) -> None:
        """Let those come and go whose time it is."""
        self.schedule.get_next_shift()
        self.next_shift_change = self.schedule.next_shift_change_date
        working = {n for n, agent in enumerate(self.agents) if agent.works(self.now)}
        for server in list(self.servers):
            server.offduty = server.id_number not in working
            if server.offduty:
                server.shift_end = self.now
                if not server.busy:
                    self.kill_server(server)
        present = {server.id_number for server in self.servers}
        self.servers += [self.simulation.ServerType(self, n, self.now) for n in sorted(working - present)]
        self.c = len(working)
        self.begin_service_if_possible_change_shift()


def run_pool(
    queues: Sequence[QueuePlan], callers: Sequence[Sequence[Caller]], agents: Sequence[Agent], seconds: float
) -> list[Contact]:
    """Let *callers* (for each of *queues*, sorted by time, those who reach it) meet *agents*; first come, first served.

    Returns a contact for each caller who left within the run and `DRAIN_S` after it.
    """
    end = seconds + DRAIN_S
    changes = sorted({t for agent in agents for t in agent.changes() if 0 < t < end})
    counts = [sum(agent.works(t) for agent in agents) for t in [0.0, *changes]]
    network = ciw.create_network(
        arrival_distributions={q.name: [_Arrivals(c)] for q, c in zip(queues, callers, strict=True)},
        service_distributions={q.name: [_Handling()] for q in queues},
        reneging_time_distributions={
            q.name: [_Patience(c, q.max_wait_s)] for q, c in zip(queues, callers, strict=True)
        },
        number_of_servers=[ciw.Schedule(numbers_of_servers=counts, shift_end_dates=[*changes, end + 1.0])],
    )
    before = random.getstate()  # Ciw breaks ties with the global generator: fixed for us, as it was for others
    try:
        ciw.seed(0)
        simulation = ciw.Simulation(network, node_class=RosterNode)
        simulation.nodes[1].agents = agents
        simulation.simulate_until_max_time(end)
    finally:
        random.setstate(before)
    limits = {queue.name: queue.max_wait_s for queue in queues}
    contacts = [_contact(ind, limits) for ind in simulation.nodes[-1].all_individuals if ind.data_records]
    return sorted(contacts, key=lambda contact: (contact.caller.at_s, contact.caller.call))


def _contact(individual: Any, limits: dict[str, float]) -> Contact:
    record, caller = individual.data_records[-1], individual.caller
    if record.record_type == "service":
        return Contact(caller, "answered", float(record.waiting_time), int(record.server_id))
    timeout = caller.patience_s >= limits[caller.queue]
    return Contact(caller, "flowed_out" if timeout else "abandoned", float(record.waiting_time), -1)
