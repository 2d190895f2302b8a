"""Fixtures that every part of the tests may use."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator
from typing import Final

import pytest

from callwatch.stack import EmbeddedStack
from tests.brokers import BROKERS

#: CALLWATCH_NO_SKIP turns skips into failures (CI); the summary names what a run leaves out.
pytest_plugins = [
    "tests.plugins.no_skip",
    "tests.plugins.parts",
    "tests.plugins.crash_options",
    "tests.plugins.slowest_first",
]

#: Of this run alone, so that it meets nothing of another one where a broker outlives a run.
_RUN: Final = os.urandom(3).hex()
_numbers = itertools.count(1)

# A shell that runs the tests in the background has them ignore SIGINT; every command that a test starts inherits it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", params=BROKERS)
def stack(request: pytest.FixtureRequest) -> Iterator[EmbeddedStack]:
    """A broker and a Valkey for the whole run; tests part their topics by ``prefix``. Mark its users ``stack``.

    Its tests run twice: on the embedded broker and, under the mark ``kafka``, on Apache Kafka.
    """
    with request.param() as running:
        yield running


@pytest.fixture(params=BROKERS)
def own_stack(request: pytest.FixtureRequest) -> Iterator[EmbeddedStack]:
    """The same for one test that stops or kills what is in it."""
    with request.param() as running:
        yield running


@pytest.fixture
def prefix() -> str:
    """A topic prefix (and Valkey key prefix, consumer group, ...) that no other test has, of this run or another."""
    return f"t{_RUN}-{next(_numbers)}-"
