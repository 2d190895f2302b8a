"""``callwatch replay``: a recording onto Kafka."""

from __future__ import annotations

import signal
import sys
import threading
from dataclasses import replace as changed
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from models.errors import UsageError, WorkError

if TYPE_CHECKING:
    from models.runtime import KafkaSettings
    from sources.replay import ReplayState


def register(app: typer.Typer) -> None:
    """Register ``replay``."""

    @app.command()
    def replay(
        recording: Annotated[str, typer.Argument(metavar="REC", help="The recording; - is standard input.")],
        speed: Annotated[float, typer.Option(min=0.0, help="Times real time; 0 is flat out.")] = 0.0,
        start: Annotated[
            str, typer.Option("--from", metavar="T", help="Local time of the recording, as 1999-02-03T12:00.")
        ] = "",
        warm_up: Annotated[
            float | None,
            typer.Option(
                min=0.0,
                metavar="HOURS",
                help="Before --from, sent flat out. By default from local midnight, 4.5 hours at least.",
            ),
        ] = None,
        tail: Annotated[
            float,
            typer.Option(min=0.0, metavar="MINUTES", help="Clocks after the end: 60 make the last interval final."),
        ] = 0.0,
        settings: Annotated[Path | None, typer.Option(metavar="FILE", help="The settings file.")] = None,
        bootstrap: Annotated[str, typer.Option(metavar="HOST:PORT", help="Broker; overrides the settings.")] = "",
        prefix: Annotated[str | None, typer.Option(help="Of the topics; overrides the settings.")] = None,
        partitions: Annotated[int | None, typer.Option(min=1, help="Of each topic; overrides the settings.")] = None,
    ) -> None:
        """Send a recording to the topic ``events``, with clock records from its event time.

        Topics that are missing are made. Ctrl-C stops in order: what was sent is confirmed first.
        """
        if warm_up is not None and not start:
            raise UsageError("--warm-up needs --from.")
        kafka = _kafka(settings, bootstrap, prefix, partitions)
        state, zone = _replay(recording, kafka, speed, start, warm_up, tail)
        where = f"{kafka.partitions} partitions of {kafka.prefix}events"
        sent = f"{state.events:,} events and {state.clocks:,} clocks on {where}"
        if state.stopped:
            raise WorkError(f"Stopped by request at {_local(state.stream_ms, zone)}; the broker has {sent}.")
        sys.stdout.write(f"sent {sent}\n")


def _kafka(settings: Path | None, bootstrap: str, prefix: str | None, partitions: int | None) -> KafkaSettings:
    from callwatch.settings import load_settings

    kafka = load_settings(settings).kafka
    return changed(
        kafka,
        bootstrap=bootstrap or kafka.bootstrap,
        prefix=kafka.prefix if prefix is None else prefix,
        partitions=partitions or kafka.partitions,
    )


def _replay(
    name: str, kafka: KafkaSettings, speed: float, start: str, warm_up_h: float | None, tail_min: float
) -> tuple[ReplayState, ZoneInfo]:
    import asyncio

    from callwatch.progress import Progress
    from models.topics import EVENTS, topic_name
    from sources.recording import open_recording
    from sources.replay import check_covered, replay, start_of, warm_up_from

    with open_recording(name) as recording, Progress() as progress:
        header = recording.header
        zone = header.tzinfo
        from_ms = since_ms = None
        if start:
            from_ms = start_of(start, header)
            check_covered(name, header, from_ms)
            since_ms = warm_up_from(from_ms, header, None if warm_up_h is None else round(warm_up_h * 3_600_000))
        # late, so that a wrong call is told at once: these bring aiokafka and Faust
        from models.broker_access import client_options
        from sources.kafka_sink import KafkaSink
        from streams.broker import create_topics

        asyncio.run(create_topics(kafka))
        with KafkaSink(client_options(kafka), topic_name(kafka.prefix, EVENTS)) as sink:
            state = replay(
                recording,
                sink,
                kafka.partitions,
                speed=speed,
                from_ms=from_ms,
                since_ms=since_ms,
                tail_ms=round(tail_min * 60_000),
                progress=lambda now: progress.show(_sentence(now, zone)),
                stop=_stop_on_signals(),
            )
    return state, zone


def _stop_on_signals() -> threading.Event:
    """Set by SIGINT and SIGTERM; a second one ends the process at once."""
    stop = threading.Event()

    def ask(number: int, _: FrameType | None) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    return stop


def _sentence(state: ReplayState, zone: ZoneInfo) -> str:
    doing = "warming up" if state.warming else "replaying"
    late = f", {state.behind_s:.0f} s behind schedule" if state.behind_s >= 1 else ""
    return f"{doing}: {_local(state.stream_ms, zone)}, {state.events:,} events sent{late}"


def _local(ts_ms: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(ts_ms // 1000, zone).isoformat(sep=" ")
