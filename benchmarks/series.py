"""Seeded series of many kinds with troubles whose place is known: what ``callwatch detect`` is measured on.

No public data set was looked at while these were written; they are kinds of series and kinds of trouble, not copies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Random = np.random.Generator

MINUTE_MS: Final = 60_000
START_MS: Final = 1_700_000_000_000


@dataclass(frozen=True)
class Series:
    """A series with what is wrong in it. *truth* is 1 in rows that are part of a trouble; *events* are its ranges."""

    name: str
    kind: str
    trouble: str
    cadence_ms: int
    values: Floats
    truth: NDArray[np.int8]
    events: tuple[tuple[int, int], ...]

    @property
    def ts_ms(self) -> NDArray[np.int64]:
        """Evenly spaced times of the rows."""
        return START_MS + self.cadence_ms * np.arange(len(self.values), dtype=np.int64)


@dataclass
class Base:
    """A series without trouble: its period in rows (0: none), its usual step and its spread."""

    values: Floats
    cadence_ms: int
    period: int
    noise: float

    @property
    def spread(self) -> float:
        """From a low value to a high one, half of it."""
        low, high = np.quantile(self.values, (0.05, 0.95))
        return float(max(high - low, self.noise)) / 2


def _ar(random: Random, n: int, rho: float) -> Floats:
    steps = random.normal(size=n) * np.sqrt(1 - rho**2)
    values = np.empty(n)
    last = random.normal()
    for i, step in enumerate(steps):
        last = rho * last + step
        values[i] = last
    return values


def level(random: Random) -> Base:
    """Noise about a level, white or with memory."""
    n, rho = int(random.integers(1200, 5000)), float(random.choice([0.0, 0.5, 0.9]))
    return Base(random.uniform(-50, 50) + _ar(random, n, rho), 5 * MINUTE_MS, 0, 1.0)


def wander(random: Random) -> Base:
    """A load that wanders slowly and trembles: a machine's temperature."""
    n = int(random.integers(3000, 9000))
    slow = np.convolve(_ar(random, n + 50, 0.995), np.ones(50) / 50, "valid")[:n]
    noise = random.uniform(0.05, 0.2)
    return Base(80 + 8 * slow + noise * 8 * random.normal(size=n), 5 * MINUTE_MS, 0, noise * 8)


def calls(random: Random) -> Base:
    """Counts with a day and a week: calls, rides, requests."""
    minutes = int(random.choice([15, 30, 60]))
    day = 1440 // minutes
    n = day * int(random.integers(42, 84))
    hour = (np.arange(n) % day) / day * 24
    shape = np.exp(-((hour - random.uniform(9, 12)) ** 2) / 8) + np.exp(-((hour - random.uniform(15, 19)) ** 2) / 10)
    week = np.where(np.arange(n) // day % 7 >= 5, random.uniform(0.3, 0.8), 1.0)
    mean = random.uniform(20, 2000) * (0.05 + shape) * week * (1 + 0.1 * np.repeat(random.normal(size=n // day), day))
    mean = np.maximum(mean, 0.1)
    return Base(random.poisson(mean).astype(float), minutes * MINUTE_MS, day, float(np.sqrt(mean.mean())))


def cloud(random: Random) -> Base:
    """A use of something that is mostly quiet and now and then jumps up: heavy tails are normal here."""
    n = int(random.integers(3000, 5000))
    values = random.uniform(1, 40) + np.abs(_ar(random, n, 0.6))
    at = random.random(n) < random.uniform(0.002, 0.02)
    values[at] += random.gamma(4.0, random.uniform(1, 4), at.sum())
    return Base(values, 5 * MINUTE_MS, 0, 1.0)


def trend(random: Random) -> Base:
    """Hourly, a trend, three seasons and noise."""
    n = int(random.integers(1400, 1700))
    t = np.arange(n)
    values = random.uniform(-1, 1) * t * 0.5 + 0.0
    for period in (12, 24, 168):
        values = values + random.uniform(20, 150) * np.sin(2 * np.pi * (t / period + random.random()))
    noise = random.uniform(3, 15)
    return Base(values + noise * random.normal(size=n), 60 * MINUTE_MS, 24, noise)


def beat(random: Random) -> Base:
    """A long, clean, almost periodic signal: beats whose length and height tremble."""
    period, n = int(random.integers(60, 320)), int(random.integers(8000, 16000))
    bumps = [(random.random(), random.uniform(0.01, 0.08), random.normal()) for _ in range(5)]
    values, at = np.zeros(n + 2 * period), 0
    while at < n:
        length = round(period * (1 + random.uniform(0, 0.03) * random.normal()))
        x = np.arange(length) / length
        one = sum(h * np.exp(-((x - c) ** 2) / (2 * w**2)) for c, w, h in bumps)
        values[at : at + length] = one * (1 + 0.03 * random.normal())
        at += length
    noise = random.uniform(0.005, 0.05)
    values = values[:n] + noise * random.normal(size=n) + 0.2 * np.sin(np.arange(n) / random.uniform(500, 2000))
    return Base(values, 1000, period, noise)


def telemetry(random: Random) -> Base:
    """Commands: a few levels, switched in a pattern that repeats with jitter, little noise."""
    period, n = int(random.integers(40, 150)), int(random.integers(4000, 8000))
    levels, cuts = random.normal(size=4), np.sort(random.random(3))
    values, at = np.zeros(n + 2 * period), 0
    while at < n:
        length = period + int(random.integers(-3, 4))
        values[at : at + length] = levels[np.searchsorted(cuts, np.arange(length) / length)]
        at += length
    noise = float(random.choice([0.0, 0.01, 0.05]))
    return Base(values[:n] + noise * random.normal(size=n), MINUTE_MS, period, max(noise, 0.02))


BASES: Final[dict[str, Callable[[Random], Base]]] = {
    "level": level, "wander": wander, "calls": calls, "cloud": cloud, "trend": trend, "beat": beat,
    "telemetry": telemetry,
}  # fmt: skip

Trouble = Callable[[Random, Base, Floats, int], int]


def spike(random: Random, base: Base, values: Floats, at: int) -> int:
    """A row or three far off."""
    rows = int(random.integers(1, 4))
    values[at : at + rows] += random.choice([-1, 1]) * (6 * base.noise + random.uniform(0.3, 1.5) * base.spread)
    return rows


def shift(random: Random, base: Base, values: Floats, at: int) -> int:
    """The level is another one for a while, or for good (then the first rows of it are the trouble)."""
    rows = int(random.integers(30, 120))
    size = random.choice([-1, 1]) * (3 * base.noise + random.uniform(0.4, 1.5) * base.spread)
    values[at : at + rows if random.random() < 0.5 else None] += size
    return rows


def slide(random: Random, base: Base, values: Floats, at: int) -> int:
    """A slow drift away and back."""
    rows = int(random.integers(150, 300))
    most = random.choice([-1, 1]) * (3 * base.noise + random.uniform(0.6, 1.5) * base.spread)
    values[at : at + rows] += most * np.linspace(0, 1, rows) ** 1.5
    return rows


def burst(random: Random, base: Base, values: Floats, at: int) -> int:
    """The noise is several times what it was."""
    rows = int(random.integers(30, 120))
    values[at : at + rows] += random.uniform(2, 5) * base.noise * random.normal(size=rows)
    return rows


def stuck(random: Random, base: Base, values: Floats, at: int) -> int:
    """The same value again and again."""
    rows = max(int(random.integers(40, 120)), base.period // 2)
    values[at : at + rows] = values[at]
    return rows


def skipped(random: Random, base: Base, values: Floats, at: int) -> int:
    """A part of the season is left out, run backwards, or of half the height: without one, another spread."""
    rows = base.period or int(random.integers(60, 120))
    part = values[at : at + rows].copy()
    how = int(random.integers(3))
    if how == 0:
        values[at : at + rows] = part[::-1]
    elif how == 1:
        values[at : at + rows] = part.mean() + (part - part.mean()) * random.choice([0.4, 1.8])
    else:
        values[at : at + rows] = np.roll(part, rows // 3)
    return rows


TROUBLES: Final[dict[str, Trouble]] = {
    "spike": spike, "shift": shift, "slide": slide, "burst": burst, "stuck": stuck, "skipped": skipped,
}  # fmt: skip


def make(kind: str, trouble: str, seed: int) -> Series:
    """The series of a kind with troubles of another ("none" for without) after its first third."""
    random = np.random.default_rng([seed, *kind.encode(), *trouble.encode()])
    base = BASES[kind](random)
    values, n = base.values.copy(), len(base.values)
    truth, events = np.zeros(n, np.int8), []
    many = 0 if trouble == "none" else int(random.integers(1, 7 if trouble == "spike" else 3))
    for place in sorted(random.choice(np.arange(8), many, replace=False)):
        at = int(n * (0.35 + 0.075 * place)) + int(random.integers(0, int(0.03 * n)))
        rows = min(TROUBLES[trouble](random, base, values, at), n - at)
        truth[at : at + rows] = 1
        events.append((at, at + rows))
    return Series(f"{kind}-{trouble}-{seed}", kind, trouble, base.cadence_ms, values, truth, tuple(events))


def suite(seeds: range) -> list[Series]:
    """Every kind with every trouble and with none, for each of *seeds*."""
    return [make(kind, trouble, seed) for seed in seeds for kind in BASES for trouble in (*TROUBLES, "none")]
