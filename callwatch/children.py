"""Child processes of a command that runs several parts: ``callwatch ...``, stopped in order, by their pid."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from types import FrameType, TracebackType
from typing import Final

from callwatch.stack import ending_with_us
from models.errors import WorkError

#: What a child has to end in order (a worker takes its last snapshots) before it is killed.
STOP_S: Final = 10.0
POLL_S: Final = 0.1


def stop_child(child: subprocess.Popen[bytes], limit_s: float) -> None:
    """Stop *child*: SIGTERM, then SIGKILL when it has not ended in *limit_s*. Harmless when it has ended."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(limit_s)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


class Children:
    """A context manager around child processes. Leaving it stops them, the last started first, and says so."""

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        self._env = {**os.environ, **(env or {})}
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []
        self.stopping = False

    def start(self, name: str, args: list[str]) -> int:
        """Start ``callwatch`` *args* in a session of its own (Ctrl-C is ours to pass on) and return its pid."""
        command = [sys.executable, "-m", "callwatch.cli", *args]
        child = subprocess.Popen(
            ending_with_us(command), env=self._env, stdin=subprocess.DEVNULL, start_new_session=True
        )
        self._running.append((name, child))
        return child.pid

    def check(self) -> None:
        """Raise WorkError when a child has ended by itself with a failure."""
        for name, child in self._running:
            code = child.poll()
            if code in (None, 0) or self.stopping:
                continue
            if code < 0:  # POSIX: the number of the signal that ended it
                raise WorkError(
                    f"{name} (pid {child.pid}) was ended from outside by signal {-code} ({signal.strsignal(-code)}), "
                    "e.g. for want of memory: start again."
                )
            raise WorkError(f"{name} (pid {child.pid}) ended with exit code {code}: its message is above.")

    def ended(self, name: str) -> bool:
        """Whether the child *name* has ended."""
        return all(child.poll() is not None for known, child in self._running if known == name)

    def wait(self) -> None:
        """Wait until a stop is asked for (SIGINT, SIGTERM). Raises WorkError when a child fails before."""
        while not self.stopping:
            self.check()
            time.sleep(POLL_S)

    def stop(self) -> None:
        """Stop every child: SIGTERM, then SIGKILL for what has not ended in time."""
        self.stopping = True
        for name, child in reversed(self._running):
            if child.poll() is None:
                stop_child(child, STOP_S)
                sys.stderr.write(f"stopped {name} (pid {child.pid})\n")
        self._running.clear()

    def _ask_to_stop(self, signum: int, frame: FrameType | None) -> None:
        self.stopping = True

    def __enter__(self) -> Children:
        self._before = {s: signal.signal(s, self._ask_to_stop) for s in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        for signum, handler in self._before.items():
            signal.signal(signum, handler)
