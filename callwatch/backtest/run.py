"""The run of a backtest: the rehearsal of a recording, looked at every minute of its time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from agents.actor import Record
from callwatch.backtest.happened import Happened
from callwatch.backtest.traces import MINUTE_MS, Traces
from callwatch.rehearsal import BATCH, Rehearsal
from models.catalogue import Catalogue
from models.fields import partition_of_queue
from sources.recording import Recording
from sources.replay import places
from sources.timeline import DEFAULT_CLOCK_MS, Item, timeline


@dataclass(slots=True)
class Outcome:
    """What a run gave. Times are those of the first and the last clock, epoch ms."""

    happened: Happened = field(default_factory=Happened)
    first_ms: int = -1
    last_ms: int = -1
    queues: set[str] = field(default_factory=set)
    events: int = 0


def run(
    recording: Recording,
    catalogue: Catalogue,
    *,
    learned: Iterable[tuple[str, bytes]] = (),
    partitions: int = 1,
    clock_every_ms: int = DEFAULT_CLOCK_MS,
    since_ms: int | None = None,
    tail_ms: int = 0,
    traces: Callable[[Rehearsal], Traces] | None = None,
    on_record: Callable[[Record], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
    is_wanted: Callable[[Item], bool] | None = None,
) -> Outcome:
    """Play *recording* and gather what was said. Raises InputError for a damaged recording.

    *learned*, by queue, lies at the beginning of the log. *traces* makes what is kept for plots, *on_record*
    hears every output, *progress* the stream time and the number of events. *is_wanted* may thin out clocks.
    """
    rehearsal, out = Rehearsal(catalogue, partitions), Outcome()
    kept = traces(rehearsal) if traces is not None else None

    def play() -> None:
        for record in rehearsal.play():
            if on_record is not None:
                on_record(record)
            episode = out.happened.add(record)
            if episode is not None and kept is not None:
                kept.begin(episode)

    for queue, value in learned:
        rehearsal.lay(partition_of_queue(queue, partitions), value)
    for item in timeline(recording, clock_every_ms=clock_every_ms, since_ms=since_ms, tail_ms=tail_ms):
        if is_wanted is not None and not is_wanted(item):
            continue
        for partition in places(item, partitions):
            rehearsal.lay(partition, item.value)
        if not item.clock:
            out.events += 1
            if rehearsal.held >= BATCH:
                play()
            continue
        out.first_ms = item.at_ms if out.first_ms < 0 else out.first_ms
        if item.at_ms // MINUTE_MS != out.last_ms // MINUTE_MS:
            play()
            if kept is not None:
                for actor in rehearsal.actors:
                    kept.sample(item.at_ms, actor.windows.figures, actor.names.names[: actor.windows.ready])
            if progress is not None:
                progress(item.at_ms, out.events)
        out.last_ms = item.at_ms
    while rehearsal.held:
        play()
    for actor in rehearsal.actors:
        out.queues.update(actor.names.names[: actor.windows.ready])
    return out
