"""The campaign: workers, broker and Valkey are disturbed at every named point; nothing is lost and nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

import pytest

from tests.crash.plan import Run

pytestmark = [pytest.mark.crash, pytest.mark.timeout(0)]  # every wait in a run has a limit of its own


def test_outputs_equal_the_uninterrupted_run(crash_run: Run, driven: Callable[[Run], Future[None]]) -> None:
    try:
        driven(crash_run).result()
    except AssertionError as error:
        points = "\n".join(f"  {n}: {point}" for n, point in enumerate(crash_run.points))
        raise AssertionError(
            f"{error}\n\nrun {crash_run.number} of seed {crash_run.seed} ({crash_run.mode}):\n{points}\n"
            f"again: pytest -m crash tests/crash/test_points.py --crash-seed {crash_run.seed} "
            f"--crash-run {crash_run.number} (with the same --crash-points and --crash-broker)"
        ) from error
