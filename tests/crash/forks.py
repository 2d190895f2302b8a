"""A server of workers: one process that has loaded everything forks a worker on each order (run as a module).

A worker takes four seconds to import and to load its kernels; a fork of a process that has done so takes ten
milliseconds, and is as real a process to the broker and to SIGKILL as any. Orders come on stdin and events go to
stdout, a JSON object a line. `tests.crash.nursery` is the other end.
"""

from __future__ import annotations

import ctypes
import gc
import os
import select
import signal
import sys
import traceback
from typing import Any

import orjson

from agents.warm import warm
from agents.worker import Worker
from callwatch.settings import parse_settings
from models.runtime import KafkaSettings, Settings, WorkerSettings
from streams.app import run_worker
from tests.crash import points
from tests.crash.centre import catalogue

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve until stdin ends; the workers end then too."""
    warm()
    Worker(Settings(catalogue=catalogue()))  # what its making loads; it is never run
    gc.collect()
    gc.freeze()
    wake, awaken = os.pipe()
    os.set_blocking(awaken, False)
    signal.set_wakeup_fd(awaken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    _tell({"ready": os.getpid()})
    running: dict[int, int] = {}
    rest = b""
    while True:
        ready, _, _ = select.select([0, wake], [], [])
        if wake in ready:
            os.read(wake, 4096)
            _reap(running)
        if 0 in ready:
            part = os.read(0, 1 << 16)
            if not part:
                break
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                _obey(orjson.loads(line), running)
    for pid in running.values():
        os.kill(pid, signal.SIGKILL)


def _obey(order: dict[str, Any], running: dict[int, int]) -> None:
    number = order["number"]
    if "signal" in order:
        if number in running:
            os.kill(running[number], order["signal"])
        return
    pid = os.fork()
    if pid == 0:
        _become_worker(order)
    running[number] = pid
    _tell({"number": number, "pid": pid})


def _reap(running: dict[int, int]) -> None:
    for number, pid in list(running.items()):
        found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
        if found == 0:
            continue
        if os.WIFSTOPPED(status):
            _tell({"number": number, "stopped": True})
        else:
            del running[number]
            _tell({"number": number, "ended": os.waitstatus_to_exitcode(status)})


def _tell(event: dict[str, Any], to: int = 1) -> None:
    os.write(to, orjson.dumps(event) + b"\n")  # one write: workers share the pipe


def _become_worker(order: dict[str, Any]) -> None:
    """In the child: run the worker that *order* describes, and never return."""
    code = 1
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        nothing = os.open(os.devnull, os.O_RDONLY)
        events = os.dup(1)
        for here, there in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(here, there)
        given = order["settings"]
        settings = Settings(
            kafka=KafkaSettings(**order["kafka"]),
            valkey_url=order["valkey_url"],
            worker=WorkerSettings(**order["worker"]),
            catalogue=parse_settings(given, "run.toml", {}).catalogue if given else catalogue(),
        )
        worker = Worker(settings)
        points.tell_ownership(worker, lambda owned: _tell({"number": order["number"], "owns": owned}, events))
        if order["point"]:
            points.arm(worker, order["point"], order["count"], order["action"])
        run_worker(worker.app, order.get("loglevel", "WARNING"))
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
