"""What ``callwatch plan`` shows of a plan: its days in a table, what is missing in it, what its agents do not reach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

import orjson

from alerts.staffing.erlang import Load, steady
from alerts.staffing.needed import Goal, agents_needed
from models.catalogue import Catalogue
from models.hours import is_open, local, settings_for, site_of
from models.plan.interval import PlanDay, PlanInterval, day_bounds_ms
from models.plan.record import packed

#: Findings named one by one; beyond it only their number.
NAMED_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a plan that a planner should look at; *kind* counts like ones."""

    kind: str
    text: str


def findings(
    days: Sequence[PlanDay],
    catalogue: Catalogue,
    goal: Goal | None,
    patience_s: float,
    show: Callable[[str], None] = lambda _: None,
) -> Iterator[Finding]:
    """What is missing or does not fit: open hours without a forecast, a forecast without handle time, agents below
    what is required or, with a *goal*, below what Erlang A needs for it. *show* gets how far it is."""
    short = 0
    for n, day in enumerate(days):
        show(f"{n} of {len(days)} days looked at")
        yield from _gaps(day, catalogue)
        for one in day.intervals:
            yield from _numbers(day, one)
            load = _load(one, patience_s)
            if goal is not None and load is not None and not goal.met(steady(load, one.scheduled or 0.0)):
                short += 1
                yield _short(day, one, agents_needed(load, goal) if short <= NAMED_MAX else None)


def _gaps(day: PlanDay, catalogue: Catalogue) -> Iterator[Finding]:
    site, settings = site_of(catalogue, day.queue), settings_for(catalogue, day.queue)
    first_ms, end_ms = day_bounds_ms(day.day, day.zone)
    planned = {one.start_ms for one in day.intervals if one.offered is not None}
    step_ms = site.interval_min * 60_000
    missing = [at for at in range(first_ms, end_ms, step_ms) if at not in planned and is_open(site, settings, at)]
    if missing:
        at = f"{local(day.zone, missing[0]):%H:%M}"
        rest = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        text = f"{day.queue} {day.day}: no forecast at {at}{rest}, in opening hours"
        yield Finding("days with open hours without a forecast", text)


def _numbers(day: PlanDay, one: PlanInterval) -> Iterator[Finding]:
    at = f"{day.queue} {local(day.zone, one.start_ms):%Y-%m-%d %H:%M}"
    if one.offered and one.handle_ms is None:
        yield Finding("forecasts without a handle time", f"{at}: {one.offered:g} calls and no handle time")
    if one.required is not None and one.scheduled is not None and one.scheduled < one.required:
        text = f"{at}: {one.scheduled:g} scheduled where {one.required:g} are required"
        yield Finding("intervals with fewer agents than required", text)


def _load(one: PlanInterval, patience_s: float) -> Load | None:
    if not one.offered or one.handle_ms is None or one.scheduled is None:
        return None
    return Load(one.offered / (one.minutes * 60), one.handle_ms / 1000, patience_s)


def _short(day: PlanDay, one: PlanInterval, needed: float | None) -> Finding:
    """*needed* is worked out for those that are named: thirty steps of the model for each."""
    at = f"{day.queue} {local(day.zone, one.start_ms):%Y-%m-%d %H:%M}"
    text = f"{at}: {one.scheduled:g} scheduled" + ("" if needed is None else f" where {needed:.1f} are needed")
    return Finding("intervals with fewer agents than the target needs", text)


def told(found: Iterable[Finding]) -> Iterator[str]:
    """*found* in lines: the first of each kind by name, and how many there are."""
    seen: Counter[str] = Counter()
    for finding in found:
        seen[finding.kind] += 1
        if seen[finding.kind] <= NAMED_MAX:
            yield finding.text
    for kind, n in seen.items():
        yield f"{n} {kind}"


def chosen(days: Iterable[PlanDay], queue: str, day: str) -> list[PlanDay]:
    """The days of queues that match the pattern *queue* on the date *day* ("" is any)."""
    return [one for one in days if fnmatchcase(one.queue, queue or "*") and (not day or one.day == day)]


def summary(days: Sequence[PlanDay]) -> str:
    """One line for a person."""
    queues, dates = {day.queue for day in days}, sorted({day.day for day in days})
    intervals = sum(len(day.intervals) for day in days)
    span = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    version, name = days[0].version, days[0].name
    return f'plan {version} "{name}": {len(queues)} queues, {span}, {len(days)} days, {intervals} intervals'


def table(days: Iterable[PlanDay]) -> Iterator[str]:
    """A line for each interval, in local time; "-" is not planned."""
    yield f"{'queue':<24} {'start':<22} {'min':>3} {'offered':>9} {'handle s':>9} {'required':>9} {'scheduled':>9}"
    for day in days:
        for one in day.intervals:
            start = local(day.zone, one.start_ms)
            handle_s = None if one.handle_ms is None else one.handle_ms / 1000
            cells = [_cell(value) for value in (one.offered, handle_s, one.required, one.scheduled)]
            yield f"{day.queue:<24} {start:%Y-%m-%d %H:%M %z} {one.minutes:>3} " + " ".join(f"{c:>9}" for c in cells)


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}".removesuffix(".0")


def as_json(days: Iterable[PlanDay], **more: Any) -> str:
    """The days as in the log, with their queue."""
    body = {"days": [{"queue": day.queue, **packed(day)} for day in days], **more}
    return orjson.dumps(body, option=orjson.OPT_INDENT_2).decode() + "\n"
