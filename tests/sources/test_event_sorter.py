from __future__ import annotations

import random

from sources.event_sorter import EventSorter


def test_runs_on_disk_give_the_order_of_memory() -> None:
    kinds = ["call.offered", "call.answered", "call.completed", "ivr.abandoned"]
    events = [(n % 97, kinds[n % 4], b"%06d" % n) for n in range(10_000)]
    random.Random(1).shuffle(events)
    orders = []
    for run_events in (50_000, 3_000):
        with EventSorter(run_events) as sorter:
            for event in events:
                sorter.add(*event)
            orders.append(list(sorter))
            assert sorter.events == len(events)
    assert orders[0] == orders[1]
    rank = {"ivr.abandoned": 0, "call.offered": 1, "call.answered": 2, "call.completed": 3}
    assert orders[0] == [line for *_, line in sorted((ts, rank[kind], line) for ts, kind, line in events)]


def test_one_moment_keeps_the_course_of_a_call() -> None:
    with EventSorter() as sorter:
        for kind in ("call.completed", "call.answered", "call.offered"):
            sorter.add(5, kind, kind.encode())
        assert list(sorter) == [b"call.offered", b"call.answered", b"call.completed"]
