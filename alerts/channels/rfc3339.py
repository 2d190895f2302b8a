"""Times as the web writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

#: How Go writes "no time": Alertmanager's webhooks have it as the end of what is firing.
NEVER: Final = "0001-01-01T00:00:00Z"


def rfc3339(at_ms: int) -> str:
    """*at_ms* in UTC with milliseconds: ``2026-03-02T08:00:00.000Z``."""
    whole, ms = divmod(at_ms, 1000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03d}Z"
