"""PagerDuty Events API v2: trigger, acknowledge, resolve under one ``dedup_key``, the order's id.

Source: developer.pagerduty.com, Events API v2; bounds as prometheus/alertmanager has them (notify/pagerduty).
"""

from __future__ import annotations

from typing import Any, Final

from alerts.channels.rfc3339 import rfc3339
from alerts.channels.words import SEVERITY_NAMES, headline, order_url
from models.notification import Payload

URL: Final = "https://events.pagerduty.com/v2/enqueue"
CLIENT: Final = "Callwatch"
#: What PagerDuty takes (characters).
SUMMARY_MAX: Final = 1024
DEDUP_KEY_MAX: Final = 255


def event(action: str, order: Payload, routing_key: str, board_url: str, why: str = "", zh: str = "") -> dict[str, Any]:
    """One event. *why* says what brought a trigger again after it was resolved over there."""
    bare: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": order["id"][:DEDUP_KEY_MAX],
    }
    if action != "trigger":
        return bare
    # the id stands in the title: what comes back about notes names the incident by its title alone
    summary = f"{order['id']} {why}. {headline(order)}" if why else f"{order['id']} {headline(order)}"
    found = bare | {
        "client": CLIENT,
        "payload": {
            "summary": summary[:SUMMARY_MAX],
            "source": order["queue"],
            "severity": SEVERITY_NAMES[order["severity"]],
            "timestamp": rfc3339(order["updated_ms"] if why else order["opened_ms"]),
            "component": order["queue"],
            "group": order["queue"].rpartition("/")[0],
            "class": order["symptoms"][0] if order["symptoms"] else "manual",
            "custom_details": _details(order, zh, why),
        },
    }
    if board_url:
        at = order_url(board_url, order["id"])
        found |= {"client_url": at, "links": [{"href": at, "text": "Work order"}]}
    return found


def _details(order: Payload, zh: str, why: str) -> dict[str, Any]:
    details = {
        "order": order["id"],
        "state": order["state"],
        "owner": order["owner_name"] or order["owner"],
        "symptoms": order["symptoms"],
        "respond_by": rfc3339(order["respond_by_ms"]) if order["respond_by_ms"] else None,
        "resolve_by": rfc3339(order["resolve_by_ms"]) if order["resolve_by_ms"] else None,
        "reopened": order["reopened"],
        "zh": zh,
        "note": why,
    }
    return {name: value for name, value in details.items() if value not in (None, "")}
