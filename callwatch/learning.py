"""What is normal, learned from recordings: a rehearsal without rules, and what it came to as records of the log.

No rule is judged, so nothing opens an order and nothing is kept from being learned but days that are named as odd and
what planned events in a capture cover; single values teach no more than credible ones. Clocks come every minute, which
says the same of whole half-hours as one a second.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from agents.actor import PartitionActor
from callwatch.rehearsal import BATCH, Rehearsal
from models.catalogue import Catalogue, Rule
from models.decode import read
from models.errors import InputError, WorkError
from models.fields import is_unit
from models.habit_record import TYPE, habit_record, read_habit
from models.hours import local
from models.partition import partition_of
from models.refusal import Refused
from models.runtime import KafkaSettings
from models.topics import EVENTS, topic_name
from sources.recording import Recording, open_recording
from sources.timeline import timeline
from streams.broker import partition_numbers
from streams.sending import Sender

#: The longest step after which every half-hour still counts as whole (`alerts.habit.book`).
CLOCK_MS: Final = 60_000
#: Odd days are marked so long before they come: longer than a batch of a quiet queue lasts. A queue keeps few marks.
_AHEAD: Final = timedelta(days=10)
#: Records sent and confirmed at a time: some 8 MB.
_AT_ONCE: Final = 500
_SOURCE: Final = "callwatch learn"
#: A rule that no queue has: with none at all the default ones would hold.
_NO_RULES: Final = tuple(
    Rule("nothing", "offered", "30m", 1e9, 1e9, below=False, pattern="-/-", of=of) for of in ("queues", "units")
)

Say = Callable[[str], None]


def learn(
    recordings: Sequence[str], catalogue: Catalogue, odd: Sequence[date] = (), show: Say = lambda text: None
) -> dict[str, dict[str, Any]]:
    """What each queue of *recordings* (names of files, "-" standard input; in order of time) came to, by its name.

    *odd* are local days that teach nothing. Raises InputError for a damaged recording, and for one that begins before
    the one before it has ended.
    """
    quiet = _without_rules(catalogue)
    rehearsal = Rehearsal(quiet, 1)
    actor = rehearsal.actors[0]
    for name in recordings:
        with open_recording(name) as recording:
            _hear(rehearsal, recording, name, odd, show)
    found = {queue: actor.habits.learned(queue) for queue in sorted(actor.names.names) if not is_unit(queue)}
    return {queue: learned for queue, learned in found.items() if learned}


def _without_rules(catalogue: Catalogue) -> Catalogue:
    return replace(catalogue, rules=_NO_RULES)


def _hear(rehearsal: Rehearsal, recording: Recording, name: str, odd: Sequence[date], show: Say) -> None:
    actor, first = rehearsal.actors[0], True
    marked: set[tuple[str, date]] = set()
    for item in timeline(recording, clock_every_ms=CLOCK_MS):
        if first and item.at_ms < actor.windows.now_ms:
            raise InputError(f"{name} begins before the recording before it has ended: give them in order of time.")
        first = False
        rehearsal.lay(0, item.value)
        if rehearsal.held >= BATCH:
            rehearsal.play()
            _mark(actor, odd, marked)
            show(f"learn: {name}: {datetime.fromtimestamp(item.at_ms / 1000, UTC):%Y-%m-%d %H:%M}")
    while rehearsal.held:
        rehearsal.play()
    _mark(actor, odd, marked)


def _mark(actor: PartitionActor, odd: Sequence[date], marked: set[tuple[str, date]]) -> None:
    """Mark the *odd* days that are near in every queue that has come up."""
    if not odd or actor.windows.now_ms < 0:
        return
    near = local("UTC", actor.windows.now_ms).date() + _AHEAD
    for queue in actor.names.names:
        for day in odd:
            if day <= near and (queue, day) not in marked and actor.habits.mark_odd(queue, day):
                marked.add((queue, day))


def records(learned: dict[str, dict[str, Any]], ts_ms: int, told: str = "") -> Iterator[tuple[str, bytes]]:
    """*learned* as records ``habit.learned`` by queue; *told* makes their ids (one's own when it is not said)."""
    told = told or uuid.uuid4().hex
    for n, (queue, found) in enumerate(sorted(learned.items())):
        yield queue, habit_record(queue, found, id=f"learn-{told}-{n}", source=_SOURCE, ts_ms=ts_ms)


def read_learned(path: str | Path) -> list[tuple[str, bytes]]:
    """The records of a file that `callwatch learn -o` wrote, by queue: to be laid before a recording is rehearsed.

    Raises InputError with the line that is none.
    """
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.") from error
    found = []
    for n, line in enumerate(lines, 1):
        try:
            record = read(line)
            if record.get("type") != TYPE:
                raise InputError(f"{path}: line {n}: {record.get('type')} is not {TYPE}.")
            read_habit(record)
        except Refused as refused:
            raise InputError(f"{path}: line {n}: {refused.reason}: {refused.detail}") from refused
        found.append((str(record["queue"]), line))
    return found


async def tell(kafka: KafkaSettings, told: Sequence[tuple[str, bytes]]) -> None:
    """Write the records *told* into the log of a running installation, each to the partition of its queue.

    Raises WorkError when there is no such log, or it cannot be written.
    """
    topic, numbers = topic_name(kafka.prefix, EVENTS), await partition_numbers(kafka)
    if numbers[EVENTS] != kafka.partitions:
        found = f"has {numbers[EVENTS]}" if numbers[EVENTS] else "is not there"
        raise WorkError(
            f"The topic {topic} {found}, the settings say {kafka.partitions} partitions. Check [kafka] bootstrap, "
            "prefix and partitions; a worker makes the topics when it starts."
        )
    async with Sender(kafka) as send:
        for first in range(0, len(told), _AT_ONCE):
            await send(
                [
                    (topic, partition_of(queue, kafka.partitions), queue.encode(), value, None)
                    for queue, value in told[first : first + _AT_ONCE]
                ]
            )
