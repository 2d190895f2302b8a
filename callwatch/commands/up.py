"""``callwatch up``, ``worker`` and ``wallboard``: the running system from a settings file, whole or in parts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

SettingsOption = Annotated[Path | None, typer.Option("--settings", "-s", help="Settings file (TOML).", exists=True)]


def register(app: typer.Typer) -> None:
    """Add ``up``, ``worker`` and ``wallboard``."""
    app.command("up")(up)
    app.command("worker")(worker)
    app.command("wallboard")(wallboard)


def worker(
    settings: SettingsOption = None,
    loglevel: Annotated[str, typer.Option(help="Of Faust and its clients.")] = "WARNING",
    ready: Annotated[Path | None, typer.Option(help="File to make when the kernels are loaded.", hidden=True)] = None,
) -> None:
    """Run one worker: it joins the group, restores the partitions it is given, and watches their queues.

    Start as many as there are partitions; stop with Ctrl-C or SIGTERM (a last snapshot is taken). It ends with a
    message when anything unexpected happens: let a supervisor start it again, nothing is lost.
    """
    import asyncio

    from agents.warm import warm
    from agents.worker import Worker
    from callwatch.settings import load_settings
    from streams.app import run_worker
    from streams.broker import create_topics

    loaded = load_settings(settings)
    sys.stderr.write("worker: loading the kernels (the first time they are compiled: about half a minute)\n")
    warm()
    asyncio.run(create_topics(loaded.kafka))
    sys.stderr.write(f"worker: ready, joining the group at {loaded.kafka.bootstrap}\n")
    if ready is not None:
        ready.touch()
    run_worker(Worker(loaded).app, loglevel)


def wallboard(settings: SettingsOption = None) -> None:
    """Serve the wallboard: the page, its stream of events, and the HTTP interface."""
    from callwatch.settings import load_settings
    from wallboard.server import run

    loaded = load_settings(settings)
    sys.stderr.write(f"wallboard: http://{loaded.wallboard.host}:{loaded.wallboard.port}\n")
    run(loaded)


def up(
    settings: SettingsOption = None,
    workers: Annotated[int, typer.Option(min=1, help="Workers to start.")] = 1,
) -> None:
    """Run workers, wallboard and notifier of one settings file together; Ctrl-C stops all of them.

    The notifier is started when the settings name somebody to tell ([[contact]], [[channel]]).
    """
    from callwatch.children import Children
    from callwatch.settings import load_settings

    notify = load_settings(settings).notify
    extra = [] if settings is None else ["--settings", str(settings)]
    with Children() as children:
        for n in range(workers):
            children.start(f"worker {n + 1}", ["worker", *extra])
        children.start("wallboard", ["wallboard", *extra])
        if notify.contacts or notify.channels:
            children.start("notify", ["notify", *extra])
        children.wait()
