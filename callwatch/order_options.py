"""Options and arguments that the commands below ``callwatch orders`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Url = Annotated[str, typer.Option(envvar="CALLWATCH_URL", help="Address of the wallboard.", metavar="URL")]
SettingsFile = Annotated[Path | None, typer.Option("--settings", help="Finds the wallboard's address.", metavar="FILE")]
OrderId = Annotated[str, typer.Argument(metavar="ID", help="The order; its beginning is enough when no other has it.")]
Actor = Annotated[str, typer.Option("--as", metavar="PERSON", help="Person id of who says so.")]
Reason = Annotated[str, typer.Option(help="Why, one line.")]
Text = Annotated[str, typer.Option(help="One line.")]
AsJson = Annotated[bool, typer.Option("--json", help="As the wallboard gives it.")]
