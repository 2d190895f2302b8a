"""What is said of a figure that is unusual: the figure itself, where it is most so, what is usual, the calls behind it.

A rule on a subject (`alerts.habit.subjects`) judges how unusual something is, a number nobody has seen on a floor. Its
sentence speaks of the figure that the subject is about, in its own unit, in the window that is most unusual now.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import TYPE_CHECKING, Final

from alerts.habit.subjects import ROLLING, SUBJECT, Subject
from models.hours import local
from models.metric import METRIC

if TYPE_CHECKING:
    from alerts.habit.book import Band

Words = tuple[str, str]
#: A figure of the queue at hand, and what was expected of a subject over a window; None when unknown.
Read = Callable[[str, str], float | None]
Bands = Callable[[str, str], "Band | None"]

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAYS_ZH: Final = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_HALF_HOUR_MIN: Final = 30
#: The window that a slide is told over: it is an affair of half-hours.
LONGEST: Final = ROLLING[-1]


def half_hour(zone: str, now_ms: int) -> Words:
    """The half-hour of the local week, as a person says it: ``Monday 10:30``, ``周一10:30``."""
    at = local(zone, now_ms)
    clock = f"{at.hour:02}:{at.minute - at.minute % _HALF_HOUR_MIN:02}"
    return f"{_DAYS[at.weekday()]} {clock}", f"{_DAYS_ZH[at.weekday()]}{clock}"


def worst_window(subject: str, read: Read) -> tuple[str, bool]:
    """The rolling window in which *subject* is most unusual, and whether it slides: less so in each than in all."""
    scores = {window: read(subject, window) for window in ROLLING}
    known = {window: score for window, score in scores.items() if score is not None}
    if not known:
        return LONGEST, read(subject, "now") is not None
    worst = max(known, key=lambda window: known[window])
    if known[worst] <= 0.0 and not read(subject, "now"):
        return LONGEST, False  # nothing is unusual any more
    return (LONGEST, True) if (read(subject, "now") or 0.0) > known[worst] else (worst, False)


def standing(queue: str, subject_id: str, window: str, when: Words, read: Read, bands: Bands) -> Words:
    """How the figure of a subject stands, English and Chinese. *window* "now": where it is most unusual; *when* names
    the half-hour."""
    subject = SUBJECT[subject_id]
    over, slides = worst_window(subject_id, read) if window == "now" else (window, False)
    metric, minutes = METRIC[subject.of], over.removesuffix("m")
    if over == "resolve":
        en, zh = "since the resolve", "处理完成后"
    else:
        en = "over the last minute" if minutes == "1" else f"over the last {minutes} minutes"
        zh = f"最近{minutes}分钟"
    name = metric.en[0].upper() + metric.en[1:]
    usual_en, usual_zh = usual_of(subject_id, over, when, bands)
    calls_en, calls_zh = _behind(subject, over, read)
    slow_en, slow_zh = (", and it has been off for hours", ",且已持续偏离") if slides else ("", "")
    shown = short(subject, _value(subject, over, read))
    return (
        f"{name} of {queue}: {shown[0]} {en}, {usual_en}{slow_en}{calls_en}",
        f"{queue} {zh}{metric.zh}为{shown[1]},{usual_zh}{slow_zh}{calls_zh}",
    )


def _value(subject: Subject, over: str, read: Read) -> float | None:
    """The figure of *subject* in the unit of its band: a share where it is one of what could have been."""
    value = read(subject.of, over)
    if subject.kind != "share" or METRIC[subject.of].unit == "ratio" or value is None:
        return value
    of = read(subject.sample, over)
    return value / of if of else None


def usual_of(subject_id: str, window: str, when: Words, bands: Bands) -> Words:
    """What is usual of a subject's figure over *window*, and where its alarms begin, English and Chinese."""
    subject, band = SUBJECT[subject_id], bands(subject_id, window)
    if band is None:
        return f"unusual for {when[0]}", f"{when[1]}属异常"
    lower, upper = band.lower, band.upper
    for other in ("offered_surge", "offered_drop"):
        side = bands(other, window) if subject.kind == "volume" else None
        if side is not None:  # the two sides of one figure
            lower, upper = max(lower, side.lower), min(upper, side.upper)
    expected = short(subject, band.expected)
    (low_en, low_zh), (high_en, high_zh) = (short(subject, v) if isfinite(v) else ("", "") for v in (lower, upper))
    if low_en and high_en:
        range_en, range_zh = f" ({low_en} to {high_en})", f"({low_zh}至{high_zh})"
    elif high_en:
        range_en, range_zh = f" (up to {high_en})", f"(至多{high_zh})"
    elif low_en:
        range_en, range_zh = f" (at least {low_en})", f"(至少{low_zh})"
    else:
        range_en, range_zh = "", ""
    return f"usual for {when[0]} is {expected[0]}{range_en}", f"{when[1]}常态为{expected[1]}{range_zh}"


def _behind(subject: Subject, over: str, read: Read) -> Words:
    """The calls behind a share or a mean."""
    n = read(subject.sample, over) if subject.sample else None
    if n is None:
        return "", ""
    name = METRIC[subject.sample]
    return f": {n:g} {name.en}", f":{name.zh}{n:g}"


def short(subject: Subject, value: float | None) -> Words:
    """A value of *subject* as it stands in a sentence that compares: counts whole and without their unit."""
    if value is None:
        return "undefined", "无数据"
    if subject.kind == "share":
        shown = f"{value * 100:.1f}".removesuffix(".0") + " %"
        return shown, shown
    if subject.kind == "mean":
        seconds = value / 1000
        return (f"{seconds:.0f} s", f"{seconds:.0f}秒") if seconds >= 10 else (f"{seconds:.1f} s", f"{seconds:.1f}秒")
    return f"{value:.0f}", f"{value:.0f}"
