"""Who calls when: a Poisson stream with the shape of a day, and what each caller brings."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sources.simulation.plan import DayPlan, QueuePlan

#: Share of the peak at each full local hour, linear between: two peaks, a dip at lunch, a quiet night.
SHAPE: Final = (
    0.10, 0.07, 0.05, 0.05, 0.06, 0.10, 0.20, 0.40, 0.65, 0.90, 1.00, 0.95,
    0.80, 0.78, 0.88, 0.95, 0.92, 0.80, 0.65, 0.58, 0.50, 0.38, 0.25, 0.15,
)  # fmt: skip
WEEKEND: Final = 0.5
#: Callers who hang up in the menu on an ordinary day.
MENU_SHARE: Final = 0.04
#: Coefficient of variation of talk times; log-normal after Brown et al. 2005, "Statistical Analysis of a Telephone
#: Call Center", section 4.
TALK_CV: Final = 1.0
HOLD_SHARE: Final = 0.12
LINES: Final = (("enquiry", 60), ("report", 20), ("complaint", 8), ("information", 12))
#: Customers of a queue, as hours of peak arrivals: the same people call again now and then.
CUSTOMER_HOURS: Final = 60.0

Fate = Literal["queue", "menu", "blocked"]


@dataclass(frozen=True, slots=True)
class Caller:
    """One arrival. *fate* says whether it reaches the queue at all; what follows is used only if it does."""

    call: str
    queue: str
    at_s: float  #: seconds from the start of the run
    fate: Fate
    patience_s: float
    ring_ms: int
    talk_ms: int
    hold_ms: int
    wrap_ms: int
    line: str
    customer: str


def day_share(local: datetime) -> float:
    """Arrival rate as a share of the peak at local wall-clock time *local*."""
    hour, part = local.hour, (local.minute * 60 + local.second) / 3600
    share = SHAPE[hour] * (1 - part) + SHAPE[(hour + 1) % 24] * part
    return share * (WEEKEND if local.weekday() >= 5 else 1.0)


def poisson_times(
    rng: random.Random, rate_per_s: Callable[[float], float], top_per_s: float, until_s: float
) -> Iterator[float]:
    """Arrival times of a Poisson stream of varying rate, by thinning (Lewis and Shedler 1979).

    *rate_per_s* must never exceed *top_per_s*; ValueError if it does, since the stream would be wrong in silence.
    """
    t = 0.0
    while top_per_s > 0 and (t := t + rng.expovariate(top_per_s)) < until_s:
        rate = rate_per_s(t)
        if rate > top_per_s * (1 + 1e-9):
            raise ValueError(f"rate {rate} above its bound {top_per_s}")
        if rng.random() * top_per_s < rate:
            yield t


def base_rate(plan: DayPlan, queue: QueuePlan) -> Callable[[float], float]:
    """Arrivals per second of *queue* on an ordinary day, by seconds from the start; looked up by the minute."""
    minutes = [day_share(plan.local(60.0 * m)) for m in range(math.ceil(plan.seconds / 60) + 1)]
    peak_per_s = queue.peak_per_hour / 3600.0
    return lambda t: minutes[min(int(t // 60), len(minutes) - 1)] * peak_per_s


class CallerDraw:
    """Draws callers of one queue: the same number of random draws for each, whatever its fate."""

    def __init__(self, rng: random.Random, queue: QueuePlan, prefix: str) -> None:
        self.rng, self.queue, self.prefix = rng, queue, prefix
        sigma2 = math.log(1 + TALK_CV**2)
        self.talk_sigma = math.sqrt(sigma2)
        self.talk_mu = math.log(queue.talk_s) - sigma2 / 2
        self.customers = max(10, round(queue.peak_per_hour * CUSTOMER_HOURS))
        self.drawn = 0

    def draw(self, at_s: float, lost: float, blocked_of_lost: float) -> Caller:
        """One caller at *at_s*, who with probability *lost* reaches no queue, *blocked_of_lost* of these blocked."""
        rng = self.rng
        fate_at, kind_at, hold_at, held = rng.random(), rng.random(), rng.random(), rng.random()
        talk_ms = 1000 + round(1000 * rng.lognormvariate(self.talk_mu, self.talk_sigma))
        fate: Fate = "queue" if fate_at >= lost else "blocked" if kind_at < blocked_of_lost else "menu"
        self.drawn += 1
        return Caller(
            call=f"{self.prefix}.{self.drawn}",
            queue=self.queue.name,
            at_s=at_s,
            fate=fate,
            patience_s=rng.expovariate(1 / self.queue.patience_s),
            ring_ms=1000 + round(2000 * rng.random()),
            talk_ms=talk_ms,
            hold_ms=round(talk_ms * 0.4 * held) if hold_at < HOLD_SHARE else 0,
            wrap_ms=round(1000 * rng.expovariate(1 / self.queue.wrap_s)),
            line=rng.choices([name for name, _ in LINES], [weight for _, weight in LINES])[0],
            customer=f"c{rng.randrange(self.customers):06d}",
        )
