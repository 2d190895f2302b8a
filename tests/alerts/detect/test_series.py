"""The parts of the detector of a series against slow twins, and what it says of plain troubles."""

from __future__ import annotations

import numpy as np
import pytest

from alerts.detect import forecast, rows, shape, tail
from alerts.detect.memory import AT, GAPS, HISTORY, INPUTS, KEPT, NEAREST, ROOM, WINDOW, Floats, fresh
from alerts.detect.period import periods_of
from alerts.detect.series import EXPECTED, SCORE, SeriesDetector

MINUTE_MS = 60_000
START_MS = 1_700_000_000_000


def times(n: int, every_ms: int = 5 * MINUTE_MS) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return START_MS + every_ms * np.arange(n, dtype=np.int64)


def wave(n: int, period: int, noise: float = 1.0, seed: int = 1) -> Floats:
    random = np.random.default_rng(seed)
    found: Floats = 50 + 10 * np.sin(2 * np.pi * np.arange(n) / period) + noise * random.normal(size=n)
    return found


def slow_nearest(values: Floats, window: int) -> tuple[float, int]:
    """The distance of the last window to the nearest earlier one that may be compared, and where that ends."""
    last = values[-window:] - values[-window:].mean()
    best, found = np.inf, -1
    closest = (3 * window) // 4 + 1
    for lag in range(closest, min(HISTORY, len(values) - window) + 1):
        other = values[len(values) - lag - window : len(values) - lag]
        distance = float(np.sqrt(np.mean((last - (other - other.mean())) ** 2)))
        if distance < best:
            best, found = distance, len(values) - lag - 1
    return best, found


def test_the_nearest_shape_is_that_of_the_slow_twin_over_every_border() -> None:
    """Also where the window changes, the past is full, and the buffers are moved to their front."""
    random, memory, done = np.random.default_rng(7), fresh(), 0
    values = np.cumsum(random.normal(size=ROOM + 700)) * 0.1 + wave(ROOM + 700, 37)
    looked = {*range(20, 90), 300, HISTORY + 40, HISTORY + 41, KEPT + 5, ROOM - 1, ROOM, ROOM + 1, ROOM + 600}
    memory.whole[WINDOW] = 12
    for i, value in enumerate(values):
        if i in (60, 5000):
            shape.rebuild(memory, 24 if i == 60 else 37)
        rows._make_room(memory)
        rows._push(memory, value, value, 0.0)
        distance = shape.nearest(memory)
        if i in looked:
            window = int(memory.whole[WINDOW])
            best, found = slow_nearest(values[: i + 1], window)
            if found < 0:
                assert distance == -1.0
                continue
            assert distance == pytest.approx(best, rel=1e-6, abs=1e-9)
            assert memory.raw[memory.whole[NEAREST]] == values[found]
            done += 1
    assert done > 60


def test_the_forecast_is_the_ridge_regression_of_its_moments() -> None:
    random, memory = np.random.default_rng(3), fresh()
    memory.whole[AT] = 1
    inputs = random.normal(size=(400, INPUTS))
    truth = random.normal(size=INPUTS)
    for i, row in enumerate(inputs):
        memory.inputs[:] = row
        forecast.learn(memory, float(row @ truth), 1.0, i)
    forecast.solve(memory, 100_000)
    gram, right = inputs.T @ inputs / 400, inputs.T @ (inputs @ truth) / 400
    ridge = (2e-4 + 1 / 100_001) * np.trace(gram) / INPUTS
    assert memory.weights == pytest.approx(np.linalg.solve(gram + ridge * np.eye(INPUTS), right), abs=1e-9)


def test_a_tail_says_how_rare_what_was_never_seen_is() -> None:
    """Of a Pareto distribution of index 1/4, whose tail is known: within a factor of three."""
    memory, random = fresh(), np.random.default_rng(5)
    tail.assume(memory)
    for z in (random.pareto(4.0, size=20_000) + 1).tolist():
        memory.bins[0, tail.bin_of(z)] += 1
    tail.refresh(memory.bins[0], memory.beyond[0], memory.tail[0], 1.0)
    for rare in (3.0, 4.0, 5.0):
        assert tail.rarity(10 ** (rare / 4), memory.beyond[0], memory.tail[0], 0.0) == pytest.approx(rare, abs=0.5)
        assert tail.limit_of(rare, memory.tail[0]) == pytest.approx(10 ** (rare / 4), rel=0.3)


def test_what_comes_again_and_again_is_not_rare() -> None:
    memory = fresh()
    tail.assume(memory)
    memory.bins[0, tail.bin_of(1.0)] += 5000
    tail.refresh(memory.bins[0], memory.beyond[0], memory.tail[0], 1.0)
    first = tail.rarity(500.0, memory.beyond[0], memory.tail[0], 0.0)
    memory.bins[0, tail.bin_of(500.0)] += 60
    tail.refresh(memory.bins[0], memory.beyond[0], memory.tail[0], 1.0)
    assert first > 4.0
    assert tail.rarity(500.0, memory.beyond[0], memory.tail[0], 0.0) < 2.7


@pytest.mark.parametrize("period", [24, 48, 133])
def test_periods_are_found(period: int) -> None:
    found, _ = periods_of(wave(8 * period, period), 1000)
    assert found == pytest.approx(period, rel=0.02)


def test_the_week_is_found_above_the_day_and_both_are_exact() -> None:
    at, random = np.arange(8 * 336), np.random.default_rng(2)
    values = np.where(at // 48 % 7 >= 5, 0.3, 1.0) * (100 + 80 * np.sin(2 * np.pi * at / 48)) + random.normal(
        size=len(at)
    )
    assert periods_of(values, 30 * MINUTE_MS) == (48.0, 336.0)


@pytest.mark.parametrize("seed", range(4))
def test_noise_and_walks_have_no_period(seed: int) -> None:
    random = np.random.default_rng(seed)
    assert periods_of(random.normal(size=3000), 1000) == (0.0, 0.0)
    assert periods_of(np.full(3000, 7.25), 1000) == (0.0, 0.0)


def test_rows_one_by_one_or_at_once_are_judged_alike() -> None:
    values, at = wave(1500, 48), times(1500)
    values[900:905] += 40
    whole = SeriesDetector().judge(at, values)
    one = SeriesDetector()
    single = np.concatenate([one.judge(at[i : i + 1], values[i : i + 1]) for i in range(700)])
    assert np.array_equal(single, whole[:700], equal_nan=True)
    rest = np.concatenate([one.judge(at[i : i + 97], values[i : i + 97]) for i in range(700, 1500, 97)])
    assert np.array_equal(rest, whole[700:], equal_nan=True)


def test_a_level_that_stays_is_told_and_then_adopted() -> None:
    values = wave(4000, 48)
    values[2500:] += 60
    score = SeriesDetector().judge(times(4000), values)[:, SCORE]
    assert score[2500:2505].max() >= 0.5
    assert (score[3200:] < 0.5).all()
    assert score[3200:].mean() < 0.3


def test_a_gap_keeps_the_seasons_in_step() -> None:
    values, at = wave(3000, 48, noise=0.3), times(3000)
    keep = np.r_[0:2000, 2019:3000]
    found = SeriesDetector().judge(at[keep], values[keep])
    error = np.abs(found[2000:2030, EXPECTED] - values[keep][2000:2030])
    assert error.mean() < 2.5
    assert (found[2000:2100, SCORE] < 0.5).all()


def test_missing_values_do_not_tire_it() -> None:
    values = wave(2000, 48)
    values[::7] = np.nan
    detector = SeriesDetector()
    found = detector.judge(times(2000), values)
    assert np.isnan(found[::7, EXPECTED]).all()
    assert (found[::7, SCORE] == 0).all()
    assert detector._memory.real[GAPS] < 0.3


@pytest.mark.parametrize("forgotten", [True, False])
def test_what_is_odd_excuses_no_second_coming(forgotten: bool) -> None:
    values, memory = wave(1200, 24, noise=0.1), fresh()
    odd = np.random.default_rng(11).normal(size=24) * 20
    for end in (700, 1000):
        values[end - 23 : end + 1] = odd
    found = []
    for i, value in enumerate(values):
        rows._push(memory, value, value, 0.0)
        found.append(shape.nearest(memory))
        if forgotten and 676 < i < 724:
            shape.forget_last(memory)
    assert found[700] > 10 * max(found[300:600])
    assert (found[1000] > 0.5 * found[700]) == forgotten
