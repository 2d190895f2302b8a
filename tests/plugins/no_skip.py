"""With CALLWATCH_NO_SKIP set, a skipped test is a failed one: on CI everything that tests need must be there."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest


def wanted() -> bool:
    """Whether skips count as failures."""
    return os.environ.get("CALLWATCH_NO_SKIP", "") not in ("", "0")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip of a test into a failure that keeps the reason. Expected failures (xfail) are left alone."""
    report = yield
    if wanted() and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"CALLWATCH_NO_SKIP is set, and this test was skipped: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself as a whole."""
    report = yield
    if wanted() and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"CALLWATCH_NO_SKIP is set, and this module was skipped: {report.longrepr}"
    return report
