"""The same judgement in plain Python: slow, by the tails of `alerts.detect.counts` and integrals summed by seconds."""

from __future__ import annotations

from math import isnan, log10, nan, sqrt
from typing import Any

from alerts.detect import counts
from alerts.habit.state import HALF_MS, Habits

#: (above, below) among the sums: menu, blocked, abandoned, missed, queued, failed, talk, speed.
SUMS = ((2, 1), (3, 1), (5, 4), (8, 7), (6, 4), (10, 9), (12, 11), (14, 13))
WIDTHS_MS = (60_000, 300_000, 900_000, 1_800_000)


def log_of(chance: float) -> float:
    return log10(max(chance, 1e-300))


def week_mean(week: Any, slot: int) -> float:
    """Calls of a half-hour of the week, 0 where nothing may be said."""
    like = 336 + slot % 48 + (48 if slot >= 240 else 0)
    if not (week[slot][0] > 0 or (slot < 240 and week[like][0] >= 2)):
        return 0.0
    value = float(week[432][1])
    for place in (like, slot):
        n, own = float(week[place][0]), float(week[place][1])
        unlike = n * (own - value) ** 2 / max(value + 0.01 * value**2, 1.0)
        b = (1 + 50 / max(value, 1.0)) / (1 + max(unlike - 1, 0))
        value = (n * own + b * value) / (n + b)
    return value


def volume(state: Habits, q: int, begin_ms: int, now_ms: int) -> tuple[float, float]:
    """Least and most calls from *begin_ms* on, summed second by second."""
    slots = [int(slot) for slot in state.whole[q, 10:14]]
    rates = [week_mean(state.week[q], slot) for slot in slots]
    level = min(max((state.late[q, 9, 0] + 200) / (state.late[q, 9, 1] + 200), 0.5), 2.0)
    first_ms = (now_ms // HALF_MS - 2) * HALF_MS
    flat = slope = 0.0
    for at_ms in range(begin_ms, now_ms, 1000):
        at = (at_ms + 500 - first_ms) / HALF_MS
        n = int(at - 0.5)
        flat += rates[int(at)] / 1800
        slope += (rates[n] + (rates[n + 1] - rates[n]) * (at - 0.5 - n)) / 1800
    return level * min(flat, slope), level * max(flat, slope)


def share(state: Habits, q: int, test: int, slot: int) -> tuple[float, float]:
    above, below = SUMS[test - 1]
    like_of = state.like[q]
    calls = float(like_of[96][below])
    if calls < 50:
        return nan, 0.0
    borrowed = min(calls / max(float(like_of[96][0]), 1.0), 50.0)
    here = like_of[slot % 48 + (48 if slot >= 240 else 0)]
    value = (float(here[above]) + borrowed * float(like_of[96][above]) / calls) / (float(here[below]) + borrowed)
    if test < 7:
        value = min(max(value, 0.005), 0.995)
    return value, float(here[below]) + borrowed


def guarded(log_chance: float, limit: float, matters: bool) -> float:
    score = -log_chance / limit
    score = score if matters else min(score, 0.95)
    return score if score >= 0.5 else 0.0


def scores(state: Habits, q: int, w: int, now_ms: int, found: Any, limit: float, guards: Any) -> list[float]:
    """The scores of the ten subjects in rolling window *w*."""
    slots = [int(slot) for slot in state.whole[q, 10:14]]
    begin_ms = (now_ms // 5000) * 5000 + 5000 - WIDTHS_MS[w]
    open_ms = max(begin_ms, int(state.whole[q, 6]))
    like = 336 + slots[2] % 48 + (48 if slots[2] >= 240 else 0)
    week = state.week[q]
    out = [nan, nan]
    if week[slots[2]][0] > 0 or (slots[2] < 240 and week[like][0] >= 2):
        earlier = 336 + slots[1] % 48 + (48 if slots[1] >= 240 else 0)
        unknown = not (week[slots[1]][0] > 0 or (slots[1] < 240 and week[earlier][0] >= 2))
        if open_ms < now_ms // HALF_MS * HALF_MS and unknown:
            return [nan, nan, *(other(state, q, w, n, begin_ms, now_ms, found, limit, guards[n]) for n in range(1, 9))]
        least, most = volume(state, q, open_ms, now_ms)
        excess, of = state.vary[q, 0, w]
        spread = max(excess + 20.0, 0.0) / (of + 2e3)
        spread += 0.25 / (1 + float(week[slots[2]][0]) + 0.25 * float(week[like][0])) ** 2
        k = int(found[0])
        out = [0.0, 0.0]
        if k - most > 2 * sqrt(most + spread * most**2):
            far = k - most >= max(guards[0][1], guards[0][2] * most)
            out[0] = guarded(log_of(counts.negative_binomial(k, most, spread)[1]), limit, far)
        if least > 0 and least - k > min(2 * sqrt(least + spread * least**2), 0.7 * least):
            far = least - k >= max(guards[0][1], guards[0][2] * least)
            out[1] = guarded(log_of(counts.negative_binomial(k, least, spread)[0]), limit, far)
    for test in range(1, 9):
        out.append(other(state, q, w, test, begin_ms, now_ms, found, limit, guards[test]))
    return out


def other(
    state: Habits, q: int, w: int, test: int, begin_ms: int, now_ms: int, found: Any, limit: float, guard: Any
) -> float:  # fmt: skip
    """The score of a share or mean."""
    slots = [int(slot) for slot in state.whole[q, 10:14]]
    (before, _), (here, behind) = share(state, q, test, slots[1]), share(state, q, test, slots[2])
    start_ms = now_ms // HALF_MS * HALF_MS
    norm = here
    if begin_ms < start_ms and not isnan(before):
        rates = [week_mean(state.week[q], slot) for slot in slots]
        earlier = (start_ms - begin_ms) * (rates[1] / rates[2] if rates[2] > 0 else 1.0)
        later = now_ms - start_ms
        norm = (earlier * before + later * here) / (earlier + later) if earlier + later > 0 else here
    above, below = SUMS[test - 1]
    k, n = float(found[above]), float(found[below])
    excess, of = state.vary[q, test, w]
    if isnan(norm) or n < guard[0]:
        return nan
    if test < 7:
        prior = (0.01, 0.01, 0.03, 0.04, 0.04, 0.01)[test - 1] * (1.5, 1.5, 1.0, 0.75)[w]
        alike = min(max(excess + 2e3 * prior, 0.0) / (of + 2e3) + 1 / (1 + behind), 0.7)
        beyond = min(k, n) - n * norm
        if beyond <= 2 * sqrt(n * norm * (1 - norm) * (1 + (n - 1) * alike)):
            return 0.0
        chance = counts.beta_binomial(int(min(k, n)), int(n), norm, alike)[1]
        return guarded(log_of(chance), limit, beyond >= 5 and beyond >= guard[1] * n)
    if of < 40:
        return nan
    scatter = 1.3 * (excess + 10.0) / (of + 10.0)
    weight = 1 / (1 / n + 1 / max(behind, 1.0))
    away = abs(k / n - norm)
    if away <= min(2 * norm * sqrt(scatter / weight), 0.7 * norm):
        return 0.0
    shape = weight / scatter
    low, high = counts.gamma_tails(shape, shape * k / n / norm)
    far = away >= max(guard[1], guard[2] * norm)
    if test == 8:
        return guarded(log_of(high), limit, far) if k / n > norm else 0.0
    return guarded(log_of(high if k / n > norm else low), limit, far)
