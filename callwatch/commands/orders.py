"""Placeholder while this command is being built."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Register nothing yet."""
