"""The two limits of an order, to respond and to resolve: when they end, when to warn, what has become due.

Both run on after acknowledgement and stop on hold only (`stretched`). A warning is given at half and at three quarters
of a limit, a broken one escalates. Of an acceptance the end takes the place of the limit to resolve, and while a
verification runs nothing is due: the person has done what the limit asked.

Severity 1 and 2 run round the clock. Severity 3 runs on the calendar of its owner: only time on duty counts, for the
limit, for its warnings and for what a hold leaves of it, so nothing becomes due while that person is away.
"""

from __future__ import annotations

from dataclasses import dataclass

from alerts.order import WorkOrder
from alerts.workorder import UNANSWERED, WORKING
from models.catalogue import Catalogue, Person
from models.duty import AHEAD_DAYS, after_duty_ms, duty_between_ms, duty_change_ms, share_of_duty_ms
from models.shifts import rota_of

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


def later_ms(catalogue: Catalogue, severity: int, owner: Person | None, from_ms: int, span_ms: int) -> int:
    """*span_ms* after *from_ms*; for severity 3 and 4 counted in the duty of *owner*, where any is foreseen."""
    if severity < _LOWEST or owner is None:
        return from_ms + span_ms
    at_ms = after_duty_ms(catalogue, owner, from_ms, span_ms)
    return from_ms + span_ms if at_ms is None else at_ms


def respond_by_ms(catalogue: Catalogue, severity: int, owner: Person | None, now_ms: int) -> int:
    """The end of the limit to respond. Of severity 3 it is counted in the owner's duty: nobody is woken for it."""
    return later_ms(catalogue, severity, owner, now_ms, catalogue.limits.respond_ms[min(severity, _LOWEST) - 1])


def resolve_by_ms(catalogue: Catalogue, severity: int, owner: Person | None, now_ms: int) -> int:
    """The end of the limit to resolve. For severity 3 the end of the owner's shift, if there is time to respond in it.

    Else the end of the owner's next one; never later than the limit itself, counted in duty.
    """
    by_ms = later_ms(catalogue, severity, owner, now_ms, catalogue.limits.resolve_ms[min(severity, _LOWEST) - 1])
    if severity < _LOWEST or owner is None:
        return by_ms
    respond_ms = after_duty_ms(catalogue, owner, now_ms, catalogue.limits.respond_ms[_LOWEST - 1])
    ends_ms = None if respond_ms is None else duty_change_ms(catalogue, owner, respond_ms - 1)
    return by_ms if ends_ms is None else min(by_ms, ends_ms)


def due(catalogue: Catalogue, order: WorkOrder, now_ms: int) -> Due | None:
    """The next thing that is due at *now_ms*, None when there is nothing. Ask again after dealing with it."""
    if order.state in ("on_hold", "accepted"):
        over = order.hold_until_ms is not None and now_ms >= order.hold_until_ms
        return Due("hold_due" if order.state == "on_hold" else "accept_due") if over else None
    if order.state in UNANSWERED and order.respond_by_ms is not None:
        if now_ms >= order.respond_by_ms:
            return Due("respond_due")
        span = (order.private.respond_from_ms, order.respond_by_ms)
        warning = _warning(catalogue, order, "respond", span, now_ms)
        if warning:
            return warning
    if order.state not in WORKING or order.resolve_by_ms is None:
        return None
    climb = order.private.climb_ms if order.private.resolve_late else order.resolve_by_ms
    if climb is not None and now_ms >= climb:
        return Due("resolve_due")
    if order.private.resolve_late:
        return None
    return _warning(catalogue, order, "resolve", (order.private.resolve_from_ms, order.resolve_by_ms), now_ms)


def _warning(catalogue: Catalogue, order: WorkOrder, which: str, span: tuple[int, int], now_ms: int) -> Due | None:
    """The highest warning reached and not yet given; a lower one that was jumped over is not given after it."""
    for percent in reversed(WARNINGS):
        if now_ms >= warned_ms(catalogue, order, span, percent):
            return None if given(order, which, percent) else Due(f"{which}_due", percent)
    return None


def warned_ms(catalogue: Catalogue, order: WorkOrder, span: tuple[int, int], percent: int) -> int:
    """When *percent* of the limit that runs over *span* is over, on the calendar of the order."""
    from_ms, by_ms = span
    at_ms = from_ms + (by_ms - from_ms) * percent // 100
    owner = rota_of(catalogue).people.get(order.owner or "")
    if order.severity < _LOWEST or owner is None:
        return at_ms
    on_duty_ms = share_of_duty_ms(catalogue, owner, span, percent)
    return at_ms if on_duty_ms is None else on_duty_ms


def given(order: WorkOrder, which: str, percent: int) -> bool:
    """Whether that warning, or a later one of the same limit, has been given."""
    return any(f"{which} {p}" in order.private.warned for p in WARNINGS if p >= percent)


def mark(order: WorkOrder, which: str, percent: int) -> None:
    """Remember a warning as given."""
    order.private.warned.append(f"{which} {percent}")


def unmark(order: WorkOrder, which: str) -> None:
    """Forget the warnings of a limit that begins anew."""
    order.private.warned = [w for w in order.private.warned if not w.startswith(which)]


def stretched(catalogue: Catalogue, order: WorkOrder, since_ms: int, now_ms: int) -> None:
    """Move both limits by the time that the order was on hold, from *since_ms* to *now_ms*.

    What was left of a limit is left again: of severity 3 the duty that was left.
    """
    private, owner = order.private, rota_of(catalogue).people.get(order.owner or "")

    def moved(by_ms: int | None) -> int | None:
        if by_ms is None:
            return None
        beyond = by_ms - since_ms > AHEAD_DAYS * 86_400_000  # what cannot be foreseen is not counted
        if order.severity < _LOWEST or owner is None or by_ms <= since_ms or beyond:
            return by_ms + now_ms - since_ms
        left_ms = duty_between_ms(catalogue, owner, since_ms, by_ms)
        return later_ms(catalogue, order.severity, owner, now_ms, left_ms)

    private.respond_from_ms += now_ms - since_ms
    private.resolve_from_ms += now_ms - since_ms
    order.respond_by_ms, order.resolve_by_ms = moved(order.respond_by_ms), moved(order.resolve_by_ms)
    private.climb_ms = moved(private.climb_ms)
