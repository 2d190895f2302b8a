"""The script of CI with a stand-in for `make`: every step runs whatever became of the one before; a failure counts."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
#: Step and what it makes.
STEPS = {
    "test": "test",
    "kafka": "kafka",
    "crash": "crash",
    "lint": "lint",
    "bench": "bench",
    "memory": "bench",
    "latency": "bench",
    "growth": "bench",
    "wallboard": "bench",
    "recovery": "bench",
    "start": "bench",
    "detection": "bench",
}
MAKE = """#!/bin/sh
echo "made $1 CALLWATCH_NO_SKIP=$CALLWATCH_NO_SKIP"
case " $FAILING " in *" $1 "*) exit 3 ;; esac
"""


def run(folder: Path, failing: str) -> subprocess.CompletedProcess[str]:
    tools = folder / "tools"
    tools.mkdir()
    for name in ("make", "chromium", "chromedriver", "java", "mvn", "prometheus-alertmanager"):
        (tools / name).write_text(MAKE)
        (tools / name).chmod(0o755)
    script = folder / ".ci" / "run"
    script.parent.mkdir()
    script.write_bytes((ROOT / ".ci" / "run").read_bytes())
    env = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "FAILING": failing}
    return subprocess.run(["bash", str(script)], env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("failing", ["", "test", "test kafka lint", "kafka crash", "bench"])
def test_every_step_runs_and_every_failure_counts(tmp_path: Path, failing: str) -> None:
    done = run(tmp_path, failing)
    assert re.findall(r"^made (\w+) CALLWATCH_NO_SKIP=1$", done.stdout, re.MULTILINE) == list(STEPS.values())
    assert done.returncode == (1 if failing else 0)
    summary = done.stdout.partition("--- all of it: ")[2]
    results = dict(re.findall(r"^ +\d+ s  (\w+) +(ok|FAILED with status 3)$", summary, re.MULTILINE))
    assert results.keys() == {"packages", *STEPS}
    failed = [step for step, made in STEPS.items() if made in failing.split()]
    assert [name for name, said in results.items() if said != "ok"] == failed
    assert (f"failed: {' '.join(failed)}\n" in summary) == bool(failed)
