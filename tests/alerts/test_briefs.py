"""Briefings of open orders: when they are made, what they say against the models themselves, all of it in the log."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from alerts import briefs
from alerts.briefs import EVERY_MS, Briefs
from alerts.judgement import Judgement
from alerts.order import packed, unpacked
from alerts.plan.watch import PlanWatch
from alerts.rebuild import rebuild
from alerts.staffing.advice import advise
from alerts.staffing.briefing import briefing
from alerts.staffing.erlang import Load, steady
from alerts.staffing.live import flow_share, patience_of, usual_flow_share
from alerts.staffing.needed import Goal
from alerts.staffing.patience import patience
from alerts.staffing.recovery import Present
from alerts.storm_book import StormBook
from alerts.story import record, tell, text
from models.catalogue import QueueSettings
from models.plan.interval import PlanDay, PlanInterval, local_day
from tests.alerts.world import MIN, PAYLOADS, T0, S, World, breach, catalogue

QUEUE = "bank/PS"
SETTINGS = QueueSettings(department="desk")
DAY = T0 // 86_400_000 * 86_400_000
GOOD = {"cause": "staffing", "measure": "two agents moved over"}


def planned(offered: float = 100.0, handle_ms: float = 240_000.0, scheduled: float | None = 16.0) -> PlanDay:
    """The same for every half-hour of the day."""
    rows = tuple(PlanInterval(DAY + n * 30 * MIN, 30, offered, handle_ms, None, scheduled) for n in range(48))
    return PlanDay(QUEUE, local_day("UTC", T0), "UTC", "v1", "week 5", rows)


def world(*plans: PlanDay, queues: tuple[str, ...] = (QUEUE,)) -> World:
    """Queues with plans, in trouble as soon as the service level of their rule says so."""
    made = World(catalogue(), *queues)
    made.judgement.plans = PlanWatch(lambda _: "UTC")
    for n, plan in enumerate(plans):
        made.judgement.plans.take(plan, f"telling {n}", T0)
    for queue in queues:
        trouble(made, queue=queue)
    return made


def trouble(
    made: World,
    offered: float = 100,
    handle_ms: float = 240_000,
    agents: float = 16,
    level: float = 0.5,
    queue: str = QUEUE,
) -> None:
    """*offered* calls in 30 minutes, half of them in 15."""
    for window, calls in (("30m", offered), ("15m", offered / 2)):
        made.put(
            window, queue, offered=calls, handle_ms=handle_ms, outcomes=calls, completed=calls, service_sample=calls
        )
        made.put(window, queue, service_level_live=level)
    made.put("day", queue, offered=800, handle_ms=240_000, abandoned=40, patience_ms=150_000, answered=700)
    made.put("now", queue, agents_ready=0, agents_busy=agents, agents_signed_in=agents)
    made.put("now", queue, waiting=12, waiting_past_threshold=5, waiting_soon=4)


def brief(made: World, queue: str = QUEUE) -> dict[str, Any]:
    found = made.order(queue)["briefing"]
    assert isinstance(found, dict)
    return found


def top(told: dict[str, Any]) -> str:
    """The cause that pulls hardest."""
    parts = {name.removeprefix("why_"): part for name, part in told["data"].items() if name.startswith("why_")}
    return min((float(part), str(name)) for name, part in parts.items() if name not in ("gap", "unexplained"))[1]


def test_an_order_opens_with_a_briefing_that_the_models_give_too() -> None:
    made = world(planned())
    trouble(made, offered=130, level=0.42)
    breach(made)
    told = brief(made)
    opened = made.log()[0]
    assert (opened["decision"], opened["order_after"]["briefing"]) == ("raised", told)
    assert told["at_ms"] == opened["at_ms"]
    assert told["english"][0] == "12 waiting, 5 beyond 20 s, 4 more within 20 s"
    assert told["chinese"][0] == "排队12个,其中5个已超过20秒,20秒内还将有4个超过"

    mean_s = patience(40, 40 * 150.0).mean_s
    advice = advise(Load(130 / 1800, 240.0, mean_s), 16.0, Present(12.0, 16.0), Goal(0.8, 20.0, SETTINGS.formula, 5.0))
    assert told["data"]["agents_needed"] == round(advice.needed, 3)
    assert told["data"]["agents_extra"] == advice.extra
    assert told["data"]["patience_s"] == round(mean_s, 3)
    usual = steady(Load(100 / 1800, 240.0, mean_s), 16.0).service_level(20.0, SETTINGS.formula, 5.0)
    assert told["data"]["why_gap"] == round(0.4 - usual, 3)
    for payload in made.outputs:
        PAYLOADS[payload.topic].model_validate({"pos": (0, 0, 0), **payload.payload})


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"offered": 140.0}, "volume"),
        ({"handle_ms": 330_000.0}, "handle_time"),
        ({"agents": 11.0}, "absence"),
    ],
)
def test_the_cause_that_was_put_in_is_named_first(changed: dict[str, Any], cause: str) -> None:
    made = world(planned())
    trouble(made, **changed, level=0.3)
    breach(made)
    assert top(brief(made)) == cause
    words = {"volume": "volume", "handle_time": "handle time", "absence": "absence"}[cause]
    page = made.alerts("page")[0]
    assert f". 12 waiting, 5 beyond 20 s, 4 more within 20 s. most of it: {words} -" in page["text"]
    assert "。排队12个,其中5个已超过20秒,20秒内还将有4个超过。主要原因:" in page["zh"]


def test_without_a_plan_the_habit_is_what_was_expected() -> None:
    made = world()
    trouble(made, offered=150, level=0.3)
    made.put("30m", offered_expected=100, service_level_expected=0.85, talk_expected_ms=200_000)
    made.put("15m", talk_ms=200_000)
    breach(made)
    told = brief(made)
    assert top(told) == "volume"
    assert told["english"][2] == "moved with it: offered +3.5 sd"
    made.put("30m", offered_expected=100, service_level_expected=0.85, talk_expected_ms=130_000)
    trouble(made, offered=100, level=0.3)
    made.run(EVERY_MS)
    assert top(brief(made)) == "handle_time"


def test_calls_from_other_queues_are_told_apart() -> None:
    made = world(planned())
    trouble(made, offered=140, level=0.3)
    made.put("15m", flowed_in=21)
    made.put("day", flowed_in=21)
    breach(made)
    assert top(brief(made)) == "flow"
    made.put("day", flowed_in=21 + 0.3 * 730)  # three of ten came from there before, too
    made.run(EVERY_MS)
    assert top(brief(made)) == "volume"


def test_what_is_not_known_is_left_out_with_its_reason() -> None:
    made = world()
    made.put("now", agents_ready=float("nan"), agents_busy=float("nan"), agents_signed_in=float("nan"))
    breach(made)
    told = brief(made)
    assert told["english"] == ["12 waiting, 5 beyond 20 s, 4 more within 20 s"]
    assert told["left_out"]["why"] == "nothing was expected: no plan, and too little history"
    assert told["left_out"]["agents"] == "agents unknown"
    page = made.alerts("page")[0]
    assert page["text"].endswith(". 12 waiting, 5 beyond 20 s, 4 more within 20 s")


def test_numbers_of_another_world_stop_nothing() -> None:
    made = world(planned(handle_ms=86_400_000.0))
    trouble(made, offered=900_000, handle_ms=86_000_000, level=0.0)
    breach(made)
    assert "erlangs" in brief(made)["left_out"]["agents"]
    assert set(brief(made)["left_out"]) >= {"why", "agents"}


def test_it_is_briefed_again_every_five_minutes_until_somebody_resolves_it() -> None:
    made = world(planned())
    breach(made)
    made.run(20 * MIN)
    again = [entry for entry in made.log() if entry["decision"] == "briefed"]
    assert [entry["at_ms"] - made.log()[0]["at_ms"] for entry in again] == [EVERY_MS * n for n in (1, 2, 3, 4)]
    assert again[0]["order_after"].keys() <= {"briefing", "updated_ms", "version"}


def test_what_is_being_verified_is_not_briefed() -> None:
    made = world(planned())
    breach(made)
    made.service(0.95)
    made.tell("acknowledge")
    made.tell("analyse")
    made.tell("resolve", **GOOD)
    made.run(6 * MIN)
    assert made.order()["state"] == "verifying"
    assert not any(entry["decision"] == "briefed" for entry in made.log())


def test_a_closed_queue_with_nobody_waiting_has_no_trouble_to_tell() -> None:
    made = world(planned())
    found: dict[str, Any] = {"kind": "complaint", "text": "line is dead", "severity": 2, "verify": "probe"}
    made.tell("report", "lia", order="-", **found)
    assert made.order()["briefing"] is not None
    made.put("now", open=0, waiting=0, waiting_past_threshold=0)
    made.run(6 * MIN)
    assert made.order()["state"] in briefs.BRIEFED
    assert not any(entry["decision"] == "briefed" for entry in made.log())
    made.put("now", waiting=1)
    made.run(2 * S)
    assert any(entry["decision"] == "briefed" for entry in made.log())


def test_getting_worse_and_coming_back_are_briefed() -> None:
    made = world(planned())
    breach(made)
    first = brief(made)
    trouble(made, offered=190, level=0.1)
    made.service(0.05)
    made.run(2 * MIN)
    worse = next(entry for entry in made.log() if entry["decision"] == "worse")
    assert worse["order_after"]["briefing"]["at_ms"] == worse["at_ms"]
    assert worse["order_after"]["briefing"]["data"]["agents_needed"] > first["data"]["agents_needed"]


def test_where_many_may_break_together_first_briefings_are_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StormBook, "may_come", lambda *_: True)
    names = tuple(f"bank/q{n}" for n in range(40))

    def briefed(queues: tuple[str, ...]) -> dict[str, int]:
        made = world(queues=queues)
        for name in queues:
            made.service(0.4, queue=name)
        made.run(61 * S)
        opened = {e["queue"]: e["at_ms"] for e in made.log() if e["decision"] == "raised"}
        assert all(made.order(name)["briefing"] is None for name in queues)
        made.run(30 * S)
        told = {e["queue"]: e["at_ms"] - opened[e["queue"]] for e in made.log() if e["decision"] == "briefed"}
        page = made.alerts("page")
        assert len(page) == len(queues)  # after it has waited, with what is known by then
        assert all("12 waiting, 5 beyond 20 s, 4 more within 20 s" in one["text"] for one in page)
        return told

    together = briefed(names)
    assert together.keys() == set(names)
    assert 0 <= min(together.values()) < 2 * S
    assert 8 * S < max(together.values()) <= 10 * S
    assert briefed(names[7:9]) == {name: together[name] for name in names[7:9]}  # whoever else shares the partition


def test_units_and_partitions_without_plans_brief_nobody() -> None:
    made = world(planned())
    made.judgement.plans = None
    breach(made)
    assert made.order()["briefing"] is None


def test_a_restored_judgement_goes_on_as_if_it_had_never_stopped() -> None:
    whole, cut = world(planned()), world(planned())
    for made in (whole, cut):
        breach(made)
        made.run(7 * MIN)
    kept = orjson.loads(orjson.dumps(cut.judgement.snapshot(QUEUE)))
    plans = PlanWatch(lambda _: "UTC")
    plans.book.thaw(QUEUE, orjson.loads(orjson.dumps(cut.judgement.plans.book.freeze(QUEUE))))  # type: ignore[union-attr]
    cut.judgement = Judgement(cut.catalogue)
    cut.judgement.plans = plans
    cut.judgement.restore(QUEUE, kept)
    for made in (whole, cut):
        trouble(made, offered=130, level=0.42)
        made.run(9 * MIN)
    assert [orjson.dumps(o.payload) for o in cut.outputs] == [orjson.dumps(o.payload) for o in whole.outputs]


def test_the_log_alone_tells_each_briefing() -> None:
    made = world(planned())
    trouble(made, offered=130, level=0.42)
    breach(made)
    made.run(6 * MIN)
    entries = [orjson.loads(orjson.dumps(entry)) for entry in made.log()]
    versions = rebuild(entries)
    assert max(versions.items())[1] == {k: v for k, v in made.order().items() if k != "pos"}
    lines = tell(entries)
    briefed = [line for line in lines if line.brief]
    assert [line.what[1][0] for line in briefed] == ["order opened", "briefed"]
    said = text(lines, "UTC", chinese=True)
    assert "    brief 12 waiting, 5 beyond 20 s, 4 more within 20 s / 排队12个" in said
    assert "time for another briefing: briefed" in text(lines, "UTC")
    assert record(briefed[0])["brief"][0][0].startswith("12 waiting")


def test_an_order_keeps_its_briefing_and_an_old_one_has_none() -> None:
    made = world(planned())
    breach(made)
    state = made.judgement.snapshot(QUEUE)["order"]
    assert packed(unpacked(orjson.loads(orjson.dumps(state)))) == state
    del state["briefing"]
    assert unpacked(state).briefing is None


def test_the_same_facts_give_the_same_briefing_without_the_loop() -> None:
    made = world(planned())
    breach(made)
    assert made.judgement.plans is not None
    known = Briefs(made.catalogue, (), made.judgement.plans, made, made.now_ms).known(QUEUE)
    told = briefing(known)
    assert list(told.english) == brief(made)["english"]
    assert known.plan is not None
    assert (known.plan.offered, known.plan.scheduled, known.plan.minutes) == (50.0, 16.0, 15)


def test_what_is_better_than_expected_has_no_cause_in_a_first_message() -> None:
    made = world(planned())
    made.judgement.plans.take(planned(offered=140.0), "busier", T0)  # type: ignore[union-attr]
    breach(made, 0.55)
    assert float(brief(made)["data"]["why_gap"]) > 0
    assert made.alerts("page")[0]["text"].endswith("12 waiting, 5 beyond 20 s, 4 more within 20 s")


def test_few_calls_in_fifteen_minutes_are_asked_of_thirty() -> None:
    made = world(planned())
    made.put("15m", service_sample=9)
    made.put("30m", service_level_live=0.33)
    known = Briefs(made.catalogue, (), made.judgement.plans, made, made.now_ms).known(QUEUE)  # type: ignore[arg-type]
    assert known.window == "30m"
    assert known.plan is not None
    assert (known.plan.offered, known.figures["service_level_live@30m"]) == (100.0, 0.33)


def test_patience_and_flow_are_those_of_the_day() -> None:
    figures = {("abandoned", "day"): 20.0, ("patience_ms", "day"): 90_000.0}
    assert patience_of(lambda m, w: figures.get((m, w))) == patience(20, 1800.0)
    waited = {("abandoned", "day"): 0.0, ("speed_of_answer_ms", "day"): 4_000.0, ("answered", "day"): 50.0}
    assert patience_of(lambda m, w: waited.get((m, w))) == patience(0, 200.0)
    flows = {
        ("flowed_in", "30m"): 30.0,
        ("offered", "30m"): 60.0,
        ("flowed_in", "day"): 40.0,
        ("offered", "day"): 160.0,
    }
    assert flow_share(lambda m, w: flows.get((m, w))) == 0.5
    assert usual_flow_share(lambda m, w: flows.get((m, w))) == 0.1
    assert usual_flow_share(lambda m, w: {("offered", "day"): 10.0, ("flowed_in", "day"): 9.0}.get((m, w))) == 0.0
    assert briefs.EVERY_MS == 300_000
