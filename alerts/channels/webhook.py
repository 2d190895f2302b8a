"""The signed generic webhook: the order as it stands, at each change of state, owner or severity.

A delivery has an id that stays the same however often it is tried (`X-Callwatch-Delivery`): receivers drop what they
have had. The signature covers the time of sending and the body: ``v1=HMAC-SHA256(secret, "<timestamp>.<body>")``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson

from alerts.channels.rfc3339 import rfc3339
from alerts.channels.words import order_url
from models.notification import Payload
from models.signature import sign

DELIVERY: Final = "X-Callwatch-Delivery"
EVENT: Final = "X-Callwatch-Event"
TIMESTAMP: Final = "X-Callwatch-Timestamp"
SIGNATURE: Final = "X-Callwatch-Signature"


def body(order: Payload, key: str, board_url: str, zh: str = "") -> bytes:
    """The bytes of one delivery."""
    shown = {name: value for name, value in order.items() if name != "pos"}
    content: dict[str, Any] = {
        "delivery": key,
        "event": {"type": f"order.{order['state']}", "time": rfc3339(order["updated_ms"])},
        "order": shown,
    }
    if zh:
        content["zh"] = zh
    if board_url:
        content["url"] = order_url(board_url, order["id"])
    return orjson.dumps(content)


def headers(order: Payload, key: str, content: bytes, secrets: Sequence[str], sent_ms: int) -> dict[str, str]:
    """The headers of one attempt at *sent_ms* (wall clock), signed with each of *secrets*."""
    stamp = str(sent_ms // 1000)
    return {
        "Content-Type": "application/json",
        DELIVERY: key,
        EVENT: f"order.{order['state']}",
        TIMESTAMP: stamp,
        SIGNATURE: sign(secrets, content, stamp),
    }
