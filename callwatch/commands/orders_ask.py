"""``callwatch orders find``, ``consult``, ``helped``, ...: what people find, whom they ask, what they have learnt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from callwatch.order_options import Actor, AsJson, OrderId, SettingsFile, Text, Url
from callwatch.terminal import utc_text, write
from callwatch.wallboard_client import send_command, wallboard_at
from models.errors import UsageError

Queue = Annotated[str, typer.Argument(metavar="QUEUE", help="site/skill, or a unit such as site/*.")]
_TIERS: Final = ("liaison", "shift lead", "team leader", "supervisor", "manager")


def register(orders: typer.Typer) -> None:
    """Register them under ``orders``."""
    _register_findings(orders)
    _register_people(orders)
    _register_lists(orders)


def _register_findings(orders: typer.Typer) -> None:
    @orders.command()
    def find(
        queue: Queue,
        actor: Actor,
        text: Text,
        verify: Annotated[str, typer.Option(help="What proves it over: figure, probe, signed or sender.")],
        kind: Annotated[str, typer.Option(help="on_site, complaint, test_call or external.")] = "on_site",
        severity: Annotated[int, typer.Option(min=1, max=3)] = 3,
        metric: Annotated[str, typer.Option(help="figure: its id in the dictionary.")] = "",
        window: Annotated[str, typer.Option(help="figure: 5m, 15m, 30m, day or now.")] = "",
        limit: Annotated[
            float | None, typer.Option(help="figure: what it must reach, a share as 0.8, times in ms.")
        ] = None,
        breach: Annotated[str, typer.Option(help="figure: the bad side, below or above, where it has none.")] = "",
        person: Annotated[str, typer.Option(help="signed: person id of who signs the check.")] = "",
        key: Annotated[str, typer.Option(help="sender: its own name of what it found.")] = "",
        url: Url = "",
        settings: SettingsFile = None,
    ) -> None:
        """Report what was found: it opens an order of the queue, or joins its open one."""
        args: dict[str, Any] = {"kind": kind, "severity": severity, "verify": verify, "text": text}
        args |= {"metric": metric, "window": window, "limit": limit, "breach": breach, "person": person, "key": key}
        _finding(url, settings, queue, "report", actor, args)

    @orders.command()
    def over(
        queue: Queue,
        actor: Annotated[str, typer.Option("--as", metavar="SENDER", help="Who sent the finding.")],
        key: Annotated[str, typer.Option(help="The sender's own name of it.")],
        text: Annotated[str, typer.Option(help="One line.")] = "",
        url: Url = "",
        settings: SettingsFile = None,
    ) -> None:
        """Say, as the system that sent a finding, that it is over."""
        _finding(url, settings, queue, "over", actor, {"key": key, "text": text})

    @orders.command("sign-check")
    def sign_check(
        order: OrderId,
        actor: Actor,
        finding: Annotated[str, typer.Option(help="The finding's id.")],
        outcome: Annotated[str, typer.Option(help="passed or failed.")],
        text: Text,
        url: Url = "",
        settings: SettingsFile = None,
    ) -> None:
        """Sign, as the person named in a finding, what the check has shown."""
        _order(url, settings, order, "sign_check", actor, {"finding": finding, "outcome": outcome, "text": text})


def _register_people(orders: typer.Typer) -> None:
    @orders.command()
    def consult(
        order: OrderId,
        actor: Actor,
        text: Text,
        person: Annotated[str, typer.Option(help="Person id of who takes part.")] = "",
        department: Annotated[str, typer.Option(help="Department that takes part.")] = "",
        supervisor: Annotated[str, typer.Option(help="Person id of who supervises it without handling it.")] = "",
        url: Url = "",
        settings: SettingsFile = None,
    ) -> None:
        """Ask others in; over several departments somebody who does not handle it supervises."""
        args = {"text": text, "person": person, "department": department, "supervisor": supervisor}
        _order(url, settings, order, "consult", actor, args)

    @orders.command()
    def release(
        order: OrderId,
        actor: Actor,
        text: Annotated[str, typer.Option(help="Why, one line.")] = "",
        person: Annotated[str, typer.Option(help="Person id of who takes part no longer.")] = "",
        department: Annotated[str, typer.Option(help="Department that takes part no longer.")] = "",
        url: Url = "",
        settings: SettingsFile = None,
    ) -> None:
        """End the consultation for a person or department; without either, for oneself."""
        _order(url, settings, order, "release", actor, {"text": text, "person": person, "department": department})

    @orders.command()
    def supervise(order: OrderId, actor: Actor, text: Text, url: Url = "", settings: SettingsFile = None) -> None:
        """Urge, as the supervising party: it is logged and the owner is paged."""
        _order(url, settings, order, "supervise", actor, {"text": text})

    @orders.command()
    def helped(
        order: OrderId,
        actor: Actor,
        like: Annotated[str, typer.Option(help="Id of the similar order that was offered.")],
        was: Annotated[str, typer.Option("--was", help="yes or no.")],
        url: Url = "",
        settings: SettingsFile = None,
    ) -> None:
        """Say whether a similar order that was offered has helped."""
        _order(url, settings, order, "helped", actor, {"like": like, "helped": was})


def _register_lists(orders: typer.Typer) -> None:
    @orders.command()
    def trends(as_json: AsJson = False, url: Url = "", settings: SettingsFile = None) -> None:
        """Trend notes, the newest first: they are no orders."""
        _list(url, settings, "trends", as_json)

    @orders.command()
    def problems(as_json: AsJson = False, url: Url = "", settings: SettingsFile = None) -> None:
        """Problem records, open and closed, the newest first: orders that keep coming back."""
        _list(url, settings, "problems", as_json)

    @orders.command("close-problem")
    def close_problem(
        problem: Annotated[str, typer.Argument(metavar="PROBLEM", help="Its id: `callwatch orders problems`.")],
        actor: Actor,
        cause: Annotated[str, typer.Option(help="The root cause, one line.")],
        measure: Annotated[str, typer.Option(help="What was done about it, one line.")],
        url: Url = "",
        settings: SettingsFile = None,
    ) -> None:
        """Close a problem record, as who is accountable for it or a supervisor."""
        _close_problem(url, settings, problem, actor, {"problem": problem, "text": cause, "measure": measure})


def _list(url: str, settings: Path | None, what: str, as_json: bool) -> None:
    found = wallboard_at(url, settings).ask(f"/api/{what}")[what]
    write(json.dumps({what: found}) if as_json else "\n".join(map(line, found)) or f"no {what}")


def line(alert: dict[str, Any]) -> str:
    """A trend note or a problem record in a line."""
    kept = alert["note"] or alert["problem"]
    owner = [f"({kept['owner']})"] if kept.get("owner") else []
    state = kept.get("state", "open")
    return "  ".join([kept["id"], utc_text(alert["at_ms"]), state, alert["queue"], *owner, alert["text"]])


def _close_problem(url: str, settings: Path | None, problem: str, actor: str, args: dict[str, Any]) -> None:
    wallboard = wallboard_at(url, settings)
    found = [a["problem"] for a in wallboard.ask("/api/problems")["problems"] if a["problem"]["id"] == problem]
    if not found:
        raise UsageError(f"no problem is called {problem}: `callwatch orders problems` shows them")
    body = {"queue": found[0]["queue"], "command": "close_problem", "actor": actor, "args": args}
    sent = wallboard.ask("/api/problems", body)
    write(f"close_problem of {problem} is on the log as {sent['id']}; `callwatch orders problems` tells the outcome")


def _order(url: str, settings: Path | None, order: str, command: str, actor: str, args: dict[str, Any]) -> None:
    send_command(url, settings, order, command, actor, {name: value for name, value in args.items() if value})


def _finding(url: str, settings: Path | None, queue: str, command: str, actor: str, args: dict[str, Any]) -> None:
    given = {name: value for name, value in args.items() if value not in ("", None)}
    body = {"queue": queue, "command": command, "actor": actor, "args": given}
    sent = wallboard_at(url, settings).ask("/api/findings", body)
    write(f"{command} about {queue} is on the log as {sent['id']}; `callwatch orders list` shows its order")


def parts(order: dict[str, Any]) -> list[str]:
    """What an order has beside: findings, who takes part, how its limit was agreed, what like orders have taught."""
    out = [
        f"finding {f['id']} ({f['kind']}, by {f['by']}, {f['verify']}): {f['state']}: {f['text']}"
        for f in order.get("findings", ())
    ]
    if asked := order.get("consultation"):
        who = ", ".join([*asked["people"], *asked["departments"]]) or "nobody"
        out.append(f"takes part: {who}; supervised by {asked['supervisor'] or 'nobody'}")
    if talks := order.get("negotiation"):
        offers = "; ".join(f"{o['by']} ({o['side']}) {utc_text(o['until_ms'])}" for o in talks["offers"])
        agreed = (
            f"agreed {utc_text(talks['agreed_ms'])} by {talks['agreed_by']}" if talks["agreed_ms"] else "not agreed"
        )
        out.append(f"limit: {utc_text(talks['default_ms'])} before; offered by {offers}; {agreed}")
    if order.get("problem"):
        out.append(f"belongs to problem {order['problem']}")
    for like in order.get("like", ()):
        helped = {"yes": ", has helped", "no": ", has not helped"}.get(like["helped"], "")
        out.append(f"like {like['order']} ({like['score']:.2f}{helped}): {like['cause']}: {like['measure']}")
    for book in order.get("playbooks", ()):
        out.append(f"playbook {book['title'] or book['kind']}:")
        out += [f"  {_TIERS[step['tier']]} and above: {step['text']} {step['zh']}".rstrip() for step in book["steps"]]
    return out
