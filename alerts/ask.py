"""A command under decision: what it is decided on, and a refusal with its name."""

from __future__ import annotations

from dataclasses import dataclass, field

from alerts import moves, routing
from alerts.order import WorkOrder
from alerts.turn import Turn
from models.catalogue import Catalogue
from models.command import OrderCommand


@dataclass(frozen=True, slots=True)
class No:
    """A refusal: its named reason, words, the live figures that speak against the command, and what else is logged."""

    reason: str
    text: str
    live: dict[str, float | None] = field(default_factory=dict)
    data: dict[str, str | int | float | bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ask:
    """A command with all it is decided on. *ident* is its own among all commands (a digest of source and id)."""

    catalogue: Catalogue
    turn: Turn
    order: WorkOrder
    command: OrderCommand
    ident: str = ""

    @property
    def actor(self) -> str:
        """Who asks."""
        return self.command.actor

    @property
    def name(self) -> str:
        """The name of who asks, as the settings have it."""
        person = routing.person_of(self.catalogue, self.actor)
        return person.name if person else self.actor

    def log(self, decision: str, why: str, **data: str | int | float | bool | None) -> None:
        """Log the command as decided."""
        self.turn.log(self.order, self.command.command, decision, why, self.actor, data)

    def move(self, why: str, **data: str | int | float | bool | None) -> None:
        """Make the legal move and log it."""
        before = self.order.state
        moves.go(self.order, self.command.command)
        self.log("moved" if self.order.state != before else "done", why, **data)

    def changed(self, text: str, zh: str) -> None:
        """Tell the screens what the command did, beside the order's sentence."""
        self.turn.alert("changed", self.order, f"{text}: {self.order.sentence}", f"{zh}:{self.order.sentence}")
