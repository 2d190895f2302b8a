"""The nouns of Callwatch. Imports nothing of ours; imported first by every package with kernels."""

from pathlib import Path

from models.kernel_cache import use_own_cache

use_own_cache(Path(__file__).parent.parent)
