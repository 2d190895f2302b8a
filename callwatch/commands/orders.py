"""``callwatch orders``: the loop from the terminal, through the wallboard's HTTP; `orders_log` reads its log."""

from __future__ import annotations

import json
import urllib.parse
from typing import Annotated, Any, Final

import typer

from callwatch.commands import orders_ask, orders_habit, orders_handover, orders_log, orders_planned
from callwatch.order_options import Actor, AsJson, OrderId, Reason, SettingsFile, Text, Url
from callwatch.terminal import utc_text, write
from callwatch.wallboard_client import send_command, wallboard_at

Minutes = Annotated[float, typer.Option("--for", min=1.0, metavar="MINUTES", help="From now, in stream time.")]
Person = Annotated[str, typer.Option("--to", metavar="PERSON", help="Person id of who gets it.")]

#: Commands that need nothing but an order and a person, and what they mean.
PLAIN: Final = {
    "acknowledge": "Say that it is seen and yours.",
    "take": "Become its owner.",
    "analyse": "Begin the analysis.",
    "agree-limit": "Agree to the proposed limit.",
    "resume": "End the hold.",
    "confirm-cancel": "Confirm, as a second person, that it is cancelled.",
    "accept-handover": "Take it over from the outgoing shift.",
}


def register(app: typer.Typer) -> None:
    """Register ``orders``."""
    orders = typer.Typer(help="Work orders: list, show, and the commands of the loop.", no_args_is_help=True)
    app.add_typer(orders, name="orders")
    _register_looks(orders)
    for name, text in PLAIN.items():
        orders.command(name, help=text)(_plain(name.replace("-", "_")))
    _register_resolve(orders)
    _register_waits(orders)
    _register_words(orders)
    orders_log.register(orders)
    orders_ask.register(orders)
    orders_handover.register(orders)
    orders_planned.register(orders)
    orders_habit.register(orders)


def _register_looks(orders: typer.Typer) -> None:
    @orders.command("list")
    def list_orders(
        everything: Annotated[bool, typer.Option("--all", help="Recently closed ones too.")] = False,
        children: Annotated[bool, typer.Option(help="Each order that a storm holds too.")] = False,
        as_json: AsJson = False,
        url: Url = "",
        settings: SettingsFile = None,
    ) -> None:
        """The open orders, gravest first."""
        found = wallboard_at(url, settings).ask("/api/orders")["orders"]
        if not everything:
            found = [o for o in found if o["state"] not in ("closed", "cancelled")]
        if not (children or everything or as_json):
            found = without_children(found)
        write(json.dumps({"orders": found}) if as_json else table(found))

    @orders.command()
    def show(order: OrderId, as_json: AsJson = False, url: Url = "", settings: SettingsFile = None) -> None:
        """One order and every decision about it."""
        wallboard = wallboard_at(url, settings)
        found = wallboard.ask(f"/api/orders/{urllib.parse.quote(wallboard.order(order)['id'], safe='')}")
        write(json.dumps(found) if as_json else story(found))


def _plain(command: str) -> Any:
    def run(order: OrderId, actor: Actor, url: Url = "", settings: SettingsFile = None) -> None:
        send_command(url, settings, order, command, actor, {})

    return run


def _register_resolve(orders: typer.Typer) -> None:
    @orders.command()
    def resolve(
        order: OrderId,
        actor: Actor,
        cause: Annotated[str, typer.Option(help="One of the settings' causes.")],
        measure: Annotated[str, typer.Option(help="What was done, one line.")],
        url: Url = "",
        settings: SettingsFile = None,
    ) -> None:
        """Say that the cause is dealt with; the next calls decide whether it is."""
        send_command(url, settings, order, "resolve", actor, {"cause": cause, "measure": measure})

    @orders.command()
    def cancel(order: OrderId, actor: Actor, reason: Reason, url: Url = "", settings: SettingsFile = None) -> None:
        """Ask to cancel it: the reason begins with false alarm, duplicate or planned work; a second person confirms."""
        send_command(url, settings, order, "cancel", actor, {"reason": reason})

    @orders.command()
    def verdict(
        order: OrderId,
        actor: Actor,
        verdict: Annotated[str, typer.Option("--was", help="true, false or expected.")],
        url: Url = "",
        settings: SettingsFile = None,
    ) -> None:
        """Say at the shift review whether it was a true alarm."""
        send_command(url, settings, order, "verdict", actor, {"verdict": verdict})


def _register_waits(orders: typer.Typer) -> None:
    def waiting(name: str, text: str) -> None:
        def run(
            order: OrderId,
            actor: Actor,
            minutes: Minutes,
            reason: Reason,
            url: Url = "",
            settings: SettingsFile = None,
        ) -> None:
            send_command(url, settings, order, name, actor, {"reason": reason}, minutes)

        orders.command(name.replace("_", "-"), help=text)(run)

    waiting("hold", "Put it on hold: its limits stop until then.")
    waiting("accept", "Let the shortfall stand, as a supervisor, for one shift at most.")
    waiting("propose_limit", "Propose another limit to resolve; the other side agrees.")


def _register_words(orders: typer.Typer) -> None:
    def worded(name: str, text: str) -> None:
        def run(order: OrderId, actor: Actor, text: Text, url: Url = "", settings: SettingsFile = None) -> None:
            send_command(url, settings, order, name, actor, {"text": text})

        orders.command(name.replace("_", "-"), help=text)(run)

    def handed(name: str, text: str) -> None:
        def run(
            order: OrderId,
            actor: Actor,
            person: Person,
            reason: Reason = "",
            url: Url = "",
            settings: SettingsFile = None,
        ) -> None:
            send_command(url, settings, order, name, actor, {"person": person, "reason": reason or None})

        orders.command(name.replace("_", "-"), help=text)(run)

    worded("note", "Add a line to its log.")
    worded("sign_evidence", "Sign, as shift lead, what shows that it is over when no calls can.")
    handed("reassign", "Give it to another person.")
    handed("hand_over", "Offer it to the incoming shift.")


def without_children(orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """*orders* but those that a storm among them holds: its parent stands for them."""
    there = {order["id"] for order in orders}
    return [order for order in orders if order.get("parent") not in there]


def table(orders: list[dict[str, Any]]) -> str:
    """A line per order: id, severity, state, queue, owner, symptoms."""
    from rich.cells import cell_len, set_cell_size  # Chinese names are two columns a character

    if not orders:
        return "no open orders"
    rows = [("ID", "SEV", "STATE", "QUEUE", "OWNER", "SYMPTOMS")]
    for o in orders:
        state = o["state"] + (f" ({o['reopened']}x reopened)" if o["reopened"] else "")
        if storm := o.get("storm"):
            state += f" ({storm['open']} of {storm['count']} queues open)"
        elif o.get("parent"):
            state += f" (held by {o['parent']})"
        rows.append((o["id"], str(o["severity"]), state, o["queue"], o["owner_name"] or "-", ", ".join(o["symptoms"])))
    widths = [max(cell_len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return "\n".join(
        "  ".join([*(set_cell_size(cell, width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    )


def story(order: dict[str, Any]) -> str:
    """An order and its log, a line per decision."""
    head = [
        f"{order['id']}  {order['queue']}  {order['state']}  severity {order['severity']}",
        order["sentence"],
        f"owner {order['owner_name'] or 'nobody'}; opened {utc_text(order['opened_ms'])}; "
        f"respond by {utc_text(order['respond_by_ms'])}; resolve by {utc_text(order['resolve_by_ms'])}",
    ]
    if order["verification"]:
        head.append(f"verification {order['verification']['state']}: {order['verification']['sentence']}")
    if storm := order.get("storm"):
        more = storm["count"] - len(storm["queues"])
        names = ", ".join(storm["queues"]) + (f" and {more} more" if more > 0 else "")
        head.append(f"storm: {storm['open']} of {storm['count']} queues open: {names}")
    if order.get("parent"):
        head.append(f"parent {order['parent']}: it is answered for this one")
    if order["cause"]:
        head.append(f"cause {order['cause']}; measure: {order['measure']}")
    head += orders_ask.parts(order)
    log = [
        f"{utc_text(e['at_ms'])}  {e['decision']:<10} {e['event']:<14} {e['actor']:<10} {e['why']}"
        for e in order["log"]
    ]
    return "\n".join([*head, "", *log])
