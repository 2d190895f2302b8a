"""The call event: its types, its fields, and the columns that a decoded batch of them becomes.

One event is one JSON object on the topic ``events``. A batch of them is decoded (``models.decode``) into an
`EventColumns`: one numpy array per field, one row per record, so that a kernel can read it without objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray


class EventType(IntEnum):
    """What happened. The integer goes into the columns; ``EVENT_TYPES`` has the name on the wire."""

    CLOCK = 0
    ORDER_COMMAND = 1
    RULES_CHANGED = 2
    UNIT_SUMS = 3
    PLAN_CHANGED = 4
    HABIT_LEARNED = 5
    STORM_CHANGED = 6
    CALL_BLOCKED = 10
    IVR_ABANDONED = 11
    CALL_OFFERED = 12
    RING_NO_ANSWER = 13
    CALL_ANSWERED = 14
    CALL_ABANDONED = 15
    CALL_FLOWED_OUT = 16
    CALL_COMPLETED = 17
    CALLBACK_REQUESTED = 20
    CALLBACK_ATTEMPTED = 21
    CALLBACK_CONNECTED = 22
    CALLBACK_FAILED = 23
    CALL_RATED = 24
    CALL_SCORED = 25
    CALL_RESOLVED = 26
    AGENT_STATE = 30
    AGENT_LOGIN_FAILED = 31
    PROBE_RESULT = 32
    SOURCE_HEARTBEAT = 33


#: Names on the wire: ``CALL_FLOWED_OUT`` is ``call.flowed_out``. Only the first underscore becomes a dot.
EVENT_TYPES: Final[dict[str, EventType]] = {t.name.lower().replace("_", ".", 1): t for t in EventType}
TYPE_NAMES: Final[dict[EventType, str]] = {t: name for name, t in EVENT_TYPES.items()}

#: Types that the log itself needs: they are decided where they lie, so a batch is cut at each of them.
CONTROL_TYPES: Final[frozenset[EventType]] = frozenset(
    {
        EventType.CLOCK,
        EventType.ORDER_COMMAND,
        EventType.RULES_CHANGED,
        EventType.UNIT_SUMS,
        EventType.PLAN_CHANGED,
        EventType.HABIT_LEARNED,
        EventType.STORM_CHANGED,
    }
)
#: Types whose whole record travels beside the columns (``EventColumns.records``) for Python to read.
RECORDED_TYPES: Final[frozenset[EventType]] = CONTROL_TYPES | {EventType.PROBE_RESULT, EventType.SOURCE_HEARTBEAT}
#: Types that belong to a contact and therefore need ``call``.
CALL_TYPES: Final[frozenset[EventType]] = frozenset(t for t in EventType if 10 <= t <= 26)
#: Types that name no queue: they go to every partition.
QUEUELESS_TYPES: Final[frozenset[EventType]] = frozenset(
    {EventType.CLOCK, EventType.RULES_CHANGED, EventType.SOURCE_HEARTBEAT, EventType.STORM_CHANGED}
)


class AgentState(IntEnum):
    """State of an agent in one queue (``state`` of ``agent.state``)."""

    OFFLINE = 0
    READY = 1
    RINGING = 2
    TALKING = 3
    HOLD = 4
    WRAP = 5
    NOT_READY = 6


class FlowReason(IntEnum):
    """Why a call left a queue without answer or hang-up (``reason`` of ``call.flowed_out``)."""

    UNKNOWN = 0
    TIMEOUT = 1
    OVERFLOW = 2
    KEY = 3
    TRANSFER = 4
    CALLBACK = 5
    VOICEMAIL = 6
    NO_AGENTS = 7


AGENT_STATES: Final[dict[str, AgentState]] = {s.name.lower(): s for s in AgentState}
FLOW_REASONS: Final[dict[str, FlowReason]] = {r.name.lower(): r for r in FlowReason}

#: Words of ``line``; the position is the number in the columns. What is absent or none of them is "other".
LINES: Final = ("other", "report", "dispatch", "enquiry", "complaint", "callback", "information")
#: Words of ``channel``. Absent is "voice", what is none of them "other".
CHANNELS: Final = ("voice", "callback", "chat", "email", "message", "video", "other")
#: Words of ``direction``. What is absent or none of them is "in".
DIRECTIONS: Final = ("in", "out")

#: An event that lies further ahead of the clock than this is refused (DESIGN section 3).
AHEAD_LIMIT_MS: Final = 60_000
#: An event older than this counts as too late and touches no call (DESIGN section 4).
LATENESS_MS: Final = 4 * 3_600_000
#: A waiting call with no word from its source for this long is lost track of.
LOST_TRACK_MS: Final = 30 * 60_000
#: How far ahead is looked for callers who will pass the threshold: long enough to do something, short enough to be
#: sure of.
SOON_MS: Final = 20_000
#: Absent integers in the columns.
UNKNOWN: Final = -1
#: A duration that its source gave as negative: taken as 0 and counted.
NEGATIVE: Final = -2


@dataclass(slots=True)
class EventColumns:
    """A decoded batch of one partition, one row per good record, in log order.

    Times are epoch milliseconds UTC, durations milliseconds, ``UNKNOWN`` (-1) where the record has none.
    """

    offset: NDArray[np.int64]
    kind: NDArray[np.int16]  #: EventType
    ts: NDArray[np.int64]
    queue: NDArray[np.int32]  #: index into the interner of queue names; -1 for types that name no queue, and for units
    key: NDArray[np.uint64]  #: identity of what the record speaks of (see ``models.identity``)
    wait_ms: NDArray[np.int64]
    talk_ms: NDArray[np.int64]
    hold_ms: NDArray[np.int64]
    wrap_ms: NDArray[np.int64]
    first_queued_ts: NDArray[np.int64]
    code: NDArray[np.int8]  #: AgentState of agent.state, FlowReason of call.flowed_out, ok (0/1) of probe.result
    value: NDArray[np.float64]  #: NaN where absent
    who: NDArray[np.uint64]  #: identity of the customer of a call, or of the agent of an agent's record; 0 for none
    origin: NDArray[np.uint64]  #: identity of the site of ``from_queue``; 0 where that names no queue
    line: NDArray[np.int8]  #: index into LINES
    channel: NDArray[np.int8]  #: index into CHANNELS
    direction: NDArray[np.int8]  #: index into DIRECTIONS
    #: whole records of RECORDED_TYPES by row: ``{row: dict}``
    records: dict[int, dict[str, Any]]

    def __len__(self) -> int:
        return len(self.offset)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that is not an event: where it lay, a named reason, what to do about it, and its bytes."""

    topic: str
    partition: int
    offset: int
    reason: str
    detail: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Misrouted:
    """A good record of another partition: forwarded there and counted, not applied here."""

    offset: int
    queue: str
    partition: int
    value: bytes
