"""The log of an evening on a rota in which every clock of the loop rings: what is due when, by name.

Orders are opened by what people and systems report, so no calls have to be made up; a shift ends in the middle of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from alerts.episode import short_id
from callwatch.settings import parse_settings
from models.catalogue import Catalogue
from models.encode import clock_record, command_record, encode_event
from tests.crash.centre import Centre, in_one_go, said_by

#: 2026-11-25 21:00 in Shanghai; the late shift ends at 22:00, the night is over at 06:00 of the next day.
START_MS: Final = 1_795_611_600_000
MIN: Final = 60
CLOCK_S: Final = 5
LASTS_S: Final = 72 * MIN
SOURCE: Final = "test"

SETTINGS: Final = """
[limits]
respond_min = [5, 10, 30]
resolve_min = [30, 60, 480]
remind_min = [10, 12, 120]
undecided_min = 20
reopen_min = 15
[[site]]
name = "north"
zone = "Asia/Shanghai"
[[queue]]
pattern = "*"
department = "floor"
[[department]]
name = "floor"
[[shift]]
name = "day"
department = "floor"
zone = "Asia/Shanghai"
hours = ["daily 06:00-14:00"]
lead = "cat"
[[shift]]
name = "late"
department = "floor"
zone = "Asia/Shanghai"
hours = ["daily 14:00-22:00"]
lead = "ann"
people = ["lia"]
[[shift]]
name = "night"
department = "floor"
zone = "Asia/Shanghai"
hours = ["daily 22:00-06:00"]
lead = "bob"
"""
PEOPLE: Final = (
    ("ann", "group_leader"),
    ("bob", "group_leader"),
    ("cat", "group_leader"),
    ("lia", "liaison"),
    ("tom", "team_leader"),
    ("sue", "supervisor"),
    ("max", "manager"),
)


@dataclass(frozen=True, slots=True)
class Boundary:
    """Something that is to happen once, at a second of the evening; *record* of the log brings it."""

    name: str
    queue: str
    decided: str  #: ``event:decision``
    at_s: int
    record: int = 0


@cache
def settings() -> str:
    """The settings file."""
    people = (
        f'[[person]]\nid = "{one}"\nname = "{one.title()}"\ndepartment = "floor"\ntier = "{tier}"\n'
        for one, tier in PEOPLE
    )
    return SETTINGS + "".join(people)


@cache
def catalogue() -> Catalogue:
    """What they say."""
    return parse_settings(settings(), "evening.toml", {}).catalogue


#: Each with the time at which it is due, in seconds of the evening.
DUE: Final = (
    Boundary("warning to respond", "north/warn", "respond_due:warned", 5 * MIN),
    Boundary("second warning to respond", "north/warn", "respond_due:warned", 7 * MIN + 30),
    Boundary("respond_due", "north/warn", "respond_due:escalated", 10 * MIN),
    Boundary("problem record", "north/again", "report:problem_opened", 10 * MIN),
    Boundary("reminder", "north/remind", "remind_due:reminded", 13 * MIN),
    Boundary("cancelled by a second person", "north/false", "confirm_cancel:moved", 16 * MIN),
    Boundary("hold_due", "north/hold", "hold_due:moved", 17 * MIN),
    Boundary("accept_due", "north/accept", "accept_due:judged_again", 20 * MIN),
    Boundary("relapse at the end of its window", "north/relapse", "relapsed:reopened", 20 * MIN + CLOCK_S),
    Boundary("another order after its window", "north/later", "report:raised", 20 * MIN + 2 * CLOCK_S),
    Boundary("undecided", "north/signed", "undecided:undecided", 24 * MIN),
    Boundary("negotiated limit", "north/agree", "resolve_due:late", 25 * MIN),
    Boundary("handover offered", "north/remind", "shift_ends:offered", 30 * MIN),
    Boundary("warning to resolve", "north/remind", "resolve_due:warned", 45 * MIN),
    Boundary("resolve_due", "north/remind", "resolve_due:late", 60 * MIN),
    Boundary("handover due", "north/signed", "handover_due:not_accepted", 70 * MIN),
)
RESOLVED: Final = {"cause": "staffing", "measure": "two agents moved over"}


def _said() -> Iterator[tuple[int, str, str, str, dict[str, Any]]]:
    """(second, queue, command, actor, args) of all that is said this evening."""
    seen = {"kind": "on_site", "severity": 2, "verify": "probe", "text": "the menu hangs up"}
    for queue in ("warn", "remind", "hold", "accept", "agree", "false"):
        yield 0, queue, "report", "tom", seen
        if queue != "warn":
            yield MIN, queue, "acknowledge", "ann", {}
    yield 2 * MIN, "hold", "hold", "ann", {"reason": "carrier", "until_ms": START_MS + 17 * MIN * 1_000}
    yield 3 * MIN, "accept", "accept", "sue", {"reason": "flu", "until_ms": START_MS + 20 * MIN * 1_000}
    yield 2 * MIN, "agree", "propose_limit", "lia", {"until_ms": START_MS + 25 * MIN * 1_000}
    yield 3 * MIN, "agree", "agree_limit", "ann", {}
    yield 14 * MIN, "false", "cancel", "ann", {"reason": "false alarm: a drill"}
    yield 16 * MIN, "false", "confirm_cancel", "sue", {}
    yield 0, "signed", "report", "tom", {**seen, "verify": "signed", "person": "sue"}
    yield MIN, "signed", "acknowledge", "ann", {}
    yield 4 * MIN, "signed", "resolve", "ann", RESOLVED
    for queue, back_s in (("relapse", 20 * MIN + CLOCK_S), ("later", 20 * MIN + 2 * CLOCK_S)):
        yield from _sent(queue, "k", 0, 5 * MIN)
        yield from _sent(queue, "k", back_s)
    for n, key in enumerate("abc"):
        yield from _sent("again", key, (6 + 2 * n) * MIN, (7 + 2 * n) * MIN)


def _sent(queue: str, key: str, at_s: int, over_s: int = 0) -> Iterator[tuple[int, str, str, str, dict[str, Any]]]:
    """A finding of another system, and its word that it is over."""
    finding = {"kind": "external", "severity": 2, "verify": "sender", "text": "trunk alarm", "key": key}
    yield at_s, queue, "report", "noc", finding
    if over_s:
        yield over_s, queue, "over", "noc", {"key": key}


@cache
def evening() -> tuple[Centre, tuple[Boundary, ...]]:
    """The log of one partition with what an uninterrupted run says, and the boundaries with their records."""
    said = sorted(_said(), key=lambda one: one[0])
    log: list[bytes] = []
    ids: dict[str, str] = {}
    found: dict[Boundary, int] = {}
    for second in range(0, LASTS_S + 1, CLOCK_S):
        at_ms = START_MS + second * 1_000
        for due in DUE:
            if due.at_s == second:
                found[due] = len(log)
        log.append(clock_record(at_ms, "replay"))
        if second % 30 == 0:
            log.append(encode_event({"id": f"b{second}", "source": "pbx", "type": "source.heartbeat", "ts": at_ms}))
        while said and said[0][0] == second:
            _, name, command, actor, args = said.pop(0)
            queue = f"north/{name}"
            if command == "report":
                ids.setdefault(queue, _order_of(queue, str(len(log))))
            for due in DUE:
                if due.at_s == second and due.queue == queue and due.decided.partition(":")[0] in (command, "relapsed"):
                    found[due] = len(log)  # a command brings it
            order = "-" if command in ("report", "over") else ids[queue]
            log.append(
                command_record(
                    id=str(len(log)), source=SOURCE, ts_ms=at_ms, queue=queue, order=order, command=command,
                    actor=actor, args=args,
                )
            )  # fmt: skip
    boundaries = tuple(
        Boundary(due.name, due.queue, due.decided, due.at_s, record)
        for due, record in sorted(found.items(), key=lambda pair: pair[1])
    )
    return Centre((log,), said_by(in_one_go([log], settings=catalogue())), 0), boundaries


def _order_of(queue: str, command: str) -> str:
    """The id of the order that the report *command* opens (`alerts.reports`)."""
    ident = f"{SOURCE}\x1f{command}"
    return short_id("WO-", queue, short_id("FI-", ident), ident)
