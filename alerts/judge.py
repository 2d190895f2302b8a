"""The judge with its memory: rules compiled to columns, pairs that grow with the queues, what changed at a clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.per_agent import AGENTS, scaled
from alerts.rules import ACTIVE, IDLE, KEPT, PAIR, RULE, USUAL, Records, Step, judge
from alerts.usual import GATE, KNOWN, OF_ONE_CALL, WELL, gate_of
from models.catalogue import Rule
from models.metric import METRIC, figure, sample_of

Figures = NDArray[np.float64]

#: From this severity on a breach is a trend note, not an order.
TREND = 4


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
    return METRIC[rule.metric].start if rule.min_sample > 0 else None


def compiled(rules: Sequence[Rule]) -> Records:
    """*rules* as RULE records. Raises KeyError with metric and window for a figure that does not exist."""
    table = np.zeros(len(rules), RULE)
    for record, rule in zip(table, rules, strict=True):
        sample = sample_figure(rule)
        record["column"] = figure(rule.metric, rule.window)
        record["sample_column"] = figure(*sample) if sample else -1
        record["start_only"] = sample_of(rule.metric) is None
        record["per_column"] = figure(*AGENTS) if rule.per == "agent" else -1
        gate = gate_of(rule.metric) if rule.usual == "quiet" else None
        record["gate_column"], record["gate"] = figure(*gate) if gate else -1, GATE
        record["half"] = WELL
        record["known_column"] = figure(*KNOWN) if gate and rule.metric in OF_ONE_CALL else -1
        record["sign"] = -1.0 if rule.below else 1.0
        for name in ("limit", "target", "recovery", "min_sample", "hold_ms", "recover_hold_ms"):
            record[name] = getattr(rule, name)
    return table


def same_watch(old: Rule, new: Rule, queue: str) -> bool:
    """Whether *new* goes on with an episode of *old* for *queue*: the same figure, side and kind.

    A trend note has no order, so a rule that becomes one, or ceases to be one, is another rule.
    """
    if (old.metric, old.window, old.below, old.per) != (new.metric, new.window, new.below, new.per):
        return False
    return (old.severity >= TREND) == (new.severity >= TREND) and new.covers(queue)


class Judge:
    """All rules against all queues. Times are stream time in milliseconds."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._records = compiled(self.rules)
        self._pairs: Records = np.zeros(0, PAIR)
        self._names: list[str] = []
        self._first: dict[str, tuple[int, int]] = {}  # queue -> its pairs [first, last)
        self._waiting: dict[str, dict[str, Any]] = {}  # restored states of queues that have no row yet
        self._out = (np.zeros(0, np.int32), np.zeros(0, np.int8))
        self._open, self._in_queue = figure("open", "now"), figure("waiting", "now")

    def clock(self, now_ms: int, figures: Figures, names: Sequence[str]) -> tuple[list[Change], set[str]]:
        """One clock. The steps taken, by queue name and rule id, and the queues whose snapshot changed.

        Names beyond the rows of *figures* wait for theirs. Raises ValueError when rows have gone: the kernel would read
        what is not there.
        """
        if len(figures) < len(self._names):
            raise ValueError(f"{len(figures)} rows of figures for {len(self._names)} queues: rows may only be added")
        self._grow_to(figures, names)
        n = judge(now_ms, figures, self._open, self._in_queue, self._records, self._pairs, *self._out)
        where, steps = self._out[0][:n].tolist(), self._out[1][:n].tolist()
        changed = {self._names[self._pairs["row"][i]] for i in where}
        changes = [self._change(i, Step(s), figures) for i, s in zip(where, steps, strict=True) if s]
        changes.sort(key=lambda c: (c.queue, c.rule.id))
        return changes, changed

    def change(self, rules: Sequence[Rule], figures: Figures, names: Sequence[str]) -> tuple[list[Change], set[str]]:
        """*rules* hold from here on. The episodes withdrawn with theirs, by queue and rule id, and the queues whose
        snapshot changed.

        A pair goes on where its rule still watches the same (`same_watch`) for its queue, whatever its numbers are now:
        the next clock judges by these. All other pairs begin idle.
        """
        self._grow_to(figures, names)
        by_id = {rule.id: rule for rule in rules}
        kept: dict[str, dict[str, Any]] = {}
        gone, changed = [], set()
        for queue, (first, last) in self._first.items():
            states = self.snapshot(queue)
            for i in range(first, last):
                old = self.rules[self._pairs["rule"][i]]
                new = by_id.get(old.id)
                if old.id not in states or (new is not None and same_watch(old, new, queue)):
                    continue
                del states[old.id]
                changed.add(queue)
                if self._pairs["state"][i] == ACTIVE:
                    gone.append(self._change(i, Step.WITHDRAWN, figures))
            kept[queue] = states
        names = list(self._names)
        self.rules, self._records = tuple(rules), compiled(rules)
        self._pairs, self._names, self._first, self._waiting = np.zeros(0, PAIR), [], {}, self._waiting | kept
        self._grow(names)
        return sorted(gone, key=lambda c: (c.queue, c.rule.id)), changed

    def tile(self, queue: str) -> str:
        """``breach`` beyond a limit (an active episode, or as usual), ``warn`` beyond a target or in a trend, else
        ``ok``."""
        pairs = self._pairs[slice(*self._first.get(queue, (0, 0)))]
        beyond = (pairs["state"] == ACTIVE) | ((pairs["state"] == USUAL) & (pairs["back"] != 0))
        if any(self.rules[rule].severity < TREND for rule in pairs["rule"][beyond]):
            return "breach"
        return "warn" if beyond.any() or pairs["warn"].any() else "ok"

    @property
    def is_calm(self) -> bool:
        """Whether no figure is, or was lately, beyond its limit."""
        return not self._waiting and not self._pairs["state"].any()

    def troubled(self) -> set[str]:
        """The queues with an active episode that is more than a trend."""
        grave = np.array([rule.severity < TREND for rule in self.rules], bool)
        active = self._pairs[self._pairs["state"] == ACTIVE]
        found = {self._names[row] for row in active["row"][grave[active["rule"]]]} if len(active) else set()
        ids, at = {rule.id for rule in self.rules if rule.severity < TREND}, KEPT.index("state")
        return found | {q for q, kept in self._waiting.items() if any(kept[r][at] == ACTIVE for r in ids & kept.keys())}

    def active(self, queue: str, rule_id: str, figures: Figures) -> Change | None:
        """The active episode of the pair as if it began now, with its value; None without one, or without a row yet."""
        i = None if queue in self._waiting else self._find(queue, rule_id)
        return None if i is None or self._pairs["state"][i] != ACTIVE else self._change(i, Step.START, figures)

    def settle(self, queue: str, rule_id: str, quiet_until_ms: int) -> int | None:
        """End an episode that a verification has disproved and keep its pair quiet; its start, None without episode."""
        if queue in self._waiting:
            return self._settle_waiting(queue, rule_id, quiet_until_ms)
        i = self._find(queue, rule_id)
        if i is None:
            return None
        pair = self._pairs[i]
        active = pair["state"] == ACTIVE
        pair["state"], pair["back"], pair["quiet_until_ms"] = IDLE, 0, quiet_until_ms
        return int(pair["since_ms"]) if active else None

    def _settle_waiting(self, queue: str, rule_id: str, quiet_until_ms: int) -> int | None:
        """The same in a restored state: a command may come before the first clock."""
        pair = dict(zip(KEPT, self._waiting[queue].get(rule_id) or [0] * len(KEPT), strict=True))
        active = pair["state"] == ACTIVE
        pair |= {"state": IDLE, "back": 0, "quiet_until_ms": quiet_until_ms}
        self._waiting[queue] = self._waiting[queue] | {rule_id: list(pair.values())}
        return int(pair["since_ms"]) if active else None

    def snapshot(self, queue: str) -> dict[str, Any]:
        """The pairs of *queue* that are not as new: rule id to its fields (``KEPT``)."""
        if queue in self._waiting:
            return self._waiting[queue]
        pairs = self._pairs[slice(*self._first.get(queue, (0, 0)))]
        used = pairs[(pairs["state"] != IDLE) | (pairs["quiet_until_ms"] > 0)]
        return {self.rules[pair["rule"]].id: [pair[name].item() for name in KEPT] for pair in used}

    def restore(self, queue: str, state: dict[str, Any]) -> None:
        """Take up *state*, now or when the queue gets its row. Rules that exist no more are dropped."""
        self._waiting[queue] = state
        if queue in self._first:
            self._take_up(queue)

    def _take_up(self, queue: str) -> None:
        state = self._waiting.pop(queue)
        for pair in self._pairs[slice(*self._first[queue])]:
            kept = state.get(self.rules[pair["rule"]].id) or [0] * len(KEPT)
            for name, value in zip(KEPT, kept, strict=True):
                pair[name] = value

    def _grow_to(self, figures: Figures, names: Sequence[str]) -> None:
        if min(len(names), len(figures)) > len(self._names):
            self._grow(names[: len(figures)])

    def _grow(self, names: Sequence[str]) -> None:
        pairs: list[tuple[int, int]] = []
        at = len(self._pairs)
        for row in range(len(self._names), len(names)):
            matching = [r for r, rule in enumerate(self.rules) if rule.covers(names[row])]
            first = at + len(pairs)
            self._first[names[row]] = (first, first + len(matching))
            pairs += [(row, r) for r in matching]
        new = names[len(self._names) :]
        self._names.extend(new)
        grown: Records = np.zeros(at + len(pairs), PAIR)
        grown[:at] = self._pairs
        grown["row"][at:] = [row for row, _ in pairs]
        grown["rule"][at:] = [rule for _, rule in pairs]
        self._pairs = grown
        self._out = (np.zeros(len(grown), np.int32), np.zeros(len(grown), np.int8))
        for queue in new:
            if queue in self._waiting:
                self._take_up(queue)

    def _find(self, queue: str, rule_id: str) -> int | None:
        first, last = self._first.get(queue, (0, 0))
        return next((i for i in range(first, last) if self.rules[self._pairs["rule"][i]].id == rule_id), None)

    def _change(self, i: int, step: Step, figures: Figures) -> Change:
        pair = self._pairs[i]
        row, rule = int(pair["row"]), self.rules[pair["rule"]]
        behind = sample_figure(rule)
        value = float(figures[row, figure(rule.metric, rule.window)])
        sample = float(figures[row, figure(*behind)]) if behind else np.nan
        agents = float(figures[row, figure(*AGENTS)])
        return Change(
            self._names[row],
            scaled(rule, None if np.isnan(agents) else agents),
            step,
            int(pair["since_ms"]),
            None if np.isnan(value) else value,
            None if np.isnan(sample) else int(sample),
        )
