"""The benchmark of throughput as a person calls it, small; it holds Callwatch's counts against what was produced."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from benchmarks import report
from benchmarks.stream import Shape, make_stream
from benchmarks.throughput import CONTENDERS, SMOKE_EVENTS, Plan, _check
from models.decode import LastClock, decode
from models.errors import UsageError, WorkError
from models.interner import Names

ROOT = Path(__file__).parents[2]


def call(*args: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "callwatch.cli", "bench", "throughput", *args]
    return subprocess.run(command, capture_output=True, cwd=ROOT, timeout=300, check=False)


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_a_smoke_run_measures_every_contender(tmp_path: Path) -> None:
    """Exit 0 also says that the interval rows of every queue add up to what was produced."""
    done = call("--smoke", "--json", "--queues", "20", "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr.decode()
    results = orjson.loads(done.stdout)
    assert results == orjson.loads((tmp_path / "throughput.json").read_bytes())
    assert results["benchmark"] == "throughput"
    assert results["events"] == SMOKE_EVENTS
    assert results["queues"] == 20
    assert results["machine"].keys() == {"cpu", "cores", "memory_bytes", "os", "python"}
    assert "faust-streaming" in results["versions"]
    assert results["contenders"].keys() == set(CONTENDERS)
    for name, one in results["contenders"].items():
        assert one["events"] == (5_000 if name == "faust" else SMOKE_EVENTS)
        assert one["events_per_s"] == pytest.approx(one["events"] / one["seconds"], rel=0.02)
        assert one["cpu_s"] > 0
    rate = {name: one["events_per_s"] for name, one in results["contenders"].items()}
    assert results["ratios"]["callwatch/faust"] == pytest.approx(rate["callwatch"] / rate["faust"], rel=0.01)
    packed = results["codecs"]["zstd"]
    assert packed["contenders"].keys() == set(CONTENDERS) - {"faust"}
    assert packed["contenders"]["callwatch"]["events"] == SMOKE_EVENTS
    assert results["workers"] == {}
    page = (tmp_path / "throughput.md").read_text(encoding="utf-8")
    assert "Compression: zstd." in page
    assert all(f"| {name} |" in page for name in CONTENDERS)
    assert len(report.rows(results)) == len(CONTENDERS)


def test_the_stream_is_what_was_asked_for_and_the_same_for_a_seed() -> None:
    shape = Shape(events=20_000, queues=30, partitions=3)
    logs: dict[int, list[bytes]] = {p: [] for p in range(3)}
    for partition, _, value in make_stream(shape).records():
        logs[partition].append(value)
    kinds: Counter[str] = Counter()
    clocks = []
    for partition, log in logs.items():
        decoded = decode(
            log, range(len(log)), topic="events", partition=partition, partitions=3, names=Names(), clock=LastClock(-1)
        )
        assert not decoded.dead
        assert not decoded.misrouted
        kinds.update(orjson.loads(value)["type"] for value in log)
        clocks.append([value for value in log if b'"type":"clock"' in value])
    assert clocks[0] == clocks[1] == clocks[2]
    assert sum(kinds.values()) - kinds["clock"] == shape.events
    assert kinds["call.offered"] == kinds["call.answered"] + kinds["call.abandoned"]
    assert kinds["call.completed"] == kinds["call.answered"]
    totals: Counter[str] = Counter()
    for counted in make_stream(shape).produced().values():
        totals.update(counted)
    assert {name: totals[name] for name in totals} == {
        name: kinds[f"call.{name}"] for name in ("offered", "answered", "abandoned")
    }
    assert list(make_stream(shape).records()) == list(make_stream(shape).records())
    assert list(make_stream(Shape(20_000, 30, 3, seed=2)).records()) != list(make_stream(shape).records())


@pytest.mark.parametrize("wrong", [{"codecs": ("gzip",)}, {"codecs": ()}, {"workers": (5,)}, {"workers": (-1,)}])
def test_codecs_and_workers_that_are_none_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Plan(Shape(50_000, 20, 4, 1), **wrong)


def test_a_wrong_count_voids_the_measurement() -> None:
    right: dict[str, Any] = {"north/a": {"offered": 2, "answered": 1, "abandoned": 1}}
    _check(right, right)
    with pytest.raises(WorkError, match="north/a"):
        _check(right, {"north/a": {"offered": 2, "answered": 2, "abandoned": 0}})
    with pytest.raises(WorkError, match="north/a"):
        _check(right, {})


@pytest.mark.parametrize(
    ("events", "queues", "partitions", "seed", "runs", "named"),
    [
        (10, 200, 4, 1, 1, "--events 10"),
        (20_000_000, 200, 4, 1, 1, "memory"),
        (50_000, 0, 4, 1, 1, "--queues 0"),
        (50_000, 200, 0, 1, 1, "--partitions 0"),
        (50_000, 200, 4, -1, 1, "--seed -1"),
        (50_000, 200, 4, 1, 0, "--runs 0"),
    ],
)
def test_nonsense_is_refused(events: int, queues: int, partitions: int, seed: int, runs: int, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        Plan(Shape(events, queues, partitions, seed), runs=runs)
