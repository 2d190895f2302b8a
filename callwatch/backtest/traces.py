"""Figures around episodes: a sample a minute, from two hours before an episode is told to an hour after its end."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from callwatch.backtest.happened import Episode
from models.catalogue import Rule
from models.metric import FIGURES

MINUTE_MS: Final = 60_000
#: What is kept of each view before anything happens: two hours show what was usual.
BEFORE: Final = 120
AFTER_MS: Final = 3_600_000
#: A panel ends there: half a day of minutes still reads as a plot, and an episode may last for weeks.
PANEL_MAX: Final = 720
#: Panels of a run: a page of more is read by nobody. Later ones are counted and not drawn.
PANELS_MAX: Final = 200


class Sample(NamedTuple):
    """A figure at a minute with what was expected of it and its band; NaN where there is none."""

    at_ms: int
    value: float
    expected: float = math.nan
    lower: float = math.nan
    upper: float = math.nan


class View(NamedTuple):
    """What is drawn for a rule: a figure, and the *subject* of habit that has a band for it ("" for none)."""

    metric: str
    window: str
    subject: str = ""


#: (queue, view, value now) to what is usual: expected, lower, upper.
Usual = Callable[[str, View], tuple[float, float, float]]


@dataclass(slots=True)
class Panel:
    """One plot: a figure of a queue over some hours, with the episodes in it."""

    queue: str
    view: View
    limit: float | None
    episodes: list[Episode] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)


class Traces:
    """Keeps the recent past of each view of each queue, and panels of it where episodes are. `sample` every minute."""

    def __init__(self, rules: Iterable[Rule], view_of: Callable[[Rule], View], usual: Usual) -> None:
        self._views = {rule.id: view_of(rule) for rule in rules if rule.of == "queues"}
        self._columns = {view: FIGURES[(view.metric, view.window)] for view in set(self._views.values())}
        self._usual = usual
        self._past: dict[tuple[str, View], deque[Sample]] = {}
        self._running: dict[tuple[str, View], Panel] = {}
        self.panels: list[Panel] = []
        self.left_out = 0  #: panels that were one too many

    def sample(self, now_ms: int, figures: NDArray[np.float64], names: Sequence[str]) -> None:
        """The figures of a minute."""
        for row, queue in enumerate(names):
            for view, column in self._columns.items():
                one = Sample(now_ms, float(figures[row, column]), *self._usual(queue, view))
                key = (queue, view)
                past = self._past.get(key)
                if past is None:
                    past = self._past[key] = deque(maxlen=BEFORE)
                past.append(one)
                panel = self._running.get(key)
                if panel is not None:
                    panel.samples.append(one)
                    if _is_over(panel, now_ms):
                        del self._running[key]

    def begin(self, episode: Episode) -> None:
        """An episode was told: it is drawn in the panel that is running, or in one of its own."""
        view = self._views.get(episode.rule)
        if view is None or view not in self._columns:
            return
        key = (episode.queue, view)
        panel = self._running.get(key)
        if panel is None:
            if len(self.panels) >= PANELS_MAX:
                self.left_out += 1
                return
            limit = episode.limit if (view.metric, view.window) == (episode.metric, episode.window) else None
            panel = self._running[key] = Panel(episode.queue, view, limit, samples=list(self._past.get(key, ())))
            self.panels.append(panel)
        panel.episodes.append(episode)


def _is_over(panel: Panel, now_ms: int) -> bool:
    ends = [one.ended_ms for one in panel.episodes]
    over = all(end is not None and end + AFTER_MS <= now_ms for end in ends)
    return over or len(panel.samples) >= PANEL_MAX
