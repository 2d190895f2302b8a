"""Who is on duty, until when, and how much duty lies between two instants: the working time of a person.

Functions of a catalogue, a person and an instant (epoch milliseconds UTC) alone. A person is on duty on the shifts that
they sit on, in the duties of their own, and wherever they stand in for somebody; who has none of these in the settings
is always on duty. Nothing is foreseen further ahead than `AHEAD_DAYS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

from models.catalogue import Catalogue, Person
from models.shifts import Rota, Stint, rota_of

#: How far ahead the next duty is looked for: longer than any leave, and 66 days of a person are soon worked out.
AHEAD_DAYS: Final = 62
#: Most answers lie within a week.
_NEAR_DAYS: Final = 8
#: A span has 49 hours at most (two days with a repeated hour), and the local day may be the one before that of UTC.
BACK_DAYS: Final = 4


def days_about(now_ms: int, ahead: int = 1) -> list[date]:
    """The days on which a stretch that holds *now_ms* may begin, in any zone, and *ahead* days from the next on."""
    today = datetime.fromtimestamp(now_ms // 1000, UTC).date()
    return [today + timedelta(days=n) for n in range(-BACK_DAYS, ahead + 1)]


def stints(catalogue: Catalogue, person: Person, now_ms: int) -> list[Stint]:
    """What *person* is on duty for at *now_ms*: for whom, in which tier. Empty: off duty."""
    rota = rota_of(catalogue)
    found = (stint for day in days_about(now_ms) for stint in rota.stints(person, day))
    return [stint for stint in found if stint.starts_ms <= now_ms < stint.ends_ms]


def on_duty(catalogue: Catalogue, person: Person, now_ms: int) -> bool:
    """Whether *person* is on duty, standing in for others included."""
    return person.id in rota_of(catalogue).always or bool(stints(catalogue, person, now_ms))


def duty_change_ms(catalogue: Catalogue, person: Person, now_ms: int) -> int | None:
    """When the duty of *person* next begins or ends; None when it does not within `AHEAD_DAYS`."""
    for ahead in (_NEAR_DAYS, AHEAD_DAYS):
        until_ms = now_ms + (ahead - 2) * _DAY_MS
        for starts_ms, ends_ms in stretches(catalogue, person, now_ms, ahead):
            change_ms = starts_ms if starts_ms > now_ms else ends_ms
            if change_ms <= until_ms:
                return change_ms
            break
    return None


_DAY_MS: Final = 86_400_000


def stretches(catalogue: Catalogue, person: Person, now_ms: int, ahead_days: int = AHEAD_DAYS) -> list[tuple[int, int]]:
    """The stretches of duty that end after *now_ms*, joined where they touch, earliest first.

    What lies more than *ahead_days* less two from *now_ms* may be missing: days of other zones end later.
    """
    rota = rota_of(catalogue)
    if person.id in rota.always:
        return [(now_ms, now_ms + ahead_days * _DAY_MS)]
    found = _spans(rota, person, days_about(now_ms, ahead_days))
    return [span for span in joined(found) if span[1] > now_ms]


def _spans(rota: Rota, person: Person, days: Iterable[date]) -> Iterator[tuple[int, int]]:
    for day in days:
        for stint in rota.stints(person, day):
            yield stint.starts_ms, stint.ends_ms


def joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """*spans* in order, those that touch or overlap made one."""
    found: list[tuple[int, int]] = []
    for starts_ms, ends_ms in sorted(spans):
        if found and starts_ms <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ends_ms))
        else:
            found.append((starts_ms, ends_ms))
    return found


def after_duty_ms(catalogue: Catalogue, person: Person, from_ms: int, work_ms: int) -> int | None:
    """When *person* will have been on duty for *work_ms* since *from_ms*; None when that is not foreseen."""
    if person.id in rota_of(catalogue).always:
        return from_ms + work_ms
    for ahead in (_NEAR_DAYS, AHEAD_DAYS):
        left_ms, until_ms = work_ms, from_ms + (ahead - 2) * _DAY_MS
        for starts_ms, ends_ms in stretches(catalogue, person, from_ms, ahead):
            begins_ms = max(starts_ms, from_ms)
            if begins_ms + left_ms <= min(ends_ms, until_ms):
                return begins_ms + left_ms
            left_ms -= ends_ms - begins_ms
    return None


def duty_between_ms(catalogue: Catalogue, person: Person, from_ms: int, to_ms: int) -> int:
    """How long *person* is on duty from *from_ms* to *to_ms*; what lies beyond `AHEAD_DAYS` is not counted."""
    if person.id in rota_of(catalogue).always:
        return max(0, to_ms - from_ms)
    spans = stretches(catalogue, person, from_ms, min(AHEAD_DAYS, max(0, to_ms - from_ms) // _DAY_MS + 3))
    return sum(max(0, min(ends_ms, to_ms) - max(starts_ms, from_ms)) for starts_ms, ends_ms in spans)


def share_of_duty_ms(catalogue: Catalogue, person: Person, span: tuple[int, int], percent: int) -> int | None:
    """When *percent* of the duty of *person* within *span* is over; None when there is none. Asked at every clock."""
    rota, from_ms = rota_of(catalogue), span[0]
    if person.id in rota.always:
        return from_ms + (span[1] - from_ms) * percent // 100

    def found() -> int | None:
        work_ms = duty_between_ms(catalogue, person, *span)
        return after_duty_ms(catalogue, person, from_ms, work_ms * percent // 100) if work_ms else None

    return rota.once((person.id, *span, percent), found)
