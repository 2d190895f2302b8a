"""What is owed about one order: pure functions of its case, the settings and the time.

To people: each page that the loop decided, by each way; to whoever was paged, that another has the order now, that it
stands for a while, and that it is over. To tools: what they are to show when it is not what they show.

An answer of a person stops every page that was decided before it. Nothing is owed about an order that a tool never
heard of. A tool shows an order as over only when it is over here: closed by verification, or cancelled by two people.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final

from alerts.case import Case, Entry, Page, Shown, key_of
from models.notification import Channel, NotifySettings, Payload

#: A page that could not be sent for so long is nobody's first news any more: the loop has gone on to others.
PAGE_STALE_MS: Final = 3_600_000
#: News of an end may come late, but not the day after.
NEWS_STALE_MS: Final = 86_400_000
#: States in which a person has taken the order on: a pager may be quiet.
TAKEN_ON: Final = frozenset({"acknowledged", "analysing", "verifying", "on_hold", "accepted"})
URGENCY: Final = {"page": 0, "passed_on": 4, "accepted": 4, "ended": 3}
TOOL_URGENCY: Final = 2


@dataclass(frozen=True, slots=True)
class Owed:
    """One notification that is owed; *stopped* names why it is not to be sent after all."""

    key: str
    order: str
    queue: str
    to: str
    way: str
    occasion: str
    cause: str
    urgency: tuple[int, int, str]  #: the smaller the sooner; at the limit of the queue the greatest is dropped
    since_ms: int
    version: int = 0
    stopped: str = ""
    said: Payload | None = None  #: what a person's message is made of beside the order


def owed(case: Case, settings: NotifySettings, now_ms: int) -> list[Owed]:
    """Everything owed about *case* at *now_ms* (wall clock) that has no final word yet."""
    found = [*_pages(case, settings, now_ms), *_news(case, settings, now_ms)]
    found += [item for channel in settings.channels for item in _tool(case, channel)]
    return [item for item in found if not _is_settled(case, item.key)]


def _is_settled(case: Case, key: str) -> bool:
    entry = case.entries.get(key)
    return entry is not None and entry.record.state in ("sent", "dropped", "given_up")


def _pages(case: Case, settings: NotifySettings, now_ms: int) -> Iterator[Owed]:
    for page in case.pages.values():
        stopped = _stopped(case, page, now_ms)
        severity = page.alert["severity"]
        for way in settings.ways(page.person, severity) or ("",):
            cause = f"{page.place[0]}.{page.place[1]}"
            yield Owed(
                key=key_of(case.id, page.person, way, "page", cause),
                order=case.id,
                queue=page.alert["queue"],
                to=page.person,
                way=way,
                occasion="page",
                cause=cause,
                urgency=(URGENCY["page"], severity, cause),
                since_ms=page.alert["at_ms"],
                stopped=stopped or ("" if way else "no_way_in_settings"),
                said=page.alert,
            )


def _stopped(case: Case, page: Page, now_ms: int) -> str:
    if case.answered > page.place:
        return "answered"
    if any(p.place > page.place and p.person == page.person for p in case.passed.values()):
        return "passed_on"
    if case.ended and case.order is not None and case.order["updated_ms"] >= page.alert["at_ms"]:
        return "over"
    return "too_late" if now_ms - page.appended_ms > PAGE_STALE_MS else ""


def _told(case: Case) -> Iterator[tuple[str, str, Entry]]:
    """Who was told of the fault (or may have been) by which way, with the newest page of each."""
    newest: dict[tuple[str, str], Entry] = {}
    for entry in case.entries.values():
        record = entry.record
        if record.occasion == "page" and record.state in ("sent", "claimed"):
            there = newest.get((record.to, record.way))
            if there is None or record.since_ms > there.record.since_ms:
                newest[(record.to, record.way)] = entry
    for (person, way), entry in sorted(newest.items()):
        yield person, way, entry


def _news(case: Case, settings: NotifySettings, now_ms: int) -> Iterator[Owed]:
    order = case.order
    if order is None:
        return
    for person, way, told in _told(case):
        for item in _news_for(case, order, person, way, told):
            late = now_ms - case.order_read_ms > NEWS_STALE_MS
            yield replace(item, stopped="too_late") if late else item


def _news_for(case: Case, order: Payload, person: str, way: str, told: Entry) -> Iterator[Owed]:
    since_ms = told.record.since_ms

    def news(occasion: str, cause: str, at_ms: int, said: Payload | None = None) -> Owed:
        return Owed(
            key=key_of(case.id, person, way, occasion, cause),
            order=case.id,
            queue=order["queue"],
            to=person,
            way=way,
            occasion=occasion,
            cause=cause,
            urgency=(URGENCY[occasion], order["severity"], cause),
            since_ms=at_ms,
            version=order["version"],
            said=said,
        )

    if case.ended:
        at_ms = ended_ms(order)
        if at_ms >= since_ms and not _told_the_end(case, person, way, since_ms, at_ms):
            yield news("ended", str(at_ms), at_ms)
        return
    if order["state"] == "accepted" and order["updated_ms"] >= since_ms:
        yield news("accepted", str(order["hold_until_ms"]), order["updated_ms"])
    last = max((p for p in case.passed.values() if p.person == person), key=lambda p: p.place, default=None)
    told_place = tuple(int(part) for part in told.record.cause.split("."))
    if last is not None and order["owner"] != person and last.place > told_place:
        cause = f"{last.place[0]}.{last.place[1]}"
        yield news("passed_on", cause, order["updated_ms"], {"to_name": last.to_name})


def ended_ms(order: Payload) -> int:
    """When an order that is over came to its end."""
    return int(order["closed_ms"] or order["updated_ms"])


def _told_the_end(case: Case, person: str, way: str, since_ms: int, before_ms: int) -> bool:
    """Whether they know of an end later than their page and earlier than this: then that was the end for them."""
    return any(
        e.record.occasion == "ended"
        and (e.record.to, e.record.way) == (person, way)
        and e.record.state == "sent"
        and since_ms <= e.record.since_ms < before_ms
        for e in case.entries.values()
    )


# --- tools ----------------------------------------------------------------------------------------------------------


def _tool(case: Case, channel: Channel) -> Iterator[Owed]:
    order = case.order
    if order is None:
        return
    shown = case.shown.get(channel.name) or Shown()
    what = wanted(channel, case, shown)
    if what is None or what == shown.what or order["version"] <= shown.resting:
        return
    cause = str(shown.serial + 1)
    yield Owed(
        key=key_of(case.id, channel.name, "", what, cause),
        order=case.id,
        queue=order["queue"],
        to=channel.name,
        way="",
        occasion=what,
        cause=cause,
        urgency=(TOOL_URGENCY, order["severity"], cause),
        since_ms=_since_ms(shown, order, what),
        version=order["version"],
    )


def _since_ms(shown: Shown, order: Payload, what: str) -> int:
    """Since when it fires: the opening at first; when it comes again, the moment that it came again."""
    if shown.what and not is_over(shown.what):
        return shown.since_ms
    if is_over(what):
        return shown.since_ms or int(order["opened_ms"])
    return int(order["opened_ms"] if shown.serial == 0 else order["updated_ms"])


def is_over(what: str) -> bool:
    """Whether a tool that shows *what* shows the order as over."""
    return what in ("resolve", "resolved") or what.startswith(("closed|", "cancelled|"))


def wanted(channel: Channel, case: Case, shown: Shown) -> str | None:
    """What the tool behind *channel* is to show of *case*; None when nothing is to be said about it."""
    order = case.order
    assert order is not None
    fires = bool(shown.what) and not is_over(shown.what)
    if case.ended:
        known = fires or (shown.attempted and not is_over(shown.what))
        return _over(channel, order) if known else None
    if not fires and not (fnmatchcase(order["queue"], channel.pattern) and order["severity"] <= channel.severity):
        return None
    if channel.kind == "pagerduty":
        return _pagerduty(case, order, shown) if fires else "trigger"
    if channel.kind == "webhook":
        return stands(order)
    return firing(fires_as(shown.what) | {order["severity"]}) if fires else firing({order["severity"]})


def _over(channel: Channel, order: Payload) -> str:
    if channel.kind == "pagerduty":
        return "resolve"
    return stands(order) if channel.kind == "webhook" else "resolved"


def _pagerduty(case: Case, order: Payload, shown: Shown) -> str:
    """Triggered until somebody took the order on; triggered *again* only what is done after that quietens it."""
    if shown.what == "acknowledge":
        return "acknowledge"
    anew = shown.serial > 1
    taken = case.answered_version > shown.version if anew else order["state"] in TAKEN_ON
    return "acknowledge" if taken else "trigger"


def stands(order: Payload) -> str:
    """An order in short: a webhook is told when this changes."""
    return f"{order['state']}|{order['owner'] or ''}|{order['severity']}|{order['reopened']}"


def firing(severities: set[int]) -> str:
    """What Alertmanager shows of an open order: an alert of each of *severities*."""
    return " ".join(["firing", *map(str, sorted(severities))])


def fires_as(what: str) -> set[int]:
    """The severities in what `firing` wrote."""
    return {int(part) for part in what.split() if part in ("1", "2", "3", "4")} if "firing" in what else set()


def fired_as(case: Case, channel: str, occasion: str) -> list[int]:
    """The severities under which a tool of Alertmanager's kind has, or is to have, alerts of the order of *case*."""
    shown = case.shown.get(channel) or Shown()
    last = shown.fired if is_over(shown.what) else f"{shown.what} {shown.attempted}"
    found = fires_as(occasion) | fires_as(last)
    return sorted(found or {int(case.order["severity"]) if case.order else 3})
