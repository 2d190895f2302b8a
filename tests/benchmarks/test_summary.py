"""The README's table: it is what the results say, and it names where we lose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from benchmarks import machine, summary
from callwatch.cli import build
from models.errors import WorkError

RESULTS = machine.ROOT / "benchmarks" / "results"


def _throughput(ratio: float = 0.5) -> dict[str, Any]:
    return {
        "events": 2_000_000,
        "queues": 200,
        "commit": "abc",
        "machine": {"cpu": "c", "cores": 2},
        "contenders": {"callwatch": {"events_per_s": 1_000}, "librdkafka": {"events_per_s": round(1_000 / ratio)}},
        "ratios": {"callwatch/librdkafka": ratio},
    }


def _start(worst_s: float) -> dict[str, Any]:
    return {"worst_s": worst_s, "goal_s": 5.0}


def test_the_readme_has_what_the_results_say() -> None:
    page = (machine.ROOT / "README.md").read_text(encoding="utf-8")
    assert summary.update(page, summary.read(RESULTS)) == page, "run callwatch bench table"


def test_it_says_where_we_lose_and_what_nobody_measured() -> None:
    made = summary.section({"throughput": _throughput(), "start": _start(6.0)})
    assert "| raw librdkafka, `consume(10000)` and `.value()` | 2,000 | 0.50 x |" in made
    assert "Where we lose: 0.50 x the events/s of librdkafka; the goal of start." in made
    assert "(`callwatch bench NAME`): `latency`, `growth`, `recovery`, `wallboard`." in made
    zstd = {key: _throughput(0.25)[key] for key in ("contenders", "ratios")}
    assert summary.losses({"throughput": _throughput(1.5) | {"codecs": {"zstd": zstd}}, "start": _start(1.0)}) == [
        "0.25 x the events/s of librdkafka (zstd)"
    ]
    assert "Where we lose: nowhere that is measured here." in summary.section({"start": _start(1.0)})


def test_more_workers_have_a_line_each() -> None:
    made = summary.section({"throughput": _throughput() | {"workers": {"2": {"events_per_s": 1_500, "ratio": 1.5}}}})
    assert "| 2 workers together | 1,500 | 1.50 x one worker |" in made


def test_the_command_writes_between_the_marks_only(tmp_path: Path) -> None:
    (tmp_path / "throughput.json").write_bytes(orjson.dumps(_throughput()))
    page = tmp_path / "page.md"
    page.write_text(f"before\n{summary.BEGIN}\nold\n{summary.END}\nafter\n", encoding="utf-8")
    done = CliRunner().invoke(build(), ["bench", "table", "--results", str(tmp_path), "--readme", str(page)])
    assert done.exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert text == f"before\n{summary.section({'throughput': _throughput()})}\nafter\n"
    with pytest.raises(WorkError, match="has no lines"):
        summary.update("nothing", {})
    with pytest.raises(WorkError, match="has no results"):
        summary.read(tmp_path / "none")
