"""What is said of what is unusual: the figure itself, where it is most so, and what is usual there."""

from __future__ import annotations

from math import inf

import pytest

from alerts.habit.book import Band
from alerts.habit.subjects import SUBJECTS
from alerts.unusual import half_hour, standing, usual_of, worst_window
from alerts.usual import GATE, gate_of
from models.metric import FIGURES

#: Monday 2 March 2026, 02:44 UTC.
AT = 1_772_419_440_000
WHEN = half_hour("Asia/Shanghai", AT)
Figures = dict[tuple[str, str], float]


def said(subject: str, figures: Figures, bands: dict[tuple[str, str], Band], window: str = "now") -> tuple[str, str]:
    def band(name: str, over: str) -> Band | None:
        return bands.get((name, over))

    return standing("north/billing", subject, window, WHEN, lambda m, w: figures.get((m, w)), band)


def test_the_half_hour_is_that_of_the_queues_clock() -> None:
    assert WHEN == ("Monday 10:30", "周一10:30")


def test_fewer_calls_than_usual() -> None:
    figures = {("offered_drop", w): s for w, s in (("5m", 0.7), ("15m", 1.3), ("30m", 1.1), ("now", 1.3))}
    bands = {("offered_drop", "15m"): Band(31.2, 22.0, inf), ("offered_surge", "15m"): Band(31.2, -inf, 41.0)}
    assert said("offered_drop", figures | {("offered", "15m"): 12.0}, bands) == (
        "Offered of north/billing: 12 over the last 15 minutes, usual for Monday 10:30 is 31 (22 to 41)",
        "north/billing 最近15分钟人工请求量为12,周一10:30常态为31(22至41)",
    )


def test_a_share_is_told_as_one_with_the_calls_behind_it() -> None:
    figures: Figures = {("menu_unusual", "1m"): 1.2, ("menu_unusual", "now"): 1.2}
    figures |= {("ivr_abandoned", "1m"): 30.0, ("arrivals", "1m"): 40.0}
    en, zh = said("menu_unusual", figures, {("menu_unusual", "1m"): Band(0.1, -inf, 0.25)})
    assert en == (
        "Left in the menu of north/billing: 75 % over the last minute, usual for Monday 10:30 is 10 % (up to 25 %): "
        "40 arrivals"
    )
    assert zh == "north/billing 最近1分钟菜单放弃量为75 %,周一10:30常态为10 %(至多25 %):总请求量40"


def test_a_slide_is_told_over_half_an_hour() -> None:
    figures: Figures = {("service_unusual", w): 0.0 for w in ("1m", "5m", "15m", "30m")}
    figures |= {("service_unusual", "now"): 1.0, ("service_level_live", "30m"): 0.71, ("service_sample", "30m"): 40.0}
    bands = {("service_unusual", "30m"): Band(0.85, 0.6, inf)}
    assert said("service_unusual", figures, bands)[0] == (
        "Live service level of north/billing: 71 % over the last 30 minutes, usual for Monday 10:30 is 85 % (at least "
        "60 %), and it has been off for hours: 40 service-level base"
    )


def test_times_and_what_is_not_known() -> None:
    figures: Figures = {("talk_unusual", "30m"): 1.0, ("talk_unusual", "now"): 1.0, ("talk_ms", "30m"): 300_000.0}
    en, zh = said("talk_unusual", figures, {("talk_unusual", "30m"): Band(180_000.0, 9_400.0, 280_000.0)})
    assert "300 s over the last 30 minutes, usual for Monday 10:30 is 180 s (9.4 s to 280 s)" in en
    assert "180秒(9.4秒至280秒)" in zh
    en, zh = said("talk_unusual", {}, {})
    assert en == "Talk time of north/billing: undefined over the last 30 minutes, unusual for Monday 10:30"
    assert "无数据" in zh


def test_since_the_resolve() -> None:
    en, _ = said(
        "offered_drop", {("offered", "resolve"): 9.0}, {("offered_drop", "resolve"): Band(11, 3, inf)}, "resolve"
    )
    assert en == "Offered of north/billing: 9 since the resolve, usual for Monday 10:30 is 11 (at least 3)"


def test_nothing_unusual_any_more_is_told_over_half_an_hour() -> None:
    figures: Figures = {("offered_surge", w): 0.0 for w in ("1m", "5m", "15m", "30m", "now")}
    assert worst_window("offered_surge", lambda m, w: figures.get((m, w))) == ("30m", False)


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda s: s.id)
def test_every_subject_can_be_told_without_anything_known(subject: object) -> None:
    name = subject.id  # type: ignore[attr-defined]
    assert "unusual for Monday 10:30" in usual_of(name, "30m", WHEN, lambda s, w: None)[0]
    assert said(name, {}, {})[0]


def test_gates_are_figures_below_an_alarm() -> None:
    assert gate_of("service_level_live") == ("service_unusual", "now")
    assert gate_of("occupancy") is None
    for metric in ("service_level", "abandonment_rate", "longest_wait_ms", "waiting_past_threshold"):
        assert gate_of(metric) in FIGURES
    assert 0.0 < GATE < 1.0
