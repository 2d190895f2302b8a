"""The console command ``callwatch``: registers the commands; each lives in its own module of ``callwatch.commands``."""

from __future__ import annotations

import importlib
import sys
from typing import Final

import typer

from models.errors import CallwatchError

#: Modules of callwatch.commands in the order in which ``callwatch --help`` lists them; each has ``register(app)``.
COMMANDS: Final = (
    "demo",
    "up",
    "importing",
    "replay",
    "simulate",
    "intervals",
    "detect",
    "learn",
    "backtest",
    "reconcile",
    "orders",
    "lost",
    "alerts",
    "notify",
    "rules",
    "plan",
    "staff",
    "rota",
    "repartition",
    "bench",
)


def build() -> typer.Typer:
    """The command line with every command registered. Heavy imports belong inside the commands."""
    app = typer.Typer(
        name="callwatch",
        help="Watches a contact centre live and does not let go of a problem until it is gone.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for name in COMMANDS:
        importlib.import_module(f"callwatch.commands.{name}").register(app)
    return app


def main() -> None:
    """Entry point. Exit codes: 0 done, 1 the work failed, 2 the call was wrong."""
    try:
        build()()
    except CallwatchError as error:
        sys.stderr.write(f"callwatch: {error}\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away: not an error of ours
        sys.exit(0)


if __name__ == "__main__":
    main()
