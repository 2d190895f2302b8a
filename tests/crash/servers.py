"""A Valkey of one run that is killed, started again at its port, and emptied."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final

import redis

from callwatch import stack

#: It answers within a tenth of a second on an idle machine.
START_S: Final = 30.0


class Valkey:
    """A server as a context manager. Nothing of it outlives its process."""

    def __enter__(self) -> Valkey:
        self.port = stack.free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="callwatch-valkey-"))
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """Of database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self, database: int = 0) -> redis.Redis:
        """A client of its own."""
        return redis.Redis(port=self.port, db=database)

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        with (self._folder / "valkey.log").open("ab") as log:
            self._process: subprocess.Popen[bytes] = stack._spawn(
                stack._valkey_command(self.port, self._folder), log.fileno()
            )
        deadline = time.monotonic() + START_S
        while not stack._valkey_answers(self.port):
            assert time.monotonic() < deadline, f"Valkey does not start: {self._folder}"
            time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def empty(self) -> None:
        """FLUSHALL."""
        with self.client() as client:
            client.flushall()
