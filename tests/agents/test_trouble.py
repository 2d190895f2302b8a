"""Bad records are told of, but not once each."""

from __future__ import annotations

import logging

import pytest

from agents.actor import Effects
from agents.trouble import EVERY_S, Trouble


def test_told_once_per_while_and_only_when_there_is_something_new(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble()
    with caplog.at_level(logging.WARNING):
        assert not trouble.tell(0.0)
        trouble.add(Effects(events=5, dead=2))
        assert trouble.tell(1.0)
        trouble.add(Effects(dead=1, misrouted=4))
        assert not trouble.tell(1.0 + EVERY_S / 2)
        assert trouble.tell(1.0 + EVERY_S)
        assert not trouble.tell(1.0 + 9 * EVERY_S)
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith("of the records so far 2 were no events")
    assert "lay in" not in first
    assert "so far 3 were" in second
    assert "; 4 lay in another" in second


def test_refused_calls_are_told_of(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble()
    with caplog.at_level(logging.WARNING):
        assert trouble.tell(0.0, refused=7)
        assert not trouble.tell(2 * EVERY_S, refused=7)
    assert [record.getMessage() for record in caplog.records] == [
        "of the records so far 7 found no room: a partition keeps 4 million calls, use more partitions"
    ]
