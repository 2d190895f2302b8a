"""What is usual of a drawn figure: from what the actors of a rehearsal have learned of the queue."""

from __future__ import annotations

import math
from typing import Final

from alerts.habit.subjects import EXPECTED, EXPECTED_OVER, SUBJECT
from callwatch.backtest.traces import Usual, View
from callwatch.rehearsal import Rehearsal
from models.catalogue import Rule
from models.metric import FIGURES
from models.partition import partition_of

#: The subject that has a band for a figure, for rules that watch the figure itself.
_OF: Final = {subject.of: subject.id for subject in reversed(list(SUBJECT.values()))}
_EXPECTED: Final = {figure: FIGURES[(expected, EXPECTED_OVER)] for figure, expected in EXPECTED}
#: What is drawn of a rule on how unusual a figure is over any window.
SHOWN_OVER: Final = "15m"
_NOTHING: Final = (math.nan, math.nan, math.nan)


def view_of(rule: Rule) -> View:
    """The figure that *rule* is about; of how unusual one is, that figure with its band."""
    subject = SUBJECT.get(rule.metric)
    if subject is None:
        return View(rule.metric, rule.window, _OF.get(rule.metric, ""))
    window = rule.window if (subject.of, rule.window) in FIGURES else SHOWN_OVER
    return View(subject.of, window if window not in ("now", "resolve") else SHOWN_OVER, subject.id)


def usual_of(rehearsal: Rehearsal) -> Usual:
    """Reads it from the actors of *rehearsal*, as they stand."""
    actors = rehearsal.actors

    def usual(queue: str, view: View) -> tuple[float, float, float]:
        if not view.subject:
            return _NOTHING
        actor = actors[partition_of(queue, len(actors))]
        band = actor.habits.band(queue, view.subject, view.window)
        return _NOTHING if band is None else (band.expected, band.lower, band.upper)

    return usual
