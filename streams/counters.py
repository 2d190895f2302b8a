"""The counters: columns of every bucket and window sum, the first of them of every interval row too (int64).

What nearly every call touches comes first: a bucket holds those `HOT` ones, and of the rest only the blocks of `BLOCK`
that something happened in (``streams.buckets``). What is usual is counted by what is not: a wait from where the caller
first began to wait is told by its difference, and calls of the usual line and channel are those of no other.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from models.event import CHANNELS, LINES

HOT: Final = 16
BLOCK: Final = 8

OFFERED: Final = 0
ANSWERED: Final = 1
ABANDONED: Final = 2
FLOWED_OUT: Final = 3
ANSWERED_IN: Final = 4  #: answered with a known wait within the threshold
ABANDONED_IN: Final = 5  #: abandoned within the threshold
ABANDONED_SHORT: Final = 6  #: abandoned within the short-abandon limit
FLOWED_LATE: Final = 7  #: flowed out after the threshold, or with an unknown wait
IVR_ABANDONED: Final = 8
BLOCKED: Final = 9
WAIT_MS: Final = 10  #: sum of the known waits of answered calls
WAIT_KNOWN: Final = 11  #: answered calls with a known wait
COMPLETED: Final = 12
TALK_MS: Final = 13
HANDLE_MS: Final = 14  #: talk + hold + wrap
QUEUED: Final = 15  #: outcomes with a known wait beyond the immediate limit: no agent was free at once

UNRESOLVED: Final = 16  #: offered and without an outcome; in interval rows alone
WAITED_ELSE: Final = 17  #: outcomes with a known wait that are no answer
QUEUED_PEAK: Final = 18  #: QUEUED of calls that arrived in a peak window
WAITED_PEAK: Final = 19  #: outcomes with a known wait of calls that arrived in a peak window
NEGATIVE: Final = 20  #: outcomes whose wait was given as negative, or that lie before their offer
#: What is to be added to ANSWERED_IN, ABANDONED_IN, ABANDONED_SHORT, FLOWED_LATE and WAIT_MS when waits are counted
#: from where the caller first began to wait at all.
ANSWERED_IN_FIRST: Final = 21
ABANDONED_IN_FIRST: Final = 22
SHORT_FIRST: Final = 23
FLOWED_LATE_FIRST: Final = 24
WAIT_FIRST_MS: Final = 25

INNER_SITE: Final = 26  #: offered, and come from a queue of the same site
INNER_REGION: Final = 27  #: ... of the same region
INNER_ALL: Final = 28  #: ... of anywhere
INNER_LATE_SITE: Final = 29  #: of those, past the threshold since they first began to wait when they came
INNER_LATE_REGION: Final = 30
INNER_LATE_ALL: Final = 31
OUTBOUND: Final = 32
OUTBOUND_CONNECTED: Final = 33
#: The counters before it make the usual figures, those from it on the rest and the percentiles.
USUAL: Final = 24
ROW_COUNTERS: Final = 34  #: those of interval rows are the ones before it

WAIT_ELSE_MS: Final = 34  #: sum of the known waits of the outcomes that are no answer
NETTED: Final = 39  #: what a unit has taken out of OFFERED; 0 in queues
CALLBACK_REQUESTED: Final = 40
CALLBACK_ATTEMPTED: Final = 41
CALLBACK_CONNECTED: Final = 42
CALLBACK_FAILED: Final = 43
RATINGS: Final = 44
RATING_MILLI: Final = 45  #: sum of ratings in thousandths
SCORES: Final = 46
SCORE_MILLI: Final = 47
RESOLUTIONS: Final = 48
RESOLVED: Final = 49
PROBES: Final = 50
PROBES_OK: Final = 51
LOGIN_FAILED: Final = 52
LOST_CALLERS: Final = 53
RECOVERED_CALLERS: Final = 54

#: Changes of how many agents are in a class, and the same times when they happened (``streams.staff``).
READY_D: Final = 56
READY_DT: Final = 57
BUSY_D: Final = 58
BUSY_DT: Final = 59
SIGNED_D: Final = 60
SIGNED_DT: Final = 61

_SPLIT: Final = 64


def _splits(words: tuple[str, ...], usual: str, first: int) -> list[list[int]]:
    rare = iter(range(first, first + 3 * len(words), 3))
    return [[-1] * 3 if word == usual else list(range(at := next(rare), at + 3)) for word in words]


#: ``(line, outcome)`` and ``(channel, outcome)`` to their counter; outcome 0 offered, 1 answered, 2 abandoned. -1: the
#: usual one, which has none.
LINE_AT: Final = np.array(_splits(LINES, "other", _SPLIT), np.int64)
CHANNEL_AT: Final = np.array(_splits(CHANNELS, "voice", _SPLIT + 3 * (len(LINES) - 1)), np.int64)

#: Known waits of answered and abandoned calls by length (``streams.quantiles``): the first of `BINS`.
WAIT_BINS: Final = 104
BINS: Final = 43
COUNTERS: Final = 152

assert max(LINE_AT.max(), CHANNEL_AT.max()) < WAIT_BINS
assert WAIT_BINS + BINS <= COUNTERS
