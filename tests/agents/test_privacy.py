"""Nothing that is written names an agent: figures, orders, alerts and what partitions tell each other."""

from __future__ import annotations

from typing import Any

from agents.actor import PartitionActor
from agents.unit_view import UnitView
from agents.view import MetricsView
from models.catalogue import Catalogue, Department, Person, QueueSettings, Site
from models.encode import clock_record, encode_event
from models.partition import partition_of
from tests.agents.unit_world import START

AGENT = "agent-7f3a"
S = 1_000


def log() -> list[bytes]:
    """A quarter of an hour in which one agent lets calls ring, cannot sign in, and talks for long."""
    out: list[bytes] = []
    for n, now in enumerate(range(START, START + 900_000, 5 * S)):
        base: dict[str, Any] = {"source": "pbx", "ts": now, "queue": "ash/bills", "agent": AGENT}
        state = ("ready", "ringing", "talking")[n % 3]
        events: list[dict[str, Any]] = [
            base | {"type": "agent.state", "state": state},
            base | {"type": "agent.login_failed"},
            base | {"type": "call.offered", "call": f"c{n}"},
            base | {"type": "ring.no_answer", "call": f"c{n}"},
            base | {"type": "call.answered" if n % 3 else "call.abandoned", "call": f"c{n}"},
            base | {"type": "call.completed", "call": f"c{n}", "talk_ms": 900_000},
        ]
        out += [encode_event(event | {"id": f"{n}-{i}"}) for i, event in enumerate(events)]
        out.append(clock_record(now + S, "replay"))
    return out


def test_no_agent_is_named_in_what_is_written() -> None:
    catalogue = Catalogue(
        sites=(Site("ash"),),
        queues=(QueueSettings(department="floor"),),
        departments=(Department("floor", "Floor"),),
        people=(Person("ann", "Ann", "floor", 1),),
    )
    actor, values = PartitionActor(partition_of("ash/bills", 2), 2, catalogue), log()
    effects = actor.apply(values, range(len(values)))
    written = [record.value for record in (*effects.records, *effects.told)]
    written += [value for _, value in (*MetricsView(actor).rows(START), *UnitView(actor.units).rows(START))]
    assert any(b'"sign-in"' in value for value in written)  # it was seen
    assert not [value for value in written if AGENT.encode() in value]
