"""Fixtures of the crash harness: the servers, the fork server, and the runs in a few lanes at once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import Any, Final, cast

import orjson
import pytest

from callwatch.stack import EmbeddedStack
from tests.crash.drive import Ground, drive
from tests.crash.nursery import Nursery
from tests.crash.plan import Run, make_plan
from tests.kafka.server import ApacheKafka

#: A broker that gets no core for some seconds takes itself for dead; that is not what is meant to be tested here.
_PATIENT: Final = {"broker.session.timeout.ms": "20000"}


def plan_of(config: pytest.Config) -> list[Run]:
    """The runs that the options ask for."""
    points, seed = config.getoption("crash_points"), config.getoption("crash_seed")
    runs = make_plan(points, seed, broker_restarts=config.getoption("crash_broker") == "apache")
    only = config.getoption("crash_run")
    return [run for run in runs if only is None or run.number == only]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per run of the campaign."""
    if "crash_run" in metafunc.fixturenames:
        runs = plan_of(metafunc.config)
        metafunc.parametrize("crash_run", runs, ids=[f"run{run.number}-{run.mode}" for run in runs])


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with Nursery() as running:
        yield running


@pytest.fixture(scope="session")
def ground(request: pytest.FixtureRequest, nursery: Nursery) -> Iterator[Ground]:
    folder = Path(tempfile.mkdtemp(prefix="callwatch-crash-"))
    lock = Lock()
    path = request.config.getoption("crash_log")

    def tell(line: dict[str, Any]) -> None:
        if path is not None:
            with lock, path.open("ab") as log:
                log.write(orjson.dumps(line) + b"\n")

    with ExitStack() as stack:
        broker = request.config.getoption("crash_broker")
        server: ApacheKafka | EmbeddedStack = ApacheKafka(_PATIENT) if broker == "apache" else EmbeddedStack()
        stack.enter_context(server)
        broken = any(run.mode == "broker" for run in plan_of(request.config))
        frail = stack.enter_context(ApacheKafka()) if broken else None
        yield Ground(
            nursery,
            server.bootstrap,
            broker,
            folder,
            tell,
            name=f"{folder.name[-6:]}-",
            frail=frail,
            rebalance_s=6.0 if broker == "apache" else 3.0,
        )  # the embedded one lets everybody wait for half of it


@pytest.fixture(scope="session")
def driven(request: pytest.FixtureRequest, ground: Ground) -> Iterator[Callable[[Run], Future[None]]]:
    """Starts all runs of this session in lanes; the tests wait for theirs. Most of a run is waiting for the broker."""
    runs: list[Run] = [
        cast(Run, item.callspec.params["crash_run"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and "crash_run" in getattr(item, "fixturenames", ())
    ]
    with ThreadPoolExecutor(request.config.getoption("crash_lanes"), thread_name_prefix="lane") as pool:
        futures = {run: pool.submit(drive, ground, run) for run in runs}
        yield futures.__getitem__
        for future in futures.values():
            future.cancel()
