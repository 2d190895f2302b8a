"""The demo's liaison: a bot that works the orders as a person would, now and then resolving too early.

It sees what a person sees (the wallboard's HTTP) and does what a person does (commands in the owner's name).
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from dataclasses import dataclass, field
from typing import Any, Final

from callwatch.wallboard_client import Wallboard
from models.errors import CallwatchError

#: What a person takes, in stream time: to see an order, to begin on it, to try again after a refusal.
SEE_MS: Final = 3 * 60_000
BEGIN_MS: Final = 2 * 60_000
RETRY_MS: Final = 5 * 60_000
#: Between two looks at the wallboard, in wall time.
LOOK_S: Final = 1.0
#: One order in three is resolved in haste; the first one always is, so that a short demo shows a refusal.
HASTY_IN: Final = 3
#: Orders that the bot remembers; the wallboard lists one open one per queue and 200 closed.
REMEMBERED: Final = 2_000

CAUSES: Final = {
    "unreached": ("trunk", "Carrier rerouted the trunk; test call got through"),
    "silence": ("platform", "Restarted the event feed of the exchange"),
    "service-level": ("staffing", "Called two agents back from back office"),
    "abandonment": ("staffing", "Moved two agents over from the neighbouring queue"),
    "longest-wait": ("surge", "Overflow opened to the neighbouring queue"),
    "caller-forgotten": ("staffing", "Team leader took the call"),
    "waiting-long": ("surge", "Team leader took calls until the line was short"),
}
_OTHER: Final = ("other", "Looked into it on the floor")
#: Good enough to resolve: nobody past the threshold, and the last five minutes as they should be.
_GOOD: Final = (
    ("service_level_live@5m", 0.8, True),
    ("abandonment_rate@5m", 0.1, False),
    ("unreached_share@5m", 0.4, False),
)


@dataclass(slots=True)
class Memory:
    """What the bot remembers: the version at which it last acted on each order, when, and whom it was hasty with."""

    acted: dict[str, tuple[int, int]] = field(default_factory=dict)
    hasty: dict[str, None] = field(default_factory=dict)

    def act(self, order: str, version: int, now_ms: int) -> None:
        """It acts on *order*; at the limit the one that it acted on longest ago is forgotten."""
        self.acted.pop(order, None)
        self.acted[order] = (version, now_ms)
        if len(self.acted) > REMEMBERED:
            del self.acted[next(iter(self.acted))]
        if len(self.hasty) > REMEMBERED:
            del self.hasty[next(iter(self.hasty))]


def is_hasty(order: str, memory: Memory) -> bool:
    """Whether *order* is one that gets resolved too early."""
    digest = hashlib.blake2b(order.encode(), digest_size=4).digest()
    return not memory.hasty or int.from_bytes(digest, "big") % HASTY_IN == 0


def recovered(figures: dict[str, float | None]) -> bool:
    """Whether a queue looks as if its trouble were over."""
    if figures.get("waiting_past_threshold@now"):
        return False
    for name, limit, at_least in _GOOD:
        value = figures.get(name)
        if value is not None and (value < limit if at_least else value > limit):
            return False
    return True


def decide(
    order: dict[str, Any], figures: dict[str, float | None], now_ms: int, memory: Memory
) -> dict[str, Any] | None:
    """What the owner of *order* does now: the body of a command, or None to wait."""
    if order["owner"] is None:
        return None
    version, acted_ms = memory.acted.get(order["id"], (-1, 0))
    if version == order["version"] or now_ms - acted_ms < BEGIN_MS:
        return None
    state = order["state"]
    if state in ("detected", "dispatched") and now_ms - order["opened_ms"] >= SEE_MS:
        return {"command": "acknowledge", "actor": order["owner"], "args": {}}
    if state == "acknowledged" and now_ms - acted_ms >= BEGIN_MS:
        return {"command": "analyse", "actor": order["owner"], "args": {}}
    if state == "verifying" and (order["verification"] or {}).get("state") == "undecided":
        return _command(order, "sign_evidence", {"text": "Rang the line from outside: answered at once"})
    if state != "analysing":
        return None
    cause, measure = CAUSES.get(order["symptoms"][0] if order["symptoms"] else "", _OTHER)
    if order["id"] not in memory.hasty and is_hasty(order["id"], memory):
        memory.hasty[order["id"]] = None
        return _command(order, "resolve", {"cause": cause, "measure": "Told the floor; should be fine now"})
    if recovered(figures) and now_ms - acted_ms >= RETRY_MS:
        return _command(order, "resolve", {"cause": cause, "measure": measure})
    return None


def _command(order: dict[str, Any], command: str, args: dict[str, Any]) -> dict[str, Any]:
    return {"command": command, "actor": order["owner"], "args": args}


def look_once(board: Wallboard, memory: Memory) -> list[str]:
    """One look at all open orders; returns what was done, a line each. Raises CallwatchError when nobody answers."""
    queues = {row["queue"]: row for row in board.ask("/api/queues")["queues"]}
    now_ms = max((row["at_ms"] for row in queues.values()), default=0)
    done = []
    for order in board.ask("/api/orders")["orders"]:
        row = queues.get(order["queue"])
        body = decide(order, row["figures"] if row else {}, now_ms, memory)
        if body is None:
            continue
        memory.act(order["id"], order["version"], now_ms)
        board.ask(f"/api/orders/{order['id']}/commands", body)
        done.append(f"{order['owner_name']}: {body['command']} {order['id']} ({order['queue']})")
    return done


def work(url: str) -> None:
    """Work the orders of the wallboard at *url* for ever."""
    board, memory = Wallboard(url, ""), Memory()
    while True:
        with contextlib.suppress(CallwatchError):  # it is starting, or a command was overtaken: look again
            look_once(board, memory)
        time.sleep(LOOK_S)
