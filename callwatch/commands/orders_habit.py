"""``callwatch orders adopt`` and ``odd-day``: what people decide about what is usual."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated

import typer

from callwatch.order_options import Actor, OrderId, SettingsFile, Url
from callwatch.terminal import write
from callwatch.wallboard_client import send_command, wallboard_at
from models.errors import UsageError
from models.fields import is_unit

Why = Annotated[str, typer.Option("--why", help="One line.")]


def register(orders: typer.Typer) -> None:
    """Register them under ``orders``."""

    @orders.command()
    def adopt(order: OrderId, actor: Actor, why: Why, url: Url = "", settings: SettingsFile = None) -> None:
        """What is unusual in an order's queue is here to stay: the level of late is the norm from here on."""
        send_command(url, settings, order, "adopt", actor, {"text": why})

    @orders.command("odd-day")
    def odd_day(
        pattern: Annotated[str, typer.Argument(metavar="QUEUE", help="site/skill, with wildcards: north/*, *.")],
        day: Annotated[str, typer.Argument(metavar="DATE", help="Local date, 2026-03-02: yesterday or later.")],
        actor: Actor,
        why: Why,
        url: Url = "",
        settings: SettingsFile = None,
    ) -> None:
        """A day was, or will be, odd: what queues show on it teaches nothing of what is usual."""
        wallboard = wallboard_at(url, settings)
        known = sorted(row["queue"] for row in wallboard.ask("/api/queues")["queues"] if not is_unit(row["queue"]))
        queues = [queue for queue in known if fnmatchcase(queue, pattern)]
        if not queues:
            raise UsageError(f"no queue is called {pattern}; known are {', '.join(known[:20]) or 'none'}")
        args = {"day": day, "text": why}
        for queue in queues:
            wallboard.ask("/api/findings", {"queue": queue, "command": "mark_odd", "actor": actor, "args": args})
        write(f"mark_odd of {day} is on the log for {len(queues)} queues; `callwatch orders floor` tells the outcome")
