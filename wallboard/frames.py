"""Changes of the board as server-sent events: whole rows, or rows with no more figures than a screen shows.

A row has some hundred figures in 5 KB, a tile shows a dozen of them. A screen names its figures once (`chosen`), and
what it gets is encoded once for all the screens that named the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import orjson

from models.errors import UsageError
from models.metric import FIGURES
from wallboard.board import Event
from wallboard.position import Position

#: ``metric@window`` of the figures that a screen wants; None: whole rows.
Chosen = frozenset[str] | None
#: Names of figures in a request: more than that is a row that might as well be whole.
CHOSEN_MAX: Final = 100

_NAMES: Final = frozenset(f"{metric}@{window}" for metric, window in FIGURES)


def chosen(text: str | None) -> Chosen:
    """The figures that *text* (``metric@window,metric@window``) names; None: all of them.

    Raises UsageError for a name that there is not, and for too many.
    """
    if text is None:
        return None
    names = frozenset(name for name in text.split(",") if name)
    if len(names) > CHOSEN_MAX:
        raise UsageError(f"figures: {len(names)} names; at most {CHOSEN_MAX}, or leave it out for whole rows")
    if unknown := sorted(names - _NAMES)[:3]:
        raise UsageError(
            f"figures: there is no {', '.join(unknown)}; /api/metrics-dictionary has the metrics and their windows, "
            "written as service_level_live@5m"
        )
    return names


def frame(name: str, data: dict[str, Any], position: Position, wanted: Chosen = None) -> bytes:
    """One SSE event; of a queue's row with the figures that are *wanted*, and whatever else it has."""
    if wanted is not None and name == "queue":
        data = {**data, "figures": {key: value for key, value in data["figures"].items() if key in wanted}}
    # the JSON has no line breaks, so it is one ``data:`` line
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (str(position).encode(), name.encode(), orjson.dumps(data))


def frames(events: Iterable[Event], wanted: Chosen = None) -> bytes:
    """All *events*, one after the other."""
    return b"".join(frame(name, data, position, wanted) for name, data, position in events)
