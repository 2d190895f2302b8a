"""Progress of long work on standard error: a live line on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Final

from rich.console import Console
from rich.status import Status

#: Between two plain lines: often enough to see that it lives, seldom enough for a log.
PLAIN_EVERY_S: Final = 5.0
#: Between two refreshes of the live line.
LIVE_EVERY_S: Final = 0.2


class Progress:
    """A context manager; ``show(text)`` may be called as often as one likes."""

    def __init__(self) -> None:
        self._status: Status | None = None
        self._shown_s = time.monotonic()

    def show(self, text: str) -> None:
        """Say where the work stands. Cheap when the last text is still fresh."""
        now_s = time.monotonic()
        every_s = PLAIN_EVERY_S if self._status is None else LIVE_EVERY_S
        if now_s - self._shown_s < every_s:
            return
        self._shown_s = now_s
        if self._status is not None:
            self._status.update(text)
        else:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    def say(self, text: str) -> None:
        """Write a line that stays."""
        if self._status is not None:
            self._status.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            sys.stderr.write(f"{text}\n")

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            self._status = Console(stderr=True).status("...")
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()
