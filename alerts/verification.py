"""What the live figure says: may this order be resolved now, and is what was done enough.

A resolve is refused only on the present (`refusal`). Its verification counts only calls offered after it: the window
``resolve`` of the queue, whatever window raised the order (`outcome`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alerts.episode import Read, amount, over
from alerts.habit.subjects import ROLLING, SUBJECT
from alerts.judge import sample_figure
from alerts.per_agent import AGENTS, scaled
from alerts.usual import GATE, gate_of
from models.catalogue import Rule
from models.metric import METRIC, WINDOW_MS, sample_of
from models.topics import DAY_MS

#: The last minutes on which a resolve is judged.
PRESENT = "5m"
#: The subject that calls prove by coming.
FEWER = "offered_drop"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a resolve is refused: the named reason, the figure that speaks against it, and words."""

    reason: str
    figure: str
    value: float
    text: str


def beyond(rule: Rule, value: float) -> bool:
    """Whether *value* is beyond the limit."""
    return value < rule.limit if rule.below else value > rule.limit


def recovered(rule: Rule, value: float) -> bool:
    """Whether *value* is on the good side of the limit by the rule's recovery band."""
    return value >= rule.limit + rule.recovery if rule.below else value <= rule.limit - rule.recovery


def refusal(active: Sequence[Rule], read: Read) -> Refusal | None:
    """What in the present contradicts a resolve: callers past the threshold, or a symptom in the last five minutes."""
    late = read("waiting_past_threshold", "now")
    if late is not None and late > 0:
        text = f"{late:g} {'caller is' if late == 1 else 'callers are'} waiting past the threshold now"
        return Refusal("callers_waiting", "waiting_past_threshold@now", late, text)
    for rule in (scaled(rule, read(*AGENTS)) for rule in active):
        window = _window(rule, PRESENT)
        value, sample = read(rule.metric, window), sample_of(rule.metric)
        calls = read(sample, window) if sample else 1.0
        if value is not None and calls and beyond(rule, value) and not as_usual(rule, window, read):
            where = over(window)[0]
            name, shown, limit = (
                METRIC[rule.metric].en,
                amount(rule.metric, value)[0],
                amount(rule.metric, rule.limit)[0],
            )
            return Refusal(
                "still_in_breach", f"{rule.metric}@{window}", value, f"{name} is {shown} {where}, limit {limit}"
            )
    return None


def seen(symptoms: Sequence[Rule], read: Read, expected: float | None = None) -> int:
    """Calls offered since the resolve that can speak: with an outcome, or arrived where arrivals are what is judged.

    Where fewer calls came than usual, and nothing but figures of now (silence) beside, those that stay away speak too:
    of so many *expected* since.
    """
    counted = {"arrivals" if _of_arrivals(r) else "outcomes" for r in symptoms} or {"outcomes"}
    found = int(min(read(metric, "resolve") or 0.0 for metric in sorted(counted)))
    fewer = any(rule.metric == FEWER for rule in symptoms)
    others = any(rule.window != "now" or (rule.metric in SUBJECT and rule.metric != FEWER) for rule in symptoms)
    return max(found, int(expected)) if fewer and not others and expected is not None else found


def outcome(symptoms: Sequence[Rule], read: Read) -> tuple[bool, str] | None:
    """Whether every symptom's figure has recovered, with the words for it; None while a figure is undefined."""
    words = []
    for rule in (scaled(rule, read(*AGENTS)) for rule in symptoms):
        window = _window(rule, "resolve")
        value = read(rule.metric, window)
        if value is None and window == "now":
            continue
        if value is None:
            return None
        if not recovered(rule, value) and as_usual(rule, "resolve", read):
            words.append(f"{METRIC[rule.metric].en} {amount(rule.metric, value)[0]}, as usual here")
            continue
        shown = f"{METRIC[rule.metric].en} {amount(rule.metric, value)[0]}"
        if not recovered(rule, value) and rule.metric in SUBJECT:
            return False, f"{shown}, where {rule.limit - rule.recovery:g} is well"
        if not recovered(rule, value):
            return False, f"{shown} is not back within {amount(rule.metric, rule.limit)[0]} by the recovery band"
        words.append(shown)
    return True, ", ".join(words) or "no figure left to judge"


def _window(rule: Rule, wanted: str) -> str:
    """The window that the figure of *rule* is judged in: *wanted*, or its own where the figure has not that one."""
    return wanted if wanted in METRIC[rule.metric].windows else rule.window


def as_usual(rule: Rule, window: str, read: Read) -> bool:
    """Whether the calls of *window* are as usual for the queue, where *rule* is quiet about what is."""
    gate = gate_of(rule.metric) if rule.usual == "quiet" else None
    unusual = read(gate[0], window) if gate else None
    return unusual is not None and unusual < GATE


def quiet_ms(rule: Rule) -> int:
    """How long after a resolve calls from before it are still in the window of *rule*."""
    if rule.metric in SUBJECT and rule.window == "now":
        return WINDOW_MS[ROLLING[-1]]
    return 0 if rule.window == "now" else WINDOW_MS.get(rule.window, DAY_MS)


def _of_arrivals(rule: Rule) -> bool:
    if rule.metric in SUBJECT:
        return SUBJECT[rule.metric].kind == "volume" or SUBJECT[rule.metric].sample == "arrivals"
    behind = sample_figure(rule)
    return rule.window != "now" and behind is not None and behind[0] == "arrivals"
