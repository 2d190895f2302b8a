"""Signatures of webhooks: HMAC-SHA256 over the body, made by us and checked by us, in constant time.

Several signatures in one header, comma-separated, let both sides change their keys one after the other.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

#: How far the time of a signed request may lie from ours: what clocks without NTP drift apart, not what a thief needs.
TOLERANCE_MS: Final = 5 * 60_000
#: Signatures that are looked at in one header; PagerDuty sends two while a key is being changed.
SIGNATURES_MAX: Final = 8


def digest(secret: str, body: bytes) -> str:
    """HMAC-SHA256 of *body* in hexadecimal digits."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def sign(secrets: Iterable[str], body: bytes, timestamp: str = "") -> str:
    """The header for *body*: ``v1=...`` for each of *secrets*; with *timestamp* it covers ``timestamp.body``."""
    signed = f"{timestamp}.".encode() + body if timestamp else body
    return ",".join(f"v1={digest(secret, signed)}" for secret in secrets)


def is_signed(secrets: Iterable[str], header: str, body: bytes, timestamp: str = "") -> bool:
    """Whether any ``v1=`` signature in *header* fits any of *secrets*. All are compared whatever the first says."""
    signed = f"{timestamp}.".encode() + body if timestamp else body
    given = [part.strip().removeprefix("v1=") for part in header.split(",")[:SIGNATURES_MAX] if "v1=" in part]
    right = [digest(secret, signed) for secret in secrets if secret]
    fits = [hmac.compare_digest(g.encode(), r.encode()) for g in given for r in right]
    return any(fits)


def same(given: str, secrets: Iterable[str]) -> bool:
    """Whether *given* is one of *secrets*, in constant time."""
    fits = [hmac.compare_digest(given.encode(), secret.encode()) for secret in secrets if secret]
    return any(fits)
