"""From figures to models; and over simulated half-hours the cause that was put in is the one that is named."""

from __future__ import annotations

import math
import random

import pytest

from alerts.staffing.advice import advise
from alerts.staffing.erlang import Load, steady
from alerts.staffing.figures import agents_here, load_of, planned, present_of, situation_of, unknown
from alerts.staffing.needed import Goal
from alerts.staffing.recovery import Present
from alerts.staffing.why import Cause, Judged, Situation, why
from models.metric import FIGURES
from models.plan.interval import PlanInterval
from tests.alerts.staffing.callers import met

LIVE: dict[str, float | None] = {
    "offered@30m": 120,
    "handle_ms@30m": 240_000,
    "handle_ms@day": 230_000,
    "agents_ready@now": 2,
    "agents_busy@now": 12,
    "agents_signed_in@now": 17,
    "waiting@now": 9,
}
PLAN = PlanInterval(0, 30, 100.0, 236_000.0, 16.0, 20.0)


def test_it_asks_for_figures_that_there_are() -> None:
    assert all(tuple(name.split("@")) in FIGURES for name in LIVE)


def test_the_load_and_the_present_are_those_of_the_figures() -> None:
    assert load_of(LIVE, 90.0) == Load(120 / 1800, 240, 90)
    assert present_of(LIVE) == Present(9, 12)
    assert agents_here(LIVE) == 14
    assert load_of({**LIVE, "handle_ms@30m": math.nan}, 90.0) == Load(120 / 1800, 230, 90)
    assert load_of({**LIVE, "offered@5m": 15, "handle_ms@5m": None}, 90.0, "5m") == Load(15 / 300, 230, 90)


def test_a_situation_beside_a_roster_has_absence_and_adherence() -> None:
    found = situation_of(LIVE, PLAN, flow_share=0.25)
    assert found is not None
    assert (found.scheduled, found.present, found.adherent) == (20.0, 0.85, 14 / 17)
    assert found.agents == pytest.approx(14)
    assert found.flow_per_s == pytest.approx(30 / 1800)
    without = situation_of(LIVE)
    assert without is not None
    assert (without.scheduled, without.present, without.adherent, without.flow_per_s) == (14, 1.0, 1.0, 0.0)
    assert planned(PLAN) == Situation(100 / 1800, 236.0, 20.0)


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        (("agents_ready@now", "agents_signed_in@now", "agents_busy@now"), "agents unknown"),
        (("handle_ms@30m", "handle_ms@day"), "no handle time known"),
        (("offered@30m",), "no calls"),
    ],
)
def test_what_is_undefined_is_said(gone: tuple[str, ...], words: str) -> None:
    assert unknown(LIVE) == ("", "")
    for nothing in ({}, dict.fromkeys(gone, None), dict.fromkeys(gone, math.nan)):
        figures = {name: value for name, value in LIVE.items() if name not in gone} | nothing
        assert unknown(figures)[0] == words
        assert unknown(figures)[1]
        assert situation_of(figures) is None
    assert planned(PlanInterval(0, 30, 5.0)) is None


def test_nobody_signed_in_is_the_roster_all_absent() -> None:
    figures = {**LIVE, "agents_ready@now": 0, "agents_busy@now": 0, "agents_signed_in@now": 0}
    found = situation_of(figures, PLAN)
    assert found is not None
    assert found.agents == 0


def test_from_figures_to_advice() -> None:
    load, now, agents = load_of(LIVE, 90.0), present_of(LIVE), agents_here(LIVE)
    assert load is not None
    assert now is not None
    assert agents is not None
    assert advise(load, agents, now, Goal(0.8, 20)).extra == 4


# -- causes put into simulated half-hours --------------------------------------------------------------------------

USUAL = Situation(own_per_s=100 / 1800, flow_per_s=6 / 1800, handle_s=240, scheduled=20, present=0.95, adherent=0.95)
INJECTED: dict[Cause, float] = {
    "volume": 1.5,
    "flow": 8.0,
    "handle_time": 1.5,
    "absence": 0.65,
    "adherence": 0.65,
}


def half_hour(rng: random.Random, cause: Cause) -> tuple[Situation, float]:
    """What was counted in a simulated half-hour (after one of run-in) with *cause* in it, and its service level.

    All else varies too: calls by chance and by a tenth, handle time by 5 %, agents by one.
    """

    def factor(of: Cause, spread: float) -> float:
        return (INJECTED[of] if of == cause else 1.0) * rng.gauss(1, spread)

    agents = max(1, round(20 * 0.95 * factor("absence", 0.03) * 0.95 * factor("adherence", 0.03)))
    own, flow = 100 / 1800 * factor("volume", 0.1), 6 / 1800 * factor("flow", 0.1)
    load = Load(own + flow, 240 * factor("handle_time", 0.05), 150)
    callers = [c for c in met(rng.randrange(10**9), load, agents, 3600) if c.at_s >= 1800]
    level = sum(c.answered and c.waited_s <= 20 for c in callers) / len(callers)
    flowed = sum(rng.random() < flow / load.per_s for _ in callers)
    present = 0.95 * INJECTED["absence"] if cause == "absence" else 0.95
    return (
        Situation(
            own_per_s=(len(callers) - flowed) / 1800,
            flow_per_s=flowed / 1800,
            handle_s=load.handle_s,
            scheduled=20,
            present=present,
            adherent=agents / 20 / present,
        ),
        level,
    )


def test_the_cause_that_was_put_in_is_ranked_first() -> None:
    rng, judged = random.Random(12), Judged(patience_s=150)
    expected = steady(Load(USUAL.own_per_s + USUAL.flow_per_s, 240, 150), USUAL.agents).answered_in(20)
    right, tried = dict.fromkeys(INJECTED, 0), 40
    for cause in INJECTED:
        for _ in range(tried):
            situation, level = half_hour(rng, cause)
            ranked = why(USUAL, situation, judged, expected, level).ranked()
            right[cause] += bool(ranked) and ranked[0][0] == cause
    assert all(count / tried >= 0.85 for count in right.values()), right
    assert sum(right.values()) / (tried * len(right)) >= 0.90, right
