"""The one table of legal moves of a work order. Everything that changes a state asks `moved`; nothing else decides.

Theory. An order is opened by a breach or by what somebody reports, told to a person, and leads that person round a loop
that ends only when the live figure has recovered, or when two people agree that there was nothing::

    (new) --breached, report--> detected --breached--> dispatched --acknowledge--> acknowledged --analyse--> analysing
    acknowledged, analysing, accepted --resolve--> verifying --verified--> closed
    verifying --failed--> analysing          the calls offered after the resolve are no better
    closed --relapsed--> analysing           inside the reopen window: the same order
    any open state --recovered--> verifying  the figure came back by itself
    verifying --relapsed--> BACK             it came back by itself, and went again
    any open state --hold--> on_hold --resume, hold_due--> BACK
    any open state --accept--> accepted --accept_due--> analysing
    any open state --confirm_cancel--> cancelled

Notes that the arrows do not say:

- ``detected`` lasts only where nobody exists whom the order could be told to; else both moves happen in one decision.
- BACK is where the order was before it was put aside (*came_from*). Nothing put aside is ever put aside again: hold is
  refused on_hold, and an acceptance is refused in both.
- A command that moves nothing (note, consult, take, ...) has SAME: it is legal there and is logged.
- ``cancel`` only asks; ``confirm_cancel`` by a second person moves. That the person is another one, that resolve has a
  cause and is not contradicted by the present, and who may accept, are guards (`alerts.commands`), not moves.
- ``verified`` is the only way to ``closed``. A test call and signed evidence lead to it: they decide what the calls
  left undecided. So do ``over`` and ``sign_check``: each proves a finding in its own way (`alerts.findings`).
- ``remind_due`` comes to who has acknowledged and is silent, also when a verification stays undecided; a broken limit
  comes to anybody.
- ``verdict``, ``note`` and ``helped`` are legal for ever. Whose each command is stands in `alerts.roles`.
- ``close_problem`` is about a problem record of the queue; logged with the queue's last order.
- ``floor_note`` and ``accept_shift`` are about no one order: a line of the floor log, and `accept_handover` of each
  order that waits for the incoming lead; ``mark_odd`` is about a day of a queue. Nor are those of planned events and
  emergencies (`alerts.planned`); ``planned_begins`` and ``planned_over`` come to an open order whose queue one covers.
- ``storm_begins`` and ``storm_over`` come to the open order of a queue that broke with many others (`alerts.storm`):
  in between it is held under its parent, acknowledged and resolved with it, and verified by its own calls.
"""

from __future__ import annotations

from typing import Final, Literal

from models.command import COMMANDS
from models.outputs import OrderState

SystemEvent = Literal[
    "breached",
    "joined",
    "recovered",
    "verified",
    "failed",
    "undecided",
    "relapsed",
    "respond_due",
    "resolve_due",
    "hold_due",
    "accept_due",
    "remind_due",
    "shift_ends",
    "handover_due",
    "planned_begins",
    "planned_over",
    "storm_begins",
    "storm_over",
]
SYSTEM_EVENTS: Final[tuple[str, ...]] = SystemEvent.__args__  # type: ignore[attr-defined]

NEW: Final = "new"  #: before there is an order
SAME: Final = "same"  #: legal, and the state stays
BACK: Final = "back"  #: to the state it came from

STATES: Final[tuple[OrderState, ...]] = (
    "detected",
    "dispatched",
    "acknowledged",
    "analysing",
    "verifying",
    "closed",
    "on_hold",
    "accepted",
    "cancelled",
)
OPEN: Final = ("detected", "dispatched", "acknowledged", "analysing", "verifying", "on_hold", "accepted")
#: Told to nobody or not yet acknowledged: the limit to respond runs.
UNANSWERED: Final = ("detected", "dispatched")
#: Somebody works on it: the limit to resolve runs.
WORKING: Final = ("detected", "dispatched", "acknowledged", "analysing")


def _row(states: tuple[str, ...], to: str) -> dict[str, str]:
    return dict.fromkeys(states, to)


_AWAKE = tuple(s for s in OPEN if s not in ("on_hold", "accepted"))

MOVES: Final[dict[str, dict[str, str]]] = {
    # commands
    "acknowledge": _row(UNANSWERED, "acknowledged"),
    "take": _row(OPEN, SAME) | _row(UNANSWERED, "acknowledged"),
    "analyse": {"acknowledged": "analysing"},
    "consult": _row(OPEN, SAME),
    "note": _row(STATES, SAME),
    "propose_limit": _row((*WORKING, "on_hold"), SAME),
    "agree_limit": _row((*WORKING, "on_hold"), SAME),
    "hold": _row((*_AWAKE, "accepted"), "on_hold"),
    "resume": {"on_hold": BACK},
    "resolve": _row(("acknowledged", "analysing", "accepted"), "verifying"),
    "accept": _row(_AWAKE, "accepted"),
    "cancel": _row(OPEN, SAME),
    "confirm_cancel": _row(OPEN, "cancelled"),
    "reassign": _row(OPEN, SAME) | {"detected": "dispatched"},
    "hand_over": _row(OPEN, SAME),
    "accept_handover": _row(OPEN, SAME),
    "sign_evidence": {"verifying": SAME},
    "verdict": _row(STATES, SAME),
    "report": {NEW: "detected"} | _row(OPEN, SAME),
    "over": _row(OPEN, SAME),
    "sign_check": {"verifying": SAME},
    "supervise": _row(OPEN, SAME),
    "release": _row(OPEN, SAME),
    "close_problem": _row(STATES, SAME),
    "helped": _row(STATES, SAME),
    "floor_note": {},
    "accept_shift": {},
    "plan": {},
    "shorten_plan": {},
    "cancel_plan": {},
    "declare_emergency": {},
    "stand_down": {},
    "adopt": _row(OPEN, SAME),
    "mark_odd": {},
    # system events
    "breached": {NEW: "detected", "detected": "dispatched"},
    "joined": _row(OPEN, SAME),
    "recovered": _row((*(s for s in _AWAKE if s != "verifying"), "on_hold", "accepted"), "verifying"),
    "verified": {"verifying": "closed"},
    "failed": {"verifying": "analysing"},
    "undecided": {"verifying": SAME},
    "relapsed": {"closed": "analysing", "verifying": BACK},
    "respond_due": _row(UNANSWERED, SAME),
    "resolve_due": _row(WORKING, SAME),
    "hold_due": {"on_hold": BACK},
    "accept_due": {"accepted": "analysing"},
    "remind_due": _row(("acknowledged", "analysing", "verifying"), SAME),
    "shift_ends": _row(OPEN, SAME),
    "handover_due": _row(OPEN, SAME),
    "planned_begins": _row(OPEN, SAME),
    "planned_over": _row(OPEN, SAME),
    "storm_begins": _row(OPEN, SAME) | {"detected": "dispatched"},
    "storm_over": _row(OPEN, SAME),
}


def moved(state: str, event: str, came_from: str | None = None) -> OrderState | None:
    """The state after *event* in *state* (`NEW` for an order to be), None when the move is not legal.

    *came_from* is where BACK leads; an order that never was anywhere goes back to ``analysing``.
    """
    to = MOVES[event].get(state)
    if to == SAME:
        to = state
    elif to == BACK:
        to = came_from or "analysing"
    return to  # type: ignore[return-value]


def legal_commands(state: str) -> tuple[str, ...]:
    """The commands that `moved` allows in *state*, in the order of the dictionary of commands."""
    return tuple(c for c in COMMANDS if state in MOVES[c])
