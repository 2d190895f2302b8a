"""The judgement of one partition: figures in, decisions out, a function of the calls in order and of nothing else.

The owner of a partition calls `Judgement.clock` at every clock record, `command` and `probe` where such an event lies
in the log, and writes what they return, in that order. No clock is read and nothing is random: outputs are sorted by
queue and rule, so the same log gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from alerts import (
    briefs,
    commands,
    desk,
    habit_commands,
    handover,
    outage,
    plan_commands,
    planned_orders,
    problem_desk,
    proof,
    reports,
    storm_orders,
    storm_pages,
    storm_parent,
    storm_told,
    trend,
    unusual,
    words,
)
from alerts.change_watch import ChangeWatch
from alerts.defaults import default_rules, default_unit_rules
from alerts.episode import anomaly, sentence
from alerts.habit.subjects import SUBJECT
from alerts.judge import TREND, Change, Judge
from alerts.memory import Memory
from alerts.order import WorkOrder, packed, public, unpacked
from alerts.plan import notes
from alerts.plan.watch import PlanWatch, Reforecast
from alerts.planned import Event, Plan
from alerts.rules import Step
from alerts.storm import Total
from alerts.storm_book import StormBook
from alerts.turn import Live, Output, Turn
from alerts.unusual import LONGEST
from alerts.usual import gate_of
from alerts.workorder import OPEN
from models.catalogue import Catalogue, Rule
from models.command import ANY_ORDER, OrderCommand, read_command
from models.hours import day_start_ms, settings_for, site_of
from models.outputs import OrderState
from models.storm import STORM, Parent
from models.topics import ANOMALIES
from models.unit import Trouble

__all__ = ["Judgement", "Live", "Output"]


def rules_of(catalogue: Catalogue, of: Literal["queues", "units"]) -> tuple[Rule, ...]:
    """The rules for queues or for units; the default ones where there is none for them."""
    rules = tuple(rule for rule in catalogue.rules if rule.of == of)
    return rules or (default_rules() if of == "queues" else default_unit_rules())


class Judgement:
    """Rules, episodes and orders of the queues of one partition, or of the units (*of*) that are at home in it.

    What is said here of a queue holds of a unit too. Of each queue it keeps one order: the open one, or the last one
    until a new one opens (a relapse reopens it, a verdict may still come). That bounds its memory by the number of
    queues.
    """

    def __init__(self, catalogue: Catalogue, of: Literal["queues", "units"] = "queues") -> None:
        self._catalogue = catalogue
        self._of = of
        self._judge = Judge(rules_of(catalogue, of))
        self._rules = {rule.id: rule for rule in self._judge.rules}
        self._orders: dict[str, WorkOrder] = {}
        self._open: set[str] = set()
        self._usual_days: dict[str, int] = {}  #: the local day on which a queue was last told to be as usual
        self._shown: dict[str, dict[str, Any]] = {}
        self.changed: set[str] = set()  #: queues whose snapshot changed since the owner last cleared it
        self._memory = Memory(self.changed)
        self._watch = ChangeWatch(self.changed)
        self.plan = Plan(self.changed, catalogue)
        self.plans: PlanWatch | None = None  #: forecasts and rosters; with them open orders are briefed
        self.storms = StormBook(catalogue)  #: of queues: the storms that hold their orders

    def clock(self, now_ms: int, figures: NDArray[np.float64], names: Sequence[str], live: Live) -> list[Output]:
        """Judge all rules, limits and verifications at *now_ms*.

        *figures* has a row per queue in *names* (rows are only ever appended) and a column per
        ``models.metric.FIGURES``; NaN is undefined.
        """
        changes, touched = self._judge.clock(now_ms, figures, names)
        self.changed |= touched
        steps: dict[str, list[Change]] = {}
        for change in changes:
            steps.setdefault(change.queue, []).append(change)
        self.storms.clock(now_ms)
        turn = self._turn(now_ms, live, by_clock=True)
        self.plan.clock(now_ms)
        self._emergency_marks(turn)
        is_usual = partial(self.plan.is_usual, now_ms=now_ms)
        for seen in self._watch.clock(self._catalogue, now_ms, figures, names, is_usual):
            handover.watched(turn, seen)
            turn.flush(seen.queue)
        for queue in sorted(steps.keys() | self._open | self.plan.withheld.keys()):
            for change in steps.get(queue, ()):
                self._episode(turn, change)
            if queue in self.plan.withheld:
                self._judge_again(turn, queue, figures)
            order = self._orders.get(queue)
            if order is not None and queue in self._open:
                still = self._stands_still(turn, order)
                held = self._under_storm(turn, order)
                desk.time_passes(self._catalogue, turn, order, still, held)
                if not (still or held) and briefs.is_due(order, now_ms):
                    desk.brief_again(turn, order)
            self._done(turn, queue)
        return turn.outputs

    def may_learn(self, now_ms: int, is_new: Callable[[str], bool]) -> Callable[[str], bool]:
        """Which queues may learn what they show now as normal: those in no trouble, where nothing is planned.

        A trend is no trouble: else a queue whose talk time has changed for good would never learn it. A half-hour that
        *is_new*, hardly ever seen, teaches whatever is the matter: else what is bad every day could never be usual.
        """
        troubled: set[str] | None = None

        def learns(queue: str) -> bool:
            nonlocal troubled
            if troubled is None:
                troubled = self._open | self._judge.troubled()
            return (queue not in troubled or is_new(queue)) and self.plan.is_usual(queue, now_ms)

        return learns

    def off_plan(self, found: Sequence[Reforecast], now_ms: int, live: Live) -> list[Output]:
        """What came has left what was planned, or is back at it: a trend note."""
        turn = self._turn(now_ms, live)
        for one in found:
            notes.tell(self._catalogue, turn, one)
            turn.flush(one.queue)
        return turn.outputs

    def command(self, record: dict[str, Any], now_ms: int, live: Live) -> list[Output]:
        """Decide an ``order.command`` event (fields: ``models.command.OrderCommand``)."""
        turn, queue = self._turn(now_ms, live), str(record.get("queue", ""))
        order = self._orders.get(queue)
        there = order is not None and order.id == record.get("order")
        try:
            command = read_command(record)
        except ValidationError as error:
            field = ".".join(map(str, error.errors()[0]["loc"]))
            why = f"not a command: {field}"
            if order is not None and there:
                turn.log(order, "note", "refused", why, data={"reason": "malformed", "field": field})
            else:
                self._refuse(turn, queue, (f"Command about {queue} refused: {why}", f"{queue} 命令被拒绝:{field}"))
        else:
            ident = f"{record.get('source')}\x1f{record.get('id')}"
            if command.command == "accept_shift":
                return self._accept_shift(turn, queue, command, ident)
            if command.command == "floor_note":
                self._floor_note(turn, queue, command, ident)
            elif command.command == "mark_odd":
                self._mark_odd(turn, queue, command, ident)
            elif command.command in plan_commands.COMMANDS:
                self._planned(turn, queue, command, ident)
            elif command.command == "report" and command.order == ANY_ORDER:
                self._report(turn, queue, command, ident)
            elif order is not None and (there or command.order == ANY_ORDER):
                commands.obey(self._catalogue, turn, order, command, ident)
            else:
                text = f"There is no such order of {queue} any more: {command.order}"
                self._refuse(turn, queue, (text, f"{queue} 没有该工单:{command.order}"))
        self._done(turn, queue)
        return turn.outputs

    def _report(self, turn: Turn, queue: str, command: OrderCommand, ident: str) -> None:
        """Something was found: it joins the open order of *queue*, or opens one."""
        order = self._orders.get(queue)
        if order is not None and order.state in OPEN:
            commands.obey(self._catalogue, turn, order, command, ident)
        elif no := reports.fault(self._catalogue, queue, None, command):
            said = (f"Report about {queue} refused ({no.reason}): {no.text}", f"{queue} 上报被拒绝({no.reason})")
            self._refuse(turn, queue, said)
        else:
            self._keep(queue, reports.opened(self._catalogue, turn, queue, order, command, ident))

    def _floor_note(self, turn: Turn, queue: str, command: OrderCommand, ident: str) -> None:
        """A line of the floor log, of whatever order *queue* has or of none."""
        if no := handover.floor_fault(self._catalogue, command):
            self._refuse(turn, queue, (f"Floor log refused ({no.reason}): {no.text}", f"现场日志被拒绝({no.reason})"))
            return
        order = self._orders[queue].id if queue in self._open else None
        handover.floor_note(self._catalogue, turn, queue, order, command, ident)

    def _mark_odd(self, turn: Turn, queue: str, command: OrderCommand, ident: str) -> None:
        """A day of *queue* teaches nothing."""
        order = self._orders[queue].id if queue in self._open else None
        if no := habit_commands.mark_odd(self._catalogue, turn, queue, order, command, ident):
            zh = (words.reason(no.reason) or ("", no.reason))[1]
            said = (f"Odd day of {queue} refused ({no.reason}): {no.text}", f"{queue} 异常日被拒绝({zh})")
            self._refuse(turn, queue, said)

    def _planned(self, turn: Turn, queue: str, command: OrderCommand, ident: str) -> None:
        """A planned event or an emergency, of *queue* or of a pattern, told to this partition in the log of *queue*."""
        if no := plan_commands.obey(self._catalogue, turn, self.plan, queue, command, ident):
            zh = (words.reason(no.reason) or ("", no.reason))[1]
            what = command.command.replace("_", " ")
            self._refuse(turn, queue, (f"{what} refused ({no.reason}): {no.text}", f"命令被拒绝({zh})"))

    def _accept_shift(self, turn: Turn, queue: str, command: OrderCommand, ident: str) -> list[Output]:
        """The incoming lead accepts, order by order, all that waits in this partition for the department of *queue*."""
        department = settings_for(self._catalogue, queue).department
        waiting = [
            name
            for name in sorted(self._open)
            if handover.awaits(self._orders[name], command.actor)
            and settings_for(self._catalogue, name).department == department
        ]
        if not waiting:
            text = f"No order of {department or queue} waits for {command.actor} to accept it"
            self._refuse(turn, queue, (text, f"{department or queue} 没有待{command.actor}接班的工单"))
            self._done(turn, queue)
        for name in waiting:
            one = command.model_copy(update={"command": "accept_handover", "order": self._orders[name].id})
            commands.obey(self._catalogue, turn, self._orders[name], one, ident)
            self._done(turn, name)
        return turn.outputs

    @staticmethod
    def _refuse(turn: Turn, queue: str, said: tuple[str, str]) -> None:
        """Refuse what has no order that could log it."""
        turn.alert_without_order("refused", queue, TREND, "Command refused", said)

    def probe(self, record: dict[str, Any], now_ms: int, live: Live) -> list[Output]:
        """A ``probe.result`` event: a test call while the order of its queue is verified, and nothing else."""
        turn, queue = self._turn(now_ms, live), str(record.get("queue", ""))
        order, ok = self._orders.get(queue), record.get("ok")
        if order is None or order.state != "verifying" or not isinstance(ok, bool):
            return []
        proof.probe(self._catalogue, turn, order, ok)
        self._done(turn, queue)
        return turn.outputs

    def change(
        self, catalogue: Catalogue, now_ms: int, figures: NDArray[np.float64], names: Sequence[str], live: Live
    ) -> list[Output]:
        """*catalogue* is in force from here on (a ``rules.changed``); *figures* and *names* as for `clock`.

        Episodes of rules that are gone end as withdrawn. An open order whose owner is gone goes to another person; its
        limits stand.
        """
        self._catalogue = catalogue
        gone, changed = self._judge.change(rules_of(catalogue, self._of), figures, names)
        self._rules = {rule.id: rule for rule in self._judge.rules}
        self.changed |= changed
        self.plan.settle(catalogue)
        self.storms.settle(catalogue)
        turn = self._turn(now_ms, live, by_clock=True)
        for queue in sorted({change.queue for change in gone} | self._open):
            for change in gone:
                if change.queue == queue:
                    self._episode(turn, change)
            if queue in self._open:
                desk.people_changed(catalogue, turn, self._orders[queue])
            self._done(turn, queue)
        for queue, back in self._memory.recurrences():
            problem_desk.settings_changed(catalogue, turn, self._orders[queue], back)
            self._done(turn, queue)
        return turn.outputs

    def snapshot(self, queue: str) -> dict[str, Any]:
        """The state of *queue* for JSON, empty when there is nothing to keep."""
        pairs, order = self._judge.snapshot(queue), self._orders.get(queue)
        found: dict[str, Any] = {"pairs": pairs} if pairs else {}
        memory = self._memory.snapshot(queue)
        found |= ({"order": packed(order)} if order else {}) | ({"memory": memory} if memory else {})
        watch, planned = self._watch.snapshot(queue), self.plan.snapshot(queue)
        found |= {"usual_day": self._usual_days[queue]} if queue in self._usual_days else {}
        return found | ({"watch": watch} if watch else {}) | ({"planned": planned} if planned else {})

    def restore(self, queue: str, state: dict[str, Any]) -> None:
        """Take up what `snapshot` gave; symptoms of rules that exist no more are no longer active."""
        self._judge.restore(queue, state.get("pairs", {}))
        self._memory.restore(queue, state.get("memory", {}))
        self._watch.restore(queue, state.get("watch", []))
        self.plan.restore(queue, state.get("planned", {}))
        self._usual_days.pop(queue, None)
        if "usual_day" in state:
            self._usual_days[queue] = state["usual_day"]
        self._open.discard(queue)
        left = self._orders.pop(queue, None)
        if left is not None:
            self._shown.pop(left.id, None)
            self.storms.leaves(left.parent, queue)
        if "order" in state:
            order = unpacked(state["order"])
            self._keep(queue, order)
            if order.parent is not None:
                self.storms.joins(order.parent, queue)
            self._shown[order.id] = public(order)  # as it was told: what goes now stands in its next log entry
            order.active = [r for r in order.active if r in self._rules or r == STORM]

    @property
    def idle(self) -> bool:
        """Whether there is nothing to judge: no rule, and no open order from a time when there was one."""
        return not self._judge.rules and not self._open

    @property
    def is_calm(self) -> bool:
        """Whether nothing is open, withheld, or beyond a limit."""
        return self._judge.is_calm and not self._open and not self.plan.withheld

    def tile(self, queue: str) -> str:
        """``breach`` with an active episode or an accepted shortfall, ``warn`` beyond a target, else ``ok``."""
        order = self._orders.get(queue)
        return "breach" if order is not None and order.state == "accepted" else self._judge.tile(queue)

    def _turn(self, now_ms: int, live: Live, by_clock: bool = False) -> Turn:
        turn = Turn(now_ms, live, self._judge, self._rules, self._shown, self._memory)
        turn.storms = self.storms if self._of == "queues" else None
        if self.plans is not None:
            turn.brief = briefs.Briefs(self._catalogue, self._judge.rules, self.plans, live, now_ms)
        if by_clock:  # what people ask is done
            turn.quiet, turn.by_clock = partial(self._quiet, now_ms), True
        return turn

    def _quiet(self, now_ms: int, order: WorkOrder) -> str | None:
        event = self.plan.keeps_quiet(order.queue, order.severity, now_ms)
        return event.id if event else None

    def _sentence(self, turn: Turn, change: Change) -> tuple[str, str]:
        queue = change.queue
        settings = settings_for(self._catalogue, queue)
        read, behind = partial(turn.read, queue), turn.live.behind(queue, change.rule.metric)
        return sentence(change, turn.now_ms, settings, read, partial(self._usual, turn, queue), behind)

    def _usual(self, turn: Turn, queue: str, rule: Rule, window: str) -> tuple[str, str]:
        """What was learned of *queue* about the figure of *rule*, in words."""
        habit = turn.live.habit
        bands = partial(habit.band, queue) if habit else _unknown
        when = unusual.half_hour(site_of(self._catalogue, queue).zone, turn.now_ms)
        if rule.metric in SUBJECT:
            return unusual.standing(queue, rule.metric, window, when, partial(turn.read, queue), bands)
        gate = gate_of(rule.metric)
        return unusual.usual_of(gate[0], LONGEST, when, bands) if gate else ("", "")

    def _as_usual(self, turn: Turn, change: Change) -> None:
        """A limit is broken as usual: nothing opens, and it is told once a local day, so that nobody overlooks it."""
        day_ms = day_start_ms(site_of(self._catalogue, change.queue).zone, turn.now_ms)
        if self._usual_days.get(change.queue) == day_ms or not self.plan.is_usual(change.queue, turn.now_ms):
            return
        self._usual_days[change.queue] = day_ms
        self.changed.add(change.queue)
        trend.as_usual(self._catalogue, turn, change, self._sentence(turn, change), day_ms)

    def _episode(self, turn: Turn, change: Change) -> None:
        """One step of an episode: told, and either kept quiet by a planned event or acted upon."""
        if change.step == Step.AS_USUAL:
            self._as_usual(turn, change)
            return
        queue, said = change.queue, self._sentence(turn, change)
        if change.step == Step.START and (event := self._withholds(change, turn.now_ms)):
            self.plan.withhold(change, event)
        planned = self.plan.withheld_by(change)
        turn.outputs.append(Output(ANOMALIES, queue, queue, anomaly(change, turn.now_ms, said, planned)))
        if planned is None:
            self._act(turn, change, said)
        elif change.step != Step.UPDATE:
            planned_orders.tell(turn, change, planned, said)

    def _withholds(self, change: Change, now_ms: int) -> Event | None:
        """The event for which the episode that begins with *change* opens nothing. It joins an order that is open."""
        if change.queue in self._open and change.rule.severity < TREND:
            return None
        return self.plan.keeps_quiet(change.queue, change.rule.severity, now_ms)

    def _emergency_marks(self, turn: Turn) -> None:
        """An emergency that passes a mark is told, and the open orders that it covers go a tier up."""
        if turn.now_ms <= self.plan.next_mark_ms:
            return
        for event, hours in outage.emergency_marks(self.plan, turn.now_ms):
            turn.flush(plan_commands.tell_mark(turn, event, hours))
            for queue in sorted(self._open):
                if self.plan.emergency(queue, turn.now_ms) == event:
                    outage.emergency_lasts(self._catalogue, turn, self._orders[queue], event, hours)
                    self._done(turn, queue)

    def _judge_again(self, turn: Turn, queue: str, figures: NDArray[np.float64]) -> None:
        """What was withheld in *queue* and is not kept quiet any more goes the way of an episode that begins."""
        for rule_id, event in sorted(self.plan.withheld[queue].items()):
            rule = self._rules.get(rule_id)
            if rule is None:
                self.plan.release(queue, rule_id)  # it went while nothing was known of its queue yet
                continue
            if self.plan.keeps_quiet(queue, rule.severity, turn.now_ms):
                continue
            change = self._judge.active(queue, rule_id, figures)
            if change is None:
                continue  # its queue has no row yet
            emergency = self.plan.emergency(queue, turn.now_ms)
            because = "emergency_declared" if emergency else "planned_event_over"
            self.plan.release(queue, rule_id)
            said = self._sentence(turn, change)
            planned_orders.tell(turn, change, event, said, because)
            self._act(turn, change, said)
            order = self._orders.get(queue)
            if order is not None and queue in self._open and change.rule.severity < TREND:
                planned_orders.judged_again(turn, order, event, rule_id, because)

    def _stands_still(self, turn: Turn, order: WorkOrder) -> bool:
        """Whether a planned event makes the open *order* stand still; it begins to, or goes on, when that changes."""
        event = self.plan.keeps_quiet(order.queue, order.severity, turn.now_ms)
        if event is not None and planned_orders.stand_still(turn, order, event):
            self.changed.add(order.queue)
        elif event is None and order.planned is not None:
            planned_orders.go_on(self._catalogue, turn, self.plan, order)
        return event is not None

    def _under_storm(self, turn: Turn, order: WorkOrder) -> bool:
        """Whether a storm holds the open *order*. A page that waits for one goes out when none came."""
        if self._of == "units" or not storm_orders.follow(self._catalogue, turn, self.storms, order):
            if order.withheld and not turn.quiet(order):
                storm_pages.page_due(self._catalogue, turn, self.storms, order)
            return False
        if storm_orders.stands_still(order, turn.now_ms):
            self.changed.add(order.queue)
        return True

    def trouble(self, now_ms: int) -> dict[str, Trouble]:
        """What the orders here tell the homes of units: by unit, of those that broke just now and those held."""
        return storm_told.trouble(self.storms, self._orders, self._open, self._rules, now_ms)

    def storm(self, unit: str, total: Total, seen: int, now_ms: int, live: Live) -> list[Output]:
        """A tick of *unit*, whose queues came to *total*; *seen* at how many ticks (2 at most) as a storm up to now.

        Of units only. What partitions are to be told of it says `parent`.
        """
        order = self._orders.get(unit)
        turn = self._turn(now_ms, live, by_clock=True)
        parent = storm_parent.parent_of(order)
        if seen > 1 and (parent is None or parent.resolved):
            metrics = {rule.id: rule.metric for rule in rules_of(self._catalogue, "queues")}
            said = storm_parent.sentence(unit, total, metrics)
            self._keep(unit, storm_parent.begins(self._catalogue, turn, order, unit, total, said))
        elif parent is not None and order is not None and (total.held or not seen):
            storm_parent.goes_on(self._catalogue, turn, order, total)
        else:
            return []
        self._done(turn, unit)
        return turn.outputs

    def parent(self, unit: str) -> tuple[Parent | None, OrderState | None]:
        """The storm of *unit* as partitions are told of it, and the state of its order."""
        order = self._orders.get(unit)
        return storm_parent.parent_of(order), order.state if order else None

    def _act(self, turn: Turn, change: Change, said: tuple[str, str]) -> None:
        """What follows from one step of an episode that nothing keeps quiet."""
        queue = change.queue
        order = self._orders.get(queue)
        if change.rule.severity >= TREND:
            trend.tell(self._catalogue, turn, change, said)
        elif change.step == Step.START:
            self._keep(queue, desk.breached(self._catalogue, turn, order, change, said))
        elif change.step == Step.UPDATE:
            desk.worse(turn, order, change, said)
        else:
            desk.ended(self._catalogue, turn, order, change, said)

    def _keep(self, queue: str, order: WorkOrder) -> None:
        left = self._orders.get(queue)
        if left is not None and left.id != order.id:
            self._shown.pop(left.id, None)
            self.storms.leaves(left.parent, queue)
        self._orders[queue] = order
        if order.state in OPEN:
            self._open.add(queue)

    def _done(self, turn: Turn, queue: str) -> None:
        """After a turn with *queue*: its order and alerts are written, and what is open is kept known."""
        turn.flush(queue)
        order = self._orders.get(queue)
        if queue in turn.touched:
            self.changed.add(queue)
        if order is None or order.state not in OPEN:
            self._open.discard(queue)
        else:
            self._open.add(queue)


def _unknown(subject: str, window: str) -> None:
    """Of a unit nothing is learned."""
