"""The metric dictionary: complete, consistent, and its page current."""

from __future__ import annotations

import pytest

from models import metric_page
from models.metric import FIGURES, METRIC, METRICS, NOW, SPLITS, WINDOWS, Metric, figure, sample_of


def test_ids_are_unique_and_columns_dense() -> None:
    assert len(METRIC) == len(METRICS)
    assert sorted(FIGURES.values()) == list(range(len(FIGURES)))
    assert len(FIGURES) == sum(len(m.windows) for m in METRICS)


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.id)
def test_says_all_there_is_to_say(metric: Metric) -> None:
    assert all((metric.en, metric.zh, metric.formula, metric.empty, metric.source))
    assert any("\u4e00" <= sign <= "\u9fff" for sign in metric.zh)
    assert metric.id.isidentifier()
    assert metric.id.islower()
    assert set(metric.windows) <= {*WINDOWS, *NOW}
    assert metric.id.endswith("_ms") == (metric.unit == "ms")


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.id)
def test_what_stands_behind_it_has_its_windows(metric: Metric) -> None:
    sample = sample_of(metric.id)
    if metric.unit == "ratio" and metric.id not in ("occupancy", "effective_work_rate", "capacity_use"):
        assert sample is not None
    if sample is not None:
        assert METRIC[sample].unit in ("calls", "callers", "records")
        for window in metric.windows:
            figure(sample, window)


def test_a_figure_that_does_not_exist_is_named() -> None:
    with pytest.raises(KeyError, match=r"rating.*now"):
        figure("rating", "now")


def test_splits_are_three_figures_of_each_line_and_channel() -> None:
    assert len(SPLITS) == 3 * 14
    assert {"line_report_offered", "channel_voice_abandoned"} <= SPLITS


def test_the_page_is_current_and_holds_every_figure() -> None:
    assert metric_page.PAGE.read_text(encoding="utf-8") == metric_page.rendered(), "run `python -m models.metric_page`"
    for metric in METRICS:
        assert f"| `{metric.id}` | {metric.en} | {metric.zh} |" in metric_page.rendered()
