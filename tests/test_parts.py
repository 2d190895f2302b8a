"""The parts of the suite: what runs by default, on Apache Kafka, in the crash harness. No test is in none of them."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SUITE = """
import pytest

def test_plain():
    pass

@pytest.mark.kafka
def test_on_apache():
    pass

@pytest.mark.kafka
@pytest.mark.crash
def test_crash_on_apache():
    pass

@pytest.mark.crash
def test_crash():
    pass
"""


def expressions() -> dict[str, str]:
    """The mark expression of each command."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = dict(re.findall(r"^(kafka|crash): .*?pytest -m (\"[^\"]+\"|\w+)", makefile, re.MULTILINE | re.DOTALL))
    (default,) = re.findall(r"-m '([^']+)'", options["addopts"])
    return {"test": default, **{name: expression.strip('"') for name, expression in found.items()}}


@pytest.mark.parametrize(("kafka", "crash"), list(itertools.product([False, True], repeat=2)))
def test_every_test_belongs_to_exactly_one_command(kafka: bool, crash: bool) -> None:
    marks = {"kafka": kafka, "crash": crash}
    commands = [name for name, expression in expressions().items() if eval(expression, {}, marks)]
    assert commands == ["crash" if crash else "kafka" if kafka else "test"]


def test_ci_runs_each_of_them() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for command in expressions():
        assert re.search(rf"\bmake {command}\b", script)


def test_the_summary_names_what_was_left_out_and_a_mark_on_the_command_line_runs_it(tmp_path: Path) -> None:
    (tmp_path / "test_little.py").write_text(SUITE)
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["tests.plugins.parts"]\n')
    said = collect(tmp_path)
    assert "1 passed, 3 deselected" in said
    assert "Not part of this run: 2 tests of the crash harness (make crash)" in said
    assert "Not part of this run: 1 test on Apache Kafka (make kafka)" in said
    said = collect(tmp_path, "-m", "kafka and not crash")
    assert "1 passed, 3 deselected" in said
    assert "on Apache Kafka" not in said
    said = collect(tmp_path, "-n", "2")
    assert "1 passed" in said
    assert "Not part of this run: 2 tests of the crash harness (make crash)" in said
    assert "Not part" not in collect(tmp_path, "-k", "plain")


def collect(folder: Path, *arguments: str) -> str:
    """What pytest says of *folder* with our own settings."""
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(folder)]
    command += ["-p", "no:cacheprovider", *arguments, str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False).stdout
