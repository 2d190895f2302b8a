"""What people are told of their agents."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from alerts.staffing.advice import advise, sentence
from alerts.staffing.erlang import Load
from alerts.staffing.needed import Goal
from alerts.staffing.recovery import Present

LOAD, GOAL, ZONE = Load(120 / 1800, 240, 90), Goal(0.8, 20), "Asia/Shanghai"
TEN = round(datetime(2026, 3, 2, 10, 0, 10, tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)


def test_too_few_are_told_how_many_more_and_by_when() -> None:
    advice = advise(LOAD, 15, Present(12, 15), GOAL)
    assert advice.short == pytest.approx(advice.needed - 15)
    english, chinese = sentence(advice, GOAL, TEN, ZONE)
    assert english.startswith(
        "17.3 agents needed for 80/20, 15 here, 2.3 short: not with these; 3 more recover it by 10:"
    )
    assert re.fullmatch(r"达到80/20需要17\.3名坐席,现有15名,缺2\.3名:现有人数无法恢复;增加3名可于10:\d\d恢复", chinese)
    assert advice.more.after_s is not None
    at = datetime.strptime(english[-5:], "%H:%M")  # noqa: DTZ007
    assert 0 <= (at.minute * 60 - 10) - advice.more.after_s < 60


def test_enough_are_told_so() -> None:
    assert sentence(advise(LOAD, 20, Present(0, 14), GOAL), GOAL, TEN, ZONE)[0].endswith("20 here: enough")
    english, chinese = sentence(advise(LOAD, 20, Present(20, 20), GOAL), GOAL, TEN, ZONE)
    assert re.search(r"recovers with these by 10:0\d$", english)
    assert re.search(r"预计10:0\d恢复$", chinese)


def test_the_sooner_it_shall_recover_the_more_it_takes() -> None:
    extra = [advise(LOAD, 15, Present(25, 15), GOAL, within_s).extra for within_s in (120, 300, 900, 1800)]
    assert extra == sorted(extra, reverse=True)
    assert extra[0] > extra[-1] >= 3


def test_agents_may_be_a_fraction() -> None:
    advice = advise(LOAD, 14.4, Present(5, 14.4), GOAL)
    assert advice.extra == 4
    assert "14.4 here, 2.9 short" in sentence(advice, GOAL, TEN, ZONE)[0]
