"""Room for more queues in the store: what is counted stays, and how it lies in memory."""

from __future__ import annotations

import numpy as np

from models.metric import WINDOWS
from streams.store import RING, empty_store, room_for_queues


def test_sums_stay_and_the_windows_of_a_counter_lie_side_by_side() -> None:
    store = room_for_queues(empty_store(np.zeros((1, 1), np.int64), np.zeros((1, 1), np.int64)), 3)
    store.sums[:3] = np.arange(3 * store.sums[0].size).reshape(3, *store.sums[0].shape)
    store.ring[2] = 5
    before = store.sums[:3].copy()
    grown = room_for_queues(store, 5_000)
    assert len(grown.queues) == len(grown.sums) == len(grown.ring) == len(grown.figures) >= 5_000
    assert (grown.sums[:3] == before).all()
    assert not grown.sums[3:].any()
    assert (grown.ring[2] == 5).all()
    assert (grown.ring[3:] == -1).all()
    assert grown.ring.shape[1] == RING
    assert np.isnan(grown.figures).all()
    for made in (store, grown):
        assert made.sums.shape[1] == len(WINDOWS)
        assert made.sums.strides[1] == made.sums.itemsize, "an event changes few counters, and all windows of each"
    assert room_for_queues(grown, 5_000) is grown


def test_room_grows_by_a_quarter() -> None:
    store = empty_store(np.zeros((1, 1), np.int64), np.zeros((1, 1), np.int64))
    sizes = []
    for queues in range(1, 1_000):
        store = room_for_queues(store, queues)
        sizes.append(len(store.queues))
    assert all(size <= queues * 1.25 + 16 for queues, size in enumerate(sizes, 1))
    assert len(set(sizes)) < 25, "not at every queue"
