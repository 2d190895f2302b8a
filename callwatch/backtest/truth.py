"""What is known to have happened: the ground truth that `callwatch simulate` writes beside a recording."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from models.errors import InputError


@dataclass(frozen=True, slots=True)
class Trouble:
    """One trouble of one queue, epoch ms. *five_ms*: when its expected loss passes five calls, None when not said."""

    id: str
    queue: str
    kind: str
    size: float
    start_ms: int
    end_ms: int
    five_ms: int | None = None

    def meets(self, from_ms: int, until_ms: int | None, tail_ms: int) -> bool:
        """Whether from *from_ms* to *until_ms* (None: for ever) overlaps it with a tail in which it recovers."""
        return from_ms <= self.end_ms + tail_ms and (until_ms is None or until_ms >= self.start_ms)


def read_truth(path: Path) -> list[Trouble]:
    """The troubles in *path*, by start and queue. Raises InputError for what is no ground truth."""
    try:
        found = orjson.loads(path.read_bytes())
        troubles = [_trouble(row) for row in found["incidents"]]
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}. Is the name right?") from error
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is no ground truth ({type(error).__name__}: {error}): it is the JSON that `callwatch simulate` "
            'writes beside a recording: {"incidents": [{"queue": ..., "kind": ..., "start_ms": ..., "end_ms": ...}]}.'
        ) from error
    return sorted(troubles, key=lambda one: (one.start_ms, one.queue))


def _trouble(row: dict[str, Any]) -> Trouble:
    five = row.get("five_ms")
    return Trouble(
        id=str(row.get("incident", "")),
        queue=str(row["queue"]),
        kind=str(row["kind"]),
        size=float(row.get("size", 0.0)),
        start_ms=int(row["start_ms"]),
        end_ms=int(row["end_ms"]),
        five_ms=None if five is None else int(five),
    )
