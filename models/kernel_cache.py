"""Where compiled kernels are kept: a folder of the checkout, named after the source of all kernels.

numba's cache looks at the file of a kernel only, not at the files of what it calls: after an update it may go on with
an old callee and say nothing. Under a name made from every kernel's source an update compiles anew.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

#: Packages that hold kernels.
PACKAGES: Final = ("models", "streams", "alerts")
#: Compiled versions kept, newest first: about 5 MB each.
KEPT: Final = 4


#: An import of a module of ours, or of names from one, in one line or in brackets.
_IMPORT: Final = re.compile(
    rf"^\s*(?:from ((?:{'|'.join(PACKAGES)})[\w.]*) import (\([^)]*\)|[^\n]*)|import ((?:{'|'.join(PACKAGES)})[\w.]*))",
    re.MULTILINE,
)


def kernel_files(root: Path) -> list[Path]:
    """The files below *root* that compiled kernels are made of: those with numba in them, and whatever they import of
    ours, because a kernel has the constants of other modules in it. A change of any other file compiles nothing."""
    todo = [p for package in PACKAGES for p in (root / package).rglob("*.py") if b"numba" in p.read_bytes()]
    found = set(todo)
    while todo:
        fresh = _imported(root, todo.pop().read_text(encoding="utf-8")) - found
        found |= fresh
        todo += fresh
    return sorted(found)


def _imported(root: Path, source: str) -> set[Path]:
    files = set()
    for module, names, plain in _IMPORT.findall(source):
        at = root.joinpath(*(module or plain).split("."))
        files |= {at.with_suffix(".py"), at / "__init__.py", *(at / f"{name}.py" for name in re.findall(r"\w+", names))}
    return {path for path in files if path.is_file()}


def source_digest(root: Path) -> str:
    """A short hash of the files below *root* that kernels are made of."""
    digest = hashlib.blake2b(sys.version.encode(), digest_size=8)
    for path in kernel_files(root):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
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
