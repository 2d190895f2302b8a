"""docs/LIMITS.md names things that are there: every constant, every test file, every test."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "LIMITS.md").read_text(encoding="utf-8")
ROWS = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| ") and " | where | " not in line]


def test_every_place_exists() -> None:
    places = [place for row in ROWS for place in re.findall(r"`([a-z_]+(?:\.\w+)+)`", row[1])]
    assert len(places) > 50
    for place in places:
        parts = place.split(".")
        for cut in range(len(parts), 0, -1):
            try:
                found: object = import_module(".".join(parts[:cut]))
            except ModuleNotFoundError:
                continue
            for name in parts[cut:]:
                names = getattr(found, "__annotations__", {}) | getattr(found, "__dict__", {})
                assert name in names or hasattr(found, name), place
                found = getattr(found, name, None)
            break


def test_every_test_exists() -> None:
    tests = [test for row in ROWS for test in re.findall(r"`((?:\w+/)+test_\w+\.py)(?:::(test_\w+))?`", row[-1])]
    assert len(tests) > 50
    for file, name in tests:
        text = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert not name or f"def {name}(" in text, f"{file}::{name}"
