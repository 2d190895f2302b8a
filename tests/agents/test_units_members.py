"""What is told of members to be compared is bounded: those with most calls."""

from __future__ import annotations

from itertools import count, islice

import orjson

from agents.actor import PartitionActor
from models.catalogue import Catalogue, Site
from models.encode import clock_record, encode_event
from models.partition import partition_of
from models.unit import MEMBERS_MAX
from tests.agents.unit_world import START


def test_members_beyond_the_most_are_not_told() -> None:
    site = next(f"site{n}" for n in count() if partition_of(f"site{n}/*", 2) == 1)  # at home in the other partition
    here = (f"{site}/q{n}" for n in count() if partition_of(f"{site}/q{n}", 2) == 0)
    queues = list(islice(here, MEMBERS_MAX + 5))
    log = [clock_record(START, "replay")]
    for n, queue in enumerate(queues):
        for call in range(20 if n < 5 else 21):
            event = {"id": f"{n}-{call}", "source": "pbx", "type": "call.answered", "ts": START + 1_000}
            log.append(encode_event(event | {"queue": queue, "call": f"{n}-{call}", "wait_ms": 1_000}))
    log.append(clock_record(START + 60_000, "replay"))
    actor = PartitionActor(0, 2, Catalogue(sites=(Site(site),)))
    told = [orjson.loads(record.value) for record in actor.apply(log, range(len(log))).told]
    members = [one["members"] for one in told if one["type"] == "unit.sums" and one.get("members")]
    found = members[-1][f"{site}/*"]
    assert [name for name, *_ in found] == sorted(queues[5:])
    assert len(found) == MEMBERS_MAX
