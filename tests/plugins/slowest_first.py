"""Where tests run in several processes: the files that take long are dealt out to all of them and come first.

A process takes its share of the tests in their order, and who is done takes over from the end of another's. A test of a
minute at the end of a share would leave the others waiting for it. Files stay whole: what a module prepares is
prepared once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pytest

#: Files (from tests/ on) and what all their tests take, in seconds of a quiet machine; most others take less than 10.
SECONDS: Final = {
    "agents/test_determinism.py": 170,
    "callwatch/test_demo.py": 90,
    "agents/test_actor.py": 60,
    "callwatch/test_repartition.py": 60,
    "agents/test_crash.py": 50,
    "streams/test_driver_broker.py": 45,
    "oracle/test_oracle.py": 40,
    "callwatch/test_rules_command.py": 40,
    "benchmarks/test_throughput.py": 40,
    "test_parts.py": 20,
    "agents/test_bank.py": 20,
}


def file_of(item: pytest.Item) -> str:
    """The file of *item*, from tests/ on."""
    return item.nodeid.partition("::")[0].removeprefix("tests/")


def dealt(files: Sequence[str], processes: int) -> list[int]:
    """The order in which tests are handed out, *files* being those of the tests: positions, as long as *files*.

    Shares are as `xdist.scheduler.worksteal` makes them: equal in number, one after the other.
    """
    shares: list[list[str]] = [[] for _ in range(processes)]
    for name in sorted(SECONDS, key=lambda name: -SECONDS[name]):
        min(shares, key=lambda share: sum(SECONDS[one] for one in share)).append(name)
    rest = iter([at for at, name in enumerate(files) if name not in SECONDS])
    order: list[int] = []
    for n, share in enumerate(shares):
        first = [at for name in share for at, of in enumerate(files) if of == name]
        size = (len(files) - len(order)) // (processes - n)
        order += first + [at for _, at in zip(range(size - len(first)), rest, strict=False)]
    return order + list(rest)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put *items* in order. Every process comes to the same."""
    processes = getattr(config, "workerinput", {}).get("workercount", 1)
    if processes > 1:
        items[:] = [items[at] for at in dealt([file_of(item) for item in items], processes)]
