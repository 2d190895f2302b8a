"""The state of an installation, put together anew for another number of partitions.

A queue's state, its order and its episodes included, moves as it is: nothing in it speaks of a partition. What belongs
to a partition is made of that of all former ones (`common_of`): the latest clock, so that time never goes back, the
newest heartbeats and commands. Of units the orders move; the board on which partitions' sums are put together begins
at its tick with nothing told, and is complete when every new partition has told, one tick later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any

import orjson

from agents.actor import COMMANDS_KEPT, PartitionActor
from agents.units import BOARD
from models.catalogue import Catalogue
from models.partition import partition_of

Common = dict[str, Any]


def common_of(blank: PartitionActor, former: Sequence[Common]) -> Common:
    """What belongs to no queue, for the *blank* actor of a new partition, from that of all *former* partitions.

    The former clocks differ by what their writer needed to go round; a queue that came from one behind sees it as a
    gap between two clocks, as after an outage.
    """
    common = blank.freeze_common()
    times = [one["time"] for one in former]
    common["time"] = {name: max(time[name] for time in times) for name in times[0]}
    common["time"]["complete"] = min(time["complete"] for time in times)
    common["clock"] = [max(one["clock"][n] for one in former) for n in range(2)]
    common["commands"] = newest([one["commands"] for one in former], COMMANDS_KEPT)
    heard: dict[str, int] = {}
    for one in former:
        for source, at_ms in one["heard"].items():
            heard[source] = max(at_ms, heard.get(source, at_ms))
    common["heard"] = heard
    common["room"] = max((one["room"] for one in former), key=lambda room: room["stretch"]["last_ms"])
    raised = [one["room"]["raised_ms"] for one in former if one["room"]["raised_ms"] is not None]
    common["room"] = {**common["room"], "raised_ms": max(raised, default=None)}
    return common


def newest(lists: Iterable[Sequence[str]], limit: int) -> list[str]:
    """The last of each of *lists*, in turn, until there are *limit*; oldest first, each once."""
    rounds = zip_longest(*(reversed(one) for one in lists))
    found = dict.fromkeys(name for names in rounds for name in names if name is not None)
    return list(found)[:limit][::-1]


def board_of(blank: PartitionActor, former: Sequence[bytes], partitions: int) -> bytes:
    """What belongs to all units of the *blank* actor's partition, from what the *former* boards held."""
    at_home = set(blank.units.names)
    line, _, rest = blank.units.freeze(BOARD).partition(b"\n")
    head, board = orjson.loads(line), orjson.loads(rest.partition(b"\n")[0])
    for data in former:
        old_line, _, old_rest = data.partition(b"\n")
        old, old_board = orjson.loads(old_line), orjson.loads(old_rest.partition(b"\n")[0])
        head["watches"] |= {name: watch for name, watch in old["watches"].items() if name in at_home}
        head["held"] += [[tick, record] for tick, record in old["held"] if record["queue"] in at_home]
        head["clock"] = max(head["clock"], old["clock"], key=lambda clock: clock[1])
        board["tick"] = board["first"] = max(board["tick"], old_board["tick"])
    head["held"].sort(key=lambda held: held[0])
    assert len(board["lines"]) == partitions
    return orjson.dumps(head) + b"\n" + orjson.dumps(board) + b"\n"


def home_of(name: str, partitions: int) -> int | None:
    """The partition that a snapshot's *name* belongs to; None for what every partition has of its own."""
    return None if name == BOARD else partition_of(name, partitions)


def actor_of(
    partition: int,
    partitions: int,
    catalogue: Catalogue,
    former: Sequence[Common],
    boards: Sequence[bytes],
    states: dict[str, bytes],
) -> PartitionActor:
    """The actor of a new partition that stands behind the first record of its log. *states* by queue or unit."""
    actor = PartitionActor(partition, partitions, catalogue)
    common = common_of(actor, former)
    if boards:
        states = states | {BOARD: board_of(actor, boards, partitions)}
    actor.thaw(1, common, states)
    return actor
