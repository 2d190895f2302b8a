"""Threads that send, one a message: daemons, so that an endpoint that dribbles does not keep a process from ending."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

from callwatch.delivery import Outcome

#: Messages under way at once; a thread waits for an answer most of the time.
SENDERS: Final = 32


class SendThreads:
    """At most *limit* threads."""

    def __init__(self, limit: int = SENDERS) -> None:
        self._free = threading.Semaphore(limit)

    def begin(self, send: Callable[[], Outcome]) -> Future[Outcome] | None:
        """Call *send* in a thread; None when all are busy. Whatever it raises is a failure that may have arrived."""
        if not self._free.acquire(blocking=False):
            return None
        future: Future[Outcome] = Future()

        def run() -> None:
            try:
                outcome = send()
            except Exception as error:  # what a library chokes on; its text may name the address
                outcome = Outcome("failed", type(error).__name__, doubt=True)
            self._free.release()
            future.set_result(outcome)

        threading.Thread(target=run, name="send", daemon=True).start()
        return future
