"""Where compiled kernels are kept: a folder of the checkout, named after the source of all kernels.

numba's cache looks at the file of a kernel only, not at the files of what it calls: after an update it may go on with
an old callee and say nothing. Under a name made from every kernel's source an update compiles anew.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

#: Packages that hold kernels.
PACKAGES: Final = ("models", "streams", "alerts")
#: Compiled versions kept, newest first: about 5 MB each.
KEPT: Final = 4


def source_digest(root: Path) -> str:
    """A short hash of every source file of the packages with kernels below *root*."""
    digest = hashlib.blake2b(sys.version.encode(), digest_size=8)
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def use_own_cache(root: Path) -> None:
    """Point numba at this checkout's cache. Leaves the choice to numba where *root* cannot be written.

    Called before numba is imported; a NUMBA_CACHE_DIR that somebody has set stays.
    """
    if "NUMBA_CACHE_DIR" in os.environ or "numba" in sys.modules:
        return
    caches = root / ".cache" / "numba"
    own = caches / source_digest(root)
    with suppress(OSError):
        own.mkdir(parents=True, exist_ok=True)
        own.touch()
        for old in sorted(caches.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]:
            shutil.rmtree(old, ignore_errors=True)
        os.environ["NUMBA_CACHE_DIR"] = str(own)
