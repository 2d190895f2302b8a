"""Order, duplicates and lateness do not matter: whatever comes however, the figures and rows equal a plain oracle.

By default the same worlds are tried in every run. ``CALLWATCH_ORACLE_EXAMPLES=5000`` tries so many new ones.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from models.metric import FIGURES
from tests.oracle.harness import Partition, pass_time, run
from tests.oracle.log import ROW_COUNTS
from tests.oracle.worlds import World, in_order, worlds

_ASKED = os.environ.get("CALLWATCH_ORACLE_EXAMPLES")
_OPTIONS: dict[str, Any] = {
    "derandomize": _ASKED is None,
    "deadline": None,
    "phases": [phase for phase in Phase if phase is not Phase.explain],  # which takes minutes here
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
}
#: Figures that tell of the log, not of what happened: its records, and since when it knows a queue to be open.
OF_THE_LOG = ("late", "too_late", "duplicate", "silence_ms", "since_connected_ms")


@st.composite
def places(draw: st.DrawFn, world: World) -> set[int]:
    return set(draw(st.lists(st.integers(0, len(world.script) - 1), max_size=4)))


@given(worlds(), st.data())
@settings(max_examples=int(_ASKED or 200), **_OPTIONS)
def test_figures_and_rows_equal_the_oracle(world: World, data: st.DataObject) -> None:
    clocks = {at for at, (partition, _) in enumerate(world.script) if partition is None}
    ends = clocks if data.draw(st.booleans(), "a batch ends with each clock") else data.draw(places(world))
    for partition in run(world, ends, data.draw(places(world), "cuts")):
        assert partition.compared


@given(worlds(calm=True), st.data())
@settings(max_examples=int(_ASKED or 400) // 4, **_OPTIONS)
def test_shuffled_repeated_and_parted_is_the_same_as_in_order(world: World, data: st.DataObject) -> None:
    straight = in_order(world)
    times = [entry["ts"] for _, entry in straight.script if isinstance(entry, dict)]
    assume(max(times) - min(times) < 3 * 3_600_000)  # nothing is let go of
    shuffled = run(world, data.draw(places(world)), data.draw(places(world)))
    ordered = run(straight, set(), set())
    got, want = figures(shuffled), figures(ordered)
    assert {key: (got[key], want.get(key)) for key in got if got[key] != want.get(key)} == {}
    assert rows(shuffled) == rows(ordered)


def figures(partitions: list[Partition]) -> dict[str, str]:
    """The figures of all queues at the last clock."""
    out: dict[str, str] = {}
    for one in partitions:
        for name in one.oracle.queues:
            row = one.actor.windows.figures[one.actor.names.index(name)].tolist()
            told = {f"{name} {metric}@{w}": row[at] for (metric, w), at in FIGURES.items() if metric not in OF_THE_LOG}
            out |= {key: repr(value) for key, value in told.items()}
    return out


def rows(partitions: list[Partition]) -> dict[str, dict[str, Any]]:
    """The last revision of each row that tells of a call, an hour later, when nobody waits any more."""
    pass_time(partitions, 3_600_000)
    last = {f"{row['queue']} {row['start_ms']}": row for one in partitions for row in one.rows}
    # a published call may turn out to have come in another interval
    return {key: row | {"revision": 0, "pos": 0} for key, row in last.items() if any(row[name] for name in ROW_COUNTS)}
