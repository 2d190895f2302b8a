"""Fixtures that every part of the tests may use."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Iterator

import pytest

from callwatch.stack import EmbeddedStack

#: CALLWATCH_NO_SKIP turns skips into failures (CI).
pytest_plugins = ["tests.plugins.no_skip"]

_numbers = itertools.count(1)

# A shell that runs the tests in the background has them ignore SIGINT; every command that a test starts inherits it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def stack() -> Iterator[EmbeddedStack]:
    """A broker and a Valkey for the whole run; tests part their topics by ``prefix``. Mark its users ``stack``."""
    with EmbeddedStack() as running:
        yield running


@pytest.fixture
def prefix() -> str:
    """A topic prefix (and Valkey key prefix, consumer group, ...) that no other test of this run has."""
    return f"t{next(_numbers)}-"
