"""Wall-clock times of a place as epoch milliseconds."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from models.errors import UsageError


def zone_of(name: str) -> ZoneInfo:
    """The zone *name* (IANA). Raises UsageError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"{name!r} is no known time zone: give an IANA name like Asia/Jerusalem or Europe/Berlin."
        ) from error


def epoch_ms(local: datetime, zone: ZoneInfo) -> int:
    """*local* (naive) in *zone* as epoch milliseconds.

    An hour that the clock repeats in autumn is read as its first (``fold=0``). A time that the clock skips in spring
    is read as shown by a clock that has not been put forward yet: 02:30 becomes 03:30 of the new time. A time
    that carries an offset of its own keeps it.
    """
    aware = local if local.tzinfo is not None else local.replace(tzinfo=zone, fold=0)
    return int(aware.timestamp()) * 1000 + aware.microsecond // 1000


def readings(local: datetime, zone: ZoneInfo) -> tuple[int, ...]:
    """The instants (epoch ms, in order) at which the clocks of *zone* show *local* (naive): none, one or two.

    None for a time that the clock skips in spring, two for one that it repeats in autumn.
    """
    found = []
    for fold in (0, 1):
        aware = local.replace(tzinfo=zone, fold=fold)
        at_s = aware.timestamp()
        if datetime.fromtimestamp(at_s, zone).replace(tzinfo=None) == local:
            found.append(int(at_s) * 1000 + local.microsecond // 1000)
    return tuple(sorted(set(found)))
