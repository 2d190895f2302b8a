"""What ``callwatch staff`` works out: the agents a load needs, and what more and fewer make of it; text or JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from alerts.staffing.advice import Advice
from alerts.staffing.erlang import AGENTS_MAX, Load, Steady, steady
from alerts.staffing.needed import Goal, agents_needed, whole
from models.errors import UsageError

#: Rows of the table on each side of what is needed.
_AROUND: Final = 4
_TARGET: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(%?)\s*/\s*(\d+(?:\.\d+)?)\s*s?\s*")


def target_of(text: str) -> tuple[float, float]:
    """``0.8/20``, ``80/20`` or ``80%/20s`` as a share and seconds. Raises UsageError."""
    found = _TARGET.fullmatch(text)
    share = 0.0
    if found is not None:
        share = float(found[1]) / (100 if found[2] or float(found[1]) > 1 else 1)
    if found is None or not 0 < share < 1:
        raise UsageError(f'--target "{text}": give share/seconds, e.g. 0.8/20 (80 % within 20 s); the share below 1.')
    return share, float(found[3])


@dataclass(frozen=True, slots=True)
class Answer:
    """What is needed, and the figures of more and fewer agents. *shrinkage*: share of paid time not on the phones."""

    load: Load
    goal: Goal
    needed: float
    rows: tuple[Steady, ...]
    agents: float | None
    shrinkage: float
    advice: Advice | None

    @property
    def rostered(self) -> int:
        """People to roster so that enough are on the phones."""
        return math.ceil(whole(self.needed) / (1 - self.shrinkage) - 1e-9)


def answer(load: Load, goal: Goal, agents: float | None, shrinkage: float, advice: Advice | None = None) -> Answer:
    """Work it out. Raises UsageError where no number of agents does."""
    try:
        needed = agents_needed(load, goal)
        around = whole(needed)
        counts: set[float] = {n for n in range(around - _AROUND, around + _AROUND + 1) if 1 <= n <= AGENTS_MAX}
        if agents is not None:
            counts.add(agents)
        rows = tuple(steady(load, n) for n in sorted(counts))
    except ValueError as error:
        raise UsageError(f"{error}: check the units (calls, seconds, minutes).") from error
    return Answer(load, goal, needed, rows, agents, shrinkage, advice)


def aims(goal: Goal) -> str:
    """*goal* in words."""
    parts = []
    if goal.service_level is not None:
        parts.append(f"{goal.service_level * 100:g} % within {goal.threshold_s:g} s ({goal.formula.name.lower()})")
    if goal.abandoned is not None:
        parts.append(f"at most {goal.abandoned * 100:g} % abandoned")
    if goal.speed_of_answer_s is not None:
        parts.append(f"speed of answer at most {goal.speed_of_answer_s:g} s")
    if goal.occupancy is not None:
        parts.append(f"occupancy at most {goal.occupancy * 100:g} %")
    return ", ".join(parts)


def table(found: Answer) -> Iterator[str]:
    """Lines for a person."""
    load, needed = found.load, whole(found.needed)
    model = "Erlang C: nobody hangs up" if load.patience_s == math.inf else f"Erlang A: patience {load.patience_s:g} s"
    yield f"load {load.erlangs:.2f} erlangs ({model})"
    yield f"needed for {aims(found.goal)}: {found.needed:.2f} agents, so {needed} on the phones"
    if found.shrinkage:
        yield f"with {found.shrinkage * 100:g} % shrinkage: {found.rostered} on the roster"
    yield ""
    yield "  agents   in time  abandoned  have to wait  speed of answer  occupancy"
    for row in found.rows:
        marks = [word for word, n in (("needed", needed), ("here", found.agents)) if row.agents == n]
        yield _line(row, found.goal) + (f"  <- {', '.join(marks)}" if marks else "")
    if found.advice is not None:
        yield ""
        yield from _recovery(found.advice)


def _line(row: Steady, goal: Goal) -> str:
    if not row.settles:
        return f"{row.agents:>8g} {'the queue grows without end: no more agents than load':>62}"
    level = row.service_level(goal.threshold_s, goal.formula, goal.short_s)
    shown = [f"{level * 100:.1f} %", f"{row.abandoned * 100:.1f} %", f"{row.waiting * 100:.1f} %"]
    answer = f"{row.speed_of_answer_s:.1f} s" if row.speed_of_answer_s < math.inf else "-"
    return f"{row.agents:>8g} {shown[0]:>9} {shown[1]:>10} {shown[2]:>13} {answer:>16} {row.occupancy * 100:>8.1f} %"


def _recovery(advice: Advice) -> Iterator[str]:
    for found in (advice.these, advice.more) if advice.more.agents != advice.these.agents else (advice.these,):
        when = "not with these" if found.after_s is None else f"recovered after {found.after_s / 60:.0f} min"
        yield f"backlog with {found.agents:g} agents: {when}"


def as_json(found: Answer) -> bytes:
    """The same for a program: shares as fractions, times in seconds, null for what is infinite or undefined."""
    load, goal = found.load, found.goal
    body: dict[str, Any] = {
        "load": {"per_s": load.per_s, "handle_s": load.handle_s, "patience_s": _number(load.patience_s)},
        "erlangs": load.erlangs,
        "model": "erlang_c" if load.patience_s == math.inf else "erlang_a",
        "goal": {
            "service_level": goal.service_level,
            "threshold_s": goal.threshold_s,
            "formula": goal.formula.name.lower(),
            "short_s": goal.short_s,
            "abandoned": goal.abandoned,
            "speed_of_answer_s": goal.speed_of_answer_s,
            "occupancy": goal.occupancy,
        },
        "needed": found.needed,
        "on_the_phones": whole(found.needed),
        "on_the_roster": found.rostered,
        "rows": [_row(row, goal) for row in found.rows],
    }
    if found.advice is not None:
        both = (found.advice.these, found.advice.more)
        body["recovery"] = [{"agents": one.agents, "after_s": one.after_s} for one in both]
    return orjson.dumps(body, option=orjson.OPT_INDENT_2)


def _row(row: Steady, goal: Goal) -> dict[str, float | None]:
    return {
        "agents": row.agents,
        "service_level": _number(row.service_level(goal.threshold_s, goal.formula, goal.short_s)),
        "answered_in_threshold": row.answered_in(goal.threshold_s),
        "abandoned": row.abandoned,
        "waiting": row.waiting,
        "wait_s": _number(row.wait_s),
        "speed_of_answer_s": _number(row.speed_of_answer_s),
        "occupancy": row.occupancy,
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
