"""Compiled kernels live under a name of their sources, so that an update never runs an old one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models import kernel_cache
from models.kernel_cache import KEPT, source_digest, use_own_cache

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for package in kernel_cache.PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "kernel.py").write_text("from numba import njit\nA = 1\n")
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    return tmp_path


def test_any_change_of_a_source_is_another_cache(checkout: Path) -> None:
    before = source_digest(checkout)
    assert source_digest(checkout) == before
    (checkout / "streams" / "kernel.py").write_text("from numba import njit\nA = 2\n")
    assert source_digest(checkout) != before


@pytest.mark.parametrize(
    "line",
    [
        "from models.limit import MOST",
        "from models import (\n    limit,\n)",
        "import models.limit",
        "    from models import limit",
    ],
)
def test_what_kernels_use_counts_however_far_away_and_nothing_else(checkout: Path, line: str) -> None:
    (checkout / "models" / "limit.py").write_text("from models.deep.root import MOST\n")
    (checkout / "models" / "deep").mkdir()
    (checkout / "models" / "deep" / "root.py").write_text("MOST = 1\n")
    (checkout / "alerts" / "words.py").write_text("WORDS = 1\n")
    (checkout / "streams" / "kernel.py").write_text(f"from numba import njit\n{line}\n")
    before = source_digest(checkout)
    (checkout / "alerts" / "words.py").write_text("WORDS = 2\n")
    assert source_digest(checkout) == before
    (checkout / "models" / "deep" / "root.py").write_text("MOST = 2\n")
    assert source_digest(checkout) != before


def test_old_caches_are_let_go_and_a_chosen_one_stays(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(KEPT + 3):
        (checkout / "alerts" / "kernel.py").write_text(f"from numba import njit\nA = {n}\n")
        monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
        use_own_cache(checkout)
        assert os.environ["NUMBA_CACHE_DIR"].endswith(source_digest(checkout))
    assert len(list((checkout / ".cache" / "numba").iterdir())) == KEPT
    monkeypatch.setenv("NUMBA_CACHE_DIR", "elsewhere")
    use_own_cache(checkout)
    assert os.environ["NUMBA_CACHE_DIR"] == "elsewhere"


@pytest.mark.parametrize("module", ["streams.table", "alerts.rules", "models.formula"])
def test_it_is_set_before_numba_is_imported(module: str) -> None:
    env = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    code = f"import {module}, numba; print(numba.config.CACHE_DIR)"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert said.stdout.strip().endswith(source_digest(ROOT))
