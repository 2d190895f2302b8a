"""The comparisons of a partition's queues: channels, business lines, and the last minutes against those before them.

Once a minute of stream time the queues with enough calls in more than one group are looked at (a few of thousands: they
are found by two sums over a matrix); what was found holds until the next look, and is in the snapshots. After a resolve
the group that stood apart is judged by its calls since then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import nan
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alerts.siblings.apart import LEAST, Apart, Group, limits_of, since, worst
from models.event import CHANNELS, LINES
from models.metric import FIGURES, METRIC, figure

EVERY_MS: Final = 60_000
Figures = NDArray[np.float64]

#: Of the last five minutes, to be compared at all; by so much slower must answers be.
RISE_LEAST: Final = 10
SLOWER: Final = 1.5
SLOWER_MS: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Kind:
    """One comparison of a queue's own groups: its figure, and the columns (30 minutes, day) by group."""

    metric: str
    words: tuple[str, ...]
    answered: tuple[int, ...]
    abandoned: tuple[int, ...]
    answered_day: tuple[int, ...]
    abandoned_day: tuple[int, ...]


def _kind(metric: str, what: str, words: tuple[str, ...]) -> _Kind:
    def columns(of: str, window: str) -> tuple[int, ...]:
        return tuple(figure(f"{what}_{word}_{of}", window) for word in words)

    return _Kind(
        metric,
        words,
        columns("answered", "30m"),
        columns("abandoned", "30m"),
        columns("answered", "day"),
        columns("abandoned", "day"),
    )


KINDS: Final = (_kind("channel_apart", "channel", CHANNELS), _kind("line_apart", "line", LINES))
RISE: Final = "abandonment_rise"
METRICS: Final = (*(kind.metric for kind in KINDS), RISE)
#: Columns that are written: over its window, and since a resolve.
_COLUMN: Final = {metric: figure(metric, METRIC[metric].windows[0]) for metric in METRICS}
_SINCE: Final = {metric: figure(metric, "resolve") for metric in METRICS}
_OPEN: Final = FIGURES[("open", "now")]
_C: Final = {
    (metric, window): FIGURES[(metric, window)]
    for metric in ("answered", "abandoned", "speed_of_answer_ms")
    for window in ("5m", "30m")
}
_OF_RESOLVE: Final = (FIGURES[("abandoned", "resolve")], FIGURES[("answered", "resolve")])


@dataclass(slots=True)
class Resolve:
    """What stood apart when a verification began, with the group's lost and outcomes of the day until then."""

    apart: Apart
    lost_day: int
    of_day: int


@dataclass(slots=True)
class Seen:
    """Of one queue: by figure what stands out (None: two groups are there and none does), and since a resolve."""

    apart: dict[str, Apart | None]
    resolves: dict[str, Resolve]


class SiblingBook:
    """What the last look found. *changed* names the queues whose snapshot changed; the caller takes them out."""

    def __init__(self, alarms_per_week: float = 1.0) -> None:
        self.alarms_per_week = alarms_per_week
        self.changed: set[str] = set()
        self._seen: dict[str, Seen] = {}
        self._rows: dict[str, int] = {}
        self._resolving: set[str] = set()
        self._minute = -1
        self._written = False

    def clock(self, now_ms: int, figures: Figures, names: Sequence[str]) -> None:
        """A clock: look anew when a minute has begun, and write the columns into *figures*, a row for each name."""
        if now_ms // EVERY_MS > self._minute:
            self._minute = now_ms // EVERY_MS
            self._look(figures, names)
            self._written = False
        self.write(figures, names)

    def write(self, figures: Figures, names: Sequence[str]) -> None:
        """Write what is known into *figures*, if it is not there yet; what came since a resolve is read from them."""
        if not self._written:
            self._fill(figures, names)
            self._written = True
        for queue in self._resolving:
            self._fill_since(queue, figures)

    def _fill(self, figures: Figures, names: Sequence[str]) -> None:
        """Write what was found last into *figures*; nothing is known of the other queues."""
        figures[:, [*_COLUMN.values(), *_SINCE.values()]] = nan
        self._rows = {name: row for row, name in enumerate(names)} if self._seen else {}
        self._resolving = {queue for queue, seen in self._seen.items() if seen.resolves}
        for queue, seen in self._seen.items():
            row = self._rows.get(queue, len(figures))
            if row < len(figures):  # else it waits for its row
                for metric, apart in seen.apart.items():
                    figures[row, _COLUMN[metric]] = 0.0 if apart is None else apart.limits

    def _fill_since(self, queue: str, figures: Figures) -> None:
        row = self._rows.get(queue, len(figures))
        for metric, of in self._seen[queue].resolves.items() if row < len(figures) else ():
            value = self._since(metric, of, figures[row])
            figures[row, _SINCE[metric]] = nan if value is None else value

    # -- a look ---------------------------------------------------------------------------------------------------

    def _look(self, figures: Figures, names: Sequence[str]) -> None:
        found: dict[str, dict[str, Apart | None]] = {}
        for kind in KINDS:
            of = figures[:, kind.answered] + figures[:, kind.abandoned]
            for row in np.flatnonzero((of >= LEAST).sum(axis=1) >= 2).tolist():
                groups = [
                    Group(word, int(figures[row, lost]), int(count))
                    for word, lost, count in zip(kind.words, kind.abandoned, of[row], strict=True)
                ]
                found.setdefault(names[row], {})[kind.metric] = _told(worst(groups, self.alarms_per_week))
        of = figures[:, _C["answered", "5m"]] + figures[:, _C["abandoned", "5m"]]
        for row in np.flatnonzero(of >= RISE_LEAST).tolist():
            found.setdefault(names[row], {})[RISE] = rising(figures[row], self.alarms_per_week)
        for queue in sorted(found.keys() | self._seen.keys()):
            self._keep(queue, found.get(queue, {}))

    def _keep(self, queue: str, apart: dict[str, Apart | None]) -> None:
        seen = self._seen.get(queue)
        if seen is not None and seen.apart == apart:
            return
        self.changed.add(queue)
        if apart or (seen is not None and seen.resolves):
            self._seen[queue] = Seen(apart, seen.resolves if seen else {})
        else:
            self._seen.pop(queue, None)

    # -- a verification -------------------------------------------------------------------------------------------

    def begin_since(self, queue: str, figures: Figures) -> None:
        """A verification of *queue* begins, whose row of figures is *figures*."""
        seen = self._seen.get(queue)
        if seen is None:
            return
        standing = {metric: apart for metric, apart in seen.apart.items() if apart is not None}
        seen.resolves = {metric: Resolve(apart, *_of_day(metric, apart, figures)) for metric, apart in standing.items()}
        self._written = False
        self.changed.add(queue)

    def end_since(self, queue: str) -> None:
        """It is over."""
        seen = self._seen.get(queue)
        if seen is not None and seen.resolves:
            seen.resolves, self._written = {}, False
            self.changed.add(queue)

    @staticmethod
    def _since(metric: str, of: Resolve, row: Figures) -> float | None:
        if metric == RISE:
            lost, answered = (int(row[column]) for column in _OF_RESOLVE)
            return since(of.apart, lost, lost + answered)
        lost, count = _of_day(metric, of.apart, row)
        if count < of.of_day:  # another day has begun
            return since(of.apart, lost, count)
        return since(of.apart, lost - of.lost_day, count - of.of_day)

    # -- words ----------------------------------------------------------------------------------------------------

    def behind(self, queue: str, metric: str) -> tuple[str, str]:
        """The calls behind a comparison of *queue*, English and Chinese; empty where nothing stands out."""
        seen = self._seen.get(queue)
        apart = seen.apart.get(metric) if seen else None
        return ("", "") if apart is None else words_of(metric, apart)

    # -- snapshots ------------------------------------------------------------------------------------------------

    def snapshot(self, queue: str) -> dict[str, Any]:
        """What is kept of *queue*, for JSON; empty when nothing is."""
        seen = self._seen.get(queue)
        return {} if seen is None else asdict(seen)

    def restore(self, queue: str, state: dict[str, Any]) -> None:
        """Take up what `snapshot` gave."""
        self._written = False
        self._seen.pop(queue, None)
        if state:
            aparts = {metric: Apart(**apart) if apart else None for metric, apart in state["apart"].items()}
            resolves = {
                metric: Resolve(**of | {"apart": Apart(**of["apart"])}) for metric, of in state["resolves"].items()
            }
            self._seen[queue] = Seen(aparts, resolves)

    @property
    def minute(self) -> int:
        """The minute of the last look; with the time of the partition it is in its snapshot."""
        return self._minute

    @minute.setter
    def minute(self, minute: int) -> None:
        """Take it up from a snapshot."""
        self._minute, self._written = minute, False


def _told(apart: Apart | None) -> Apart | None:
    return apart if apart is not None and apart.limits > 0.0 else None


def _of_day(metric: str, apart: Apart, row: Figures) -> tuple[int, int]:
    """The group's lost calls and outcomes of the day so far."""
    if metric == RISE:
        return 0, 0
    kind = next(kind for kind in KINDS if kind.metric == metric)
    at = kind.words.index(apart.name)
    lost = int(row[kind.abandoned_day[at]])
    return lost, lost + int(row[kind.answered_day[at]])


def rising(row: Figures, alarms_per_week: float) -> Apart | None:
    """Whether the abandonment of the last five minutes stands out from that of the 25 before them, while those who are
    answered wait longer than in them (or nobody is answered any more). Long queues make callers leave; callers who
    leave from a short one have another reason."""
    lost, answered, wait = (_last(row, name) for name in ("abandoned", "answered", "speed_of_answer_ms"))
    now, before = (
        Group("", int(lost[0]), int(lost[0] + answered[0])),
        Group("", int(lost[1]), int(lost[1] + answered[1])),
    )
    if before.of < LEAST or not _slower(answered, wait):
        return None
    apart = Apart("5m", now.lost, now.of, before.lost, before.of, limits_of(now, before, 2, alarms_per_week))
    return _told(apart)


def _last(row: Figures, name: str) -> tuple[float, float]:
    """A figure over the last five minutes and over the 25 before them; a mean stays that of the whole 30."""
    five, all_of_it = float(row[_C[name, "5m"]]), float(row[_C[name, "30m"]])
    return (five, all_of_it) if name == "speed_of_answer_ms" else (five, all_of_it - five)


def _slower(answered: tuple[float, float], wait: tuple[float, float]) -> bool:
    if answered[0] == 0 or answered[1] == 0:
        return answered[1] > 0
    before = (wait[1] * (answered[0] + answered[1]) - wait[0] * answered[0]) / answered[1]
    return wait[0] >= SLOWER * before and wait[0] - before >= SLOWER_MS


def words_of(metric: str, apart: Apart) -> tuple[str, str]:
    """The shares and calls of what stands out and of the others, English and Chinese."""
    share, others = apart.lost / apart.of * 100, apart.others_lost / max(apart.others_of, 1) * 100
    if metric == RISE:
        return (
            f"{apart.lost} of {apart.of} calls abandoned in 5 minutes ({share:.0f} %), {apart.others_lost} of "
            f"{apart.others_of} in the 25 before ({others:.0f} %), while waits grew",
            f"5分钟内{apart.of}通放弃{apart.lost}通({share:.0f}%),此前25分钟{apart.others_of}通放弃{apart.others_lost}通"
            f"({others:.0f}%),等待同时变长",
        )
    en, zh = _NAMES.get(apart.name, (apart.name, apart.name))
    return (
        f"{en} lost {apart.lost} of {apart.of} calls ({share:.0f} %), the others {apart.others_lost} of "
        f"{apart.others_of} ({others:.0f} %)",
        f"{zh} {apart.of}通放弃{apart.lost}通({share:.0f}%),其余{apart.others_of}通放弃{apart.others_lost}通"
        f"({others:.0f}%)",
    )


def _name(metric: str) -> tuple[str, str]:
    """``channel chat`` and its Chinese from the dictionary's name of what was offered there."""
    one = METRIC[metric]
    return one.en.partition(", ")[2], one.zh.partition("(")[2].removesuffix(")")


_NAMES: Final = {
    word: _name(f"{what}_{word}_offered")
    for what, words in (("line", LINES), ("channel", CHANNELS))
    for word in words
    if (what, word) not in (("line", "other"), ("line", "callback"))
} | {"other": ("other", "其他"), "callback": ("callback", "回拨/回访")}
