"""Which disturbances a campaign of crashes has: drawn from a seed, so that each can be run again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from tests.crash.points import POINTS

Mode = Literal["alone", "group", "broker"]

#: Disturbances of one run: each starts from what the ones before have left.
POINTS_PER_RUN: Final = 5
#: Logs that the runs use in turn.
CENTRES: Final = 6

NAMED: Final = {point: step for step, points in POINTS.items() for point in points}
#: At these a worker is stopped in the middle of a step, and goes on with it when it is long out of the group.
ZOMBIE_POINTS: Final = (
    "batch.applied",
    "batch.half_sent",
    "batch.sent",
    "snapshot.half_queues",
    "snapshot.queues_written",
    "snapshot.manifest_written",
    "commit.before",
)


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One point: what happens, at which passage of a named point or after how long, and whether all is waited for."""

    kind: str  #: kill, zombie, join_and_kill, valkey, broker
    detail: str  #: a named point, or what else is done
    count: int = 1
    after_s: float = 0.0
    settle: bool = False
    orderly: bool = False  #: then the worker is stopped in order

    @property
    def name(self) -> str:
        """What the summary counts it under."""
        return f"{self.kind} {self.detail}"


@dataclass(frozen=True, slots=True)
class Run:
    """Some points on one set of topics."""

    seed: int
    number: int
    mode: Mode
    points: tuple[Disturbance, ...]

    @property
    def centre(self) -> int:
        """The seed of its log."""
        return self.seed * 1000 + self.number % CENTRES


def make_plan(points: int, seed: int, *, broker_restarts: bool) -> list[Run]:
    """Runs with *points* disturbances together. Of each mode all kinds come before one comes again."""
    rng = random.Random(f"crash plan {seed}")
    decks = {"alone": _deck(rng, _ALONE), "group": _deck(rng, _GROUP), "broker": _deck(rng, _BROKER)}
    modes: list[Mode] = ["alone", "group", "alone", "group"]
    runs: list[Run] = []
    while points > 0:
        number = len(runs)
        mode = modes[number % len(modes)]
        if broker_restarts and number % 8 == 3:
            mode = "broker"
        size = min(points, len(_BROKER) if mode == "broker" else POINTS_PER_RUN)
        runs.append(Run(seed, number, mode, tuple(_in_order(rng, [next(decks[mode]) for _ in range(size)]))))
        points -= size
    return runs


def _deck(rng: random.Random, kinds: tuple[tuple[str, ...], ...]) -> Iterator[Disturbance]:
    """For ever: one of each group of *kinds*, then another of each."""
    turns = [rng.sample(group, len(group)) for group in kinds]
    n = 0
    while True:
        for group in rng.sample(turns, len(turns)):
            kind, _, detail = group[n % len(group)].partition(" ")
            yield _drawn(rng, kind, detail)
        n += 1


def _drawn(rng: random.Random, kind: str, detail: str) -> Disturbance:
    step = NAMED.get(detail, "")
    most = {"batch": 8, "snapshot": 3, "restore": 1, "project": 8}.get(step, 1)
    count = rng.randint(1, 2 if detail == "restore.reading_outputs" else most)
    return Disturbance(kind, detail, count, rng.uniform(0.0, 2.5), rng.random() < 0.3, rng.random() < 0.5)


def _in_order(rng: random.Random, points: list[Disturbance]) -> list[Disturbance]:
    """What needs a state to restore, or keys of a former owner to delete, does not come first."""
    first = next((n for n, point in enumerate(points) if _needs_nothing(point)), 0)
    points.insert(0, points.pop(first))
    head = points[0]
    points[0] = Disturbance(head.kind, head.detail, head.count, head.after_s, settle=True, orderly=True)
    return points


def _needs_nothing(point: Disturbance) -> bool:
    return NAMED.get(point.detail) not in ("restore", "revoke") and point.detail != "snapshot.half_deleted"


def _kills(*steps: str) -> tuple[str, ...]:
    return tuple(f"kill {point}" for step in steps for point in POINTS[step])


_ALONE: Final = (
    _kills("batch"),
    _kills("commit"),
    _kills("snapshot"),
    _kills("restore"),
    _kills("revoke"),
    _kills("project"),
    ("kill at random",),
    ("valkey killed", "valkey emptied"),
)
_GROUP: Final = (
    ("kill at random",),
    _kills("batch", "commit", "snapshot"),
    _kills("restore", "revoke"),
    ("join_and_kill at random",),
    ("zombie at random", *(f"zombie {point}" for point in ZOMBIE_POINTS)),
)
_BROKER: Final = (("broker stopped",), ("broker killed",), ("broker paused",))
