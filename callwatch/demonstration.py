"""``callwatch demo``: broker, Valkey, worker, wallboard, a recorded day at speed and a liaison, all on loopback."""

from __future__ import annotations

import socket
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import orjson

from callwatch.children import POLL_S, Children
from callwatch.settings import parse_settings
from callwatch.stack import MEMORY_LIMIT_BYTES, EmbeddedStack
from models.errors import UsageError, WorkError

#: How long the wallboard may take to answer on a slow machine.
ANSWER_S: Final = 60.0
#: A worker compiles its kernels once per checkout; that took 14 s on an idle core.
READY_S: Final = 180.0
#: Length of the simulated day: at 60 times speed twelve minutes.
HOURS: Final = 12.0
QUEUES: Final = 6


@dataclass(frozen=True, slots=True)
class Demo:
    """What to show: a recording (None: a simulated day), from when, how fast, and where."""

    recording: Path | None = None
    start: str = ""
    speed: float = 60.0
    port: int = 0
    seed: int = 1
    auto_liaison: bool = True
    settings: Path | None = None


def free_port(wanted: int) -> int:
    """*wanted* when it is free. 0 means 8080, or any other free one. Raises UsageError when it is taken."""
    for port in (wanted,) if wanted else (8080, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise UsageError(f"Port {wanted} is taken: choose another, or stop what listens there.")


def settings_text(base: str, stack: EmbeddedStack, port: int) -> str:
    """The settings of this run: *base* with where everything listens."""
    return f"""{base}
[kafka]
bootstrap = "{stack.bootstrap}"
partitions = 4

[valkey]
url = "{stack.valkey_url}"

[wallboard]
host = "127.0.0.1"
port = {port}
"""


def base_settings(demo: Demo, recording: Path) -> str:
    """The settings that fit *recording*, without those of where things listen.

    Raises InputError for what is no recording, UsageError for a ``--from`` outside of it and for settings that say
    where things listen: here the demo does.
    """
    from sources.recording import open_recording
    from sources.replay import check_covered, start_of

    with open_recording(recording) as source:
        header = source.header
    if demo.start:
        check_covered(str(recording), header, start_of(demo.start, header))
    if demo.settings is not None:
        parse_settings(text := demo.settings.read_text(encoding="utf-8"), str(demo.settings))
        if ours := sorted({"kafka", "valkey", "wallboard"} & tomllib.loads(text).keys()):
            raise UsageError(f"{demo.settings}: take out [{'], ['.join(ours)}]: the demo starts these itself.")
        return text
    for source_name, name in (("anonymous-bank", "bank.toml"), ("pbx-sim", "demo.toml")):
        if source_name in header.sources:
            return files("callwatch").joinpath("demo", name).read_text(encoding="utf-8")
    return f'[worker]\nclock = "log"\n\n[[site]]\nname = "*"\nzone = "{header.zone}"\n'


def simulate_day(seed: int, path: Path) -> None:
    """Write a simulated day with incidents to *path*."""
    from callwatch.commands.simulate import parse_start
    from sources.recording import RecordingHeader, RecordingWriter
    from sources.simulate import SOURCE, make_plan, simulate

    zone = "Asia/Shanghai"
    plan = make_plan(seed, parse_start("2026-03-02T08:00", zone), HOURS, QUEUES, incidents=True)
    with RecordingWriter(path, RecordingHeader(zone=zone, sources=(SOURCE,), made_by="callwatch demo")) as out:
        out.write_all(simulate(plan))


def run(demo: Demo) -> None:
    """Show *demo* until Ctrl-C; every process that it started has ended when this returns."""
    port = free_port(demo.port)
    with tempfile.TemporaryDirectory(prefix="callwatch-demo-") as folder, Children() as children:
        recording = demo.recording
        if recording is None:
            _say("simulating a day with incidents")
            recording = Path(folder, "day.ndjson.zst")
            simulate_day(demo.seed, recording)
        base = base_settings(demo, recording)
        settings = Path(folder, "settings.toml")
        pids: dict[str, int] = {}
        try:
            with EmbeddedStack() as stack:
                pids = stack.pids
                _say(f"broker at {stack.bootstrap} (pid {pids['broker']}), Valkey (pid {pids['valkey']})")
                settings.write_text(settings_text(base, stack, port), encoding="utf-8")
                try:
                    _show(demo, recording, stack, children, settings, f"http://127.0.0.1:{port}")
                finally:
                    children.stop()
        finally:
            for name, pid in pids.items():
                _say(f"stopped {name} (pid {pid})")
            _say("everything that the demo started has ended")


def _show(demo: Demo, recording: Path, stack: EmbeddedStack, children: Children, settings: Path, url: str) -> None:
    with_settings = ["--settings", str(settings)]
    ready = settings.with_name("worker.ready")
    children.start("worker", ["worker", *with_settings, "--ready", str(ready)])
    children.start("wallboard", ["wallboard", *with_settings])
    _wait(lambda: _answers(f"{url}/healthz"), ANSWER_S, "The wallboard does not answer", stack, children)
    _say(f"wallboard: {url} (on loopback, without sign-in)")
    # A stream that runs while the worker still compiles would let its orders lapse before anybody could see them.
    _wait(ready.exists, READY_S, "The worker is not ready", stack, children)
    if children.stopping:
        return
    start = ["--from", demo.start] if demo.start else []
    _say(f"replaying {recording.name} at {demo.speed:g} times speed; Ctrl-C ends it")
    children.start("replay", ["replay", str(recording), "--speed", str(demo.speed), *start, *with_settings])
    _wait(lambda: _has_figures(url), READY_S, "The worker shows no figures", stack, children)
    if children.stopping:
        return
    if demo.auto_liaison:
        children.start("liaison", ["liaison", "--url", url])
        _say("a bot works the orders as their owners would (--no-auto-liaison leaves them to you)")
    _say("the same in another terminal:")
    _say(f"  .venv/bin/callwatch alerts --follow --bootstrap {stack.bootstrap}")
    _say(f"  .venv/bin/callwatch orders list --url {url}")
    over = False
    while not children.stopping:
        _check(stack, children)
        if not over and children.ended("replay"):
            over = True
            _say(f"the recording is over: stream time stands still, the wallboard stays up at {url}; Ctrl-C ends it")
        time.sleep(POLL_S)


def _check(stack: EmbeddedStack, children: Children) -> None:
    stack.check()
    children.check()
    if stack.broker_memory_bytes() > MEMORY_LIMIT_BYTES:
        raise WorkError(
            f"The embedded broker has reached {MEMORY_LIMIT_BYTES >> 30} GiB: it keeps its whole log in memory and "
            "never shrinks, so the demo stops in order. Use Apache Kafka (docker-compose.yml) for more."
        )


def _wait(ready: Callable[[], object], limit_s: float, failure: str, stack: EmbeddedStack, children: Children) -> None:
    deadline = time.monotonic() + limit_s
    while not ready():
        _check(stack, children)
        if children.stopping:
            return
        if time.monotonic() > deadline:
            raise WorkError(f"{failure} after {limit_s:.0f} s: see the messages above.")
        time.sleep(0.2)


def _answers(url: str) -> bytes | None:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            body: bytes = answer.read()
            return body
    except (urllib.error.URLError, OSError):
        return None


def _has_figures(url: str) -> bool:
    body = _answers(f"{url}/api/queues")
    return body is not None and bool(orjson.loads(body)["queues"])


def _say(text: str) -> None:
    sys.stderr.write(f"demo: {text}\n")
    sys.stderr.flush()
