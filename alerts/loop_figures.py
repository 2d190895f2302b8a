"""The figures of the loop over a period: how soon, how well kept, how often wrong. Pure functions over `Facts`.

What is measured belongs to the period in which it ended, what is counted to the one in which it happened, and time in
a state is cut at the period's edges. So the figures of days add up to those of their week. Nothing is a share of
nothing: without a case behind it a figure is None.

Definitions. The names are the field's (mean time to detect, acknowledge, resolve: ITIL 4 incident management; Beyer et
al., Site Reliability Engineering, 2016, chapter 16; PagerDuty Insights), what they mean on this loop is ours:

============  =========================================================================================
detect        from the first clock at which the live figure was in breach to the order being raised: the
              rule's hold. An order raised by a person's report has none, nor has one that a planned
              event kept from opening
acknowledge   from raised to the first acknowledgement, taking over or acceptance by a person; an order
              that recovered before has none
resolve       from the beginning of the round to the resolve that then stood the verification
recover       the same for a recovery without a resolve; an order whose rules were withdrawn has not
              recovered, and has kept no limit
verify        from the resolve (or the recovery) to the verification's decision, passed or failed, pauses
              and holds included
respond kept  acknowledged before its first limit to respond was broken, of those acknowledged or broken
resolve kept  rounds closed without their limit to resolve being broken, of those closed or broken
failed share  verifications failed / (passed + failed)
relapse       closed orders that came back inside the reopen window / closings; one that comes back just
              after midnight belongs to the day on which it does
undecided     verifications that saw too few calls; how they were decided in the end is in *closed_by*
false share   orders whose last verdict is "false" / orders with a verdict. Cancelled by two people as a
              false alarm and without a verdict counts as one with "false". An order speaks for each
              of its symptoms
============  =========================================================================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from alerts.order_facts import Facts, Stay
from alerts.workorder import OPEN

MEASURES = ("detect", "acknowledge", "resolve", "recover", "verify")
#: Counted as they happened.
COUNTS = (
    "raised", "closed", "resolved", "recovered", "failed", "relapsed", "undecided", "accepted", "on_hold",
    "cancelled", "escalated", "page", "page_suppressed", "command", "refused",
)  # fmt: skip
VERDICTS = ("true", "false", "expected")
FALSE_ALARM = "false alarm"


@dataclass(frozen=True, slots=True)
class Spread:
    """A set of times in milliseconds: how many, and where they lie; None when there is none."""

    count: int
    mean_ms: float | None
    p50_ms: int | None
    p90_ms: int | None
    max_ms: int | None


@dataclass(frozen=True, slots=True)
class Share:
    """*part* of *of*; *share* is None when *of* is 0."""

    part: int
    of: int
    share: float | None


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """What a rule's orders were worth: orders *raised* by it, verdicts on orders that it was a symptom of."""

    rule: str
    raised: int
    verdicts: dict[str, int]
    cancelled_as_false: int
    false_share: Share


@dataclass(frozen=True, slots=True)
class LoopFigures:
    """All figures of a set of orders over a period; *open_at_start* and *open_at_end* are numbers of open orders."""

    counts: dict[str, int]
    open_at_start: int
    open_at_end: int
    times: dict[str, Spread]
    in_state: dict[str, Spread]
    respond_kept: Share
    resolve_kept: Share
    failed_share: Share
    relapse_share: Share
    closed_by: dict[str, int]
    cancelled_as: dict[str, int]


@dataclass(frozen=True, slots=True)
class Load:
    """What a person had of it. *most_open* is the largest number of open orders held at once."""

    person: str
    orders: int
    held_ms: int
    most_open: int
    commands: int
    refused: int
    pages: int
    pages_suppressed: int
    shifts_paged: int
    most_pages_in_a_shift: int


def spread(values: Iterable[int]) -> Spread:
    """Count, mean, percentiles and maximum of *values*. A percentile is a value that occurred, by nearest rank (Hyndman
    and Fan 1996, definition 1): with few cases it does not flatter, the 90th of two is the worse one."""
    found = sorted(values)
    if not found:
        return Spread(0, None, None, None, None)
    return Spread(len(found), sum(found) / len(found), ranked(found, 50), ranked(found, 90), found[-1])


def ranked(values: Sequence[int], percent: int) -> int:
    """The least of sorted *values* that at least *percent* per cent of them do not exceed."""
    return values[-(-percent * len(values) // 100) - 1]


def share(part: int, of: int) -> Share:
    """*part* of *of*, never 100 % of nothing."""
    return Share(part, of, part / of if of else None)


def cut_ms(stay: Stay, from_ms: int, to_ms: int) -> int:
    """How much of *stay* lies between *from_ms* and *to_ms*."""
    return max(0, min(to_ms, to_ms if stay.to_ms is None else stay.to_ms) - max(from_ms, stay.from_ms))


def is_open(facts: Facts, at_ms: int) -> bool:
    """Whether the order was open at *at_ms*: raised before, not over before."""
    return any(s.from_ms < at_ms and (s.to_ms is None or s.to_ms >= at_ms) for s in facts.stays)


def touches(facts: Facts, from_ms: int, to_ms: int) -> bool:
    """Whether the order was open in the period, or anything happened to it there."""
    return any(cut_ms(stay, from_ms, to_ms) for stay in facts.stays) or any(
        from_ms <= h.at_ms < to_ms for h in facts.happened
    )


def loop_figures(orders: Iterable[Facts], from_ms: int, to_ms: int) -> LoopFigures:
    """The figures of *orders* from *from_ms* until before *to_ms*; read their facts until *to_ms* only."""
    found = list(orders)
    happened = [h for facts in found for h in facts.happened if from_ms <= h.at_ms < to_ms]
    counts = Counter(h.what for h in happened)
    measures = [m for facts in found for m in facts.measures if from_ms <= m.at_ms < to_ms]
    limits = Counter((n.name, n.kept) for facts in found for n in facts.limits if from_ms <= n.at_ms < to_ms)
    decided = counts["closed"] + counts["failed"]
    return LoopFigures(
        counts={what: counts[what] for what in COUNTS},
        open_at_start=sum(is_open(facts, from_ms) for facts in found),
        open_at_end=sum(is_open(facts, to_ms) for facts in found),
        times={name: spread(m.ms for m in measures if m.name == name) for name in MEASURES},
        in_state={state: spread(_in_state(found, state, from_ms, to_ms)) for state in OPEN},
        respond_kept=share(limits["respond", True], limits["respond", True] + limits["respond", False]),
        resolve_kept=share(limits["resolve", True], limits["resolve", True] + limits["resolve", False]),
        failed_share=share(counts["failed"], decided),
        relapse_share=share(counts["relapsed"], counts["closed"]),
        closed_by=_kinds(h.kind for h in happened if h.what == "closed"),
        cancelled_as=_kinds(h.kind for h in happened if h.what == "cancelled"),
    )


def _kinds(kinds: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(kinds).items()))


def _in_state(orders: Iterable[Facts], state: str, from_ms: int, to_ms: int) -> Iterable[int]:
    """For each order that was in *state* in the period, how long."""
    for facts in orders:
        ms = sum(cut_ms(stay, from_ms, to_ms) for stay in facts.stays if stay.name == state)
        if ms:
            yield ms


def rule_figures(orders: Iterable[Facts], from_ms: int, to_ms: int) -> list[RuleFigures]:
    """What each rule's orders were worth, by what was said in the period; rules in the order of their names."""
    raised: Counter[str] = Counter()
    cancelled: Counter[str] = Counter()
    verdicts: dict[str, Counter[str]] = {}
    for facts in orders:
        happened = [h for h in facts.happened if from_ms <= h.at_ms < to_ms]
        if facts.rule and any(h.what == "raised" for h in happened):
            raised[facts.rule] += 1
        said = [h.kind for h in happened if h.what == "verdict"]
        is_false = any(h.what == "cancelled" and h.kind == FALSE_ALARM for h in happened)
        judged = any(h.what == "verdict" and h.at_ms < to_ms for h in facts.happened)  # in an earlier period, perhaps
        for rule in facts.order["symptoms"]:
            cancelled[rule] += is_false
            if said or (is_false and not judged):
                verdicts.setdefault(rule, Counter())[said[-1] if said else "false"] += 1
    names = sorted(raised.keys() | verdicts.keys())
    return [_rule(name, raised[name], verdicts.get(name, Counter()), cancelled[name]) for name in names]


def _rule(name: str, raised: int, said: Counter[str], cancelled: int) -> RuleFigures:
    verdicts = {verdict: said[verdict] for verdict in VERDICTS}
    return RuleFigures(name, raised, verdicts, cancelled, share(verdicts["false"], sum(verdicts.values())))


def loads(orders: Iterable[Facts], from_ms: int, to_ms: int, shift_of: Callable[[str, int], int | None]) -> list[Load]:
    """What each person had of it in the period, the most loaded first.

    *shift_of* (person, time) says when the shift began in which that person was paged; None (off duty) is a shift of
    its own.
    """
    found = list(orders)
    tenures: dict[str, list[tuple[int, int]]] = {}
    held: dict[str, set[str]] = {}
    did: dict[str, Counter[str]] = {}
    shifts: dict[str, Counter[int | None]] = {}
    for facts in found:
        for stay in facts.tenures:
            if cut_ms(stay, from_ms, to_ms):
                ends_ms = to_ms if stay.to_ms is None else min(stay.to_ms, to_ms)
                tenures.setdefault(stay.name, []).append((max(stay.from_ms, from_ms), ends_ms))
                held.setdefault(stay.name, set()).add(facts.order["id"])
        for h in facts.happened:
            if h.person and from_ms <= h.at_ms < to_ms:
                did.setdefault(h.person, Counter())[h.what] += 1
                if h.what == "page":
                    shifts.setdefault(h.person, Counter())[shift_of(h.person, h.at_ms)] += 1
    people = [
        _load(p, len(held.get(p, ())), tenures.get(p, []), did.get(p, Counter()), shifts.get(p, Counter()))
        for p in tenures.keys() | did.keys()
    ]
    return sorted(people, key=lambda load: (-load.held_ms, -load.pages, load.person))


def _load(
    person: str, orders: int, spans: list[tuple[int, int]], did: Counter[str], shifts: Counter[int | None]
) -> Load:
    return Load(
        person=person,
        orders=orders,
        held_ms=sum(to_ms - from_ms for from_ms, to_ms in spans),
        most_open=_most_at_once(spans),
        commands=did["command"] + did["refused"],
        refused=did["refused"],
        pages=did["page"],
        pages_suppressed=did["page_suppressed"],
        shifts_paged=len(shifts),
        most_pages_in_a_shift=max(shifts.values(), default=0),
    )


def _most_at_once(spans: Iterable[tuple[int, int]]) -> int:
    """The largest number of *spans* that overlap; one that ends where another begins does not."""
    edges = sorted([(from_ms, 1) for from_ms, _ in spans] + [(to_ms, -1) for _, to_ms in spans])
    most = now = 0
    for _, step in edges:
        now += step
        most = max(most, now)
    return most
