"""``callwatch bench``: what this project claims about its speed, measured on the machine at hand."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, cast

import typer

from models.errors import WorkError


def register(app: typer.Typer) -> None:
    """Add ``bench`` with its benchmarks."""
    bench = typer.Typer(help="The benchmarks: every claim is a ratio from one run.", no_args_is_help=True)
    bench.command("throughput")(throughput)
    bench.command("memory")(memory)
    bench.command("takeover")(takeover)
    bench.command("latency")(latency)
    bench.command("growth")(growth)
    bench.command("wallboard")(wallboard)
    bench.command("recovery")(recovery)
    bench.command("start")(start)
    bench.command("table")(table)
    bench.command("detection")(detection)
    app.add_typer(bench, name="bench")


def throughput(
    events: Annotated[
        int | None, typer.Option(help="Events of the stream (default 2000000; with --smoke 50000).")
    ] = None,
    queues: Annotated[int, typer.Option(help="Queues that they spread over.")] = 200,
    partitions: Annotated[int, typer.Option(help="Partitions of the topic.")] = 4,
    seed: Annotated[int, typer.Option(help="Another seed is another stream.")] = 1,
    runs: Annotated[int, typer.Option(help="Rounds; of several each contender's median counts.")] = 1,
    codec: Annotated[
        list[str] | None,
        typer.Option(help="On the broker: none or zstd; may be given again (default both)."),
    ] = None,
    workers: Annotated[
        list[int] | None,
        typer.Option(help="Workers on one log; may be given again (default 1, 2, 4; 0: none; --smoke: none)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON and nothing else.")] = False,
    smoke: Annotated[bool, typer.Option(help="A small run that shows that it works; writes no results.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the results (default: benchmarks/results).")
    ] = None,
) -> None:
    """Events a second of the worker with the whole job on, beside plain Faust, librdkafka and aiokafka.

    Brings its own broker. A run of the default size takes some two minutes; a quiet machine gives the figures meaning.
    """
    import orjson
    from rich.console import Console

    from benchmarks import machine, report
    from benchmarks import throughput as benchmark
    from benchmarks.stream import Shape
    from callwatch.progress import Progress

    size = events if events is not None else benchmark.SMOKE_EVENTS if smoke else benchmark.DEFAULT_EVENTS
    plan = benchmark.Plan(
        Shape(size, queues, partitions, seed),
        runs=runs,
        faust_events=benchmark.SMOKE_FAUST_EVENTS if smoke else benchmark.FAUST_EVENTS,
        codecs=cast("tuple[benchmark.Codec, ...]", tuple(codec)) if codec else benchmark.CODECS,
        workers=tuple(n for n in workers if n) if workers else () if smoke else benchmark.WORKERS,
    )
    with Progress() as progress:
        results = benchmark.measure(plan, lambda text: progress.say(f"bench: {text}"))
    folder = output if output is not None else None if smoke else machine.ROOT / "benchmarks" / "results"
    if folder is not None:
        report.write(results, folder)
    if as_json:
        sys.stdout.write(orjson.dumps(results, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    for made in report.tables(results):
        Console().print(made)


def memory(
    days: Annotated[int | None, typer.Option(help="Simulated days (default 30; with --smoke 2).")] = None,
    queues: Annotated[int | None, typer.Option(help="Queues (default 6; with --smoke 2).")] = None,
    seed: Annotated[int, typer.Option(help="Another seed is another month.")] = 1,
    stack_days: Annotated[
        int | None, typer.Option(help="Days through the running servers (default 6; with --smoke 0).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON and nothing else.")] = False,
    smoke: Annotated[bool, typer.Option(help="A small run that shows that it works; writes no results.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the results (default: benchmarks/results).")
    ] = None,
) -> None:
    """What everything that holds state holds over a simulated month. Exits with 1 when something is not flat."""
    import orjson
    from rich.console import Console

    from benchmarks import machine, memory_report
    from benchmarks import memory as benchmark
    from benchmarks.month import Month
    from benchmarks.servers import measure as measure_servers
    from callwatch.progress import Progress

    month = Month(
        days=days if days is not None else 2 if smoke else 30,
        queues=queues if queues is not None else 2 if smoke else 6,
        seed=seed,
        clock_ms=60_000 if smoke else 20_000,
    )
    through_servers = stack_days if stack_days is not None else 0 if smoke else 6
    folder = output if output is not None else None if smoke else machine.ROOT / "benchmarks" / "results"
    with Progress() as progress:
        results = benchmark.measure(month, lambda text: progress.say(f"bench: {text}"))
        if folder is not None:  # the month is not lost when a server falls silent
            memory_report.write(results, folder)
        if through_servers:
            results["stack"] = measure_servers(month, through_servers, lambda text: progress.say(f"bench: {text}"))
    if folder is not None and through_servers:
        memory_report.write(results, folder)
    if as_json:
        sys.stdout.write(orjson.dumps(results, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        Console().print(memory_report.table(results))
    if results["leaks"]:
        raise WorkError(memory_report.verdict(results))


def takeover(
    partitions: Annotated[int, typer.Option(help="Partitions of the topics.")] = 6,
    queues: Annotated[int, typer.Option(help="Queues that the load spreads over.")] = 120,
    events_per_s: Annotated[int, typer.Option("--rate", help="Events a second.")] = 2_000,
    session_timeout: Annotated[float, typer.Option(help="[kafka] session_timeout_s of the workers.")] = 6.0,
    bootstrap: Annotated[str, typer.Option(help="A broker that runs already (default: an embedded one).")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON and nothing else.")] = False,
    smoke: Annotated[bool, typer.Option(help="Three steps that show that it works; writes no results.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the results (default: benchmarks/results).")
    ] = None,
) -> None:
    """How long queues are dark when workers come, go and are killed under load. Exits with 1 beyond the bound."""
    import orjson
    from rich.console import Console

    from benchmarks import machine, takeover_report
    from benchmarks import takeover as benchmark
    from callwatch.progress import Progress

    plan = benchmark.Plan(
        partitions=partitions,
        queues=queues,
        events_per_s=events_per_s,
        session_s=session_timeout,
        heartbeat_s=min(1.0, session_timeout / 3),
        steps=benchmark.STEPS[:3] if smoke else benchmark.STEPS,
        bootstrap=bootstrap,
    )
    with Progress() as progress:
        results = benchmark.measure(plan, lambda text: progress.say(f"bench: {text}"))
    folder = output if output is not None else None if smoke else machine.ROOT / "benchmarks" / "results"
    if folder is not None:
        takeover_report.write(results, folder)
    if as_json:
        sys.stdout.write(orjson.dumps(results, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        Console().print(takeover_report.table(results))
    if not results["held"]:
        raise WorkError(takeover_report.verdict(results))


def latency(
    rate: Annotated[
        list[int] | None, typer.Option(help="Events a second; may be given again (default 1000, 5000, 10000, 50000).")
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="Of probes at each rate (default 30; with --smoke 2).")] = None,
    queues: Annotated[int, typer.Option(help="Queues that the load spreads over.")] = 200,
    partitions: Annotated[int, typer.Option(help="Partitions of the topics.")] = 4,
    bootstrap: Annotated[str, typer.Option(help="A broker that runs already (default: an embedded one).")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON and nothing else.")] = False,
    smoke: Annotated[bool, typer.Option(help="A small run that shows that it works; writes no results.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the results (default: benchmarks/results).")
    ] = None,
) -> None:
    """From an event, or from a wait that passes its limit, to the alert on the topic, under load."""
    import orjson
    from rich.console import Console

    from benchmarks import latency as benchmark
    from benchmarks import latency_report, machine
    from callwatch.progress import Progress

    plan = benchmark.Plan(
        rates=tuple(rate) if rate else (1_000,) if smoke else benchmark.RATES,
        seconds=seconds if seconds is not None else 2.0 if smoke else 30.0,
        queues=queues,
        partitions=partitions,
        bootstrap=bootstrap,
    )
    with Progress() as progress:
        results = benchmark.measure(plan, lambda text: progress.say(f"bench: {text}"))
    folder = output if output is not None else None if smoke else machine.ROOT / "benchmarks" / "results"
    if folder is not None:
        latency_report.write(results, folder)
    if as_json:
        sys.stdout.write(orjson.dumps(results, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        Console().print(latency_report.table(results))


def growth(
    queues: Annotated[
        list[int] | None, typer.Option(help="Sizes; give it again for more (default 10 to 100000).")
    ] = None,
    events: Annotated[int | None, typer.Option(help="Events that are timed (default 400000).")] = None,
    runs: Annotated[int | None, typer.Option(help="Of each size; the fastest counts (default 3).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON and nothing else.")] = False,
    smoke: Annotated[bool, typer.Option(help="Small sizes that show that it works; writes no results.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the results (default: benchmarks/results).")
    ] = None,
) -> None:
    """Time per event, memory per queue and time per clock, from 10 to 100,000 queues and callers waiting."""
    import orjson
    from rich.console import Console

    from benchmarks import growth as benchmark
    from benchmarks import growth_report, machine
    from callwatch.progress import Progress

    plan = benchmark.Plan(
        queues=tuple(queues) if queues else (10, 1_000) if smoke else benchmark.QUEUES,
        waiting=(1_000,) if smoke else benchmark.WAITING,
        events=events if events is not None else 20_000 if smoke else benchmark.EVENTS,
        runs=runs if runs is not None else 1 if smoke else 3,
    )
    with Progress() as progress:
        results = benchmark.measure(plan, lambda text: progress.say(f"bench: {text}"))
    folder = output if output is not None else None if smoke else machine.ROOT / "benchmarks" / "results"
    if folder is not None:
        growth_report.write(results, folder)
    if as_json:
        sys.stdout.write(orjson.dumps(results, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        Console().print(growth_report.table(results))


def wallboard(
    screens: Annotated[int | None, typer.Option(help="Screens at once (default 1000; with --smoke 20).")] = None,
    queues: Annotated[int | None, typer.Option(help="Queues on the board (default 60; with --smoke 5).")] = None,
    seconds: Annotated[float | None, typer.Option(help="Of updates (default 30; with --smoke 2).")] = None,
    slow: Annotated[int | None, typer.Option(help="Screens that never read (default 10; with --smoke 1).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON and nothing else.")] = False,
    smoke: Annotated[bool, typer.Option(help="A few screens, to show that it works; writes no results.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the results (default: benchmarks/results).")
    ] = None,
) -> None:
    """Time from a row to every screen, one update a second, with the wallboard on one core; memory per screen."""
    import orjson
    from rich.console import Console

    from benchmarks import machine, wallboard_report
    from benchmarks import wallboard as benchmark
    from callwatch.progress import Progress

    plan = benchmark.Plan(
        screens=screens if screens is not None else 20 if smoke else benchmark.SCREENS,
        queues=queues if queues is not None else 5 if smoke else benchmark.QUEUES,
        seconds=seconds if seconds is not None else 2.0 if smoke else 30.0,
        slow=slow if slow is not None else 1 if smoke else benchmark.SLOW,
    )
    with Progress() as progress:
        results = benchmark.measure(plan, lambda text: progress.say(f"bench: {text}"))
    folder = output if output is not None else None if smoke else machine.ROOT / "benchmarks" / "results"
    if folder is not None:
        wallboard_report.write(results, folder)
    if as_json:
        sys.stdout.write(orjson.dumps(results, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        Console().print(wallboard_report.table(results))


def recovery(
    queues: Annotated[
        list[int] | None, typer.Option(help="Sizes (default 100, 1000, 10000; with --smoke 100).")
    ] = None,
    session_timeout: Annotated[float, typer.Option(help="[kafka] session_timeout_s of the workers.")] = 6.0,
    bootstrap: Annotated[str, typer.Option(help="A broker that runs already (default: an embedded one).")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON and nothing else.")] = False,
    smoke: Annotated[bool, typer.Option(help="One size that shows that it works; writes no results.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the results (default: benchmarks/results).")
    ] = None,
) -> None:
    """From kill -9 of a worker until another has taken up its queues, by the number of queues."""
    import orjson
    from rich.console import Console

    from benchmarks import machine, recovery_report
    from benchmarks import recovery as benchmark
    from callwatch.progress import Progress

    plan = benchmark.Plan(
        queues=tuple(queues) if queues else (100,) if smoke else benchmark.QUEUES,
        session_s=session_timeout,
        settle_s=2.0 if smoke else benchmark.SETTLE_S,
        bootstrap=bootstrap,
    )
    with Progress() as progress:
        results = benchmark.measure(plan, lambda text: progress.say(f"bench: {text}"))
    folder = output if output is not None else None if smoke else machine.ROOT / "benchmarks" / "results"
    if folder is not None:
        recovery_report.write(results, folder)
    if as_json:
        sys.stdout.write(orjson.dumps(results, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        Console().print(recovery_report.table(results))


def start(
    launches: Annotated[int | None, typer.Option(help="Launches that are timed (default 5; with --smoke 1).")] = None,
    bootstrap: Annotated[str, typer.Option(help="A broker that runs already (default: an embedded one).")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON and nothing else.")] = False,
    smoke: Annotated[bool, typer.Option(help="One launch that shows that it works; writes no results.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the results (default: benchmarks/results).")
    ] = None,
) -> None:
    """From launching a worker until it is ready, and until it watches its partitions."""
    import orjson
    from rich.console import Console

    from benchmarks import machine, start_report
    from benchmarks import start as benchmark
    from callwatch.progress import Progress

    plan = benchmark.Plan(launches if launches is not None else 1 if smoke else benchmark.LAUNCHES, bootstrap)
    with Progress() as progress:
        results = benchmark.measure(plan, lambda text: progress.say(f"bench: {text}"))
    folder = output if output is not None else None if smoke else machine.ROOT / "benchmarks" / "results"
    if folder is not None:
        start_report.write(results, folder)
    if as_json:
        sys.stdout.write(orjson.dumps(results, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        Console().print(start_report.table(results))


def table(
    results: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder with the results (default: benchmarks/results).")
    ] = None,
    readme: Annotated[Path | None, typer.Option(help="The page it stands on (default: README.md).")] = None,
) -> None:
    """Make the README's table of figures anew from the results: what was measured, and where we lose."""
    from benchmarks import machine, summary

    page = readme if readme is not None else machine.ROOT / "README.md"
    made = summary.update(
        page.read_text(encoding="utf-8"), summary.read(results or machine.ROOT / "benchmarks" / "results")
    )
    page.write_text(made, encoding="utf-8")


def detection(
    seeds: Annotated[int | None, typer.Option(help="Sets of queues (default 3; with --smoke 1).")] = None,
    weeks: Annotated[int | None, typer.Option(help="Ordinary weeks that are judged (default 3).")] = None,
    first: Annotated[int, typer.Option(help="The first seed.")] = 1,
    real: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The recorded months: judge these instead of the suite.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON and nothing else.")] = False,
    smoke: Annotated[bool, typer.Option(help="A small run that shows that it works; writes no results.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the results (default: benchmarks/results).")
    ] = None,
) -> None:
    """What is found of troubles of known harm, how soon, at what price in false orders, beside five others."""
    from dataclasses import replace

    import orjson
    from rich.console import Console

    from benchmarks import machine
    from benchmarks.detection import real as months
    from benchmarks.detection import real_report, report, run
    from benchmarks.detection.suite import SMOKE, Plan
    from callwatch.progress import Progress

    folder = output if output is not None else None if smoke else machine.ROOT / "benchmarks" / "results"
    with Progress() as progress:
        if real is not None:
            found = months.measure(real, progress.show)
        else:
            plan = SMOKE if smoke else Plan(first=first)
            plan = replace(plan, seeds=seeds or plan.seeds, weeks=weeks or plan.weeks)
            found = run.measure(plan, lambda text: progress.show(f"bench: {text}"))
    pages = real_report if real is not None else report
    if folder is not None:
        pages.write(found, folder)
    if as_json:
        sys.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    console = Console()
    for table in pages.tables(found):
        (console if console.is_terminal else Console(width=180)).print(table)
