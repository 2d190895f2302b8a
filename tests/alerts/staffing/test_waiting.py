"""While it happens: who is waiting, who is past the threshold, who will be soon."""

from __future__ import annotations

import math

import pytest

from alerts.staffing.waiting import Pace, Waiting, sentence, waiting_now

AGES = [95_000, 61_000, 60_000, 44_000, 41_000, 40_001, 40_000, 12_000, 0]


def test_the_threshold_is_passed_by_those_older_than_it() -> None:
    now = waiting_now(AGES, 60_000)
    assert now == Waiting(waiting=9, beyond=2, soon=4, threshold_ms=60_000, soon_ms=20_000)
    assert waiting_now(reversed(AGES), 60_000) == now
    assert waiting_now([], 60_000) == Waiting(0, 0, 0, 60_000, 20_000)


def test_everybody_counts_once() -> None:
    for threshold_ms in range(0, 100_000, 3_333):
        now = waiting_now(AGES, threshold_ms, soon_ms=100_000)
        assert now.beyond + (now.soon or 0) == now.waiting == 9


def test_with_a_pace_those_left_out_whom_it_answers_in_time() -> None:
    """One is answered every 10 s. The nth of the line is answered after 10 n s."""
    pace = Pace(0.1)
    now = waiting_now([30_000, 19_000, 15_000, 5_000, 1_000], 20_000, pace=pace)
    # the second is due in 1 s and answered in 20, the third 5 and 30, the fourth 15 and 40, the fifth 19 and 50
    assert (now.beyond, now.soon) == (1, 4)
    quick = waiting_now([30_000, 19_000, 15_000, 5_000, 1_000], 20_000, pace=Pace(0.3))
    # one every 3.3 s: answered after 6.7, 10, 13.3, 16.7 s
    assert (quick.beyond, quick.soon) == (1, 2)
    assert waiting_now([30_000, 19_000], 20_000, pace=Pace(0)).soon == 1


def test_callers_who_hang_up_make_the_line_quicker() -> None:
    for ahead in (0, 3, 50):
        patient, less = Pace(0.1), Pace(0.1, patience_s=60)
        assert less.until_s(ahead) < patient.until_s(ahead)
        assert Pace(0.1, patience_s=1e9).until_s(ahead) == pytest.approx(patient.until_s(ahead), rel=1e-6)
    assert Pace(0).until_s(0) == math.inf


def test_the_sentence_in_both_languages() -> None:
    english, chinese = sentence(Waiting(12, 5, 4, 20_000, 20_000, paced=True))
    assert english == "12 waiting, 5 beyond 20 s, 4 more within 20 s at this speed of answer"
    assert chinese == "排队12个,其中5个已超过20秒,按目前接起速度20秒内还将有4个超过"
    english, chinese = sentence(Waiting(12, 5, 4, 20_000, 20_000))
    assert english == "12 waiting, 5 beyond 20 s, 4 more within 20 s unless answered"
    assert chinese == "排队12个,其中5个已超过20秒,若未接起20秒内还将有4个超过"
    assert sentence(Waiting(12, 5, None, 20_000, 20_000))[0] == "12 waiting, 5 beyond 20 s"
    assert sentence(Waiting(1, 0, 0, 20_000, 20_000))[0] == "1 waiting, 0 beyond 20 s"
    assert sentence(Waiting(0, 0, 0, 20_000, 20_000)) == ("nobody waiting", "无人排队")
