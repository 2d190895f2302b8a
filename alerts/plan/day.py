"""What a queue's local day has brought so far beside its plan, interval by interval."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Protocol

from alerts.plan.against import Actual, Against, against
from models.plan.book import PlanBook
from models.plan.interval import INTERVALS_MAX, PlanInterval

_AGENTS: Final = ("agents_ready", "agents_busy")


class Came(Protocol):
    """What is read of a queue when an interval is over."""

    def value(self, queue: str, metric: str, window: str) -> float | None:
        """The current figure, None when it is undefined."""

    def came(self, queue: str, at_ms: int) -> int | None:
        """Calls offered in the interval that *at_ms* lies in, None when nothing is kept of it."""


@dataclass(slots=True)
class Day:
    """The day that began at *first_ms*. *agents* are those who took calls at each minute of the interval under way,
    added up over *minutes*; *under_way*: an interval of the plan is; *note_ms*: since when it is time to forecast anew,
    and people were told so.
    """

    first_ms: int
    actuals: list[Actual] = field(default_factory=list)
    agents: float = 0.0
    minutes: int = 0
    under_way: bool = False
    note_ms: int | None = None

    def sample(self, queue: str, live: Came) -> bool:
        """Count the agents of a minute of an interval; unknown ones are not counted. Whether it did."""
        ready, busy = (live.value(queue, name, "now") if self.under_way else None for name in _AGENTS)
        if ready is None or busy is None:
            return False
        self.agents, self.minutes = self.agents + ready + busy, self.minutes + 1
        return True

    def finish(self, queue: str, plan: PlanInterval, live: Came, *, in_time: bool) -> None:
        """The interval of *plan* is over. Its calls are those that came in it; handle time is known *in_time* alone,
        because it is of the conversations that ended by then."""
        window = f"{plan.minutes}m"
        handle_ms = live.value(queue, "handle_ms", window) if in_time else None
        completed = live.value(queue, "completed", window) if in_time else None
        agents = self.agents / self.minutes if self.minutes else None
        self.agents, self.minutes = 0.0, 0
        offered = live.came(queue, plan.start_ms) or 0
        self.actuals.append(Actual(plan.start_ms, offered, int(completed or 0), handle_ms, agents))

    def correct(self, start_ms: int, offered: int) -> bool:
        """So many calls came in the interval after all; whether that is news of one that is over."""
        for at, one in enumerate(self.actuals):
            if one.start_ms == start_ms and one.offered != offered:
                self.actuals[at] = replace(one, offered=offered)
                return True
        return False

    def so_far(self, queue: str, book: PlanBook, last: int = INTERVALS_MAX) -> list[Against]:
        """The *last* intervals that are over beside what was planned for them when they began."""
        planned = [(book.expected(queue, one.start_ms, one.start_ms), one) for one in self.actuals[-last:]]
        return [against(plan, one) for plan, one in planned if plan is not None]

    def freeze(self) -> dict[str, Any]:
        """The day as JSON-able data."""
        return asdict(self)


def thawed(frozen: dict[str, Any]) -> Day:
    """The day that `Day.freeze` gave."""
    return Day(**frozen | {"actuals": [Actual(**one) for one in frozen["actuals"]]})
