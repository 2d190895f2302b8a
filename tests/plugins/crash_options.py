"""Options of the crash harness (tests/crash): how many points, drawn from which seed, on which broker."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare them."""
    group = parser.getgroup("crash", "crash harness (pytest -m crash)")
    group.addoption("--crash-points", type=int, default=20, help="disturbances altogether (default 20)")
    group.addoption("--crash-seed", type=int, default=1, help="another seed, other disturbances (default 1)")
    group.addoption("--crash-run", type=int, default=None, help="only this run of the plan")
    group.addoption("--crash-broker", choices=("embedded", "apache"), default="apache")
    group.addoption("--crash-lanes", type=int, default=4, help="runs at a time (default 4)")
    group.addoption("--crash-log", type=Path, default=None, help="a line of JSON for each point is appended to it")
