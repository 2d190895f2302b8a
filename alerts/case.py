"""One order as the notification ledger sees it: what is known of it, who was told, what each tool shows.

A case is a fold over records of four topics. Between topics there is no order of reading; what came first is decided
by ``pos``, the place of the cause in the log, which all records of one queue share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from models.notification import Notification, Payload

#: (offset of the cause, n): where in the log of its queue something was decided.
Place = tuple[int, int]

SYSTEM: Final = "system"
ENDED: Final = frozenset({"closed", "cancelled"})
FINAL: Final = frozenset({"sent", "dropped", "given_up"})
#: What a person does to an order that says: I have seen it.
ANSWERS: Final = frozenset(
    {
        "acknowledge",
        "take",
        "analyse",
        "resolve",
        "hold",
        "resume",
        "accept",
        "confirm_cancel",
        "accept_handover",
        "sign_evidence",
        "propose_limit",
        "agree_limit",
    }
)
#: Alerts that reach a person: the fault to whoever is accountable, and what others are asked beside.
PAGES: Final = ("page", "asked")
#: What has been told stays known beyond this only where it says what somebody knows now: at a page per person and
#: quarter of an hour some days' worth, 500 bytes each.
ENTRIES_KEPT: Final = 500
#: What was moved by `callwatch repartition` lies before everything that was decided there since, in the order it had.
MOVED: Final = 1 << 62
#: Before everything.
NOWHERE: Final[Place] = (-MOVED - 1, 0)
#: Pages remembered of one order: at one per person in 15 minutes some hours' worth, and none is sent after one hour.
PAGES_KEPT: Final = 50
#: Changes of the owner remembered of one order; each is told once to whom it left.
PASSED_KEPT: Final = 20


def place_of(payload: Payload) -> Place:
    """The place of the cause of *payload*."""
    _, offset, n = payload["pos"]
    return int(offset), int(n)


def cause_of(place: Place, at_ms: int) -> str:
    """*place* as it stands in keys, the same before and after a move. With the time (stream), since a log that was
    moved begins anew at offset 0."""
    offset, n = place
    return f"{offset + MOVED if offset < 0 else offset}.{n}@{at_ms}"


def key_of(order: str, to: str, way: str, occasion: str, cause: str) -> str:
    """The key of a notification: the same whoever works it out, from the log alone."""
    return blake2b("\x1f".join((order, to, way, occasion, cause)).encode(), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class Page:
    """A page that the loop decided: the alert, and when the broker got it (wall clock)."""

    place: Place
    person: str
    alert: Payload
    appended_ms: int


@dataclass(frozen=True, slots=True)
class Passed:
    """The order left *person* for another."""

    place: Place
    person: str
    to_name: str
    at_ms: int  #: stream time


@dataclass(slots=True)
class Entry:
    """The newest step of one notification, and when we read it (our own clock)."""

    record: Notification
    read_ms: int

    @property
    def may_be_known(self) -> bool:
        """Whether it went out, or may have."""
        return self.record.state in ("sent", "claimed") or self.record.doubt


@dataclass(slots=True)
class Shown:
    """What a tool shows of the order by all we know: nothing (*what* empty), or what was last sent or seen."""

    serial: int = 0  #: how often that has changed; the number of the next change is part of its key
    what: str = ""
    version: int = 0  #: of the order when it was sent
    since_ms: int = 0  #: stream time since when it fires
    at_ms: int = 0  #: wall clock of when it was sent
    attempted: str = ""  #: what was tried since, and may have arrived
    fired: str = ""  #: what was shown or tried before that
    outside: str = ""  #: why the tool is not where we left it
    resting: int = -1  #: the version whose change could not be delivered: the next one is tried again


@dataclass(slots=True)
class Case:
    """All that is known of one order."""

    id: str
    order: Payload | None = None
    order_read_ms: int = 0
    back_ms: int = 0  #: when the broker got the first word that it is open, or open again
    pages: dict[Place, Page] = field(default_factory=dict)
    passed: dict[Place, Passed] = field(default_factory=dict)
    answered: Place = NOWHERE  #: the last that a person did
    answered_version: int = 0
    zh: str = ""
    zh_place: Place = NOWHERE
    entries: dict[str, Entry] = field(default_factory=dict)
    covered: set[str] = field(default_factory=set)  #: keys whose last record is not their last word: see `_cover`
    shown: dict[str, Shown] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether the order is over."""
        return self.order is not None and self.order["state"] in ENDED

    def take_order(self, order: Payload, read_ms: int) -> None:
        """The order as it stands; an older version is no news."""
        if self.order is None or order["version"] > self.order["version"]:
            if order["state"] not in ENDED and (self.order is None or self.ended):
                self.back_ms = read_ms
            self.order, self.order_read_ms = order, read_ms

    def take_alert(self, alert: Payload, appended_ms: int) -> None:
        """An alert: pages are owed, and of the others the words in Chinese are kept."""
        place = place_of(alert)
        if alert["kind"] in ("page", "raised") and place > self.zh_place:
            self.zh, self.zh_place = alert["zh"], place
        if alert["kind"] in PAGES and alert["owner"]:
            self.pages[place] = Page(place, alert["owner"], alert, appended_ms)
            while len(self.pages) > PAGES_KEPT:
                del self.pages[min(self.pages)]

    def take_decision(self, entry: Payload, appended_ms: int) -> None:
        """A decision about the order: did a person answer, did it go to another?"""
        place = place_of(entry)
        acted = entry["decision"] in ("moved", "done", "proposed", "agreed", "signed")
        if entry["actor"] != SYSTEM and entry["event"] in ANSWERS and acted:
            self.answered = max(self.answered, place)
            self.answered_version = max(self.answered_version, entry["version"])
        left, owner = entry["data"].get("from"), entry["order_after"].get("owner")
        if left and owner and left != owner:
            name = entry["order_after"].get("owner_name") or owner
            self.passed[place] = Passed(place, str(left), str(name), entry["at_ms"])
            while len(self.passed) > PASSED_KEPT:
                del self.passed[min(self.passed)]

    def take_record(self, record: Notification, read_ms: int, channels: Mapping[str, object]) -> None:
        """A step of the ledger. Decided by the order of the log alone, so all notifiers decide alike."""
        if record.state == "seen":
            self._seen(record)
            return
        there = self.entries.get(record.key)
        if there is not None and not supersedes(record, there.record):
            self._cover(record, there.record)
            return
        self.covered.discard(record.key)
        self.entries[record.key] = Entry(record, read_ms)
        if record.to in channels:
            if record.zh and not self.zh:
                self.zh = record.zh
            self._tool(record)
        if len(self.entries) > ENTRIES_KEPT:
            self._thin_out()

    def _cover(self, late: Notification, last: Notification) -> None:
        """A word that came too late lies behind the last word. Compaction would keep *late* alone, and then it would
        be sent again: so the last word has to be said once more."""
        if last.state not in FINAL or late.state == last.state:
            self.covered.discard(last.key)
        else:
            self.covered.add(last.key)

    def _thin_out(self) -> None:
        """Forget words that neither say what somebody knows now nor keep a page from going out again."""
        newest: dict[tuple[str, str, str, bool], str] = {}
        for key, entry in self.entries.items():
            about = (entry.record.to, entry.record.way, entry.record.occasion, entry.may_be_known)
            there = newest.get(about)
            if there is None or entry.record.since_ms >= self.entries[there].record.since_ms:
                newest[about] = key
        needed = set(newest.values()) | self.covered
        causes = {cause_of(page.place, page.alert["at_ms"]) for page in self.pages.values()}
        for key, entry in list(self.entries.items()):
            if len(self.entries) <= ENTRIES_KEPT // 2:
                return
            if key not in needed and entry.record.cause not in causes:
                del self.entries[key]

    def _tool(self, record: Notification) -> None:
        shown = self.shown.setdefault(record.to, Shown())
        serial = int(record.cause)
        if serial <= shown.serial:
            return
        if record.state == "sent":
            self.shown[record.to] = Shown(
                serial,
                record.occasion,
                record.version,
                record.since_ms,
                record.at_ms,
                fired=f"{shown.what} {shown.attempted}",
            )
        elif record.state in FINAL:
            shown.serial, shown.resting = serial, record.version
        else:
            shown.attempted = record.occasion
            shown.since_ms = shown.since_ms or record.since_ms

    def _seen(self, record: Notification) -> None:
        shown = self.shown.setdefault(record.to, Shown())
        if record.key in self.entries:
            return
        self.entries[record.key] = Entry(record, 0)
        shown.serial += 1
        shown.what, shown.outside, shown.attempted = record.occasion, record.reason, ""


def supersedes(new: Notification, old: Notification) -> bool:
    """Whether *new* is news: that it went out, always; a final word or a failure of the attempt under way (not of an
    earlier one: somebody else may be sending by now); the claim of a later attempt.

    The first claim of an attempt in the log has it. A notifier that finds a claim forsaken claims the next attempt.
    """
    if new.state == "sent":
        return old.state != "sent"
    if old.state in FINAL:
        return False
    if new.state in FINAL:
        return new.tries >= old.tries
    if new.state == "failed":
        return old.state == "claimed" and new.tries == old.tries
    return new.tries > old.tries
