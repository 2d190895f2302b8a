"""A random cut forest, after Guha, Mishra, Roy & Schrijvers (2016), Robust Random Cut Forest Based Anomaly Detection.

Trees over samples of the past; a cut chooses a dimension in proportion to its range. A point is scored by collusive
displacement: it is inserted into every tree, and what its arrival moves is averaged. The forest is not kept up to date
while it scores: what was ordinary is what it was drawn from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
TREES: Final = 20
SAMPLE: Final = 256


@dataclass(slots=True)
class _Node:
    """A node over *mass* points within *low* to *high*; a leaf has no cut."""

    low: Floats
    high: Floats
    mass: int
    dimension: int = -1
    cut: float = 0.0
    left: _Node | None = None
    right: _Node | None = None


def _grow(points: Floats, rng: np.random.Generator) -> _Node:
    low, high = points.min(axis=0), points.max(axis=0)
    node = _Node(low, high, len(points))
    ranges = high - low
    total = float(ranges.sum())
    if len(points) == 1 or total <= 0.0:
        return node
    dimension = int(rng.choice(len(ranges), p=ranges / total))
    cut = float(rng.uniform(low[dimension], high[dimension]))
    under = points[:, dimension] <= cut
    node.dimension, node.cut = dimension, cut
    node.left, node.right = _grow(points[under], rng), _grow(points[~under], rng)
    return node


def _insert(node: _Node, points: Floats, rows: NDArray[np.int64], most: Floats, out: Floats, draws: Floats) -> None:
    """Insert each of *points[rows]* (each alone) below *node* and write its displacement into *out*.

    The first cut of the tree with the point is drawn over the box that holds both: outside the old box it parts the
    point from all that is here, inside it is the cut that is there (Guha et al., insertion).
    """
    here = points[rows]
    below = np.maximum(node.low - here, 0.0)
    beyond = np.maximum(here - node.high, 0.0)
    outside = (below + beyond).sum(axis=1)
    whole = outside + (node.high - node.low).sum()
    parted = (draws[rows] * whole < outside) | (node.left is None)
    out[rows[parted]] = np.maximum(most[rows[parted]], node.mass)
    rest = rows[~parted]
    if node.left is None or node.right is None or not len(rest):
        return
    # what is left of the draw, given that the cut lies inside, is uniform again
    span = whole[~parted] - outside[~parted]
    draws[rest] = (draws[rest] * whole[~parted] - outside[~parted]) / span
    under = points[rest, node.dimension] <= node.cut
    for child, other, theirs in ((node.left, node.right, rest[under]), (node.right, node.left, rest[~under])):
        if len(theirs):
            most[theirs] = np.maximum(most[theirs], other.mass / (child.mass + 1))
            _insert(child, points, theirs, most, out, draws)


class Forest:
    """Trees over *past* (points in rows); `score` says how much a point would move them."""

    def __init__(self, past: Floats, seed: int, trees: int = TREES, sample: int = SAMPLE) -> None:
        rng = np.random.default_rng(seed)
        size = min(sample, len(past))
        self._trees = [_grow(past[rng.choice(len(past), size, replace=False)], rng) for _ in range(trees)]
        self._seed = seed

    def score(self, points: Floats) -> Floats:
        """Mean collusive displacement of each of *points*, which are inserted one by one and taken out again."""
        rng = np.random.default_rng(self._seed + 1)
        total = np.zeros(len(points))
        for tree in self._trees:
            out = np.zeros(len(points))
            rows = np.arange(len(points))
            _insert(tree, points, rows, np.zeros(len(points)), out, rng.uniform(size=len(points)))
            total += out
        return total / len(self._trees)


def shingled(values: Floats, length: int) -> Floats:
    """Each row with the *length* - 1 before it; the first rows repeat the first."""
    padded = np.concatenate([np.repeat(values[:1], length - 1, axis=0), values])
    return np.concatenate([padded[k : k + len(values)] for k in range(length)], axis=1)
