"""The hook that turns skips into failures, run for real on a little suite of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SUITE = """
import pytest

def test_good():
    pass

@pytest.mark.skip(reason="no browser here")
def test_marked():
    pass

def test_inside():
    pytest.skip("no data here")

@pytest.mark.xfail(reason="known", strict=True)
def test_known():
    assert False
"""


@pytest.mark.parametrize(
    ("setting", "counts"),
    [
        ("", "1 passed, 2 skipped, 1 xfailed"),
        ("0", "1 passed, 2 skipped, 1 xfailed"),
        ("1", "1 failed, 1 passed, 1 xfailed, 1 error"),
    ],
)
def test_skips_fail_only_where_none_is_allowed(tmp_path: Path, setting: str, counts: str) -> None:
    (tmp_path / "test_little.py").write_text(SUITE)
    done = _pytest(tmp_path, setting)
    assert counts in done.stdout
    assert done.returncode == (1 if setting == "1" else 0)
    if setting == "1":
        assert "no browser here" in done.stdout
        assert "no data here" in done.stdout


def test_a_module_that_skips_itself_fails_too(tmp_path: Path) -> None:
    (tmp_path / "test_little.py").write_text('import pytest\npytest.importorskip("no_such_module_at_all")\n')
    assert "1 skipped" in _pytest(tmp_path, "").stdout
    assert _pytest(tmp_path, "1").returncode not in (0, 5)


def _pytest(folder: Path, setting: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "CALLWATCH_NO_SKIP": setting, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.plugins.no_skip",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        ".",
    ]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)
