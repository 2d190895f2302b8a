"""What a run said: episodes of rules and the orders they opened or joined, taken from the outputs of workers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from agents.actor import Record
from alerts.workorder import OPEN
from models.topics import ANOMALIES, WORKORDER_LOG

#: Decisions that bind an episode to an order, by what the episode did to it.
BOUND: Final = {"raised": "opened", "joined": "joined", "rejoined": "joined", "reopened": "reopened"}


@dataclass(slots=True)
class Episode:
    """One episode of a rule. Times are stream time, epoch ms; *ended_ms* None: not in the recording."""

    id: str
    queue: str
    rule: str
    metric: str
    window: str
    limit: float
    severity: int
    began_ms: int
    told_ms: int
    sentence: str
    zh: str
    value: float | None = None
    planned: str | None = None
    ended_ms: int | None = None
    order: str | None = None
    how: str = ""  #: opened, joined or reopened its order; empty: a trend note, or kept quiet


@dataclass(slots=True)
class OrderSpan:
    """One order: the rule that opened it, when, and until when it was open (None: at the end still)."""

    id: str
    queue: str
    rule: str
    raised_ms: int
    sentence: str
    until_ms: int | None = None
    rules: list[str] = field(default_factory=list)
    severity: int = 9


class Happened:
    """Episodes and orders of a run. `add` its outputs as they come, partition by partition in the order of the log.

    It grows with what was said, which the rules bound, and not with the recording.
    """

    def __init__(self) -> None:
        self.episodes: dict[str, Episode] = {}
        self.orders: dict[str, OrderSpan] = {}
        self._latest: dict[tuple[str, str], Episode] = {}

    def add(self, record: Record) -> Episode | None:
        """Take an output; returns the episode that it begins, if it does."""
        if record.topic == ANOMALIES:
            return self._anomaly(orjson.loads(record.value))
        if record.topic == WORKORDER_LOG:
            self._entry(orjson.loads(record.value))
        return None

    def of_rule(self, rule: str) -> Iterator[Episode]:
        """Its episodes, as they were told."""
        return (one for one in self.episodes.values() if one.rule == rule)

    def _anomaly(self, said: dict[str, Any]) -> Episode | None:
        known = self.episodes.get(said["id"])
        if known is not None:
            if said["phase"] == "end":
                known.ended_ms = said["at_ms"]
            return None
        if said["phase"] == "end":
            return None  # it began before the recording
        same = ("id", "queue", "rule", "metric", "window", "limit", "severity", "sentence", "zh", "value")
        episode = Episode(
            **{name: said[name] for name in same},
            began_ms=said["started_ms"],
            told_ms=said["at_ms"],
            planned=said.get("planned"),
        )
        self.episodes[episode.id] = self._latest[(episode.queue, episode.rule)] = episode
        return episode

    def _entry(self, entry: dict[str, Any]) -> None:
        rule, how = entry["data"].get("rule", ""), BOUND.get(entry["decision"])
        order = self.orders.get(entry["order"])
        if order is None:
            begun = OrderSpan(entry["order"], entry["queue"], str(rule), entry["at_ms"], entry["why"])
            order = self.orders.setdefault(entry["order"], begun)
        order.until_ms = None if entry["after"] in OPEN else order.until_ms or entry["at_ms"]
        order.severity = min(order.severity, entry["order_after"].get("severity", order.severity))
        if how is None or not rule:
            return
        if rule not in order.rules:
            order.rules.append(str(rule))
        episode = self._latest.get((entry["queue"], str(rule)))
        if episode is not None and episode.order is None:
            episode.order, episode.how = order.id, how
