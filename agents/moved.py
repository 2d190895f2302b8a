"""The state of an installation, put together anew for another number of partitions.

A queue's state, its order and its episodes included, moves as it is: nothing in it speaks of a partition. What belongs
to a partition is made of that of all former ones (`common_of`): the latest clock, so that time never goes back, the
newest heartbeats and commands, the planned events of all. Of units the orders move, and what they came to stands until
every new partition has told what it has of them, one tick later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any

import orjson

from agents.actor import COMMANDS_KEPT, PartitionActor
from agents.plans import queue_of_plan
from agents.unit_board import Share, UnitBoard
from agents.unit_storms import of_homes
from agents.units import BOARD
from alerts.planned import together
from alerts.storm_book import newest as newest_storms
from models.catalogue import Catalogue
from models.partition import partition_of
from models.unit import NAMES_MAX

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
    common["planned"] = together(one["planned"] for one in former)
    common["habits"] = latest([one.get("habits", {}) for one in former])
    raised = [one["room"]["raised_ms"] for one in former if one["room"]["raised_ms"] is not None]
    common["room"] = {**common["room"], "raised_ms": max(raised, default=None)}
    return common


def latest(states: Iterable[dict[str, int]]) -> dict[str, int]:
    """What habits say of the time, of the partition that is furthest."""
    return max(states, key=lambda state: state.get("judged_ms", -1))


def newest(lists: Iterable[Sequence[str]], limit: int) -> list[str]:
    """The last of each of *lists*, in turn, until there are *limit*; oldest first, each once."""
    rounds = zip_longest(*(reversed(one) for one in lists))
    found = dict.fromkeys(name for names in rounds for name in names if name is not None)
    return list(found)[:limit][::-1]


def board_of(blank: PartitionActor, former: Sequence[bytes], partitions: int) -> bytes:
    """What belongs to all units of the *blank* actor's partition, from what the *former* boards held.

    What each unit came to stands as told by partition 0 until it, and all others, have told everything anew. Partition
    0 also goes on with the strays of the day of all of them.
    """
    at_home = set(blank.units.names)
    head = orjson.loads(blank.units.freeze(BOARD).partition(b"\n")[0])
    board, strays, planned = UnitBoard(partitions), list[list[int]](), list[list[dict[str, Any]]]()
    storms, books = list[dict[str, Any]](), list[dict[str, Any]]()
    for data in former:
        line, _, rest = data.partition(b"\n")
        old, old_board = orjson.loads(line), UnitBoard(len(former))
        old_board.thaw(rest)
        head["watches"] |= {name: watch for name, watch in old["watches"].items() if name in at_home}
        head["times"] |= {name: time for name, time in old["times"].items() if name in at_home}
        head["held"] += [[tick, record] for tick, record in old["held"] if record["queue"] in at_home]
        strays.append(old["strays"])
        planned.append(old["planned"])
        storms.append(old.get("storms", {}))
        books.append(old.get("book", {}))
        head["clock"] = max(head["clock"], old["clock"], key=lambda clock: clock[1])
        board.tick = max(board.tick, old_board.tick)
        board.lines[0].shares |= _totals(old_board, at_home)
        for former_line in old_board.lines:
            for name in former_line.people.units.keys() & at_home:
                board.lines[0].people.move(name, former_line.people.units[name].items())
    day_ms = max(day for day, *_ in strays)
    misrouted, dead = (sum(one[n] for one in strays if one[0] == day_ms) for n in (1, 2))  # records begin anew
    board.lines[0].strays = (misrouted, dead)
    head["strays"] = [day_ms, misrouted, dead] if blank.partition == 0 else [day_ms, 0, 0]
    head["planned"] = together(planned)
    head["storms"], head["book"] = of_homes(storms, at_home), newest_storms(books)
    head["held"].sort(key=lambda held: held[0])
    board.lines[0].tick = board.tick
    first = orjson.loads(board.freeze().partition(b"\n")[0]) | {"first": board.tick}
    return orjson.dumps(head) + b"\n" + orjson.dumps(first) + b"\n"


def _totals(board: UnitBoard, at_home: set[str]) -> dict[str, Share]:
    """What each unit of *at_home* that *board* knows comes to."""
    names = sorted({name for line in board.lines for name in line.shares} & at_home)
    found = {}
    for name in names:
        total, shares = board.total(name, 0), [line.shares[name] for line in board.lines if name in line.shares]
        queues = sorted({queue for share in shares for queue in share.queues})
        found[name] = Share(total.sums, total.now, queues[:NAMES_MAX], sum(share.unlisted for share in shares))
    return found


def home_of(name: str, partitions: int) -> int | None:
    """The partition that a snapshot's *name* belongs to; None for what every partition has of its own."""
    return None if name == BOARD else partition_of(queue_of_plan(name) or name, partitions)


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
