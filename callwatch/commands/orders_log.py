"""``callwatch orders why``, ``report`` and ``log``: what the log of decisions tells, from Kafka or from a file."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from models.errors import UsageError, WorkError
from models.topics import ALERTS, WORKORDER_LOG

if TYPE_CHECKING:
    from callwatch.journal import Journal
    from callwatch.orders_report.period import Period
    from models.catalogue import Catalogue
    from models.runtime import Settings

SettingsFile = Annotated[Path | None, typer.Option("--settings", metavar="FILE", help="Broker, sites, people.")]
Bootstrap = Annotated[str, typer.Option(metavar="HOST:PORT", help="Broker; overrides the settings.")]
Prefix = Annotated[str | None, typer.Option(help="Of the topics; overrides the settings.")]
LogFile = Annotated[str, typer.Option("--log", metavar="FILE", help="Read this file, not Kafka; - is standard input.")]
Zone = Annotated[str, typer.Option(metavar="ZONE", help="Clock of the times; default: the site's.")]
Output = Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="File to write; - is standard output.")]


def register(orders: typer.Typer) -> None:
    """Add the commands to ``callwatch orders``."""
    orders.command("why")(why)
    orders.command("report")(report)
    orders.command("log")(log)


def why(
    order: Annotated[str, typer.Argument(metavar="ID", help="The order; its beginning is enough.")],
    log: LogFile = "",
    chinese: Annotated[bool, typer.Option("--zh", help="Chinese beside the English.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object, and the order at each version.")] = False,
    zone: Zone = "",
    settings: SettingsFile = None,
    bootstrap: Bootstrap = "",
    prefix: Prefix = None,
) -> None:
    """Tell the whole story of an order from the log alone: each decision, who, why, and the live figures then."""
    import orjson

    from alerts.rebuild import rebuild
    from alerts.story import record, tell, text
    from callwatch.orders_report.period import known_zone
    from models.hours import site_of

    known = with_broker(settings, bootstrap, prefix)
    entries = _entries(known, log, order)
    lines, last = tell(entries), max(rebuild(entries).items())[1]
    clock = known_zone(zone) if zone else site_of(known.catalogue, last["queue"]).zone
    if as_json:
        versions = {str(version): payload for version, payload in rebuild(entries).items()}
        told = {"order": last["id"], "zone": clock, "story": [record(line) for line in lines], "versions": versions}
        _write("-", orjson.dumps(told).decode() + "\n")
        return
    head = f"{last['id']}  {last['queue']}  {last['state']}  severity {last['severity']}\n{last['sentence']}\n"
    _write("-", f"{head}\n{text(lines, clock, chinese)}\n")


def report(
    period: Annotated[Literal["shift", "day", "week", "month"], typer.Option(help="Of what length.")],
    at: Annotated[
        str, typer.Option(metavar="DATE", help="A day or time in the period; default: the last decision's.")
    ] = "",
    queue: Annotated[str, typer.Option(metavar="QUEUE", help="Of this queue alone; wildcards are possible.")] = "",
    site: Annotated[str, typer.Option(metavar="SITE", help="Of the queues of this site alone.")] = "",
    format_: Annotated[Literal["html", "json"], typer.Option("--format", help="A page, or the figures.")] = "html",
    lost: Annotated[
        str, typer.Option("--lost", metavar="REC|topic", help="With the lost calls of a recording, or of the topic.")
    ] = "",
    output: Output = "-",
    log: LogFile = "",
    zone: Zone = "",
    settings: SettingsFile = None,
    bootstrap: Bootstrap = "",
    prefix: Prefix = None,
) -> None:
    """Write the bulletin of a shift, day, week or month: orders, figures of the loop, plots and trend notes."""
    from callwatch.orders_report.bulletin import bulletin
    from callwatch.orders_report.page import page

    known = with_broker(settings, bootstrap, prefix)
    journal = _journal(known, log, of_queues(queue, site))
    of = _period(known.catalogue, journal, period, at, zone)
    lost_calls = _lost(known, lost, of_queues(queue, site), of) if lost else None
    found = bulletin(journal, of, known.catalogue, {"site": site, "queue": queue}, lost_calls)
    _write(output, page(found) if format_ == "html" else _json(found))


def log(
    output: Output = "-",
    settings: SettingsFile = None,
    bootstrap: Bootstrap = "",
    prefix: Prefix = None,
) -> None:
    """Copy the log of orders and all alerts into a file, for ``why --log`` and ``report --log``.

    A name that ends in .zst makes it a recording; else it has one JSON object a line.
    """
    import orjson

    from sources.recording import RecordingHeader, RecordingWriter

    known = with_broker(settings, bootstrap, prefix)
    payloads: list[dict[str, Any]] = []
    _read(known, payloads.append, (WORKORDER_LOG, ALERTS))
    lines = [orjson.dumps(payload) for payload in payloads]
    if output.endswith(".zst"):
        with RecordingWriter(output, RecordingHeader(made_by="callwatch orders log", ordered="log")) as file:
            file.write_all(lines)
    else:
        _write(output, "".join(line.decode() + "\n" for line in lines))


def with_broker(settings: Path | None, bootstrap: str, prefix: str | None) -> Settings:
    """The settings in the file, with what the command line says of the broker."""
    from callwatch.settings import load_settings

    found = load_settings(settings)
    kafka = found.kafka
    kafka = replace(kafka, bootstrap=bootstrap or kafka.bootstrap, prefix=kafka.prefix if prefix is None else prefix)
    return replace(found, kafka=kafka)


def of_queues(queue: str, site: str) -> Callable[[str], bool]:
    """Whether a queue is asked for: by its pattern *queue*, and by its *site*; "" is all."""

    def wanted(name: str) -> bool:
        return (not queue or fnmatchcase(name, queue)) and (not site or name.rpartition("/")[0] == site)

    return wanted


def _journal(known: Settings, log: str, wanted: Callable[[str], bool]) -> Journal:
    """Everything from *log*, or from Kafka. Raises UsageError when there is nothing at all."""
    from callwatch.journal import Journal, read_file

    journal = Journal(wanted)
    if log:
        for payload in read_file(log):
            journal.add(payload)
    else:
        _read(known, journal.add, (WORKORDER_LOG, ALERTS))
    if journal.last_ms is None:
        raise UsageError("There is no decision in the log yet: no order was ever opened. Check --prefix or --log.")
    return journal


def _entries(known: Settings, log: str, beginning: str) -> list[dict[str, Any]]:
    """The entries of the one order whose id begins with *beginning*. Raises UsageError when there is not just one."""
    from callwatch.journal import read_file

    found: dict[str, list[dict[str, Any]]] = {}

    def take(payload: dict[str, Any]) -> None:
        if "order_after" in payload and payload["order"].startswith(beginning):
            found.setdefault(payload["order"], []).append(payload)

    if log:
        for payload in read_file(log):
            take(payload)
    else:
        _read(known, take, (WORKORDER_LOG,), beginning.encode())
    if beginning in found:
        return found[beginning]
    if len(found) != 1:
        reason = "no order's id begins" if not found else f"{len(found)} orders' ids begin"
        raise UsageError(f"{reason} with {beginning} in {log or 'the log'}")
    return next(iter(found.values()))


def _read(known: Settings, take: Callable[[dict[str, Any]], None], topics: tuple[str, ...], mark: bytes = b"") -> None:
    """Every payload of *topics* on Kafka."""
    from callwatch.journal import read_topics
    from callwatch.progress import Progress

    async def read() -> None:
        n = 0
        async for payload in read_topics(known.kafka, topics, mark):
            take(payload)
            n += 1
            if n % 1000 == 0:
                progress.show(f"{n} records read")

    with Progress() as progress:
        asyncio.run(read())


def _period(
    catalogue: Catalogue, journal: Journal, kind: Literal["shift", "day", "week", "month"], at: str, zone: str
) -> Period:
    from callwatch.orders_report.period import calendar_period, known_zone, moment_ms, shift_period, zone_of

    clock = known_zone(zone) if zone else zone_of(catalogue, journal.queues)
    at_ms = moment_ms(at, clock, kind) if at else journal.last_ms or 0
    return shift_period(catalogue, journal.queues, at_ms) if kind == "shift" else calendar_period(kind, clock, at_ms)


def _lost(known: Settings, source: str, wanted: Callable[[str], bool], period: Period) -> dict[str, Any]:
    """The lost calls of the local days that *period* touches."""
    from callwatch.lost_report import Days, listened, summary
    from callwatch.progress import Progress
    from models.hours import local

    with Progress() as progress:
        found, catalogue = listened(known, source, wanted, progress.show)
    first, last = (local(period.zone, at_ms).date().isoformat() for at_ms in (period.from_ms, period.to_ms - 1))
    return summary(found, catalogue, Days(first, last))


def _json(found: dict[str, Any]) -> str:
    import orjson

    return orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n"


def _write(output: str, text: str) -> None:
    """Write *text*; a file appears whole or not at all. Raises WorkError when it cannot be written."""
    if output == "-":
        sys.stdout.write(text)
        return
    target = Path(output)
    partial = target.with_name(f".{target.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(target)
    except OSError as error:
        raise WorkError(f"Cannot write {output}: {error.strerror}. Name another place with -o.") from error
