"""What is judged against what is normal: each subject with the figures that it is made of, its side and its guards.

A subject is a figure of the dictionary in the unit "limits": 0 is usual, 1 as rare as the alarm budget allows, NaN not
known yet, too small a sample, or closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

#: Rolling windows over which a subject is judged, shortest first; then calls since a resolve, and all of it together.
ROLLING: Final = ("1m", "5m", "15m", "30m")
RESOLVE: Final = "resolve"
NOW: Final = "now"
#: Windows that a subject has as a figure.
WINDOWS: Final = (*ROLLING, RESOLVE, NOW)

Kind = Literal["volume", "share", "mean"]
Side = Literal["above", "below", "both"]


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that can be unusual. *of* is the figure it is about, in whose unit `Band` speaks.

    *count* is the figure that is counted ("" for what is made of a ratio or mean *of* and its *sample*), *sample* how
    many there could have been. *side* is the bad one. A test needs *min_sample* and a difference of *min_absolute*
    (calls, share, or ms) and of *min_relative* of what is expected.
    """

    id: str
    kind: Kind
    of: str
    count: str
    sample: str
    side: Side
    min_sample: float
    min_absolute: float
    min_relative: float


SUBJECTS: Final[tuple[Subject, ...]] = (
    Subject("offered_surge", "volume", "offered", "offered", "", "above", 0.0, 8.0, 0.3),
    Subject("offered_drop", "volume", "offered", "offered", "", "below", 0.0, 8.0, 0.3),
    Subject("menu_unusual", "share", "ivr_abandoned", "ivr_abandoned", "arrivals", "above", 10.0, 0.08, 0.0),
    Subject("blocked_unusual", "share", "blocked", "blocked", "arrivals", "above", 10.0, 0.05, 0.0),
    Subject("abandonment_unusual", "share", "abandonment_rate", "abandoned", "outcomes", "above", 10.0, 0.05, 0.0),
    Subject("service_unusual", "share", "service_level_live", "", "service_sample", "below", 10.0, 0.08, 0.0),
    Subject("queued_unusual", "share", "queued_share", "", "outcomes", "above", 20.0, 0.1, 0.0),
    Subject(
        "callback_unusual", "share", "callbacks_failed", "callbacks_failed", "callbacks_attempted", "above",
        10.0, 0.1, 0.0,
    ),
    Subject("talk_unusual", "mean", "talk_ms", "", "completed", "both", 20.0, 10_000.0, 0.25),
    Subject("speed_unusual", "mean", "speed_of_answer_ms", "", "answered", "above", 15.0, 5_000.0, 0.5),
)  # fmt: skip

#: Figures whose expectation over the last 30 minutes is a figure itself: (the figure, the id of its expectation).
EXPECTED: Final[tuple[tuple[str, str], ...]] = (
    ("offered", "offered_expected"),
    ("abandonment_rate", "abandonment_rate_expected"),
    ("service_level_live", "service_level_expected"),
    ("talk_ms", "talk_expected_ms"),
)
#: The window that an expectation is for.
EXPECTED_OVER: Final = "30m"

SUBJECT: Final[dict[str, Subject]] = {subject.id: subject for subject in SUBJECTS}
