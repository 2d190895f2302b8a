"""Pseudonyms: people of foreign data become keyed hashes before anything is written.

The key is ``CALLWATCH_HASH_KEY``. Without it a fixed key of the source code is used, so that the same input still
gives the same recording; anyone can then try names against the hashes, hence the notice.
"""

from __future__ import annotations

import hashlib
import os
import sys
from functools import lru_cache
from typing import Final

KEY_VARIABLE: Final = "CALLWATCH_HASH_KEY"
#: Documented on purpose: it hides names from a glance, not from somebody who looks for them.
DEVELOPMENT_KEY: Final = "callwatch-development-key"
#: 64 bits: two of a million customers share one with a probability of 3e-8.
_BYTES: Final = 8

_noticed = False


class Pseudonyms:
    """Hashes names of one kind each: the same name under the same key is always the same pseudonym."""

    def __init__(self, key: str) -> None:
        # blake2b takes keys of up to 64 bytes: a longer one is hashed first
        secret = key.encode()
        self._key = secret if len(secret) <= 64 else hashlib.blake2b(secret).digest()
        self._cached = lru_cache(maxsize=1 << 16)(self._hash)  # agents recur with every call, customers often

    def agent(self, name: str) -> str:
        """``a-`` and 16 hex digits."""
        return self._cached("agent", name)

    def customer(self, name: str) -> str:
        """``c-`` and 16 hex digits."""
        return self._cached("customer", name)

    def _hash(self, kind: str, name: str) -> str:
        digest = hashlib.blake2b(name.encode(), digest_size=_BYTES, key=self._key, person=kind.encode())
        return f"{kind[0]}-{digest.hexdigest()}"


def pseudonyms_from_environment() -> Pseudonyms:
    """With the key of ``CALLWATCH_HASH_KEY``; without one the development key, said once on standard error."""
    global _noticed  # noqa: PLW0603 - once a process is the promise
    key = os.environ.get(KEY_VARIABLE, "")
    if not key and not _noticed:
        _noticed = True
        sys.stderr.write(
            f"callwatch: {KEY_VARIABLE} is not set: people are pseudonymised with the development key, which is "
            "public. Set a secret one for recordings that leave this machine.\n"
        )
    return Pseudonyms(key or DEVELOPMENT_KEY)
