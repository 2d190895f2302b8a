"""What people read: English and Chinese, the way to the order, and a reference by which a repeat is seen as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import quote

from models.hours import local
from models.notification import Payload

#: Severities as outside tools call them.
SEVERITY_NAMES: Final = {1: "critical", 2: "error", 3: "warning", 4: "info"}
#: Digits of the key in a message: enough to tell two messages of a day apart.
REFERENCE: Final = 6

Tone = Literal["failure", "warning", "info", "success"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message to a person. *tone* is how the way colours it."""

    title: str
    body: str
    tone: Tone


def order_url(board_url: str, order: str) -> str:
    """Where the wallboard shows *order*."""
    return f"{board_url.rstrip('/')}/#order={quote(order, safe='')}"


def headline(order: Payload) -> str:
    """An order in one line."""
    return f"{order['queue']}: {order['sentence']}" if order["sentence"] else f"{order['queue']}: work order"


def message(occasion: str, order: Payload, said: dict[str, Any], key: str, zone: str, board_url: str) -> Message:
    """What a person is told at *occasion*; *said* is the alert behind a page (title, text, zh, severity), or what
    the order does not hold: ``to_name``, ``zh``."""
    if occasion == "page":
        title, lines, tone = _page(said)
    elif occasion == "passed_on":
        title, lines, tone = _passed_on(order, said)
    elif occasion == "accepted":
        title, lines, tone = _accepted(order, zone)
    elif occasion == "relapsed":
        title, lines, tone = _relapsed(order, said)
    else:
        title, lines, tone = _ended(order)
    if board_url:
        lines.append(order_url(board_url, order["id"] if order else said["order"]))
    lines.append(f"ref {key[:REFERENCE]}")
    return Message(title, "\n".join(line for line in lines if line), tone)


def _page(said: dict[str, Any]) -> tuple[str, list[str], Tone]:
    tone: Tone = "failure" if said["severity"] <= 2 else "warning"
    return f"[{said['severity']}] {said['title']}", [said["text"], said["zh"]], tone


def _passed_on(order: Payload, said: dict[str, Any]) -> tuple[str, list[str], Tone]:
    to = said["to_name"]
    return (
        f"{order['queue']}: now with {to}",
        [f"Work order {order['id']} is now with {to}: {order['sentence']}", f"工单 {order['id']} 已转由{to}负责"],
        "info",
    )


def _accepted(order: Payload, zone: str) -> tuple[str, list[str], Tone]:
    until = f"{local(zone, order['hold_until_ms']):%Y-%m-%d %H:%M}" if order["hold_until_ms"] else ""
    return (
        f"{order['queue']}: accepted for now",
        [
            f"The shortfall is accepted until {until} ({zone}); it is judged again then: {order['sentence']}",
            f"已接受现状至 {until},届时重新判定",
        ],
        "info",
    )


def _relapsed(order: Payload, said: dict[str, Any]) -> tuple[str, list[str], Tone]:
    zh = f":{said['zh']}" if said.get("zh") else ""
    owner = order["owner_name"] or order["owner"]
    return (
        f"{order['queue']}: back again",
        [
            f"Work order {order['id']}, of whose end you were told, is open again: {order['sentence']}",
            f"工单 {order['id']} 已重新打开{zh}",
            f"With {owner} / 责任人 {owner}" if owner else "",
        ],
        "warning",
    )


def _ended(order: Payload) -> tuple[str, list[str], Tone]:
    if order["state"] == "cancelled":
        return (
            f"{order['queue']}: cancelled",
            [f"Work order {order['id']} was cancelled: {order['sentence']}", f"工单 {order['id']} 已取消"],
            "info",
        )
    proof = (order["verification"] or {}).get("sentence", "")
    cause = f"Cause {order['cause']}; measure: {order['measure']}" if order["cause"] else ""
    return (
        f"{order['queue']}: over",
        [f"Work order {order['id']} is closed. {proof}".strip(), cause, f"工单 {order['id']} 已关闭,指标已恢复"],
        "success",
    )
