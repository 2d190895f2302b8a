"""Lost calls and callers as data: what ``callwatch lost`` prints and the bulletin shows (`alerts.lost_calls`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from alerts.lost_calls import CAUSES, WORDS, Caller, Limits, LostCalls
from alerts.turning_points import DAYS_MAX, outstanding, turning_points
from models.errors import UsageError
from models.hours import local, settings_for, site_of
from models.topics import EVENTS

if TYPE_CHECKING:
    from models.catalogue import Catalogue
    from models.runtime import Settings

Json = dict[str, Any]
#: Events between two words on how far it is.
_SHOW_EVERY: Final = 50_000


@dataclass(frozen=True, slots=True)
class Days:
    """Local days, from *first* to *last* (ISO dates, both included); "" has no end."""

    first: str = ""
    last: str = ""

    def holds(self, day: str) -> bool:
        """Whether *day* is among them."""
        return day >= self.first and (not self.last or day <= self.last)


def limits_of(catalogue: Catalogue) -> Callable[[str], Limits]:
    """The short-abandon limit and the local day of each queue, as the settings have them."""

    def limits(queue: str) -> Limits:
        zone = site_of(catalogue, queue).zone
        return Limits(settings_for(catalogue, queue).short_ms, lambda ts: local(zone, ts).date().isoformat())

    return limits


def listened(
    known: Settings, source: str, wanted: Callable[[str], bool], show: Callable[[str], None]
) -> tuple[LostCalls, Catalogue]:
    """Everything in *source* (a recording, or the word topic) heard, and the settings by which its days are local.

    Raises InputError for a damaged recording, UsageError when there is no topic, WorkError when no broker answers.
    """
    from callwatch.intervals import in_zone
    from sources.recording import open_recording

    if source == "topic":
        found = LostCalls(limits_of(known.catalogue))
        asyncio.run(_hear_topic(known, found, wanted, show))
        return found.finish(), known.catalogue
    with open_recording(source) as recording:
        catalogue = in_zone(known.catalogue, recording.header.tzinfo.key)
        found = LostCalls(limits_of(catalogue))
        for n, event in enumerate(_events(recording)):
            _hear(found, event, wanted)
            if n % _SHOW_EVERY == 0:
                show(f"{n:,} events read")
    return found.finish(), catalogue


def _events(lines: Iterable[bytes]) -> Iterator[Json]:
    """What is an event; the worker's dead letters tell of the rest."""
    from models.decode import read
    from models.refusal import Refused

    for line in lines:
        try:
            yield read(line)
        except Refused:
            continue


def _hear(found: LostCalls, event: Json, wanted: Callable[[str], bool]) -> None:
    if event.get("queue") is None or wanted(event["queue"]):
        found.hear(event)


async def _hear_topic(
    known: Settings, found: LostCalls, wanted: Callable[[str], bool], show: Callable[[str], None]
) -> None:
    from models.topics import topic_name
    from streams.broker import partition_numbers, read_partition

    number = (await partition_numbers(known.kafka))[EVENTS]
    name = topic_name(known.kafka.prefix, EVENTS)
    if not number:
        raise UsageError(f"There is no topic {name} at {known.kafka.bootstrap}: start a worker, or check --prefix.")
    for partition in range(number):
        async for rows in read_partition(known.kafka, name, partition):
            for event in _events(value for _, _, value in rows if value is not None):
                _hear(found, event, wanted)
            show(f"partition {partition} of {name}")
        found.settle_all()  # the next partition begins in the past again


def summary(found: LostCalls, catalogue: Catalogue, days: Days = Days()) -> Json:
    """Days, turning points and callers. A caller belongs to the local day of the last loss."""
    rows: dict[str, Json] = {}
    for (queue, day), counts in sorted(found.days.items()):
        if days.holds(day):
            row = rows.setdefault(day, {"day": day, "arrivals": 0, "lost": dict.fromkeys(CAUSES, 0), "queues": {}})
            row["arrivals"] += counts.arrivals
            row["queues"][queue] = {"arrivals": counts.arrivals, "lost": dict(counts.lost)}
            for cause, n in counts.lost.items():
                row["lost"][cause] += n
    told = [rows[day] for day in sorted(rows)]
    day_of = limits_of(catalogue)
    callers = [c for c in found.lost_callers() if days.holds(day_of(c.queue).day_of(c.last_ms))]
    bad = bad_days(told)
    return {
        "days": told,
        "bad_days": bad,
        "turning_points": turns([day for day in told if day["day"] not in {one["day"] for one in bad}]),
        "callers": {
            "lost": len(callers),
            "recovered": sum(caller.is_recovered for caller in callers),
            "got_through": sum(caller.state == "got_through" for caller in callers),
            "reached": sum(caller.state == "reached" for caller in callers),
            "to_ring_back": sum(caller.state == "to_ring_back" for caller in callers),
            "forgotten": found.forgotten,
        },
        "lost_callers": [_caller(caller, catalogue) for caller in callers],
    }


def _caller(caller: Caller, catalogue: Catalogue) -> Json:
    """A caller and what became of the loss, by the clock of the queue's site."""
    zone = site_of(catalogue, caller.queue).zone

    def at(ms: int | None) -> str | None:
        return None if ms is None else local(zone, ms).isoformat(timespec="seconds")

    return {
        "caller": caller.masked,
        "queue": caller.queue,
        "state": caller.state,
        "times": caller.times,
        "cause": caller.cause,
        "last_ms": caller.last_ms,
        "last": at(caller.last_ms),
        "tries": caller.tries,
        "tried_ms": caller.tried_ms,
        "tried": at(caller.tried_ms),
        "cleared_ms": caller.cleared_ms,
        "cleared": at(caller.cleared_ms),
        "recovered": caller.is_recovered,
    }


def bad_days(days: list[Json]) -> list[Json]:
    """The days that lost far more than the week about them, each with the cause that did it, and words."""
    days = days[-DAYS_MAX:]
    found = []
    for at in outstanding(*_series(days)):
        day, rest = days[at], days[max(0, at - 3) : at] + days[at + 1 : at + 4]
        cause = max(CAUSES, key=lambda cause: _rate([day], cause) - _rate(rest, cause))
        share, usual = (sum(_rate(of, c) for c in CAUSES) for of in ([day], rest))
        (en, zh), shares = WORDS[cause], f"{share:.1%}"
        found.append({
            "day": day["day"],
            "share": share,
            "about": usual,
            "cause": cause,
            "en": f"{day['day']} stands out: {shares} of arrivals lost, {usual:.1%} in the week about it, most by {en}",
            "zh": f"{day['day']}异常:呼损率{shares},前后一周{usual:.1%},主因{zh}",
        })  # fmt: skip
    return found


def _series(days: list[Json]) -> tuple[list[int], list[int]]:
    """Lost calls and arrivals. A callback that fails is no arrival, and calls of yesterday evening are lost today: no
    more than arrived are counted."""
    return [min(sum(day["lost"].values()), day["arrivals"]) for day in days], [day["arrivals"] for day in days]


def turns(days: list[Json]) -> list[Json]:
    """The turning points, each with the cause that changed most per arrival, and words."""
    days = days[-DAYS_MAX:]
    found = turning_points(*_series(days))
    edges = [0, *(turn.at for turn in found), len(days)]
    told = []
    for n, turn in enumerate(found):
        before, after = days[edges[n] : edges[n + 1]], days[edges[n + 1] : edges[n + 2]]
        changes = {cause: _rate(after, cause) - _rate(before, cause) for cause in CAUSES}
        cause = max(CAUSES, key=lambda cause: abs(changes[cause]))
        day, (en, zh) = days[turn.at]["day"], WORDS[cause]
        shares = f"{turn.before:.1%} → {turn.after:.1%}"
        told.append({
            "day": day,
            "turn": "rise" if turn.is_rise else "fall",
            "before": turn.before,
            "after": turn.after,
            "cause": cause,
            "en": f"{'rise' if turn.is_rise else 'fall'} on {day}: {shares} of arrivals lost, most of it {en}",
            "zh": f"{day}起呼损率{'上升' if turn.is_rise else '下降'}:{shares},主因{zh}",
        })  # fmt: skip
    return told


def _rate(days: list[Json], cause: str) -> float:
    arrivals = sum(day["arrivals"] for day in days)
    return sum(day["lost"][cause] for day in days) / arrivals if arrivals else 0.0
