"""The two limits of an order, to respond and to resolve: when they end, when to warn, what has become due.

Both run on after acknowledgement and stop on hold only (`stretched`). A warning is given at half and at three quarters
of a limit, a broken one escalates. Of an acceptance the end takes the place of the limit to resolve, and while a
verification runs nothing is due: the person has done what the limit asked.
"""

from __future__ import annotations

from dataclasses import dataclass

from alerts.order import WorkOrder
from alerts.workorder import UNANSWERED, WORKING
from models.catalogue import LoopLimits, Person
from models.hours import duty_change_ms, on_duty

#: Shares of a limit at which its owner is reminded, in per cent.
WARNINGS = (50, 75)
#: At the top of the ladder nobody is left to escalate to: the top is told again after this long.
TOP_GAP_MS = 60 * 60_000
_LOWEST = 3


@dataclass(frozen=True, slots=True)
class Due:
    """Something that time has brought: a system event, or a warning (``respond_due`` with *warn_percent*)."""

    event: str
    warn_percent: int = 0


def respond_by_ms(limits: LoopLimits, severity: int, owner: Person | None, now_ms: int) -> int:
    """The end of the limit to respond. Of severity 3 it begins when the owner's duty does: nobody is woken for it."""
    begins = now_ms
    if severity >= _LOWEST and owner is not None and not on_duty(owner, now_ms):
        begins = duty_change_ms(owner, now_ms) or now_ms
    return begins + limits.respond_ms[min(severity, _LOWEST) - 1]


def resolve_by_ms(limits: LoopLimits, severity: int, owner: Person | None, now_ms: int) -> int:
    """The end of the limit to resolve. For severity 3 the end of the owner's shift, if there is time to respond."""
    by = now_ms + limits.resolve_ms[min(severity, _LOWEST) - 1]
    if severity >= _LOWEST and owner is not None and on_duty(owner, now_ms):
        ends = duty_change_ms(owner, now_ms)
        if ends is not None and now_ms + limits.respond_ms[_LOWEST - 1] <= ends < by:
            return ends
    return by


def due(order: WorkOrder, now_ms: int) -> Due | None:
    """The next thing that is due at *now_ms*, None when there is nothing. Ask again after dealing with it."""
    if order.state in ("on_hold", "accepted"):
        over = order.hold_until_ms is not None and now_ms >= order.hold_until_ms
        return Due("hold_due" if order.state == "on_hold" else "accept_due") if over else None
    if order.state in UNANSWERED and order.respond_by_ms is not None:
        if now_ms >= order.respond_by_ms:
            return Due("respond_due")
        warning = _warning(order, "respond", order.private.respond_from_ms, order.respond_by_ms, now_ms)
        if warning:
            return warning
    if order.state not in WORKING or order.resolve_by_ms is None:
        return None
    climb = order.private.climb_ms if order.private.resolve_late else order.resolve_by_ms
    if climb is not None and now_ms >= climb:
        return Due("resolve_due")
    if order.private.resolve_late:
        return None
    return _warning(order, "resolve", order.private.resolve_from_ms, order.resolve_by_ms, now_ms)


def _warning(order: WorkOrder, which: str, from_ms: int, by_ms: int, now_ms: int) -> Due | None:
    """The highest warning reached and not yet given; a lower one that was jumped over is not given after it."""
    for percent in reversed(WARNINGS):
        if now_ms >= from_ms + (by_ms - from_ms) * percent // 100:
            return None if given(order, which, percent) else Due(f"{which}_due", percent)
    return None


def given(order: WorkOrder, which: str, percent: int) -> bool:
    """Whether that warning, or a later one of the same limit, has been given."""
    return any(f"{which} {p}" in order.private.warned for p in WARNINGS if p >= percent)


def mark(order: WorkOrder, which: str, percent: int) -> None:
    """Remember a warning as given."""
    order.private.warned.append(f"{which} {percent}")


def unmark(order: WorkOrder, which: str) -> None:
    """Forget the warnings of a limit that begins anew."""
    order.private.warned = [w for w in order.private.warned if not w.startswith(which)]


def stretched(order: WorkOrder, held_ms: int) -> None:
    """Move both limits by the time that the order was on hold."""
    order.private.respond_from_ms += held_ms
    order.private.resolve_from_ms += held_ms
    if order.respond_by_ms is not None:
        order.respond_by_ms += held_ms
    if order.resolve_by_ms is not None:
        order.resolve_by_ms += held_ms
    if order.private.climb_ms is not None:
        order.private.climb_ms += held_ms
