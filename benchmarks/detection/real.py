"""The five real months: what was found of the incidents that are known, and every other order, to be named.

The data ("Anonymous Bank") is not part of this project: its folder is given. Hours are those of its README; holidays
are not known to the judgement, so quiet days that were probably holidays are orders, and listed as such.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
from rich.table import Table

from agents.actor import Record
from benchmarks import machine
from callwatch.backtest.happened import Episode, Happened, OrderSpan
from callwatch.backtest.run import run
from callwatch.settings import parse_settings
from models.errors import InputError
from models.hours import local
from sources.anonymous_bank import ACKNOWLEDGEMENT, DEFAULT_ZONE, import_bank
from sources.pseudonym import Pseudonyms
from sources.recording import open_recording
from sources.timeline import Item

Json = dict[str, Any]
Say = Callable[[str], None]
ZONE: Final = ZoneInfo(DEFAULT_ZONE)
SETTINGS: Final = f"""
[[site]]
name = "bank"
zone = "{DEFAULT_ZONE}"
hours = ["Sun-Thu 07:00-24:00", "Fri 07:00-14:00", "Sat 20:00-24:00"]
"""
#: Between clocks: five months have 13 million seconds, and a minute is the longest after which a half-hour is whole.
CLOCK_MS: Final = 60_000
TAIL_MS: Final = 30 * 60_000
#: (what, from, to) of the data's README, local time.
INCIDENTS: Final = (
    ("gap in arrivals", "1999-01-13T09:59", "1999-01-13T11:37"),
    ("282 of 285 callers hang up: looks like a routing fault", "1999-02-03T12:50", "1999-02-03T13:20"),
    ("no calls at all", "1999-03-02T14:25", "1999-03-02T19:15"),
    ("no calls at all", "1999-03-08T11:31", "1999-03-08T23:00"),
    ("40 to 46 % of the day's queued callers abandon", "1999-03-11T07:00", "1999-03-12T00:00"),
    ("40 to 46 % of the day's queued callers abandon", "1999-03-18T07:00", "1999-03-19T00:00"),
    ("gap in arrivals", "1999-03-22T11:17", "1999-03-22T13:26"),
    ("40 to 46 % of the day's queued callers abandon", "1999-03-24T07:00", "1999-03-25T00:00"),
    ("413 calls in the opening hour", "1999-05-17T07:00", "1999-05-17T08:00"),
    ("1,293 arrivals, half of the queued callers abandon", "1999-05-23T20:00", "1999-05-23T23:00"),
)
_NIGHT_MIN: Final = (30, 390)
#: Days that its README calls quiet, probably holidays.
QUIET: Final = ("1999-03-31", "1999-04-01", "1999-04-06", "1999-04-07", "1999-05-20")


def is_wanted(item: Item) -> bool:
    """All but most clocks of the night: from 00:30 until 06:30, when all is closed, one in ten minutes is enough."""
    minute = item.at_ms // 60_000
    return not item.clock or minute % 10 == 0 or not _NIGHT_MIN[0] <= _minute(item.at_ms) < _NIGHT_MIN[1]


def _minute(at_ms: int) -> int:
    at = local(ZONE.key, at_ms)
    return at.hour * 60 + at.minute


def measure(
    folder: Path, say: Say, clock_ms: int = CLOCK_MS, on_record: Callable[[Record], None] | None = None
) -> Json:
    """Import the months in *folder*, judge them, and put what was said beside what is known.

    Raises InputError when there are none.
    """
    files = sorted(str(path) for path in folder.glob("1999-*.tsv*"))
    if not files:
        raise InputError(f"{folder} holds no 1999-MM.tsv.xz ({ACKNOWLEDGEMENT}): give the folder of the months.")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        path = str(Path(place) / "bank.ndjson.zst")
        import_bank(files, path, made_by="callwatch bench detection", pseudonyms=Pseudonyms("bench"), say=say)
        settings = parse_settings(SETTINGS, "settings of the benchmark", {})
        with open_recording(path) as recording:
            outcome = run(
                recording,
                settings.catalogue,
                clock_every_ms=clock_ms,
                is_wanted=is_wanted,
                on_record=on_record,
                progress=lambda now_ms, events: say(f"real months: {_at(now_ms)}, {events:,} events"),
            )
    found = told(outcome.happened)
    weeks = (outcome.last_ms - outcome.first_ms) / 604_800_000
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": machine.commit(),
        "machine": machine.machine(),
        "seconds": time.monotonic() - began,
        "acknowledgement": ACKNOWLEDGEMENT,
        "months": len(files),
        "clock_s": clock_ms / 1000,
        "queue_weeks": weeks * len(outcome.queues),
        "weeks": weeks,
        **found,
    }


def told(happened: Happened) -> Json:
    """The incidents with what found each, and every order that met none."""
    spans = [(what, _ms(start), _ms(end)) for what, start, end in INCIDENTS]
    other = [
        order
        for order in sorted(happened.orders.values(), key=lambda one: one.raised_ms)
        if not any(_meets(order, start_ms, end_ms) for _, start_ms, end_ms in spans)
    ]
    return {
        "incidents": [_incident(what, start_ms, end_ms, happened) for what, start_ms, end_ms in spans],
        "orders": [_order(one) for one in other],
    }


def _meets(order: OrderSpan, start_ms: int, end_ms: int) -> bool:
    return order.raised_ms <= end_ms + TAIL_MS and (order.until_ms is None or order.until_ms >= start_ms)


def _incident(what: str, start_ms: int, end_ms: int, happened: Happened) -> Json:
    first = min(
        (e for e in happened.episodes.values() if e.how and start_ms <= e.told_ms <= end_ms + TAIL_MS),
        key=lambda one: one.told_ms,
        default=None,
    )
    out: Json = {"what": what, "start_ms": start_ms, "end_ms": end_ms, "from": _at(start_ms), "to": _at(end_ms)}
    return out | _by(first, start_ms)


def _by(first: Episode | None, start_ms: int) -> Json:
    if first is None:
        return {"found": False, "queue": None, "rule": None, "delay_s": None, "sentence": None}
    late_s = (first.told_ms - start_ms) / 1000
    return {"found": True, "queue": first.queue, "rule": first.rule, "delay_s": late_s, "sentence": first.sentence}


def _order(order: OrderSpan) -> Json:
    day = _at(order.raised_ms)[:10]
    return {
        "at": _at(order.raised_ms),
        "until": None if order.until_ms is None else _at(order.until_ms),
        "queue": order.queue,
        "rules": order.rules,
        "severity": order.severity,
        "sentence": order.sentence,
        "quiet_day": day in QUIET,
    }


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp() * 1000)


def _at(at_ms: int) -> str:
    return local(ZONE.key, at_ms).strftime("%Y-%m-%d %H:%M")


# --- for people -----------------------------------------------------------------------------------------------------

KNOWN: Final = ("what", "from", "to", "found by", "queue", "delay")


def known(found: Json) -> list[tuple[str, ...]]:
    """A row for each incident."""
    return [
        (
            one["what"],
            one["from"],
            one["to"],
            one["rule"] or "NOT FOUND",
            one["queue"] or "-",
            "-" if one["delay_s"] is None else f"{one['delay_s'] / 60:.1f} min",
        )
        for one in found["incidents"]
    ]


def kinds(found: Json) -> list[tuple[str, ...]]:
    """Orders that met no known incident, by queue and the rule that opened them: how many, and how many a week."""
    count: dict[tuple[str, str], list[int]] = {}
    for order in found["orders"]:
        row = count.setdefault((order["queue"], order["rules"][0] if order["rules"] else "-"), [0, 0])
        row[0] += 1
        row[1] += order["quiet_day"]
    ranked = sorted(count.items(), key=lambda one: -one[1][0])
    return [(queue, rule, str(n), f"{n / found['weeks']:.2f}", str(quiet)) for (queue, rule), (n, quiet) in ranked]


KINDS: Final = ("queue", "opened by", "orders", "a week", "of them on quiet days")


def tables(found: Json) -> list[Table]:
    """For a terminal."""
    out = []
    for title, names, rows in (("Known incidents", KNOWN, known(found)), ("Other orders", KINDS, kinds(found))):
        table = Table(title=title)
        for name in names:
            table.add_column(name)
        for row in rows:
            table.add_row(*row)
        out.append(table)
    out[0].caption = found["acknowledgement"]
    return out


def markdown(found: Json) -> str:
    """The results as a page; the kinds of other orders are named in docs/DETECT.md."""
    on = found["machine"]
    quiet = sum(order["quiet_day"] for order in found["orders"])
    lines = [
        "# Five real months",
        "",
        f"Data: {found['acknowledgement']}. {found['months']} months, the default rules, opening hours as in its "
        f"README, no holidays, nothing learned beforehand; a clock every {found['clock_s']:g} s.",
        "",
        f"{sum(one['found'] for one in found['incidents'])} of {len(found['incidents'])} known incidents found; "
        f"{len(found['orders'])} orders that meet none of them in {found['queue_weeks']:.0f} queue-weeks "
        f"({len(found['orders']) / found['queue_weeks']:.2f} a queue and week), {quiet} of them on days that were "
        "probably holidays.",
        "",
        *_grid(KNOWN, known(found)),
        "## Other orders",
        "",
        *_grid(KINDS, kinds(found)),
        "## One by one",
        "",
        *(f"- {o['at']} {o['queue']} [{', '.join(o['rules'])}] {o['sentence']}" for o in found["orders"]),
        "",
        f"Machine: {on['cpu']}, {on['cores']} cores, Python {on['python']}; {found['seconds']:.0f} s. "
        f"Commit {found['commit']}, {found['date']}. Again: `callwatch bench detection --real DIR`.",
        "",
    ]
    return "\n".join(lines)


def _grid(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        "| " + " | ".join(names) + " |",
        "|" + "---|" * len(names),
        *("| " + " | ".join(r) + " |" for r in rows),
        "",
    ]


def write(found: Json, folder: Path) -> None:
    """Write ``real_months.json`` and ``real_months.md`` into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "real_months.json").write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
    (folder / "real_months.md").write_text(markdown(found), encoding="utf-8")
