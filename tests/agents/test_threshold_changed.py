"""A threshold that changes while calls are under way: each is judged by the one that it came under."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from agents.actor import PartitionActor
from models.catalogue import Catalogue, FlowOut, Formula, QueueSettings
from models.encode import clock_record
from models.settings_record import settings_record
from models.topics import INTERVALS
from tests.agents.logs import Log, run

#: Monday 2026-03-02, 08:00 UTC.
START = 1_772_438_400_000
S = 1_000
QUEUE = "north/bills"
STRICT = Catalogue(queues=(QueueSettings(threshold_ms=10 * S, short_ms=2 * S, formula=Formula.NEGATIVE),))
LOOSE = replace(STRICT, queues=(replace(STRICT.queues[0], threshold_ms=30 * S, short_ms=25 * S),))


def event(kind: str, at_s: float, call: str) -> bytes:
    fields: dict[str, Any] = {"id": f"{kind}-{call}", "source": "pbx", "type": kind, "ts": START + int(at_s * S)}
    return orjson.dumps(fields | {"queue": QUEUE, "call": call})


def clock(at_s: float) -> bytes:
    return clock_record(START + int(at_s * S), "t")


def told(catalogue: Catalogue) -> bytes:
    return settings_record(catalogue, id="1", source="t", ts_ms=START)


def log(change: Catalogue) -> Log:
    """Every call waits 20 s; half of them are offered before the change, at 20 s, and half after it."""
    out: Log = [clock(0)]
    out += [event("call.offered", 5, call) for call in ("answered1", "lost1", "late1", "waiting1")]
    out += [clock(19), told(change), clock(21)]
    out += [event("call.offered", 22, call) for call in ("answered2", "lost2", "late2", "waiting2")]
    out += [event("call.answered", 25, "answered1"), event("call.abandoned", 25, "lost1"), clock(42)]
    out += [event("call.answered", 42, "answered2"), event("call.abandoned", 42, "lost2"), clock(43)]
    return out


def actor_after(records: Log) -> PartitionActor:
    actor = PartitionActor(0, 1, STRICT)
    run(actor, records, batch=3)
    return actor


def figures(actor: PartitionActor, window: str = "5m") -> list[float | None]:
    value = actor.windows.value
    return [value(QUEUE, "service_level", window), value(QUEUE, "waiting_past_threshold", "now")]


def test_calls_keep_the_threshold_that_they_came_under() -> None:
    # of the four with an outcome only answered2 was in time: 20 s within 30
    assert figures(actor_after(log(LOOSE))) == [pytest.approx(1 / 4), 2.0]  # late1 and waiting1 are past their 10 s
    assert figures(actor_after(log(STRICT))) == [0.0, 4.0]


def test_they_keep_it_over_a_restore() -> None:
    whole = log(LOOSE)
    for cut in range(len(whole)):
        first = actor_after(whole[:cut])
        again = PartitionActor(0, 1, Catalogue())
        again.thaw(cut, orjson.loads(orjson.dumps(first.freeze_common())), first.freeze(first.kept()))
        run(again, whole, 3, cut)
        assert figures(again) == [pytest.approx(1 / 4), 2.0], cut


def test_a_late_word_takes_back_what_was_counted_and_no_more() -> None:
    """The outcome of a call is put right after the change: its old share goes as it came."""
    records: Log = [clock(0), event("call.offered", 1, "a"), event("call.answered", 6, "a"), clock(7)]
    late: Log = [told(replace(LOOSE, queues=(replace(LOOSE.queues[0], threshold_ms=2 * S, short_ms=S),))), clock(8)]
    late += [event("call.abandoned", 4, "a"), clock(60 * 60)]  # it was lost before somebody answered
    actor = PartitionActor(0, 1, STRICT)
    rows = [orjson.loads(r.value) for r in run(actor, [*records, *late]) if r.topic == INTERVALS]
    assert [(r["answered"], r["answered_in_threshold"], r["abandoned"]) for r in rows][-1] == (0, 0, 1)
    assert rows[-1]["abandoned_in_threshold"] == 1


def test_a_formula_holds_for_every_figure_from_now_on() -> None:
    flowing = replace(
        STRICT, queues=(replace(STRICT.queues[0], formula=Formula.ANSWERED_ONLY, flow_out=FlowOut.IGNORE),)
    )
    records: Log = [clock(0), event("call.offered", 1, "a"), event("call.offered", 1, "b")]
    records += [event("call.answered", 6, "a"), event("call.abandoned", 20, "b"), clock(21)]
    assert figures(actor_after(records))[0] == pytest.approx(1 / 2)
    assert figures(actor_after([*records, told(flowing), clock(22)]))[0] == 1.0
