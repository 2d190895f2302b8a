"""Alertmanager: alerts for its API v2, and its webhook of version 4 for whoever takes that.

Sources: prometheus/alertmanager docs/alerts_api.md and docs/configuration.md (`<webhook_config>`); the fingerprint is
prometheus/common model/signature.go (FNV-1a over the sorted labels).

Labels are what an alert *is*: a changed label is another alert. So state and owner are annotations. Severity must be a
label, because people route by it: when an order gets graver, an alert of the graver severity fires beside the first,
and both end together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from alerts.channels.rfc3339 import NEVER, rfc3339
from alerts.channels.words import SEVERITY_NAMES, headline, order_url
from models.notification import Payload

ALERTNAME: Final = "CallwatchOrder"
_FNV_OFFSET: Final = 14695981039346656037
_FNV_PRIME: Final = 1099511628211
_SEPARATOR: Final = b"\xff"


def labels(order: Payload, severity: int) -> dict[str, str]:
    """What makes the alert: the order, its queue and site, and the severity by which it is routed."""
    site = order["queue"].rpartition("/")[0]
    return {
        "alertname": ALERTNAME,
        "order": order["id"],
        "queue": order["queue"],
        "severity": SEVERITY_NAMES[severity],
        "site": site,
    }


def remarks(order: Payload, zh: str = "") -> dict[str, str]:
    """What may change while it fires."""
    found = {
        "summary": headline(order),
        "summary_zh": zh,
        "state": order["state"],
        "owner": order["owner_name"] or order["owner"] or "",
        "symptoms": ", ".join(order["symptoms"]),
        "verification": (order["verification"] or {}).get("sentence", ""),
        "cause": order["cause"] or "",
        "measure": order["measure"] or "",
    }
    return {name: text for name, text in found.items() if text}


def alert(
    order: Payload, severity: int, since_ms: int, ended_ms: int | None, board_url: str, zh: str = ""
) -> dict[str, Any]:
    """One alert of API v2. It has ``endsAt`` only when the order is over: until then Alertmanager keeps it firing for
    its resolve_timeout after each time that it hears of it."""
    found: dict[str, Any] = {
        "labels": labels(order, severity),
        "annotations": remarks(order, zh),
        "startsAt": rfc3339(since_ms),
    }
    if ended_ms is not None:
        found["endsAt"] = rfc3339(max(ended_ms, since_ms))
    if board_url:
        found["generatorURL"] = order_url(board_url, order["id"])
    return found


def alerts(
    order: Payload, severities: Sequence[int], since_ms: int, ended_ms: int | None, board_url: str, zh: str = ""
) -> list[dict[str, Any]]:
    """The body of ``POST /api/v2/alerts`` for one order: an alert of each severity under which it fires."""
    return [alert(order, severity, since_ms, ended_ms, board_url, zh) for severity in severities]


def fingerprint(of: dict[str, str]) -> str:
    """Alertmanager's name for the labels *of*: 16 hexadecimal digits."""
    total = _FNV_OFFSET
    for name in sorted(of):
        for byte in name.encode() + _SEPARATOR + of[name].encode() + _SEPARATOR:
            total = ((total ^ byte) * _FNV_PRIME) & 0xFFFFFFFFFFFFFFFF
    return f"{total:016x}"


def webhook(
    receiver: str,
    order: Payload,
    severities: Sequence[int],
    since_ms: int,
    ended_ms: int | None,
    board_url: str,
    reason: str,
    zh: str = "",
) -> dict[str, Any]:
    """The body of a webhook of version 4: one group an order."""
    status = "firing" if ended_ms is None else "resolved"
    found = []
    for one in alerts(order, severities, since_ms, ended_ms, board_url, zh):
        rest = {"generatorURL": "", "endsAt": NEVER, **one}
        found.append({"status": status, **rest, "fingerprint": fingerprint(one["labels"])})
    common = {k: v for k, v in found[0]["labels"].items() if all(f["labels"][k] == v for f in found)}
    return {
        "version": "4",
        "groupKey": f'{{}}:{{order="{order["id"]}"}}',
        "truncatedAlerts": 0,
        "status": status,
        "receiver": receiver,
        "groupLabels": {"order": order["id"]},
        "commonLabels": common,
        "commonAnnotations": remarks(order, zh),
        "externalURL": board_url,
        "notification_reason": reason,
        "alerts": found,
    }
