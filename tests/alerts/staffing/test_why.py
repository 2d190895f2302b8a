"""Why a figure is off: parts that add up, the cause that was put in found first, figures that moved with it."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import permutations

import pytest

from alerts.staffing import moved as moving
from alerts.staffing.erlang import Load, steady
from alerts.staffing.moved import Reading, moved
from alerts.staffing.why import CAUSES, Cause, Judged, Measure, Situation, sentence, shapley, why

USUAL = Situation(own_per_s=110 / 1800, flow_per_s=6 / 1800, handle_s=240, scheduled=19, present=0.95, adherent=0.97)
CHANGES: dict[Cause, dict[str, float]] = {
    "volume": {"own_per_s": 150 / 1800},
    "flow": {"flow_per_s": 40 / 1800},
    "handle_time": {"handle_s": 310.0},
    "staffing": {"scheduled": 15.0},
    "absence": {"present": 0.75},
    "adherence": {"adherent": 0.8},
}


def level(situation: Situation, judged: Judged) -> float:
    load = Load(situation.own_per_s + situation.flow_per_s, situation.handle_s, judged.patience_s)
    return judged.value(steady(load, situation.agents))


@pytest.mark.parametrize("cause", CHANGES)
@pytest.mark.parametrize("measure", ["service_level", "answer_rate", "abandonment_rate"])
def test_a_single_cause_gets_the_whole_gap(cause: Cause, measure: Measure) -> None:
    judged, actual = Judged(measure), replace(USUAL, **CHANGES[cause])
    found = why(USUAL, actual, judged, level(USUAL, judged), level(actual, judged))
    assert found.parts[cause] == pytest.approx(found.gap, abs=1e-12)
    assert all(part == 0 for other, part in found.parts.items() if other != cause)
    assert found.unexplained == pytest.approx(0, abs=1e-12)
    assert [name for name, _ in found.ranked()] == [cause]
    assert (found.gap > 0) == (measure == "abandonment_rate")


def test_parts_add_up_to_the_gap_whatever_happened() -> None:
    rng = random.Random(1)
    for _ in range(25):
        fields = {field: getattr(USUAL, field) * rng.uniform(0.6, 1.4) for field in CAUSES.values()}
        actual, judged = Situation(**fields), Judged(patience_s=rng.uniform(30, 600))
        measured, expected = rng.random(), rng.random()
        found = why(USUAL, actual, judged, expected, measured)
        assert math.fsum([*found.parts.values(), found.unexplained]) == pytest.approx(measured - expected, abs=1e-12)
        model = level(actual, judged) - level(USUAL, judged)
        assert math.fsum(found.parts.values()) == pytest.approx(model, abs=1e-12)
        staffing = found.parts["staffing"] + found.parts["absence"] + found.parts["adherence"]
        assert found.staffing == staffing


def test_the_larger_of_two_causes_is_ranked_first() -> None:
    rng, right, tried = random.Random(2), 0, 0
    for _ in range(40):
        large, small = rng.sample(sorted(CHANGES), 2)
        actual = replace(USUAL, **CHANGES[large])
        for field, value in CHANGES[small].items():
            usual = getattr(USUAL, field)
            actual = replace(actual, **{field: usual + 0.2 * (value - usual)})
        judged = Judged()
        found = why(USUAL, actual, judged, level(USUAL, judged), level(actual, judged))
        tried += 1
        right += found.ranked()[0][0] == large
    assert right / tried >= 0.9


def test_the_value_is_the_mean_over_all_orders() -> None:
    """The slow twin: every order in which the causes may have come, one after the other."""
    worth = {frozenset(s): random.Random(str(s)).random() for n in range(5) for s in permutations("abcd", n)}
    worth = {some: random.Random("".join(sorted(some))).random() for some in worth}
    players: list[Cause] = ["volume", "flow", "handle_time", "absence"]
    letter = dict(zip(players, "abcd", strict=True))
    found = shapley(players, lambda some: worth[frozenset(letter[p] for p in some)])  # type: ignore[index]
    for player in players:
        effects = []
        for order in permutations("abcd"):
            before = frozenset(order[: order.index(letter[player])])
            effects.append(worth[before | {letter[player]}] - worth[before])
        assert found[player] == pytest.approx(math.fsum(effects) / len(effects), abs=1e-14)


def test_causes_that_pull_the_other_way_are_not_blamed() -> None:
    actual = replace(USUAL, own_per_s=160 / 1800, handle_s=225.0)
    judged = Judged()
    found = why(USUAL, actual, judged, level(USUAL, judged), level(actual, judged))
    assert found.parts["handle_time"] > 0 > found.parts["volume"]
    assert [cause for cause, _ in found.ranked()] == ["volume"]


def test_the_sentence_in_both_languages() -> None:
    found = why(USUAL, replace(USUAL, present=0.75), Judged(), 0.84, 0.49)
    english, chinese = sentence(found)
    assert english.startswith("service level 35 points below what was expected: absence -")
    assert "not explained" in english
    assert chinese.startswith("服务水平低于预期35个百分点:缺勤-")
    quiet = why(USUAL, USUAL, Judged(), 0.8, 0.8)
    assert sentence(quiet)[0].endswith("no single cause")


def test_extremes_have_an_answer_too() -> None:
    for fields in ({"scheduled": 0.0}, {"own_per_s": 0.0, "flow_per_s": 0.0}, {"own_per_s": 50.0}):
        found = why(USUAL, replace(USUAL, **fields), Judged(), 0.8, 0.1)
        assert all(math.isfinite(part) for part in found.parts.values())
    with pytest.raises(ValueError, match="no situation"):
        why(USUAL, replace(USUAL, handle_s=0.0), Judged(), 0.8, 0.1)
    with pytest.raises(ValueError, match="no situation"):
        why(replace(USUAL, present=math.nan), USUAL, Judged(), 0.8, 0.1)


READINGS = {
    "service_level@30m": Reading(0.4, 0.8, 0.05),
    "service_level_live@5m": Reading(0.3, 0.8, 0.05),
    "handle_ms@30m": Reading(310_000, 240_000, 10_000),
    "talk_ms@30m": Reading(250_000, 200_000, 8_000),
    "offered@30m": Reading(101, 100, 12),
    "occupancy@15m": Reading(0.97, 0.8, 0.06),
    "occupancy@30m": Reading(0.95, 0.8, 0.04),
    "longest_wait_ms@now": Reading(math.nan, 20_000, 5_000),
    "ratings@30m": Reading(3, 3, 0.0),
}


def test_figures_that_moved_are_ranked_by_their_own_spread_and_named_once() -> None:
    found = moved(READINGS, beside="service_level_live@30m")
    assert [one.figure for one in found] == ["handle_ms@30m", "occupancy@30m"]
    assert found[0].deviations == pytest.approx(7.0)
    assert [one.worse for one in found] == [None, None]
    assert moved(READINGS)[0].figure == "service_level_live@5m"
    assert moved(READINGS)[0].worse is True
    assert len(moved(READINGS, unusual=0.0)) == 4
    assert len(moved(READINGS, unusual=0.0, most=1)) == 1


def test_what_moved_in_words() -> None:
    english, chinese = moving.sentence(moved(READINGS, beside="service_level@30m"))
    assert english == "moved with it: handle time +7.0 sd, occupancy +3.7 sd"
    assert chinese == "同时变动:平均处理时长+7.0σ、人员利用率+3.7σ"
    assert moving.sentence([]) == ("", "")
    with pytest.raises(KeyError):
        moved({"nonsense@5m": Reading(9, 1, 1)})
