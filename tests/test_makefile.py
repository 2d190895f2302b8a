"""The Makefile without installing anything: what it offers, what it passes on, what it says when Python is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TARGETS = ("help", "demo", "test", "kafka", "crash", "lint", "bench", "lock", "clean")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the Makefile reads, in a folder whose name has a space."""
    folder = tmp_path / "a checkout"
    shutil.copytree(ROOT / "locks", folder / "locks")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {
        k: v for k, v in os.environ.items() if k not in ("ARGS", "PORT", "FROM", "RECORDING", "MAKEFLAGS", "MAKELEVEL")
    }
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False
    )


def test_help_is_the_default_and_names_every_target(checkout: Path) -> None:
    said = make(checkout)
    assert said.returncode == 0
    assert [line.split()[1] for line in said.stdout.splitlines()] == list(TARGETS)


def test_demo_passes_recording_start_and_port_on(checkout: Path) -> None:
    plan = make(checkout, "-n", "demo", "RECORDING=my feb.ndjson.zst", "FROM=1999-02-03T12:00", "PORT=9000").stdout
    assert 'exec .venv/bin/callwatch demo --recording "my feb.ndjson.zst" --from "1999-02-03T12:00"' in plan
    assert '--port "9000"' in plan
    assert "--" not in make(checkout, "-n", "demo").stdout.rpartition("exec .venv/bin/callwatch demo")[2]


def test_demo_installs_nothing_that_only_tests_need(checkout: Path) -> None:
    plan = make(checkout, "-n", "demo").stdout
    assert "if [ -f .venv/.dev ]; then lock=locks/dev.txt; else lock=locks/runtime.txt; fi" in plan
    assert "pip sync --quiet --compile-bytecode " in plan, "a start reads no source of a package"
    runtime = (ROOT / "locks" / "runtime.txt").read_text()
    assert not any(line.startswith(("pytest=", "ruff=", "mypy=", "selenium=")) for line in runtime.splitlines())
    assert "\nsetuptools==" in runtime, "the project is built without isolation, so its build tool is locked too"


@pytest.mark.parametrize("target", ["demo", "test", "kafka", "crash", "lint"])
def test_a_missing_python_is_named_with_the_way_out(checkout: Path, target: str) -> None:
    said = make(checkout, target, "PYTHON=python-that-is-not-there")
    assert said.returncode != 0
    assert "needs Python 3.11 or later; 'python-that-is-not-there' is not there." in said.stderr
    assert "make PYTHON=" in said.stderr


def test_every_pin_carries_hashes() -> None:
    for name in ("runtime", "dev", "tools"):
        text = (ROOT / "locks" / f"{name}.txt").read_text()
        pins = [line for line in text.splitlines() if "==" in line and not line.startswith(" ")]
        assert pins
        assert all(line.endswith("\\") for line in pins)
        assert text.count("--hash=sha256:") >= len(pins)
