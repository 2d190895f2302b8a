"""Workers as children of a `tests.crash.forks` server: started in milliseconds, and given signals by number."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import orjson

from callwatch.stack import ending_with_us
from models.runtime import KafkaSettings, WorkerSettings

ROOT: Final = Path(__file__).parents[2]
#: The server loads the kernels, or compiles them on the first start after a change.
READY_S: Final = 180.0
#: From an order to the fork.
FORK_S: Final = 30.0


@dataclass(slots=True)
class Child:
    """A worker process. ``code`` is what it ended with (the negative number of a signal), None while it lives."""

    number: int
    log: Path
    _nursery: Nursery
    pid: int = 0
    code: int | None = None
    stopped: bool = False  #: by SIGSTOP, at some time since the last `proceed`
    owns: tuple[int, ...] = ()  #: partitions that it has restored, as far as it knows
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def wait(self, timeout_s: float) -> int | None:
        """What it ended with, None if it has not in time."""
        with self._changed:
            self._changed.wait_for(lambda: self.code is not None, timeout_s)
            return self.code

    def wait_stopped(self, timeout_s: float) -> bool:
        """Whether it has stopped (or ended) in time."""
        with self._changed:
            self._changed.wait_for(lambda: self.stopped or self.code is not None, timeout_s)
            return self.stopped

    def wait_owner(self, timeout_s: float) -> bool:
        """Whether it has restored a partition (or ended) in time."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self.owns) or self.code is not None, timeout_s)

    @property
    def alive(self) -> bool:
        """Whether it has not ended, as far as is known."""
        return self.code is None

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        self.signal(signal.SIGKILL)
        assert self.wait(FORK_S) is not None, f"worker {self.number} survives SIGKILL"

    def proceed(self) -> None:
        """SIGCONT."""
        self.stopped = False
        self.signal(signal.SIGCONT)

    def signal(self, signum: int) -> None:
        """Send it a signal; nothing happens when it has ended."""
        self._nursery.tell({"number": self.number, "signal": int(signum)})


class Nursery:
    """The server process, as a context manager. Safe to use from several threads."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._children: dict[int, Child] = {}
        self._lock = threading.Lock()
        self._ready = threading.Event()

    def __enter__(self) -> Nursery:
        self._process = subprocess.Popen(
            ending_with_us([sys.executable, "-m", "tests.crash.forks"]),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name="nursery", daemon=True)
        self._reader.start()
        assert self._ready.wait(READY_S), "the server of workers does not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(FORK_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(FORK_S)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def start(
        self,
        kafka: KafkaSettings,
        worker: WorkerSettings,
        log: Path,
        *,
        valkey_url: str = "",
        point: str = "",
        count: int = 1,
        action: str = "kill",
        settings: str = "",
    ) -> Child:
        """A new worker that writes to *log*; with *point* it does *action* to itself there (`tests.crash.points`).

        *settings*: the text of a settings file in the place of the centre's.
        """
        child = Child(next(self._numbers), log, self)
        with self._lock:
            self._children[child.number] = child
        order = {"number": child.number, "kafka": asdict(kafka), "worker": asdict(worker), "valkey_url": valkey_url}
        self.tell({**order, "log": str(log), "point": point, "count": count, "action": action, "settings": settings})
        with child._changed:
            assert child._changed.wait_for(lambda: child.pid > 0, FORK_S), "no fork"
        return child

    def tell(self, order: dict[str, Any]) -> None:
        """Send an order to the server."""
        assert self._process.stdin is not None
        with self._lock:
            self._process.stdin.write(orjson.dumps(order) + b"\n")
            self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event = orjson.loads(line)
            if "ready" in event:
                self._ready.set()
                continue
            child = self._children[event["number"]]
            with child._changed:
                child.pid = event.get("pid", child.pid)
                child.stopped = event.get("stopped", child.stopped)
                child.owns = tuple(event.get("owns", child.owns))
                child.code = event.get("ended", child.code)
                child._changed.notify_all()
            if child.code is not None:
                del self._children[child.number]
