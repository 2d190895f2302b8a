"""What a queue's day brings beside its plan: intervals, quarters, tellings, and days that follow each other."""

from __future__ import annotations

import orjson
import pytest

from alerts.plan import watch as watches
from alerts.plan.watch import TOLD_KEPT, PlanWatch
from models.plan.interval import PlanDay, PlanInterval, day_bounds_ms
from models.refusal import Refused

MIN, HOUR = 60_000, 3_600_000
QUEUE = "north/a"
#: Monday 2026-03-02, 00:00 UTC.
START = 1_772_409_600_000


class Came:
    """Calls by the interval that they came in, and eight agents."""

    def __init__(self) -> None:
        self.calls: dict[int, int] = {}
        self.agents: float | None = 8.0

    def value(self, queue: str, metric: str, window: str) -> float | None:
        known = {"agents_ready": 0.0, "agents_busy": self.agents, "handle_ms": 200_000.0, "completed": 50.0}
        return self.agents if self.agents is None and metric.startswith("agents") else known[metric]

    def came(self, queue: str, at_ms: int) -> int | None:
        return self.calls.get(at_ms // (30 * MIN))


def day(date: str = "2026-03-02", offered: float = 100.0, zone: str = "UTC", minutes: int = 30) -> PlanDay:
    first, end = day_bounds_ms(date, zone)
    rows = [PlanInterval(at, minutes, offered, 240_000.0, 9.0, 10.0) for at in range(first, end, minutes * MIN)]
    return PlanDay(QUEUE, date, zone, f"v{offered:g}", "plan", tuple(rows))


def clocks(
    watch: PlanWatch, live: Came, first_ms: int, last_ms: int, step_ms: int = 30_000
) -> list[watches.Reforecast]:
    found = []
    for at in range(first_ms, last_ms + 1, step_ms):
        found += watch.clock(at, live)
    return found


def begun(*plans: PlanDay) -> PlanWatch:
    watch = PlanWatch(lambda _: "UTC")
    for n, plan in enumerate(plans or (day(),)):
        watch.take(plan, str(n), START)
    return watch


def test_two_intervals_off_in_a_row_are_told_once_each_time_that_they_come() -> None:
    watch, live = begun(), Came()
    counts = [100, 140, 150, 160, 100, 140, 60, 100, 150, 150]
    live.calls = {START // (30 * MIN) + n: count for n, count in enumerate(counts)}
    found = clocks(watch, live, START, START + 5 * HOUR)
    told = [((one.since_ms - START) // (30 * MIN), one.over) for one in found]
    # off from the third on; back at the fifth; one up and one down is no trend; off again at the end
    assert told == [(3, False), (3, True), (10, False)]
    assert [one.actual.offered for one in found[0].last] == [140, 150]


def test_a_quiet_queue_begins_no_note_but_ends_one() -> None:
    watch, live = begun(), Came()
    live.calls = {START // (30 * MIN) + n: 150 for n in range(6)}
    assert watch.clock(START, live, lambda _: True) == []
    for n in range(1, 121):
        assert watch.clock(START + n * MIN, live, lambda _: True) == []
    loud = [one for n in range(121, 180) for one in watch.clock(START + n * MIN, live)]
    assert [one.over for one in loud] == [False]  # it is still due when nothing keeps it quiet any more
    live.calls = {}
    ended = [one for n in range(180, 240) for one in watch.clock(START + n * MIN, live, lambda _: True)]
    assert [one.over for one in ended] == [False, True] or [one.over for one in ended] == [True]


def test_what_came_after_all_corrects_an_interval_that_is_over() -> None:
    watch, live = begun(), Came()
    live.calls = {START // (30 * MIN): 100}
    clocks(watch, live, START, START + 31 * MIN)
    watch.changed.clear()
    watch.stirred.clear()
    watch.correct(QUEUE, START, 100)  # no news
    watch.correct(QUEUE, START + 30 * MIN, 7)  # not over yet
    watch.correct("north/other", START, 7)
    assert watch.changed == watch.stirred == set()
    watch.correct(QUEUE, START, 104)
    assert watch.changed == watch.stirred == {QUEUE}
    found = watch.day(QUEUE)
    assert found is not None
    assert [one.offered for one in found.actuals] == [104]


def test_agents_are_counted_in_intervals_of_the_plan_alone() -> None:
    rows = (PlanInterval(START + HOUR, 30, 10.0, 200_000.0, None, 8.0),)
    watch, live = begun(PlanDay(QUEUE, "2026-03-02", "UTC", "v", "plan", rows)), Came()
    live.agents = 3.0
    clocks(watch, live, START, START + HOUR - 1)
    live.agents = 8.0
    watch.changed.clear()
    clocks(watch, live, START + HOUR, START + HOUR + 29 * MIN)
    live.agents = 5.0
    clocks(watch, live, START + HOUR + 30 * MIN, START + 3 * HOUR)
    found = watch.day(QUEUE)
    assert found is not None
    assert [one.agents for one in found.actuals] == [8.0]
    watch.changed.clear()
    clocks(watch, live, START + 3 * HOUR + MIN, START + 3 * HOUR + 10 * MIN)
    assert watch.changed == set()  # nothing under way, nothing to keep


def test_a_day_that_is_withdrawn_keeps_what_came() -> None:
    watch, live = begun(), Came()
    clocks(watch, live, START, START + 31 * MIN)
    watch.take(PlanDay(QUEUE, "2026-03-02", "UTC", "v0", "none", ()), "none", START + 31 * MIN)
    clocks(watch, live, START + 32 * MIN, START + 61 * MIN)
    found = watch.day(QUEUE)
    assert found is not None
    assert (len(found.actuals), found.under_way) == (1, False)
    assert watch.rates(QUEUE) is None


def test_a_new_day_begins_anew() -> None:
    watch, live = begun(day(), day("2026-03-03")), Came()
    live.calls = {START // (30 * MIN) + n: 150 for n in range(60)}
    first = clocks(watch, live, START, START + 24 * HOUR - MIN, MIN)
    assert [one.over for one in first] == [False]
    found = watch.day(QUEUE)
    assert found is not None
    assert len(found.actuals) == 47  # the last one ends with the day
    second = clocks(watch, live, START + 24 * HOUR, START + 24 * HOUR + 31 * MIN, MIN)
    assert [one.over for one in second] == [True]
    found = watch.day(QUEUE)
    assert found is not None
    assert (found.first_ms, len(found.actuals)) == (START + 24 * HOUR, 1)
    clocks(watch, live, START + 72 * HOUR, START + 72 * HOUR + 20 * MIN, MIN)
    assert watch.day(QUEUE) is None  # no plan, no day
    assert watch.freeze(QUEUE).keys() == {"told"}


def test_so_many_tellings_are_remembered() -> None:
    watch = begun()
    for n in range(TOLD_KEPT):
        watch.take(day(offered=200.0 + n), f"t{n}", START)
    assert len(watch.freeze(QUEUE)["told"]) == TOLD_KEPT
    assert not watch.take(day(offered=1.0), "t0", START)  # said already
    assert watch.take(day(), "0", START)  # its telling is forgotten: it is in force again
    plan = watch.book.expected(QUEUE, START)
    assert plan is not None
    assert plan.offered == 100.0


def test_a_refused_day_is_not_remembered_as_told() -> None:
    watch = begun()
    with pytest.raises(Refused, match="ahead"):
        watch.take(day("2026-03-30"), "far", START)
    assert watch.take(day("2026-03-30"), "far", START + 20 * 24 * HOUR)


def test_what_is_expected_over_a_time_is_made_of_its_intervals() -> None:
    first = START + 9 * HOUR
    rows = (
        PlanInterval(first, 30, 60.0, 200_000.0, 8.0, 10.0),
        PlanInterval(first + 30 * MIN, 30, 120.0, 260_000.0, None, 16.0),
    )
    watch = begun(PlanDay(QUEUE, "2026-03-02", "UTC", "v", "plan", rows))
    half = watch.over(QUEUE, first + 10 * MIN, first + 40 * MIN)
    assert half is not None
    assert half.offered == pytest.approx(40.0 + 40.0)
    assert half.handle_ms == pytest.approx(230_000.0)
    assert half.scheduled == pytest.approx((20 * 10 + 10 * 16) / 30)
    assert half.required == 8.0
    opening = watch.over(QUEUE, first - 20 * MIN, first + 10 * MIN)
    assert opening is not None
    assert opening.offered == pytest.approx(20.0)  # before it nothing is planned, so nothing is expected
    assert watch.over(QUEUE, first - HOUR, first - 30 * MIN) is None


@pytest.mark.parametrize(("zone", "now", "before"), [("UTC", 14 + 15, 12 + 13), ("Asia/Kathmandu", 13 + 14, 11 + 12)])
def test_rates_are_of_the_half_hour_and_the_one_before(zone: str, now: float, before: float) -> None:
    """As habits have them: half-hours of UTC, which are a quarter off in Kathmandu."""
    bounds = day_bounds_ms("2026-03-02", zone)
    rows = tuple(PlanInterval(at, 15, 10.0 + n, 200_000.0, None, None) for n, at in enumerate(range(*bounds, 15 * MIN)))
    watch, live = PlanWatch(lambda _: zone), Came()
    watch.take(PlanDay(QUEUE, "2026-03-02", zone, "v", "plan", rows), "1", bounds[0])
    watch.clock(bounds[0] + 4 * 15 * MIN + 5_000, live)  # 01:00
    rate = watch.rates(QUEUE)
    assert rate is not None
    assert (rate.offered, rate.offered_before, rate.handle_ms) == (now, before, 200_000.0)
    watch.clock(bounds[0] + 6 * 15 * MIN + 5_000, live)
    later = watch.rates(QUEUE)
    assert later is not None
    assert (later.offered, later.offered_before) == (now + 4, now)
    assert watch.rates("north/other") is None


def test_cut_anywhere_it_goes_on_as_if_it_had_never_stopped() -> None:
    live = Came()
    live.calls = {START // (30 * MIN) + n: 150 for n in range(6)}
    whole = begun()
    told = clocks(whole, live, START, START + 3 * HOUR)
    for cut in range(1, 360, 29):
        first = begun()
        out = clocks(first, live, START, START + cut * 30_000)
        again = PlanWatch(lambda _: "UTC")
        again.book.thaw(QUEUE, orjson.loads(orjson.dumps(first.book.freeze(QUEUE))))
        again.thaw(QUEUE, orjson.loads(orjson.dumps(first.freeze(QUEUE))))
        again.resume(START + cut * 30_000)
        out += clocks(again, live, START + (cut + 1) * 30_000, START + 3 * HOUR)
        assert out == told
        assert again.freeze(QUEUE) == whole.freeze(QUEUE)
        assert again.rates(QUEUE) == whole.rates(QUEUE)


def test_unknown_agents_are_no_agents() -> None:
    watch, live = begun(), Came()
    live.agents = None
    clocks(watch, live, START, START + 31 * MIN)
    found = watch.day(QUEUE)
    assert found is not None
    assert [one.agents for one in found.actuals] == [None]
    assert [one.offered for one in found.actuals] == [0]  # nobody came
