"""While it happens: who is waiting now, who is past the threshold, and who will be in a moment."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from models.event import SOON_MS


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the queue moves: agents who work on it, their mean handle time, the callers' mean patience."""

    agents: float
    handle_s: float
    patience_s: float = math.inf

    def until_s(self, ahead: int) -> float:
        """Seconds until a caller with *ahead* others before him is answered: *ahead* + 1 must leave the queue.

        The fluid of Erlang A: the head of q callers is at the agents' after ln(1 + q theta / (n mu)) / theta.
        """
        if self.agents <= 0:
            return math.inf
        rate = self.agents / self.handle_s
        return (
            self.patience_s * math.log1p((ahead + 1) / (rate * self.patience_s))
            if self.patience_s < math.inf
            else ((ahead + 1) / rate)
        )


@dataclass(frozen=True, slots=True)
class Waiting:
    """Callers *waiting*, of them *beyond* the threshold, and *soon* more beyond it within *soon_ms*."""

    waiting: int
    beyond: int
    soon: int
    threshold_ms: int
    soon_ms: int


def waiting_now(ages_ms: Iterable[int], threshold_ms: int, soon_ms: int = SOON_MS, pace: Pace | None = None) -> Waiting:
    """Count the callers whose ages are *ages_ms*. Past the threshold is older than it, as in the figures.

    *soon* are those who pass the threshold within *soon_ms* (and are not past it yet) if nobody answers them; with a
    *pace* those left out whom it answers before, the oldest first.
    """
    ages = sorted(ages_ms, reverse=True)
    beyond = sum(age > threshold_ms for age in ages)
    soon = 0
    for ahead, age in enumerate(ages):
        left_ms = threshold_ms - age
        if 0 <= left_ms < soon_ms and (pace is None or pace.until_s(ahead) * 1000 > left_ms):
            soon += 1
    return Waiting(len(ages), beyond, soon, threshold_ms, soon_ms)


def sentence(now: Waiting) -> tuple[str, str]:
    """*now* in English and Chinese: "12 waiting, 5 beyond 20 s, 4 more within 20 s"."""
    if now.waiting == 0:
        return "nobody waiting", "无人排队"
    threshold, soon = f"{now.threshold_ms / 1000:g}", f"{now.soon_ms / 1000:g}"
    english = f"{now.waiting} waiting, {now.beyond} beyond {threshold} s"
    chinese = f"排队{now.waiting}个,其中{now.beyond}个已超过{threshold}秒"
    if now.soon:
        english += f", {now.soon} more within {soon} s"
        chinese += f",{soon}秒内还将有{now.soon}个超过"
    return english, chinese
