"""What people decide about the habits of a queue: the level of late is the norm from here on, a day was odd.

``adopt`` is given on an open order that something unusual opened or joined: it says that this is no trouble but how
things are now (a new product, a line that moved). The figures that were unusual are usual from the next bucket on, so
their episodes end by themselves and the order closes its normal way. ``mark_odd`` is about a queue and a local day and
needs no order: what that day showed teaches nothing.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from alerts import routing
from alerts.ask import Ask, No
from alerts.episode import short_id
from alerts.habit.subjects import SUBJECT
from alerts.handover import INFORMATION
from alerts.turn import Turn
from models.catalogue import Catalogue
from models.command import OrderCommand
from models.fields import is_unit
from models.hours import local, settings_for, site_of
from models.rota import shift_at

#: How far ahead a day can be known to be odd: as far as events are planned.
AHEAD_DAYS: Final = 60


def may_adopt(ask: Ask) -> No | None:
    """Why the level of late cannot be adopted on this order."""
    rules = [ask.turn.rules[r] for r in ask.order.active if r in ask.turn.rules]
    if ask.turn.live.habit is None or not any(rule.metric in SUBJECT for rule in rules):
        return No("nothing_unusual", "no symptom of this order is about what is usual for the queue")
    return None


def adopt(ask: Ask) -> None:
    """The level of late is the norm from here on, by the name of who says so."""
    moved = ask.turn.live.habit.adopt(ask.order.queue) if ask.turn.live.habit else None
    factors = {name: round(value, 3) for name, value in sorted((moved or {}).items())}
    ask.log("adopted", ask.command.text, **factors)
    why = ask.command.text
    ask.changed(f"Adopted as usual by {ask.actor} ({why})", f"{ask.actor} 确认为新常态({why})")


def odd_fault(catalogue: Catalogue, turn: Turn, queue: str, command: OrderCommand) -> No | None:
    """Why a day cannot be marked odd; `mark_odd` may still find that it was learned."""
    for name, value in (("day", command.day), ("text", command.text)):
        if not value.strip():
            return No(f"needs_{name}", f"mark_odd needs {name}")
    if catalogue.people and routing.person_of(catalogue, command.actor) is None:
        return No("unknown_person", f"nobody is called {command.actor}")
    if is_unit(queue) or turn.live.habit is None:
        return No("of_queues_only", "habits are of queues: mark the day of each queue")
    day = _day(command.day)
    if day is None:
        return No("not_a_day", f"{command.day} is no date such as 2026-03-02")
    if day > local(site_of(catalogue, queue).zone, turn.now_ms).date() + timedelta(days=AHEAD_DAYS):
        return No("begins_too_late", f"a day may be marked {AHEAD_DAYS} days ahead at most")
    return None


def mark_odd(
    catalogue: Catalogue, turn: Turn, queue: str, order: str | None, command: OrderCommand, ident: str
) -> No | None:
    """The day teaches nothing: told in the floor log of *queue*. The refusal, None when it is done."""
    if no := odd_fault(catalogue, turn, queue, command):
        return no
    day, habit = _day(command.day), turn.live.habit
    if day is None or habit is None or not habit.mark_odd(queue, day):
        return No("day_is_learned", f"nothing is known of {queue}, or {command.day} lies too long ago: it was learned")
    department = settings_for(catalogue, queue).department
    shift = shift_at(catalogue, department, turn.now_ms)
    text = f"{day} is odd and teaches nothing: {command.text}"
    floor = {
        "id": short_id("FL-", ident),
        "at_ms": turn.now_ms,
        "by": command.actor,
        "text": text,
        "department": department,
        "shift": shift.name if shift else None,
    }
    said = (text, f"{day} 为异常日,不计入常态:{command.text}")
    turn.alert_without_order("floor", queue, INFORMATION, f"{queue}: odd day", said, order, None, {"floor": floor})
    return None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
