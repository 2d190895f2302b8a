"""The notification ledger: what is owed to whom, what was sent, and whose turn it is to send.

Theory. What is owed follows from the topics ``alerts``, ``workorders`` and ``workorder-log`` alone (`alerts.owed`), and
every owed notification has a key that follows from the same. What was done about it stands in the topic
``notifications``, partition by partition the same log for everybody::

    (owed) --claimed 1--> under way --sent--> done
                                    --failed 1--> waits --claimed 2--> ...        back-off with jitter; `TRIES_MAX`
                                    (nothing for LEASE_MS) --claimed 2--> ...     its notifier has vanished
    (owed) --dropped--> done        answered, over, too late, no way to reach the person, no room

Before anything is sent, a claim is appended and *read back*: the first claim of an attempt in the log has it. So any
number of notifiers may run side by side, none needs to know of another, and a restarted one goes on where the log
stands. What a claim cannot prevent is a crash between the sending and the word ``sent``: then the next notifier cannot
know and sends again, under the same key. Delivery is *at least once*; PagerDuty (``dedup_key``) and Alertmanager
(labels) drop the repeat by themselves, a webhook's receiver by ``X-Callwatch-Delivery``, a person by the reference at
the end of the message.

The ledger changes by what is read and nothing else. Times are wall clock, given by the caller: they only decide
*when*, never whether, something is the first to be claimed. A clock that is set back makes nothing wait for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from alerts.backoff import TRIES_MAX, wait_ms
from alerts.case import FINAL, Case, Entry
from alerts.owed import PAGE_STALE_MS, Owed, ended_ms, fired_as, is_over, owed
from models.notification import Notification, Payload
from models.notify_settings import Channel, NotifySettings
from models.topics import ALERTS, NOTIFICATIONS, WORKORDER_LOG, WORKORDERS

#: A claim without a word for so long is forsaken. Sending is bounded far below it.
LEASE_MS: Final = 60_000
#: A claim of our own that is this old when we come to it is not used any more: another may be about to take over.
CLAIM_FRESH_MS: Final = LEASE_MS // 2
#: For how long the end of an order is told Alertmanager again, as Prometheus does.
END_AGAIN_MS: Final = 5 * 60_000
#: Attempts at anything but a page, at 5 minutes each some three hours: an end is worth telling late.
NEWS_TRIES_MAX: Final = 40
#: Notifications that wait at once. A centre has some dozens of open orders; beyond a thousand something raves.
WAITING_MAX: Final = 1_000
#: Orders remembered after they ended and all about them is settled (5 KB each): more than can relapse. Twice as many
#: while all that there is is read at the start.
ENDED_KEPT: Final = 5_000


@dataclass(frozen=True, slots=True)
class Job:
    """A notification whose claim is ours: send it now."""

    item: Owed
    tries: int
    claimed_ms: int
    case: Case


@dataclass(frozen=True, slots=True)
class Again:
    """One order that Alertmanager is to hear of again; without *ended_ms* it fires."""

    case: Case
    severities: list[int]
    since_ms: int
    ended_ms: int | None


@dataclass(frozen=True, slots=True)
class _Asked:
    state: str
    tries: int
    lane: str
    at_ms: int


class Ledger:
    """All cases, fed by `take`. *me* names this notifier, unlike any other that ever ran."""

    def __init__(self, settings: NotifySettings, me: str) -> None:
        self.cases: dict[str, Case] = {}
        self.settings = settings
        self.me = me
        self._channels: Mapping[str, Channel] = {c.name: c for c in settings.channels}
        self._waiting: dict[str, list[Owed]] = {}
        self._changed: set[str] = set()
        self._asked: dict[str, _Asked] = {}  #: appended by us and not read back
        self._claims: dict[str, str] = {}  #: read back and not handed out: key to order
        self._sending: dict[str, tuple[int, str]] = {}  #: handed out by `jobs`: the attempt, and by which way
        self._covered: set[str] = set()  #: orders that have a last word to be said again
        self._last_ms = 0

    def take(self, topic: str, payload: Payload | Notification, appended_ms: int, now_ms: int) -> None:
        """One record as it was read, of whichever topic; *appended_ms* is the broker's time of it."""
        if isinstance(payload, Notification):
            assert topic == NOTIFICATIONS
            case = self._case(payload.order)
            case.take_record(payload, now_ms, self._channels)
            if case.covered:
                self._covered.add(case.id)
            self._changed.add(payload.order)
            if payload.notifier == self.me or payload.state in FINAL:
                self._asked.pop(payload.key, None)
                if payload.state != "claimed":
                    self._sending.pop(payload.key, None)
                elif payload.notifier == self.me:
                    self._claims[payload.key] = payload.order
            return
        order = payload["id"] if topic == WORKORDERS else payload["order"]
        if order is None:
            return
        if topic == ALERTS and now_ms - appended_ms > PAGE_STALE_MS:
            return  # a notifier that is new here does not begin with yesterday's pages
        case = self._case(order)
        if topic == WORKORDERS:
            case.take_order(payload, appended_ms)
        elif topic == ALERTS:
            case.take_alert(payload, appended_ms)
        elif topic == WORKORDER_LOG:
            case.take_decision(payload, appended_ms)
        self._changed.add(order)

    def _case(self, order: str) -> Case:
        case = self.cases.get(order)
        if case is None:
            case = self.cases[order] = Case(order)
        return case

    def waiting(self, now_ms: int) -> list[Owed]:
        """Everything owed, the most urgent first."""
        for order in self._changed:
            case = self.cases[order]
            items = owed(case, self.settings, now_ms)
            if items:
                self._waiting[order] = items
            else:
                self._waiting.pop(order, None)
        self._changed.clear()
        found = [item for items in self._waiting.values() for item in items]
        return sorted(found, key=lambda item: (item.urgency, item.key))

    def steps(self, now_ms: int) -> list[Notification]:
        """What is to be appended now: final words on what needs no sending, and claims, one a way (or channel) at a
        time, so that one that hangs holds up no other."""
        self._set_back(now_ms)
        # time alone may stop what waits: pages get too late
        self._changed.update(self._waiting)
        found = self._said_again(now_ms) + self.overtaken(now_ms)
        busy = {a.lane for a in self._asked.values() if a.state == "claimed"} | {s[1] for s in self._sending.values()}
        for number, item in enumerate(self.waiting(now_ms)):
            record = self._step(item, number, now_ms, claim=lane(item) not in busy)
            if record is None or self._is_asked(record):
                continue
            if record.state == "claimed":
                busy.add(lane(item))
            self._ask(record, lane(item), now_ms)
            found.append(record)
        self._forget(now_ms)
        return found

    def _is_asked(self, record: Notification) -> bool:
        asked = self._asked.get(record.key)
        return asked is not None and (asked.state, asked.tries) == (record.state, record.tries)

    def _ask(self, record: Notification, by: str, now_ms: int) -> None:
        self._asked[record.key] = _Asked(record.state, record.tries, by, now_ms)

    def _said_again(self, now_ms: int) -> list[Notification]:
        """Last words behind which something came too late (`alerts.case.Case._cover`)."""
        found = []
        for order in list(self._covered):
            case = self.cases.get(order)
            if case is None or not case.covered:
                self._covered.discard(order)
                continue
            for record in (case.entries[key].record for key in sorted(case.covered)):
                if not self._is_asked(record):
                    self._ask(record, "", now_ms)
                    found.append(record)
        return found

    def _set_back(self, now_ms: int) -> None:
        """Where the clock was set back, what was to wait until a time by the old one waits no longer than before."""
        by_ms = self._last_ms - now_ms
        self._last_ms = now_ms
        if by_ms <= 0:
            return
        for case in self.cases.values():
            for entry in case.entries.values():
                entry.read_ms -= by_ms
        self._asked = {key: replace(asked, at_ms=asked.at_ms - by_ms) for key, asked in self._asked.items()}

    def _step(self, item: Owed, number: int, now_ms: int, *, claim: bool) -> Notification | None:
        """The next word on *item*, the *number*th of those that wait; None while there is none."""
        case = self.cases[item.order]
        entry = case.entries.get(item.key)
        tries = entry.record.tries if entry else 0
        stopped = item.stopped or ("no_room" if number >= WAITING_MAX and tries == 0 else "")
        if stopped:
            if entry is not None and self._unsent(entry):
                return self._record(item, "dropped", tries, now_ms, stopped, doubt=entry.record.doubt)
            under_way = self._under_way(case, item, now_ms)
            return None if under_way else self._record(item, "dropped", tries, now_ms, stopped)
        if self._due_ms(case, item) > now_ms:
            return None
        if tries >= tries_max(item):
            return self._record(item, "given_up", tries, now_ms, f"{tries} attempts failed")
        if not claim or self._busy(case, item, now_ms):
            return None
        return self._record(item, "claimed", tries + 1, now_ms)

    def jobs(self, now_ms: int) -> list[Job]:
        """What is ours to send: our claim is the one in the log, it is fresh, and nothing has stopped it since."""
        found = []
        for item in self.waiting(now_ms):
            case = self.cases[item.order]
            entry = case.entries.get(item.key)
            if entry is None or item.stopped or entry.record.state != "claimed":
                continue
            mine = entry.record.notifier == self.me and self._sending.get(item.key, (0, ""))[0] != entry.record.tries
            if mine and is_fresh(entry.record.at_ms, now_ms):
                self._sending[item.key] = (entry.record.tries, lane(item))
                found.append(Job(item, entry.record.tries, entry.record.at_ms, case))
        return found

    def overtaken(self, now_ms: int) -> list[Notification]:
        """What we claimed and have not begun, and what is not owed any more: the order has gone on. Nobody need wait
        for such a claim, least of all what is owed by the same way now."""
        owed_now = {item.key for item in self.waiting(now_ms)}
        found = []
        for key, order in list(self._claims.items()):
            case = self.cases.get(order)
            entry = case.entries.get(key) if case else None
            if entry is None or not self._unsent(entry):
                del self._claims[key]
            elif key not in owed_now:
                del self._claims[key]
                ended = {"state": "failed", "reason": "the order has gone on", "at_ms": now_ms}
                found.append(entry.record.model_copy(update=ended))
        return found

    @property
    def awaits_claims(self) -> bool:
        """Whether a claim of ours was appended and not read back yet: only then is it known whose it is."""
        return any(asked.state == "claimed" for asked in self._asked.values())

    def stopped(self, job: Job, now_ms: int) -> str:
        """Why *job*, handed out and not begun, is not to be sent after all; "" when it is."""
        item = next((i for i in self.waiting(now_ms) if i.key == job.item.key), None)
        if item is None:
            return "settled_by_another"
        return item.stopped

    def done(self, job: Job, state: str, reason: str, now_ms: int, *, doubt: bool = False) -> Notification:
        """The record of how *job* ended: ``sent``, ``failed`` (to be tried again), ``given_up``, or ``dropped`` before
        it began. With *doubt* it may have arrived all the same."""
        entry = job.case.entries.get(job.item.key)
        doubt = doubt or (entry is not None and entry.record.doubt)
        return self._record(job.item, state, job.tries, now_ms, reason, doubt=doubt)

    def again(self, channel: str, now_ms: int) -> Iterator[Again]:
        """What *channel* shows and has to hear again: what fires, before it forgets; what has just ended, in case that
        a last word of "firing" by another notifier overtook the end."""
        for case in self.cases.values():
            shown = case.shown.get(channel)
            if shown is None or case.order is None or not shown.what:
                continue
            if not case.ended and not is_over(shown.what):
                yield Again(case, fired_as(case, channel, ""), shown.since_ms, None)
            elif case.ended and is_over(shown.what) and now_ms - shown.at_ms < END_AGAIN_MS:
                yield Again(case, fired_as(case, channel, ""), shown.since_ms, ended_ms(case.order))

    def _record(
        self, item: Owed, state: str, tries: int, now_ms: int, reason: str = "", *, doubt: bool | None = None
    ) -> Notification:
        case = self.cases.get(item.order)
        entry = case.entries.get(item.key) if case else None
        if doubt is None:  # a claim without a word: nobody knows
            doubt = entry is not None and (entry.record.doubt or entry.record.state == "claimed")
        return Notification(
            key=item.key,
            order=item.order,
            queue=item.queue,
            to=item.to,
            way=item.way,
            occasion=item.occasion,
            cause=item.cause,
            state=state,
            tries=tries,
            notifier=self.me,
            reason=reason,
            at_ms=now_ms,
            since_ms=item.since_ms,
            version=item.version,
            doubt=doubt,
            zh=case.zh if case and item.to in self._channels and state == "sent" else "",
        )

    def _due_ms(self, case: Case, item: Owed) -> int:
        entry = case.entries.get(item.key)
        if entry is None:
            return item.from_ms
        if entry.record.state == "claimed":
            return entry.read_ms + LEASE_MS
        return entry.read_ms + wait_ms(item.key, entry.record.tries)

    def _unsent(self, entry: Entry) -> bool:
        """Whether it is claimed by us and was never handed out: then nobody has begun to send it."""
        record = entry.record
        mine = record.state == "claimed" and record.notifier == self.me
        return mine and self._sending.get(record.key, (0, ""))[0] != record.tries

    def _under_way(self, case: Case, item: Owed, now_ms: int) -> bool:
        """Whether somebody is sending it right now: how that ends is the last word then."""
        entry = case.entries.get(item.key)
        return entry is not None and entry.record.state == "claimed" and now_ms < entry.read_ms + LEASE_MS

    def _busy(self, case: Case, item: Owed, now_ms: int) -> bool:
        """Whether another word about the order is under way by the same way: they must not overtake each other."""
        return any(
            e.record.state == "claimed"
            and (e.record.to, e.record.way) == (item.to, item.way)
            and now_ms < e.read_ms + LEASE_MS
            for key, e in case.entries.items()
            if key != item.key
        )

    def _forget(self, now_ms: int) -> None:
        """Drop what nobody waits for: words that never came back, and the orders that ended first."""
        for key, asked in list(self._asked.items()):
            if now_ms - asked.at_ms >= LEASE_MS:
                del self._asked[key]
        if len(self.cases) > ENDED_KEPT:
            self._let_go(ENDED_KEPT, [c for c in self.cases.values() if c.ended or c.order is None])

    def trim(self, now_ms: int) -> None:
        """Keep within bounds while the topics are read for the first time, the ledger before the orders: then all that
        was told of an order is known when the order is read."""
        if len(self.cases) > 2 * ENDED_KEPT:
            self.waiting(now_ms)
            self._let_go(ENDED_KEPT, [c for c in self.cases.values() if c.ended])

    def _let_go(self, kept: int, over: list[Case]) -> None:
        idle = [c for c in over if c.id not in self._waiting and not c.covered]
        idle.sort(key=lambda c: c.order_read_ms)
        for case in idle[: max(0, len(idle) - kept)]:
            del self.cases[case.id]


def lane(item: Owed) -> str:
    """By which way or to which channel *item* goes."""
    return item.way or item.to


def is_fresh(claimed_ms: int, now_ms: int) -> bool:
    """Whether a claim is young enough to send by it."""
    return now_ms - claimed_ms < CLAIM_FRESH_MS


def tries_max(item: Owed) -> int:
    """How often *item* is tried."""
    return TRIES_MAX if item.occasion == "page" else NEWS_TRIES_MAX
