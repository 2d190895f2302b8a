"""``callwatch orders``: the loop from the terminal, through the wallboard's HTTP; `orders_log` reads its log."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from callwatch.commands import orders_ask, orders_handover, orders_log, orders_planned
from models.errors import UsageError, WorkError

#: The wallboard answers from memory, a command after the broker's confirmation (5 s at most).
ANSWER_S: Final = 10.0

Url = Annotated[str, typer.Option(envvar="CALLWATCH_URL", help="Address of the wallboard.", metavar="URL")]
SettingsFile = Annotated[Path | None, typer.Option("--settings", help="Finds the wallboard's address.", metavar="FILE")]
OrderId = Annotated[str, typer.Argument(metavar="ID", help="The order; its beginning is enough when no other has it.")]
Actor = Annotated[str, typer.Option("--as", metavar="PERSON", help="Person id of who says so.")]
Reason = Annotated[str, typer.Option(help="Why, one line.")]
Text = Annotated[str, typer.Option(help="One line.")]
Minutes = Annotated[float, typer.Option("--for", min=1.0, metavar="MINUTES", help="From now, in stream time.")]
Person = Annotated[str, typer.Option("--to", metavar="PERSON", help="Person id of who gets it.")]
AsJson = Annotated[bool, typer.Option("--json", help="As the wallboard gives it.")]

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


@dataclass(frozen=True, slots=True)
class Wallboard:
    """A wallboard by address: *token* from CALLWATCH_TOKEN when it asks for one."""

    url: str
    token: str

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """GET *path*, or POST *body* to it. Raises UsageError for what it refuses, WorkError when it cannot answer."""
        headers = {"accept": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        data = None
        if body is not None:
            headers["content-type"] = "application/json"
            data = json.dumps(body).encode()
        request = urllib.request.Request(self.url.rstrip("/") + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error) from error
        except (OSError, ValueError) as error:
            raise WorkError(
                f"No wallboard answers at {self.url} ({error}): start it, or name another with --url"
            ) from (error)

    def order(self, beginning: str) -> dict[str, Any]:
        """The order whose id is or begins with *beginning*, without its log."""
        orders: list[dict[str, Any]] = self.ask("/api/orders")["orders"]
        found = [o for o in orders if o["id"] == beginning] or [o for o in orders if o["id"].startswith(beginning)]
        if len(found) != 1:
            reason = "no order's id begins" if not found else f"{len(found)} orders' ids begin"
            raise UsageError(f"{reason} with {beginning}: `callwatch orders list` shows them")
        return found[0]


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


def _register_looks(orders: typer.Typer) -> None:
    @orders.command("list")
    def list_orders(
        everything: Annotated[bool, typer.Option("--all", help="Recently closed ones too.")] = False,
        as_json: AsJson = False,
        url: Url = "",
        settings: SettingsFile = None,
    ) -> None:
        """The open orders, gravest first."""
        found = _wallboard(url, settings).ask("/api/orders")["orders"]
        if not everything:
            found = [o for o in found if o["state"] not in ("closed", "cancelled")]
        _write(json.dumps({"orders": found}) if as_json else table(found))

    @orders.command()
    def show(order: OrderId, as_json: AsJson = False, url: Url = "", settings: SettingsFile = None) -> None:
        """One order and every decision about it."""
        wallboard = _wallboard(url, settings)
        found = wallboard.ask(f"/api/orders/{urllib.parse.quote(wallboard.order(order)['id'], safe='')}")
        _write(json.dumps(found) if as_json else story(found))


def _plain(command: str) -> Any:
    def run(order: OrderId, actor: Actor, url: Url = "", settings: SettingsFile = None) -> None:
        _command(url, settings, order, command, actor, {})

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
        _command(url, settings, order, "resolve", actor, {"cause": cause, "measure": measure})

    @orders.command()
    def cancel(order: OrderId, actor: Actor, reason: Reason, url: Url = "", settings: SettingsFile = None) -> None:
        """Ask to cancel it: the reason begins with false alarm, duplicate or planned work; a second person confirms."""
        _command(url, settings, order, "cancel", actor, {"reason": reason})

    @orders.command()
    def verdict(
        order: OrderId,
        actor: Actor,
        verdict: Annotated[str, typer.Option("--was", help="true, false or expected.")],
        url: Url = "",
        settings: SettingsFile = None,
    ) -> None:
        """Say at the shift review whether it was a true alarm."""
        _command(url, settings, order, "verdict", actor, {"verdict": verdict})


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
            _command(url, settings, order, name, actor, {"reason": reason}, minutes)

        orders.command(name.replace("_", "-"), help=text)(run)

    waiting("hold", "Put it on hold: its limits stop until then.")
    waiting("accept", "Let the shortfall stand, as a supervisor, for one shift at most.")
    waiting("propose_limit", "Propose another limit to resolve; the other side agrees.")


def _register_words(orders: typer.Typer) -> None:
    def worded(name: str, text: str) -> None:
        def run(order: OrderId, actor: Actor, text: Text, url: Url = "", settings: SettingsFile = None) -> None:
            _command(url, settings, order, name, actor, {"text": text})

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
            _command(url, settings, order, name, actor, {"person": person, "reason": reason or None})

        orders.command(name.replace("_", "-"), help=text)(run)

    worded("note", "Add a line to its log.")
    worded("sign_evidence", "Sign, as shift lead, what shows that it is over when no calls can.")
    handed("reassign", "Give it to another person.")
    handed("hand_over", "Offer it to the incoming shift.")


def _command(
    url: str,
    settings: Path | None,
    beginning: str,
    command: str,
    actor: str,
    args: dict[str, Any],
    minutes: float | None = None,
) -> None:
    wallboard = _wallboard(url, settings)
    order = wallboard.order(beginning)
    if minutes is not None:
        args = {**args, "until_ms": _stream_ms(wallboard, order) + int(minutes * 60_000)}
    path = f"/api/orders/{urllib.parse.quote(order['id'], safe='')}/commands"
    sent = wallboard.ask(path, {"command": command, "actor": actor, "args": args})
    _write(f"{command} of {order['id']} is on the log as {sent['id']}; `callwatch orders show` tells what was decided")


def _stream_ms(wallboard: Wallboard, order: dict[str, Any]) -> int:
    """Now, as the order's queue sees it: in a replay far from the wall clock."""
    rows = wallboard.ask("/api/queues")["queues"]
    return max(int(order["updated_ms"]), *(int(row["at_ms"]) for row in rows if row["queue"] == order["queue"]), 0)


def _wallboard(url: str, settings: Path | None) -> Wallboard:
    token = os.environ.get("CALLWATCH_TOKEN", "")
    if not url:
        from callwatch.settings import load_settings

        at = load_settings(settings).wallboard
        host = f"[{at.host}]" if ":" in at.host else at.host
        url = f"http://{host}:{at.port}"
    elif not url.startswith(("http://", "https://")):
        raise UsageError(f"--url {url}: write it with http:// or https://")
    return Wallboard(url, token)


def _refusal(error: urllib.error.HTTPError) -> UsageError | WorkError:
    """What the wallboard said, by whose turn it is."""
    try:
        detail = json.load(error)["detail"]
    except (ValueError, KeyError, TypeError):
        detail = error.reason
    text = detail if isinstance(detail, str) else json.dumps(detail)
    return WorkError(text) if error.code >= 500 else UsageError(text)


def table(orders: list[dict[str, Any]]) -> str:
    """A line per order: id, severity, state, queue, owner, symptoms."""
    from rich.cells import cell_len, set_cell_size  # Chinese names are two columns a character

    if not orders:
        return "no open orders"
    rows = [("ID", "SEV", "STATE", "QUEUE", "OWNER", "SYMPTOMS")]
    for o in orders:
        state = o["state"] + (f" ({o['reopened']}x reopened)" if o["reopened"] else "")
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
        f"owner {order['owner_name'] or 'nobody'}; opened {_time(order['opened_ms'])}; "
        f"respond by {_time(order['respond_by_ms'])}; resolve by {_time(order['resolve_by_ms'])}",
    ]
    if order["verification"]:
        head.append(f"verification {order['verification']['state']}: {order['verification']['sentence']}")
    if order["cause"]:
        head.append(f"cause {order['cause']}; measure: {order['measure']}")
    head += orders_ask.parts(order)
    log = [
        f"{_time(e['at_ms'])}  {e['decision']:<10} {e['event']:<14} {e['actor']:<10} {e['why']}" for e in order["log"]
    ]
    return "\n".join([*head, "", *log])


def _time(at_ms: int | None) -> str:
    return "-" if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
