"""What is owed about one order: pure functions of its case, the settings and the time.

To people: each page that the loop decided, by each way; to whoever was paged, that another has the order now, that it
stands for a while, that it is over, and that it is back after all. To tools: what they are to show when it is not what
they show.

An answer of a person stops every page that was decided before it. Nothing is owed about an order that a tool never
heard of. A tool shows an order as over only when it is over here: closed by verification, or cancelled by two people.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final

from alerts.case import FINAL, Case, Page, Shown, cause_of, key_of
from models.notification import Payload
from models.notify_settings import Channel, NotifySettings

#: A page that could not be sent for so long is nobody's first news any more: the loop has gone on to others.
PAGE_STALE_MS: Final = 3_600_000
#: News of an end may come late, but not the day after.
NEWS_STALE_MS: Final = 86_400_000
#: States in which a person has taken the order on: a pager may be quiet.
TAKEN_ON: Final = frozenset({"acknowledged", "analysing", "verifying", "on_hold", "accepted"})
URGENCY: Final = {"page": 0, "relapsed": 1, "passed_on": 4, "accepted": 4, "ended": 3}
#: How long the word that an order is back waits for the page that may come with it, from another topic.
RELAPSE_WAIT_MS: Final = 5_000
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
    from_ms: int = 0  #: wall clock before which it waits


def owed(case: Case, settings: NotifySettings, now_ms: int) -> list[Owed]:
    """Everything owed about *case* at *now_ms* (wall clock) that has no final word yet."""
    found = [*_pages(case, settings, now_ms), *_news(case, settings, now_ms)]
    found += [item for channel in settings.channels for item in _tool(case, channel)]
    once = {item.key: item for item in found}
    return [item for item in once.values() if not _is_settled(case, item.key)]


def _is_settled(case: Case, key: str) -> bool:
    entry = case.entries.get(key)
    return entry is not None and entry.record.state in FINAL


def _pages(case: Case, settings: NotifySettings, now_ms: int) -> Iterator[Owed]:
    for page in case.pages.values():
        stopped = _stopped(case, page, now_ms)
        severity = page.alert["severity"]
        for way in settings.ways(page.person, severity) or ("",):
            cause = cause_of(page.place, page.alert["at_ms"])
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
    if case.answered > page.place and page.alert["kind"] == "page":  # who is asked beside must still hear of it
        return "answered"
    if any(p.place > page.place and p.person == page.person for p in case.passed.values()):
        return "passed_on"
    if case.ended and case.order is not None and case.order["updated_ms"] >= page.alert["at_ms"]:
        return "over"
    return "too_late" if now_ms - page.appended_ms > PAGE_STALE_MS else ""


def _told(case: Case) -> Iterator[tuple[str, str, int]]:
    """Who was told of the fault (or may have been), by which way, and the stream time of the newest such word."""
    newest: dict[tuple[str, str], int] = {}
    for entry in case.entries.values():
        record = entry.record
        if record.occasion in ("page", "relapsed") and entry.may_be_known:
            about = (record.to, record.way)
            newest[about] = max(record.since_ms, newest.get(about, record.since_ms))
    for (person, way), since_ms in sorted(newest.items()):
        yield person, way, since_ms


def _news(case: Case, settings: NotifySettings, now_ms: int) -> Iterator[Owed]:
    order = case.order
    if order is None:
        return
    late = "too_late" if now_ms - case.order_read_ms > NEWS_STALE_MS else ""
    for person, told_by, since_ms in _told(case):
        ways = settings.all_ways(person)
        # a way that the settings do not have any more: the news go by one that they have
        way = told_by if told_by in ways else next(iter(ways), "")
        for item in _news_for(case, order, person, way or told_by, since_ms, now_ms):
            yield replace(item, stopped=late or ("" if way else "no_way_in_settings"))


def _news_for(case: Case, order: Payload, person: str, way: str, since_ms: int, now_ms: int) -> Iterator[Owed]:
    def news(occasion: str, cause: str, at_ms: int, said: Payload | None = None, from_ms: int = 0) -> Owed:
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
            from_ms=from_ms,
        )

    if case.ended:
        at_ms = ended_ms(order)
        if at_ms >= since_ms and not any(at < at_ms for at in _ends_told(case, person, way, since_ms, ("sent",))):
            yield news("ended", str(at_ms), at_ms)
        return
    ends = _ends_told(case, person, way, 0, ("sent", "claimed"))
    if ends and not _paged_since(case, person, end_ms := max(ends), now_ms):  # for them it is over
        at_ms = max(order["updated_ms"], end_ms + 1)
        back = news("relapsed", str(end_ms), at_ms, {"zh": case.zh}, case.back_ms + RELAPSE_WAIT_MS)
        yield back
        if back.key not in case.entries or case.entries[back.key].record.state != "sent":
            return
    if order["state"] == "accepted" and order["updated_ms"] >= since_ms:
        yield news("accepted", str(order["hold_until_ms"]), order["updated_ms"])
    last = max((p for p in case.passed.values() if p.person == person), key=lambda p: p.place, default=None)
    if last is not None and order["owner"] != person and last.at_ms >= since_ms:
        yield news("passed_on", cause_of(last.place, last.at_ms), order["updated_ms"], {"to_name": last.to_name})


def ended_ms(order: Payload) -> int:
    """When an order that is over came to its end."""
    return int(order["closed_ms"] or order["updated_ms"])


def _ends_told(case: Case, person: str, way: str, since_ms: int, states: tuple[str, ...]) -> list[int]:
    """The ends (stream time) from *since_ms* on that they were told of: words in one of *states*, or in doubt where
    *states* has ``claimed``."""
    return [
        e.record.since_ms
        for e in case.entries.values()
        if e.record.occasion == "ended"
        and (e.record.to, e.record.way) == (person, way)
        and (e.record.state in states or (e.record.doubt and "claimed" in states))
        and e.record.since_ms >= since_ms
    ]


def _paged_since(case: Case, person: str, end_ms: int, now_ms: int) -> bool:
    """Whether *person* was paged after *end_ms*, or is about to be."""
    known = [e for e in case.entries.values() if (e.record.to, e.record.occasion) == (person, "page")]
    if any(e.record.since_ms > end_ms and (e.may_be_known or e.record.state == "failed") for e in known):
        return True
    settled = {e.record.cause for e in known if e.record.state in FINAL}
    return any(
        page.person == person
        and page.alert["at_ms"] > end_ms
        and not _stopped(case, page, now_ms)
        and cause_of(page.place, page.alert["at_ms"]) not in settled
        for page in case.pages.values()
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
    if not fires and (order.get("parent") or order.get("withheld")):
        return None  # its parent is shown for it; until its page goes out it may have one
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
