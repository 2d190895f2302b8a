"""Experience (经验库): what a closed order teaches, and how like it a new one is.

Theory. A new order of the same queue, with the same symptoms, at the same time of day, with figures as bad, probably
has the same cause. The likeness of an opening order to a closed one is a weighted sum, each term from 0 to 1:

- *place* (0.35): 1 the same queue, 0.5 another queue of the same site, else 0.
- *symptoms* (0.35): those in common over the fewer of both. Over the fewer, because an order opens with its first
  symptom and closes with all that joined it.
- *time* (0.15): 1 in the same half-hour of the local day, falling to 0 in two hours; half of it between a day of the
  week and one of the weekend.
- *figures* (0.15): of the figures that both opened with, one minus their relative difference, on average.

Ties go to what helped more often, then to the newer. Below `LEAST` nothing is offered: an unlike order misleads.
Orders that ended by themselves teach nothing that could be done, so they are not kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from alerts.order import Like, WorkOrder
from models.catalogue import Catalogue
from models.hours import local, site_of

PLACE, SYMPTOMS, TIME, FIGURES = 0.35, 0.35, 0.15, 0.15
#: The least likeness that is offered: the same queue with nothing in common, or the same symptom elsewhere, is below.
LEAST: Final = 0.5
OFFERED: Final = 3
#: How far apart on the clock two times of day have nothing in common, in half-hours.
_APART: Final = 4
_WEEKEND: Final = 5
#: Characters of cause, measure and effect that are kept; the log has them whole.
_TEXT: Final = 200


@dataclass(slots=True)
class Experience:
    """A closed order, in short. *half* is the half-hour of the local week in which it opened, 0 to 335 from Monday."""

    order: str
    queue: str
    half: int
    symptoms: list[str]
    figures: dict[str, float]
    cause: str
    measure: str
    effect: str
    opened_ms: int
    closed_ms: int
    helped: int = 0  #: how often it was said to have helped, less how often not


@dataclass(frozen=True, slots=True)
class Case:
    """An order that opens, as far as likeness asks."""

    queue: str
    half: int
    symptoms: Sequence[str]
    figures: dict[str, float] = field(default_factory=dict)


def half_of_week(catalogue: Catalogue, queue: str, at_ms: int) -> int:
    """The half-hour of the local week of *queue*'s site that *at_ms* lies in, 0 to 335 from Monday."""
    at = local(site_of(catalogue, queue).zone, at_ms)
    return at.weekday() * 48 + (at.hour * 60 + at.minute) // 30


def symptoms_of(order: WorkOrder) -> list[str]:
    """What an order is about: its rules, and the kinds of its findings."""
    return [*order.symptoms, *sorted({f"finding:{finding.kind}" for finding in order.findings})]


def case_of(catalogue: Catalogue, order: WorkOrder) -> Case:
    """*order* as a case."""
    half = half_of_week(catalogue, order.queue, order.opened_ms)
    return Case(order.queue, half, symptoms_of(order), order.private.first_figures)


def experience_of(catalogue: Catalogue, order: WorkOrder) -> Experience:
    """What a closed *order* teaches."""
    case = case_of(catalogue, order)
    return Experience(
        order=order.id,
        queue=order.queue,
        half=case.half,
        symptoms=list(case.symptoms),
        figures=dict(case.figures),
        cause=(order.cause or "")[:_TEXT],
        measure=(order.measure or "")[:_TEXT],
        effect=(order.verification.sentence if order.verification else "")[:_TEXT],
        opened_ms=order.opened_ms,
        closed_ms=order.closed_ms or order.updated_ms,
    )


def likeness(case: Case, past: Experience) -> float:
    """How like *past* the *case* is, 0 to 1, rounded to a thousandth so that sums have one spelling."""
    place = 1.0 if case.queue == past.queue else 0.5 if _site(case.queue) == _site(past.queue) else 0.0
    return round(
        PLACE * place
        + SYMPTOMS * _common(case.symptoms, past.symptoms)
        + TIME * _near(case.half, past.half)
        + FIGURES * _close(case.figures, past.figures),
        3,
    )


def _site(queue: str) -> str:
    return queue.rpartition("/")[0]


def _common(some: Sequence[str], others: Sequence[str]) -> float:
    fewer = min(len(set(some)), len(set(others)))
    return len(set(some) & set(others)) / fewer if fewer else 0.0


def _near(half: int, other: int) -> float:
    apart = abs(half % 48 - other % 48)
    near = max(0.0, 1.0 - min(apart, 48 - apart) / _APART)
    same_kind_of_day = (half // 48 >= _WEEKEND) == (other // 48 >= _WEEKEND)
    return near if same_kind_of_day else near / 2


def _close(some: dict[str, float], others: dict[str, float]) -> float:
    both = sorted(some.keys() & others.keys())
    if not both:
        return 0.0
    return sum(_alike(some[name], others[name]) for name in both) / len(both)


def _alike(one: float, other: float) -> float:
    largest = max(abs(one), abs(other))
    return 1.0 if largest == 0.0 else max(0.0, 1.0 - abs(one - other) / largest)


def similar(case: Case, past: Iterable[Experience]) -> list[Like]:
    """The `OFFERED` most similar of *past*, the most similar first."""
    scored = [(likeness(case, p), p) for p in past]
    found = sorted(
        (pair for pair in scored if pair[0] >= LEAST),
        key=lambda pair: (-pair[0], -pair[1].helped, -pair[1].closed_ms, pair[1].order),
    )
    return [
        Like(p.order, p.queue, score, p.cause, p.measure, p.effect, max(1, (p.closed_ms - p.opened_ms) // 60_000))
        for score, p in found[:OFFERED]
    ]
