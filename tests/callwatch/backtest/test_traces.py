"""Panels hold what was before an episode, end after it, and are bounded."""

from __future__ import annotations

import math

import numpy as np

from callwatch.backtest import traces as module
from callwatch.backtest.happened import Episode
from callwatch.backtest.plot import runs
from callwatch.backtest.traces import BEFORE, MINUTE_MS, Sample, Traces, View
from models.catalogue import Rule
from models.metric import FIGURES

RULE = Rule("r", "abandonment_rate", "15m", 0.15, 0.08, below=False)
WIDTH = max(FIGURES.values()) + 1


def traces() -> Traces:
    return Traces([RULE], lambda rule: View(rule.metric, rule.window), lambda queue, view: (0.1, 0.0, math.nan))


def episode(at_min: int, until_min: int | None = None) -> Episode:
    until_ms = None if until_min is None else until_min * MINUTE_MS
    at_ms = at_min * MINUTE_MS
    return Episode("AN", "a/b", "r", "abandonment_rate", "15m", 0.15, 2, at_ms, at_ms, "s", "z", ended_ms=until_ms)


def pass_minutes(kept: Traces, first: int, last: int) -> None:
    for minute in range(first, last):
        figures = np.full((1, WIDTH), float(minute))
        kept.sample(minute * MINUTE_MS, figures, ["a/b"])


def test_a_panel_has_two_hours_before_and_an_hour_after() -> None:
    kept = traces()
    pass_minutes(kept, 0, 500)
    kept.begin(episode(500, 510))
    pass_minutes(kept, 500, 800)
    (panel,) = kept.panels
    minutes = [sample.at_ms // MINUTE_MS for sample in panel.samples]
    assert minutes == list(range(500 - BEFORE, 571))
    assert panel.samples[0] == (380 * MINUTE_MS, 380.0, 0.1, 0.0, panel.samples[0].upper)
    assert panel.limit == 0.15


def test_episodes_close_to_each_other_share_a_panel() -> None:
    kept = traces()
    pass_minutes(kept, 0, 100)
    kept.begin(episode(100, 110))
    pass_minutes(kept, 100, 150)
    kept.begin(episode(150, 160))
    pass_minutes(kept, 150, 400)
    kept.begin(episode(400, 401))
    assert [len(panel.episodes) for panel in kept.panels] == [2, 1]


def test_an_episode_without_end_and_too_many_panels_are_bounded() -> None:
    kept = traces()
    kept.begin(episode(0))
    pass_minutes(kept, 0, module.PANEL_MAX + 500)
    assert len(kept.panels[0].samples) == module.PANEL_MAX
    for n in range(module.PANELS_MAX + 3):
        kept.begin(episode(n, n))
        pass_minutes(kept, n + 100, n + 101)
    assert len(kept.panels) == module.PANELS_MAX
    assert kept.left_out > 0


def test_a_band_is_drawn_where_there_is_one() -> None:
    known, unknown = Sample(0, 1.0, 1.0, 0.0, 2.0), Sample(0, 1.0)
    assert [len(run) for run in runs([known, known, unknown, known, known, known, unknown, known])] == [2, 3]
