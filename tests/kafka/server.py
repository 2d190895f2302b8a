"""Apache Kafka on loopback for tests: one node that is broker and controller, its data kept over a restart.

    with ApacheKafka() as kafka:               # free ports, some 4 s
        kafka.bootstrap                        # "127.0.0.1:43211", the same for its whole life
        kafka.halt(); kafka.resume()           # an orderly stop (SIGTERM); again with the same data and address, 3 s
        kafka.kill(); kafka.resume()           # kill -9; it then checks its log as after a power cut, 7 s
        kafka.restart(kill=True, down_s=2.0)   # both in one
        kafka.pid                              # for SIGSTOP and the like

    with ApacheStack() as stack:               # an EmbeddedStack (bootstrap, valkey_url, pids, check) ...
        stack.kafka.restart()                  # ... whose broker is this one, and whose Valkey is the embedded one

Start and resume it from the main thread: on Linux the broker ends with the thread that started it (see
`callwatch.stack`). The jars are fetched at the first use (`tests.kafka.jars`; ``make kafka`` does it too). Topics are
made by the tests (no auto-creation); retention and compaction look every half second instead of minutes.
"""

from __future__ import annotations

import atexit
import base64
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final

from callwatch.stack import EmbeddedStack, broker_answers, ending_with_us, free_port
from models.errors import WorkError
from tests.kafka.jars import HERE, jars, java

#: 4 to 8 s on an idle machine.
START_TIMEOUT_S: Final = 120.0
#: Between SIGTERM and SIGKILL: the broker closes its log in order, half a second as a rule.
STOP_TIMEOUT_S: Final = 20.0
#: Another process may take a free port between our look and the broker's bind; it does not happen thrice.
PORT_ATTEMPTS: Final = 3
#: Heap. The log is in the page cache, not here.
MEMORY: Final = ("-Xms256m", "-Xmx768m")
#: Tests end before the second compiler would pay, and it would take one of two cores from them meanwhile.
QUICK: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")

#: What differs from a production node, besides addresses.
SETTINGS: Final[Mapping[str, str]] = {
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    # A killed broker is let in again only when its old session is over: 9 s by default.
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "500",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "500",
    # Retention and compaction are looked at soon and often; what is deleted and when is still the topic's own settings.
    "log.initial.task.delay.ms": "500",
    "log.retention.check.interval.ms": "500",
    "log.cleaner.backoff.ms": "500",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "log.index.size.max.bytes": "1048576",  # thousands of little partitions: not 10 MB of address space for each index
}


class ApacheKafka:
    """One node on free ports of loopback, as a context manager or by ``start()`` and ``stop()``.

    *settings* come over `SETTINGS`. Raises `WorkError` from ``start`` and ``resume`` when it cannot run; the text names
    its log, which is kept then.
    """

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self._more = dict(settings or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._port = 0
        self._failed = False

    @property
    def bootstrap(self) -> str:
        """``host:port``. It stays the same over a restart, also while the broker is down."""
        if self._folder is None:
            raise WorkError("Apache Kafka does not run: call start() first.")
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """Process id of the running broker."""
        if self._process is None:
            raise WorkError("Apache Kafka does not run: call start() or resume() first.")
        return self._process.pid

    @property
    def log(self) -> Path:
        """What the broker has said (warnings and errors)."""
        assert self._folder is not None
        return self._folder / "broker.log"

    def start(self) -> ApacheKafka:
        """Make a node of its own, start it and wait until it answers."""
        if self._folder is not None:
            raise WorkError("This Apache Kafka runs already: stop it before starting it again.")
        atexit.register(self.stop)
        try:
            for attempt in range(PORT_ATTEMPTS):
                self._folder = Path(tempfile.mkdtemp(prefix="callwatch-kafka-"))
                self._port, controller = free_port(), free_port()
                self._format(controller)
                if self._launch():
                    return self
                said = self.log.read_text(errors="replace")
                if "already in use" not in said or attempt + 1 == PORT_ATTEMPTS:
                    raise WorkError(f"Apache Kafka ended at start: see {self.log}.\n{said[-2000:]}")
                shutil.rmtree(self._folder)
        except BaseException:
            self._failed = self.log.exists()  # keep it: the error names it
            self.stop()
            raise
        raise AssertionError("unreachable")

    def stop(self) -> None:
        """End it and remove its data. Harmless when nothing runs."""
        atexit.unregister(self.stop)
        self.halt()
        if self._folder is not None and not self._failed:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = None

    def halt(self) -> None:
        """Stop in order (SIGTERM, SIGKILL after `STOP_TIMEOUT_S`) and keep the data. Harmless when it is down."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """``kill -9``, and keep the data. Harmless when it is down."""
        self._end(signal.SIGKILL)

    def resume(self) -> None:
        """Start again with the same data and address after `halt` or `kill`, and wait until it answers."""
        if self._process is not None:
            raise WorkError("Apache Kafka is not down: halt() or kill() it before resume().")
        if not self._launch():
            self._failed = True
            raise WorkError(f"Apache Kafka ended when started again: see {self.log}.")

    def restart(self, *, kill: bool = False, down_s: float = 0.0) -> None:
        """`halt` or `kill`, stay down for *down_s* seconds, `resume`."""
        self._end(signal.SIGKILL if kill else signal.SIGTERM)
        time.sleep(down_s)
        self.resume()

    def check(self) -> None:
        """Raise `WorkError` if it has ended by itself."""
        if self._process is not None and (code := self._process.poll()) is not None:
            self._failed = True
            raise WorkError(f"Apache Kafka ended by itself with status {code}: see {self.log}.")

    def __enter__(self) -> ApacheKafka:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _format(self, controller: int) -> None:
        """Write the node's settings and give its data folder an identity, as `kafka-storage format` does."""
        assert self._folder is not None
        broker, quorum = f"127.0.0.1:{self._port}", f"127.0.0.1:{controller}"
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{quorum}",
            "listeners": f"PLAINTEXT://{broker},CONTROLLER://{quorum}",
            "advertised.listeners": f"PLAINTEXT://{broker}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": str(self._folder / "data"),
            **SETTINGS,
            **self._more,
        }
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if identity.startswith("-"):  # would be taken for an option
            identity = f"A{identity[1:]}"
        arguments = ["format", "--cluster-id", identity, "--config", str(self._properties)]
        done = subprocess.run(
            [*_command("kafka.tools.StorageTool"), *arguments], capture_output=True, text=True, env=_ENV, check=False
        )
        if done.returncode != 0:
            raise WorkError(f"Apache Kafka's data folder cannot be made: {done.stdout[-1000:]}{done.stderr[-1000:]}")

    @property
    def _properties(self) -> Path:
        assert self._folder is not None
        return self._folder / "server.properties"

    def _launch(self) -> bool:
        """Whether it answers; False if it ended, `WorkError` if it does neither in `START_TIMEOUT_S`."""
        command = ending_with_us([*_command("kafka.Kafka"), str(self._properties)])
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                env=_ENV,
                cwd=self._folder,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                self._process = None
                return False
            if broker_answers(self._port):
                return True
            time.sleep(0.05)
        raise WorkError(
            f"Apache Kafka does not answer at {self.bootstrap} after {START_TIMEOUT_S:.0f} s: see {self.log}."
        )


class ApacheStack(EmbeddedStack):
    """The embedded stack with Apache Kafka, as ``kafka``, in place of the broker from the wheel."""

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(broker=False)
        self.kafka = ApacheKafka(settings)

    @property
    def bootstrap(self) -> str:
        """``host:port`` of Apache Kafka."""
        return self.kafka.bootstrap

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by server name (``broker``, ``valkey``)."""
        return {"broker": self.kafka.pid, **super().pids}

    def start(self) -> ApacheStack:
        """Start both servers and wait until both answer."""
        self.kafka.start()
        try:
            super().start()
        except BaseException:
            self.kafka.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop both servers and remove what they kept. Harmless when nothing runs."""
        super().stop()
        self.kafka.stop()

    def broker_memory_bytes(self) -> int:
        """Not asked of Apache Kafka: its log is on disk."""
        raise WorkError("Apache Kafka keeps its log on disk: its memory says nothing of it.")

    def check(self) -> None:
        """Raise `WorkError` if a server has ended by itself."""
        super().check()
        self.kafka.check()


#: Java settings of the caller must not reach the broker.
_ENV: Final = {"PATH": os.defpath, "LC_ALL": "C"}


def _command(main_class: str) -> list[str]:
    log4j = f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"
    return [java(), *MEMORY, *QUICK, log4j, "-cp", f"{jars()}/*", main_class]
