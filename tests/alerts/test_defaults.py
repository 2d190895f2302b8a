"""The default rules on a recorded month: the fault is raised when it happens, and ordinary days are left alone."""

from __future__ import annotations

import lzma
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from alerts.defaults import default_rules, default_unit_rules
from alerts.judge import Judge
from alerts.rules import Step
from models.metric import COMPARISONS, FIGURES, METRIC, OF_THE_WHOLE, figure
from tests import recorded

START = datetime(1999, 2, 1, tzinfo=UTC)
BUCKET_S, STEP, WINDOW = 5, 4, 180


def test_default_rules_are_sound() -> None:
    rules = default_rules()
    assert len({r.id for r in rules}) == len(rules)
    for rule in rules:
        assert (rule.metric, rule.window) in FIGURES
        assert METRIC[rule.metric].better in ("up" if rule.below else "down", "neither")
        assert (rule.target > rule.limit) == rule.below  # a tile turns yellow before an order opens
        assert rule.recovery > 0


def test_default_rules_of_units_are_of_data_and_of_members_alone() -> None:
    rules = default_unit_rules()
    assert {r.metric for r in rules} <= OF_THE_WHOLE | COMPARISONS
    assert not {r.id for r in rules} & {r.id for r in default_rules()}
    assert all((rule.metric, rule.window) in FIGURES and rule.of == "units" for rule in rules)


def seconds(text: str) -> int:
    hours, minutes, rest = map(int, text.split(":"))
    return hours * 3600 + minutes * 60 + rest


def arrivals() -> dict[str, list[tuple[int, bool]]]:
    """Of each queue the buckets in which somebody arrived, and whether that caller reached no queue."""
    found: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    with lzma.open(recorded.month("02"), "rt") as file:
        names = next(file).rstrip("\n").split("\t")
        for line in file:
            row = dict(zip(names, line.rstrip("\n").split("\t"), strict=True))
            if row["outcome"] == "PHANTOM":
                continue
            queued = row["q_start"] != "0:00:00"
            at = seconds(row["q_start"] if queued else row["vru_exit"])
            if at < seconds(row["vru_entry"]) - 43_200:
                at += 86_400
            day = (datetime.strptime(row["date"], "%y%m%d").replace(tzinfo=UTC) - START).days
            lost = not queued and row["outcome"] == "HANG"
            found["bank/" + row["type"].strip()].append(((day * 86_400 + at) // BUCKET_S, lost))
    return found


def window_sums(buckets: list[int], length: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    total = np.concatenate([[0], np.bincount(buckets, minlength=length)[:length].cumsum()])
    return np.asarray(total[WINDOW:] - total[:-WINDOW])  # element i: buckets i to i + WINDOW, known at i + WINDOW


@pytest.mark.data
def test_the_routing_fault_of_3_february() -> None:
    calls, length = arrivals(), 28 * 86_400 // BUCKET_S
    names = sorted(calls)
    every = np.stack([window_sums([b for b, _ in calls[q]], length) for q in names])
    lost = np.stack([window_sums([b for b, lost in calls[q] if lost], length) for q in names])
    judge = Judge([r for r in default_rules() if r.id == "unreached"])
    figures = np.full((len(names), len(FIGURES)), np.nan)
    figures[:, figure("open", "now")] = 1
    raised = []
    for i in range(0, every.shape[1], STEP):
        with np.errstate(invalid="ignore"):
            figures[:, figure("unreached_share", "15m")] = lost[:, i] / every[:, i]
        figures[:, figure("arrivals", "15m")] = every[:, i]
        now = START + timedelta(seconds=(i + WINDOW) * BUCKET_S)
        changes, _ = judge.clock(int(now.timestamp()) * 1000, figures, names)
        raised += [(now, c.queue) for c in changes if c.step == Step.START]
    (at, queue), *more = [(f"{t:%H:%M}", q) for t, q in raised if t.day == 3]
    assert ("12:50" <= at <= "13:20", queue, more) == (True, "bank/PS", [])
    assert len(raised) <= 6  # in a month, over all queues
