"""Slow twins: the plain formulas that the fast paths of models/ are held to."""

from __future__ import annotations

import math
from typing import Any

from models import event as ev
from models.decode import Decoded, LastClock, read
from models.decode import decode as fast_decode
from models.interner import Names
from models.partition import partition_of
from models.refusal import Reason, Refused

MASK = 2**64 - 1


def hash_text(text: str) -> int:
    """FNV-1a 64 of the UTF-8 bytes, then fmix64 of MurmurHash3, 0 taken as 1."""
    h = 0xCBF29CE484222325
    for byte in text.encode():
        h = ((h ^ byte) * 0x100000001B3) & MASK
    h = ((h ^ (h >> 33)) * 0xFF51AFD7ED558CCD) & MASK
    h = ((h ^ (h >> 33)) * 0xC4CEB9FE1A85EC53) & MASK
    return (h ^ (h >> 33)) or 1


def identity(event: dict[str, Any]) -> int:
    """The identity by the table in ``models/identity.py``."""
    kind = ev.EVENT_TYPES[event["type"]]
    leg = event.get("leg")
    of_leg = (event.get("queue"), event.get("call"), 1 if leg is None else leg)
    parts: tuple[Any, ...]
    if kind is ev.EventType.CALL_BLOCKED:
        parts = ("b", *of_leg)
    elif kind is ev.EventType.IVR_ABANDONED:
        parts = ("m", *of_leg)
    elif 12 <= kind <= 17:
        parts = ("q", *of_leg)
    elif kind is ev.EventType.AGENT_STATE:
        parts = ("a", event["queue"], event["agent"])
    else:
        parts = ("r", event["source"], event["id"])
    return hash_text("\x1f".join(map(str, parts)))


def duration(event: dict[str, Any], field: str) -> int:
    given = event.get(field)
    return ev.UNKNOWN if given is None else ev.NEGATIVE if given < 0 else given


def code(event: dict[str, Any]) -> int:
    if event["type"] == "agent.state":
        return int(ev.AGENT_STATES[event["state"]])
    if event["type"] == "call.flowed_out":
        return int(ev.FLOW_REASONS.get(event.get("reason") or "", 0))
    ok = event.get("ok")
    return ev.UNKNOWN if ok is None else int(ok)


def who(event: dict[str, Any]) -> int:
    kind = ev.EVENT_TYPES[event["type"]]
    mark, given = ("c", event.get("customer")) if kind in ev.CALL_TYPES else ("g", event.get("agent"))
    if given is None or kind not in ev.CALL_TYPES | {ev.EventType.AGENT_STATE, ev.EventType.AGENT_LOGIN_FAILED}:
        return 0
    return hash_text(f"{mark}\x1f{given}")


def origin(event: dict[str, Any]) -> int:
    *site, skill = (event.get("from_queue") or "").split("/")
    return hash_text("s\x1f" + "/".join(site)) if skill and any(site[0:1] + site[1:2]) else 0


def numbers(event: dict[str, Any]) -> tuple[int, int, int]:
    """Line, channel, direction."""
    line, channel = event.get("line"), event.get("channel")
    return (
        ev.LINES.index(line) if line in ev.LINES else 0,
        0 if channel is None else ev.CHANNELS.index(channel) if channel in ev.CHANNELS else 6,
        1 if event.get("direction") == "out" else 0,
    )


def row(event: dict[str, Any], names: list[str]) -> tuple[Any, ...]:
    """What the columns hold of *event*, from ``kind`` on, ``value`` last (NaN as None); adds its queue to *names*."""
    kind = ev.EVENT_TYPES[event["type"]]
    number = -1
    if kind not in ev.QUEUELESS_TYPES and event["queue"] != "*" and not event["queue"].endswith("/*"):
        if event["queue"] not in names:
            names.append(event["queue"])
        number = names.index(event["queue"])
    first = event.get("first_queued_ts")
    value = event.get("value")
    return (
        int(kind),
        event["ts"],
        number,
        identity(event),
        *(duration(event, field) for field in ("wait_ms", "talk_ms", "hold_ms", "wrap_ms")),
        ev.UNKNOWN if first is None else first,
        code(event),
        who(event),
        origin(event),
        *numbers(event),
        None if value is None else float(value),
    )


def rows(decoded: Decoded) -> list[tuple[Any, ...]]:
    """The rows of *decoded* in the form of `row`, each with its offset before it."""
    c = decoded.columns
    fields = (c.offset, c.kind, c.ts, c.queue, c.key, c.wait_ms, c.talk_ms, c.hold_ms, c.wrap_ms, c.first_queued_ts)
    more = (c.code, c.who, c.origin, c.line, c.channel, c.direction)
    value = [None if math.isnan(v) else v for v in c.value.tolist()]
    return list(zip(*(f.tolist() for f in (*fields, *more)), value, strict=True))


def decode(
    values: list[bytes | None], partition: int, partitions: int, now_ms: int
) -> tuple[list[tuple[Any, ...]], dict[int, str], dict[int, int], dict[int, dict[str, Any]]]:
    """`models.decode.decode` one record at a time, offsets being positions.

    Returns rows, dead letters (offset: reason), misrouted (offset: partition) and records by row.
    """
    good: list[tuple[Any, ...]] = []
    dead: dict[int, str] = {}
    misrouted: dict[int, int] = {}
    records: dict[int, dict[str, Any]] = {}
    names: list[str] = []
    for offset, value in enumerate(values):
        try:
            event = read(value)
        except Refused as refused:
            dead[offset] = str(refused.reason)
            continue
        kind = ev.EVENT_TYPES[event["type"]]
        if kind not in ev.QUEUELESS_TYPES and partition_of(event["queue"], partitions) != partition:
            misrouted[offset] = partition_of(event["queue"], partitions)
            continue
        if kind is ev.EventType.CLOCK:
            now_ms = max(now_ms, event["ts"])
        if kind not in ev.CONTROL_TYPES and now_ms != -1 and event["ts"] > now_ms + 60_000:
            dead[offset] = "ahead_of_clock"
            continue
        if kind in ev.RECORDED_TYPES:
            records[len(good)] = event
        good.append((offset, *row(event, names)))
    return good, dead, misrouted, records


def hold(values: list[bytes | None], *, partition: int, partitions: int, now_ms: int) -> Decoded:
    """Hold `models.decode.decode` to `decode` in everything it says of *values*, and return what it said."""
    names = Names()
    at = range(len(values))
    decoded = fast_decode(
        values, at, topic="events", partition=partition, partitions=partitions, names=names, clock=LastClock(now_ms)
    )
    good, dead, misrouted, records = decode(values, partition, partitions, now_ms)
    assert rows(decoded) == good
    assert [(letter.offset, letter.reason) for letter in decoded.dead] == list(dead.items())
    for letter in decoded.dead:
        assert letter.value == (values[letter.offset] or b"")
        if letter.reason != Reason.AHEAD_OF_CLOCK:
            assert letter.detail == refusal(values[letter.offset]).detail
    assert [(m.offset, m.partition) for m in decoded.misrouted] == list(misrouted.items())
    for m in decoded.misrouted:
        assert m.value == values[m.offset]
        assert m.queue == read(m.value)["queue"]
    assert decoded.columns.records == records
    assert names.names == list(dict.fromkeys(read(values[r[0]])["queue"] for r in good if r[3] >= 0))
    everywhere = [r[0] for r in good] + list(dead) + list(misrouted)
    assert sorted(everywhere) == list(at)
    return decoded


def refusal(value: bytes | None) -> Refused:
    """Why *value* is no event."""
    try:
        read(value)
    except Refused as refused:
        return refused
    raise AssertionError(f"an event: {value!r}")
