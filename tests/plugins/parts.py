"""What a run leaves out: tests on Apache Kafka and those of the crash harness are parts of their own, and the summary
says how many there are and which command runs them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import pytest

#: Mark -> what it stands for and the command that runs it. ``pyproject.toml`` leaves both out by default.
PARTS: Final = {"crash": ("of the crash harness", "make crash"), "kafka": ("on Apache Kafka", "make kafka")}


class Parts:
    """Counts what is deselected by mark, and tells at the end."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Count *items* by the first of `PARTS` that they carry."""
        for item in items:
            if part := next((mark for mark in PARTS if item.get_closest_marker(mark)), None):
                self.left_out[part] += 1

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell the process that prints the summary, where tests run in several."""
        if (output := getattr(session.config, "workeroutput", None)) is not None:
            output["left_out"] = dict(self.left_out)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """One of these processes ends: each of them left out the same."""
        self.left_out = Counter(getattr(node, "workeroutput", {}).get("left_out", self.left_out))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        """One line for each part that was left out. With -k the counts would speak of tests that nobody asked for."""
        if config.option.keyword:
            return
        for mark, n in sorted(self.left_out.items()):
            what, command = PARTS[mark]
            tests = "1 test" if n == 1 else f"{n} tests"
            terminalreporter.write_line(f"Not part of this run: {tests} {what} ({command})")


def pytest_configure(config: pytest.Config) -> None:
    """Put it in."""
    config.pluginmanager.register(Parts(), "callwatch-parts")
