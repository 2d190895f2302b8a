"""The suite: life, troubles, ours and the others on the same streams at the same price in false orders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from alerts.defaults import default_rules
from benchmarks.detection import baselines, minutes, ours
from benchmarks.detection.life import draw_day, live
from benchmarks.detection.loss import REPLICAS, costs_from_s, expected_loss
from benchmarks.detection.shape import OPENS_S, SIZES, Line, day_ms
from benchmarks.detection.slow import slow_life
from benchmarks.detection.trouble import KINDS, SHARES, Trouble, draw
from callwatch.backtest.score import delays

Json = dict[str, Any]
Say = Callable[[str], None]
OURS: Final = "callwatch"


@dataclass(frozen=True, slots=True)
class Plan:
    """How large the suite is. Seeds from *first* on; as many others, never seen, set the limits of the baselines."""

    seeds: int = 3
    first: int = 1
    learning_weeks: int = 4
    weeks: int = 3
    sizes: tuple[str, ...] = tuple(SIZES)
    kinds: tuple[str, ...] = KINDS
    shares: tuple[float, ...] = SHARES
    replicas: int = REPLICAS
    slow: bool = True
    clock_ms: int = ours.ORDINARY_CLOCK_MS  #: between clocks of ordinary life that is judged

    def lines(self, apart: int = 0) -> list[Line]:
        """The queues; of *apart* 1 those that set limits."""
        first = self.first + apart * 1000
        return [Line(seed, size) for seed in range(first, first + self.seeds) for size in self.sizes]

    @property
    def learning(self) -> range:
        """Days that teach."""
        return range(self.learning_weeks * 7)

    @property
    def testing(self) -> range:
        """Days that are judged."""
        return range(self.learning_weeks * 7, (self.learning_weeks + self.weeks) * 7)

    @property
    def queue_weeks(self) -> float:
        """Queue-weeks of ordinary life that are judged."""
        return float(len(self.lines()) * self.weeks)


#: Shows in half a minute that all of it works.
SMOKE: Final = Plan(
    seeds=1,
    learning_weeks=2,
    weeks=1,
    sizes=("middle",),
    kinds=("drop", "menu"),
    shares=(1.0,),
    replicas=4,
    slow=False,
)


@dataclass(frozen=True, slots=True)
class Case:
    """One trouble of one queue, and from when on it costs something (seconds from its start; None: never)."""

    line: Line
    trouble: Trouble
    costs_s: int | None
    loss: float


def cases(plan: Plan, say: Say) -> list[Case]:
    """Every kind and size of trouble in every queue, with its loss."""
    out = []
    for line in plan.lines():
        say(f"losses of {line.name}")
        for kind in plan.kinds:
            for share in plan.shares:
                trouble = draw(line, kind, share, plan.testing[0], len(plan.testing))  # type: ignore[arg-type]
                loss = expected_loss(line, trouble, plan.replicas)
                out.append(Case(line, trouble, costs_from_s(loss), float(loss[-1])))
    return out


def measure(plan: Plan, say: Say) -> Json:
    """The whole suite: how each contender did on each case, and what it called falsely."""
    found = cases(plan, say)
    rows = [_row(case) for case in found]
    false_orders = of_ours(plan, found, rows, say)
    allowed = max(len(false_orders), 1) / plan.queue_weeks
    budget = {OURS: len(false_orders) / plan.queue_weeks}
    for name in baselines.BASELINES:
        say(name)
        budget[name] = of_baseline(name, plan, found, rows, allowed)
    out: Json = {"plan": asdict(plan), "queue_weeks": plan.queue_weeks, "false_per_queue_week": budget}
    out |= {"false_orders": false_orders, "cases": rows}
    out["slow"] = slow_life(plan.lines(), plan.learning, plan.testing, default_rules(), say) if plan.slow else []
    return out


def _row(case: Case) -> Json:
    trouble = {name: value for name, value in asdict(case.trouble).items() if name != "day"}
    where = {"queue": case.line.name, "size": case.line.size, "seed": case.line.seed, "day": case.trouble.day}
    return {**where, **trouble, "costs_s": case.costs_s, "loss": round(case.loss, 1), "found": {}}


# --- ours -----------------------------------------------------------------------------------------------------------


def of_ours(plan: Plan, found: Sequence[Case], rows: list[Json], say: Say) -> list[Json]:
    """Writes into each of *rows* when it was found; returns the orders of ordinary life."""
    settings = ours.catalogue(plan.lines(), default_rules())
    run = ours.fresh(settings)
    lines = plan.lines()
    ours.live_weeks(run, lines, plan.learning, ours.ORDINARY_CLOCK_MS, {}, lambda text: say(f"learning: {text}"))
    wanted: dict[str, list[int]] = {}
    for case in found:
        times = wanted.setdefault(case.line.name, [])
        if _before_ms(case) not in times:
            times.append(_before_ms(case))
    frozen = ours.live_weeks(
        run, lines, plan.testing, plan.clock_ms, wanted, lambda text: say(f"ordinary weeks: {text}")
    )
    snapshots = {(queue, snapshot.at_ms): snapshot for queue, snapshot in frozen}
    for n, (case, row) in enumerate(zip(found, rows, strict=True)):
        say(f"trouble {n + 1} of {len(found)}")
        one = ours.meet(case.line, case.trouble, snapshots[(case.line.name, _before_ms(case))], settings)
        row["found"][OURS] = one.after_s
        row["rule"] = one.rule
    false = ours.orders_between(run.happened, day_ms(plan.testing[0]), day_ms(plan.testing[-1] + 1))
    return [_order(order) for order in false]


def _before_ms(case: Case) -> int:
    """The clock at which ordinary life is frozen for *case*."""
    start_ms = day_ms(case.trouble.day) + int(case.trouble.start_s * 1000)
    return (start_ms - ours.LEAD_MS) // ours.LEAD_MS * ours.LEAD_MS


def _order(order: Any) -> Json:
    keys = ("queue", "rule", "rules", "raised_ms", "sentence", "severity")
    return {key: getattr(order, key) for key in keys}


# --- the others -----------------------------------------------------------------------------------------------------


def of_baseline(name: str, plan: Plan, found: Sequence[Case], rows: list[Json], allowed: float) -> float:
    """The same for a baseline, over the window of its figures that serves it best. Returns its false orders a week.

    Its limit is set by size of queue, on queues of other seeds, so that they cost *allowed* orders a queue and week.
    """
    best: tuple[tuple[int, float], list[float | None], float] | None = None
    for window in baselines.WINDOWS[name]:
        limits = {size: _limit(name, plan, size, window, allowed) for size in plan.sizes}
        scorers = {line: baselines.BASELINES[name](_past(plan, line, window)) for line in plan.lines()}
        when = [_met(case, scorers[case.line], limits[case.line.size], window) for case in found]
        false = sum(
            baselines.orders(scorers[line](day % 7, _figures(line, day, None, window)), limits[line.size])
            for line in plan.lines()
            for day in plan.testing
        )
        graver = [w for w, case in zip(when, found, strict=True) if case.trouble.share > 0.3]
        hits = [w for w in graver if w is not None]
        merit = (len(hits), -float(np.median(hits)) if hits else 0.0)
        if best is None or merit > best[0]:
            best = (merit, when, false / plan.queue_weeks)
    assert best is not None
    for row, after in zip(rows, best[1], strict=True):
        row["found"][name] = after
    return best[2]


def _limit(name: str, plan: Plan, size: str, window: int, allowed: float) -> float:
    lines = [line for line in plan.lines(apart=1) if line.size == size]
    days = []
    for line in lines:
        scorer = baselines.BASELINES[name](_past(plan, line, window))
        days += [scorer(day % 7, _figures(line, day, None, window)) for day in plan.testing]
    return baselines.limit_for(days, allowed * len(lines) * plan.weeks)


def _past(plan: Plan, line: Line, window: int) -> baselines.Past:
    return baselines.Past(np.stack([_figures(line, day, None, window) for day in plan.learning]))


_KEPT: dict[tuple[Line, int, Trouble | None], minutes.Counts] = {}


def _figures(line: Line, day: int, trouble: Trouble | None, window: int) -> baselines.Floats:
    key = (line, day, trouble)
    if key not in _KEPT:
        _KEPT[key] = minutes.counts(live(line, day, draw_day(line, day), trouble))
    return minutes.figures(_KEPT[key], window)


def _met(case: Case, scorer: baselines.Scorer, limit: float, window: int) -> float | None:
    """Seconds from the start of the trouble to the end of the first minute that alarms."""
    trouble = case.trouble
    scores = scorer(trouble.day % 7, _figures(case.line, trouble.day, trouble, window))
    ends = OPENS_S + 60.0 * np.arange(1, len(scores) + 1)
    hits = np.flatnonzero((scores >= limit) & (ends >= trouble.start_s) & (ends <= trouble.end_s + ours.TAIL_MS / 1000))
    return float(ends[hits[0]] - trouble.start_s) if len(hits) else None


# --- what it comes to -----------------------------------------------------------------------------------------------


def summary(rows: Sequence[Json], contender: str) -> Json:
    """Share of *rows* found and the delay from where each costs something; without those that never do."""
    counted = [row for row in rows if row["costs_s"] is not None]
    hits = [row for row in counted if row["found"][contender] is not None]
    late = delays((row["found"][contender] - row["costs_s"]) * 1000 for row in hits)
    share = len(hits) / len(counted) if counted else None
    return {"found": len(hits), "of": len(counted), "share": share, **late}
