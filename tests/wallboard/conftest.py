"""A running wallboard for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from callwatch.stack import EmbeddedStack
from models.runtime import KafkaSettings
from tests.wallboard.browser import browser, page
from tests.wallboard.payloads import PARTITIONS
from tests.wallboard.wall import Wall, running

__all__ = ["browser", "page"]


@pytest.fixture
def wall(stack: EmbeddedStack, prefix: str) -> Iterator[Wall]:
    """A wallboard on keys and topics of its own."""
    kafka = KafkaSettings(stack.bootstrap, prefix, PARTITIONS)
    with running(kafka, stack.valkey_url) as found:
        yield found
