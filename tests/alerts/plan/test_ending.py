"""How the day ends: the misses still allowed, counted out one by one, and where it is heading."""

from __future__ import annotations

import pytest

from alerts.plan.ending import Ending, Judging, SoFar, ending, rest_level, sentence
from alerts.plan.rest import Coming, Rest
from alerts.staffing.erlang import Load, steady
from models.catalogue import Formula

JUDGING = Judging(20.0, Formula.SHORT_EXCLUDED, 5.0, 120.0)


def rest(*offered: float, scheduled: float | None = 18.0, handle_s: float | None = 240.0) -> Rest:
    coming = tuple(Coming(n * 1_800_000, 1800.0, calls, handle_s, scheduled) for n, calls in enumerate(offered))
    return Rest(coming, sum(offered), 0.0, 0.0)


@pytest.mark.parametrize("target", [0.5, 0.8, 0.85, 0.9, 0.95, 1.0])
@pytest.mark.parametrize(("judged", "met"), [(0, 0), (10, 10), (500, 410), (500, 350), (1, 0)])
@pytest.mark.parametrize("expected", [0, 1, 17, 412])
def test_so_many_may_miss_and_not_one_more(target: float, judged: int, met: int, expected: int) -> None:
    found = ending(SoFar(judged, met, judged), rest(expected), target, JUDGING)
    assert found.expected == expected

    def reached(misses: int) -> bool:
        return round(1000 * (met + expected - misses)) >= round(1000 * target) * (judged + expected)

    by_counting = [misses for misses in range(expected + 1) if reached(misses)]
    if not by_counting:
        assert found.allowed < 0
    else:
        assert min(found.allowed, expected) == by_counting[-1]


def test_calls_to_come_are_judged_in_the_share_of_those_that_were() -> None:
    """Short abandons are not: of 500 offered 450 were judged."""
    found = ending(SoFar(450, 400, 500), rest(200, 100), 0.8, JUDGING)
    assert found.expected == 270
    assert found.allowed == 144 - 50
    assert found.needed == pytest.approx((0.8 * 720 - 400) / 270)
    assert found.best == pytest.approx(670 / 720)


def test_the_day_heads_for_what_the_agents_scheduled_make_of_it() -> None:
    level = steady(Load(120 / 1800, 240, 120), 18).service_level(20, Formula.SHORT_EXCLUDED, 5)
    assert rest_level(rest(120), JUDGING) == pytest.approx(level)
    low = steady(Load(180 / 1800, 240, 120), 18).service_level(20, Formula.SHORT_EXCLUDED, 5)
    assert rest_level(rest(120, 180), JUDGING) == pytest.approx((120 * level + 180 * low) / 300)
    found = ending(SoFar(300, 200, 300), rest(120, 180), 0.8, JUDGING)
    assert found.heading == pytest.approx((200 + 120 * level + 180 * low) / 600)


def test_without_handle_time_or_roster_it_heads_for_nothing_known() -> None:
    for part in (rest(120, handle_s=None), rest(120, scheduled=None)):
        assert ending(SoFar(10, 8, 10), part, 0.8, JUDGING).heading is None
    assert rest_level(rest(120, scheduled=0.0), JUDGING) == 0.0  # nobody there: nobody is served
    closed = Rest((*rest(120).intervals, Coming(9, 1800.0, 0.0, None, None)), 120.0, 0.0, 0.0)
    assert rest_level(closed, JUDGING) is not None  # closed hours need no agents


def test_the_sentences_in_both_languages() -> None:
    english, chinese = sentence(Ending(0.8, 412, 37, 0.7996, 0.9, 0.85))
    assert english == ("to end the day at 80 % at most 37 more may miss of the 412 still expected; heading for 79.9 %")
    assert chinese == "要使全天达到80%,余下预计的412个中最多还可有37个未达标;照此预计全天为79.9%"
    late, _ = sentence(Ending(0.8, 412, -3, 0.7, 0.743, 1.2))
    assert late == "80 % is out of reach today: if all of the 412 still expected are met it ends at 74.3 %"
    safe, _ = sentence(Ending(0.8, 12, 20, None, 0.9, 0.0))
    assert safe == "80 % is safe today: even if all of the 12 still expected miss"
    over, _ = sentence(ending(SoFar(10, 8, 10), rest(), 0.8, JUDGING))
    assert over == "no more calls are expected: the day ends at 80.0 %"
    none, zh = sentence(ending(SoFar(0, 0, 0), rest(), 0.8, JUDGING))
    assert none == "no calls today, and none are expected"
    assert zh == "今日无话务,预计也不会有"


@pytest.mark.parametrize("target", [0.0, -1.0, 1.5, 80.0])
def test_a_target_that_is_no_share_is_refused(target: float) -> None:
    with pytest.raises(ValueError, match="give a share"):
        ending(SoFar(1, 1, 1), rest(1), target, JUDGING)
