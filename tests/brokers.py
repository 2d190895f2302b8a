"""The two brokers that tests run on.

Whatever needs a broker takes the fixture ``stack`` (or ``own_stack``, when it stops what is in it) and runs on each.
On one alone run

- on the embedded one: ``tests/callwatch/test_stack.py`` (it is that stack: its start, its memory, its end with its
  parent), ``test_demo.py`` (`demo` brings its own broker and takes no other), ``tests/benchmarks`` (the yardstick is
  measured there; `bench` brings its own broker too);
- on Apache Kafka, by ``on_apache``: what the embedded one cannot do. It keeps its log in memory: nothing is left of it
  after a restart, nothing in it is ever deleted or compacted, it takes records of any size, and it takes the time of
  a record from whoever sent it (it does not know ``LogAppendTime``; our own senders write the wall clock).
"""

from __future__ import annotations

from typing import Final

import pytest

from callwatch.stack import EmbeddedStack
from tests.kafka.server import ApacheStack

_APACHE: Final = pytest.param(ApacheStack, id="apache", marks=pytest.mark.kafka)
#: Parameters of the fixtures: the second carries the mark ``kafka`` (`make kafka`).
BROKERS: Final = (pytest.param(EmbeddedStack, id="embedded"), _APACHE)

#: For tests of ``stack`` that are about Apache Kafka alone.
on_apache: Final = pytest.mark.parametrize("stack", [_APACHE], indirect=True)
