"""The counters: columns of every bucket, window sum and interval row (int64)."""

from __future__ import annotations

from typing import Final

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
UNRESOLVED: Final = 15  #: offered and without an outcome
COUNTERS: Final = 16
