"""What happened to an order, read from its log: the raw material of the loop figures (`alerts.loop_figures`).

A *round* begins when the order is raised, or when it relapses after it was closed. A verification that fails does not
begin one: the trouble was never gone. All times are stream time in epoch milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from alerts.order import WITHDRAWN_CAUSE
from alerts.rebuild import Entry, rebuild
from alerts.turn import SYSTEM
from alerts.workorder import OPEN, UNANSWERED
from models.command import CANCEL_REASONS, COMMANDS

MeasureName = Literal["detect", "acknowledge", "resolve", "recover", "verify"]
LimitName = Literal["respond", "resolve"]
#: States that say that somebody has taken the order on.
_TAKEN_ON: Final = ("acknowledged", "accepted")


#: How an order is over that has a finding of that way; of several the first: people are harder to get than calls.
_WAYS: Final = {"signed": "check", "sender": "sender", "probe": "test_call"}


@dataclass(frozen=True, slots=True)
class Stay:
    """A stretch in a state, or (*name* is a person) with an owner; *to_ms* None: it has not ended."""

    name: str
    from_ms: int
    to_ms: int | None


@dataclass(frozen=True, slots=True)
class Measure:
    """A time that was measured; it belongs to the moment *at_ms* at which it ended."""

    name: MeasureName
    at_ms: int
    ms: int


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit whose outcome became known at *at_ms*."""

    name: LimitName
    at_ms: int
    kept: bool


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that is counted: *what* (``raised``, ``closed``, ...), its *kind*, and the person it is about."""

    what: str
    at_ms: int
    kind: str = ""
    person: str = ""


@dataclass(slots=True)
class Facts:
    """One order as far as its log was read. *order* is its payload at the last entry; *rule* opened it."""

    order: dict[str, Any] = field(default_factory=dict)
    rule: str = ""
    stays: list[Stay] = field(default_factory=list)
    tenures: list[Stay] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)
    happened: list[Happening] = field(default_factory=list)

    @property
    def raised_ms(self) -> int:
        """When the order was raised."""
        return int(self.order["opened_ms"])


def facts_of(entries: Iterable[Entry], until_ms: int | None = None) -> Facts | None:
    """The facts of one order by what its log held before *until_ms*; None when that is nothing.

    So a report of a period stays what it is, whatever happens later. Raises InputError as `alerts.rebuild.rebuild`.
    """
    kept = [entry for entry in entries if until_ms is None or entry["at_ms"] < until_ms]
    versions = rebuild(kept)
    if not versions:
        return None
    reader = _Reader()
    for entry in {entry["version"]: entry for entry in sorted(kept, key=lambda e: e["version"])}.values():
        reader.read(entry, versions[entry["version"]])
    return reader.facts()


def _is_system_of_others(entry: Entry, order: dict[str, Any]) -> bool:
    """Whether another system gave the command: the sender of a finding, which is no person with a load."""
    senders = {finding["by"] for finding in order["findings"] if finding["verify"] == "sender"}
    return entry["event"] in ("report", "over") and entry["actor"] in senders


class _Reader:
    """Goes through the entries of an order once, in their order."""

    def __init__(self) -> None:
        self._facts = Facts()
        self._round_ms = 0
        self._responded = self._respond_late = self._resolve_late = False
        self._check_ms = 0  # when the running verification began, and whether a resolve began it
        self._by_resolve = False
        self._state: tuple[str, int] | None = None
        self._owner: tuple[str, int] | None = None

    def facts(self) -> Facts:
        """All that was read; what has not ended stays open."""
        found = self._facts
        if self._state:
            found.stays.append(Stay(*self._state, None))
        if self._owner:
            found.tenures.append(Stay(*self._owner, None))
        return found

    def read(self, entry: Entry, order: dict[str, Any]) -> None:
        """One entry, and the order as it stood after it."""
        self._facts.order = order
        if entry["before"] is None:
            self._raised(entry)
        self._people(entry, order)
        self._moved(entry, order)
        self._late(entry)
        self._state = self._stay(self._facts.stays, self._state, entry["after"], entry)
        self._owner = self._stay(self._facts.tenures, self._owner, order["owner"], entry)

    def _note(self, what: str, entry: Entry, kind: str = "", person: str = "") -> None:
        self._facts.happened.append(Happening(what, entry["at_ms"], kind, person))

    def _measure(self, name: MeasureName, entry: Entry, ms: int) -> None:
        self._facts.measures.append(Measure(name, entry["at_ms"], ms))

    def _limit(self, name: LimitName, entry: Entry, *, kept: bool) -> None:
        self._facts.limits.append(Limit(name, entry["at_ms"], kept))

    def _raised(self, entry: Entry) -> None:
        self._round_ms = entry["at_ms"]
        self._facts.rule = str(entry["data"].get("rule", ""))
        self._note("raised", entry)
        started_ms = entry["data"].get("started_ms")
        if isinstance(started_ms, int):
            self._measure("detect", entry, entry["at_ms"] - started_ms)

    def _people(self, entry: Entry, order: dict[str, Any]) -> None:
        """Commands typed, pages sent and suppressed, escalations, verdicts."""
        decision, person = entry["decision"], str(entry["data"].get("person") or "")
        if entry["actor"] != SYSTEM and entry["event"] in COMMANDS:
            actor = "" if _is_system_of_others(entry, order) else entry["actor"]
            self._note("refused" if decision == "refused" else "command", entry, entry["event"], actor)
        if decision == "notified":
            self._note("page", entry, person=person)
        elif decision == "suppressed":
            self._note("page_suppressed", entry, entry["why"], person)
        elif decision == "escalated":
            self._note("escalated", entry, entry["event"], str(entry["data"].get("to") or ""))
        elif decision == "verdict":
            self._note("verdict", entry, str(entry["data"].get("verdict") or ""))

    def _moved(self, entry: Entry, order: dict[str, Any]) -> None:
        before, after, event = entry["before"], entry["after"], entry["event"]
        if before in UNANSWERED and after in _TAKEN_ON and event in COMMANDS and not self._responded:
            self._responded = True
            self._measure("acknowledge", entry, entry["at_ms"] - self._facts.raised_ms)
            if not self._respond_late:
                self._limit("respond", entry, kept=True)
        if entry["decision"] == "undecided":
            self._note("undecided", entry)
        if event == "planned_over" and entry["decision"] == "judged_again" and entry["at_ms"] == self._facts.raised_ms:
            self._facts.measures = [m for m in self._facts.measures if m.name != "detect"]  # a plan kept it quiet
        if before == after:
            return
        if after == "verifying" and event in ("resolve", "recovered"):
            self._verifying(entry, order)
        elif event == "failed":
            self._note("failed", entry)
            self._measure("verify", entry, entry["at_ms"] - self._check_ms)
        elif after == "closed":
            self._closed(entry, order)
        elif before == "closed":
            self._note("relapsed", entry)
            self._round_ms, self._resolve_late = entry["at_ms"], False
        elif after in ("accepted", "on_hold"):
            self._note(after, entry)
        elif after == "cancelled":
            self._note("cancelled", entry, next((r for r in CANCEL_REASONS if str(entry["why"]).startswith(r)), ""))

    def _verifying(self, entry: Entry, order: dict[str, Any]) -> None:
        since_ms = (order["verification"] or {}).get("since_ms")
        if since_ms != entry["at_ms"]:
            return  # an earlier verification goes on after a hold
        self._by_resolve = entry["event"] == "resolve"
        self._check_ms = since_ms
        self._note("resolved" if self._by_resolve else "recovered", entry)

    def _closed(self, entry: Entry, order: dict[str, Any]) -> None:
        how = self._proof(entry, order)
        self._note("closed", entry, how)
        self._measure("verify", entry, entry["at_ms"] - self._check_ms)
        if how == "withdrawn":
            return  # settings changed: nothing has recovered, and no limit was kept
        self._measure("resolve" if self._by_resolve else "recover", entry, self._check_ms - self._round_ms)
        if not self._resolve_late:
            self._limit("resolve", entry, kept=True)

    def _proof(self, entry: Entry, order: dict[str, Any]) -> str:
        """What decided that the order is over."""
        if order["cause"] == WITHDRAWN_CAUSE:
            return "withdrawn"
        if entry["actor"] != SYSTEM:
            return "signed"
        ways = {finding["verify"] for finding in order["findings"]}
        for way, how in _WAYS.items():
            if way in ways:
                return how
        check = order["verification"] or {"seen": 0, "needed": 0}
        if check["needed"] and check["seen"] >= check["needed"]:
            return "calls"
        undecided = any(h.what == "undecided" and h.at_ms >= self._check_ms for h in self._facts.happened)
        return "test_call" if undecided else "held"

    def _late(self, entry: Entry) -> None:
        """The first break of a limit: to respond of an order, to resolve of a round."""
        if entry["decision"] == "warned":
            return
        if entry["event"] == "respond_due" and not self._respond_late and not self._responded:
            self._respond_late = True
            self._limit("respond", entry, kept=False)
        elif entry["event"] == "resolve_due" and not self._resolve_late:
            self._resolve_late = True
            self._limit("resolve", entry, kept=False)

    def _stay(
        self, stays: list[Stay], now: tuple[str, int] | None, name: str | None, entry: Entry
    ) -> tuple[str, int] | None:
        """Go on with the stretch *now*, or end it in *stays* and begin the next; an order that is over has none."""
        if entry["after"] not in OPEN:
            name = None
        if now is not None and now[0] == name:
            return now
        if now is not None and now[1] < entry["at_ms"]:
            stays.append(Stay(*now, entry["at_ms"]))
        return None if name is None else (name, entry["at_ms"])
