"""When a failed attempt is made again: exponentially later, each notification at its own moment.

The jitter is a hash of the key and the attempt: it spreads what failed together, and a test (or a second notifier)
knows the moment beforehand.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

FIRST_MS: Final = 5_000
LONGEST_MS: Final = 300_000
#: Attempts at one notification, taking over from a notifier that vanished included: 17 minutes at most. By then the
#: loop has gone on to the next person.
TRIES_MAX: Final = 10


def wait_ms(key: str, tries: int) -> int:
    """How long to wait after the failed attempt *tries* (from 1): between half and all of the step, by *key*."""
    step = min(LONGEST_MS, FIRST_MS << min(tries - 1, 16))
    part = int.from_bytes(blake2b(f"{key} {tries}".encode(), digest_size=4).digest(), "big") / 2**32
    return round(step * (0.5 + part / 2))
