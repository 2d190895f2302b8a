"""A report as a PBX would write it, from the bank's TSV: an independent plain reading, without any code of ours."""

from __future__ import annotations

import lzma
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tests import recorded

ZONE = "Asia/Jerusalem"
HEADER = "Skill;Date;Time;Offered;Answered;Abandoned;In 20 s;SL;Wait"
MAP = """\
[file]
delimiter = ";"
zone = "Asia/Jerusalem"
time = "%d.%m.%Y %H:%M"
minutes = 30
decimal = ","
totals = ["Total*"]

[columns]
queue = "Skill"
start = ["Date", "Time"]

[figures]
offered = "Offered"
answered = "Answered"
abandoned = "Abandoned"
answered_in_threshold = "In 20 s"
service_level = "SL"
wait_sum = "Wait"

[queues]
Regular = "bank/PS"
English = "bank/PE"
Internet = "bank/IN"
Stocks = "bank/NE"
New = "bank/NW"
Callback = "bank/TT"
"""
SKILLS = {
    "PS": "Regular",
    "PE": "English",
    "IN": "Internet",
    "NE": "Stocks",
    "NW": "New",
    "TT": "Callback",
}

#: Queue (skill) and local start of the interval.
Key = tuple[str, datetime]


@dataclass(frozen=True)
class BankCall:
    """One offered call of the TSV in local time."""

    call: str
    skill: str
    arrival: datetime
    ended: datetime
    answered: bool
    wait_s: int


def _seconds(text: str) -> int:
    h, m, s = text.split(":")
    return int(h) * 3600 + int(m) * 60 + int(s)


def _instant(day: str, clock: str, entry: str) -> datetime:
    base = datetime.strptime("19" + day, "%Y%m%d")  # noqa: DTZ007 - local on purpose
    return base + timedelta(days=_seconds(entry) - _seconds(clock) > 12 * 3600, seconds=_seconds(clock))


def lines_of(month: str, last_day: int) -> list[str]:
    """The rows of the TSV of *month* (``02``) up to a day."""
    with lzma.open(recorded.month(month), "rt", encoding="latin-1") as file:
        return [text for text in file.readlines()[1:] if int(text.split("\t")[5][4:]) <= last_day]


def calls_of(lines: Iterable[str]) -> list[BankCall]:
    """The calls of the TSV's *lines* that came to a queue, by the mapping of the data's README."""
    out = []
    for text in lines:
        f = [cell.strip() for cell in text.rstrip("\n").split("\t")]
        if len(f) != 17 or f[12] == "PHANTOM":
            continue
        line, number, kind, day, entry, vru_exit = f[0], f[1], f[4], f[5], f[6], f[7]
        q_start, q_exit, outcome, ser_start = f[9], f[10], f[12], f[13]
        queued = q_start != "0:00:00"
        if not queued and outcome == "HANG":
            continue
        first = q_start if queued else ser_start if ser_start != "0:00:00" else vru_exit
        wait = (_seconds(q_exit) - _seconds(q_start)) % 86_400 if queued else 0
        at = _instant(day, first, entry)
        name = f"bank-{day}-{line}-{int(number)}"
        out.append(BankCall(name, kind, at, at + timedelta(seconds=wait), outcome == "AGENT", wait))
    return out


def half_hour(at: datetime) -> datetime:
    """The start of the half-hour that *at* lies in."""
    return at.replace(minute=at.minute // 30 * 30, second=0)


def by_arrival(calls: Iterable[BankCall]) -> dict[Key, Counter[str]]:
    """Counts of each interval, all of a call where it arrived."""
    return _counted(calls, outcome_at_end=False)


def by_outcome(calls: Iterable[BankCall]) -> dict[Key, Counter[str]]:
    """Counts of each interval, the outcome where it happened."""
    return _counted(calls, outcome_at_end=True)


def _counted(calls: Iterable[BankCall], *, outcome_at_end: bool) -> dict[Key, Counter[str]]:
    out: dict[Key, Counter[str]] = defaultdict(Counter)
    for call in calls:
        out[(call.skill, half_hour(call.arrival))]["offered"] += 1
        n = out[(call.skill, half_hour(call.ended if outcome_at_end else call.arrival))]
        n["answered" if call.answered else "abandoned"] += 1
        n["in"] += call.answered and call.wait_s <= 20
        n["short"] += not call.answered and call.wait_s <= 5
        n["wait"] += call.wait_s if call.answered else 0
    return out


def write_report(path: Path, intervals: dict[Key, Counter[str]]) -> str:
    """The report as csv, with a total for each day as such reports have; returns its name."""
    lines, day = [HEADER], None
    for (skill, start), n in sorted(intervals.items(), key=lambda item: (item[0][1], item[0][0])):
        if day not in (None, start.date()):
            lines.append("Total of the day;;;999;999;999;999;99,9;999")
        day = start.date()
        base = n["answered"] + n["abandoned"] - n["short"]
        level = f"{100 * n['in'] / base:.2f}".replace(".", ",") if base else ""
        counts = ";".join(str(n[name]) for name in ("offered", "answered", "abandoned", "in"))
        lines.append(f"{SKILLS.get(skill, f'bank/{skill}')};{start:%d.%m.%Y;%H:%M};{counts};{level};{n['wait']}")
    path.write_text("\n".join(lines) + "\n")
    return str(path)
