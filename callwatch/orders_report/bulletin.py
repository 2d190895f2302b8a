"""The bulletin as data: what `callwatch orders report --format json` writes and the page shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from itertools import pairwise
from typing import Any, Final

from alerts.loop_figures import LoopFigures, loads, loop_figures, rule_figures, touches
from alerts.order_facts import Facts, facts_of
from alerts.workorder import OPEN
from callwatch.journal import Journal
from callwatch.orders_report.beside import beside
from callwatch.orders_report.period import Period
from models.catalogue import Catalogue
from models.duty import stints
from models.errors import InputError
from models.hours import local
from models.shifts import rota_of

VERSION: Final = 1
HALF_HOURS: Final = 48

Json = dict[str, Any]


def bulletin(
    journal: Journal, period: Period, catalogue: Catalogue, scope: Json, lost_calls: Json | None = None
) -> Json:
    """All of it for *period*. *scope* says what the journal was read for (site, queue); *lost_calls* is a summary of
    them (`callwatch.lost_report`), which no log of orders has.

    Of a period that is not over yet, time is counted as far as the log reaches.
    """
    orders, left_out = _orders(journal, period)
    from_ms = period.from_ms
    to_ms = period.to_ms if journal.last_ms is None else max(from_ms, min(period.to_ms, journal.last_ms + 1))
    return {
        "version": VERSION,
        "period": asdict(period) | {"from": _at(period, from_ms), "to": _at(period, to_ms)},
        "scope": scope,
        "log_until_ms": journal.last_ms,
        "log_until": None if journal.last_ms is None else _at(period, journal.last_ms),
        "is_over": journal.last_ms is not None and journal.last_ms >= to_ms,
        "figures": asdict(loop_figures(orders, from_ms, to_ms)),
        "by_severity": {
            str(severity): asdict(loop_figures(_of(orders, "severity", severity), from_ms, to_ms))
            for severity in sorted({facts.order["severity"] for facts in orders})
        },
        "by_queue": [
            {"queue": queue, **_short(loop_figures(_of(orders, "queue", queue), from_ms, to_ms))}
            for queue in sorted({facts.order["queue"] for facts in orders})
        ],
        "flow": _flow(orders, period, to_ms),
        "half_hours": _half_hours(orders, period),
        "rules": [asdict(rule) for rule in rule_figures(orders, from_ms, to_ms)],
        "people": [asdict(load) for load in loads(orders, from_ms, to_ms, shift_of(catalogue))],
        "orders": [_row(facts, period) for facts in orders],
        "notes": _notes(journal, period),
        **beside(journal.beside, period),
        "lost_calls": lost_calls,
        "left_out": left_out,
    }


def shift_of(catalogue: Catalogue) -> Callable[[str, int], int | None]:
    """When the shift or duty of a person began that holds a time; None off duty, and for somebody always on duty."""
    people = rota_of(catalogue).people

    def begins(person: str, at_ms: int) -> int | None:
        known = people.get(person)
        return min((s.starts_ms for s in stints(catalogue, known, at_ms)), default=None) if known else None

    return begins


def _orders(journal: Journal, period: Period) -> tuple[list[Facts], list[Json]]:
    """The orders of the period, oldest first, and those whose log is not whole, with the reason."""
    found, left_out = [], []
    for order, entries in journal.entries.items():
        try:
            facts = facts_of(entries, period.to_ms)
        except InputError as error:
            if any(entry["at_ms"] >= period.from_ms for entry in entries):
                left_out.append({"order": order, "reason": str(error)})
            continue
        if facts is not None and touches(facts, period.from_ms, period.to_ms):
            found.append(facts)
    found.sort(key=lambda facts: (facts.raised_ms, facts.order["id"]))
    return found, sorted(left_out, key=lambda left: str(left["order"]))


def _of(orders: Iterable[Facts], name: str, value: Any) -> list[Facts]:
    return [facts for facts in orders if facts.order[name] == value]


def _short(figures: LoopFigures) -> Json:
    """What a line of a table of queues has room for."""
    counts = figures.counts
    return {
        **{what: counts[what] for what in ("raised", "closed", "failed", "relapsed", "undecided", "cancelled")},
        "open_at_end": figures.open_at_end,
        "respond_kept": asdict(figures.respond_kept),
        "resolve_kept": asdict(figures.resolve_kept),
    }


def _flow(orders: list[Facts], period: Period, until_ms: int) -> list[Json]:
    """Orders raised, over and open, bucket by bucket, as far as the log reaches."""
    rows = []
    for from_ms, to_ms in pairwise(at for at in [*period.edges()[:-1], until_ms] if at <= until_ms):
        found = loop_figures(orders, from_ms, to_ms)
        begun, over = ("raised", "relapsed"), ("closed", "cancelled")
        rows.append({
            "from_ms": from_ms,
            "label": local(period.zone, from_ms).strftime("%H:%M" if period.kind in ("shift", "day") else "%m-%d"),
            "raised": sum(found.counts[what] for what in begun),
            "over": sum(found.counts[what] for what in over),
            "open_at_end": found.open_at_end,
        })  # fmt: skip
    return rows


def _half_hours(orders: Iterable[Facts], period: Period) -> list[int]:
    """Orders raised by half-hour of the local day: what an average over the day would hide."""
    counts = [0] * HALF_HOURS
    for facts in orders:
        for happening in facts.happened:
            if happening.what in ("raised", "relapsed") and period.from_ms <= happening.at_ms < period.to_ms:
                at = local(period.zone, happening.at_ms)
                counts[at.hour * 2 + at.minute // 30] += 1
    return counts


_SHOWN: Final = (
    "id", "queue", "state", "severity", "owner", "owner_name", "symptoms", "opened_ms", "closed_ms", "reopened",
    "escalation", "cause", "measure", "sentence",
)  # fmt: skip


def _row(facts: Facts, period: Period) -> Json:
    """An order as it stood at the end of the period."""
    row = {name: facts.order[name] for name in _SHOWN}
    ends_ms: int | None = facts.order["closed_ms"]
    check = facts.order["verification"] if facts.order["state"] == "verifying" else None
    return row | {
        "is_open": facts.order["state"] in OPEN,
        "verification": check and check["state"],
        "waits_for": check and check["sentence"],
        "hold_until": _maybe_at(period, facts.order["hold_until_ms"]),
        "resolve_by": _maybe_at(period, facts.order["resolve_by_ms"]),
        "opened": _at(period, facts.raised_ms),
        "closed": _maybe_at(period, ends_ms),
        "late": sorted({limit.name for limit in facts.limits if not limit.kept}),
        "verdict": next((h.kind for h in reversed(facts.happened) if h.what == "verdict"), None),
    }


def _notes(journal: Journal, period: Period) -> list[Json]:
    """The trend notes of the period, each once as it was told last in it, by when they began."""
    found: dict[str, Json] = {}
    for n, alert in enumerate(journal.notes):
        note = alert.get("note") or {}
        if period.from_ms <= alert["at_ms"] < period.to_ms:
            key = note.get("id") or f"{n}"
            first: int = found[key]["at_ms"] if key in found else alert["at_ms"]
            found[key] = {
                "id": note.get("id"),
                "queue": alert["queue"],
                "rule": note.get("rule"),
                "at_ms": first,
                "at": _at(period, first),
                "state": note.get("state"),
                "text": alert["text"],
                "zh": alert["zh"],
            }
    return sorted(found.values(), key=lambda note: (note["at_ms"], note["queue"], note["text"]))


def _maybe_at(period: Period, at_ms: int | None) -> str | None:
    return None if at_ms is None else _at(period, at_ms)


def _at(period: Period, at_ms: int) -> str:
    return local(period.zone, at_ms).isoformat(timespec="seconds")
