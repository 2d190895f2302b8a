"""The life of a queue is seeded, follows from load and staffing, and a trouble changes nothing before it begins."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import orjson
import pytest

from benchmarks.detection.life import ABANDONED, ANSWERED, BLOCKED, MENU, NEVER_CAME, Day, draw_day, live
from benchmarks.detection.shape import CLOSES_S, OPENS_S, SLOTS, THRESHOLD_S, Line, day_ms, shifts, staffing
from benchmarks.detection.telling import tell
from benchmarks.detection.trouble import KINDS, Kind, Slow, Trouble, draw, on_duty
from models.fields import check

LINE = Line(3, "middle")
WEEKDAY = 29


def lived(trouble: Trouble | None = None, line: Line = LINE) -> Day:
    return live(line, WEEKDAY, draw_day(line, WEEKDAY), trouble)


def trouble(kind: Kind, share: float) -> Trouble:
    return Trouble(kind, share, WEEKDAY, 11 * 3600, 13 * 3600)


def service(day: Day) -> float:
    queued = np.isin(day.fate, (ANSWERED, ABANDONED))
    return float(((day.wait <= THRESHOLD_S) & (day.fate == ANSWERED))[queued].mean())


def inside(day: Day) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return (day.at >= 11 * 3600) & (day.at < 13 * 3600)


def test_the_same_seed_is_the_same_day_and_another_is_not() -> None:
    assert tell(LINE, lived()) == tell(LINE, lived())
    other = Line(4, "middle")
    assert [one[0] for one in tell(other, lived(line=other))] != [one[0] for one in tell(LINE, lived())]
    replica = draw_day(LINE, WEEKDAY, replica=1)
    assert len(replica.at) != len(draw_day(LINE, WEEKDAY).at) or (replica.at != draw_day(LINE, WEEKDAY).at).any()


def test_calls_come_as_often_as_the_profile_says() -> None:
    counts = [np.isnan(draw_day(LINE, WEEKDAY, n).extra).sum() for n in range(200)]
    expected = LINE.rates()[WEEKDAY % 7].sum() * 1800 * LINE.busy(WEEKDAY)
    assert np.mean(counts) == pytest.approx(expected, abs=4 * np.sqrt(expected / 200))
    assert np.var(counts) == pytest.approx(expected, rel=0.4)  # Poisson, given how busy the day is
    assert np.std([LINE.busy(day) for day in range(400)]) == pytest.approx(0.1, rel=0.2)


def test_ordinary_days_are_good_ones() -> None:
    found = [service(live(Line(s, "large"), d, draw_day(Line(s, "large"), d))) for s in (1, 2) for d in range(7)]
    assert min(found) > 0.7
    assert np.mean(found) > 0.9


def test_nobody_serves_two_callers_at_once_or_after_hours() -> None:
    day = lived(trouble("agents", 0.5))
    spans: dict[int, list[tuple[float, float]]] = {}
    for n in np.flatnonzero(day.fate == ANSWERED).tolist():
        start = float(day.at[n] + day.wait[n])
        spans.setdefault(int(day.agent[n]), []).append((start, start + float(day.talk[n] + day.wrap[n])))
        assert any(who == day.agent[n] and begins <= start < ends for who, (begins, ends) in day.duty)
    for theirs in spans.values():
        assert all(second[0] >= first[1] - 1e-6 for first, second in pairwise(sorted(theirs)))


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_changes_before_a_trouble_begins(kind: Kind) -> None:
    one = draw(LINE, kind, 1.0, WEEKDAY, 1)
    start_ms = day_ms(WEEKDAY) + round(one.start_s * 1000)
    before = [[e for e in tell(LINE, lived(t), t) if e[0] < start_ms] for t in (None, one)]
    assert before[0] == before[1]
    after = [[e for e in tell(LINE, lived(t), t) if e[0] >= start_ms] for t in (None, one)]
    assert after[0] != after[1]


def test_each_kind_does_what_it_says() -> None:
    ordinary = lived()
    n = inside(ordinary).sum()
    for kind, fate in (("drop", NEVER_CAME), ("blocked", BLOCKED), ("menu", MENU)):
        day = lived(trouble(kind, 1.0))  # type: ignore[arg-type]
        assert (day.fate[inside(day)] == fate).all()
        half = lived(trouble(kind, 0.5))  # type: ignore[arg-type]
        assert (half.fate[inside(half)] == fate).sum() == pytest.approx(n / 2, rel=0.25)
    surge = lived(trouble("surge", 1.0))
    assert inside(surge).sum() == pytest.approx(2 * n, rel=0.2)
    longer = lived(trouble("handle", 1.0))
    assert longer.talk[inside(longer)].sum() == pytest.approx(2 * ordinary.talk[inside(ordinary)].sum())
    for kind in ("agents", "sign_in", "handle", "surge"):
        assert service(lived(trouble(kind, 1.0))) < service(ordinary) - 0.05  # type: ignore[arg-type]


def test_agents_are_taken_away_and_come_back() -> None:
    spans = shifts(staffing(LINE.rates()[WEEKDAY % 7]))

    def here(hit: Trouble | None, at: float) -> int:
        return sum(begins <= at < ends for _, (begins, ends) in on_duty(spans, hit))

    for share in (0.2, 0.5, 1.0):
        hit, noon = trouble("agents", share), 12 * 3600.0
        assert here(hit, noon) == pytest.approx(here(None, noon) * (1 - share), abs=2)
        assert here(hit, 10.9 * 3600) == here(None, 10.9 * 3600)
        assert here(hit, 13.1 * 3600) == here(None, 13.1 * 3600)
    late = draw(LINE, "late", 1.0, WEEKDAY, 1)
    assert (here(late, OPENS_S + 60), here(late, OPENS_S + 3660)) == (0, here(None, OPENS_S + 3660))


def test_shifts_add_up_to_the_staffing() -> None:
    wanted = staffing(LINE.rates()[0])
    spans = shifts(wanted)
    for slot in range(SLOTS):
        assert sum(begins <= OPENS_S + 1800 * slot < ends for begins, ends in spans) == wanted[slot]
    assert max(ends for _, ends in spans) == CLOSES_S


@pytest.mark.parametrize("kind", [None, "sign_in", "agents", "surge"])
def test_what_is_told_is_events_and_agents_are_never_forgotten(kind: Kind | None) -> None:
    hit = None if kind is None else trouble(kind, 0.5)
    events = [orjson.loads(one[2]) for one in tell(LINE, lived(hit), hit)]
    for event in events:
        check(event)
    assert [e["ts"] for e in events] == sorted(e["ts"] for e in events)
    last = {e["agent"]: e["state"] for e in events if e["type"] == "agent.state"}
    assert set(last.values()) == {"offline"}
    failed = [e for e in events if e["type"] == "agent.login_failed"]
    assert bool(failed) == (kind == "sign_in")
    assert len({(e["id"], e["ts"]) for e in events}) == len(events)


def test_what_lasts_for_days() -> None:
    assert (Slow("volume_shift", 30).volume(29), Slow("volume_shift", 30).volume(31)) == (1.0, 0.6)
    assert Slow("volume_drift", 30).volume(32) == pytest.approx(0.88)
    assert (Slow("holiday", 30).volume(30), Slow("holiday", 30).volume(31)) == (0.3, 1.0)
    assert Slow("handle_drift", 30).handle(31) == pytest.approx(1.08)
    assert Slow("handle_drift", 30).volume(31) == 1.0
    fewer = draw_day(LINE, WEEKDAY, slow=Slow("holiday", WEEKDAY))
    assert np.isnan(fewer.extra).sum() < 0.5 * np.isnan(draw_day(LINE, WEEKDAY).extra).sum()
