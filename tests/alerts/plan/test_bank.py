"""The rest of a real day, forecast anew at 11, 14 and 16 o'clock from a plan that knew nothing but the days before."""

from __future__ import annotations

import csv
import lzma
from collections import defaultdict
from datetime import date

import pytest

from alerts.plan.against import Actual, against
from alerts.plan.rest import busyness, rest_of_day
from models.plan.interval import PlanInterval
from tests import recorded

HALF = 30 * 60_000
MEAN_OF = 8


def weekdays() -> list[list[int]]:
    """Callers by half-hour of the local clock, of each Sunday to Thursday on which the centre was open."""
    days: dict[str, list[int]] = defaultdict(lambda: [0] * 48)
    for month in ("01", "02", "03", "04", "05"):
        with lzma.open(recorded.month(month), "rt", encoding="latin-1") as rows:
            for row in csv.DictReader(rows, delimiter="\t"):
                if row["outcome"] == "AGENT" or (row["outcome"] == "HANG" and row["q_start"] != "0:00:00"):
                    hour, minute, _ = row["vru_entry"].split(":")
                    days[row["date"]][int(hour) * 2 + int(minute) // 30] += 1
    at = {day: date(1900 + int(day[:2]), int(day[2:4]), int(day[4:])) for day in days}
    return [days[day] for day in sorted(days) if at[day].weekday() in (6, 0, 1, 2, 3) and sum(days[day]) > 600]


@pytest.mark.data
def test_the_rest_of_the_day_is_better_known_than_in_the_morning() -> None:
    days = weekdays()
    assert len(days) > 90
    for clock in (11, 14, 16):
        first, ours, held, tried = 0.0, 0.0, 0, 0
        for n in range(MEAN_OF, len(days)):
            mean = [sum(day[k] for day in days[n - MEAN_OF : n]) / MEAN_OF for k in range(48)]
            plan = [PlanInterval(k * HALF, 30, mean[k]) for k in range(14, 48)]
            seen = [against(plan[k - 14], Actual(k * HALF, days[n][k])) for k in range(14, 2 * clock)]
            rest, truth = rest_of_day(plan, busyness(seen), 2 * clock * HALF), sum(days[n][2 * clock :])
            first += abs(sum(mean[2 * clock :]) - truth)
            ours += abs(rest.offered - truth)
            held += rest.low <= truth <= rest.high
            tried += 1
        assert ours < 0.85 * first, clock
        assert 0.80 < held / tried < 0.95, clock
