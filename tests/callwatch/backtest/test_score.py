"""Delays count from where they should, false is what meets no trouble, and one without truth says nothing of it."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from agents.actor import Record
from callwatch.backtest.happened import Happened
from callwatch.backtest.score import WEEK_MS, quantile, score
from callwatch.backtest.truth import Trouble, read_truth
from models.errors import InputError
from models.topics import ANOMALIES, WORKORDER_LOG

MINUTE = 60_000
TAIL = 30 * MINUTE


def anomaly(rule: str, queue: str, at_min: float, phase: str = "start", number: int = 0) -> Record:
    said = {
        "id": f"AN-{rule}-{queue}-{number}", "queue": queue, "rule": rule, "phase": phase, "metric": "offered",
        "window": "15m", "value": 1.0, "limit": 2.0, "sample": None, "severity": 2, "started_ms": 0,
        "at_ms": round(at_min * MINUTE), "sentence": "s", "zh": "z", "planned": None,
    }  # fmt: skip
    return Record(ANOMALIES, 0, b"", orjson.dumps(said), (0, 0))


def entry(order: str, queue: str, at_min: float, decision: str, after: str, rule: str = "") -> Record:
    said = {
        "order": order, "queue": queue, "at_ms": round(at_min * MINUTE), "decision": decision, "after": after,
        "why": "w", "data": {"rule": rule} if rule else {}, "order_after": {"severity": 2},
    }  # fmt: skip
    return Record(WORKORDER_LOG, 0, b"", orjson.dumps(said), (0, 0))


@pytest.fixture
def happened() -> Happened:
    """An order of rule a in the trouble of q that rule b joins, and one of rule b long after, on r."""
    out = Happened()
    for record in (
        anomaly("a", "q", 104),
        entry("WO-1", "q", 104, "raised", "detected", "a"),
        anomaly("b", "q", 109),
        entry("WO-1", "q", 109, "joined", "dispatched", "b"),
        anomaly("a", "q", 130, "end"),
        entry("WO-1", "q", 135, "moved", "closed"),
        anomaly("b", "r", 500),
        entry("WO-2", "r", 500, "raised", "detected", "b"),
    ):
        out.add(record)
    return out


TROUBLES = [
    Trouble("1", "q", "surge", 2.0, 100 * MINUTE, 120 * MINUTE, 106 * MINUTE),
    Trouble("2", "r", "surge", 2.0, 100 * MINUTE, 120 * MINUTE),
]


def test_episodes_know_their_orders(happened: Happened) -> None:
    assert [(e.rule, e.order, e.how) for e in happened.episodes.values()] == [
        ("a", "WO-1", "opened"), ("b", "WO-1", "joined"), ("b", "WO-2", "opened"),
    ]  # fmt: skip
    first, second = happened.orders.values()
    assert (first.rules, first.until_ms, second.until_ms) == (["a", "b"], 135 * MINUTE, None)
    assert next(happened.of_rule("a")).ended_ms == 130 * MINUTE


def test_each_rule_has_its_own_delay_and_its_own_false_orders(happened: Happened) -> None:
    found = score(happened, TROUBLES, ["a", "b", "c"], 2.0, TAIL)
    a, b, c = found["rules"]
    assert (a["found"], a["of"], a["delay"]["median_s"]) == (1, 2, 240.0)
    assert a["delay_from_five"]["median_s"] == -120.0  # told two minutes before five calls were lost
    assert (b["found"], b["delay"]["median_s"], b["delay_from_five"]["median_s"]) == (1, 540.0, 180.0)
    assert (a["false_orders"], b["false_orders"], b["false_per_queue_week"]) == (0, 1, 0.5)
    assert (c["episodes"], c["found"], c["delay"]["median_s"]) == (0, 0, None)
    assert (found["all"]["found"], found["all"]["delay"]["median_s"], found["all"]["orders"]) == (1, 240.0, 2)
    assert [(t["rule"], t["delay_s"]) for t in found["troubles"]] == [("a", 240.0), (None, None)]


def test_without_the_truth_nothing_is_said_of_it(happened: Happened) -> None:
    found = score(happened, None, ["a"], 2.0, TAIL)
    assert found["troubles"] is None
    assert not {"found", "delay", "false_orders"} & found["all"].keys()


@pytest.mark.parametrize(
    ("from_min", "until_min", "meets"),
    [(121, 140, True), (149, None, True), (151, None, False), (10, 99, False), (10, 100, True), (10, None, True)],
)
def test_an_order_is_true_while_trouble_or_its_recovery_lasts(
    from_min: int, until_min: int | None, meets: bool
) -> None:
    until_ms = None if until_min is None else until_min * MINUTE
    assert TROUBLES[0].meets(from_min * MINUTE, until_ms, TAIL) is meets


def test_what_is_told_before_a_trouble_or_long_after_has_not_found_it() -> None:
    for at, found in ((99.9, 0), (100, 1), (150, 1), (150.1, 0)):
        happened = Happened()
        happened.add(anomaly("a", "q", at))
        assert score(happened, TROUBLES[:1], ["a"], 1.0, TAIL)["all"]["found"] == found


def test_quantiles_lie_between_the_two_nearest() -> None:
    assert (quantile([], 0.5), quantile([4.0], 0.95)) == (None, 4.0)
    assert quantile([1.0, 3.0], 0.5) == 2.0
    assert quantile([float(n) for n in range(101)], 0.95) == 95.0
    assert WEEK_MS == 604_800_000


def test_the_truth_of_a_simulation_is_read_and_anything_else_refused(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    row = {"incident": 3, "queue": "a/b", "kind": "surge", "size": 2.5, "start_ms": 5, "end_ms": 9}
    path.write_bytes(orjson.dumps({"incidents": [row, row | {"start_ms": 1, "five_ms": 4}]}))
    early, late = read_truth(path)
    assert (early.start_ms, early.five_ms, late.five_ms, late.id) == (1, 4, None, "3")
    for junk in (b"no", b"[]", b'{"incidents": [{}]}', b'{"incidents": 3}'):
        path.write_bytes(junk)
        with pytest.raises(InputError, match=r"truth\.json is no ground truth"):
            read_truth(path)
    with pytest.raises(InputError, match="Cannot read"):
        read_truth(tmp_path / "none.json")
