"""``callwatch lost``: lost calls by day and cause, the days on which their share turns, and whom to ring back."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from models.errors import UsageError
from models.topics import EVENTS

if TYPE_CHECKING:
    from alerts.lost_calls import Limits, LostCalls
    from models.catalogue import Catalogue

#: Callers listed: what a shift can ring. All of them are in ``--json``.
LISTED: Final = 50


def register(app: typer.Typer) -> None:
    """Add ``lost``."""
    app.command("lost")(lost)


def lost(
    source: Annotated[
        str, typer.Argument(metavar="REC|topic", help="A recording (- is standard input), or the word topic: Kafka.")
    ],
    queue: Annotated[str, typer.Option(metavar="QUEUE", help="Of this queue alone; wildcards are possible.")] = "*",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, with every caller.")] = False,
    settings: Annotated[Path | None, typer.Option(metavar="FILE", help="Sites, short-abandon limits, broker.")] = None,
    bootstrap: Annotated[str, typer.Option(metavar="HOST:PORT", help="Broker; overrides the settings.")] = "",
    prefix: Annotated[str | None, typer.Option(help="Of the topics; overrides the settings.")] = None,
) -> None:
    """Show the lost calls by local day and cause, where their share turns, and the callers to ring back.

    Callers are shown by the last four characters of their pseudonym. Who got through since, or was reached, is not
    on the list.
    """
    import orjson

    from alerts.lost_calls import LostCalls
    from callwatch.commands.orders_log import with_broker
    from callwatch.intervals import in_zone
    from callwatch.progress import Progress
    from sources.recording import open_recording

    known = with_broker(settings, bootstrap, prefix)
    with Progress() as progress:
        if source == "topic":
            found = LostCalls(limits_of(known.catalogue))
            asyncio.run(_hear_topic(known, found, queue, progress.show))
        else:
            with open_recording(source) as recording:
                found = LostCalls(limits_of(in_zone(known.catalogue, recording.header.tzinfo.key)))
                for n, event in enumerate(_events(recording)):
                    _hear(found, event, queue)
                    if n % 50_000 == 0:
                        progress.show(f"{n:,} events read")
    found.finish()
    told = summary(found)
    sys.stdout.write(orjson.dumps(told).decode() + "\n" if as_json else text(told))


def limits_of(catalogue: Catalogue) -> Callable[[str], Limits]:
    """The short-abandon limit and the local day of each queue, as the settings have them."""
    from alerts.lost_calls import Limits
    from models.hours import local, settings_for, site_of

    def limits(queue: str) -> Limits:
        zone = site_of(catalogue, queue).zone
        return Limits(settings_for(catalogue, queue).short_ms, lambda ts: local(zone, ts).date().isoformat())

    return limits


def _events(lines: Iterator[bytes] | Any) -> Iterator[dict[str, Any]]:
    """What is an event; the worker's dead letters tell of the rest."""
    from models.decode import read
    from models.refusal import Refused

    for line in lines:
        try:
            yield read(line)
        except Refused:
            continue


def _hear(found: LostCalls, event: dict[str, Any], pattern: str) -> None:
    if event.get("queue") is None or fnmatchcase(event["queue"], pattern):
        found.hear(event)


async def _hear_topic(known: Any, found: LostCalls, pattern: str, show: Callable[[str], None]) -> None:
    from models.topics import topic_name
    from streams.broker import partition_numbers, read_partition

    number = (await partition_numbers(known.kafka))[EVENTS]
    name = topic_name(known.kafka.prefix, EVENTS)
    if not number:
        raise UsageError(f"There is no topic {name} at {known.kafka.bootstrap}: start a worker, or check --prefix.")
    for partition in range(number):
        async for rows in read_partition(known.kafka, name, partition):
            for event in _events(value for _, _, value in rows if value is not None):
                _hear(found, event, pattern)
            show(f"partition {partition} of {name}")
        found.settle_all()  # the next partition begins in the past again


def summary(found: LostCalls) -> dict[str, Any]:
    """All of it for JSON: days, turning points, callers."""
    from alerts.lost_calls import CAUSES

    days: dict[str, dict[str, Any]] = {}
    for (queue, day), counts in sorted(found.days.items()):
        row = days.setdefault(day, {"day": day, "arrivals": 0, "lost": dict.fromkeys(CAUSES, 0), "queues": {}})
        row["arrivals"] += counts.arrivals
        row["queues"][queue] = {"arrivals": counts.arrivals, "lost": dict(counts.lost)}
        for cause, n in counts.lost.items():
            row["lost"][cause] += n
    callers = found.ring_back()
    lost_callers = [caller for caller in found.callers.values() if caller.times]
    return {
        "days": [days[day] for day in sorted(days)],
        "turning_points": _turns([days[day] for day in sorted(days)]),
        "callers": {
            "lost": len(lost_callers),
            "recovered": sum(caller.is_recovered for caller in lost_callers),
            "reached": sum(caller.reached for caller in lost_callers),
            "to_ring_back": len(callers),
            "forgotten": found.forgotten,
        },
        "ring_back": [
            {"caller": c.masked, "queue": c.queue, "times": c.times, "last_ms": c.last_ms, "cause": c.cause,
             "tries": c.tries}
            for c in callers
        ],
    }  # fmt: skip


def _turns(days: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The turning points, each with the cause that changed most per arrival."""
    from alerts.turning_points import DAYS_MAX, turning_points

    days = days[-DAYS_MAX:]
    lost = [sum(day["lost"].values()) for day in days]
    # a callback that fails is no arrival, and calls of yesterday evening are lost today
    turns = turning_points([min(n, day["arrivals"]) for n, day in zip(lost, days, strict=True)],
                           [day["arrivals"] for day in days])  # fmt: skip
    edges = [0, *(turn.at for turn in turns), len(days)]
    found = []
    for n, turn in enumerate(turns):
        before, after = days[edges[n] : edges[n + 1]], days[edges[n + 1] : edges[n + 2]]
        changes = {cause: _rate(after, cause) - _rate(before, cause) for cause in days[0]["lost"]}
        found.append({
            "day": days[turn.at]["day"],
            "turn": "rise" if turn.is_rise else "fall",
            "before": turn.before,
            "after": turn.after,
            "cause": max(changes, key=lambda cause: abs(changes[cause])),
        })  # fmt: skip
    return found


def _rate(days: list[dict[str, Any]], cause: str) -> float:
    arrivals = sum(day["arrivals"] for day in days)
    return sum(day["lost"][cause] for day in days) / arrivals if arrivals else 0.0


def text(told: dict[str, Any]) -> str:
    """The summary for a terminal."""
    from datetime import UTC, datetime

    from alerts.lost_calls import CAUSES, WORDS

    heads = ["day", "arrivals", "lost", *(f"{WORDS[c][0]} {WORDS[c][1]}" for c in CAUSES), "share"]
    lines = [
        [day["day"], str(day["arrivals"]), str(sum(day["lost"].values())), *(str(day["lost"][c]) for c in CAUSES),
         f"{sum(day['lost'].values()) / day['arrivals']:.1%}" if day["arrivals"] else "-"]
        for day in told["days"]
    ]  # fmt: skip
    out = [_aligned([heads, *lines]), ""]
    for turn in told["turning_points"]:
        zh = "上升" if turn["turn"] == "rise" else "下降"
        words = WORDS[turn["cause"]]
        out.append(
            f"{turn['turn']} {zh} on {turn['day']}: {turn['before']:.1%} to {turn['after']:.1%} of arrivals, "
            f"most of it {words[0]} {words[1]}"
        )
    if not told["turning_points"]:
        out.append("no turning point: the share of lost calls did not change beyond its own unrest")
    callers = told["callers"]
    out += ["", f"{callers['lost']} known callers lost, {callers['recovered']} of them through within 24 h, "
            f"{callers['to_ring_back']} to ring back 待回拨"]  # fmt: skip
    for c in told["ring_back"][:LISTED]:
        at = datetime.fromtimestamp(c["last_ms"] / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        tried = f", {c['tries']} tries" if c["tries"] else ""
        out.append(f"{at}  {c['caller']:<6} {c['queue']}  {WORDS[c['cause']][0]}, lost {c['times']}x{tried}")
    if len(told["ring_back"]) > LISTED:
        out.append(f"... and {len(told['ring_back']) - LISTED} more: --json has all")
    return "\n".join(out) + "\n"


def _aligned(rows: list[list[str]]) -> str:
    from rich.cells import cell_len

    widths = [max(cell_len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(" " * (width - cell_len(cell)) + cell for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
