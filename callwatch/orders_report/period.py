"""Which stretch of time a report is of: a shift, a local day, a local week from Monday, a local month."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from models.catalogue import Catalogue
from models.errors import UsageError
from models.hours import instant_ms, local, site_of
from models.rota import department_of, shift_at

Kind = Literal["shift", "day", "week", "month"]
HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Period:
    """From *from_ms* until before *to_ms* (epoch milliseconds UTC), on the clock of *zone*."""

    kind: Kind
    name: str
    zone: str
    from_ms: int
    to_ms: int

    def edges(self) -> list[int]:
        """Where its buckets begin, and its end: hours of a shift or day, local days of a week or month."""
        if self.kind in ("shift", "day"):
            return [*range(self.from_ms, self.to_ms, HOUR_MS), self.to_ms]
        first = local(self.zone, self.from_ms).date()
        days = (instant_ms(self.zone, first + timedelta(days=n), 0) for n in range(32))
        return [*(at_ms for at_ms in days if at_ms < self.to_ms), self.to_ms]


def calendar_period(kind: Literal["day", "week", "month"], zone: str, at_ms: int) -> Period:
    """The local day, week (Monday to Sunday, ISO 8601) or month of *zone* that holds *at_ms*."""
    day = local(zone, at_ms).date()
    if kind == "day":
        first, after, name = day, day + timedelta(days=1), day.isoformat()
    elif kind == "week":
        first = day - timedelta(days=day.weekday())
        after, name = first + timedelta(days=7), f"{day.isocalendar().year}-W{day.isocalendar().week:02}"
    else:
        first = day.replace(day=1)
        after, name = (first + timedelta(days=31)).replace(day=1), f"{day:%Y-%m}"
    return Period(kind, name, zone, instant_ms(zone, first, 0), instant_ms(zone, after, 0))


def shift_period(catalogue: Catalogue, queues: Iterable[str], at_ms: int) -> Period:
    """The shift at *at_ms* of the department that answers for *queues*.

    Raises UsageError when they are of several departments, or when there is no shift at that time.
    """
    departments = sorted({department_of(catalogue, queue).name for queue in queues})
    if len(departments) != 1:
        named = ", ".join(name or "(none)" for name in departments) or "none"
        raise UsageError(f"--period shift needs the queues of one department, these are of: {named}. Name one --queue.")
    turn = shift_at(catalogue, departments[0], at_ms)
    if turn is None:
        when = datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%MZ")
        raise UsageError(
            f"Department {departments[0] or '(none)'} has no shift at {when}: name another time with --at, or enter "
            "its shifts in the settings."
        )
    return Period("shift", f"{turn.day.isoformat()} {turn.name}", turn.zone, turn.starts_ms, turn.ends_ms)


def zone_of(catalogue: Catalogue, queues: Iterable[str]) -> str:
    """The one zone of the sites of *queues*, UTC without any. Raises UsageError when their clocks differ."""
    zones = {site_of(catalogue, queue).zone: queue for queue in sorted(queues)}
    if len(zones) > 1:
        found = ", ".join(f"{queue} has {zone}" for zone, queue in sorted(zones.items()))
        raise UsageError(
            f"A local day is not one here: {found}. Name one --site, or the clock that counts with --zone."
        )
    return next(iter(zones), "UTC")


def known_zone(name: str) -> str:
    """*name*, if this machine knows such a zone. Raises UsageError."""
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise UsageError(f'--zone "{name}" is not an IANA time zone such as Asia/Shanghai') from None


def moment_ms(text: str, zone: str, kind: Kind) -> int:
    """*text* (``2026-03-02``, or ``2026-03-02T14:30``) on the clock of *zone*. Raises UsageError.

    A shift needs the time of day: shifts of one day follow each other.
    """
    try:
        if len(text) == len("2026-03-02"):
            if kind == "shift":
                raise UsageError(f"--at {text}: a shift needs a time of day too, such as {text}T08:00")
            return instant_ms(zone, date.fromisoformat(text), 0)
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise UsageError(f"--at {text} is not a date such as 2026-03-02 or a time such as 2026-03-02T14:30") from None
    at = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))
    return int(at.timestamp() * 1000)
