"""What commands say on the terminal."""

from __future__ import annotations

import sys
from datetime import UTC, datetime


def utc_text(at_ms: int | None) -> str:
    """A stream time for people."""
    return "-" if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write(text: str) -> None:
    """A line to standard output."""
    sys.stdout.write(text + "\n")
