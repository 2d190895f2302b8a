"""Planned events and emergencies of one partition: what is entered, what it covers, which breaches it keeps quiet.

Theory. An event covers queues by name (`models.planned.covers`) from its beginning up to its end. While one covers a
queue and no emergency does, an episode of the queue that begins is *withheld*: it is told on ``anomalies`` with the
event's id, and opens nothing. What is withheld is judged again at each clock; as soon as nothing keeps it quiet (the
event is over, was cancelled or shortened, or an emergency is declared) it goes the way of an episode that begins then,
once, because it is withheld no more. A campaign brings more calls and longer waits, and is no reason why nobody gets
through: severity 1 it does not keep quiet. The other kinds keep everything quiet.

An event of one queue is state of that queue and moves with it. One of a pattern belongs to the partition, each of
which is told of it (`common`); a partition that is made of others has those of all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from alerts.judge import Change
from alerts.rules import Step
from models.catalogue import Catalogue
from models.fields import is_unit
from models.planned import MARK_HOURS, covers

EMERGENCY: Final = "emergency"
#: Severities that a campaign does not keep quiet: nobody gets through.
_NOT_BY_CAMPAIGN: Final = 1
_NEVER: Final = 1 << 62
_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Event:
    """A planned event, or an emergency (*kind* `EMERGENCY`), which has no end until somebody stands it down."""

    id: str
    kind: str
    covers: str
    from_ms: int
    until_ms: int | None
    text: str
    by: str
    source: str = ""
    told_in: str = ""  #: the queue in whose log it was entered here, "" of old
    marks: tuple[int, ...] = ()  #: hours that an emergency has passed and that were told

    def runs(self, now_ms: int) -> bool:
        """Whether it runs at *now_ms*."""
        return self.from_ms <= now_ms and (self.until_ms is None or now_ms < self.until_ms)


class Plan:
    """The events of one judgement. *changed* is told which queues' state changed."""

    def __init__(self, changed: set[str], catalogue: Catalogue) -> None:
        self._changed, self._catalogue = changed, catalogue
        self.events: dict[str, Event] = {}
        self.withheld: dict[str, dict[str, str]] = {}  #: queue to rule id to event id
        self._of: dict[str, tuple[Event, ...]] = {}  # those that cover a queue, worked out when it is asked for
        self._next_end_ms = _NEVER
        self.next_mark_ms = _NEVER  #: when the next mark of an emergency is passed

    # -- what is entered ------------------------------------------------------------------------------------------

    def settle(self, catalogue: Catalogue) -> None:
        """*catalogue* says from here on what is of which site."""
        self._catalogue = catalogue
        self._of.clear()

    def put(self, event: Event) -> None:
        """Enter *event*, or put it in the place of the one with its id."""
        self.events[event.id] = event
        self._touch(event)

    def drop(self, event: Event) -> None:
        """*event* is no more."""
        self.events.pop(event.id, None)
        self._touch(event)

    def end(self, event: Event, until_ms: int) -> None:
        """*event* ends at *until_ms*."""
        self.put(replace(event, until_ms=until_ms))

    def _touch(self, event: Event) -> None:
        self._of.clear()
        self._next_end_ms = min((e.until_ms for e in self.events.values() if e.until_ms is not None), default=_NEVER)
        ahead = (e.from_ms + h * _HOUR_MS for e in self.emergencies() for h in MARK_HOURS if h not in e.marks)
        self.next_mark_ms = min(ahead, default=_NEVER)
        if not is_unit(event.covers):
            self._changed.add(event.covers)

    def emergencies(self) -> list[Event]:
        """Those that are on, by id."""
        return [event for _, event in sorted(self.events.items()) if event.kind == EMERGENCY]

    def marked(self, event: Event, hours: int) -> Event:
        """*event* has passed the mark of *hours*, and that is told now."""
        self.put(replace(event, marks=(*self.events[event.id].marks, hours)))
        return self.events[event.id]

    def clock(self, now_ms: int) -> None:
        """Forget what is over."""
        if now_ms >= self._next_end_ms:
            for event in [e for e in self.events.values() if e.until_ms is not None and e.until_ms <= now_ms]:
                self.drop(event)

    def alike(self, event: Event) -> list[Event]:
        """Those that are counted against one limit with *event*: emergencies or not, of its queue or of patterns."""
        return [
            e
            for e in self.events.values()
            if (e.kind == EMERGENCY) == (event.kind == EMERGENCY)
            and (e.covers == event.covers if not is_unit(event.covers) else is_unit(e.covers))
        ]

    # -- what it means --------------------------------------------------------------------------------------------

    def _covering(self, queue: str) -> tuple[Event, ...]:
        found = self._of.get(queue)
        if found is None:
            there = (e for e in self.events.values() if covers(self._catalogue, e.covers, queue))
            found = self._of[queue] = tuple(sorted(there, key=lambda e: (-(e.until_ms or _NEVER), e.id)))
        return found

    def emergency(self, queue: str, now_ms: int) -> Event | None:
        """The emergency that covers *queue*."""
        return next((e for e in self._covering(queue) if e.kind == EMERGENCY and e.runs(now_ms)), None)

    def keeps_quiet(self, queue: str, severity: int, now_ms: int) -> Event | None:
        """The event that keeps a breach of *severity* of *queue* quiet, the one that ends last; None when none does."""
        if not self.events:
            return None
        running = [e for e in self._covering(queue) if e.runs(now_ms)]
        if any(e.kind == EMERGENCY for e in running):
            return None
        return next((e for e in running if e.kind != "campaign" or severity > _NOT_BY_CAMPAIGN), None)

    def is_usual(self, queue: str, now_ms: int) -> bool:
        """Whether what *queue* shows now may be learned from: no event runs there."""
        return not self.events or not any(e.runs(now_ms) for e in self._covering(queue))

    # -- episodes -------------------------------------------------------------------------------------------------

    def withhold(self, change: Change, event: Event) -> None:
        """The episode that begins with *change* opens nothing because of *event*."""
        self.withheld.setdefault(change.queue, {})[change.rule.id] = event.id
        self._changed.add(change.queue)

    def withheld_by(self, change: Change) -> str | None:
        """The event that withheld the episode of *change*; with its end it is withheld no more."""
        event = self.withheld.get(change.queue, {}).get(change.rule.id)
        if event is not None and change.step not in (Step.START, Step.UPDATE):
            self.release(change.queue, change.rule.id)
        return event

    def release(self, queue: str, rule: str) -> None:
        """An episode is withheld no more."""
        del self.withheld[queue][rule]
        if not self.withheld[queue]:
            del self.withheld[queue]
        self._changed.add(queue)

    # -- snapshots ------------------------------------------------------------------------------------------------

    def snapshot(self, queue: str) -> dict[str, Any]:
        """What is kept of *queue*, for JSON; empty when nothing is."""
        own = [_packed(event) for event in self.events.values() if event.covers == queue and not is_unit(queue)]
        held = self.withheld.get(queue)
        return ({"events": own} if own else {}) | ({"withheld": dict(held)} if held else {})

    def restore(self, queue: str, state: dict[str, Any]) -> None:
        """Take up what `snapshot` gave."""
        for event in [e for e in self.events.values() if e.covers == queue and not is_unit(queue)]:
            self.drop(event)
        self.withheld.pop(queue, None)
        self._take(state.get("events", []))
        if "withheld" in state:
            self.withheld[queue] = dict(state["withheld"])

    def common(self) -> list[dict[str, Any]]:
        """The events that belong to no one queue, for JSON."""
        return [_packed(event) for event in self.events.values() if is_unit(event.covers)]

    def thaw(self, state: Iterable[dict[str, Any]]) -> None:
        """Take up what `common` gave, beside what is there of single queues."""
        for event in [e for e in self.events.values() if is_unit(e.covers)]:
            self.drop(event)
        self._take(state)

    def _take(self, events: Iterable[dict[str, Any]]) -> None:
        for event in events:
            self.put(Event(**event | {"marks": tuple(event.get("marks", ()))}))


def _packed(event: Event) -> dict[str, Any]:
    return asdict(event) | {"marks": list(event.marks)}


def together(former: Iterable[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """What `Plan.common` gives of partitions that are put together. Of one event the copy that ends first holds:
    somebody shortened it, and the word reached that partition alone."""
    found: dict[str, dict[str, Any]] = {}
    for events in former:
        for event in events:
            there = found.get(event["id"])
            if there is None or (event["until_ms"] or _NEVER) < (there["until_ms"] or _NEVER):
                found[event["id"]] = event
    return [found[name] for name in sorted(found)]
