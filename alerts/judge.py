"""The judge with its memory: rules compiled to columns, pairs that grow with the queues, what changed at a clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.rules import ACTIVE, IDLE, Limits, Pairs, Step, joined, judge, new_pairs
from models.catalogue import Rule
from models.metric import figure, sample_of

Figures = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Change:
    """One step of one episode. *value* and *sample* are None where the figure is undefined or needs no sample."""

    queue: str
    rule: Rule
    step: Step
    started_ms: int
    value: float | None
    sample: int | None


def sample_figure(rule: Rule) -> tuple[str, str] | None:
    """The figure (metric, window) that must reach the rule's minimum sample, None when it needs none."""
    sample = sample_of(rule.metric)
    if sample is not None:
        return sample, rule.window
    return ("arrivals", "30m") if rule.min_sample > 0 else None


def compiled(rules: Sequence[Rule]) -> Limits:
    """*rules* as columns. Raises KeyError with metric and window for a figure that does not exist."""
    samples = [sample_figure(r) for r in rules]
    return Limits(
        column=np.array([figure(r.metric, r.window) for r in rules], np.int32),
        sample_column=np.array([figure(*s) if s else -1 for s in samples], np.int32),
        start_only=np.array([sample_of(r.metric) is None for r in rules], np.int8),
        limit=np.array([r.limit for r in rules], np.float64),
        target=np.array([r.target for r in rules], np.float64),
        sign=np.array([-1.0 if r.below else 1.0 for r in rules], np.float64),
        recovery=np.array([r.recovery for r in rules], np.float64),
        min_sample=np.array([r.min_sample for r in rules], np.float64),
        hold_ms=np.array([r.hold_ms for r in rules], np.int64),
        recover_hold_ms=np.array([r.recover_hold_ms for r in rules], np.int64),
    )


def _columns(table: Limits | Pairs) -> tuple[NDArray[Any], ...]:
    return tuple(getattr(table, f.name) for f in fields(table))


class Judge:
    """All rules against all queues. Times are stream time in milliseconds."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._limits = _columns(compiled(self.rules))
        self._pairs = new_pairs(np.zeros(0, np.int32), np.zeros(0, np.int32))
        self._names: list[str] = []
        self._first: dict[str, tuple[int, int]] = {}  # queue -> its pairs [first, last)
        self._waiting: dict[str, dict[str, Any]] = {}  # restored states of queues that have no row yet
        self._out = (np.zeros(0, np.int32), np.zeros(0, np.int8))
        self._open, self._in_queue = figure("open", "now"), figure("waiting", "now")

    def clock(self, now_ms: int, figures: Figures, names: Sequence[str]) -> tuple[list[Change], set[str]]:
        """One clock. The steps taken, by queue name and rule id, and the queues whose snapshot changed."""
        if len(names) > len(self._names):
            self._grow(names)
        pairs = _columns(self._pairs)
        n = judge(now_ms, figures, self._open, self._in_queue, self._limits, pairs, *self._out)
        where, steps = self._out[0][:n].tolist(), self._out[1][:n].tolist()
        changed = {self._names[self._pairs.row[i]] for i in where}
        changes = [self._change(i, Step(s), figures) for i, s in zip(where, steps, strict=True) if s]
        changes.sort(key=lambda c: (c.queue, c.rule.id))
        return changes, changed

    def tile(self, queue: str) -> str:
        """``breach`` with an active episode, ``warn`` beyond a target, else ``ok``."""
        first, last = self._first.get(queue, (0, 0))
        if (self._pairs.state[first:last] == ACTIVE).any():
            return "breach"
        return "warn" if self._pairs.warn[first:last].any() else "ok"

    def settle(self, queue: str, rule_id: str, quiet_until_ms: int) -> int | None:
        """End an episode that a verification has disproved and keep its pair quiet; its start, None without episode."""
        i = self._find(queue, rule_id)
        if i is None:
            return None
        active = self._pairs.state[i] == ACTIVE
        self._pairs.state[i] = IDLE
        self._pairs.back[i] = 0
        self._pairs.quiet_until_ms[i] = quiet_until_ms
        return int(self._pairs.since_ms[i]) if active else None

    def started_ms(self, queue: str, rule_id: str) -> int | None:
        """When the active episode of a rule began, None without one."""
        i = self._find(queue, rule_id)
        return int(self._pairs.since_ms[i]) if i is not None and self._pairs.state[i] == ACTIVE else None

    def _kept(self) -> tuple[NDArray[Any], ...]:
        """The columns of a pair that a snapshot holds."""
        p = self._pairs
        return p.state, p.since_ms, p.back, p.back_ms, p.told, p.told_ms, p.quiet_until_ms

    def snapshot(self, queue: str) -> dict[str, Any]:
        """The pairs of *queue* that are not as new: rule id to its fields."""
        if queue in self._waiting:
            return self._waiting[queue]
        p, found = self._pairs, {}
        for i in range(*self._first.get(queue, (0, 0))):
            if p.state[i] != IDLE or p.quiet_until_ms[i] > 0:
                found[self.rules[p.rule[i]].id] = [column[i].item() for column in self._kept()]
        return found

    def restore(self, queue: str, state: dict[str, Any]) -> None:
        """Take up *state*, now or when the queue gets its row. Rules that exist no more are dropped."""
        self._waiting[queue] = state
        if queue in self._first:
            self._take_up(queue)

    def _take_up(self, queue: str) -> None:
        p, state = self._pairs, self._waiting.pop(queue)
        for i in range(*self._first[queue]):
            kept = state.get(self.rules[p.rule[i]].id)
            columns = self._kept()
            for column, value in zip(columns, kept or [0] * len(columns), strict=True):
                column[i] = value

    def _grow(self, names: Sequence[str]) -> None:
        rows, rules, at = [], [], len(self._pairs.row)
        for row in range(len(self._names), len(names)):
            matching = [r for r, rule in enumerate(self.rules) if fnmatchcase(names[row], rule.pattern)]
            self._first[names[row]] = (at, at + len(matching))
            at += len(matching)
            rows += [row] * len(matching)
            rules += matching
        new = names[len(self._names) :]
        self._names.extend(new)
        self._pairs = joined(self._pairs, new_pairs(np.array(rows, np.int32), np.array(rules, np.int32)))
        self._out = (np.zeros(at, np.int32), np.zeros(at, np.int8))
        for queue in new:
            if queue in self._waiting:
                self._take_up(queue)

    def _find(self, queue: str, rule_id: str) -> int | None:
        first, last = self._first.get(queue, (0, 0))
        return next((i for i in range(first, last) if self.rules[self._pairs.rule[i]].id == rule_id), None)

    def _change(self, i: int, step: Step, figures: Figures) -> Change:
        queue, rule = self._names[self._pairs.row[i]], self.rules[self._pairs.rule[i]]
        value = float(figures[self._pairs.row[i], figure(rule.metric, rule.window)])
        behind = sample_figure(rule)
        sample = float(figures[self._pairs.row[i], figure(*behind)]) if behind else float("nan")
        return Change(
            queue,
            rule,
            step,
            int(self._pairs.since_ms[i]),
            None if np.isnan(value) else value,
            None if np.isnan(sample) else int(sample),
        )
