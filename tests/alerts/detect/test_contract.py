"""What holds for every detector, whatever it does: causal, whole after a restore, bounded, calm where all is same."""

from __future__ import annotations

import ast
from itertools import pairwise
from math import isfinite, nan
from pathlib import Path

import numpy as np
import pytest

from alerts.detect.contract import LIMIT_SCORE, Detector, Judged, Verdict
from alerts.detect.registry import DETECTORS

ALERTS = Path(__file__).parents[3] / "alerts"
HALF_HOUR_MS = 1_800_000
START_MS = 1_700_000_000_000 - 1_700_000_000_000 % HALF_HOUR_MS
DAY = 48
Row = tuple[int, float, float]

every = pytest.mark.parametrize("name", DETECTORS)
#: Those whose judgements do not depend on the unit of the value. Counts and ratios have a unit of their own.
unitless = pytest.mark.parametrize("name", ["series"])


def rows(n: int, seed: int = 1, trouble: bool = True) -> list[Row]:
    """A day of half-hours with noise, as counts, ratios (of sample calls) and values at once: all are in [0, 1]."""
    random = np.random.default_rng(seed)
    at = np.arange(n)
    sample = np.round(60 + 40 * np.sin(2 * np.pi * at / DAY))
    good = random.binomial(sample.astype(int), 0.8 + 0.1 * np.cos(2 * np.pi * at / DAY))
    if trouble:
        good[n // 2 : n // 2 + 6] = 0
    return [
        (START_MS + HALF_HOUR_MS * int(i), float(g) / float(s), float(s))
        for i, g, s in zip(at, good, sample, strict=True)
    ]


def counts(given: list[Row]) -> list[Row]:
    """The same as counts."""
    return [(ts, round(value * sample), sample) for ts, value, sample in given]


def fed(name: str, n: int, seed: int = 1, trouble: bool = True) -> list[Row]:
    """Rows as *name* takes them."""
    given = rows(n, seed, trouble)
    return counts(given) if "volume" in name else given


def run(detector: Detector, given: list[Row]) -> list[Judged]:
    return [detector.update(*row) for row in given]


def alarms(judged: list[Judged]) -> int:
    """How often an anomaly begins."""
    calls = [j.verdict is Verdict.ANOMALY for j in judged]
    return sum(now and not before for before, now in pairwise([False, *calls]))


def same(a: list[Judged], b: list[Judged]) -> bool:
    return repr(a) == repr(b)  # NaN is equal to itself here


@every
def test_later_rows_change_nothing(name: str) -> None:
    given = fed(name, 400)
    changed = [(ts, value * 3 + 1, sample + 5) for ts, value, sample in given]
    for cut in (1, 60, 230):
        mixed = run(DETECTORS[name](), given[:cut] + changed[cut:])
        assert same(mixed[:cut], run(DETECTORS[name](), given)[:cut])


@every
@pytest.mark.parametrize("cut", [0, 1, 7, 49, 205, 333])
def test_a_restored_detector_goes_on_as_if_nothing_had_been(name: str, cut: int) -> None:
    given, whole = fed(name, 400), DETECTORS[name]()
    expected = run(whole, given)
    first, second = DETECTORS[name](), DETECTORS[name]()
    before = run(first, given[:cut])
    second.restore(first.snapshot())
    assert second.snapshot() == first.snapshot()
    assert same(before + run(second, given[cut:]), expected)
    assert second.snapshot() == whole.snapshot()


@every
def test_the_snapshot_does_not_grow(name: str) -> None:
    detector = DETECTORS[name]()
    run(detector, fed(name, 400))
    early = len(detector.snapshot())
    run(detector, [(ts + 400 * HALF_HOUR_MS, value, sample) for ts, value, sample in fed(name, 1500, seed=2)])
    assert len(detector.snapshot()) <= 1.1 * early


@every
def test_every_judgement_is_within_its_bounds(name: str) -> None:
    for judged in run(DETECTORS[name](), fed(name, 700)):
        assert 0 <= judged.score <= 1
        assert (judged.verdict is Verdict.ANOMALY) == (judged.score >= LIMIT_SCORE)
        if isfinite(judged.expected):
            assert judged.lower <= judged.expected <= judged.upper


@every
def test_trouble_is_found_and_ordinary_days_are_calm(name: str) -> None:
    n = 1400
    found = [i for i, j in enumerate(run(DETECTORS[name](), fed(name, n))) if j.verdict is Verdict.ANOMALY]
    assert any(n // 2 <= i < n // 2 + 8 for i in found)
    calm = run(DETECTORS[name](), fed(name, n, trouble=False))
    assert alarms(calm) <= 4  # four weeks at one a week


@every
def test_no_value_is_no_judgement_and_teaches_nothing_wrong(name: str) -> None:
    given = fed(name, 700, trouble=False)
    holes = [(ts, nan if i % 11 == 3 else value, sample) for i, (ts, value, sample) in enumerate(given)]
    judged = run(DETECTORS[name](), holes)
    assert all(j.verdict is Verdict.UNJUDGED and j.score == 0 for i, j in enumerate(judged) if i % 11 == 3)
    assert alarms(judged) <= 3


@every
@pytest.mark.parametrize("value", [float("inf"), float("-inf"), 1e300, -1e300])
def test_a_mad_value_is_survived(name: str, value: float) -> None:
    given = fed(name, 300, trouble=False)
    given[150] = (given[150][0], value, given[150][2])
    judged = run(DETECTORS[name](), given)
    assert all(0 <= j.score <= 1 for j in judged)
    assert alarms(judged[200:]) <= 3


@every
def test_gaps_repeats_and_times_that_go_back_are_survived(name: str) -> None:
    given = fed(name, 700, trouble=False)
    order = [*range(200), *range(260, 300), 299, 299, *range(280, 290), *range(300, 700)]
    judged = run(DETECTORS[name](), [given[i] for i in order])
    assert all(0 <= j.score <= 1 for j in judged)
    assert alarms(judged) <= 4


@every
def test_what_never_changes_is_normal_and_its_first_change_is_not(name: str) -> None:
    given = [(ts, 50.0 if "volume" in name else 0.5, 100.0) for ts, _, _ in fed(name, 1000)]
    detector = DETECTORS[name]()
    assert all(j.verdict is not Verdict.ANOMALY for j in run(detector, given))
    after = [(ts + 1000 * HALF_HOUR_MS, 0.0, sample) for ts, _, sample in given[:12]]
    assert any(j.verdict is Verdict.ANOMALY for j in run(detector, after))


@every
def test_what_is_not_to_be_learned_leaves_no_trace(name: str) -> None:
    detector = DETECTORS[name]()
    run(detector, fed(name, 300))
    before = detector.snapshot()
    detector.update(START_MS + 301 * HALF_HOUR_MS, 0.0, 50.0, learn=False)
    again = detector.update(START_MS + 301 * HALF_HOUR_MS, 0.0, 50.0, learn=False)
    assert detector.snapshot() == before
    assert same([again], [detector.update(START_MS + 301 * HALF_HOUR_MS, 0.0, 50.0)])


@every
def test_what_is_no_snapshot_is_refused(name: str) -> None:
    detector = DETECTORS[name]()
    for junk in (b"", b"nonsense", detector.snapshot()[:-1]):
        with pytest.raises(ValueError):
            detector.restore(junk)


@unitless
@pytest.mark.parametrize(("scale", "shift"), [(1024.0, 0.0), (0.001, 0.0), (1.0, 7.0), (-2.0, -3.0)])
def test_another_unit_is_another_unit_and_nothing_else(name: str, scale: float, shift: float) -> None:
    given = fed(name, 700)
    plain = run(DETECTORS[name](), given)
    other = run(DETECTORS[name](), [(ts, scale * value + shift, sample) for ts, value, sample in given])
    away = [abs(a.score - b.score) for a, b in zip(plain, other, strict=True)]
    assert max(away) < 1e-3  # rounding may move a value over the edge of a bin
    wide = [(a.upper - a.lower) * abs(scale) - (b.upper - b.lower) for a, b in zip(plain, other, strict=True)]
    assert max(abs(w) for w in wide if isfinite(w)) < 1e-3 * abs(scale)


def test_names_are_permanent_and_their_own() -> None:
    assert [DETECTORS[name]().name for name in DETECTORS] == list(DETECTORS)
    assert all(a != b for a, b in pairwise(sorted(DETECTORS)))


@pytest.mark.parametrize(
    "path", sorted(p for f in ("detect", "habit") for p in (ALERTS / f).glob("*.py")), ids=lambda p: p.stem
)
def test_nothing_here_is_left_to_chance_or_to_a_clock(path: Path) -> None:
    """What detectors and habits are made of: no random numbers, no time of its own, no environment."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = {alias.name.partition(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}
    modules |= {(n.module or "").partition(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert not modules & {"random", "secrets", "time", "os", "uuid"}
    called = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    assert not called & {"random", "default_rng", "now", "utcnow", "today"}
