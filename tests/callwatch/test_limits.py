"""Bounds of the commands: the embedded broker's memory, starting its servers, what the demo's bot remembers."""

from __future__ import annotations

from pathlib import Path

import pytest

from callwatch import demonstration, liaison
from callwatch import stack as stacks
from callwatch.children import Children
from callwatch.liaison import Memory
from callwatch.stack import EmbeddedStack
from models.errors import WorkError


@pytest.mark.stack
def test_a_broker_at_its_limit_of_memory_ends_the_demo_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddedStack() as stack, Children() as children:
        demonstration._check(stack, children)
        held = stack.broker_memory_bytes()
        assert held > 0
        monkeypatch.setattr(demonstration, "MEMORY_LIMIT_BYTES", held // 2)
        with pytest.raises(WorkError, match="keeps its whole log in memory and never shrinks"):
            demonstration._check(stack, children)


def test_a_server_that_ends_at_its_start_is_tried_three_times(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tried = []

    def command(port: int, folder: Path) -> list[str]:
        tried.append(port)
        return ["/bin/false"]

    monkeypatch.setattr(stacks, "_broker_command", command)
    with pytest.raises(WorkError, match="ended with status 1 at start"):
        EmbeddedStack().start()
    assert len(tried) == stacks.PORT_ATTEMPTS


def test_the_bot_forgets_the_orders_that_it_acted_on_longest_ago() -> None:
    memory = Memory()
    for n in range(liaison.REMEMBERED + 100):
        memory.hasty[f"o{n}"] = None
        memory.act(f"o{n}", 1, n)
    assert len(memory.acted) == len(memory.hasty) == liaison.REMEMBERED
    assert "o99" not in memory.acted
    assert "o100" in memory.acted
    memory.act("o100", 2, 5_000)
    memory.act("new", 1, 5_001)
    assert memory.acted["o100"] == (2, 5_000)
