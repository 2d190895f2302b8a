"""Storms: how a unit stands, as its home tells every partition (``storm.changed``).

What is told of a unit is absolute and numbered; a partition keeps the newest of each, from *from_ms* of its own time
on. So a repeat is harmless, and what a storm does to the order of a queue is decided where its partition's log says it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from models.fields import TEXT_MAX
from models.unit import UNITS_MAX

TYPE: Final = "storm.changed"
#: The id under which a storm stands among the symptoms of its order; permanent like a rule's, and no rule is called so.
STORM: Final = "storm"


_Text = Annotated[str, Field(max_length=TEXT_MAX)]


@dataclass(frozen=True, slots=True)
class Parent:
    """A storm that is on: the order of its unit, who has it and how far that person is."""

    id: _Text
    since_ms: int
    owner: _Text | None
    owner_name: _Text
    acknowledged: bool = False
    resolved: bool = False
    cause: _Text = ""
    measure: _Text = ""
    by: _Text = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How *unit* stands from *from_ms* on.

    *wide*: it has queues enough for a storm, so a page about one of them waits a little. *gathering_ms*: until then
    further queues are expected, because some broke just now. *ended*: how the storm before ended, empty while none did.
    """

    unit: _Text
    n: int  #: newest wins
    from_ms: int
    wide: bool = False
    gathering_ms: int = 0
    parent: Parent | None = None
    ended: Literal["", "closed", "cancelled"] = ""


class StormChanged(BaseModel):
    """A record of the topic ``events``, to every partition that has a share in one of the units."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str
    source: Literal["callwatch"]
    type: Literal["storm.changed"]
    ts: int = Field(description="the tick at which it was decided")
    units: list[Standing] = Field(max_length=UNITS_MAX)


_STANDINGS: Final = TypeAdapter(list[Standing])


def storm_record(home: int, units: list[dict[str, Any]], ts_ms: int) -> dict[str, Any]:
    """A ``storm.changed`` of what *home* decided at *ts_ms*; *units* are standings as dicts."""
    return {"id": f"s-{home}-{ts_ms}", "source": "callwatch", "type": TYPE, "ts": ts_ms, "units": units}


def read_storm(record: dict[str, Any]) -> list[Standing]:
    """The standings in a ``storm.changed``; none where no home wrote it: anybody may write to the log."""
    try:
        units = record["units"]
        return _STANDINGS.validate_json(orjson.dumps(units), strict=True) if len(units) <= UNITS_MAX else []
    except (KeyError, TypeError, ValueError):
        return []
