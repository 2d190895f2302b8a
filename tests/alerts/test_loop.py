"""The loop, told as timelines: from the breach to the order, to the person, to the proof."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from alerts.judgement import Judgement
from models.catalogue import LoopLimits
from tests.alerts.world import HOUR, MIN, NIGHT, PEOPLE, SERVICE, T0, UNREACHED, S, World, breach, catalogue, person


def resolve(world: World) -> None:
    """Acknowledge and resolve with a quiet present; the window still holds the bad calls."""
    if world.order()["state"] == "dispatched":
        world.tell("acknowledge")
    world.service(0.9, 5, "5m")
    world.tell("resolve", cause="staffing", measure="two agents moved over")
    assert world.order()["state"] == "verifying"


def after_resolve(world: World, level: float, calls: int) -> None:
    """Calls offered since the resolve, and how they were served."""
    world.put("resolve", service_level_live=level, outcomes=calls, arrivals=calls)


def test_a_breach_opens_one_order_for_the_shift_lead() -> None:
    world = World()
    breach(world)
    order = world.order()
    assert (order["state"], order["owner"], order["liaison"], order["severity"]) == ("dispatched", "lead", "lia", 2)
    assert order["symptoms"] == order["active"] == ["sl"]
    assert order["respond_by_ms"] == T0 + 61 * S + 10 * MIN
    assert order["resolve_by_ms"] == T0 + 61 * S + 60 * MIN
    assert world.decisions() == ["breached:raised", "breached:dispatched", "breached:notified"]
    assert [a["kind"] for a in world.alerts()] == ["page", "raised"]
    assert world.alerts("page")[0]["owner"] == "lead"


def test_further_breaches_join_and_a_graver_one_raises_the_severity() -> None:
    world = World()
    world.put("now", waiting=9, waiting_past_threshold=9)
    world.run(S)
    assert world.order()["severity"] == 3
    slow = world.order()["respond_by_ms"]
    breach(world)
    order = world.order()
    assert len(world.orders()) == 1
    assert (order["severity"], order["symptoms"], order["active"]) == (2, ["wait", "sl"], ["wait", "sl"])
    assert order["respond_by_ms"] < slow
    assert world.log()[-1]["decision"] == "joined"


def test_an_order_closes_only_when_all_symptoms_have_passed() -> None:
    world = World()
    world.put("now", waiting=9, waiting_past_threshold=9)
    breach(world)
    world.put("now", waiting=0, waiting_past_threshold=0)
    world.run(2 * MIN)
    assert world.order()["state"] == "dispatched"
    assert world.order()["active"] == ["sl"]


def test_ten_good_calls_close_though_the_window_is_still_bad() -> None:
    world = World()
    breach(world)
    resolve(world)
    assert world.watched == {"bank/PS": world.now_ms}
    after_resolve(world, 1.0, 9)
    world.run(5 * MIN)
    assert world.order()["state"] == "verifying"
    assert world.order()["verification"]["seen"] == 9
    after_resolve(world, 0.7, 10)
    world.run(S)
    order = world.order()
    assert (order["state"], order["cause"], order["reopened"]) == ("closed", "staffing", 0)
    assert order["verification"]["state"] == "passed"
    assert world.watched == {}
    assert world.anomalies()[-1] == ("sl", "end")
    assert world.alerts()[-1]["kind"] == "cleared"
    world.run(9 * MIN)  # the 15 minutes still hold calls from before the resolve
    assert world.order()["state"] == "closed"


def test_old_calls_stay_quiet_over_a_restart() -> None:
    world = World()
    breach(world)
    resolve(world)
    after_resolve(world, 0.9, 10)
    world.run(S)
    state = world.judgement.snapshot("bank/PS")
    world.judgement = Judgement(world.catalogue)
    world.judgement.restore("bank/PS", state)
    world.run(14 * MIN)
    assert world.order()["state"] == "closed"
    world.run(2 * MIN + 2 * S)  # a window after the resolve every call in it is new
    assert (world.order()["state"], world.order()["reopened"]) == ("analysing", 1)


def test_a_relapse_begins_the_climb_anew() -> None:
    world = World()
    breach(world)
    resolve(world)
    after_resolve(world, 0.2, 10)
    world.run(S)
    assert world.order()["owner"] == "lead2"
    resolve(world)
    after_resolve(world, 0.9, 10)
    world.run(S)
    assert world.order()["state"] == "closed"
    world.run(16 * MIN)
    assert (world.order()["state"], world.order()["owner"]) == ("analysing", "lead2")
    world.run(HOUR)
    assert world.order()["owner"] == "lead"  # of the same tier, and not told since the relapse


def test_the_count_of_an_earlier_watch_proves_nothing() -> None:
    world = World()
    breach(world)
    after_resolve(world, 1.0, 50)  # left over: the windows begin to count anew after this clock
    world.service(0.9)
    world.run(61 * S)
    assert world.order()["state"] == "verifying"
    after_resolve(world, 1.0, 0)
    world.run(MIN)
    assert world.order()["state"] == "verifying"


def test_verification_wants_the_recovery_band_and_fails_without() -> None:
    world = World()
    breach(world)
    resolve(world)
    after_resolve(world, 0.69, 10)
    world.run(S)
    order = world.order()
    assert (order["state"], order["reopened"], order["escalation"], order["owner"]) == ("analysing", 1, 1, "lead2")
    assert order["verification"]["state"] == "failed"
    assert (order["cause"], order["measure"]) == (None, None)
    assert world.decisions()[-3:] == ["failed:reopened", "failed:escalated", "breached:notified"]
    assert world.watched == {}


def test_too_few_calls_are_undecided_and_a_test_call_decides() -> None:
    for ok, state in ((True, "closed"), (False, "analysing")):
        world = World()
        breach(world)
        resolve(world)
        after_resolve(world, 0.0, 3)
        assert world.probe(True) == []  # the calls still decide
        world.run(2 * HOUR, MIN)
        order = world.order()
        assert (order["state"], order["verification"]["state"]) == ("verifying", "undecided")
        assert (order["reopened"], order["escalation"]) == (0, 0)
        world.probe(ok)
        assert world.order()["state"] == state
        assert world.order()["reopened"] == (0 if ok else 1)


def test_late_calls_still_decide_what_was_undecided() -> None:
    world = World()
    breach(world)
    resolve(world)
    world.run(3 * HOUR, MIN)
    assert world.order()["verification"]["state"] == "undecided"
    after_resolve(world, 0.9, 12)
    world.run(S)
    assert world.order()["state"] == "closed"


def test_verification_pauses_while_the_queue_is_closed() -> None:
    world = World()
    breach(world)
    resolve(world)
    world.run(HOUR, MIN)
    world.put("now", open=0)
    after_resolve(world, 0.0, 50)
    world.run(10 * HOUR, MIN)
    order = world.order()
    assert (order["state"], order["verification"]["state"]) == ("verifying", "paused")
    after_resolve(world, 0.0, 0)
    world.put("now", open=1)
    world.run(59 * MIN, MIN)
    assert world.order()["verification"]["state"] == "running"  # the second hour is not over
    world.run(2 * MIN, MIN)
    assert world.order()["verification"]["state"] == "undecided"
    assert [d for d in world.decisions() if "paused" in d or "continued" in d] == [
        "undecided:paused",
        "undecided:continued",
    ]


def test_verification_pauses_while_no_source_is_heard_of() -> None:
    world = World()
    breach(world)
    resolve(world)
    world.put("now", data_complete=0)
    after_resolve(world, 1.0, 50)
    world.run(HOUR, MIN)
    assert (world.order()["state"], world.order()["verification"]["state"]) == ("verifying", "paused")
    world.put("now", data_complete=1)
    world.run(2 * S)
    assert world.order()["state"] == "closed"


def test_arrivals_prove_that_callers_get_through() -> None:
    world = World(catalogue((UNREACHED,)))
    world.put("15m", unreached_share=1.0, arrivals=100, ivr_abandoned=100)
    world.run(61 * S)
    assert "100 arrivals, 100 left in the menu" in world.order()["sentence"]
    world.tell("acknowledge")
    world.put("5m", unreached_share=0.0, arrivals=3)
    world.tell("resolve", cause="routing", measure="menu entry restored")
    world.put("resolve", unreached_share=0.1, arrivals=10, outcomes=0)
    world.run(S)
    assert world.order()["state"] == "closed"


def test_lesser_orders_that_recover_close_by_themselves() -> None:
    world = World()
    world.put("now", waiting=9, waiting_past_threshold=9)
    world.run(MIN)
    world.put("now", waiting=3, waiting_past_threshold=3)
    world.run(61 * S)
    order = world.order()
    assert (order["state"], order["cause"]) == ("closed", "recovered by itself")
    assert order["verification"]["state"] == "passed"
    assert world.decisions()[-3:] == ["recovered:symptom_ended", "recovered:moved", "verified:closed"]


def test_a_lesser_order_whose_queue_closed_has_proven_nothing() -> None:
    world = World()
    world.put("now", waiting=9, waiting_past_threshold=9)
    world.run(MIN)
    world.put("now", waiting=0, waiting_past_threshold=0, open=0)
    world.run(2 * S)
    assert (world.order()["state"], world.order()["verification"]["state"]) == ("verifying", "paused")


def test_what_was_unproven_is_forgotten_once_it_was_verified() -> None:
    world = World()
    world.put("now", waiting=9, waiting_past_threshold=9)
    world.run(MIN)
    world.put("now", waiting=0, waiting_past_threshold=0, open=0)
    world.run(2 * S)
    world.put("now", open=1)
    after_resolve(world, 0.9, 10)
    world.run(2 * S)
    assert world.order()["state"] == "closed"
    world.put("now", waiting=9, waiting_past_threshold=9)
    world.run(MIN)
    assert (world.order()["state"], world.order()["reopened"]) == ("analysing", 1)
    after_resolve(world, 0.9, 0)
    world.put("now", waiting=0, waiting_past_threshold=0)
    world.run(61 * S)
    assert world.order()["state"] == "closed"  # this time the recovery was seen


def test_what_was_unproven_is_forgotten_when_it_breaks_again() -> None:
    world = World()
    world.put("now", waiting=9, waiting_past_threshold=9)
    world.run(MIN)
    world.put("now", waiting=0, waiting_past_threshold=0, open=0)
    world.run(2 * S)
    world.put("now", waiting=9, waiting_past_threshold=9, open=1)
    world.run(MIN)
    assert (world.order()["state"], world.order()["active"]) == ("dispatched", ["wait"])
    world.put("now", waiting=0, waiting_past_threshold=0)
    world.run(61 * S)
    assert world.order()["state"] == "closed"


def test_grave_orders_that_recover_are_verified() -> None:
    world = World()
    breach(world)
    world.service(0.9)
    world.run(61 * S)
    assert (world.order()["state"], world.order()["active"]) == ("verifying", [])
    after_resolve(world, 0.9, 10)
    world.run(S)
    assert (world.order()["state"], world.order()["cause"]) == ("closed", "recovered by itself")


def test_a_recovery_that_does_not_last_goes_back_to_where_it_was() -> None:
    world = World()
    breach(world)
    world.service(0.9)
    world.run(2 * MIN)
    assert world.order()["state"] == "verifying"
    breach(world)
    order = world.order()
    assert (order["state"], order["reopened"], order["owner"]) == ("dispatched", 0, "lead")
    assert world.watched == {}
    assert len(world.alerts("page")) == 1


@pytest.mark.parametrize(("pause", "same"), [(10 * MIN, True), (28 * MIN, True), (31 * MIN, False)])
def test_a_relapse_inside_the_reopen_window_is_the_same_order(pause: int, same: bool) -> None:
    world = World()
    first = breach(world)
    world.service(0.9)
    world.run(2 * MIN)
    after_resolve(world, 0.9, 10)
    world.run(S)
    assert world.order()["state"] == "closed"
    world.run(pause, MIN)
    breach(world)
    order = world.order()
    assert (order["id"] == first) is same
    expected = ("analysing", 1) if same else ("dispatched", 0)
    assert (order["state"], order["reopened"]) == expected
    assert order["closed_ms"] is None


def test_a_hundred_toggles_are_one_order_and_few_pages() -> None:
    world = World()
    for _ in range(100):
        world.service(0.4)
        world.run(2 * MIN, 5 * S)
        world.service(0.9)
        after_resolve(world, 0.9, 20)
        world.run(2 * MIN, 5 * S)
    assert len(world.orders()) == 1
    hours = 100 * 4 / 60
    pages: dict[str, list[int]] = {}
    for page in world.alerts("page"):
        pages.setdefault(page["owner"], []).append(page["at_ms"])
    for times in pages.values():
        assert len(times) <= hours * 4 + 1
        assert all(later - earlier >= 15 * MIN for earlier, later in itertools.pairwise(times))


def test_the_window_of_one_tick_blips_opens_nothing() -> None:
    world = World()
    for _ in range(100):
        world.service(0.4)
        world.run(59 * S)
        world.service(0.9)
        world.run(S)
    assert world.outputs == []


def test_two_queues_have_two_orders_in_the_order_of_their_names() -> None:
    world = World(None, "z/one", "a/two")
    for queue in ("z/one", "a/two"):
        world.service(0.3, queue=queue)
    out = world.run(61 * S)
    assert [o.queue for o in out if o.topic == "workorders"] == ["a/two", "z/one"]
    assert len(world.orders()) == 2


def test_without_people_an_order_still_runs() -> None:
    world = World(catalogue(people=()))
    breach(world)
    assert (world.order()["state"], world.order()["owner"]) == ("detected", None)
    assert world.log()[1]["why"] == "no_people_in_settings"
    world.tell("acknowledge", "anyone")
    assert (world.order()["state"], world.order()["owner"]) == ("acknowledged", "anyone")


def test_a_trend_is_a_note_and_no_order() -> None:
    world = World(catalogue((replace(SERVICE, severity=4),)))
    world.service(0.4)
    out = world.run(2 * MIN)
    assert [o.topic for o in out] == ["anomalies", "alerts"]
    assert world.alerts()[0]["order"] is None


def test_someone_off_duty_is_not_woken_for_a_lesser_thing() -> None:
    night = person("late", 1, duty=NIGHT)
    world = World(catalogue(people=(night,)))
    world.put("now", waiting=9, waiting_past_threshold=9)
    world.run(S)
    order = world.order()
    assert (order["owner"], world.alerts("page")) == ("late", [])
    assert world.log()[-1]["why"] == "off_duty_and_not_urgent"
    assert order["respond_by_ms"] == T0 + 12 * HOUR + 30 * MIN  # half an hour into the duty that begins at 22:00
    breach(world)
    assert world.order()["severity"] == 2
    assert world.order()["respond_by_ms"] == world.now_ms + 10 * MIN


def test_updates_tell_the_order() -> None:
    world = World()
    breach(world, 0.5)
    world.service(0.2)
    world.run(61 * S)
    assert world.decisions()[-1] == "joined:worse"
    assert world.order()["sentence"].startswith("Worse: Live service level of bank/PS is 20 %")


def test_the_number_of_calls_is_a_setting() -> None:
    world = World(catalogue(limits=LoopLimits(verify_calls=3)))
    breach(world)
    resolve(world)
    after_resolve(world, 0.9, 3)
    world.run(S)
    assert world.order()["state"] == "closed"


def test_everybody_of_the_cast_exists() -> None:
    assert [p.tier for p in PEOPLE] == sorted(p.tier for p in PEOPLE)
