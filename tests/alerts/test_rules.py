"""The judge: its kernel against the naive twin, and its rules as timelines."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from alerts.judge import Judge
from alerts.rules import ACTIVE
from models.catalogue import Rule
from models.metric import FIGURES, figure, sample_of
from tests.alerts import naive
from tests.alerts.world import MIN, SERVICE, T0, UNREACHED, WAITING, S, World, catalogue

SILENCE = Rule(
    "silence", "silence_ms", "now", 600_000, 300_000, below=False, min_sample=10, hold_ms=3_000, recovery=300_000
)
#: Coarse values, so that limits, bands and zero samples are hit exactly and often.
LEVELS = np.array([math.nan, 0.0, 0.3, 0.4, 0.45, 0.5, 0.6, 0.65, 0.7, 0.75, 1.0])
SAMPLES = np.array([math.nan, 0, 0, 5, 10, 20, 25, 30, 30, 30])
COUNTS = np.array([math.nan, 0, 2, 3, 4, 5, 6, 7, 8, 12])


def walk(rng: np.random.Generator, figures: np.ndarray[tuple[int, int], np.dtype[np.float64]], chance: float) -> None:
    """Change some figures; most stay, so that holds are reached."""
    columns = {
        ("service_level_live", "15m"): LEVELS,
        ("unreached_share", "15m"): LEVELS,
        ("service_sample", "15m"): SAMPLES,
        ("arrivals", "15m"): SAMPLES,
        ("arrivals", "30m"): SAMPLES,
        ("waiting_past_threshold", "now"): COUNTS,
        ("silence_ms", "now"): COUNTS * 100_000,
        ("waiting", "now"): COUNTS,
        ("agents_signed_in", "now"): np.array([math.nan, 0, 1, 1, 2, 2, 3, 4, 5, 6]),
        ("longest_wait_ms", "now"): COUNTS * 1_000,
        ("service_level_expected", "30m"): np.array([math.nan, 0.8]),
        ("service_unusual", "now"): np.array([math.nan, 0.0, 0.0, 0.2, 0.49, 0.5, 0.6, 0.84, 0.85, 2.0]),
        ("open", "now"): np.array([0.0, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
    }
    for (metric, window), values in columns.items():
        hit = rng.random(len(figures)) < chance
        figures[hit, figure(metric, window)] = rng.choice(values, hit.sum())


@pytest.mark.parametrize("seed", range(12))
def test_kernel_equals_its_naive_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    quick = {"hold_ms": 3_000, "recover_hold_ms": 4_000}
    each = replace(WAITING, id="each", min_sample=0, limit=1.5, target=1.0, recovery=0.5, per="agent")
    gated = (
        replace(SERVICE, id="gated", usual="quiet"),
        replace(WAITING, id="quiet-wait", min_sample=0, usual="quiet"),
        replace(WAITING, id="long", metric="longest_wait_ms", limit=4_000, target=2_000, recovery=1_000, usual="quiet"),
    )
    of_all = (SERVICE, UNREACHED, replace(WAITING, min_sample=0), SILENCE, each, *gated)
    rules = [replace(r, **quick) for r in of_all]  # type: ignore[arg-type]
    judge, names = Judge(rules), [f"s/{i}" for i in range(6)]
    twins = {(q, r.id): naive.Pair() for q in names for r in rules}
    figures = np.full((len(names), len(FIGURES)), np.nan)
    walk(rng, figures, 1.0)
    seen = set()
    for tick in range(700):
        walk(rng, figures, 0.04 if seed % 2 else 0.15)
        now = T0 + tick * 1_000
        found = [(c.queue, c.rule.id, c.step.name) for c in judge.clock(now, figures, names)[0]]
        expected = []
        for row, queue in enumerate(names):
            for rule in rules:
                value = figures[row, figure(rule.metric, rule.window)]
                behind = sample_of(rule.metric)
                counted = (behind, rule.window) if behind else ("arrivals", "30m")
                sample = float(figures[row, FIGURES[counted]]) if rule.min_sample else None
                is_open, waiting = figures[row, figure("open", "now")] == 1, figures[row, figure("waiting", "now")]
                scale = float(figures[row, figure("agents_signed_in", "now")]) if rule.per == "agent" else 1.0
                known, here = (math.nan, 1.0) if math.isnan(scale) else (value, scale)
                as_it_is = replace(rule, limit=rule.limit * here, recovery=rule.recovery * here)
                unusual = float(figures[row, figure("service_unusual", "now")])
                habit = float(figures[row, figure("service_level_expected", "30m")])
                twin = twins[queue, rule.id]
                step = naive.step(twin, as_it_is, now, known, sample, is_open, waiting, unusual, habit)
                expected += [(queue, rule.id, step)] if step else []
        assert found == sorted(expected), tick
        seen |= {step for *_, step in found}
    assert {"START", "RECOVERED", "CLOSED", "AS_USUAL"} <= seen


@pytest.mark.parametrize("seed", range(4))
def test_one_restored_from_the_snapshots_of_what_changed_goes_on_alike(seed: int) -> None:
    rng = np.random.default_rng(seed)
    quiet = replace(SERVICE, id="gated", usual="quiet", hold_ms=3_000, recover_hold_ms=4_000)
    rules = [replace(SERVICE, hold_ms=3_000, recover_hold_ms=4_000), quiet]
    judge, again, names = Judge(rules), Judge(rules), [f"s/{i}" for i in range(8)]
    figures = np.full((len(names), len(FIGURES)), np.nan)
    walk(rng, figures, 1.0)
    kept: dict[str, dict[str, object]] = {}
    for tick in range(900):
        walk(rng, figures, 0.06)
        found, changed = judge.clock(T0 + tick * 1_000, figures, names)
        assert again.clock(T0 + tick * 1_000, figures, names)[0] == found, tick
        kept |= {queue: judge.snapshot(queue) for queue in changed}
        if tick % 7 == 0:
            again = Judge(rules)
            for queue, state in kept.items():
                again.restore(queue, state)


def only(rule: Rule) -> World:
    return World(catalogue((rule,)))


def phases(world: World) -> list[str]:
    return [phase for _, phase in world.anomalies()]


def last_sentence(world: World) -> str:
    return str([o.payload["sentence"] for o in world.outputs if o.topic == "anomalies"][-1])


def test_a_breach_must_hold() -> None:
    world = only(SERVICE)
    world.service(0.5)
    world.run(60 * S)  # in breach from the first clock at 1 s: held for 59 s
    assert phases(world) == []
    world.service(0.65)
    world.run(S)  # one good clock forgets it
    world.service(0.5)
    world.run(60 * S)
    assert phases(world) == []
    world.run(S)
    assert phases(world) == ["start"]


@pytest.mark.parametrize(("calls", "expected"), [(9, []), (10, ["start"]), (0, [])])
def test_a_breach_needs_its_sample(calls: int, expected: list[str]) -> None:
    world = only(SERVICE)
    world.service(0.1, calls)
    world.run(3 * MIN)
    assert phases(world) == expected


def test_the_limit_itself_is_no_breach() -> None:
    world = only(SERVICE)
    world.service(0.6)
    world.run(3 * MIN)
    assert phases(world) == []


def test_the_band_neither_starts_nor_ends() -> None:
    world = only(SERVICE)
    world.service(0.5)
    world.run(2 * MIN)
    world.service(0.69)  # past the limit, not by the recovery band
    world.run(30 * MIN)
    assert phases(world) == ["start"]
    world.service(0.70)
    world.run(60 * S)
    assert phases(world) == ["start"]
    world.service(0.69)
    world.run(S)  # the way back begins anew
    world.service(0.70)
    world.run(60 * S)
    assert phases(world) == ["start"]
    world.run(S)
    assert phases(world) == ["start", "end"]
    assert last_sentence(world).startswith("Back within the limit")


def test_unknown_neither_starts_nor_ends() -> None:
    world = only(SERVICE)
    world.service(0.5)
    world.run(30 * S)
    world.service(math.nan, 30)
    world.run(S)
    world.service(0.5)
    world.run(60 * S)
    assert phases(world) == []  # the hold began anew
    world.run(S)
    world.service(1.0, 9)  # too small a sample does not end it
    world.run(10 * MIN)
    world.service(math.nan, 30)
    world.run(10 * MIN)
    assert phases(world) == ["start"]


def test_no_calls_left_ends_a_windowed_episode() -> None:
    world = only(SERVICE)
    world.service(0.5)
    world.run(2 * MIN)
    world.service(math.nan, 0)
    world.run(61 * S)
    assert phases(world) == ["start", "end"]
    assert "No calls left over the last 15 minutes" in last_sentence(world)


def test_closing_ends_unless_callers_wait() -> None:
    world = only(WAITING)
    world.put("now", waiting=9, waiting_past_threshold=9)
    world.run(S)
    assert phases(world) == ["start"]
    world.put("now", open=0)
    world.run(10 * MIN)
    assert phases(world) == ["start"]  # nine callers still wait
    world.put("now", waiting=0, waiting_past_threshold=0)
    world.run(S)
    assert phases(world) == ["start", "end"]
    assert "has closed with nobody waiting" in last_sentence(world)


def test_a_closed_queue_starts_nothing() -> None:
    world = only(WAITING)
    world.put("now", open=0, waiting=9, waiting_past_threshold=9)
    world.run(10 * MIN)
    assert world.outputs == []


def test_silence_is_judged_after_traffic_and_goes_on_without() -> None:
    world = only(SILENCE)
    world.put("now", silence_ms=700_000)
    world.put("30m", arrivals=9)
    world.run(MIN)
    assert phases(world) == []  # a queue this quiet may be silent
    world.put("30m", arrivals=10)
    world.run(4 * S)
    assert phases(world) == ["start"]
    world.put("30m", arrivals=0)
    world.run(10 * MIN)
    assert "end" not in phases(world)  # the longer the silence, the fewer the arrivals: that is no recovery
    world.put("now", silence_ms=0)
    world.run(61 * S)
    assert phases(world)[-1] == "end"


def test_updates_are_marked_and_rare() -> None:
    world = only(SERVICE)
    world.service(0.5)
    world.run(61 * S)
    world.service(0.39)  # 0.11 worse: not a fifth of 0.6
    world.run(5 * MIN)
    assert phases(world) == ["start"]
    world.service(0.37)
    world.run(S)
    assert phases(world) == ["start", "update"]
    world.service(0.1)
    world.run(59 * S)
    assert phases(world) == ["start", "update"]
    world.run(S)
    assert phases(world) == ["start", "update", "update"]


def test_a_settled_pair_is_quiet_until_the_old_calls_are_gone() -> None:
    judge, names = Judge([SERVICE]), ["a/b"]
    figures = np.full((1, len(FIGURES)), np.nan)
    for metric, window, value in (
        ("open", "now", 1),
        ("service_level_live", "15m", 0.5),
        ("service_sample", "15m", 30),
    ):
        figures[0, figure(metric, window)] = value
    for s in range(62):
        judge.clock(T0 + s * S, figures, names)
    assert judge.settle("a/b", "sl", T0 + 10 * MIN) == T0
    started = [s for s in range(62, 1200) if judge.clock(T0 + s * S, figures, names)[0]]
    assert started == [660]  # ten quiet minutes, then a breach that holds for one
    judge.settle("a/b", "sl", T0 + 60 * MIN)
    figures[0, figure("service_level_live", "15m")] = 0.62
    judge.clock(T0 + 1200 * S, figures, names)  # once out of breach: what comes now is new
    figures[0, figure("service_level_live", "15m")] = 0.5
    assert [s for s in range(1201, 1300) if judge.clock(T0 + s * S, figures, names)[0]] == [1261]


def test_tiles() -> None:
    world = only(SERVICE)
    assert world.judgement.tile("bank/PS") == "ok"
    world.service(0.7)
    world.run(S)
    assert world.judgement.tile("bank/PS") == "warn"
    world.service(0.5)
    world.run(2 * MIN)
    assert world.judgement.tile("bank/PS") == "breach"
    world.service(0.9)
    world.run(2 * MIN)
    assert world.judgement.tile("bank/PS") == "ok"
    assert world.judgement.tile("no/such") == "ok"


def test_queues_may_come_later_and_patterns_choose() -> None:
    judge = Judge([replace(SERVICE, pattern="bank/*"), replace(WAITING, pattern="*/IN")])
    figures = np.full((3, len(FIGURES)), np.nan)
    figures[:, figure("open", "now")] = 1
    figures[:, figure("waiting_past_threshold", "now")] = 9
    assert judge.clock(T0, figures[:1], ["bank/PS"])[0] == []
    changes, touched = judge.clock(T0 + S, figures, ["bank/PS", "shop/IN", "bank/IN"])
    assert [(c.queue, c.rule.id) for c in changes] == [("bank/IN", "wait"), ("shop/IN", "wait")]
    assert touched == {"bank/IN", "shop/IN"}
    assert judge.snapshot("shop/IN")["wait"][0] == ACTIVE
    assert judge.snapshot("bank/PS") == {}


def test_a_name_without_figures_waits_and_a_lost_row_is_refused() -> None:
    judge, figures = Judge([WAITING]), np.full((2, len(FIGURES)), np.nan)
    figures[:, figure("open", "now")] = 1
    figures[:, figure("waiting_past_threshold", "now")] = 9
    assert [c.queue for c in judge.clock(T0, figures[:1], ["a/a", "a/b"])[0]] == ["a/a"]
    assert [c.queue for c in judge.clock(T0 + S, figures, ["a/a", "a/b"])[0]] == ["a/b"]
    with pytest.raises(ValueError, match="1 rows of figures for 2 queues"):
        judge.clock(T0 + 2 * S, figures[:1], ["a/a", "a/b"])


def test_an_unknown_figure_is_refused() -> None:
    with pytest.raises(KeyError, match="waiting"):
        Judge([replace(WAITING, window="15m")])


def test_a_limit_follows_the_number_of_agents() -> None:
    each = replace(WAITING, metric="waiting", limit=1.5, target=1.0, recovery=0.5, min_sample=0, hold_ms=0, per="agent")
    world = only(each)
    world.put("now", waiting=15, agents_signed_in=10)
    world.run(5 * S)
    assert phases(world) == []  # 1.5 each
    world.put("now", agents_signed_in=9)
    world.run(5 * S)
    assert phases(world) == ["start"]
    start = next(o.payload for o in world.outputs if o.topic == "anomalies")
    assert start["limit"] == 13.5
    assert "limit 13.5 calls (1.5 calls per agent, 9 signed in)" in start["sentence"]
    assert "每坐席1.5通,签入9人" in start["zh"]
    unknown = only(each)
    unknown.put("now", waiting=500, agents_signed_in=math.nan)
    unknown.run(5 * S)
    assert phases(unknown) == []
