"""``callwatch staff``: how many agents a load needs, and what more or fewer would make of it."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from models.errors import UsageError

if TYPE_CHECKING:
    from alerts.staffing.advice import Advice
    from alerts.staffing.erlang import Load
    from alerts.staffing.needed import Goal

FormulaName = Literal["negative", "short_excluded", "ignored", "answered_only", "positive"]


def register(app: typer.Typer) -> None:
    """Add ``staff``."""
    app.command("staff")(staff)


def staff(
    offered: Annotated[float, typer.Option(help="Calls offered in the interval.")],
    handle_s: Annotated[float, typer.Option(help="Mean handle time of a call: talk, hold and wrap-up.")],
    interval_min: Annotated[float, typer.Option(help="Length of the interval.")] = 30.0,
    target: Annotated[
        str, typer.Option(metavar="SHARE/SECONDS", help="Service level, e.g. 0.8/20 or 80%/20s. '' for none.")
    ] = "0.8/20",
    patience_s: Annotated[
        float | None, typer.Option(help="Mean patience of callers (Erlang A). Without it nobody hangs up (Erlang C).")
    ] = None,
    agents: Annotated[float | None, typer.Option(help="Agents there are, also in fractions: shown beside.")] = None,
    max_abandoned: Annotated[float | None, typer.Option(help="At most this share may hang up.")] = None,
    speed_of_answer_s: Annotated[float | None, typer.Option(help="At most this mean wait of the answered.")] = None,
    max_occupancy: Annotated[float | None, typer.Option(help="At most this occupancy.")] = None,
    formula: Annotated[FormulaName, typer.Option(help="Which calls the service level judges.")] = "negative",
    short_s: Annotated[float, typer.Option(help="Limit of a short abandon (formula short_excluded).")] = 5.0,
    shrinkage: Annotated[float, typer.Option(help="Share of paid time not on the phones: for the roster.")] = 0.0,
    waiting: Annotated[float | None, typer.Option(help="Callers waiting now: how long until it recovers?")] = None,
    within_min: Annotated[float, typer.Option(help="In how many minutes it should (with --waiting).")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Say how many agents a load needs, and what service each number of agents around it gives.

    With --patience-s callers hang up (Erlang A) and every load has an answer; without it nobody does (Erlang C), and a
    load of as many erlangs as agents never settles. Fractions of agents are real: 2.5 is one who helps half the time.

        callwatch staff --offered 120 --handle-s 240 --interval-min 30 --target 0.8/20 --patience-s 90 --agents 14
    """
    from callwatch.staffing import answer, table
    from callwatch.staffing import as_json as json_of

    load = _load(offered, handle_s, interval_min, patience_s)
    goal = _goal(target, formula, short_s, max_abandoned, speed_of_answer_s, max_occupancy)
    if not 0 <= shrinkage < 1:
        raise UsageError(f"--shrinkage {shrinkage:g}: give a share from 0 to below 1, e.g. 0.3.")
    advice = None
    if waiting is not None:
        advice = _advice(load, goal, agents, waiting, within_min)
    found = answer(load, goal, agents, shrinkage, advice)
    if as_json:
        sys.stdout.write(json_of(found).decode() + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in table(found))


def _load(offered: float, handle_s: float, interval_min: float, patience_s: float | None) -> Load:
    from alerts.staffing.erlang import Load

    named = {"--offered": offered, "--handle-s": handle_s, "--interval-min": interval_min}
    named |= {"--patience-s": patience_s} if patience_s is not None else {}
    for name, value in named.items():
        if not 0 < value < math.inf:
            raise UsageError(f"{name} {value:g}: give a number above 0.")
    return Load(offered / (interval_min * 60), handle_s, math.inf if patience_s is None else patience_s)


def _goal(
    target: str,
    formula: FormulaName,
    short_s: float,
    max_abandoned: float | None,
    speed_of_answer_s: float | None,
    max_occupancy: float | None,
) -> Goal:
    from alerts.staffing.needed import Goal
    from callwatch.staffing import target_of
    from models.catalogue import Formula

    share, seconds = target_of(target) if target.strip() else (None, 20.0)
    chosen = Formula[formula.upper()]
    try:
        return Goal(share, seconds, chosen, short_s, max_abandoned, speed_of_answer_s, max_occupancy)
    except ValueError as error:
        raise UsageError(f"{error}.") from error


def _advice(load: Load, goal: Goal, agents: float | None, waiting: float, within_min: float) -> Advice:
    from alerts.staffing.advice import advise
    from alerts.staffing.recovery import Present

    if agents is None or agents < 0 or goal.service_level is None:
        raise UsageError("--waiting needs --agents (how many there are) and a --target.")
    if not 0 <= waiting <= 100_000 or not 0 < within_min <= 24 * 60:
        raise UsageError("--waiting: give 0 to 100000 callers; --within-min: above 0 and up to a day.")
    try:
        return advise(load, agents, Present(waiting, agents), goal, within_min * 60)
    except ValueError as error:
        raise UsageError(f"{error}: check the units (calls, seconds, minutes).") from error
