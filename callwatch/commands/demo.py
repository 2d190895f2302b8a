"""``callwatch demo``: everything on the embedded stack with a recorded day at speed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add ``demo`` and the bot that it starts."""
    app.command("demo")(demo)
    app.command("liaison", hidden=True)(liaison)


def demo(
    recording: Annotated[
        Path | None, typer.Option(help="A recording to show; default: a simulated day with incidents.", exists=True)
    ] = None,
    start: Annotated[
        str, typer.Option("--from", metavar="T", help="Local time to begin at; the earlier part warms the windows up.")
    ] = "",
    speed: Annotated[float, typer.Option(min=0.1, max=600.0, help="Times real time.")] = 60.0,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the wallboard; 0: 8080 or any free one.")] = 0,
    seed: Annotated[int, typer.Option(help="Of the simulated day.")] = 1,
    auto_liaison: Annotated[bool, typer.Option(help="A bot works the orders, now and then too hastily.")] = True,
    settings: Annotated[
        Path | None, typer.Option(help="Settings file; default: by the recording.", exists=True)
    ] = None,
) -> None:
    """Start broker, Valkey, worker, wallboard, a replay and a liaison on loopback; Ctrl-C stops all of it.

    Needs no Docker, no Java and no sign-in. The embedded broker keeps its log in memory: the demo stops in order
    before that reaches 2 GiB.
    """
    from callwatch.demonstration import Demo, run

    run(Demo(recording, start, speed, port, seed, auto_liaison, settings))


def liaison(url: Annotated[str, typer.Option(help="Address of the wallboard.")]) -> None:
    """The demo's bot."""
    from callwatch.liaison import work

    work(url)
