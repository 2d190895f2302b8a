"""Small worlds in which everything collides: few queues, calls, agents and customers, and times at every edge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
from hypothesis import strategies as st

from models.catalogue import Catalogue, FlowOut, Formula, OpeningHours, QueueSettings, Rule, Site
from models.event import AGENT_STATES, CHANNELS, FLOW_REASONS, LINES
from models.partition import partition_of
from tests.oracle.lives import Event
from tests.oracle.log import Watch

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
WEEKDAYS: Final = frozenset(range(5))
SITES: Final = (
    Site("north", "Asia/Jerusalem", 30),
    Site("south", "Australia/Lord_Howe", 15),  # its clocks change by half an hour
    Site("east", "Asia/Kathmandu", 30, (OpeningHours(WEEKDAYS, 540, 1020),)),  # 5:45 from UTC
    Site("*", "America/St_Johns", 15),  # 3:30 from UTC
)
QUEUES: Final = ("north/a", "north/b", "south/a", "east/a", "west/a")


def _at(zone: str, *when: int) -> int:
    return int(datetime(*when, tzinfo=ZoneInfo(zone)).timestamp()) * 1000  # type: ignore[misc, arg-type]


#: Where worlds begin: shortly before midnights and changes of the clock, and in the middle of nothing.
BEGINNINGS: Final = (
    _at("UTC", 2026, 3, 2, 10),
    _at("Asia/Jerusalem", 2026, 3, 26, 23, 40),  # two hours on, 02:00 becomes 03:00
    _at("Asia/Jerusalem", 2026, 10, 25, 0, 20),  # 02:00 becomes 01:00
    _at("Australia/Lord_Howe", 2026, 4, 5, 1, 10),  # 02:00 becomes 01:30
    _at("Australia/Lord_Howe", 2026, 10, 4, 1, 40),  # 02:00 becomes 02:30
    _at("Asia/Kathmandu", 2026, 3, 2, 16, 50),  # the shops shut
    _at("America/St_Johns", 2026, 3, 8, 0, 30),  # 02:00 becomes 03:00
    _at("America/St_Johns", 2026, 10, 31, 23, 10),  # 02:00 becomes 01:00
)
#: Distances of times, in ms: near each limit that something has.
STEPS: Final = st.one_of(
    st.sampled_from([0, 0, 1, 4_999, 5_000, 5_001, 20_000, 20_001, 59_999, 60_000, 299_999, 300_000]),
    st.integers(0, 90 * SECOND),
    st.sampled_from([10 * MINUTE, 30 * MINUTE - 1, 30 * MINUTE, 30 * MINUTE + 1, 31 * MINUTE, HOUR, 2 * HOUR]),
)
WAITS: Final = st.none() | st.sampled_from([-1, 0, 5_000, 5_001, 20_000, 20_001, 600_000]) | st.integers(0, 90_000)
#: How long a record takes to the log: most none, some half of what is let through, some more than that.
DELAYS: Final = st.sampled_from(
    [0] * 8
    + [-59_000, -3_000, 700, 5_000, 59_999, 60_001, 20 * MINUTE, 31 * MINUTE, 2 * HOUR, 4 * HOUR - MINUTE, 5 * HOUR]
)
#: Half-hours of the local week that are peaks: none, and every second one.
PEAKS: Final = (frozenset[int](), frozenset(range(0, 336, 2)))
#: A rule that finds nothing: orders of their own would move the window "resolve".
NEVER: Final = Rule("never", "waiting", "now", limit=1e9, target=1e9, below=False)
OUTCOMES: Final = ("call.answered", "call.abandoned", "call.flowed_out")


@dataclass(frozen=True)
class World:
    """A catalogue, and what comes onto the log in which order: ``(partition, entry)``, None for all partitions."""

    catalogue: Catalogue
    partitions: int
    script: tuple[tuple[int | None, Event | Watch], ...]


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    """Sites of different clocks, each queue with settings of its own."""
    settings = []
    for queue in QUEUES:
        one = QueueSettings(
            queue,
            draw(st.sampled_from(Formula)),
            threshold_ms=draw(st.sampled_from([20_000, 0, 60_000])),
            short_ms=draw(st.sampled_from([5_000, 0])),
            flow_out=draw(st.sampled_from(FlowOut)),
            immediate_ms=draw(st.sampled_from([5_000, 0])),
            peak=draw(st.sampled_from(PEAKS)),
        )
        settings.append(one)
    return Catalogue(sites=SITES, queues=tuple(settings), rules=(NEVER,))


def _optional(draw: st.DrawFn, **fields: Any) -> Event:
    return {name: value for name, value in ((name, draw(given)) for name, given in fields.items()) if value is not None}


#: What kind of call it is, said or not.
KIND: Final = {
    "customer": st.sampled_from([None, "c1", "c2"]),
    "line": st.sampled_from([None, *LINES, "washing"]),
    "channel": st.sampled_from([None, None, *CHANNELS, "pigeon"]),
    "direction": st.sampled_from([*[None] * 8, "in", "out"]),
}
NOTED: Final = (
    *("callback.requested", "callback.attempted", "callback.connected", "callback.failed", "callback.failed"),
    *("call.rated", "call.scored", "call.resolved", "probe.result", "agent.login_failed"),
)


@st.composite
def notes(draw: st.DrawFn, at: int, queues: tuple[str, ...]) -> list[Event]:
    """What counts once; the identities are few, so that some are said twice of different things."""
    queue, kind = draw(st.sampled_from(queues)), draw(st.sampled_from(NOTED))
    event = {"id": f"{queue}-{draw(st.sampled_from([1, 2, 3, 4, 5]))}", "type": kind, "ts": at, "queue": queue}
    event |= {"call": draw(st.sampled_from("xyz"))} | _optional(
        draw,
        customer=KIND["customer"],
        direction=KIND["direction"],
        agent=st.sampled_from([None, "p"]),
        value=st.none() | st.sampled_from([0, 1, 5, 4.5, 4.35, -3, 2.675, 0.0005]) | st.integers(0, 10),
        ok=st.none() | st.booleans(),
    )
    return [event]


@st.composite
def moments(draw: st.DrawFn, at: int, queues: tuple[str, ...]) -> list[Event]:
    """One event of a call out of a few, with no regard to what else was said of it."""
    kind = draw(
        st.sampled_from(
            ["call.offered", "ring.no_answer", *OUTCOMES, *OUTCOMES, "call.completed", "call.blocked", "ivr.abandoned"]
        )
    )
    event = {"type": kind, "ts": at, "queue": draw(st.sampled_from(queues)), "call": draw(st.sampled_from("xyz"))}
    event |= _optional(draw, leg=st.sampled_from([None, None, 1, 2]), **KIND)
    if draw(st.integers(0, 4)) == 0:
        event["first_queued_ts"] = at - draw(STEPS)
    if kind in OUTCOMES:
        event |= _optional(draw, wait_ms=WAITS)
    if kind == "call.completed":
        event |= _optional(draw, talk_ms=WAITS, hold_ms=WAITS, wrap_ms=WAITS)
    return [event]


@st.composite
def journeys(draw: st.DrawFn, at: int, queues: tuple[str, ...], name: str) -> list[Event]:
    """A caller through one queue or several, there and back, by overflow or transfer, to some end or none."""
    way = draw(st.lists(st.sampled_from(queues), min_size=1, max_size=4))
    first, legs = at, dict.fromkeys(queues, 0)
    same = {"call": name} | _optional(draw, **KIND)
    out: list[Event] = []
    for n, queue in enumerate(way):
        legs[queue] += 1
        here = same | {"queue": queue, "leg": legs[queue]}
        if n:
            here |= {"from_queue": way[n - 1], "first_queued_ts": first}
        if n or draw(st.integers(0, 9)):
            out.append(here | {"type": "call.offered", "ts": at})
        at += draw(STEPS)
        if n < len(way) - 1:
            reason = draw(st.sampled_from(sorted(FLOW_REASONS)))
            out.append(here | {"type": "call.flowed_out", "ts": at, "reason": reason} | _optional(draw, wait_ms=WAITS))
    out += draw(_ends(at, here))
    return out


@st.composite
def _ends(draw: st.DrawFn, at: int, here: Event) -> list[Event]:
    kind = draw(st.sampled_from([None, "ring.no_answer", "call.answered", "call.answered", "call.abandoned"]))
    if kind is None:
        return []
    out = [here | {"type": kind, "ts": at}]
    if kind in OUTCOMES:
        out[0] |= _optional(draw, wait_ms=WAITS)
    if kind == "call.answered" and draw(st.booleans()):
        times = _optional(draw, talk_ms=WAITS, hold_ms=WAITS, wrap_ms=WAITS)
        out.append(here | {"type": "call.completed", "ts": at + draw(STEPS)} | times)
    return out


@st.composite
def shifts(draw: st.DrawFn, at: int, queues: tuple[str, ...]) -> list[Event]:
    """An agent's states in a queue."""
    same = {"type": "agent.state", "agent": draw(st.sampled_from("pq")), "queue": draw(st.sampled_from(queues))}
    out = []
    for _ in range(draw(st.integers(1, 5))):
        out.append(same | {"state": draw(st.sampled_from(sorted(AGENT_STATES))), "ts": at})
        at += draw(STEPS)
    return out


@st.composite
def happenings(draw: st.DrawFn, begin: int) -> list[Event]:
    """All that happens in a world."""
    queues = draw(st.sampled_from([QUEUES[:1], QUEUES[:2], QUEUES[1:4], QUEUES]))
    at, out = begin, []
    for n in range(draw(st.integers(1, 9))):
        at += draw(STEPS)
        if draw(st.integers(0, 19)) == 0:  # a quiet stretch
            at += draw(st.sampled_from([3, 5, 11, 30])) * HOUR
        kind = draw(st.sampled_from(["moment", "moment", "journey", "journey", "shift", "note"]))
        if kind == "moment":
            out += draw(moments(at, queues))
        elif kind == "note":
            out += draw(notes(at, queues))
        elif kind == "journey":
            out += draw(journeys(at, queues, f"j{n}"))
        else:
            out += draw(shifts(at, queues))
    out = out or draw(shifts(at, queues))
    return [{"id": str(n), "source": "s", **event} for n, event in enumerate(out)]


@st.composite
def worlds(draw: st.DrawFn, *, calm: bool = False) -> World:
    """A world and the way its events come: late, early, repeated, into the wrong partition, among clocks that jump.

    *calm*: nothing comes more than an hour late, and no order is resolved.
    """
    delays = DELAYS.filter(lambda ms: ms <= HOUR) if calm else DELAYS
    begin, partitions = draw(st.sampled_from(BEGINNINGS)), draw(st.sampled_from([1, 1, 2, 3, 8]))
    sent: list[tuple[int, Event]] = []
    for happened in draw(happenings(begin)):
        for _ in range(2 if draw(st.integers(0, 19)) == 0 else 1):
            sent.append((max(happened["ts"] + draw(delays), begin), happened))
    sent.sort(key=lambda one: one[0])
    clocks = {begin, *draw(st.lists(_instants(begin, [event for _, event in sent]), max_size=12))}
    script: list[tuple[int | None, Event | Watch]] = []
    now = 0
    last: list[tuple[int, Event | None]] = [(sent[-1][0] + draw(STEPS) + 5_001, None)]
    for at, event in [*sent, *last]:
        due = sorted(clock for clock in clocks if now < clock <= at)
        if event is None or event["ts"] > (due[-1] if due else now) + MINUTE:
            due.append(at)
        for now in due:
            script.append((None, {"type": "clock", "ts": now}))
            if not calm and draw(st.integers(0, 9)) == 0:
                queue = draw(st.sampled_from(QUEUES))
                begins = draw(st.booleans())
                script.append((partition_of(queue, partitions), Watch(queue, now if begins else None)))
        if event is not None:
            home = partition_of(event["queue"], partitions)
            script.append(((home + 1) % partitions if draw(st.integers(0, 19)) == 0 else home, event))
    return World(draw(catalogues()), partitions, tuple(script))


def in_order(world: World) -> World:
    """The same events once each by time, in one partition, with a clock whenever one would lie ahead; same end."""
    events = {orjson.dumps(e): e for p, e in world.script if p is not None and isinstance(e, dict)}
    script: list[tuple[int | None, Event | Watch]] = [world.script[0]]
    now = _time(world.script[0][1])
    for event in sorted(events.values(), key=lambda event: event["ts"]):
        if event["ts"] > now + MINUTE:
            now = event["ts"] - MINUTE
            script.append((None, {"type": "clock", "ts": now}))
        script.append((0, event))
    return World(world.catalogue, 1, (*script, world.script[-1]))


def _time(entry: Event | Watch) -> int:
    return entry["ts"] if isinstance(entry, dict) else 0


def _instants(begin: int, events: list[Event]) -> st.SearchStrategy[int]:
    """Times at which something may change: soon after an event, when it leaves a window, at the turn of an hour."""
    edges = [0, 1, 5_000, 20_000, 20_001, 60_000, 300_000, 900_000, 30 * MINUTE, 30 * MINUTE + 1, 4 * HOUR, 5 * HOUR]
    after = st.builds(lambda event, step: event["ts"] + step, st.sampled_from(events), st.sampled_from(edges))
    return after | st.integers(0, 48).map(lambda n: (begin // (30 * MINUTE) + n) * 30 * MINUTE)
