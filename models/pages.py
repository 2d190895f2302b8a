"""Arrays of zeros that take memory where something is written, and give it back when they go.

numpy's own come from the heap of C: what is freed there is kept and used again, and must be written with zeros then, so
that a large array of which little is used takes as much as one that is full. These are pages of their own.
"""

from __future__ import annotations

import mmap
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

#: Arrays below this size come from numpy: a page is 4 KB, and the system allows some 65,000 maps.
LEAST_BYTES: Final = 1 << 18
#: Dense arrays from here on ask for pages of 2 MB, as numpy does for its own: fewer misses where access is random.
HUGE_BYTES: Final = 1 << 22


def zeros(shape: tuple[int, ...], dtype: Any, *, dense: bool) -> NDArray[Any]:
    """An array of zeros. *dense*: most of it will be written, else single rows of it."""
    kind = np.dtype(dtype)
    size = kind.itemsize * int(np.prod(shape))
    if size < LEAST_BYTES:
        return np.zeros(shape, kind)
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if dense and size >= HUGE_BYTES and hasattr(mmap, "MADV_HUGEPAGE"):
        pages.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(pages, kind).reshape(shape)
