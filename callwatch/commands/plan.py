"""``callwatch plan``: forecasts and rosters from csv files, checked, put in force through the log, and shown."""

from __future__ import annotations

import sys
from dataclasses import replace as changed
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.errors import InputError, UsageError

if TYPE_CHECKING:
    from alerts.staffing.needed import Goal
    from models.plan.interval import PlanDay
    from models.runtime import Settings
    from sources.plan_file import PlanFile

File = Annotated[str, typer.Argument(metavar="FILE.csv", help="The plan; - is standard input.")]
Given = Annotated[
    Path | None, typer.Option("--settings", "-s", metavar="FILE", help="Sites, their zones and hours; the broker.")
]
Name = Annotated[str, typer.Option(metavar="TEXT", help="What people call it (default: the file's name).")]
Bootstrap = Annotated[str, typer.Option(metavar="HOST:PORT", help="Broker; overrides the settings.")]
Prefix = Annotated[str | None, typer.Option(help="Of the topics; overrides the settings.")]
QueuePattern = Annotated[str, typer.Option(metavar="PATTERN", help="Only queues that match, e.g. 'north/*'.")]
Date = Annotated[str, typer.Option(metavar="DATE", help="Only this local day, e.g. 2026-03-02.")]


def register(app: typer.Typer) -> None:
    """Register ``plan``."""
    plan = typer.Typer(
        help="Forecasts and rosters by queue and interval: where there is one, it is what is expected.",
        no_args_is_help=True,
    )
    app.add_typer(plan, name="plan")
    plan.command("check")(check)
    plan.command("import")(import_)
    plan.command("show")(show)


def check(
    file: File,
    settings: Given = None,
    target: Annotated[
        str, typer.Option(metavar="SHARE/SECONDS", help="Also name intervals with too few agents for it, e.g. 0.8/20.")
    ] = "",
    patience_s: Annotated[float, typer.Option(min=1.0, help="Mean patience of callers (with --target).")] = 180.0,
) -> None:
    """Read a plan as `import` would, and say what is wrong or missing in it.

    The csv has a line of column names: queue, start (or date and time) in local time of the queue's site, and offered,
    handle_s, required, scheduled as far as they are planned. Exit code 1: rows are left out.
    """
    from alerts.staffing.needed import Goal
    from callwatch.plans import findings, summary, told
    from callwatch.progress import Progress
    from callwatch.staffing import target_of

    loaded = _settings(settings)
    goal: Goal | None = None
    if target:
        share, seconds = target_of(target)
        goal = Goal(share, seconds)
    found = _read(file, loaded, "")
    sys.stdout.write(f"{summary(found.days)}\n")
    try:
        with Progress() as progress:
            lines = list(told(findings(found.days, loaded.catalogue, goal, patience_s, progress.show)))
    except ValueError as error:
        raise UsageError(f"{error}: check the units of the plan (calls an interval, handle_s in seconds).") from error
    sys.stdout.writelines(f"{line}\n" for line in lines)
    if found.bad:
        sys.stdout.write(f"{found.bad} of {found.rows} rows are left out\n")
        raise typer.Exit(1)


def import_(
    file: File,
    settings: Given = None,
    name: Name = "",
    strict: Annotated[bool, typer.Option(help="Import nothing when a row is wrong.")] = False,
    bootstrap: Bootstrap = "",
    prefix: Prefix = None,
) -> None:
    """Put a plan in force, from where it will lie in the log. A day of a queue is replaced as a whole.

    Rows that are wrong are named and left out. The same plan again changes nothing; an older one imported again is in
    force again. Days more than 15 ahead are left out: import them later.
    """
    import asyncio

    from callwatch.plans import summary
    from callwatch.plans_in_log import tell, too_far
    from streams.clock import wall_ms

    loaded = _settings(settings, bootstrap, prefix)
    found = _read(file, loaded, name)
    if strict and found.bad:
        raise InputError(f"{file}: {found.bad} of {found.rows} rows are wrong, and --strict imports none then.")
    now_ms = wall_ms()
    far = {(day.queue, day.day) for day in too_far(found.days, now_ms)}
    days = [day for day in found.days if (day.queue, day.day) not in far]
    if not days:
        raise InputError(f"{file}: all of its {len(far)} days lie more than 15 days ahead: import it later.")
    asyncio.run(tell(loaded.kafka, days, now_ms))
    sys.stdout.write(f"{summary(days)}: in force from here\n")
    if far:
        sys.stdout.write(f"{len(far)} days lie more than 15 days ahead and are left out: import them later\n")
    if found.bad:
        sys.stdout.write(f"{found.bad} of {found.rows} rows are left out\n")


def show(
    file: Annotated[str, typer.Argument(metavar="[FILE.csv]", help="A plan; without one: those in the log.")] = "",
    settings: Given = None,
    queue: QueuePattern = "*",
    day: Date = "",
    versions: Annotated[bool, typer.Option("--versions", help="Only which version is in force since when.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As in the log.")] = False,
    bootstrap: Bootstrap = "",
    prefix: Prefix = None,
) -> None:
    """Show a plan interval by interval: that of a file, or those in force in a running installation."""
    from callwatch import plans

    loaded = _settings(settings, bootstrap, prefix)
    if file:
        days = plans.chosen(_read(file, loaded, "").days, queue, day)
    else:
        if versions:
            sys.stdout.writelines(f"{line}\n" for line in _versions(loaded, queue, day))
            return
        days = plans.chosen(_in_force(loaded), queue, day)
    if as_json:
        sys.stdout.write(plans.as_json(days))
        return
    if not days:
        sys.stdout.write("no plan\n")
        return
    sys.stdout.writelines(f"{line}\n" for line in plans.table(days))


def _in_force(loaded: Settings) -> list[PlanDay]:
    """The days in force, by queue and date."""
    import asyncio

    from callwatch.plans_in_log import plans_in_log

    book = asyncio.run(plans_in_log(loaded.kafka))
    last = {(one.queue, one.day): one.plan for queue in book.queues() for one in book.versions(queue)}
    return [last[key] for key in sorted(last)]


def _versions(loaded: Settings, queue: str, day: str) -> list[str]:
    import asyncio
    from fnmatch import fnmatchcase

    from callwatch.plans_in_log import plans_in_log
    from models.hours import local

    book = asyncio.run(plans_in_log(loaded.kafka))
    lines = [
        f"{one.queue:<24} {one.day} {one.version} since {local(one.zone, one.since_ms):%Y-%m-%d %H:%M %z} "
        f'"{one.name}", {len(one.rows)} intervals'
        for name in book.queues()
        for one in book.versions(name)
        if fnmatchcase(name, queue) and (not day or one.day == day)
    ]
    return lines or ["no plan"]


def _settings(path: Path | None, bootstrap: str = "", prefix: str | None = None) -> Settings:
    from callwatch.settings import load_settings

    loaded = load_settings(path)
    kafka = changed(
        loaded.kafka,
        bootstrap=bootstrap or loaded.kafka.bootstrap,
        prefix=loaded.kafka.prefix if prefix is None else prefix,
    )
    return changed(loaded, kafka=kafka)


def _read(file: str, loaded: Settings, name: str) -> PlanFile:
    from callwatch.progress import Progress
    from sources.plan_file import read_plan_file

    with Progress() as progress:
        return read_plan_file(file, loaded.catalogue, name, progress.say)
